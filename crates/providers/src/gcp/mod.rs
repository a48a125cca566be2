//! The Google Compute Engine client, on Google's own SDK.
//!
//! A standby is made by name: the name derives from the purchase, and every change carries a request
//! id, so a call that got no answer can be sent again and makes nothing twice. An operation that is
//! done may still have failed; here it never looks like a success.

mod access;
mod client;
mod error;
mod history;
mod key;
mod list;
mod operation;
mod permission;
mod request;
mod vm;

pub use access::{Access, MachineType, Zone};
pub use client::GcpClient;
pub use key::{KeyProblem, ServiceAccount};
pub use operation::OperationRef;
pub use request::StandbyRequest;
pub use vm::{StandbyVm, VmStatus};
