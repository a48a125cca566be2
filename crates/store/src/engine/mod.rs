//! What processes tell each other: the providers' last answers, doorbells, and leases; and what an
//! operator is told of all.

pub(crate) mod event;
pub(crate) mod figures;
pub(crate) mod lease;
pub(crate) mod provider_state;
pub(crate) mod run;
