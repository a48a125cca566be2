//! What `dumont-agent` is made of: the program that Dumont puts on a GPU machine and on its standby, and
//! talks to over the stdio of an SSH session. No port, no daemon, no key on the GPU.
//!
//! One side has a workspace and answers ([`source::Source`]); the other keeps it ([`target::Target`] is
//! where it is brought back to). Changed means device, inode, size, mtime and ctime; content is known by
//! the BLAKE3 hash that the reading side computed; a file is whole or not published; what can't be read
//! is said to be so. Nothing here decides by the wall clock: time comes in as [`clock::Clock`].

pub mod beneath;
pub mod clock;
#[cfg(feature = "serve")]
pub mod confine;
pub mod connection;
mod content;
#[cfg(feature = "serve")]
pub mod databases;
pub mod entry;
pub mod exclude;
pub mod frame;
pub mod hash;
#[cfg(feature = "keep")]
pub mod keep;
pub mod local_source;
pub mod local_target;
pub mod look;
pub mod lookout;
pub mod message;
mod metadata;
pub mod order;
pub mod path;
mod place_file;
mod progress;
mod queue;
pub mod remote_source;
pub mod remote_target;
pub mod serve;
pub mod source;
mod spool;
#[cfg(feature = "keep")]
pub mod standby;
pub mod target;
mod walk;
mod watch;
mod whole;
mod writers;
