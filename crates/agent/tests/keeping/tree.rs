//! A folder as it is, read without the code under test: for comparing, and as a workspace that answers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use agent::clock::{Clock, HostClock, Nanos};
use agent::entry::{Body, Identity, Listed, Meta, Unprotected, Xattr};
use agent::hash::{BLOCK, Hash};
use agent::path::RelPath;
use agent::source::{
    Blind, Changes, Disk, Found, ListEnd, ReadEnd, ReadSink, Sight, Source, SourceError, Want,
};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, StatxFlags};

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW);

/// Hears of what a folder holds.
pub type Each<'a> = dyn FnMut(&OwnedFd, &[u8], RelPath, &Stat) + 'a;
/// Changes bytes on their way.
pub type Spoil = dyn FnMut(&RelPath, u64, &mut Vec<u8>);

pub fn open(path: &Path) -> OwnedFd {
    rustix::fs::open(path, FOLDER, Mode::empty()).unwrap()
}

/// Calls `each` with the folder, name and path of everything, a folder before what is in it.
pub fn walk(root: &OwnedFd, each: &mut Each<'_>) {
    walk_in(root, &RelPath::root(), each);
}

fn walk_in(at: &OwnedFd, path: &RelPath, each: &mut Each<'_>) {
    let mut names: Vec<Vec<u8>> = Dir::read_from(at)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_bytes().to_vec())
        .filter(|name| name != b"." && name != b"..")
        .collect();
    names.sort();
    for name in names {
        let Ok(stat) = rustix::fs::statat(at, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW) else {
            continue;
        };
        let path = path.join(&name).unwrap();
        each(at, &name, path.clone(), &stat);
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            let within = rustix::fs::openat(at, name.as_slice(), FOLDER, Mode::empty()).unwrap();
            walk_in(&within, &path, each);
        }
    }
}

pub fn parent(root: &OwnedFd, path: &RelPath) -> OwnedFd {
    let mut at = root.try_clone().unwrap();
    for name in path.parent().unwrap().names() {
        at = rustix::fs::openat(&at, name, FOLDER, Mode::empty()).unwrap();
    }
    at
}

pub fn identity(stat: &Stat, born: Option<Nanos>) -> Identity {
    Identity {
        born,
        dev: stat.st_dev,
        ino: stat.st_ino,
        size: stat.st_size as u64,
        mtime: Nanos::of(stat.st_mtime, stat.st_mtime_nsec as i64),
        ctime: Nanos::of(stat.st_ctime, stat.st_ctime_nsec as i64),
    }
}

/// When it was made, where the file system knows.
fn born(at: &OwnedFd, name: &[u8]) -> Option<Nanos> {
    let (flags, mask) = (AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BTIME);
    let stat = rustix::fs::statx(at, name, flags, mask).ok()?;
    let time = stat.stx_btime;
    let known = StatxFlags::from_bits_retain(stat.stx_mask).contains(mask);
    known.then(|| Nanos::of(time.tv_sec, i64::from(time.tv_nsec)))
}

fn xattrs(at: &OwnedFd, name: &[u8], stat: &Stat) -> Vec<Xattr> {
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind != FileType::RegularFile && kind != FileType::Directory {
        return Vec::new();
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = rustix::fs::openat(at, name, flags, Mode::empty()).unwrap();
    let mut names = vec![0_u8; 4096];
    let length = rustix::fs::flistxattr(&file, names.as_mut_slice()).unwrap_or(0);
    let mut all = Vec::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0_u8; 65536];
        let length = rustix::fs::fgetxattr(&file, name, value.as_mut_slice()).unwrap();
        value.truncate(length);
        all.push(Xattr { name: name.to_vec(), value });
    }
    all.sort();
    all
}

pub fn listed(at: &OwnedFd, name: &[u8], path: RelPath, stat: &Stat) -> Option<Listed> {
    let body = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Body::File {
            size: stat.st_size as u64,
            allocated: stat.st_blocks as u64 * 512,
            links: stat.st_nlink,
        },
        FileType::Directory => Body::Folder,
        FileType::Symlink => Body::Symlink {
            target: rustix::fs::readlinkat(at, name, Vec::new()).unwrap().into_bytes(),
        },
        FileType::Fifo => Body::Fifo,
        FileType::Socket => Body::Socket,
        _ => return None,
    };
    Some(Listed {
        path,
        identity: identity(stat, born(at, name)),
        meta: Meta {
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            mtime: Nanos::of(stat.st_mtime, stat.st_mtime_nsec as i64),
            xattrs: xattrs(at, name, stat),
        },
        body,
        mapped: false,
    })
}

/// What stands at a path, for comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    pub kind: &'static str,
    pub meta: Meta,
    pub target: Vec<u8>,
    pub size: u64,
    pub hash: Option<Hash>,
    /// The first of its names, for files that have several here.
    pub group: Option<RelPath>,
}

pub type State = BTreeMap<RelPath, Thing>;

pub fn state(root: &Path) -> State {
    let root = open(root);
    let mut state = State::new();
    let mut groups: BTreeMap<u64, RelPath> = BTreeMap::new();
    let mut counts: BTreeMap<RelPath, u64> = BTreeMap::new();
    walk(&root, &mut |at, name, path, stat| {
        let Some(listed) = listed(at, name, path.clone(), stat) else { return };
        let mut thing = Thing {
            kind: "file",
            meta: listed.meta,
            target: Vec::new(),
            size: 0,
            hash: None,
            group: None,
        };
        match listed.body {
            Body::File { size, links, .. } => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW;
                let file = rustix::fs::openat(at, name, flags, Mode::empty()).unwrap();
                let mut bytes = Vec::new();
                File::from(file).read_to_end(&mut bytes).unwrap();
                thing.size = size;
                thing.hash = Some(Hash::of(&bytes));
                if links > 1 {
                    let first = groups.entry(stat.st_ino).or_insert_with(|| path.clone()).clone();
                    *counts.entry(first.clone()).or_default() += 1;
                    thing.group = Some(first);
                }
            }
            Body::Folder => thing.kind = "folder",
            Body::Symlink { target } => {
                thing.kind = "symlink";
                thing.target = target;
            }
            Body::Fifo => thing.kind = "fifo",
            Body::Socket => thing.kind = "socket",
        }
        state.insert(path, thing);
    });
    alone(&mut state, &counts);
    state
}

/// A group of one is none; others go by the first of their names.
pub fn alone(state: &mut State, counts: &BTreeMap<RelPath, u64>) {
    let mut first: BTreeMap<RelPath, RelPath> = BTreeMap::new();
    for (path, thing) in state.iter_mut() {
        if let Some(group) = &mut thing.group {
            let named = first.entry(group.clone()).or_insert_with(|| path.clone()).clone();
            if counts.get(group) != Some(&1) {
                *group = named;
            }
        }
        if thing.group.as_ref().is_some_and(|group| counts.get(group) == Some(&1)) {
            thing.group = None;
        }
    }
}

/// As it is on a copy: without what gives power.
pub fn harmless(state: &State) -> State {
    let mut state = state.clone();
    for thing in state.values_mut() {
        thing.meta.mode &= 0o1777;
        thing.meta.xattrs.retain(|xattr| xattr.name.starts_with(b"user."));
    }
    state
}

/// Says what differs, few of it.
pub fn differences(left: &State, right: &State) -> Vec<String> {
    let mut all = Vec::new();
    for path in left.keys().chain(right.keys().filter(|path| !left.contains_key(*path))) {
        let (one, other) = (left.get(path), right.get(path));
        if one != other {
            all.push(format!("{path:?}: {one:?} and {other:?}"));
        }
    }
    all.truncate(5);
    all
}

/// A workspace that answers honestly: it knows what changed by comparing with what it told before.
pub struct Folder {
    pub root: PathBuf,
    /// Nothing: what it would tell of is not known any more.
    pub told: Option<BTreeMap<RelPath, Identity>>,
    /// What a listing says it began at; for telling states apart.
    pub moment: i128,
    /// Answers like a watch that never overflows.
    pub watches: bool,
    /// Bytes that it sent.
    pub sent: u64,
    /// Hashed without being sent.
    pub hashed: u64,
    /// Changes what it sends: given the path and the place in what is sent so far.
    pub spoil: Option<Box<Spoil>>,
    /// Never hold still, however often they are read.
    pub flux: Vec<RelPath>,
    /// Not readable.
    pub unreadable: Vec<RelPath>,
    pub scans: u64,
    /// A file is read too soon after its change within so long.
    pub racy_millis: u128,
    /// Numbers that its file system gave a second time: of the file that has it now, by path.
    pub reused: BTreeMap<RelPath, u64>,
    /// Its file system writes down when a file was made.
    pub knows_births: bool,
    /// Folders below which it does not tell what went: they are told to be others.
    pub quiet: Vec<RelPath>,
}

impl Folder {
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            told: None,
            moment: 0,
            watches: true,
            sent: 0,
            hashed: 0,
            spoil: None,
            flux: Vec::new(),
            unreadable: Vec::new(),
            scans: 0,
            racy_millis: 20,
            reused: BTreeMap::new(),
            knows_births: true,
            quiet: Vec::new(),
        }
    }

    fn end(&self) -> Result<ListEnd, SourceError> {
        let root = rustix::fs::fstat(open(&self.root)).unwrap();
        let disk = Disk { size: 1 << 40, free: 1 << 39 };
        Ok(ListEnd {
            began: Nanos(self.moment),
            root: identity(&root, None),
            disk,
            sight: Sight::All,
            unwatched: None,
        })
    }

    fn listed(&self, at: &OwnedFd, name: &[u8], path: RelPath, stat: &Stat) -> Option<Listed> {
        let mut listed = listed(at, name, path, stat)?;
        if let Some(number) = self.reused.get(&listed.path) {
            listed.identity.ino = *number;
            // Made after the one that had it, however coarse the clock is.
            listed.identity.born = listed.identity.born.map(|born| Nanos(born.0 + 1));
        }
        if !self.knows_births {
            listed.identity.born = None;
        }
        Some(listed)
    }

    fn list(&self) -> (Vec<Found>, BTreeMap<RelPath, Identity>) {
        let mut all = Vec::new();
        let mut told = BTreeMap::new();
        walk(&open(&self.root), &mut |at, name, path, stat| {
            if self.unreadable.iter().any(|folder| path.is_within(folder)) {
                if self.unreadable.contains(&path) {
                    let why = Unprotected::Unreadable { errno: 13 };
                    all.push(Found::Unprotected { path, why, size: Some(stat.st_size as u64) });
                }
                return;
            }
            if let Some(listed) = self.listed(at, name, path.clone(), stat) {
                told.insert(path, listed.identity);
                all.push(Found::Entry(listed));
            }
        });
        (all, told)
    }
}

impl Source for Folder {
    fn scan(
        &mut self,
        each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
    ) -> Result<ListEnd, SourceError> {
        self.scans += 1;
        let (all, told) = self.list();
        for found in all {
            each(found)?;
        }
        self.told = Some(told);
        self.end()
    }

    fn changes(
        &mut self,
        each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
    ) -> Result<Changes, SourceError> {
        let Some(before) = self.told.take().filter(|_| self.watches) else {
            return Ok(Changes::Unknown(Blind::Fresh));
        };
        let (all, told) = self.list();
        let is_quiet = |path: &RelPath| {
            self.quiet.iter().any(|folder| path.is_within(folder) && path != folder)
        };
        let gone = before.keys().filter(|path| !told.contains_key(*path) && !is_quiet(path));
        for path in gone {
            each(Found::Gone { path: path.clone() })?;
        }
        for found in all {
            let same = match &found {
                Found::Entry(listed) => before.get(&listed.path) == Some(&listed.identity),
                _ => false,
            };
            if !same {
                each(found)?;
            }
        }
        self.told = Some(told);
        Ok(Changes::Told(self.end()?))
    }

    fn read(&mut self, wants: &[Want], sink: &mut dyn ReadSink) -> Result<(), SourceError> {
        let root = open(&self.root);
        for (number, want) in wants.iter().enumerate() {
            let at = parent(&root, &want.path);
            let name = want.path.name().unwrap();
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
            let Ok(file) = rustix::fs::openat(&at, name, flags, Mode::empty()) else {
                sink.end(number, ReadEnd::Gone)?;
                continue;
            };
            if self.flux.contains(&want.path) {
                sink.begin(number)?;
                if !want.hash_only {
                    sink.data(number, 0, b"torn")?;
                }
                sink.end(number, ReadEnd::Flux)?;
                continue;
            }
            let stat = rustix::fs::fstat(&file).unwrap();
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                sink.end(number, ReadEnd::Gone)?;
                continue;
            }
            let mut bytes = Vec::new();
            File::from(file).read_to_end(&mut bytes).unwrap();
            let listed = self.listed(&at, name, want.path.clone(), &stat).unwrap();
            let racy = HostClock.now().since(listed.identity.ctime).as_millis() < self.racy_millis;
            sink.begin(number)?;
            if want.hash_only {
                self.hashed += bytes.len() as u64;
            } else {
                let mut at = 0_u64;
                for (place, block) in bytes.chunks(BLOCK).enumerate() {
                    let length = block.len() as u64;
                    let have = want.have.as_ref().and_then(|have| have.0.get(place));
                    if have == Some(&Hash::of(block)) {
                        sink.same(number, at, length)?;
                    } else if block.iter().all(|byte| *byte == 0) {
                        sink.hole(number, at, length)?;
                    } else {
                        let mut block = block.to_vec();
                        if let Some(spoil) = &mut self.spoil {
                            spoil(&want.path, self.sent, &mut block);
                        }
                        self.sent += length;
                        sink.data(number, at, &block)?;
                    }
                    at += length;
                }
            }
            let hash = Hash::of(&bytes);
            sink.end(number, ReadEnd::Whole { listed, hash, racy, prefix: false })?;
        }
        Ok(())
    }

    fn wait(&mut self, _: u64) -> Result<bool, SourceError> {
        Ok(true)
    }
}
