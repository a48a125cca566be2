//! What to do next about an instance's host: a pure comparison of what its
//! life calls for with what has been done.

use super::life::Want;

/// What has been done about a host so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// Its files exist.
    pub exists: bool,
    /// It was booted, and not halted since.
    pub up: bool,
    /// Connections are let through.
    pub open: bool,
    /// The boot that was last carried out.
    pub boots: u32,
    /// The keys that were last installed.
    pub keys_version: u32,
    /// It cannot be made; nothing more is tried.
    pub broken: bool,
    /// The rate that the ledger was last told, micro-dollars per hour.
    pub rate_micro: Option<i64>,
}

/// What the instance calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Called {
    /// The host.
    pub want: Want,
    /// The boot that is called for.
    pub boots: u32,
    /// A new port before the boot.
    pub remap: bool,
    /// Files made anew before the boot.
    pub renew: bool,
    /// The keys that are called for.
    pub keys_version: u32,
}

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Make its files and address.
    Create,
    /// Install the keys.
    SetKeys,
    /// Shut it down.
    Halt,
    /// Give it a new port.
    Remap,
    /// Make its files anew.
    Renew,
    /// Start it, open or refusing.
    Boot {
        /// Connections are let through.
        open: bool,
    },
    /// Let connections through, or refuse them.
    Net {
        /// Connections are let through.
        open: bool,
    },
    /// Erase it, close its bill and forget the instance.
    Destroy,
}

/// The next thing to do; none when all is done.
pub(crate) fn next(called: Called, done: &Done) -> Option<Act> {
    if called.want == Want::Nothing {
        return Some(Act::Destroy);
    }
    if done.broken {
        return None;
    }
    if !done.exists {
        return Some(Act::Create);
    }
    if called.keys_version != done.keys_version {
        return Some(Act::SetKeys);
    }
    match called.want {
        Want::Halted if done.up => Some(Act::Halt),
        Want::Booted { .. } if done.up && done.boots != called.boots => Some(Act::Halt),
        Want::Booted { .. } if !done.up && called.renew => Some(Act::Renew),
        Want::Booted { .. } if !done.up && called.remap => Some(Act::Remap),
        Want::Booted { open } if !done.up => Some(Act::Boot { open }),
        Want::Booted { open } if done.open != open => Some(Act::Net { open }),
        Want::Nothing | Want::Halted | Want::Booted { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Want = Want::Booted { open: true };

    fn called(want: Want, boots: u32, remap: bool) -> Called {
        Called { want, boots, remap, renew: false, keys_version: 0 }
    }

    fn done(up: bool, open: bool, boots: u32) -> Done {
        Done { exists: true, up, open, boots, ..Done::default() }
    }

    #[test]
    fn files_come_before_the_boot() {
        assert_eq!(next(called(Want::Halted, 0, false), &Done::default()), Some(Act::Create));
        assert_eq!(next(called(Want::Halted, 0, false), &done(false, false, 0)), None);
        assert_eq!(
            next(called(OPEN, 1, false), &done(false, false, 0)),
            Some(Act::Boot { open: true })
        );
        assert_eq!(next(called(OPEN, 1, false), &done(true, true, 1)), None);
    }

    #[test]
    fn a_reboot_halts_first_and_a_restart_gets_a_new_port() {
        assert_eq!(next(called(OPEN, 2, false), &done(true, true, 1)), Some(Act::Halt));
        assert_eq!(next(called(OPEN, 2, true), &done(false, true, 1)), Some(Act::Remap));
    }

    #[test]
    fn a_recycled_one_loses_its_files_once_it_is_down() {
        let recycled = Called { renew: true, ..called(OPEN, 2, false) };
        assert_eq!(next(recycled, &done(true, true, 1)), Some(Act::Halt));
        assert_eq!(next(recycled, &done(false, true, 1)), Some(Act::Renew));
    }

    #[test]
    fn ssh_opens_and_closes_without_a_boot() {
        assert_eq!(
            next(called(OPEN, 1, false), &done(true, false, 1)),
            Some(Act::Net { open: true })
        );
        let shut = called(Want::Booted { open: false }, 1, false);
        assert_eq!(next(shut, &done(true, true, 1)), Some(Act::Net { open: false }));
    }

    #[test]
    fn the_end_comes_even_to_what_is_broken() {
        let broken = Done { broken: true, ..Done::default() };
        assert_eq!(next(called(OPEN, 1, false), &broken), None);
        assert_eq!(next(called(Want::Nothing, 1, false), &broken), Some(Act::Destroy));
    }
}
