//! What may be lost, and what can be had back.

use std::sync::atomic::Ordering;

use agent::entry::Unprotected;
use agent::keep::{Back, KeepError, Lacks, Limits, Outcome, Request, Verdict};
use agent::order::Why;
use agent::path::RelPath;
use agent::source::Disk;

use crate::bench::Bench;
use crate::tree::{differences, harmless, state};

fn guarded() -> Bench {
    let mut bench = Bench::new();
    bench.limits = Limits::default();
    bench
}

fn files(bench: &mut Bench, count: u64) {
    for number in 0..count {
        bench.write(&format!("f{number}"), format!("{number}"));
    }
    bench.point();
}

#[test]
fn a_slow_deletion_is_counted_over_time() {
    let mut bench = guarded();
    files(&mut bench, 150);
    let mut frozen = None;
    for number in 1..150 {
        std::fs::remove_file(bench.workspace.join(format!("f{number}"))).unwrap();
        if number % 15 == 0 {
            bench.clock.0.fetch_add(3, Ordering::Relaxed);
            if let Outcome::Frozen(verdict) = bench.cycle().unwrap().outcome {
                frozen = Some((number, verdict));
                break;
            }
        }
    }
    assert_eq!(frozen, Some((60, Verdict::TooMuchLost { lost: 60, of: 150 })));
    bench.check_copy();
    let left = bench.keeper().points().unwrap().last().unwrap().files;
    assert_eq!(left, 105, "nothing of that cycle was applied");
    bench.limits.accepted = 60;
    bench.point();
    bench.check_now();
}

#[test]
fn a_move_a_copy_and_a_rotation_lose_nothing() {
    let mut bench = guarded();
    files(&mut bench, 200);
    // Moved, copied elsewhere and removed, rewritten and renamed.
    std::fs::create_dir(bench.workspace.join("old")).unwrap();
    for number in 0..190 {
        let (from, to) = (format!("f{number}"), format!("old/{number}"));
        let (from, to) = (bench.workspace.join(from), bench.workspace.join(to));
        match number % 3 {
            0 => std::fs::rename(from, to).unwrap(),
            1 => {
                std::fs::copy(&from, to).unwrap();
                std::fs::remove_file(from).unwrap();
            }
            _ => {
                std::fs::write(&from, format!("{number} more")).unwrap();
                std::fs::rename(from, to).unwrap();
            }
        }
    }
    assert_eq!(bench.cycle().unwrap().lost, 0);
    bench.check_now();
    // Checkpoints of five files each, the last three kept, one every minute.
    for step in 0..30 {
        for part in 0..5 {
            bench.write(&format!("step-{step}/{part}"), format!("{step} {part}"));
        }
        if step >= 3 {
            std::fs::remove_dir_all(bench.workspace.join(format!("step-{}", step - 3))).unwrap();
        }
        bench.clock.0.fetch_add(60, Ordering::Relaxed);
        bench.point();
    }
    bench.check_now();
}

#[test]
fn an_emptied_workspace_freezes_and_another_root_too() {
    let mut bench = guarded();
    files(&mut bench, 3);
    for number in 0..3 {
        std::fs::remove_file(bench.workspace.join(format!("f{number}"))).unwrap();
    }
    let frozen = Outcome::Frozen(Verdict::TooMuchLost { lost: 3, of: 3 });
    assert_eq!(bench.cycle().unwrap().outcome, frozen);
    let before = state(&bench.copy);
    std::fs::rename(&bench.workspace, bench.workspace.with_extension("old")).unwrap();
    std::fs::create_dir(&bench.workspace).unwrap();
    bench.write("new", "new");
    assert_eq!(bench.cycle().unwrap().outcome, Outcome::Frozen(Verdict::RootReplaced));
    assert_eq!(differences(&before, &state(&bench.copy)), Vec::<String>::new());
    bench.limits = Limits { accepted: 3, accept_root: true, ..bench.limits };
    bench.point();
    bench.check_now();
}

#[test]
fn what_does_not_fit_is_refused_before_a_byte_is_written() {
    let mut bench = Bench::new();
    bench.write("small", vec![1; 1_000_000]);
    let first = bench.point();
    bench.write("small", vec![2; 1_000_000]);
    bench.point();
    bench.write("checkpoint", vec![3; 20_000_000]);
    bench.keeper().set_room(Box::new(|| Disk { size: 1 << 30, free: 10_000_000 }));
    let sent = bench.source.sent;
    let outcome = bench.cycle().unwrap().outcome;
    assert!(matches!(outcome, Outcome::NoRoom { free: 10_000_000, .. }), "{outcome:?}");
    assert_eq!(bench.source.sent, sent);
    assert!(bench.keeper().status().unwrap().missing.unwrap().bytes > 20_000_000);
    assert!(bench.held(first.id).len() == 1, "what would not help is not given up");
    // With the earlier contents it would: the oldest points go, and then it fits.
    let free = std::sync::atomic::AtomicU64::new(19_500_000);
    bench.keeper().set_room(Box::new(move || Disk {
        size: 1 << 30,
        free: free.fetch_add(600_000, Ordering::Relaxed),
    }));
    bench.point();
    assert!(matches!(bench.keeper().point(first.id), Err(KeepError::NoPoint(_))));
    bench.check_now();
}

#[test]
fn what_cant_be_read_is_told_and_nothing_else_waits() {
    let mut bench = guarded();
    for number in 0..50 {
        bench.write(&format!("closed/{number}"), format!("{number}"));
    }
    bench.write("open", "1");
    bench.point();
    bench.source.unreadable = vec![RelPath::new("closed").unwrap()];
    bench.source.watches = false;
    bench.write("open", "2");
    let cycle = bench.cycle().unwrap();
    assert!(matches!(cycle.outcome, Outcome::Point(_)));
    assert_eq!(cycle.unprotected, 1);
    let last = bench.keeper().points().unwrap().pop().unwrap().id;
    assert_eq!(bench.keeper().lacks(last).unwrap().unwrap().unprotected, 1);
    let status = bench.keeper().status().unwrap();
    assert_eq!(status.unprotected_named[0].why, Unprotected::Unreadable { errno: 13 });
    assert!(bench.copy.join("closed/7").exists(), "kept as it was last seen");
    assert_eq!(std::fs::read(bench.copy.join("open")).unwrap(), b"2");
    bench.source.unreadable.clear();
    bench.cycle().unwrap();
    assert_eq!(bench.keeper().status().unwrap().unprotected, 0);
    bench.check_now();
}

#[test]
fn a_file_in_flux_keeps_its_last_whole_version_with_its_age() {
    let mut bench = Bench::new();
    bench.write("ckpt", "whole");
    bench.point();
    bench.write("ckpt", "torn!");
    bench.write("new", "never whole");
    bench.source.flux = vec![RelPath::new("ckpt").unwrap(), RelPath::new("new").unwrap()];
    bench.write("other", "a point is made");
    assert_eq!(bench.cycle().unwrap().flux, 2);
    assert_eq!(std::fs::read(bench.copy.join("ckpt")).unwrap(), b"whole");
    let points = bench.keeper().points().unwrap();
    let lacked = |bench: &mut Bench, at: usize| bench.keeper().lacks(points[at].id).unwrap();
    let flux = Lacks { flux: 2, ..Lacks::default() };
    assert_eq!(
        (lacked(&mut bench, 0), lacked(&mut bench, 1)),
        (Some(Lacks::default()), Some(flux))
    );
    assert!(!bench.copy.join("new").exists());
    let since = bench.keeper().status().unwrap().flux_named[0].since;
    bench.clock.0.fetch_add(50, Ordering::Relaxed);
    assert_eq!(bench.cycle().unwrap().flux, 2, "asked again though nothing is told");
    assert_eq!(lacked(&mut bench, 0), Some(Lacks::default()), "an earlier point stays what it was");
    assert_eq!(bench.keeper().status().unwrap().flux_named[0].since, since);
    bench.source.flux.clear();
    bench.cycle().unwrap();
    assert_eq!(bench.keeper().status().unwrap().flux, 0);
    bench.check_now();
}

#[test]
fn the_copy_goes_back_whole_or_a_path_of_it() {
    let mut bench = Bench::new();
    bench.write("runs/a", "a1");
    bench.write("runs/b", vec![5; 300_000]);
    bench.write("other", "o1");
    let first = bench.point();
    let then = state(&bench.workspace);
    std::fs::remove_dir_all(bench.workspace.join("runs")).unwrap();
    bench.write("runs", "a file now");
    bench.write("other", "o2");
    bench.write("late", "late");
    let second = bench.point();
    let now = state(&bench.workspace);
    let runs = RelPath::new("runs").unwrap();
    let difference = bench.keeper().difference(first.id, &runs).unwrap();
    assert_eq!((difference.added, difference.removed, difference.changed), (2, 1, 0));
    assert_eq!((difference.bytes, difference.missing), (300_002, 0));
    assert!(matches!(bench.keeper().go_back(1, first.id, &runs).unwrap(), Back::Point(_)));
    assert_eq!(std::fs::read(bench.copy.join("runs/a")).unwrap(), b"a1");
    assert_eq!(std::fs::read(bench.copy.join("other")).unwrap(), b"o2");
    bench.check_copy();
    let root = RelPath::root();
    assert!(matches!(bench.keeper().go_back(1, first.id, &root).unwrap(), Back::Point(_)));
    assert_eq!(differences(&harmless(&then), &state(&bench.copy)), Vec::<String>::new());
    assert_eq!(bench.keeper().go_back(1, first.id, &root).unwrap(), Back::Nothing);
    assert!(matches!(bench.keeper().go_back(1, second.id, &root).unwrap(), Back::Point(_)));
    assert_eq!(differences(&harmless(&now), &state(&bench.copy)), Vec::<String>::new());
    // Following goes on from whatever is there.
    bench.cycle().unwrap();
    bench.check_now();
}

#[test]
fn an_epoch_that_is_over_changes_nothing() {
    let mut bench = Bench::new();
    bench.write("a", "1");
    bench.point();
    assert_eq!(bench.keeper().take_over(2).unwrap().unwrap().files, 1);
    bench.write("a", "2");
    assert!(matches!(bench.cycle(), Err(KeepError::StaleEpoch { asked: 1, recorded: 2 })));
    let keeper = bench.keeper.as_mut().unwrap();
    let request =
        Request { epoch: 2, host: "other gpu".to_owned(), limits: bench.limits, accepted: None };
    let cycle = keeper.cycle(&mut bench.source, &request, &mut |_| {}).unwrap();
    assert!(matches!(cycle.outcome, Outcome::Point(_)));
    assert_eq!(std::fs::read(bench.copy.join("a")).unwrap(), b"2");
}

#[test]
fn old_points_go_by_age_and_by_the_budget_and_the_rest_stays_whole() {
    let mut bench = Bench::new();
    let mut made = Vec::new();
    for number in 0..90_u8 {
        bench.write("file", vec![number; 10_000]);
        made.push(bench.point().id);
        bench.clock.0.fetch_add(2, Ordering::Relaxed);
    }
    let left = bench.keeper().points().unwrap();
    assert!((31..=35).contains(&left.len()), "{}", left.len());
    for point in &left {
        bench.held(point.id);
    }
    let objects = std::fs::read_dir(bench.state.join("objects")).unwrap().count();
    assert_eq!(objects, left.len() - 1, "no content that no point refers to");
    bench.budget = 55_000;
    bench.open().unwrap();
    bench.keeper().thin().unwrap();
    assert_eq!(bench.keeper().points().unwrap().len(), 6);
    bench.check_copy();
}

#[test]
fn a_flipped_bit_on_the_way_is_always_caught() {
    let mut bench = Bench::new();
    let mut dice = crate::random::Dice::new(7);
    let mut injected = 0;
    for round in 0..50 {
        for number in 0..20 {
            bench.write(&format!("f{number}"), format!("{round} {number} ").repeat(20_000));
        }
        let flips = 20;
        let mut left = flips;
        let mut flip = crate::random::Dice::new(round);
        bench.source.spoil = Some(Box::new(move |_, _, block| {
            if left > 0 && !block.is_empty() {
                left -= 1;
                let at = flip.roll(block.len() as u64) as usize;
                block[at] ^= 1 << flip.roll(8);
            }
        }));
        let cycle = bench.cycle().unwrap();
        injected += flips;
        bench.check_copy();
        let last = bench.keeper().points().unwrap().last().unwrap().id;
        bench.held(last);
        assert!(cycle.corrupt.is_empty(), "asked again until it was right");
        bench.check_now();
    }
    assert_eq!(injected, 1_000);
    // A line that always flips: named, and the last version stays.
    bench.write("f3", "new");
    let place = dice.roll(3) as usize;
    bench.source.spoil = Some(Box::new(move |_, _, block| block[place] ^= 1));
    let cycle = bench.cycle().unwrap();
    assert_eq!(cycle.corrupt, [RelPath::new("f3").unwrap()]);
    assert_ne!(std::fs::read(bench.copy.join("f3")).unwrap(), b"new");
    bench.source.spoil = None;
    bench.cycle().unwrap();
    bench.check_now();
}

#[test]
fn what_is_held_back_names_all_that_would_go_and_nothing_that_moved() {
    let mut bench = guarded();
    for number in 0..60 {
        bench.write(&format!("runs/{number}"), format!("{number}"));
    }
    bench.write("kept", "the same");
    bench.write("runs/same", "the same");
    bench.write("runs/moves", "moves");
    let at = |bench: &Bench, path: &str| bench.workspace.join(path);
    std::fs::hard_link(at(&bench, "kept"), at(&bench, "runs/second name")).unwrap();
    std::os::unix::fs::symlink("7", at(&bench, "runs/latest")).unwrap();
    bench.point();
    std::fs::rename(at(&bench, "runs/moves"), at(&bench, "moved")).unwrap();
    std::fs::remove_dir_all(at(&bench, "runs")).unwrap();
    let held = bench.cycle().unwrap().held.unwrap();
    let has = |path: &str| held.paths.iter().any(|(held, _)| held.as_bytes() == path.as_bytes());
    for path in ["runs", "runs/7", "runs/latest", "runs/same", "runs/second name"] {
        assert!(has(path), "{path} goes with the rest");
    }
    assert!(!has("runs/moves") && !has("kept"));
    assert_eq!((held.files, held.folders), (63, 1));
}

#[test]
fn attributes_that_are_not_kept_are_told_while_they_are_there() {
    let mut bench = Bench::new();
    bench.write("a", "a");
    bench.write("b", "b");
    let set = |name: &str| {
        let path = bench.workspace.join("a");
        rustix::fs::setxattr(path, name, b"x", rustix::fs::XattrFlags::empty())
    };
    set("user.kept").unwrap();
    set("trusted.left").unwrap();
    bench.cycle_local().unwrap();
    let gaps = bench.keeper().gaps().unwrap();
    assert!(gaps.any());
    assert_eq!((gaps.attributes, gaps.unwatched), (1, None));
    assert_eq!(gaps.named[0].path, b"a");
    assert_eq!(gaps.named[0].why, Why::Attributes(vec![b"trusted.left".to_vec()]));
    rustix::fs::removexattr(bench.workspace.join("a"), "trusted.left").unwrap();
    bench.cycle_local().unwrap();
    let gaps = bench.keeper().gaps().unwrap();
    assert_eq!(gaps.attributes, 0, "{gaps:?}");
}

#[test]
fn a_name_that_nobody_lets_go_of_keeps_its_point_for_a_week() {
    let mut bench = Bench::new();
    bench.write("a", "1");
    bench.point();
    let pinned = bench.keeper().pin_as("drill").unwrap();
    let day = 86_400;
    for (days, there) in [(6, true), (9, false)] {
        bench.clock.0.store(days * day, Ordering::Relaxed);
        bench.write("a", format!("{days}"));
        bench.point();
        bench.keeper().thin().unwrap();
        let kept = bench.keeper().point(pinned.id);
        assert_eq!(kept.is_ok_and(|point| point.pinned), there, "after {days} days");
    }
    bench.keeper().unpin_name("drill").unwrap();
}

/// The number that a file system gave what stands at a path.
fn number_of(path: &std::path::Path) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&std::fs::symlink_metadata(path).unwrap())
}

#[test]
fn a_new_file_with_the_number_of_a_lost_one_is_not_that_one_moved() {
    numbers_come_back(true);
}

#[test]
fn nor_where_nobody_knows_when_a_file_was_made() {
    numbers_come_back(false);
}

fn numbers_come_back(knows_births: bool) {
    let mut bench = guarded();
    bench.source.knows_births = knows_births;
    for number in 0..150 {
        bench.write(&format!("checkpoints/{number}"), format!("checkpoint {number}"));
    }
    bench.point();
    // A job deletes its checkpoints and writes logs, and their numbers come back.
    let mut numbers = vec![number_of(&bench.workspace.join("checkpoints"))];
    for number in 0..100 {
        let path = bench.workspace.join(format!("checkpoints/{number}"));
        numbers.push(number_of(&path));
        std::fs::remove_file(path).unwrap();
    }
    for (place, number) in numbers.into_iter().enumerate() {
        let path = if place == 0 { "logs".to_owned() } else { format!("logs/{place}") };
        if place > 0 {
            bench.write(&path, format!("log {place}"));
        }
        bench.source.reused.insert(RelPath::new(path).unwrap(), number);
    }
    let cycle = bench.cycle().unwrap();
    let frozen = Outcome::Frozen(Verdict::TooMuchLost { lost: 100, of: 150 });
    assert_eq!((cycle.outcome, cycle.lost), (frozen, 100));
    let held = cycle.held.unwrap();
    assert_eq!((held.files, held.folders), (100, 0), "all of them are named");
    bench.check_copy();
    bench.limits.accepted = 100;
    bench.point();
    bench.check_now();
}

#[test]
fn a_new_folder_with_the_number_of_the_one_before_it_has_nothing_of_that_ones() {
    let mut bench = guarded();
    bench.write("runs/old", "old");
    bench.write("kept", "kept");
    bench.point();
    let runs = bench.workspace.join("runs");
    let number = number_of(&runs);
    std::fs::rename(&runs, bench.workspace.with_extension("away")).unwrap();
    bench.write("runs/new", "new");
    let path = RelPath::new("runs").unwrap();
    bench.source.reused.insert(path.clone(), number);
    // A watch tells of the new folder with all that is in it, and nothing of what was below the old one.
    bench.source.quiet.push(path);
    bench.cycle().unwrap();
    bench.check_now();
}
