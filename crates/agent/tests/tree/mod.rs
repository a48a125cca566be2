//! A tree seen with other eyes than the agent's, and a copy through source and target.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use agent::entry::{Body, Content, Entry, Listed};
use agent::hash::Hash;
use agent::source::{Found, ReadEnd, ReadSink, Source, SourceError, Want};
use agent::target::{Piece, Placed, Step, Target};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub kind: FileType,
    pub mode: u32,
    pub owner: (u32, u32),
    pub mtime: (i64, i64),
    pub content: Vec<u8>,
    pub sparse: bool,
    /// The first path of its group of names.
    pub first: Option<Vec<u8>>,
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

pub type Snapshot = BTreeMap<Vec<u8>, Node>;

pub fn snapshot(root: &Path) -> Snapshot {
    let fd = rustix::fs::open(root, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    let mut all = Snapshot::new();
    let mut inodes: BTreeMap<(u64, u64), Vec<Vec<u8>>> = BTreeMap::new();
    folder(&fd, &[], &mut all, &mut inodes);
    for names in inodes.into_values().filter(|names| names.len() > 1) {
        for name in &names {
            all.get_mut(name).unwrap().first = Some(names.iter().min().unwrap().clone());
        }
    }
    all
}

fn folder(
    fd: &OwnedFd,
    at: &[u8],
    all: &mut Snapshot,
    inodes: &mut BTreeMap<(u64, u64), Vec<Vec<u8>>>,
) {
    let stat = rustix::fs::fstat(fd).unwrap();
    all.insert(
        at.to_vec(),
        Node {
            kind: FileType::Directory,
            mode: stat.st_mode & 0o7777,
            owner: (stat.st_uid, stat.st_gid),
            mtime: (stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap()),
            content: Vec::new(),
            sparse: false,
            first: None,
            xattrs: xattrs(&agent::beneath::proc_path(fd.as_fd()), true),
        },
    );
    for entry in Dir::read_from(fd).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let path = if at.is_empty() { name.to_vec() } else { [at, b"/", name].concat() };
        let stat = rustix::fs::statat(fd, name, AtFlags::SYMLINK_NOFOLLOW).unwrap();
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Directory {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let inside = rustix::fs::openat(fd, name, flags, Mode::empty()).unwrap();
            folder(&inside, &path, all, inodes);
            continue;
        }
        let content = match kind {
            FileType::RegularFile => {
                let file = rustix::fs::openat(fd, name, OFlags::RDONLY, Mode::empty()).unwrap();
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut std::fs::File::from(file), &mut bytes).unwrap();
                inodes.entry((stat.st_dev, stat.st_ino)).or_default().push(path.clone());
                bytes
            }
            FileType::Symlink => rustix::fs::readlinkat(fd, name, Vec::new()).unwrap().into_bytes(),
            _ => Vec::new(),
        };
        let named = [&agent::beneath::proc_path(fd.as_fd())[..], b"/", name].concat();
        let room = u64::try_from(stat.st_blocks).unwrap() * 512;
        let node = Node {
            kind,
            mode: stat.st_mode & 0o7777,
            owner: (stat.st_uid, stat.st_gid),
            mtime: (stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap()),
            sparse: room + 65536 < content.len() as u64,
            content,
            first: None,
            xattrs: xattrs(&named, false),
        };
        all.insert(path, node);
    }
}

fn xattrs(path: &[u8], follow: bool) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut list = vec![0; 65536];
    let length = if follow {
        rustix::fs::listxattr(path, &mut list)
    } else {
        rustix::fs::llistxattr(path, &mut list)
    };
    list.truncate(length.unwrap_or(0));
    let mut found = Vec::new();
    for name in list.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 65536];
        let length = if follow {
            rustix::fs::getxattr(path, name, &mut value)
        } else {
            rustix::fs::lgetxattr(path, name, &mut value)
        };
        value.truncate(length.unwrap());
        found.push((name.to_vec(), value));
    }
    found.sort();
    found
}

/// Everything that a sink was told, in memory.
#[derive(Default)]
pub struct Taken {
    pub pieces: HashMap<usize, Vec<Piece>>,
    pub ends: HashMap<usize, ReadEnd>,
    pub begun: HashMap<usize, usize>,
    pub sent: u64,
}

impl Taken {
    /// The bytes of a file, as they were sent.
    pub fn bytes(&self, want: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in self.pieces.get(&want).into_iter().flatten() {
            match piece {
                Piece::Data(data) => bytes.extend_from_slice(data),
                Piece::Hole(length) => {
                    bytes.resize(bytes.len() + usize::try_from(*length).unwrap(), 0);
                }
                Piece::Same(_) => panic!("nothing was there"),
            }
        }
        bytes
    }
}

impl ReadSink for Taken {
    fn begin(&mut self, want: usize) -> Result<(), SourceError> {
        self.pieces.insert(want, Vec::new());
        *self.begun.entry(want).or_default() += 1;
        Ok(())
    }
    fn data(&mut self, want: usize, _: u64, bytes: &[u8]) -> Result<(), SourceError> {
        self.sent += bytes.len() as u64;
        self.pieces.get_mut(&want).unwrap().push(Piece::Data(bytes.to_vec()));
        Ok(())
    }
    fn same(&mut self, want: usize, _: u64, length: u64) -> Result<(), SourceError> {
        self.pieces.get_mut(&want).unwrap().push(Piece::Same(length));
        Ok(())
    }
    fn hole(&mut self, want: usize, _: u64, length: u64) -> Result<(), SourceError> {
        self.pieces.get_mut(&want).unwrap().push(Piece::Hole(length));
        Ok(())
    }
    fn end(&mut self, want: usize, end: ReadEnd) -> Result<(), SourceError> {
        assert!(self.ends.insert(want, end).is_none(), "a file ends once");
        Ok(())
    }
}

pub fn want(path: &agent::path::RelPath) -> Want {
    Want { path: path.clone(), have: None, hash_only: false, was: None }
}

pub fn list(source: &mut dyn Source) -> Vec<Found> {
    let mut found = Vec::new();
    source
        .scan(&mut |one| {
            found.push(one);
            Ok(())
        })
        .unwrap();
    found
}

pub fn entries(found: &[Found]) -> Vec<&Listed> {
    found
        .iter()
        .filter_map(|one| if let Found::Entry(listed) = one { Some(listed) } else { None })
        .collect()
}

/// Copies all that the source lists; what was refused of it.
pub fn copy(source: &mut dyn Source, target: &mut dyn Target) -> Vec<String> {
    let found = list(source);
    let listed = entries(&found);
    let files: Vec<&&Listed> =
        listed.iter().filter(|one| matches!(one.body, Body::File { .. })).collect();
    let wants: Vec<Want> = files.iter().map(|one| want(&one.path)).collect();
    let mut taken = Taken::default();
    source.read(&wants, &mut taken).unwrap();

    let mut steps = Vec::new();
    let mut hashes = HashMap::new();
    let mut groups = HashMap::new();
    let mut last = Vec::new();
    for one in &listed {
        let content = match &one.body {
            Body::File { links, .. } => {
                let index = wants.iter().position(|want| want.path == one.path).unwrap();
                let Some(ReadEnd::Whole { listed: read, hash, .. }) = taken.ends.get(&index) else {
                    panic!("{:?}: {:?}", one.path, taken.ends.get(&index))
                };
                let inode = (one.identity.dev, one.identity.ino);
                if *links > 1
                    && let Some(from) = groups.insert(inode, one.path.clone())
                {
                    steps.push(Step::Link { from, to: one.path.clone() });
                    continue;
                }
                hashes.insert(steps.len(), *hash);
                let size = read.identity.size;
                Content::File { size, hash: *hash, group: None, sparse: false }
            }
            Body::Folder => {
                last.push(Step::Finish { path: one.path.clone(), meta: one.meta.clone() });
                Content::Folder
            }
            Body::Symlink { target } => Content::Symlink { target: target.clone() },
            Body::Fifo => Content::Fifo,
            Body::Socket => Content::Socket,
        };
        let pieces = wants
            .iter()
            .position(|want| want.path == one.path)
            .and_then(|index| taken.pieces.remove(&index))
            .unwrap_or_default();
        let entry = Entry { path: one.path.clone(), meta: one.meta.clone(), content };
        steps.push(Step::Place { entry, pieces: Box::new(pieces.into_iter().map(Ok)) });
    }
    last.reverse();
    steps.extend(last);
    let mut problems = Vec::new();
    let mut told = 0;
    target
        .apply(&mut steps.into_iter(), &mut |index, placed| {
            assert_eq!(index, told, "answers come in order");
            told += 1;
            match placed {
                Placed::Done { hash, refused } => {
                    if let Some(wanted) = hashes.get(&index) {
                        assert_eq!(hash, Some(*wanted));
                    }
                    problems.extend(refused);
                }
                Placed::Failed { errno } => problems.push(format!("step {index}: {errno}")),
            }
            Ok(())
        })
        .unwrap();
    target.sync().unwrap();
    problems
}

/// A tree with one of every kind.
pub fn odd_tree(root: &Path) {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
    let odd = |bytes: &[u8]| root.join(std::ffi::OsStr::from_bytes(bytes));
    let set_mode = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    std::fs::create_dir_all(root.join("runs/a")).unwrap();
    std::fs::write(root.join("empty"), "").unwrap();
    for i in 0..50 {
        std::fs::write(root.join(format!("runs/{i}")), i.to_string().repeat(i)).unwrap();
        std::fs::hard_link(root.join(format!("runs/{i}")), root.join(format!("runs/a/{i}")))
            .unwrap();
    }
    std::fs::write(odd(b" -rf \n\xff\xfe'\"$(x)`"), "odd").unwrap();
    std::fs::write(odd(&[b'n'; 255]), "long").unwrap();
    std::fs::write(root.join("big"), vec![3_u8; 3_500_000]).unwrap();
    let sparse = std::fs::File::create(root.join("sparse")).unwrap();
    sparse.set_len(64 << 20).unwrap();
    sparse.write_all_at(b"here", 33 << 20).unwrap();
    symlink("/etc/passwd", root.join("absolute")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    std::fs::write(root.join("suid"), "s").unwrap();
    set_mode(&root.join("suid"), 0o6755);
    std::fs::write(root.join("secret"), "0").unwrap();
    set_mode(&root.join("secret"), 0);
    std::fs::create_dir(root.join("sticky")).unwrap();
    std::fs::write(root.join("sticky/inside"), "i").unwrap();
    set_mode(&root.join("sticky"), 0o1557);
    rustix::fs::mkfifoat(rustix::fs::CWD, root.join("fifo"), Mode::RUSR).unwrap();
    std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    let old = rustix::fs::Timespec { tv_sec: -100, tv_nsec: 123_456_789 };
    let times = rustix::fs::Timestamps { last_access: old, last_modification: old };
    rustix::fs::utimensat(rustix::fs::CWD, root.join("empty"), &times, AtFlags::empty()).unwrap();
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    rustix::fs::utimensat(rustix::fs::CWD, root.join("dangling"), &times, flags).unwrap();
    let none = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(root.join("big"), "user.tag", b"blue", none).unwrap();
    rustix::fs::setxattr(root.join("big"), "user.none", b"", none).unwrap();
    rustix::fs::setxattr(root.join("runs"), "user.dir", &[7; 900], none).unwrap();
    // user::rw-, user:1000:r--, group::r--, mask::r--, other::---
    let acl = [
        &2_u32.to_le_bytes()[..],
        b"\x01\0\x06\0\xff\xff\xff\xff",
        b"\x02\0\x04\0\xe8\x03\0\0",
        b"\x04\0\x04\0\xff\xff\xff\xff",
        b"\x10\0\x04\0\xff\xff\xff\xff",
        b"\x20\0\0\0\xff\xff\xff\xff",
    ]
    .concat();
    rustix::fs::setxattr(root.join("runs/7"), "system.posix_acl_access", &acl, none).unwrap();
    // What is made in it afterwards must not inherit it where it is restored.
    std::fs::create_dir(root.join("inherits")).unwrap();
    std::fs::write(root.join("inherits/plain"), "p").unwrap();
    rustix::fs::setxattr(root.join("inherits"), "system.posix_acl_default", &acl, none).unwrap();
    if rustix::process::geteuid().is_root() {
        let capability = b"\x01\0\0\x02\x04\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let name = "security.capability";
        rustix::fs::setxattr(root.join("suid"), name, capability, none).unwrap();
        std::os::unix::fs::lchown(root.join("dangling"), Some(1234), Some(77)).unwrap();
        std::os::unix::fs::lchown(root.join("runs/a"), Some(1234), Some(77)).unwrap();
    }
    deep(root, 20);
}

/// Folders in folders until the path is longer than one call takes, with a file at the end.
fn deep(root: &Path, levels: usize) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let mut at = rustix::fs::open(root, flags, Mode::empty()).unwrap();
    let name = [b'p'; 235];
    for _ in 0..levels {
        rustix::fs::mkdirat(&at, &name[..], Mode::RWXU).unwrap();
        at = rustix::fs::openat(&at, &name[..], flags, Mode::empty()).unwrap();
    }
    let flags = OFlags::CREATE | OFlags::WRONLY;
    let file = rustix::fs::openat(&at, "q", flags, Mode::RUSR).unwrap();
    rustix::io::write(&file, b"deep").unwrap();
}

/// Removes a tree however deep; temporary folders of the standard kind can't.
pub fn remove_deep(root: &Path) {
    let status = std::process::Command::new("rm").arg("-rf").arg(root).status().unwrap();
    assert!(status.success());
}

pub fn hash_of(bytes: &[u8]) -> Hash {
    Hash::of(bytes)
}
