//! SSH to machines and standbys.
//!
//! One [`Dialer`] per account holds the key; [`Dialer::connect`] gives a [`Shell`], a kept connection
//! on which many commands run side by side. Whatever runs is a [`Script`]: a text that is part of the
//! program, with arguments that reach it as data. Input is never formatted into a script, a changed
//! host key is never accepted, and nothing is awaited without a deadline.

mod connect;
mod error;
mod key;
mod process;
mod script;
mod shell;

pub use connect::{Dialer, HostKey};
pub use error::SshError;
pub use key::KeyPair;
pub use process::{Exit, RemoteProcess};
pub use script::{Script, quote};
pub use shell::{Line, Output, Shell};
