//! What the kernel says of one entry: its identity, its metadata, its extended attributes.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, FileType, Stat, Statx, StatxFlags};
use rustix::io::Errno;

use crate::beneath::proc_path;
use crate::clock::Nanos;
use crate::entry::{Body, Identity, Listed, Meta, Unprotected, Xattr};
use crate::path::RelPath;

/// Most bytes that the attributes of one entry may take.
pub const XATTRS_MAX: usize = 64 << 10;

/// An entry as `stat` sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// What tells whether it changed.
    pub identity: Identity,
    /// What kind of thing it is.
    pub kind: FileType,
    /// Permissions and the set-id and sticky bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Names of the inode.
    pub links: u64,
    /// Bytes on the disk.
    pub allocated: u64,
    /// Which mount it is on, where the kernel says so.
    pub mount: Option<u64>,
}

impl Look {
    /// At what is open.
    ///
    /// # Errors
    /// The kernel's.
    pub fn of(fd: impl AsFd) -> Result<Self, Errno> {
        match rustix::fs::statx(fd.as_fd(), c"", AtFlags::EMPTY_PATH, wanted()) {
            Ok(stat) => Ok(Self::by_statx(&stat)),
            Err(Errno::NOSYS | Errno::PERM) => {
                rustix::fs::fstat(fd).map(|stat| Self::by_stat(&stat))
            }
            Err(error) => Err(error),
        }
    }

    /// At `name` in a folder; a link itself unless `follow`.
    ///
    /// # Errors
    /// The kernel's.
    pub fn at(folder: impl AsFd, name: &[u8], follow: bool) -> Result<Self, Errno> {
        let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        match rustix::fs::statx(folder.as_fd(), name, flags | AtFlags::NO_AUTOMOUNT, wanted()) {
            Ok(stat) => Ok(Self::by_statx(&stat)),
            Err(Errno::NOSYS | Errno::PERM) => {
                rustix::fs::statat(folder, name, flags).map(|stat| Self::by_stat(&stat))
            }
            Err(error) => Err(error),
        }
    }

    fn by_statx(stat: &Statx) -> Self {
        let mode = u32::from(stat.stx_mode);
        let time = |t: &rustix::fs::StatxTimestamp| Nanos::of(t.tv_sec, i64::from(t.tv_nsec));
        let has = |what| StatxFlags::from_bits_retain(stat.stx_mask).contains(what);
        Self {
            identity: Identity {
                dev: rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor),
                ino: stat.stx_ino,
                size: stat.stx_size,
                mtime: time(&stat.stx_mtime),
                ctime: time(&stat.stx_ctime),
                born: has(StatxFlags::BTIME).then(|| time(&stat.stx_btime)),
            },
            kind: FileType::from_raw_mode(mode),
            mode: mode & 0o7777,
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            links: u64::from(stat.stx_nlink),
            allocated: stat.stx_blocks.saturating_mul(512),
            mount: has(StatxFlags::MNT_ID).then_some(stat.stx_mnt_id),
        }
    }

    #[expect(
        clippy::unnecessary_cast,
        clippy::useless_conversion,
        reason = "the widths of these fields differ between architectures"
    )]
    fn by_stat(stat: &Stat) -> Self {
        Self {
            identity: Identity {
                dev: stat.st_dev as u64,
                ino: stat.st_ino as u64,
                size: u64::try_from(stat.st_size).unwrap_or(0),
                mtime: Nanos::of(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
                ctime: Nanos::of(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
                born: None,
            },
            kind: FileType::from_raw_mode(stat.st_mode),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            links: u64::from(stat.st_nlink),
            allocated: u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512),
            mount: None,
        }
    }

    /// This as an entry of a listing; `target` is what a symbolic link says.
    ///
    /// # Errors
    /// Why it isn't protected.
    pub fn listed(
        &self,
        path: RelPath,
        xattrs: Vec<Xattr>,
        target: Vec<u8>,
    ) -> Result<Listed, Unprotected> {
        let body = match self.kind {
            FileType::RegularFile => Body::File {
                size: self.identity.size,
                allocated: self.allocated,
                links: self.links,
            },
            FileType::Directory => Body::Folder,
            FileType::Symlink => Body::Symlink { target },
            FileType::Fifo => Body::Fifo,
            FileType::Socket => Body::Socket,
            _ => return Err(Unprotected::Device),
        };
        let meta = Meta {
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            mtime: self.identity.mtime,
            xattrs,
        };
        Ok(Listed { path, identity: self.identity, meta, body, mapped: false })
    }
}

fn wanted() -> StatxFlags {
    StatxFlags::BASIC_STATS | StatxFlags::BTIME | StatxFlags::MNT_ID
}

/// Whether an attribute is kept. Those that the host's own system keeps for itself (labels of a security
/// module, layers of a file system) mean nothing elsewhere.
#[must_use]
pub fn is_kept(name: &[u8]) -> bool {
    name.starts_with(b"user.")
        || name == b"security.capability"
        || name == b"system.posix_acl_access"
        || name == b"system.posix_acl_default"
}

/// Where attributes are read from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holder<'a> {
    /// What is open.
    Open(BorrowedFd<'a>),
    /// A name in a folder, itself and not what it points to, by way of `/proc`.
    Named(BorrowedFd<'a>, &'a [u8]),
}

/// The attributes of an entry, sorted; none where the file system has none.
///
/// # Errors
/// `E2BIG` where they take more than [`XATTRS_MAX`]; else the kernel's.
pub(crate) fn xattrs(holder: Holder<'_>) -> Result<Vec<Xattr>, Errno> {
    Ok(attributes(holder)?.kept)
}

/// The attributes of an entry.
#[derive(Debug, Default)]
pub(crate) struct Attributes {
    /// Those that are kept, sorted.
    pub(crate) kept: Vec<Xattr>,
    /// The names of those that are not, and that the host does not keep for itself.
    pub(crate) left: Vec<Vec<u8>>,
}

/// Most names of attributes that are told of one entry.
const LEFT_MAX: usize = 64;

/// Whether an attribute is the host's own: labels of a security module, layers of a file system.
fn is_the_hosts(name: &[u8]) -> bool {
    let hosts: [&[u8]; 6] = [
        b"security.selinux",
        b"security.SMACK64",
        b"security.apparmor",
        b"security.ima",
        b"security.evm",
        b"trusted.overlay.",
    ];
    hosts.iter().any(|own| name.starts_with(own))
}

/// All of them, as [`xattrs`].
pub(crate) fn attributes(holder: Holder<'_>) -> Result<Attributes, Errno> {
    let mut small = [0_u8; 512];
    let list = match list(holder, &mut small) {
        Ok(0) | Err(Errno::OPNOTSUPP | Errno::NODATA) => return Ok(Attributes::default()),
        Ok(length) => small.get(..length).unwrap_or_default().to_vec(),
        Err(Errno::RANGE) => {
            let mut large = vec![0_u8; XATTRS_MAX];
            let length = list_large(holder, &mut large)?;
            large.truncate(length);
            large
        }
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    let mut total = 0;
    for name in list.split(|byte| *byte == 0).filter(|name| is_kept(name)) {
        let mut value = vec![0_u8; 256];
        let length = match get(holder, name, &mut value) {
            Err(Errno::RANGE) => {
                value = vec![0_u8; XATTRS_MAX];
                get(holder, name, &mut value)
            }
            other => other,
        };
        match length {
            Ok(length) => value.truncate(length),
            // Removed since it was listed.
            Err(Errno::NODATA) => continue,
            Err(error) => return Err(error),
        }
        total += name.len() + value.len();
        if total > XATTRS_MAX {
            return Err(Errno::TOOBIG);
        }
        found.push(Xattr { name: name.to_vec(), value });
    }
    found.sort();
    let left = list
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty() && !is_kept(name) && !is_the_hosts(name))
        .take(LEFT_MAX)
        .map(<[u8]>::to_vec)
        .collect();
    Ok(Attributes { kept: found, left })
}

fn list_large(holder: Holder<'_>, into: &mut [u8]) -> Result<usize, Errno> {
    list(holder, into).map_err(|error| if error == Errno::RANGE { Errno::TOOBIG } else { error })
}

fn list(holder: Holder<'_>, into: &mut [u8]) -> Result<usize, Errno> {
    match holder {
        Holder::Open(fd) => rustix::fs::flistxattr(fd, into),
        Holder::Named(folder, name) => rustix::fs::llistxattr(named(folder, name), into),
    }
}

fn get(holder: Holder<'_>, name: &[u8], into: &mut [u8]) -> Result<usize, Errno> {
    match holder {
        Holder::Open(fd) => rustix::fs::fgetxattr(fd, name, into),
        Holder::Named(folder, entry) => rustix::fs::lgetxattr(named(folder, entry), name, into),
    }
}

/// A name in an open folder as one path through `/proc`.
pub(crate) fn named(folder: BorrowedFd<'_>, name: &[u8]) -> Vec<u8> {
    let mut path = proc_path(folder);
    path.push(b'/');
    path.extend_from_slice(name);
    path
}
