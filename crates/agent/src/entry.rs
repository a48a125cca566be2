//! What stands at a path: as a host lists it, and as a recovery point keeps it.

use serde::{Deserialize, Serialize};

use crate::clock::Nanos;
use crate::hash::Hash;
use crate::path::RelPath;

/// An extended attribute: name with its name space (`user.tag`, `security.capability`,
/// `system.posix_acl_access`), value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Xattr {
    /// Name, without a NUL.
    pub name: Vec<u8>,
    /// Value.
    pub value: Vec<u8>,
}

/// What belongs to an entry besides its content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Meta {
    /// Permissions and the set-id and sticky bits: `0o7777` at most. The tree of a standby never has the
    /// set-id bits; the recovery point does.
    pub mode: u32,
    /// Owner, as a number.
    pub uid: u32,
    /// Group, as a number.
    pub gid: u32,
    /// Last change of the content.
    pub mtime: Nanos,
    /// Extended attributes, sorted by name; ACLs and capabilities are among them.
    pub xattrs: Vec<Xattr>,
}

/// What tells whether an entry changed: none of these moves back by itself, and `ctime` can't be set.
/// Compared only with what the same host said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// Last change of the content.
    pub mtime: Nanos,
    /// Last change of anything.
    pub ctime: Nanos,
    /// When it was made, where the file system writes that down. No name, no write and no one's wish moves
    /// it: it tells a file from a later one that was given its number.
    pub born: Option<Nanos>,
}

impl Identity {
    /// Whether this is provably what `earlier` was, whatever its name and content are by now. A file system
    /// gives the number of a thing that went to the next one: a number alone says nothing. It has to have
    /// been made at the same time or, where that is not known, to be of the same size and last written at
    /// the same time.
    #[must_use]
    pub fn is_still(&self, earlier: &Self) -> bool {
        self.has_number_of(earlier)
            && match (self.born, earlier.born) {
                (Some(now), Some(then)) => now == then,
                _ => (self.mtime, self.size) == (earlier.mtime, earlier.size),
            }
    }

    /// Whether this is certainly another thing than `earlier`, and not only not provably the same.
    #[must_use]
    pub fn is_another(&self, earlier: &Self) -> bool {
        let made_apart =
            matches!((self.born, earlier.born), (Some(now), Some(then)) if now != then);
        !self.has_number_of(earlier) || made_apart
    }

    /// Whether both have one number on one device.
    #[must_use]
    pub fn has_number_of(&self, other: &Self) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }
}

/// What kind of thing it is, as listed. Devices are never listed: they are not protected.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Body {
    /// A regular file.
    File {
        /// Bytes, holes counted.
        size: u64,
        /// Bytes on the disk.
        allocated: u64,
        /// Names of this inode, here or elsewhere. Those with the same device and inode are one group.
        links: u64,
    },
    /// A folder.
    Folder,
    /// A symbolic link and what it says, never followed.
    Symlink {
        /// Any bytes but NUL.
        target: Vec<u8>,
    },
    /// A named pipe.
    Fifo,
    /// A socket's name.
    Socket,
}

/// An entry as a host lists it, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Listed {
    /// Where.
    pub path: RelPath,
    /// What tells whether it changed.
    pub identity: Identity,
    /// Rights, owner, times, attributes.
    pub meta: Meta,
    /// What it is.
    pub body: Body,
    /// A process has it mapped for writing, or may have had until just now: its content may change while
    /// nothing of [`Identity`] does.
    pub mapped: bool,
}

/// An entry of a recovery point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where.
    pub path: RelPath,
    /// Rights, owner, times, attributes, as they were on the GPU.
    pub meta: Meta,
    /// What it is, with its content's hash.
    pub content: Content,
}

/// What an entry of a recovery point holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A regular file.
    File {
        /// Bytes, holes counted.
        size: u64,
        /// Of all of it, as read where it was written.
        hash: Hash,
        /// Entries of one point with the same number are names of one inode.
        group: Option<u64>,
        /// It has holes, which are kept.
        sparse: bool,
    },
    /// A folder.
    Folder,
    /// A symbolic link and what it says.
    Symlink {
        /// Any bytes but NUL.
        target: Vec<u8>,
    },
    /// A named pipe.
    Fifo,
    /// A socket's name.
    Socket,
}

/// Why something in the workspace is not protected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unprotected {
    /// The host refused to read it.
    Unreadable {
        /// The kernel's error number.
        errno: i32,
    },
    /// A device node.
    Device,
    /// Another file system is mounted there.
    OtherFileSystem,
    /// Its path is longer than what is kept.
    PathTooLong,
    /// The user excluded it.
    Excluded,
    /// It holds more than the bounds of one entry allow: attributes of more than 64 KiB.
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_alone_proves_nothing() {
        let was = Identity {
            dev: 1,
            ino: 2,
            size: 3,
            mtime: Nanos(4),
            ctime: Nanos(5),
            born: Some(Nanos(1)),
        };
        let written = Identity { size: 9, mtime: Nanos(8), ctime: Nanos(8), ..was };
        assert!(written.is_still(&was) && !written.is_another(&was), "written to and renamed");
        let made_later = Identity { born: Some(Nanos(7)), ..was };
        assert!(!made_later.is_still(&was) && made_later.is_another(&was));
        for other in [Identity { ino: 3, ..was }, Identity { dev: 2, ..was }] {
            assert!(!other.is_still(&was) && other.is_another(&was), "another number");
        }
        // Where nobody knows when it was made, on either side.
        for (now, then) in [(None, None), (None, was.born), (was.born, None)] {
            let was = Identity { born: then, ..was };
            let renamed = Identity { ctime: Nanos(9), born: now, ..was };
            assert!(renamed.is_still(&was) && !renamed.is_another(&was));
            let unclear = Identity { born: now, ..written };
            assert!(!unclear.is_still(&was) && !unclear.is_another(&was), "it may be either");
        }
    }
}
