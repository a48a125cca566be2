//! What has to be asked for because of what a host lists: pure.

use super::point::Live;
use crate::entry::{Body, Content, Listed};

/// A file of at most so many bytes is fetched without asking for its hash first: the way there and back
/// costs more.
const SMALL: u64 = 64 * 1024;

/// What a listed path needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// It is as it was.
    Nothing,
    /// Only what is not content is news: rights, times, a link's target.
    Describe,
    /// Its hash: maybe nothing of its content is news.
    Hash,
    /// Its content.
    Fetch,
}

/// Compares what is listed with what is known. Size and time never stand for content: that a file is as
/// it was is believed where nothing of its identity moved, it was not read too soon after a change, and
/// no process has it mapped for writing.
pub(super) fn need(listed: &Listed, known: Option<&Live>) -> Need {
    let Body::File { size, .. } = &listed.body else {
        let same = known.is_some_and(|live| {
            live.entry.meta == listed.meta && is_same(&listed.body, &live.entry.content)
        });
        return if same { Need::Nothing } else { Need::Describe };
    };
    let Some(live) = known else { return Need::Fetch };
    let Content::File { size: kept, .. } = &live.entry.content else { return Need::Fetch };
    if live.source == Some(listed.identity) && !live.racy && !listed.mapped {
        let same = live.entry.meta == listed.meta;
        return if same { Need::Nothing } else { Need::Describe };
    }
    // A database's copy has a size of its own.
    if live.database.is_none() && size == kept && *size > SMALL { Need::Hash } else { Need::Fetch }
}

/// Whether something that is no file is what it was.
fn is_same(body: &Body, content: &Content) -> bool {
    match (body, content) {
        (Body::Folder, Content::Folder)
        | (Body::Fifo, Content::Fifo)
        | (Body::Socket, Content::Socket) => true,
        (Body::Symlink { target }, Content::Symlink { target: kept }) => target == kept,
        _ => false,
    }
}

/// The database that a path belongs to, judged by its name alone, and whether it says when that changed.
pub(super) fn database_of(path: &crate::path::RelPath) -> Option<(crate::path::RelPath, bool)> {
    let bytes = path.as_bytes();
    for (suffix, tells) in [(&b"-wal"[..], true), (b"-journal", true), (b"-shm", false)] {
        if let Some(base) = bytes.strip_suffix(suffix)
            && let Ok(base) = crate::path::RelPath::new(base)
            && !base.is_root()
        {
            return Some((base, tells));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Nanos;
    use crate::entry::{Entry, Identity, Meta};
    use crate::hash::Hash;
    use crate::path::RelPath;

    fn listed(size: u64) -> Listed {
        Listed {
            path: RelPath::new("a").unwrap(),
            identity: Identity {
                dev: 1,
                ino: 2,
                size,
                mtime: Nanos(3),
                ctime: Nanos(4),
                born: None,
            },
            meta: Meta { mode: 0o644, uid: 0, gid: 0, mtime: Nanos(3), xattrs: Vec::new() },
            body: Body::File { size, allocated: size, links: 1 },
            mapped: false,
        }
    }

    fn live(listed: &Listed) -> Live {
        Live {
            entry: Entry {
                path: listed.path.clone(),
                meta: listed.meta.clone(),
                content: Content::File {
                    size: listed.identity.size,
                    hash: Hash::of(b"x"),
                    group: None,
                    sparse: false,
                },
            },
            source: Some(listed.identity),
            racy: false,
            database: None,
            placed: None,
            proven: Nanos(0),
        }
    }

    #[test]
    fn what_did_not_move_is_believed_and_nothing_else_is() {
        for size in [10, 1 << 20] {
            let listed = listed(size);
            let asks = if size == 10 { Need::Fetch } else { Need::Hash };
            let known = live(&listed);
            assert_eq!(need(&listed, Some(&known)), Need::Nothing);
            assert_eq!(need(&listed, None), Need::Fetch);
            let racy = Live { racy: true, ..known.clone() };
            assert_eq!(need(&listed, Some(&racy)), asks, "read too soon");
            let elsewhere = Live { source: None, ..known.clone() };
            assert_eq!(need(&listed, Some(&elsewhere)), asks, "another host's word");
            let mapped = Listed { mapped: true, ..listed.clone() };
            assert_eq!(need(&mapped, Some(&known)), asks, "dirty pages move no time stamp");
            let mut touched = listed.clone();
            touched.identity.ctime = Nanos(5);
            assert_eq!(need(&touched, Some(&known)), asks, "only ctime moved");
        }
    }

    #[test]
    fn what_is_beside_a_database_is_known_by_its_name() {
        let of = |path: &str| database_of(&RelPath::new(path).unwrap());
        assert_eq!(of("d/runs.db-wal"), Some((RelPath::new("d/runs.db").unwrap(), true)));
        assert_eq!(of("runs.db-shm").map(|(_, tells)| tells), Some(false));
        assert_eq!(of("-wal"), None);
        assert_eq!(of("runs.db"), None);
    }
}
