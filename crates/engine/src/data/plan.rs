//! What a sync would do, and whether it may: the tripwire.

/// Deletions that are never too many, unless they leave nothing.
const ALWAYS_ALLOWED: i64 = 20;

/// Files that entries of rsync's figures are told apart into; `None` where it did not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Figures {
    /// Files and links in the source.
    pub(super) files: Option<i64>,
    /// Their bytes.
    pub(super) bytes: Option<i64>,
    /// Files and links that only the target has.
    pub(super) deleted: Option<i64>,
    /// Regular files to be sent or sent.
    pub(super) sent: Option<i64>,
    /// Their bytes in full.
    pub(super) sent_bytes: Option<i64>,
}

impl Figures {
    /// Takes one of rsync's lines of figures in; whether it was one.
    pub(super) fn read(&mut self, line: &str) -> bool {
        let Some((name, value)) = line.split_once(": ") else { return false };
        let field = match name {
            "Number of files" => &mut self.files,
            "Number of deleted files" => &mut self.deleted,
            "Number of regular files transferred" => &mut self.sent,
            "Total file size" => &mut self.bytes,
            "Total transferred file size" => &mut self.sent_bytes,
            _ => return false,
        };
        *field = without_folders(value);
        true
    }
}

/// `6 (reg: 3, dir: 2, link: 1)` without the folders; `7 bytes` as it is.
fn without_folders(value: &str) -> Option<i64> {
    let number = |text: &str| text.trim().replace(',', "").parse::<i64>().ok();
    let all = number(value.split([' ', '(']).next()?)?;
    let folders =
        value.split_once("dir: ").and_then(|(_, rest)| number(rest.split([',', ')']).next()?));
    Some(all - folders.unwrap_or(0))
}

/// What the tripwire says of a sync that was only tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tripwire {
    /// It may go on, with at most so many deletions.
    Pass {
        /// Deletions, folders included.
        most_deletions: i64,
        /// Nothing may be deleted but what was accepted.
        exactly: bool,
    },
    /// It would delete too much.
    Trip {
        /// Files that would be deleted.
        would_delete: i64,
        /// Files on the standby.
        of: i64,
    },
}

/// What the standby itself counted of a sync that was only tried; `None` where it did not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counted {
    /// Files and links on the standby; not needed where none would be deleted.
    pub(super) here: Option<i64>,
    /// Files and links that would be deleted.
    pub(super) deletes: Option<i64>,
    /// Folders that would be.
    pub(super) deletes_folders: Option<i64>,
    /// Files and links that would be new.
    pub(super) creates: Option<i64>,
}

/// Decides whether a sync may be applied: it may delete up to `percent` of the standby's files, or 20
/// where that is more, but never the last one. At 100 everything goes: someone asked for it. Judged is
/// what the standby counted, never what the GPU said, and a figure that is missing trips. Where deletions
/// were accepted those may go, the last one too, and nothing else: `beyond` is how many it would delete that
/// were not. Those stay, and as long as they are no more than would be made unasked they are the next sync's.
pub(super) fn tripwire(counted: &Counted, percent: i64, beyond: Option<i64>) -> Tripwire {
    if percent >= 100 {
        return Tripwire::Pass { most_deletions: i32::MAX.into(), exactly: false };
    }
    let (Some(deletes), Some(folders), Some(creates)) =
        (counted.deletes, counted.deletes_folders, counted.creates)
    else {
        return Tripwire::Trip {
            would_delete: counted.deletes.unwrap_or(0),
            of: counted.here.unwrap_or(0),
        };
    };
    let of = match counted.here {
        Some(here) => here,
        None if deletes == 0 && folders == 0 => 0,
        None => return Tripwire::Trip { would_delete: deletes, of: 0 },
    };
    let most = (of.saturating_mul(percent.max(0)) / 100).max(ALWAYS_ALLOWED);
    if beyond.is_some_and(|beyond| beyond <= most) {
        return Tripwire::Pass { most_deletions: deletes.saturating_add(folders), exactly: true };
    }
    let emptied = deletes > 0 && of.saturating_sub(deletes).saturating_add(creates) <= 0;
    if deletes > most || emptied {
        return Tripwire::Trip { would_delete: deletes, of };
    }
    // rsync counts folders too. Files that went since the dry run are within the same bound.
    Tripwire::Pass { most_deletions: most.saturating_add(folders), exactly: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(here: i64, creates: i64, deletes: i64) -> Counted {
        Counted {
            here: Some(here),
            deletes: Some(deletes),
            deletes_folders: Some(0),
            creates: Some(creates),
        }
    }

    #[test]
    fn what_was_accepted_may_go_and_nothing_else() {
        let one = counted(30, 0, 27);
        assert!(matches!(tripwire(&one, 30, None), Tripwire::Trip { .. }));
        let exactly = Tripwire::Pass { most_deletions: 27, exactly: true };
        assert_eq!(tripwire(&one, 30, Some(0)), exactly, "nor more while it is applied");
        let others = tripwire(&counted(1_000, 0, 327), 30, Some(300));
        assert_eq!(others, Tripwire::Pass { most_deletions: 327, exactly: true }, "those stay");
        let more = tripwire(&counted(1_000, 0, 328), 30, Some(301));
        assert_eq!(more, Tripwire::Trip { would_delete: 328, of: 1_000 }, "shown again");
        let all = Tripwire::Pass { most_deletions: 30, exactly: true };
        assert_eq!(tripwire(&counted(30, 0, 30), 30, Some(0)), all, "the last one too");
        let lacking = Counted { creates: None, ..one };
        assert!(
            matches!(tripwire(&lacking, 30, Some(0)), Tripwire::Trip { .. }),
            "not known, not accepted"
        );
    }

    #[test]
    fn rsyncs_figures_are_read_without_folders() {
        let mut read = Figures::default();
        for line in [
            "Number of files: 5,004 (reg: 5,001, dir: 2, link: 1)",
            "Number of deleted files: 3 (reg: 2, dir: 1)",
            "Number of regular files transferred: 1",
            "Total file size: 1,234,567 bytes",
            "Total transferred file size: 3 bytes",
        ] {
            assert!(read.read(line), "{line}");
        }
        let expected = Figures {
            files: Some(5_002),
            bytes: Some(1_234_567),
            deleted: Some(2),
            sent: Some(1),
            sent_bytes: Some(3),
        };
        assert_eq!(read, expected);
        assert!(!read.read("changes=3"));
    }

    #[test]
    fn an_emptied_workspace_trips_however_small_it_was() {
        assert_eq!(
            tripwire(&counted(3, 0, 3), 30, None),
            Tripwire::Trip { would_delete: 3, of: 3 }
        );
        assert!(matches!(tripwire(&counted(3, 0, 3), 100, None), Tripwire::Pass { .. }));
        assert!(matches!(tripwire(&counted(0, 0, 0), 30, None), Tripwire::Pass { .. }));
        assert!(matches!(tripwire(&counted(1, 1, 1), 30, None), Tripwire::Pass { .. }), "renamed");
    }

    #[test]
    fn the_share_decides_and_a_few_files_never_do() {
        assert!(matches!(tripwire(&counted(30, 0, 20), 30, None), Tripwire::Pass { .. }));
        assert_eq!(
            tripwire(&counted(31, 0, 21), 30, None),
            Tripwire::Trip { would_delete: 21, of: 31 }
        );
        assert_eq!(
            tripwire(&counted(1000, 0, 300), 30, None),
            Tripwire::Pass { most_deletions: 300, exactly: false },
            "and not one more while it is applied"
        );
        let trip = Tripwire::Trip { would_delete: 301, of: 1000 };
        assert_eq!(tripwire(&counted(1000, 0, 301), 30, None), trip);
        assert_eq!(
            tripwire(&counted(1000, 1000, 301), 30, None),
            trip,
            "new files make up for none"
        );
    }

    #[test]
    fn a_figure_that_is_missing_trips() {
        let whole = counted(150, 0, 1);
        assert!(matches!(tripwire(&whole, 30, None), Tripwire::Pass { .. }));
        for lacking in [
            Counted { here: None, ..whole },
            Counted { deletes: None, ..whole },
            Counted { deletes_folders: None, ..whole },
            Counted { creates: None, ..whole },
            Counted::default(),
        ] {
            assert!(matches!(tripwire(&lacking, 30, None), Tripwire::Trip { .. }), "{lacking:?}");
        }
    }

    #[test]
    fn a_first_sync_never_trips() {
        let first = Counted { here: None, ..counted(0, 100_000, 0) };
        assert!(matches!(tripwire(&first, 1, None), Tripwire::Pass { .. }));
    }
}
