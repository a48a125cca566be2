//! Setting what belongs to an entry besides its content.

use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags,
};
use rustix::io::Errno;

use crate::beneath::proc_path;
use crate::entry::Meta;
use crate::look::{Holder, Look, named, xattrs};

/// An entry whose metadata is set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bare<'a> {
    /// One that is open.
    Open(BorrowedFd<'a>),
    /// A name in a folder, itself and not what it points to.
    Named(BorrowedFd<'a>, &'a [u8]),
}

/// Most refusals that are told of one entry.
const REFUSALS_MAX: usize = 16;

/// Sets all of it: the owner first, since that clears set-id bits and capabilities, the times last, since
/// all else moves them. What the host refuses is told in words and doesn't keep the rest from being set.
pub(crate) fn set(bare: Bare<'_>, meta: &Meta) -> Result<Vec<String>, Errno> {
    let mut refused = Refused(Vec::new());
    let look = look(bare)?;
    let is_link = look.kind == FileType::Symlink;
    if (look.uid, look.gid) != (meta.uid, meta.gid) {
        refused.note("owner", set_owner(bare, meta));
    }
    set_xattrs(bare, meta, &mut refused);
    if !is_link {
        refused.note("mode", set_mode(bare, meta.mode & 0o7777));
    }
    refused.note("mtime", set_times(bare, meta));
    Ok(refused.0)
}

struct Refused(Vec<String>);

impl Refused {
    fn note(&mut self, what: &str, done: Result<(), Errno>) {
        if let Err(error) = done
            && self.0.len() < REFUSALS_MAX
        {
            self.0.push(format!("{what}: {error}"));
        }
    }
}

fn look(bare: Bare<'_>) -> Result<Look, Errno> {
    match bare {
        Bare::Open(fd) => Look::of(fd),
        Bare::Named(folder, name) => Look::at(folder, name, false),
    }
}

fn set_owner(bare: Bare<'_>, meta: &Meta) -> Result<(), Errno> {
    // All ones mean "leave it" to the kernel and are nobody's number.
    if meta.uid == u32::MAX || meta.gid == u32::MAX {
        return Err(Errno::INVAL);
    }
    let (uid, gid) = (Some(Uid::from_raw(meta.uid)), Some(Gid::from_raw(meta.gid)));
    match bare {
        Bare::Open(fd) => rustix::fs::fchown(fd, uid, gid),
        Bare::Named(folder, name) => {
            rustix::fs::chownat(folder, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
        }
    }
}

fn set_mode(bare: Bare<'_>, mode: u32) -> Result<(), Errno> {
    let mode = Mode::from_raw_mode(mode);
    match bare {
        Bare::Open(fd) => rustix::fs::fchmod(fd, mode),
        // There is no call that sets the mode of a name and follows no link on every kernel.
        Bare::Named(folder, name) => {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let held = rustix::fs::openat(folder, name, flags, Mode::empty())?;
            if Look::of(&held)?.kind == FileType::Symlink {
                return Err(Errno::LOOP);
            }
            let path = proc_path(held.as_fd());
            rustix::fs::chmodat(rustix::fs::CWD, path, mode, AtFlags::empty())
        }
    }
}

fn set_times(bare: Bare<'_>, meta: &Meta) -> Result<(), Errno> {
    let (tv_sec, tv_nsec) = meta.mtime.split();
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec, tv_nsec },
    };
    match bare {
        Bare::Open(fd) => rustix::fs::futimens(fd, &times),
        Bare::Named(folder, name) => {
            rustix::fs::utimensat(folder, name, &times, AtFlags::SYMLINK_NOFOLLOW)
        }
    }
}

fn set_xattrs(bare: Bare<'_>, meta: &Meta, refused: &mut Refused) {
    let holder = match bare {
        Bare::Open(fd) => Holder::Open(fd),
        Bare::Named(folder, name) => Holder::Named(folder, name),
    };
    let there = xattrs(holder).unwrap_or_default();
    // One that came from a folder's default, or from what stood there.
    for extra in there.iter().filter(|has| !meta.xattrs.iter().any(|want| want.name == has.name)) {
        refused.note(&words(&extra.name), remove_xattr(bare, &extra.name));
    }
    for wanted in meta.xattrs.iter().filter(|wanted| !there.contains(wanted)) {
        let done = if crate::look::is_kept(&wanted.name) {
            set_xattr(bare, &wanted.name, &wanted.value)
        } else {
            Err(Errno::OPNOTSUPP)
        };
        refused.note(&words(&wanted.name), done);
    }
}

fn set_xattr(bare: Bare<'_>, name: &[u8], value: &[u8]) -> Result<(), Errno> {
    match bare {
        Bare::Open(fd) => rustix::fs::fsetxattr(fd, name, value, XattrFlags::empty()),
        Bare::Named(folder, entry) => {
            rustix::fs::lsetxattr(named(folder, entry), name, value, XattrFlags::empty())
        }
    }
}

fn remove_xattr(bare: Bare<'_>, name: &[u8]) -> Result<(), Errno> {
    match bare {
        Bare::Open(fd) => rustix::fs::fremovexattr(fd, name),
        Bare::Named(folder, entry) => rustix::fs::lremovexattr(named(folder, entry), name),
    }
}

fn words(name: &[u8]) -> String {
    format!("attribute {}", name.escape_ascii())
}
