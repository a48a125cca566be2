//! What a GPU that was left alone holds is saved before it goes, whoever asks the provider.

use simulator::{Outcome, Plan, run_plan};

fn good(outcome: &Outcome) {
    assert!(outcome.wrong.is_empty(), "{}\n{}", outcome.wrong.join("; "), outcome.journal);
}

#[test]
fn what_a_silent_gpu_writes_until_it_goes_is_saved() {
    for (seed, silent) in [(1, 50_000), (2, 70_000), (3, 100_000), (1_036, 75_000)] {
        let outcome = run_plan(seed, &Plan::silent(silent));
        good(&outcome);
        assert!(outcome.journal.contains("failover real silent complete"), "{}", outcome.journal);
        assert!(outcome.journal.contains("destroy 100 found=true"), "{}", outcome.journal);
    }
}

#[test]
fn a_machine_is_recovered_by_a_process_that_does_not_ask_the_provider() {
    let outcome = run_plan(1, &Plan::thin().told_by_another());
    good(&outcome);
    assert_eq!((outcome.failovers, outcome.bought), (1, 1), "{}", outcome.journal);
    assert!(
        outcome.journal.contains("failover real instance_gone complete"),
        "{}",
        outcome.journal
    );
    let steps = outcome.journal.lines().filter(|line| line.contains("next_round")).count();
    assert_eq!(steps, 0, "none that runs is given back: {}", outcome.journal);
    let outcome = run_plan(2, &Plan::silent(100_000).told_by_another());
    good(&outcome);
    assert_eq!((outcome.failovers, outcome.bought), (1, 1), "{}", outcome.journal);
}
