//! Both clients against the provider sandbox, whose wire and whose faults are those of the real
//! services.
#![expect(clippy::expect_used, reason = "tests")]

mod bench;
mod gcp;
mod gcp_faults;
mod vast;
mod vast_buy;
mod vast_faults;
mod vast_list;
