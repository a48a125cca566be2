//! A workspace on this host, read and brought back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod tree;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use agent::beneath::Resolve;
use agent::entry::Unprotected;
use agent::exclude::Exclude;
use agent::hash::{BLOCK, Blocks, Hash};
use agent::local_source::{LocalSource, Options};
use agent::local_target::LocalTarget;
use agent::path::RelPath;
use agent::source::{Found, ReadEnd, ReadSink, Source, SourceError, Want};
use agent::target::{Piece, Placed, Step, apply_one};
use tree::{Taken, copy, entries, list, odd_tree, snapshot, want};

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

fn source(root: &Path) -> LocalSource {
    LocalSource::new(root, Options::default())
}

fn found_at(found: &[Found], wanted: &str) -> Option<Unprotected> {
    found.iter().find_map(|one| match one {
        Found::Unprotected { path: at, why, .. } if *at == path(wanted) => Some(why.clone()),
        _ => None,
    })
}

#[test]
fn every_kind_of_entry_comes_back_as_it_was() {
    for resolve in [Resolve::Kernel, Resolve::Names] {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::create_dir(&from).unwrap();
        odd_tree(&from);
        let before = snapshot(&from);
        let options = Options { resolve, ..Options::default() };
        let mut target = LocalTarget::open(&to, resolve).unwrap();
        let problems = copy(&mut LocalSource::new(&from, options), &mut target);
        drop(target);
        assert_eq!(problems, Vec::<String>::new());
        let after = snapshot(&to);
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
        for (path, node) in &before {
            assert_eq!(node, &after[path], "{}", path.escape_ascii());
        }
        assert_eq!(before, snapshot(&from), "reading changes nothing");
        tree::remove_deep(folder.path());
    }
}

#[test]
fn bringing_back_over_another_tree_replaces_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let outside = folder.path().join("outside");
    for dir in [&from, &to, &outside] {
        std::fs::create_dir(dir).unwrap();
    }
    std::fs::write(outside.join("kept"), "k").unwrap();
    // A file where a folder stands, a folder where a link leads out, a file where a pipe is.
    std::fs::create_dir_all(to.join("file/full/of")).unwrap();
    std::fs::write(to.join("file/full/of/it"), "x").unwrap();
    std::os::unix::fs::symlink(&outside, to.join("folder")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, to.join("was-pipe"), rustix::fs::Mode::RWXU).unwrap();
    std::os::unix::fs::symlink(outside.join("kept"), to.join("plain")).unwrap();
    for name in ["file", "was-pipe", "plain"] {
        std::fs::write(from.join(name), name).unwrap();
    }
    std::fs::create_dir(from.join("folder")).unwrap();
    std::fs::write(from.join("folder/kept"), "new").unwrap();
    let mut target = LocalTarget::open(&to, Resolve::Kernel).unwrap();
    assert_eq!(copy(&mut source(&from), &mut target), Vec::<String>::new());
    assert_eq!(snapshot(&from), snapshot(&to));
    assert_eq!(std::fs::read(outside.join("kept")).unwrap(), b"k");
    let gone = apply_one(&mut target, Step::Remove { path: path("folder") }).unwrap();
    assert!(matches!(gone, Placed::Done { .. }));
    let again = apply_one(&mut target, Step::Remove { path: path("folder") }).unwrap();
    assert!(matches!(again, Placed::Done { .. }));
    assert!(!to.join("folder").exists());
}

#[test]
fn a_link_in_the_way_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (to, outside) = (folder.path().join("to"), folder.path().join("outside"));
    std::fs::create_dir_all(&to).unwrap();
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("kept"), "k").unwrap();
    std::os::unix::fs::symlink(&outside, to.join("out")).unwrap();
    for resolve in [Resolve::Kernel, Resolve::Names] {
        let mut target = LocalTarget::open(&to, resolve).unwrap();
        let meta = entries(&list(&mut source(&to)))[0].meta.clone();
        let entry = agent::entry::Entry {
            path: path("out/new"),
            meta: meta.clone(),
            content: agent::entry::Content::Fifo,
        };
        let steps = [
            Step::Place { entry, pieces: Box::new(std::iter::empty()) },
            Step::Remove { path: path("out/kept") },
            Step::Link { from: path("out/kept"), to: path("stolen") },
            Step::Finish { path: path("out/kept"), meta },
        ];
        for (index, step) in steps.into_iter().enumerate() {
            let placed = apply_one(&mut target, step).unwrap();
            // Removing what can't be there is as good as done.
            assert!(index == 1 || matches!(placed, Placed::Failed { .. }), "{index}: {placed:?}");
        }
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
        assert!(!to.join("stolen").exists());
    }
}

#[test]
fn what_a_killed_target_left_is_no_part_of_the_workspace_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join(".dumont-agent-00112233aabbccdd");
    std::fs::create_dir_all(own.join("sub")).unwrap();
    std::fs::write(own.join("sub/1"), "x").unwrap();
    let found = list(&mut source(folder.path()));
    assert_eq!(found.len(), 1, "{found:?}");
    drop(LocalTarget::open(folder.path(), Resolve::Kernel).unwrap());
    assert!(!own.exists());
}

#[test]
fn blocks_of_what_stands_there_are_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let old: Vec<u8> = (0..5 * BLOCK).map(|i| u8::try_from(i / 7 % 256).unwrap()).collect();
    std::fs::write(folder.path().join("f"), &old).unwrap();
    let mut target = LocalTarget::open(folder.path(), Resolve::Kernel).unwrap();
    let have = agent::target::Target::blocks(&mut target, &path("f")).unwrap().unwrap();
    assert_eq!(have, Blocks(old.chunks(BLOCK).map(Hash::of).collect()));
    let listed = entries(&list(&mut source(folder.path())))[1].clone();
    let mut new = old.clone();
    new[2 * BLOCK..3 * BLOCK].fill(9);
    let block = BLOCK as u64;
    let pieces = [
        Piece::Same(2 * block),
        Piece::Data(new[2 * BLOCK..3 * BLOCK].to_vec()),
        Piece::Same(2 * block),
    ];
    let content = agent::entry::Content::File {
        size: 5 * block,
        hash: Hash::of(&new),
        group: None,
        sparse: false,
    };
    let entry = agent::entry::Entry { path: path("f"), meta: listed.meta, content };
    let step = Step::Place { entry, pieces: Box::new(pieces.into_iter().map(Ok)) };
    let placed = apply_one(&mut target, step).unwrap();
    assert_eq!(placed, Placed::Done { hash: Some(Hash::of(&new)), refused: Vec::new() });
    assert_eq!(std::fs::read(folder.path().join("f")).unwrap(), new);
}

#[test]
fn pieces_that_do_not_come_to_the_size_break_the_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let mut target = LocalTarget::open(folder.path(), Resolve::Kernel).unwrap();
    let meta = entries(&list(&mut source(folder.path())))[0].meta.clone();
    for pieces in [vec![Piece::Data(vec![1; 3])], vec![Piece::Hole(u64::MAX), Piece::Hole(9)]] {
        let content = agent::entry::Content::File {
            size: 4,
            hash: Hash::of(b""),
            group: None,
            sparse: false,
        };
        let entry = agent::entry::Entry { path: path("f"), meta: meta.clone(), content };
        let step = Step::Place { entry, pieces: Box::new(pieces.into_iter().map(Ok)) };
        assert!(matches!(apply_one(&mut target, step), Err(SourceError::Protocol(_))));
        assert!(!folder.path().join("f").exists());
    }
}

#[test]
fn devices_and_other_file_systems_are_told_and_nothing_below_is_looked_at() {
    for resolve in [Resolve::Kernel, Resolve::Names] {
        let options = Options { resolve, ..Options::default() };
        let found = list(&mut LocalSource::new("/dev", options));
        assert_eq!(found_at(&found, "null"), Some(Unprotected::Device));
        assert_eq!(found_at(&found, "pts"), Some(Unprotected::OtherFileSystem), "{resolve:?}");
        assert!(!entries(&found).iter().any(|one| one.path.is_within(&path("pts"))));
    }
}

#[test]
fn what_is_excluded_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("cache/deep")).unwrap();
    std::fs::write(folder.path().join("cache/deep/x"), "x").unwrap();
    std::fs::write(folder.path().join("a.tmp"), "x").unwrap();
    let exclude = Exclude::new([b"/cache".to_vec(), b"*.tmp".to_vec()]);
    let options = Options { exclude, ..Options::default() };
    let found = list(&mut LocalSource::new(folder.path(), options));
    assert_eq!(found_at(&found, "cache"), Some(Unprotected::Excluded));
    assert_eq!(found_at(&found, "a.tmp"), Some(Unprotected::Excluded));
    assert_eq!(found.len(), 3);
}

#[test]
fn a_workspace_that_is_not_there_is_said_to_be_missing() {
    let mut source = source(Path::new("/nowhere/at/all"));
    let missing = source.scan(&mut |_| Ok(()));
    assert!(matches!(missing, Err(SourceError::RootMissing(_))));
    let mut file = LocalSource::new("/etc/passwd", Options::default());
    assert!(matches!(file.scan(&mut |_| Ok(())), Err(SourceError::RootMissing(_))));
}

#[test]
fn what_is_no_file_any_more_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("d")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("p"), rustix::fs::Mode::RWXU).unwrap();
    let wants = ["d", "p", "never", "d/x"].map(|name| want(&path(name)));
    let mut taken = Taken::default();
    source(folder.path()).read(&wants, &mut taken).unwrap();
    assert!((0..4).all(|index| taken.ends[&index] == ReadEnd::Gone), "{:?}", taken.ends);
}

/// Takes what is read, and changes the file while it does.
struct Meddling<F: FnMut(usize)> {
    taken: Taken,
    parts: usize,
    meddle: F,
}

impl<F: FnMut(usize)> ReadSink for Meddling<F> {
    fn begin(&mut self, want: usize) -> Result<(), SourceError> {
        self.taken.begin(want)
    }
    fn data(&mut self, want: usize, offset: u64, bytes: &[u8]) -> Result<(), SourceError> {
        self.parts += 1;
        (self.meddle)(self.parts);
        self.taken.data(want, offset, bytes)
    }
    fn same(&mut self, want: usize, offset: u64, length: u64) -> Result<(), SourceError> {
        self.taken.same(want, offset, length)
    }
    fn hole(&mut self, want: usize, offset: u64, length: u64) -> Result<(), SourceError> {
        self.taken.hole(want, offset, length)
    }
    fn end(&mut self, want: usize, end: ReadEnd) -> Result<(), SourceError> {
        self.taken.end(want, end)
    }
}

struct Scene {
    _folder: tempfile::TempDir,
    root: PathBuf,
    file: File,
}

/// A file of three blocks of ones.
fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_path_buf();
    std::fs::write(root.join("f"), vec![1; 3 * BLOCK]).unwrap();
    let file = File::options().write(true).read(true).open(root.join("f")).unwrap();
    Scene { _folder: folder, root, file }
}

fn read_while(scene: &Scene, meddle: impl FnMut(usize)) -> Taken {
    let mut sink = Meddling { taken: Taken::default(), parts: 0, meddle };
    let wants = [want(&path("f"))];
    source(&scene.root).read(&wants, &mut sink).unwrap();
    sink.taken
}

#[test]
fn a_file_changed_while_it_is_read_is_read_again() {
    let scene = scene();
    let taken = read_while(&scene, |part| {
        if part == 2 {
            scene.file.write_all_at(&[2; 2 * BLOCK], 0).unwrap();
        }
    });
    let now = std::fs::read(scene.root.join("f")).unwrap();
    assert_eq!(taken.bytes(0), now, "not half of each");
    let Some(ReadEnd::Whole { hash, prefix: true, .. }) = taken.ends.get(&0) else {
        panic!("{:?}: it is open still", taken.ends)
    };
    assert_eq!(*hash, Hash::of(&now));
    assert_eq!(taken.begun[&0], 2);
}

#[test]
fn a_log_that_grows_gives_what_was_there() {
    let scene = scene();
    let mut size = 3 * BLOCK as u64;
    let taken = read_while(&scene, |_| {
        scene.file.write_all_at(b"one more line\n", size).unwrap();
        size += 14;
    });
    let Some(ReadEnd::Whole { listed, hash, prefix: true, .. }) = taken.ends.get(&0) else {
        panic!("{:?}", taken.ends)
    };
    assert_eq!(listed.identity.size, 3 * BLOCK as u64);
    assert_eq!(*hash, Hash::of(&vec![1; 3 * BLOCK]));
    assert_eq!(taken.bytes(0).len(), 3 * BLOCK);
}

#[test]
fn one_that_grows_and_changes_before_its_end_is_no_prefix() {
    let scene = scene();
    let mut size = 3 * BLOCK as u64;
    let taken = read_while(&scene, |part| {
        if part <= 3 {
            scene.file.write_all_at(&[9; 10], 100).unwrap();
            scene.file.write_all_at(b"grown", size).unwrap();
            size += 5;
        }
    });
    let now = std::fs::read(scene.root.join("f")).unwrap();
    assert_eq!(taken.bytes(0), now);
    assert!(taken.begun[&0] > 1);
}

#[test]
fn one_that_changes_whenever_a_part_is_taken_comes_whole_from_a_copy() {
    let scene = scene();
    let mut value = 1;
    let taken = read_while(&scene, |_| {
        value += 1;
        scene.file.write_all_at(&[value; 64], 2000).unwrap();
        scene.file.write_all_at(&[value; 64], 2 * BLOCK as u64).unwrap();
    });
    let bytes = taken.bytes(0);
    let Some(ReadEnd::Whole { hash, .. }) = taken.ends.get(&0) else { panic!("{:?}", taken.ends) };
    assert_eq!(*hash, Hash::of(&bytes));
    assert_eq!(bytes[2000], bytes[2 * BLOCK], "both writes of one moment, or neither");
}

#[test]
fn one_cut_short_or_replaced_while_it_is_read_is_never_a_mixture() {
    let scene = scene();
    let taken = read_while(&scene, |part| {
        if part == 1 {
            scene.file.set_len(BLOCK as u64 + 5).unwrap();
        }
    });
    assert_eq!(taken.bytes(0), vec![1; BLOCK + 5]);
    let taken = read_while(&scene, |part| {
        if part == 1 {
            std::fs::write(scene.root.join("new"), vec![8; 2 * BLOCK]).unwrap();
            std::fs::rename(scene.root.join("new"), scene.root.join("f")).unwrap();
        }
    });
    assert_eq!(taken.bytes(0), vec![8; 2 * BLOCK]);
}

#[test]
fn only_the_hash_is_read_where_only_that_is_wanted() {
    let scene = scene();
    let wants = [Want { path: path("f"), have: None, hash_only: true, was: None }];
    let mut taken = Taken::default();
    source(&scene.root).read(&wants, &mut taken).unwrap();
    let Some(ReadEnd::Whole { hash, .. }) = taken.ends.get(&0) else { panic!() };
    assert_eq!(*hash, Hash::of(&vec![1; 3 * BLOCK]));
    assert_eq!(taken.sent, 0);
}
