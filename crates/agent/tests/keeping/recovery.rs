//! A journal that can't be done, and an index that can't be read, keep nobody from the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use agent::keep::{KeepError, Outcome, Result, Steps};
use rustix::io::Errno;

use crate::bench::{Bench, Cut};
use crate::tree::{State, harmless, state};

/// Answers one kind of step with an error.
struct Refusing {
    what: &'static str,
    error: Errno,
    steps: Cut,
}

impl Steps for Refusing {
    fn step(&mut self, what: &'static str) -> Result<()> {
        self.steps.step(what)
    }

    fn refuse(&mut self, what: &'static str) -> Option<Errno> {
        (what == self.what).then_some(self.error)
    }
}

const STEPS: [&str; 7] = [
    "retiring an old content",
    "moving a file away",
    "removing a folder",
    "making a folder",
    "putting a file in its place",
    "linking a file",
    "setting what belongs to a file",
];

/// A copy that has something of every kind to become, with what it was.
fn changed() -> (Bench, State) {
    let mut bench = Bench::new();
    // Nothing is read too soon after its change: what moved is known as such, and moved here too.
    bench.source.racy_millis = 0;
    for name in ["goes", "stays", "moves", "changes", "in/folder", "linked"] {
        bench.write(name, name.repeat(1_000));
    }
    bench.point();
    let before = state(&bench.copy);
    std::fs::remove_file(bench.workspace.join("goes")).unwrap();
    std::fs::rename(bench.workspace.join("moves"), bench.workspace.join("moved")).unwrap();
    bench.write("changes", "changed");
    bench.write("new/deep/file", "new");
    std::fs::hard_link(bench.workspace.join("linked"), bench.workspace.join("again")).unwrap();
    std::os::unix::fs::symlink("x", bench.workspace.join("link")).unwrap();
    std::fs::remove_dir_all(bench.workspace.join("in")).unwrap();
    (bench, before)
}

/// Whatever stands there is whole: as it was, or as it was to become.
fn check_whole(bench: &Bench, before: &State) {
    let after = harmless(&state(&bench.workspace));
    for (path, thing) in state(&bench.copy) {
        let hashes = [before, &after].map(|state| state.get(&path).map(|thing| thing.hash));
        assert!(hashes.contains(&Some(thing.hash)), "{path:?} is torn");
    }
}

#[test]
fn a_step_that_the_disk_refuses_is_passed_over_told_and_mended_by_the_next_cycle() {
    for error in [Errno::NOSPC, Errno::MLINK, Errno::PERM, Errno::DQUOT] {
        for what in STEPS {
            let (mut bench, before) = changed();
            let steps = Cut(bench.cut.clone());
            bench.open_with(Box::new(Refusing { what, error, steps })).unwrap();
            let outcome = bench.cycle().unwrap().outcome;
            assert!(matches!(outcome, Outcome::Point(_)), "{what}: {outcome:?}");
            check_whole(&bench, &before);
            // Opened again, as a takeover does; nothing is refused, and what is not as it should be is told.
            bench.open().unwrap();
            let last = bench.keeper().take_over(1).unwrap().unwrap();
            let cut_off = bench.keeper().cut_off().unwrap();
            let now = state(&bench.copy);
            if now == harmless(&bench.held(last.id)) {
                assert!(cut_off.is_none_or(|cut_off| !cut_off.unknown), "{what}");
            } else {
                let told = cut_off.expect(what);
                assert!(told.damaged > 0, "{what}: {told:?}");
                assert_eq!(bench.keeper().gaps().unwrap().damaged, told.damaged);
            }
            bench.cycle().unwrap();
            bench.check_now();
            assert_eq!(bench.keeper().cut_off().unwrap(), None, "{what}");
        }
    }
}

#[test]
fn cut_at_each_step_and_refused_when_it_is_done_again_it_opens_all_the_same() {
    let mut cut = 1;
    loop {
        let (mut bench, before) = changed();
        bench.open().unwrap();
        bench.cut.store(cut, Ordering::Relaxed);
        let done = bench.cycle();
        bench.cut.store(i64::MAX, Ordering::Relaxed);
        if done.is_ok() {
            assert!(cut > 20, "all steps were tried: {cut}");
            return;
        }
        let steps = Cut(Arc::new(AtomicI64::new(i64::MAX)));
        let what = STEPS[usize::try_from(cut).unwrap() % STEPS.len()];
        bench.open_with(Box::new(Refusing { what, error: Errno::NOSPC, steps })).unwrap();
        bench.keeper().take_over(1).unwrap();
        check_whole(&bench, &before);
        bench.open().unwrap();
        bench.cycle().unwrap();
        bench.check_now();
        assert_eq!(bench.keeper().cut_off().unwrap(), None, "cut at {cut}");
        cut += 1;
    }
}

#[test]
fn contents_that_could_not_be_put_in_their_place_are_kept_with_the_point() {
    let (mut bench, _) = changed();
    let steps = Cut(bench.cut.clone());
    let what = "putting a file in its place";
    bench.open_with(Box::new(Refusing { what, error: Errno::NOSPC, steps })).unwrap();
    let Outcome::Point(point) = bench.cycle().unwrap().outcome else { panic!() };
    bench.open().unwrap();
    let held = bench.held(point.id);
    assert!(held.keys().any(|path| path.as_bytes() == b"new/deep/file"));
    let error = bench.keeper().point(point.id + 1).unwrap_err();
    assert!(matches!(error, KeepError::NoPoint(_)));
}
