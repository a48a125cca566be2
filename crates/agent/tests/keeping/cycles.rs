//! Single cycles.

use std::os::unix::fs::MetadataExt;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use agent::keep::{KeepError, Outcome, Steps};
use agent::path::RelPath;

use crate::bench::Bench;

#[test]
fn a_first_cycle_copies_everything_and_a_second_one_nothing() {
    let mut bench = Bench::new();
    bench.write("a/b/c", "hello");
    bench.write("big", vec![7; 9_000_000]);
    std::os::unix::fs::symlink("../out", bench.workspace.join("link")).unwrap();
    let point = bench.point();
    assert_eq!((point.files, point.bytes), (3, 9_000_005));
    bench.check_now();
    bench.source.racy_millis = 0;
    // Read while fresh: read again once, and then no more.
    assert_eq!(bench.cycle().unwrap().outcome, Outcome::Unchanged);
    let (sent, hashed) = (bench.source.sent, bench.source.hashed);
    assert_eq!(bench.cycle().unwrap().outcome, Outcome::Unchanged);
    assert_eq!((bench.source.sent, bench.source.hashed), (sent, hashed));
    assert_eq!(bench.source.scans, 1, "then the watch is enough");
}

#[test]
fn a_renamed_folder_is_not_sent_again() {
    let mut bench = Bench::new();
    for number in 0..300 {
        bench.write(&format!("runs/{number}"), format!("{number}").repeat(100_000));
    }
    bench.point();
    let sent = bench.source.sent;
    std::fs::rename(bench.workspace.join("runs"), bench.workspace.join("runs-old")).unwrap();
    bench.source.racy_millis = 0;
    let cycle = bench.cycle().unwrap();
    assert_eq!(cycle.lost, 0);
    assert_eq!(bench.source.sent, sent, "no byte of it");
    bench.check_now();
}

#[test]
fn one_changed_byte_of_a_large_file_sends_one_block() {
    let mut bench = Bench::new();
    let mut bytes: Vec<u8> = (0..20_000_000_u32).map(|at| (at / 7) as u8).collect();
    bench.write("large", &bytes);
    let first = bench.point();
    let sent = bench.source.sent;
    bytes[12_345_678] ^= 1;
    bench.write("large", &bytes);
    bench.point();
    assert_eq!(bench.source.sent - sent, 1 << 20);
    bench.check_now();
    bench.held(first.id);
}

#[test]
fn links_stay_links_and_a_sparse_file_stays_sparse() {
    let mut bench = Bench::new();
    for number in 0..20 {
        bench.write(&format!("pkgs/{number}"), vec![number; 20_000]);
        std::fs::create_dir_all(bench.workspace.join("env")).unwrap();
        let of = |folder: &str| bench.workspace.join(format!("{folder}/{number}"));
        std::fs::hard_link(of("pkgs"), of("env")).unwrap();
    }
    let sparse = std::fs::File::create(bench.workspace.join("sparse")).unwrap();
    sparse.set_len(64 << 20).unwrap();
    std::os::unix::fs::FileExt::write_at(&sparse, b"here", 40 << 20).unwrap();
    bench.point();
    bench.check_now();
    let inode = |path: &str| bench.copy.join(path).metadata().unwrap();
    assert_eq!(inode("pkgs/3").ino(), inode("env/3").ino());
    assert!(inode("sparse").blocks() * 512 < 4 << 20);
}

/// Writes over a file without a trace in its size and its last change.
fn rot(path: &std::path::Path) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    let time = file.metadata().unwrap().modified().unwrap();
    std::os::unix::fs::FileExt::write_at(&file, b"rot", 5_000).unwrap();
    file.set_modified(time).unwrap();
}

/// Spoils one more content of the copy each time that contents are about to be copied.
struct Spoiler {
    copy: std::path::PathBuf,
    next: AtomicUsize,
    armed: AtomicBool,
}

impl Steps for Spoiler {
    fn step(&mut self, what: &'static str) -> agent::keep::Result<()> {
        if what == "receive" {
            self.armed.store(true, Ordering::Relaxed);
        }
        if what == "copying a content" && self.armed.swap(false, Ordering::Relaxed) {
            rot(&self.copy.join(format!("a{}", self.next.fetch_add(1, Ordering::Relaxed))));
        }
        Ok(())
    }
}

#[test]
fn contents_that_go_away_each_time_are_an_error_and_not_an_unchanged_workspace() {
    let mut bench = Bench::new();
    for number in 0..6_u8 {
        bench.write(&format!("a{number}"), vec![number; 100_000]);
        bench.write(&format!("b{number}"), vec![100 + number; 100_000]);
    }
    bench.point();
    let before = bench.keeper().status().unwrap().durable;
    for number in 0..6_u8 {
        bench.write(&format!("b{number}"), vec![number; 100_000]);
    }
    let spoiler = Spoiler {
        copy: bench.copy.clone(),
        next: AtomicUsize::new(0),
        armed: AtomicBool::new(true),
    };
    bench.open_with(Box::new(spoiler)).unwrap();
    let cycle = bench.cycle();
    assert!(matches!(cycle, Err(KeepError::Unsteady(_))), "{cycle:?}");
    assert_eq!(bench.keeper().status().unwrap().durable, before, "it is as old as it was");
    bench.open().unwrap();
    bench.point();
    assert_eq!(std::fs::read(bench.copy.join("b5")).unwrap(), vec![5; 100_000]);
}

#[test]
fn what_was_written_over_with_its_time_put_back_is_not_kept_as_what_it_was() {
    let mut bench = Bench::new();
    bench.write("weights", vec![1; 100_000]);
    let first = bench.point();
    rot(&bench.copy.join("weights"));
    bench.write("weights", vec![2; 100_000]);
    bench.point();
    bench.check_now();
    let difference = bench.keeper().difference(first.id, &RelPath::root()).unwrap();
    assert_eq!(difference.missing, 1, "the content of then is gone, and that is said");
}
