//! A damaged index and a full disk keep no takeover from happening.

use std::os::unix::fs::FileExt as _;

use agent::order::{CycleEnd, Done, Order, Refusal, TakenDone};

use crate::bench::{Bench, EPOCH, Session};

fn taken(session: &mut Session, epoch: u64) -> TakenDone {
    match session.ask(&Order::TakeOver { epoch }).unwrap() {
        Done::Taken(taken) => taken,
        other => panic!("{other:?}"),
    }
}

fn followed() -> Bench {
    let bench = Bench::new();
    for number in 0..200 {
        bench.write(&format!("gpu/{number}"), format!("{number} ").repeat(100));
    }
    bench.session().point(bench.order());
    let db = rusqlite::Connection::open(bench.at("standby/keep/index.sqlite")).unwrap();
    let _ = db.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()));
    bench
}

#[test]
fn whatever_bytes_of_the_index_are_damaged_the_copy_is_taken_over_and_mended() {
    let length = followed().at("standby/keep/index.sqlite").metadata().unwrap().len();
    assert!(length > 65_536);
    for (place, bytes) in [(0, 4096), (20, 60), (4096, 4096), (8192, 20_000), (0, length)] {
        let bench = followed();
        let index = bench.at("standby/keep/index.sqlite");
        let file = std::fs::File::options().write(true).open(&index).unwrap();
        file.write_all_at(&vec![0x5a; usize::try_from(bytes).unwrap()], place).unwrap();
        let _ = std::fs::remove_file(bench.at("standby/keep/index.sqlite-wal"));
        let mut session = bench.session();
        let told = taken(&mut session, EPOCH + 1);
        if told.point.is_none() {
            let cut_off = told.cut_off.unwrap();
            assert!(cut_off.unknown && !cut_off.words.is_empty(), "{cut_off:?}");
        }
        assert_eq!(std::fs::read_to_string(bench.at("standby/epoch")).unwrap().trim(), "4");
        // It is worked on, and that becomes a point; then a GPU is followed again.
        bench.write("copy/own", "own");
        let own = loop {
            match session.ask(&Order::Own { epoch: EPOCH + 1, frozen: true }) {
                Ok(Done::Own(own)) => break own,
                Err(Refusal::Damaged(_)) => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(own.point.unwrap().files, 201, "at {place}");
        bench.trust("gpu 22");
        let mut order = bench.order();
        order.epoch = EPOCH + 1;
        let cycle = session.cycle(order.clone()).unwrap();
        assert!(matches!(cycle.end, CycleEnd::Whole { .. }), "{cycle:?}");
        bench.assert_same("gpu", "copy");
        assert_eq!(taken(&mut session, EPOCH + 1).cut_off, None, "at {place}");
    }
}

#[test]
fn a_journal_that_cant_be_read_is_no_reason_to_refuse_a_takeover() {
    let bench = followed();
    {
        let db = rusqlite::Connection::open(bench.at("standby/keep/index.sqlite")).unwrap();
        db.execute_batch(
            "insert into journal(op) values(x'ffffff'); insert into fact values('decided', x'02')",
        )
        .unwrap();
    }
    let told = taken(&mut bench.session(), EPOCH + 1);
    assert!(told.cut_off.unwrap().unknown);
    assert!(bench.at("copy/7").exists());
}

/// A disk of its own; none where this user may not have one.
struct Disk<'b>(&'b Bench);

impl<'b> Disk<'b> {
    fn new(bench: &'b Bench, size: &str) -> Option<Self> {
        let made = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(bench.at("disk"))
            .status();
        made.is_ok_and(|status| status.success()).then_some(Self(bench))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.at("disk")).status();
    }
}

#[test]
fn a_disk_that_is_full_to_the_last_byte_keeps_no_takeover_from_happening() {
    let bench = Bench::new();
    std::fs::create_dir(bench.at("disk")).unwrap();
    let Some(_disk) = Disk::new(&bench, "96m") else {
        println!("not tried: this user may not mount a disk");
        return;
    };
    for name in ["standby", "copy"] {
        std::fs::create_dir(bench.at(&format!("disk/{name}"))).unwrap();
        std::fs::remove_dir_all(bench.at(name)).unwrap();
        std::os::unix::fs::symlink(bench.at(&format!("disk/{name}")), bench.at(name)).unwrap();
    }
    bench.trust("gpu 22");
    bench.write("gpu/a", vec![1; 1_000_000]);
    bench.session().point(bench.order());
    // Somebody fills it; not even an inode's worth is left.
    for size in [1 << 20, 4096, 1] {
        let mut number = 0;
        while std::fs::write(bench.at(&format!("disk/fill-{size}-{number}")), vec![1; size]).is_ok()
        {
            number += 1;
        }
    }
    let mut session = bench.session();
    let told = taken(&mut session, EPOCH + 1);
    assert_eq!((told.point.unwrap().files, told.cut_off), (1, None));
    assert_eq!(std::fs::read_to_string(bench.at("standby/epoch")).unwrap().trim(), "4");
    let stale = session.ask(&Order::TakeOver { epoch: EPOCH });
    assert!(matches!(stale, Err(Refusal::StaleEpoch { .. })), "{stale:?}");
}
