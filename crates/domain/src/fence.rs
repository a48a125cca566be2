//! Fencing the GPU that a machine leaves: by epoch always, and by the provider only where nothing is lost by it.

use crate::failover::Kind;
use crate::verdict::Cause;

/// Whether the old GPU is asked to be stopped when its machine leaves it.
///
/// It is where it is left by plan, and where the provider says that its container does not run: outbid,
/// ended, or gone. One that is merely out of reach, to us or to its provider, may come back with the work's
/// last bytes in it, and a stop would end that: the wish stands with the provider and is carried out when the
/// host is back, before anyone has fetched them. The provider does not charge for a host that is offline.
#[must_use]
pub const fn ends_it(cause: Cause, kind: Kind) -> bool {
    match cause {
        Cause::Outbid | Cause::InstanceGone | Cause::Crashed => true,
        Cause::HostOffline | Cause::Silent | Cause::Manual | Cause::Drill => {
            matches!(kind, Kind::Planned)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_come_back_with_the_last_bytes_is_not_stopped() {
        for cause in [Cause::HostOffline, Cause::Silent, Cause::Manual] {
            assert!(!ends_it(cause, Kind::Real), "{cause}");
            assert!(ends_it(cause, Kind::Planned), "{cause}: its last bytes were moved");
        }
        for cause in [Cause::Outbid, Cause::InstanceGone, Cause::Crashed] {
            assert!(ends_it(cause, Kind::Real), "{cause}");
        }
    }
}
