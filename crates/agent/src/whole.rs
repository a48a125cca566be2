//! Reading whole files: the identity before and after decides whether what was read was there at one
//! moment.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::fs::FileType;
use rustix::io::Errno;

use crate::beneath::Root;
use crate::clock::{Clock, Nanos};
use crate::content::{Content, Extent, FILE, Nothing, Out, Stop, read_exactly};
use crate::entry::{Identity, Listed};
use crate::hash::Blocks;
use crate::look::{Holder, Look, xattrs};
use crate::lookout::How;
use crate::path::RelPath;
use crate::source::{ReadEnd, ReadSink, SourceError, Want};
use crate::spool::Spool;
use crate::writers::Writers;

/// A change so shortly after another may leave the same time stamps: two ticks of the slowest kernel.
pub(crate) const FRESH: Duration = Duration::from_millis(20);

/// What every SQLite database begins with.
const DATABASE: &[u8; 16] = b"SQLite format 3\0";

/// So often a file is begun before it is in flux.
const TRIES: usize = 4;

/// Reads whole files of one workspace.
pub(crate) struct Reader<'a> {
    /// Where.
    pub(crate) root: &'a Root,
    /// By which freshness is judged.
    pub(crate) clock: &'a dyn Clock,
    /// Room for one block.
    pub(crate) buffer: Vec<u8>,
    /// When this reading was asked for.
    pub(crate) since: Nanos,
    /// Who has files open for writing.
    pub(crate) writers: &'a mut Writers,
    /// Whoever has files open is held.
    pub(crate) still: bool,
    /// Copies databases that are in use.
    #[cfg(feature = "serve")]
    pub(crate) databases: Option<&'a crate::databases::Databases>,
}

/// What a reading was worth.
enum Judged {
    /// What was read was there at one moment.
    Whole { racy: bool, prefix: bool },
    /// It changed: it is to be read again.
    Again,
    /// It is rewritten in place: nothing of it may be published.
    Flux,
    /// The host refused.
    Refused(Errno),
}

/// One file as it was opened.
struct Opened {
    file: OwnedFd,
    look: Look,
    listed: Listed,
}

impl Opened {
    /// All of it as it was when it was looked at.
    fn extent<'a>(&'a self, want: &Want, have: Option<&'a Blocks>) -> Extent<'a> {
        Extent {
            file: self.file.as_fd(),
            size: self.look.identity.size,
            dense: self.look.allocated >= self.look.identity.size,
            have,
            mark: want.was.map(|was| was.length),
        }
    }
}

impl Reader<'_> {
    /// Reads one file and tells how it ended.
    pub(crate) fn one(
        &mut self,
        index: usize,
        want: &Want,
        sink: &mut dyn ReadSink,
    ) -> Result<(), SourceError> {
        for attempt in 0..TRIES {
            let opened = match self.open(&want.path) {
                Ok(opened) => opened,
                Err(error) => return sink.end(index, not_readable(error)),
            };
            if let Some(used) = used_database(self, want, &opened) {
                return self.database(index, want, &opened, &used, sink);
            }
            if let Some(end) = self.refused(want, &opened) {
                return sink.end(index, end);
            }
            let end = if attempt > 0 && !want.hash_only {
                self.attempt_by_copy(index, want, &opened, sink)?
            } else {
                self.attempt(index, want, &opened, sink)?
            };
            if let Some(end) = end {
                return sink.end(index, end);
            }
        }
        sink.end(index, ReadEnd::Flux)
    }

    fn open(&self, path: &RelPath) -> Result<Opened, Errno> {
        let (folder, name) = self.root.folder_of(path)?;
        // Looked at before it is opened: opening a pipe would wake who waits at its other end.
        let look = Look::at(&folder, name, false)?;
        if look.kind != FileType::RegularFile {
            return Err(Errno::NOENT);
        }
        let file = self.root.open_at(path, FILE)?;
        self.wait_while_fresh(look.identity.ctime);
        let look = Look::of(&file)?;
        if look.kind != FileType::RegularFile {
            return Err(Errno::NOENT);
        }
        let attributes = xattrs(Holder::Open(file.as_fd()))?;
        let listed = look.listed(path.clone(), attributes, Vec::new()).map_err(|_| Errno::NOENT)?;
        Ok(Opened { file, look, listed })
    }

    /// One reading; nothing where the file didn't hold still.
    fn attempt(
        &mut self,
        index: usize,
        want: &Want,
        opened: &Opened,
        sink: &mut dyn ReadSink,
    ) -> Result<Option<ReadEnd>, SourceError> {
        let began = self.clock.now();
        let have = want.have.as_ref().filter(|_| !want.hash_only);
        let extent = opened.extent(want, have);
        sink.begin(index)?;
        let read = if want.hash_only {
            extent.read(&mut self.buffer, &mut Nothing)
        } else {
            extent.read(&mut self.buffer, &mut To { index, sink: &mut *sink })
        };
        let content = match read {
            Ok(content) => content,
            Err(Stop::Short) => return Ok(None),
            Err(Stop::Host(error)) => return Ok(Some(not_readable(error))),
            Err(Stop::Sink(error)) => return Err(error),
        };
        Ok(match self.judge(want, opened, &extent, &content, began) {
            Judged::Whole { racy, prefix } => {
                let listed = opened.listed.clone();
                Some(ReadEnd::Whole { listed, hash: content.hash, racy, prefix })
            }
            Judged::Again => None,
            Judged::Flux => Some(ReadEnd::Flux),
            Judged::Refused(error) => Some(not_readable(error)),
        })
    }

    /// Copies a database that is in use. Where that can't be done it is in flux.
    #[cfg_attr(not(feature = "serve"), expect(unused_variables, reason = "nothing copies it"))]
    fn database(
        &mut self,
        index: usize,
        want: &Want,
        opened: &Opened,
        used: &Used,
        sink: &mut dyn ReadSink,
    ) -> Result<(), SourceError> {
        #[cfg(feature = "serve")]
        if let Some(databases) = self.databases
            && let Ok((folder, name)) = self.root.folder_of(&want.path)
            && let Some(copy) = databases.copy(folder, name, used.most)
            && let Ok(look) = Look::of(copy.file())
        {
            let have = want.have.as_ref().filter(|_| !want.hash_only);
            let size = look.identity.size;
            let extent = Extent { file: copy.file(), size, dense: false, have, mark: None };
            sink.begin(index)?;
            let read = if want.hash_only {
                extent.read(&mut self.buffer, &mut Nothing)
            } else {
                extent.read(&mut self.buffer, &mut To { index, sink: &mut *sink })
            };
            let end = match read {
                Ok(content) => {
                    let mut listed = opened.listed.clone();
                    let (allocated, links) = (look.allocated, look.links);
                    listed.body = crate::entry::Body::File { size, allocated, links };
                    ReadEnd::Database { listed, hash: content.hash }
                }
                Err(Stop::Sink(error)) => return Err(error),
                Err(Stop::Short | Stop::Host(_)) => ReadEnd::Flux,
            };
            return sink.end(index, end);
        }
        sink.end(index, ReadEnd::Flux)
    }

    /// What is open for writing may not be publishable: that is found out before anything is sent.
    /// Nothing where there is no such reason.
    fn refused(&mut self, want: &Want, opened: &Opened) -> Option<ReadEnd> {
        if self.still {
            return None;
        }
        let identity = &opened.look.identity;
        let how = self.writers.of(identity, self.since);
        let was = want.was.filter(|_| how == Some(How::Writes))?;
        if self.writers.differs(identity, was.hash) {
            return Some(ReadEnd::Flux);
        }
        if want.hash_only {
            return None;
        }
        let extent = opened.extent(want, None);
        match extent.read(&mut self.buffer, &mut Nothing) {
            Ok(content) if content.marked == Some(was.hash) => None,
            Ok(_) | Err(Stop::Short) => {
                self.writers.set_differs(identity, was.hash);
                Some(ReadEnd::Flux)
            }
            Err(Stop::Host(error)) => Some(not_readable(error)),
            Err(Stop::Sink(_)) => None,
        }
    }

    /// Judges a reading by what the file is after it, and by who has it open then: what nobody has open,
    /// and was not touched since it was read, was left as it is by who wrote it.
    fn judge(
        &mut self,
        want: &Want,
        opened: &Opened,
        extent: &Extent<'_>,
        content: &Content,
        began: Nanos,
    ) -> Judged {
        let before = opened.look.identity;
        let after = match Look::of(&opened.file) {
            Ok(after) => after.identity,
            Err(error) => return Judged::Refused(error),
        };
        let grown = grew(&before, &after);
        if after != before && !grown {
            return Judged::Again;
        }
        let fresh = is_fresh(before.ctime, began);
        let how = self.writers.of(&after, self.since);
        // Held, it adds nothing to what is open; what is mapped is read twice all the same.
        let how = how.filter(|how| !self.still || *how == How::Maps);
        match (how, want.was) {
            (Some(How::Writes), Some(was)) if content.marked != Some(was.hash) => {
                self.writers.set_differs(&after, was.hash);
                return Judged::Flux;
            }
            // Nothing else tells whether it holds still.
            (Some(How::Maps), _) | (Some(How::Writes), None) => {
                pause(FRESH);
                if !self.again(extent, content) {
                    return Judged::Again;
                }
            }
            _ => {
                if (fresh || grown) && !self.again(extent, content) {
                    return Judged::Again;
                }
            }
        }
        let racy = fresh || grown || how == Some(How::Maps);
        Judged::Whole { racy, prefix: grown || how.is_some() }
    }

    /// Copies it as fast as the disk allows, and sends the copy, at whatever speed, once it is whole.
    fn attempt_by_copy(
        &mut self,
        index: usize,
        want: &Want,
        opened: &Opened,
        sink: &mut dyn ReadSink,
    ) -> Result<Option<ReadEnd>, SourceError> {
        let Some(mut spool) = Spool::new(opened.look.identity.size) else {
            return self.attempt(index, want, opened, sink);
        };
        let extent = opened.extent(want, None);
        let began = self.clock.now();
        let first = match spool.fill(&extent, &mut self.buffer) {
            Ok(first) => first,
            // No room after all, or it became shorter.
            Err(Stop::Short | Stop::Sink(_)) => return Ok(None),
            Err(Stop::Host(error)) => return Ok(Some(not_readable(error))),
        };
        let (racy, prefix) = match self.judge(want, opened, &extent, &first, began) {
            Judged::Whole { racy, prefix } => (racy, prefix),
            Judged::Again => return Ok(None),
            Judged::Flux => return Ok(Some(ReadEnd::Flux)),
            Judged::Refused(error) => return Ok(Some(not_readable(error))),
        };
        let have = want.have.as_ref();
        let size = opened.look.identity.size;
        let copy = Extent { file: spool.as_fd(), size, dense: false, have, mark: None };
        sink.begin(index)?;
        match copy.read(&mut self.buffer, &mut To { index, sink: &mut *sink }) {
            Ok(content) if content.hash == first.hash => {
                let listed = opened.listed.clone();
                Ok(Some(ReadEnd::Whole { listed, hash: first.hash, racy, prefix }))
            }
            Ok(_) | Err(Stop::Short | Stop::Host(_)) => Ok(None),
            Err(Stop::Sink(error)) => Err(error),
        }
    }

    /// Whether a second reading gives the same.
    fn again(&mut self, extent: &Extent<'_>, first: &Content) -> bool {
        let extent = Extent { have: None, ..*extent };
        extent.read(&mut self.buffer, &mut Nothing).is_ok_and(|second| second.hash == first.hash)
    }

    /// Lets a file that was just changed grow old enough for its time stamps to tell the next change.
    fn wait_while_fresh(&self, ctime: Nanos) {
        let now = self.clock.now();
        if is_fresh(ctime, now) && ctime <= now {
            pause(FRESH.saturating_sub(now.since(ctime)));
        }
    }
}

/// Whether what changed at `ctime` may have changed again at `now` without a trace.
pub(crate) fn is_fresh(ctime: Nanos, now: Nanos) -> bool {
    now.since(ctime) < FRESH
}

fn grew(before: &Identity, after: &Identity) -> bool {
    (before.dev, before.ino) == (after.dev, after.ino) && after.size > before.size
}

/// Waits so long; the time is short and bounded.
pub(crate) fn pause(time: Duration) {
    let time = rustix::event::Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(1),
        tv_nsec: i64::from(time.subsec_nanos()),
    };
    // Ended early by a signal, the wait is shorter: nothing depends on its length but how often we try.
    let _ = rustix::event::poll(&mut [], Some(&time));
}

fn not_readable(error: Errno) -> ReadEnd {
    match error {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO => ReadEnd::Gone,
        other => ReadEnd::Unreadable { errno: other.raw_os_error() },
    }
}

/// A database that somebody may write to, and at most how large a copy of it is.
struct Used {
    #[cfg_attr(not(feature = "serve"), expect(dead_code, reason = "nothing copies it"))]
    most: u64,
}

/// Whether it is a database in use: somebody has it open for writing.
fn used_database(reader: &mut Reader<'_>, want: &Want, opened: &Opened) -> Option<Used> {
    if reader.still {
        return None;
    }
    let mut magic = [0; DATABASE.len()];
    read_exactly(opened.file.as_fd(), &mut magic, 0).ok()?;
    if magic != *DATABASE {
        return None;
    }
    let identity = &opened.look.identity;
    reader.writers.of(identity, reader.since)?;
    let (folder, name) = reader.root.folder_of(&want.path).ok()?;
    let wal = Look::at(&folder, &[name, b"-wal"].concat(), false);
    let log = wal.map_or(0, |look| look.identity.size);
    Some(Used { most: identity.size.saturating_add(log).saturating_add(1 << 20) })
}

/// A sink as it takes one file.
pub(crate) struct To<'a> {
    /// Which.
    pub(crate) index: usize,
    /// Where to.
    pub(crate) sink: &'a mut dyn ReadSink,
}

impl Out for To<'_> {
    fn data(&mut self, offset: u64, bytes: &[u8]) -> Result<(), SourceError> {
        self.sink.data(self.index, offset, bytes)
    }
    fn same(&mut self, offset: u64, length: u64) -> Result<(), SourceError> {
        self.sink.same(self.index, offset, length)
    }
    fn hole(&mut self, offset: u64, length: u64) -> Result<(), SourceError> {
        self.sink.hole(self.index, offset, length)
    }
}
