//! Hears from the kernel what changes in a workspace. What it can't hear of it says.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use crate::beneath::proc_path;
use crate::exclude::is_own;
use crate::path::RelPath;
use crate::source::Blind;

/// Most paths that are remembered, and most bytes of them; with more a scan is the quicker way.
const DIRTY_MAX: usize = 50_000;
const DIRTY_BYTES: usize = 8 << 20;
/// Most events that are taken at once: more than the kernel queues.
const EVENTS_MAX: usize = 1_000_000;

/// What is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Extent {
    /// The entry itself.
    Entry,
    /// A file that was closed by who could write to it: what it wrote through a mapping may have moved no
    /// time stamp.
    Closed,
    /// It and, where it is a folder, all that is in it.
    Tree,
}

/// A watch over every folder that it was shown.
pub(crate) struct Watch {
    inotify: OwnedFd,
    folders: HashMap<i32, RelPath>,
    root: Option<i32>,
    /// Folders that could not be looked into: who may again is told by their parents alone.
    shut: HashSet<RelPath>,
    dirty: Dirty,
}

#[derive(Default)]
struct Dirty {
    paths: BTreeMap<RelPath, Extent>,
    bytes: usize,
    blind: Option<Blind>,
}

impl Watch {
    /// One that watches nothing yet; nothing where the kernel can't.
    pub(crate) fn new() -> Option<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok()?;
        Some(Self {
            inotify,
            folders: HashMap::new(),
            root: None,
            shut: HashSet::new(),
            dirty: Dirty::default(),
        })
    }

    /// Watches a folder, which is not read before; one that is watched already has this path now.
    pub(crate) fn enter(&mut self, path: &RelPath, folder: BorrowedFd<'_>) {
        if self.dirty.blind.is_some() {
            return;
        }
        let wanted = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR
            | WatchFlags::EXCL_UNLINK;
        match inotify::add_watch(&self.inotify, proc_path(folder), wanted) {
            Ok(number) => {
                if path.is_root() {
                    self.root = Some(number);
                }
                self.shut.remove(path);
                self.folders.insert(number, path.clone());
            }
            Err(Errno::NOSPC | Errno::NOMEM) => self.dirty.blind = Some(Blind::WatchLimit),
            // Removed since it was opened.
            Err(Errno::NOENT) if !path.is_root() => {}
            Err(_) => self.dirty.blind = Some(Blind::NoWatch),
        }
    }

    /// A folder could not be looked into.
    pub(crate) fn set_shut(&mut self, path: &RelPath) {
        self.shut.insert(path.clone());
    }

    /// What is known so far is looked at anyway.
    pub(crate) fn forget(&mut self) {
        self.drain();
        self.dirty.paths.clear();
        self.dirty.bytes = 0;
    }

    /// All that was told so far, or why that is not known.
    pub(crate) fn take(&mut self) -> Result<BTreeMap<RelPath, Extent>, Blind> {
        self.drain();
        if let Some(blind) = self.dirty.blind {
            return Err(blind);
        }
        self.dirty.bytes = 0;
        Ok(std::mem::take(&mut self.dirty.paths))
    }

    /// Why not everything is known, where it is not.
    pub(crate) fn blind(&self) -> Option<Blind> {
        self.dirty.blind
    }

    /// Whether something was told, waiting for it.
    pub(crate) fn wait(&mut self, most_millis: u64) -> bool {
        self.drain();
        if self.has_something() {
            return true;
        }
        let time = Timespec {
            tv_sec: i64::try_from(most_millis / 1000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(most_millis % 1000).unwrap_or(0) * 1_000_000,
        };
        // Ended early by a signal, the next wait goes on.
        let _ = rustix::event::poll(&mut [PollFd::new(&self.inotify, PollFlags::IN)], Some(&time));
        self.drain();
        self.has_something()
    }

    fn has_something(&self) -> bool {
        !self.dirty.paths.is_empty() || self.dirty.blind.is_some()
    }

    /// Takes what the kernel has queued. Whatever happened before is among it.
    fn drain(&mut self) {
        let mut buffer = [MaybeUninit::uninit(); 32 << 10];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        for _ in 0..EVENTS_MAX {
            let event = match events.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return,
                Err(_) => {
                    self.dirty.blind = Some(Blind::NoWatch);
                    return;
                }
            };
            let what = event.events();
            if what.contains(ReadFlags::QUEUE_OVERFLOW) {
                self.dirty.blind = Some(Blind::Overflow);
                continue;
            }
            let number = event.wd();
            if what.intersects(
                ReadFlags::UNMOUNT
                    | ReadFlags::IGNORED
                    | ReadFlags::DELETE_SELF
                    | ReadFlags::MOVE_SELF,
            ) {
                if self.root == Some(number) {
                    self.dirty.blind = Some(Blind::RootReplaced);
                } else if what.contains(ReadFlags::UNMOUNT) {
                    self.dirty.blind = Some(Blind::NoWatch);
                }
                if what.contains(ReadFlags::IGNORED) {
                    self.folders.remove(&number);
                }
                continue;
            }
            let Some(folder) = self.folders.get(&number) else { continue };
            let Some(name) = event.file_name() else {
                self.dirty.add(folder.clone(), Extent::Entry);
                continue;
            };
            let Ok(path) = folder.join(name.to_bytes()) else {
                // It is told of the folder that something in it has too long a path.
                self.dirty.add(folder.clone(), Extent::Tree);
                continue;
            };
            if is_own(&path) {
                continue;
            }
            let names =
                ReadFlags::CREATE | ReadFlags::DELETE | ReadFlags::MOVED_FROM | ReadFlags::MOVED_TO;
            if what.intersects(names) {
                self.dirty.add(folder.clone(), Extent::Entry);
            }
            let comes = what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
            let opened = what.contains(ReadFlags::ATTRIB) && self.shut.contains(&path);
            let tree = what.contains(ReadFlags::ISDIR) && (comes || opened);
            let closed = what.contains(ReadFlags::CLOSE_WRITE);
            self.dirty.add(
                path,
                match (tree, closed) {
                    (true, _) => Extent::Tree,
                    (false, true) => Extent::Closed,
                    (false, false) => Extent::Entry,
                },
            );
        }
    }
}

impl Dirty {
    fn add(&mut self, path: RelPath, extent: Extent) {
        if self.blind.is_some() {
            return;
        }
        if let Some(known) = self.paths.get_mut(&path) {
            *known = (*known).max(extent);
            return;
        }
        self.bytes += path.as_bytes().len();
        if self.paths.len() >= DIRTY_MAX || self.bytes > DIRTY_BYTES {
            self.blind = Some(Blind::TooMany);
            self.paths.clear();
            return;
        }
        self.paths.insert(path, extent);
    }
}
