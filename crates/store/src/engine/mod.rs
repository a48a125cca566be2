//! What processes tell each other: the providers' last answers, doorbells, and leases.

pub(crate) mod event;
pub(crate) mod lease;
pub(crate) mod provider_state;
