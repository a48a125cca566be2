//! What a file or folder of the copy is given besides its content. Set-id bits, capabilities and whatever
//! else gives power stay in the index and are put on GPUs alone.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use crate::entry::{Meta, Xattr};

/// Rights that the copy may have: no set-id.
const RIGHTS: u32 = 0o1777;
const MOST_NAMES: usize = 1 << 16;

/// Whether the copy has it too.
pub(super) fn is_harmless(attribute: &Xattr) -> bool {
    attribute.name.starts_with(b"user.") || attribute.name.starts_with(b"system.posix_acl_")
}

/// The times that are set.
pub(super) fn times(meta: &Meta) -> Timestamps {
    let (seconds, nanos) = meta.mtime.split();
    let mtime = Timespec { tv_sec: seconds, tv_nsec: nanos };
    Timestamps { last_access: mtime, last_modification: mtime }
}

/// As it is on the copy.
pub(super) fn mode(meta: &Meta) -> Mode {
    Mode::from_raw_mode(meta.mode & RIGHTS)
}

/// The figures of an owner as the kernel takes them; the largest means "leave it" there.
fn owner(meta: &Meta) -> (Option<Uid>, Option<Gid>) {
    let uid = (meta.uid != u32::MAX).then(|| Uid::from_raw(meta.uid));
    let gid = (meta.gid != u32::MAX).then(|| Gid::from_raw(meta.gid));
    (uid, gid)
}

/// What the file system or a lack of rights refuses the copy is in the index all the same.
fn or_left(result: Result<(), Errno>) -> Result<(), Errno> {
    match result {
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSPC | Errno::RANGE) => Ok(()),
        other => other,
    }
}

/// Gives an open file or folder its owner, rights, attributes and times; what it has beyond that goes.
pub(super) fn dress(file: &OwnedFd, meta: &Meta) -> Result<(), Errno> {
    let (uid, gid) = owner(meta);
    or_left(rustix::fs::fchown(file, uid, gid))?;
    rustix::fs::fchmod(file, mode(meta))?;
    undress(file, meta)?;
    for attribute in meta.xattrs.iter().filter(|attribute| is_harmless(attribute)) {
        let name = attribute.name.as_slice();
        or_left(rustix::fs::fsetxattr(file, name, &attribute.value, XattrFlags::empty()))?;
    }
    rustix::fs::futimens(file, &times(meta))
}

/// Takes away what attributes it has beyond those that it is to have.
fn undress(file: &OwnedFd, meta: &Meta) -> Result<(), Errno> {
    let mut names = vec![0_u8; 1024];
    let length = loop {
        match rustix::fs::flistxattr(file, names.as_mut_slice()) {
            Ok(length) => break length,
            Err(Errno::RANGE) if names.len() < MOST_NAMES => names.resize(MOST_NAMES, 0),
            Err(Errno::OPNOTSUPP) => break 0,
            Err(error) => return Err(error),
        }
    };
    for name in names.get(..length).unwrap_or_default().split(|byte| *byte == 0) {
        let kept = name.is_empty() || meta.xattrs.iter().any(|kept| kept.name == name);
        let ours = is_harmless(&Xattr { name: name.to_vec(), value: Vec::new() });
        if !kept && ours {
            or_left(rustix::fs::fremovexattr(file, name))?;
        }
    }
    Ok(())
}

/// The same for what can't be opened: a symbolic link, a pipe, a socket of that name.
pub(super) fn dress_at(
    folder: &OwnedFd,
    name: &[u8],
    meta: &Meta,
    symlink: bool,
) -> Result<(), Errno> {
    let (uid, gid) = owner(meta);
    or_left(rustix::fs::chownat(folder, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW))?;
    if !symlink {
        rustix::fs::chmodat(folder, name, mode(meta), AtFlags::empty())?;
    }
    rustix::fs::utimensat(folder, name, &times(meta), AtFlags::SYMLINK_NOFOLLOW)
}
