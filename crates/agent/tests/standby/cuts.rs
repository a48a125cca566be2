//! Killed at any instant, a keeper leaves one moment of the workspace to the next.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use agent::order::Order;

use crate::bench::{Bench, EPOCH, tree};

/// How many kills; `DUMONT_CUTS` for more.
fn cuts() -> u64 {
    std::env::var("DUMONT_CUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

#[test]
fn a_kill_at_any_instant_leaves_one_moment_and_the_next_cycle_mends() {
    let bench = Bench::new();
    let mut seed = 7;
    for file in 0..40 {
        bench.write(&format!("gpu/{}/{file}", file % 4), format!("{file} 0").repeat(2_000));
    }
    bench.session().point(bench.order());
    let mut moments: Vec<BTreeMap<PathBuf, (u32, Vec<u8>)>> = vec![tree(&bench.at("gpu"))];
    for round in 1..=cuts() {
        for _ in 0..10 {
            let file = next(&mut seed) % 40;
            let path = format!("gpu/{}/{file}", file % 4);
            match next(&mut seed) % 4 {
                0 => drop(std::fs::remove_file(bench.at(&path))),
                1 => drop(std::fs::rename(bench.at(&path), bench.at(&format!("gpu/moved {file}")))),
                _ => bench.write(&path, format!("{file} {round}").repeat(2_000)),
            }
        }
        moments.push(tree(&bench.at("gpu")));
        let mut session = bench.session();
        let mut order = bench.order();
        order.percent = 100;
        let begun = Instant::now();
        session.send(&Order::Cycle(order.clone()));
        std::thread::sleep(Duration::from_millis(next(&mut seed) % 120));
        session.child.kill().unwrap();
        session.child.wait().unwrap();
        drop(session);
        // What takes over next finds one moment, at once.
        let mut session = bench.session();
        session.take_over(EPOCH).unwrap().unwrap();
        let now = tree(&bench.at("copy"));
        let which = moments.iter().rposition(|moment| *moment == now);
        assert!(which.is_some(), "round {round}, cut after {:?}: a mixture", begun.elapsed());
        bench.trust("gpu 22");
        session.point(order);
        bench.assert_same("gpu", "copy");
    }
}

#[test]
fn a_session_that_nobody_listens_to_ends_in_the_middle_of_its_work() {
    let bench = Bench::new();
    bench.write("gpu/a", "x");
    let mut order = bench.order();
    order.read = ["sleep", "600"].map(str::to_owned).to_vec();
    let mut session = bench.session();
    session.send(&Order::Cycle(order));
    while !bench.at("standby/cycle.pid").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let begun = Instant::now();
    session.end();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    bench.session().point(bench.order());
    bench.assert_same("gpu", "copy");
}
