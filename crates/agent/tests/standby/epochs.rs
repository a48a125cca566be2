//! Who was fenced off changes nothing.

use std::time::{Duration, Instant};

use agent::order::{Order, Refusal};

use crate::bench::{Bench, EPOCH, tree};

#[test]
fn an_older_epoch_changes_nothing_in_whatever_session() {
    let bench = Bench::new();
    bench.write("gpu/a", "good");
    let mut old = bench.session();
    old.point(bench.order());
    let mut new = bench.session();
    new.take_over(EPOCH + 1).unwrap();
    bench.write("copy/a", "work on the standby");
    bench.write("gpu/a", "written by a zombie");
    let before = tree(&bench.at("copy"));
    let stale = Err(Refusal::StaleEpoch { asked: EPOCH, recorded: EPOCH + 1 });
    assert_eq!(old.cycle(bench.order()).map(|_| ()), stale);
    assert_eq!(bench.session().cycle(bench.order()).map(|_| ()), stale);
    assert_eq!(new.take_over(EPOCH).map(|_| ()), stale);
    assert_eq!(new.ask(&Order::Own { epoch: EPOCH, frozen: false }).map(|_| ()), stale);
    let back = Order::GoBack { epoch: EPOCH, point: 1, path: Vec::new() };
    assert_eq!(old.ask(&back).map(|_| ()), stale);
    // Not even in the new epoch, as long as nobody said which GPU is followed now.
    let mut early = bench.order();
    early.epoch += 1;
    assert!(matches!(new.cycle(early.clone()), Err(Refusal::Untrusted(_))));
    assert_eq!(tree(&bench.at("copy")), before);
    new.take_over(EPOCH + 1).unwrap();
    bench.trust("gpu 22");
    new.point(early);
    bench.assert_same("gpu", "copy");
}

#[test]
fn an_epoch_that_scripts_recorded_counts_and_theirs_see_ours() {
    let bench = Bench::new();
    bench.write("gpu/a", "x");
    std::fs::write(bench.at("standby/epoch"), "7\n").unwrap();
    let stale = Err(Refusal::StaleEpoch { asked: EPOCH, recorded: 7 });
    assert_eq!(bench.session().cycle(bench.order()).map(|_| ()), stale);
    bench.session().take_over(8).unwrap();
    assert_eq!(std::fs::read_to_string(bench.at("standby/epoch")).unwrap(), "8\n");
    assert!(!bench.at("standby/trusted").exists());
}

#[test]
fn taking_over_ends_a_cycle_that_is_under_way_with_all_that_it_started() {
    let bench = Bench::new();
    bench.write("gpu/a", "x");
    bench.session().point(bench.order());
    let mut order = bench.order();
    order.epoch = EPOCH;
    // A GPU that starts and then says nothing.
    let mark = bench.at("reached");
    let script = format!("echo $$ >'{}'; exec sleep 600", mark.display());
    order.read = ["sh", "-c", &script].map(str::to_owned).to_vec();
    let mut cycle = bench.session();
    cycle.send(&Order::Cycle(order));
    let begun = Instant::now();
    while std::fs::read_to_string(&mark).map_or(true, |told| !told.ends_with('\n')) {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    }
    let taken = bench.session().take_over(EPOCH + 1).unwrap().unwrap();
    assert_eq!(taken.files, 1);
    assert!(cycle.answer().is_none(), "it was ended");
    let way = std::fs::read_to_string(&mark).unwrap();
    let state = std::fs::read_to_string(format!("/proc/{}/stat", way.trim()));
    assert!(state.map_or(true, |stat| stat.contains(") Z ")), "what it started too");
}

#[test]
fn two_of_one_epoch_never_work_at_once_and_see_what_the_other_did() {
    let bench = Bench::new();
    bench.write("gpu/0", "x");
    let (mut one, mut two) = (bench.session(), bench.session());
    let mut last = 0;
    for round in 0..4 {
        bench.write(&format!("gpu/{round}"), format!("round {round}"));
        one.send(&Order::Cycle(bench.order()));
        two.send(&Order::Cycle(bench.order()));
        let points = [one.answer(), two.answer()].map(|answer| match answer {
            Some(Ok(agent::order::Done::Cycle(cycle))) => cycle.point.unwrap().id,
            other => panic!("{other:?}"),
        });
        assert_eq!(points[0], points[1], "the second one found nothing new");
        assert!(points[0] > last);
        last = points[0];
        bench.assert_same("gpu", "copy");
    }
}
