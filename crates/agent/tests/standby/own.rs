//! What is written on the standby itself.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use agent::order::{Done, How, Order, OwnDone, Refusal};
use rusqlite::Connection;

use crate::bench::{Bench, EPOCH, Session};

fn own(session: &mut Session, frozen: bool) -> Result<OwnDone, Refusal> {
    match session.ask(&Order::Own { epoch: EPOCH + 1, frozen })? {
        Done::Own(own) => Ok(own),
        other => panic!("{other:?}"),
    }
}

fn taken_over() -> Bench {
    let bench = Bench::new();
    bench.write("gpu/rewritten", vec![1; 200_000]);
    bench.write("gpu/log", "one\n");
    bench.session().point(bench.order());
    bench.session().take_over(EPOCH + 1).unwrap();
    bench
}

#[test]
fn what_a_held_job_has_open_and_its_databases_are_in_the_point() {
    let bench = taken_over();
    // A job that is held: it has its files open, rewritten in place, and a database with a log beside it.
    let job = std::fs::File::options().write(true).open(bench.at("copy/rewritten")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&job, &[2; 100_000], 50_000).unwrap();
    let mut log = std::fs::File::options().append(true).open(bench.at("copy/log")).unwrap();
    log.write_all(b"two\n").unwrap();
    let database = Connection::open(bench.at("copy/runs.db")).unwrap();
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    database.execute_batch("create table a(x); insert into a values(1),(2),(3)").unwrap();
    assert!(bench.at("copy/runs.db-wal").exists());
    let mut session = bench.session();
    let working = own(&mut session, false).unwrap();
    assert!(
        working.unread > 0,
        "while it works, it is told that something is lacking: {working:?}"
    );
    let held = own(&mut session, true).unwrap();
    assert_eq!(held.unread, 0);
    let done = session.restored(&bench.restore(held.point.unwrap().id, "new"));
    assert_eq!(done.troubles, 0, "{done:?}");
    let proof = session.proof(held.point.unwrap().id, bench.serve("new"));
    assert_eq!(proof.differing, 0, "{proof:?}");
    assert_eq!(std::fs::read(bench.at("new/log")).unwrap(), b"one\ntwo\n");
    let bytes = std::fs::read(bench.at("new/rewritten")).unwrap();
    assert_eq!((bytes[49_999], bytes[50_000], bytes[149_999], bytes[150_000]), (1, 2, 2, 1));
    let rows: i64 = Connection::open(bench.at("new/runs.db"))
        .unwrap()
        .query_row("select count(*) from a", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 3);
    drop((job, log, database));
}

#[test]
fn a_point_that_would_lack_something_is_refused() {
    let bench = taken_over();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Somebody who is not held after all.
        let log = bench.at("copy/log");
        let mut log = std::fs::File::options().append(true).open(log).unwrap();
        let over = &over;
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                log.write_all(b"more\n").unwrap();
            }
        });
        let mut session = bench.session();
        let refused = own(&mut session, true);
        over.store(true, Ordering::Relaxed);
        let Err(Refusal::Unread { files, words }) = refused else { panic!("{refused:?}") };
        assert_eq!(files, 1);
        assert!(words[0].starts_with("log"), "{words:?}");
    });
    let mut session = bench.session();
    let Done::Points(points) = session.ask(&Order::Points { most: 9 }).unwrap() else { panic!() };
    assert_eq!(points.len(), 1, "no point was made");
    assert_eq!(own(&mut session, true).unwrap().written, 1);
}

#[test]
fn what_was_written_to_the_copy_without_a_point_is_kept_and_not_called_the_gpus() {
    let bench = Bench::new();
    bench.write("gpu/a", "from the gpu");
    bench.write("gpu/gone", "g");
    bench.write("gpu/same", "same");
    bench.session().point(bench.order());
    // A job's last words after the switch, a person, rsync in between.
    bench.write("copy/a", "from the st.");
    bench.write("copy/stray", "stray");
    std::fs::remove_file(bench.at("copy/gone")).unwrap();
    let open = std::fs::File::create(bench.at("copy/same")).unwrap();
    let mut session = bench.session();
    let cycle = session.cycle(bench.order()).unwrap();
    assert_eq!((cycle.drift.written, cycle.drift.unread), (2, 1), "{cycle:?}");
    bench.assert_same("gpu", "copy");
    let kept = cycle.drift.point.unwrap();
    let done = session.restored(&bench.restore(kept, "new"));
    assert_eq!(done.troubles, 0, "{done:?}");
    assert_eq!(std::fs::read(bench.at("new/a")).unwrap(), b"from the st.");
    assert_eq!(std::fs::read(bench.at("new/stray")).unwrap(), b"stray");
    let Done::Points(points) = session.ask(&Order::Points { most: 9 }).unwrap() else { panic!() };
    let how: Vec<How> = points.iter().map(|point| point.how).collect();
    assert_eq!(how, [How::Scan, How::Standby, How::Scan]);
    // Found once: the same session looks again only after a while.
    let again = session.cycle(bench.order()).unwrap();
    assert_eq!(again.drift, agent::order::Drift::default());
    drop(open);
}

#[test]
fn what_strangers_left_in_the_copy_goes_without_stopping_the_sync() {
    let bench = Bench::new();
    for number in 0..30 {
        bench.write(&format!("gpu/{number}"), format!("{number}"));
    }
    bench.session().point(bench.order());
    for number in 0..90 {
        bench.write(&format!("copy/stray/{number}"), format!("stray {number}"));
    }
    bench.session().point(bench.order());
    bench.assert_same("gpu", "copy");
    // What the GPU itself loses is judged as ever.
    for number in 0..30 {
        std::fs::remove_file(bench.at(&format!("gpu/{number}"))).unwrap();
    }
    let cycle = bench.session().cycle(bench.order()).unwrap();
    assert!(matches!(cycle.end, agent::order::CycleEnd::Frozen { lost: 30, .. }), "{cycle:?}");
}

#[test]
fn the_keeper_opens_nothing_but_the_copy_and_its_own_folder() {
    let lsm = std::fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
    let bench = taken_over();
    let mut session = bench.session();
    own(&mut session, false).unwrap();
    let status = format!("/proc/{}/status", session.child.id());
    let status = std::fs::read_to_string(status).unwrap();
    if !lsm.contains("landlock") {
        println!("not tried: this kernel confines nothing");
        return;
    }
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    // The copy's name leads elsewhere now: a folder that it was not given.
    bench.write("outside/secret", "secret");
    std::fs::rename(bench.at("copy"), bench.at("aside")).unwrap();
    std::os::unix::fs::symlink(bench.at("outside"), bench.at("copy")).unwrap();
    let refused = own(&mut session, false);
    assert!(refused.is_err(), "{refused:?}");
    assert!(bench.at("outside/secret").exists());
}
