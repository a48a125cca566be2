//! A watch tells what a scan would find, and says when it can't.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::path::Path;

use agent::entry::Listed;
use agent::exclude::Exclude;
use agent::local_source::{LocalSource, Options};
use agent::path::RelPath;
use agent::source::{Blind, Changes, Found, Source};

type Known = BTreeMap<RelPath, Listed>;

fn without_mapped(mut listed: Listed) -> Listed {
    listed.mapped = false;
    listed
}

fn scan(source: &mut LocalSource) -> Known {
    let mut known = Known::new();
    source
        .scan(&mut |found| {
            if let Found::Entry(listed) = found {
                known.insert(listed.path.clone(), without_mapped(listed));
            }
            Ok(())
        })
        .unwrap();
    known
}

/// Takes in what changed; how much was told.
fn follow(source: &mut LocalSource, known: &mut Known) -> (Changes, usize) {
    let mut told = 0;
    let changes = source
        .changes(&mut |found| {
            told += 1;
            match found {
                Found::Entry(listed) => {
                    known.insert(listed.path.clone(), without_mapped(listed));
                }
                Found::Gone { path }
                | Found::Unprotected { path, .. }
                | Found::Attributes { path, .. } => {
                    known.retain(|known, _| !known.is_within(&path));
                }
            }
            Ok(())
        })
        .unwrap();
    (changes, told)
}

fn watched(root: &Path) -> (LocalSource, Known) {
    let mut source = LocalSource::new(root, Options::default());
    let known = scan(&mut source);
    (source, known)
}

/// What is known by the watch is what somebody finds who looks at everything.
fn check(source: &mut LocalSource, known: &mut Known, root: &Path, word: &str) {
    let (changes, _) = follow(source, known);
    assert!(matches!(changes, Changes::Told(_)), "{word}: {changes:?}");
    let fresh = scan(&mut LocalSource::new(root, Options { watch: false, ..Options::default() }));
    assert_eq!(known.keys().collect::<Vec<_>>(), fresh.keys().collect::<Vec<_>>(), "{word}");
    for (path, listed) in &fresh {
        assert_eq!(&known[path], listed, "{word}");
    }
}

#[test]
fn every_kind_of_change_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir_in(folder.path().parent().unwrap()).unwrap();
    let root = folder.path();
    let at = |name: &str| root.join(name);
    std::fs::create_dir_all(at("a/b/c")).unwrap();
    std::fs::write(at("a/b/c/f"), "1").unwrap();
    let (mut source, mut known) = watched(root);
    let mut step = |word: &str, act: &dyn Fn()| {
        act();
        check(&mut source, &mut known, root, word);
    };
    step("written", &|| std::fs::write(at("a/b/c/f"), "22").unwrap());
    step("a new tree, filled at once", &|| {
        std::fs::create_dir_all(at("new/deep/er")).unwrap();
        std::fs::write(at("new/deep/er/f"), "x").unwrap();
    });
    step("what is in the new tree", &|| std::fs::write(at("new/deep/er/f"), "yy").unwrap());
    step("a folder moved", &|| std::fs::rename(at("a/b"), at("moved")).unwrap());
    step("in the moved one", &|| std::fs::write(at("moved/c/f"), "333").unwrap());
    step("moved twice at once", &|| {
        std::fs::rename(at("moved"), at("x")).unwrap();
        std::fs::rename(at("x/c"), at("c")).unwrap();
        std::fs::write(at("c/f"), "4444").unwrap();
    });
    step("moved out", &|| std::fs::rename(at("c"), outside.path().join("c")).unwrap());
    step("changed out there", &|| std::fs::write(outside.path().join("c/f"), "5").unwrap());
    step("moved in", &|| std::fs::rename(outside.path().join("c"), at("a/c")).unwrap());
    step("in what came in", &|| std::fs::write(at("a/c/g"), "6").unwrap());
    step("rights", &|| {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(at("a/c"), mode.clone()).unwrap();
        std::fs::set_permissions(at("a/c/g"), mode).unwrap();
    });
    step("attributes", &|| {
        let none = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(at("a/c/g"), "user.t", b"x", none).unwrap();
    });
    // Of another name of an inode nothing is told: who keeps knows all its names.
    step("a link", &|| {
        std::fs::hard_link(at("a/c/g"), at("g2")).unwrap();
        std::fs::write(at("a/c/g"), "77").unwrap();
    });
    step("a folder for a file and back", &|| {
        std::fs::remove_file(at("g2")).unwrap();
        std::fs::write(at("a/c/g"), "888").unwrap();
        std::fs::create_dir(at("g2")).unwrap();
        std::fs::write(at("g2/in"), "x").unwrap();
    });
    step("removed", &|| std::fs::remove_dir_all(at("new")).unwrap());
    step("nothing", &|| {});
}

#[test]
fn a_watch_without_a_change_looks_at_nothing() {
    let files = std::env::var("DUMONT_FILES").ok().and_then(|count| count.parse().ok());
    let files: u32 = files.unwrap_or(2_000);
    let folder = tempfile::tempdir().unwrap();
    for number in 0..files {
        let within = folder.path().join(format!("{}", number / 100));
        std::fs::create_dir_all(&within).unwrap();
        std::fs::write(within.join(format!("{number}")), "x").unwrap();
    }
    let began = std::time::Instant::now();
    let (mut source, mut known) = watched(folder.path());
    let scanned = began.elapsed();
    let began = std::time::Instant::now();
    for _ in 0..10 {
        assert_eq!(follow(&mut source, &mut known).1, 0);
    }
    let watched = began.elapsed() / 10;
    println!("{files} files: a scan {scanned:?}, a watched cycle {watched:?}, {}", memory());
    assert!(!source.wait(0).unwrap());
    std::fs::write(folder.path().join("0/0"), "changed").unwrap();
    assert!(source.wait(10_000).unwrap());
    assert_eq!(follow(&mut source, &mut known).1, 1);
}

/// The memory of this process.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default().to_owned()
}

#[test]
fn more_changes_than_are_remembered_lead_to_a_scan() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("d")).unwrap();
    let (mut source, mut known) = watched(folder.path());
    // The kernel's queue runs over.
    let most = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    for number in 0..most.trim().parse::<u32>().unwrap() {
        std::fs::write(folder.path().join(format!("d/{}", number % 50)), "x").unwrap();
    }
    let (changes, _) = follow(&mut source, &mut known);
    assert_eq!(changes, Changes::Unknown(Blind::Overflow));
    let (changes, _) = follow(&mut source, &mut known);
    assert!(matches!(changes, Changes::Unknown(_)), "until a scan");
    known = scan(&mut source);
    check(&mut source, &mut known, folder.path(), "after the scan");
}

#[test]
fn another_root_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let (mut source, mut known) = watched(&root);
    std::fs::rename(&root, folder.path().join("old")).unwrap();
    std::fs::create_dir(&root).unwrap();
    let (changes, _) = follow(&mut source, &mut known);
    assert_eq!(changes, Changes::Unknown(Blind::RootReplaced));
    assert!(source.wait(0).unwrap(), "something is to be done");
}

#[test]
fn what_is_excluded_is_not_told_of() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("cache")).unwrap();
    let options = Options {
        exclude: Exclude::new([b"cache".to_vec(), b"*.tmp".to_vec()]),
        ..Options::default()
    };
    let mut source = LocalSource::new(folder.path(), options);
    let mut known = scan(&mut source);
    std::fs::write(folder.path().join("cache/x"), "x").unwrap();
    assert_eq!(follow(&mut source, &mut known).1, 0);
    std::fs::write(folder.path().join("a.tmp"), "x").unwrap();
    std::fs::write(folder.path().join("a"), "x").unwrap();
    follow(&mut source, &mut known);
    assert!(known.contains_key(&RelPath::new("a").unwrap()));
    assert!(!known.contains_key(&RelPath::new("a.tmp").unwrap()));
}
