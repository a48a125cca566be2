//! One world is the same whenever it is run, and in none of these does anything go wrong.

use simulator::{Outcome, Plan, run, run_plan};

fn good(seed: u64, outcome: &Outcome) {
    assert!(
        outcome.wrong.is_empty(),
        "seed {seed} ({}); see the journal with SEED={seed} make simulate",
        outcome.wrong.join("; ")
    );
}

#[test]
fn a_loss_with_the_providers_word_ends_on_a_new_gpu() {
    let outcome = run_plan(1, &Plan::thin());
    good(1, &outcome);
    assert_eq!((outcome.failovers, outcome.bought), (1, 1), "{}", outcome.journal);
    assert!(
        outcome.journal.contains("failover real instance_gone complete"),
        "{}",
        outcome.journal
    );
}

#[test]
fn one_seed_gives_one_journal() {
    for seed in [3, 4, 5, 6] {
        let (first, second) = (run(seed), run(seed));
        assert!(first.journal.len() > 1_000, "it is no empty world");
        assert_eq!(first.journal, second.journal, "seed {seed}");
    }
    assert_ne!(run(3).journal, run(4).journal);
}
