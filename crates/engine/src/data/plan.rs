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
    /// Files and links that the target does not have.
    pub(super) created: Option<i64>,
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
            "Number of created files" => &mut self.created,
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
    },
    /// It would delete too much.
    Trip {
        /// Files that would be deleted.
        would_delete: i64,
        /// Files on the standby.
        of: i64,
    },
}

/// Decides whether a sync may be applied: it may delete up to `percent` of the standby's files, or 20
/// where that is more, but never the last one. At 100 everything goes: someone asked for it.
pub(super) fn tripwire(figures: &Figures, percent: i64) -> Tripwire {
    if percent >= 100 {
        return Tripwire::Pass { most_deletions: i32::MAX.into() };
    }
    let (source, created) = (figures.files.unwrap_or(0), figures.created.unwrap_or(0));
    let would_delete = figures.deleted.unwrap_or(0);
    let of = (source - created + would_delete).max(0);
    let share = of.saturating_mul(percent.max(0)) / 100;
    let emptied = source == 0 && would_delete > 0;
    if emptied || would_delete > share.max(ALWAYS_ALLOWED) {
        return Tripwire::Trip { would_delete, of };
    }
    // rsync counts folders too; what changed since the dry run is within the same bound.
    Tripwire::Pass { most_deletions: share.max(ALWAYS_ALLOWED).saturating_mul(2).max(200) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(source: i64, created: i64, deleted: i64) -> Figures {
        Figures {
            files: Some(source),
            created: Some(created),
            deleted: Some(deleted),
            ..Figures::default()
        }
    }

    #[test]
    fn rsyncs_figures_are_read_without_folders() {
        let mut read = Figures::default();
        for line in [
            "Number of files: 5,004 (reg: 5,001, dir: 2, link: 1)",
            "Number of created files: 4 (dir: 4)",
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
            created: Some(0),
            deleted: Some(2),
            sent: Some(1),
            sent_bytes: Some(3),
        };
        assert_eq!(read, expected);
        assert!(!read.read("changes=3"));
    }

    #[test]
    fn an_emptied_workspace_trips_however_small_it_was() {
        assert_eq!(tripwire(&figures(0, 0, 3), 30), Tripwire::Trip { would_delete: 3, of: 3 });
        assert!(matches!(tripwire(&figures(0, 0, 3), 100), Tripwire::Pass { .. }));
        assert!(matches!(tripwire(&figures(0, 0, 0), 30), Tripwire::Pass { .. }));
    }

    #[test]
    fn the_share_decides_and_a_few_files_never_do() {
        assert!(matches!(tripwire(&figures(10, 0, 20), 30), Tripwire::Pass { .. }));
        assert_eq!(tripwire(&figures(10, 0, 21), 30), Tripwire::Trip { would_delete: 21, of: 31 });
        assert!(matches!(tripwire(&figures(700, 0, 300), 30), Tripwire::Pass { .. }));
        assert_eq!(
            tripwire(&figures(699, 0, 301), 30),
            Tripwire::Trip { would_delete: 301, of: 1000 }
        );
        // New files do not make up for lost ones.
        assert_eq!(
            tripwire(&figures(1000, 1000, 301), 30),
            Tripwire::Trip { would_delete: 301, of: 301 }
        );
    }

    #[test]
    fn a_first_sync_never_trips() {
        assert!(matches!(tripwire(&figures(100_000, 100_000, 0), 1), Tripwire::Pass { .. }));
    }
}
