//! What is ordered is done, and told as it is.

use agent::order::{Amount, CycleEnd, Done, How, Order, Refusal, Told};

use crate::bench::{Bench, EPOCH};

#[test]
fn a_workspace_is_followed_taken_over_brought_to_a_new_gpu_and_proven() {
    let bench = Bench::new();
    bench.write("gpu/a/b", "hello");
    bench.write("gpu/big", vec![7; 3_000_000]);
    std::os::unix::fs::symlink("../out", bench.at("gpu/link")).unwrap();
    let mut session = bench.session();
    let cycle = session.cycle(bench.order()).unwrap();
    assert_eq!(cycle.end, CycleEnd::Whole { news: true });
    assert_eq!(cycle.fetched, Amount { files: 2, bytes: 3_000_005 });
    let wanted = Told::Wanted(Amount { files: 2, bytes: 3_000_005 });
    assert_eq!(session.heard.first(), Some(&wanted));
    assert!(session.heard.contains(&Told::Moved(cycle.fetched)), "{:?}", session.heard);
    bench.assert_same("gpu", "copy");

    let taken = bench.session().take_over(EPOCH + 1).unwrap().unwrap();
    assert_eq!((taken.files, taken.bytes), (3, 3_000_005));
    // Work on the standby, in the copy itself.
    bench.write("copy/a/b", "changed by the job");
    bench.write("copy/results", "new");
    let mut session = bench.session();
    let Done::Own(own) = session.ask(&Order::Own { epoch: EPOCH + 1, frozen: false }).unwrap()
    else {
        panic!()
    };
    assert_eq!((own.written, own.removed, own.unread), (2, 0, 0));
    let point = own.point.unwrap();
    assert_eq!(point.how, How::Standby);
    std::fs::create_dir(bench.at("new")).unwrap();
    bench.write("new/of the image", "goes");
    let done = session.restored(&bench.restore(point.id, "new"));
    assert_eq!((done.sent.files, done.troubles), (3, 0), "{done:?}");
    bench.assert_same("copy", "new");
    let proof = session.proof(point.id, bench.serve("new"));
    assert_eq!((proof.proven, proof.differing), (4, 0), "{proof:?}");
    // Once more sends nothing; one flipped bit is found though size and time are as they were.
    assert_eq!(session.restored(&bench.restore(point.id, "new")).sent.files, 0);
    let time = std::fs::metadata(bench.at("new/big")).unwrap().modified().unwrap();
    let mut bytes = std::fs::read(bench.at("new/big")).unwrap();
    bytes[2_000_000] ^= 1;
    std::fs::write(bench.at("new/big"), bytes).unwrap();
    let file = std::fs::File::options().write(true).open(bench.at("new/big")).unwrap();
    file.set_modified(time).unwrap();
    let proof = session.proof(point.id, bench.serve("new"));
    assert_eq!(proof.named, [b"big".to_vec()]);
    assert_eq!(session.restored(&bench.restore(point.id, "new")).sent.files, 1);
    assert_eq!(session.proof(point.id, bench.serve("new")).differing, 0);
}

#[test]
fn the_proof_is_of_what_the_gpu_had_and_not_of_what_lies_on_the_standby() {
    let bench = Bench::new();
    bench.write("gpu/weights", vec![1; 100_000]);
    let mut session = bench.session();
    let point = session.point(bench.order());
    // The standby's disk loses a bit, without a trace in the file's size and times.
    let copy = bench.at("copy/weights");
    let time = std::fs::metadata(&copy).unwrap().modified().unwrap();
    let mut bytes = std::fs::read(&copy).unwrap();
    bytes[50_000] ^= 1;
    let file = std::fs::File::options().write(true).open(&copy).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
    file.set_modified(time).unwrap();
    let done = session.restored(&bench.restore(point.id, "new"));
    assert_eq!(done.troubles, 1, "{done:?}");
    let proof = session.proof(point.id, bench.serve("new"));
    assert_eq!((proof.proven, proof.named), (0, vec![b"weights".to_vec()]));
}

#[test]
fn what_was_copied_in_another_way_is_taken_over_and_not_sent_again() {
    let bench = Bench::new();
    for side in ["gpu", "copy"] {
        bench.write(&format!("{side}/large"), vec![5; 1_000_000]);
        bench.write(&format!("{side}/small"), "s");
    }
    bench.write("gpu/differs", vec![1; 200_000]);
    bench.write("copy/differs", vec![2; 200_000]);
    bench.write("copy/gone", "x");
    let mut session = bench.session();
    let cycle = session.cycle(bench.order()).unwrap();
    assert!(cycle.fetched.bytes < 210_000, "{cycle:?}");
    bench.assert_same("gpu", "copy");
    let Done::Points(points) = session.ask(&Order::Points { most: 10 }).unwrap() else { panic!() };
    let how: Vec<How> = points.iter().map(|point| point.how).collect();
    assert_eq!(how, [How::Scan, How::Standby], "the newest first");
    assert_eq!(session.proof(points[0].id, bench.serve("gpu")).differing, 0);
}

#[test]
fn losses_are_held_back_by_name_and_exactly_these_can_be_accepted() {
    let bench = Bench::new();
    for number in 0..60 {
        bench.write(&format!("gpu/runs/{number}"), format!("run {number}"));
        bench.write(&format!("gpu/kept/{number}"), format!("kept {number}"));
    }
    let mut session = bench.session();
    session.point(bench.order());
    std::fs::remove_dir_all(bench.at("gpu/runs")).unwrap();
    let held = |cycle: agent::order::CycleDone| match cycle.end {
        CycleEnd::Frozen { lost, of, held } => {
            assert_eq!(of, 120);
            (lost, held.unwrap())
        }
        other => panic!("{other:?}"),
    };
    let (lost, first) = held(session.cycle(bench.order()).unwrap());
    assert_eq!((lost, first.files, first.folders), (60, 60, 1));
    assert!(first.named.contains(&(b"runs/".to_vec(), None)));
    assert!(first.named.contains(&(b"runs/7".to_vec(), Some(5))));
    assert!(bench.at("copy/runs/7").exists());
    let list = std::fs::read(bench.at("standby/held")).unwrap();
    assert_eq!(list.iter().filter(|byte| **byte == 0).count(), 61);
    // Not a list that nobody saw.
    let mut order = bench.order();
    order.accepted = Some([9; 32]);
    let (_, again) = held(session.cycle(order).unwrap());
    assert_eq!(again.digest, first.digest, "the same set has the same digest");
    // These, and not what went since.
    std::fs::remove_dir_all(bench.at("gpu/kept")).unwrap();
    bench.write("gpu/kept/0", "kept 0");
    let mut order = bench.order();
    order.accepted = Some(first.digest);
    let (lost, more) = held(session.cycle(order.clone()).unwrap());
    assert_eq!((lost, more.files), (59, 119));
    assert!(bench.at("copy/runs/7").exists());
    for number in 0..60 {
        bench.write(&format!("gpu/kept/{number}"), format!("kept {number}"));
    }
    order.accepted = Some(more.digest);
    session.point(order);
    assert!(!bench.at("copy/runs").exists());
    bench.assert_same("gpu", "copy");
    // The next losses are judged by themselves.
    std::fs::remove_file(bench.at("gpu/kept/3")).unwrap();
    session.point(bench.order());
}

#[test]
fn a_gpu_that_is_not_reached_is_told_in_its_own_words() {
    let bench = Bench::new();
    bench.write("gpu/a", "x");
    let mut session = bench.session();
    session.point(bench.order());
    let mut refused = |words: &[&str]| {
        let mut order = bench.order();
        order.read = words.iter().map(|word| (*word).to_owned()).collect();
        session.cycle(order).unwrap_err()
    };
    let told = refused(&["sh", "-c", "echo Host key verification failed. >&2; exit 255"]);
    let Refusal::Unreachable(word) = told else { panic!("{told:?}") };
    assert!(word.contains("Host key verification failed."), "{word}");
    let told = refused(&["sh", "-c", "echo welcome to zsh"]);
    let Refusal::Unreachable(word) = told else { panic!("{told:?}") };
    assert!(word.contains("not started by the login") && word.contains("welcome"), "{word}");
    assert!(matches!(refused(&["/nowhere/ssh"]), Refusal::Failed(_)));
    std::fs::remove_dir_all(bench.at("gpu")).unwrap();
    let gone = session.cycle(bench.order()).unwrap_err();
    assert!(matches!(gone, Refusal::WorkspaceMissing(_)), "{gone:?}");
    assert!(bench.at("copy/a").exists());
}

#[test]
fn a_drill_keeps_a_point_while_following_goes_on() {
    let bench = Bench::new();
    bench.write("gpu/a", "one");
    bench.write("gpu/same", "same");
    let mut following = bench.session();
    let point = following.point(bench.order());
    let mut drill = bench.session();
    let pin = Order::Pin { name: "drill-1".into() };
    let Done::Pinned(pinned) = drill.ask(&pin).unwrap() else { panic!() };
    assert_eq!((pinned.id, pinned.pinned), (point.id, true));
    bench.write("gpu/a", "two");
    let after = following.point(bench.order());
    assert_ne!(after.id, point.id);
    let Done::Pinned(again) = drill.ask(&pin).unwrap() else { panic!() };
    assert_eq!(again, pinned, "the same again");
    assert_eq!(drill.restored(&bench.restore(pinned.id, "new")).troubles, 0);
    assert_eq!(std::fs::read(bench.at("new/a")).unwrap(), b"one");
    assert_eq!(drill.proof(pinned.id, bench.serve("new")).differing, 0);
    for _ in 0..2 {
        let unpinned = drill.ask(&Order::Unpin { name: "drill-1".into() }).unwrap();
        assert_eq!(unpinned, Done::Unpinned);
    }
    assert!(drill.ask(&Order::Pin { name: "../x".into() }).is_err());
    // What another process did to the index does no harm to the one that follows.
    bench.write("gpu/a", "three");
    following.point(bench.order());
    bench.assert_same("gpu", "copy");
}

#[test]
fn the_copy_goes_back_and_says_before_what_that_would_change() {
    let bench = Bench::new();
    bench.write("gpu/d/a", "one");
    bench.write("gpu/d/b", "b");
    let mut session = bench.session();
    let first = session.point(bench.order());
    bench.write("gpu/d/a", "two!");
    bench.write("gpu/c", "c");
    session.point(bench.order());
    let difference = Order::Difference { point: first.id, path: Vec::new() };
    let Done::Difference(told) = session.ask(&difference).unwrap() else { panic!() };
    assert_eq!((told.added, told.changed, told.removed, told.missing), (0, 1, 1, 0));
    let back = Order::GoBack { epoch: EPOCH, point: first.id, path: b"d".to_vec() };
    let Done::Back(Some(point)) = session.ask(&back).unwrap() else { panic!() };
    assert_eq!(point.how, How::Back);
    assert_eq!(std::fs::read(bench.at("copy/d/a")).unwrap(), b"one");
    assert!(bench.at("copy/c").exists(), "only what was asked for");
    let Done::Points(points) = session.ask(&Order::Points { most: 10 }).unwrap() else { panic!() };
    let lacked: Vec<_> = points.iter().map(|point| point.lacks.map(|lacks| lacks.flux)).collect();
    assert_eq!(lacked, [None, Some(0), Some(0)], "of what was put back it is not known");
    let none = session.ask(&Order::Difference { point: 999, path: Vec::new() });
    assert_eq!(none, Err(Refusal::NoPoint(999)));
    let Done::Status(status) = session.ask(&Order::Status).unwrap() else { panic!() };
    assert_eq!((status.epoch, status.points), (EPOCH, 3));
}

#[test]
fn the_program_says_what_it_is() {
    let said = std::process::Command::new(crate::bench::PROGRAM).arg("hash-self").output().unwrap();
    let own = agent::hash::Hash::of(&std::fs::read(crate::bench::PROGRAM).unwrap());
    assert_eq!(String::from_utf8(said.stdout).unwrap().trim(), own.to_hex());
}
