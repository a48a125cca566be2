//! Bringing points back, and proving it.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use agent::beneath::Resolve;
use agent::keep::{Differs, KeepError, Trouble, Wanted};
use agent::local_source::{LocalSource, Options};
use agent::local_target::LocalTarget;
use agent::path::RelPath;
use agent::source::{Changes, Found, ListEnd, ReadSink, Source, SourceError, Want};
use rustix::fs::XattrFlags;

use crate::bench::Bench;

fn path(path: &str) -> RelPath {
    RelPath::new(path).unwrap()
}

#[test]
fn links_holes_and_attributes_come_back_and_power_only_there() {
    let mut bench = Bench::new();
    for number in 0..300 {
        bench.write(&format!("pkgs/{number}"), vec![number as u8; 2_000]);
        std::fs::create_dir_all(bench.workspace.join("env")).unwrap();
        let of = |folder: &str| bench.workspace.join(format!("{folder}/{number}"));
        std::fs::hard_link(of("pkgs"), of("env")).unwrap();
    }
    let sparse = std::fs::File::create(bench.workspace.join("sparse")).unwrap();
    sparse.set_len(2 << 30).unwrap();
    std::os::unix::fs::FileExt::write_at(&sparse, &vec![9; 1 << 20], 1000 << 20).unwrap();
    bench.write("tool", "#!");
    let tool = bench.workspace.join("tool");
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o4755)).unwrap();
    let capability = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bench.write("cap", "x");
    let cap = bench.workspace.join("cap");
    for (name, value) in [("user.tag", &b"blue"[..]), ("security.capability", &capability)] {
        rustix::fs::setxattr(&cap, name, value, XattrFlags::empty()).unwrap();
    }
    bench.cycle_local().unwrap();
    bench.check_now();
    let mode = |path: &std::path::Path| path.metadata().unwrap().mode() & 0o7777;
    assert_eq!(mode(&bench.copy.join("tool")), 0o755);
    let mut none = [0; 64];
    let kept = bench.copy.join("cap");
    assert!(rustix::fs::getxattr(&kept, "security.capability", none.as_mut_slice()).is_err());
    let to = tempfile::tempdir().unwrap();
    let id = bench.keeper().points().unwrap()[0].id;
    let wanted = Wanted { point: id, from: None, first: vec![path("env")] };
    let (restored, proof) = bench.restore(&wanted, to.path());
    assert_eq!((restored.links, restored.named), (300, Vec::new()));
    assert!(proof.holds(), "{proof:?}");
    assert_eq!(proof.proven, 603);
    assert_eq!(mode(&to.path().join("tool")), 0o4755);
    let length =
        rustix::fs::getxattr(to.path().join("cap"), "security.capability", none.as_mut_slice());
    assert_eq!(length.map(|length| &none[..length]), Ok(&capability[..]));
    let of = |path: &str| to.path().join(path).metadata().unwrap();
    assert_eq!(of("pkgs/7").ino(), of("env/7").ino());
    assert!(of("sparse").blocks() * 512 < 4 << 20, "{}", of("sparse").blocks());
}

#[test]
fn each_kind_of_difference_is_named_and_one_that_repeats_is_known() {
    let mut bench = Bench::new();
    for name in ["gone", "content", "size", "mode", "time", "tag", "kind", "same"] {
        bench.write(name, name);
    }
    bench.write("linked", "linked");
    std::fs::hard_link(bench.workspace.join("linked"), bench.workspace.join("linked2")).unwrap();
    std::os::unix::fs::symlink("there", bench.workspace.join("link")).unwrap();
    let id = bench.point().id;
    let to = tempfile::tempdir().unwrap();
    let wanted = Wanted { point: id, from: None, first: Vec::new() };
    assert!(bench.restore(&wanted, to.path()).1.holds());
    let at = |name: &str| to.path().join(name);
    let times = |name: &str| {
        let time = bench.workspace.join(name).metadata().unwrap().modified().unwrap();
        std::fs::File::options().write(true).open(at(name)).unwrap().set_modified(time).unwrap();
    };
    std::fs::remove_file(at("gone")).unwrap();
    std::fs::write(at("content"), "tnetnoc").unwrap();
    times("content");
    std::fs::write(at("size"), "longer").unwrap();
    times("size");
    std::fs::set_permissions(at("mode"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::File::open(at("time")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    rustix::fs::setxattr(at("tag"), "user.tag", b"x", XattrFlags::empty()).unwrap();
    std::fs::remove_file(at("kind")).unwrap();
    std::os::unix::fs::symlink("x", at("kind")).unwrap();
    std::fs::remove_file(at("linked2")).unwrap();
    std::fs::copy(at("linked"), at("linked2")).unwrap();
    times("linked2");
    std::fs::write(at("surplus"), "x").unwrap();
    let mut there = LocalSource::new(to.path(), Options::default());
    let proof = bench.keeper().prove(id, &mut there, &mut |_| {}).unwrap();
    let found = |name: &str| {
        let named = proof.named.iter().find(|named| named.path == path(name));
        named.map(|named| named.differs.clone()).unwrap_or_default()
    };
    assert_eq!(found("gone"), [Differs::Missing]);
    assert_eq!(found("content"), [Differs::Content]);
    assert_eq!(found("size"), [Differs::Size]);
    assert_eq!(found("mode"), [Differs::Mode]);
    assert_eq!(found("time"), [Differs::Time]);
    assert_eq!(found("tag"), [Differs::Attributes]);
    assert!(found("kind").contains(&Differs::Kind));
    // Which of the two is named depends on which is listed first.
    let links = [found("linked"), found("linked2")].concat();
    assert_eq!(links, [Differs::Links]);
    assert_eq!(found("surplus"), [Differs::Surplus]);
    assert_eq!(found("same"), []);
    assert_eq!(proof.differing, 9);
    // Bringing it again mends it, sending only what is not right.
    let (restored, again) = bench.restore(&wanted, to.path());
    assert!(again.holds(), "{again:?}");
    assert!(restored.right >= 4 && restored.sent.files <= 5, "{restored:?}");
    assert_eq!(proof.repeated(&again), []);
    assert_eq!(proof.repeated(&proof), proof.named);
}

#[test]
fn what_the_standby_wrote_comes_along_and_a_lost_content_is_told() {
    let mut bench = Bench::new();
    bench.write("log", "one\n");
    bench.write("kept", "kept");
    bench.write("gone", "gone");
    let first = bench.point();
    bench.keeper().take_over(2).unwrap();
    assert_eq!(bench.take_own(2).point.unwrap(), first, "nothing was written");
    std::fs::write(bench.copy.join("log"), "one\ntwo\n").unwrap();
    std::fs::write(bench.copy.join("new"), "new").unwrap();
    std::fs::remove_file(bench.copy.join("gone")).unwrap();
    let own = bench.take_own(2);
    assert_eq!((own.written, own.removed, own.overwritten), (2, 1, 2));
    let point = own.point.unwrap();
    assert_eq!((point.files, point.epoch), (3, 2));
    let to = tempfile::tempdir().unwrap();
    let (_, proof) =
        bench.restore(&Wanted { point: point.id, from: None, first: Vec::new() }, to.path());
    assert!(proof.holds(), "{proof:?}");
    assert_eq!(std::fs::read(to.path().join("log")).unwrap(), b"one\ntwo\n");
    // The point before: its log was written over in place.
    let to = tempfile::tempdir().unwrap();
    let (restored, proof) =
        bench.restore(&Wanted { point: first.id, from: None, first: Vec::new() }, to.path());
    assert_eq!(restored.named.len(), 2);
    assert!(restored.named.contains(&(path("log"), Trouble::Missing)));
    assert!(!proof.holds() && !to.path().join("log").exists());
    assert_eq!(bench.keeper().difference(first.id, &RelPath::root()).unwrap().missing, 2);
}

#[test]
fn a_copy_that_rotted_is_not_brought_as_right() {
    let mut bench = Bench::new();
    bench.write("file", vec![1; 100_000]);
    let id = bench.point().id;
    // Another content with the same times, size and inode.
    let kept = std::fs::File::options().write(true).open(bench.copy.join("file")).unwrap();
    let time = kept.metadata().unwrap().modified().unwrap();
    std::os::unix::fs::FileExt::write_at(&kept, b"rot", 50_000).unwrap();
    kept.set_modified(time).unwrap();
    let to = tempfile::tempdir().unwrap();
    let (restored, proof) =
        bench.restore(&Wanted { point: id, from: None, first: Vec::new() }, to.path());
    assert_eq!(restored.named, [(path("file"), Trouble::Missing)]);
    assert!(!to.path().join("file").exists());
    assert_eq!(proof.named[0].differs, [Differs::Missing]);
}

#[test]
fn only_what_is_different_is_sent_and_large_files_by_their_blocks() {
    let mut bench = Bench::new();
    let mut bytes: Vec<u8> = (0..20_000_000_u32).map(|at| (at / 7) as u8).collect();
    bench.write("large", &bytes);
    bench.write("other", "1");
    std::fs::hard_link(bench.workspace.join("other"), bench.workspace.join("second")).unwrap();
    let first = bench.point();
    let to = tempfile::tempdir().unwrap();
    let wanted = Wanted { point: first.id, from: None, first: Vec::new() };
    assert!(bench.restore(&wanted, to.path()).1.holds());
    bytes[12_345_678] ^= 1;
    bench.write("large", &bytes);
    std::fs::hard_link(bench.workspace.join("other"), bench.workspace.join("third")).unwrap();
    let second = bench.point();
    let wanted = Wanted { point: second.id, from: Some(first.id), first: Vec::new() };
    let mut target = LocalTarget::open(to.path(), Resolve::Kernel).unwrap();
    let mut there = LocalSource::new(to.path(), Options::default());
    let restored = bench.keeper().restore(&wanted, &mut there, &mut target, &mut |_| {}).unwrap();
    drop(target);
    assert!(restored.sent.files <= 2, "{restored:?}");
    let proof = bench.keeper().prove(second.id, &mut there, &mut |_| {}).unwrap();
    assert!(proof.holds(), "{proof:?}");
}

/// Lists each path twice.
struct Twice(LocalSource);

impl Source for Twice {
    fn scan(
        &mut self,
        each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
    ) -> Result<ListEnd, SourceError> {
        self.0.scan(&mut |found| {
            each(found.clone())?;
            each(found)
        })
    }

    fn changes(
        &mut self,
        each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
    ) -> Result<Changes, SourceError> {
        self.0.changes(each)
    }

    fn read(&mut self, wants: &[Want], sink: &mut dyn ReadSink) -> Result<(), SourceError> {
        self.0.read(wants, sink)
    }

    fn wait(&mut self, most_millis: u64) -> Result<bool, SourceError> {
        self.0.wait(most_millis)
    }
}

#[test]
fn a_host_that_lists_a_path_twice_proves_nothing() {
    let mut bench = Bench::new();
    bench.write("a", "a");
    let id = bench.point().id;
    let mut there = Twice(LocalSource::new(&bench.workspace, Options::default()));
    let proof = bench.keeper().prove(id, &mut there, &mut |_| {});
    assert!(matches!(proof, Err(KeepError::Source(SourceError::Protocol(_)))), "{proof:?}");
}
