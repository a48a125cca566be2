//! Secrets at rest: the master keys, and the values sealed under them.

pub(crate) mod keyring;
pub(crate) mod rotate;
pub(crate) mod vault;
