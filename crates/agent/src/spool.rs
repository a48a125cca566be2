//! Room for a copy that is made fast and sent slowly: a file without a name, gone with its descriptor.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::content::{Content, Extent, Out, Stop};
use crate::source::SourceError;

/// Where it may be, the first that has room.
pub(crate) const FOLDERS: [&str; 3] = ["/dev/shm", "/tmp", "/var/tmp"];

/// At most this part of the free room is taken.
pub(crate) const SHARE: u64 = 2;

/// A copy without a name.
pub(crate) struct Spool {
    file: OwnedFd,
}

impl Spool {
    /// Room for `size` bytes; nothing where no folder has it.
    pub(crate) fn new(size: u64) -> Option<Self> {
        FOLDERS.iter().find_map(|folder| Self::in_folder(folder, size))
    }

    fn in_folder(folder: &str, size: u64) -> Option<Self> {
        let room = rustix::fs::statvfs(folder).ok()?;
        if room.f_bavail.saturating_mul(room.f_frsize) / SHARE < size {
            return None;
        }
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR).ok()?;
        Some(Self { file })
    }

    /// Takes a content as it is at this moment, holes kept.
    pub(crate) fn fill(
        &mut self,
        extent: &Extent<'_>,
        buffer: &mut Vec<u8>,
    ) -> Result<Content, Stop> {
        rustix::fs::ftruncate(&self.file, 0)?;
        rustix::fs::ftruncate(&self.file, extent.size)?;
        let extent = Extent { have: None, ..*extent };
        let mut copy = Copy { file: self.file.as_fd() };
        extent.read(buffer, &mut copy)
    }
}

impl AsFd for Spool {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

struct Copy<'a> {
    file: BorrowedFd<'a>,
}

impl Out for Copy<'_> {
    fn data(&mut self, offset: u64, bytes: &[u8]) -> Result<(), SourceError> {
        let (mut rest, mut at) = (bytes, offset);
        while !rest.is_empty() {
            let written = match rustix::io::pwrite(self.file, rest, at) {
                Err(Errno::INTR) => continue,
                other => other.map_err(std::io::Error::from)?,
            };
            at += written as u64;
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }
    fn same(&mut self, _: u64, _: u64) -> Result<(), SourceError> {
        Ok(())
    }
    fn hole(&mut self, _: u64, _: u64) -> Result<(), SourceError> {
        Ok(())
    }
}
