//! Deletions that were held back: kept with the freezing, decided on as a set, by their owner.

use domain::association::AssociationState;
use domain::frozen::{Decision, Deletion, Deletions, Held};
use domain::id::Epoch;
use domain::notification;
use store::StoreError;

use crate::fixtures::{NOW, machine, user};
use crate::world::World;

on_both! {
    what_is_held_back_is_kept_with_the_freezing_and_replaced_by_the_next,
    exactly_what_was_shown_is_decided_on_by_its_owner,
    a_restoration_that_failed_is_told_and_one_that_went_well_is_over,
    an_acceptance_outlives_the_process_and_not_the_epoch,
    what_is_frozen_without_a_list_is_looked_at_anew,
}

fn deletions(digest: &str) -> Deletions {
    Deletions {
        digest: digest.repeat(64),
        files: 27,
        folders: 2,
        bytes: Some(1_234),
        listed: vec![
            Deletion { path: "runs/".into(), bytes: None },
            Deletion { path: "runs/\"é\n".into(), bytes: Some(12) },
        ],
    }
}

async fn freeze(world: &World, of: &domain::association::Association, held: Option<&Deletions>) {
    let news = notification::frozen(of, Some((27, 30)), NOW, false);
    let associations = world.store.associations();
    associations.freeze(&of.id, of.epoch, "27 of 30", held, &news, NOW).await.expect("frozen");
}

async fn what_is_held_back_is_kept_with_the_freezing_and_replaced_by_the_next(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    assert_eq!(associations.held_deletions(&one.id).await.expect("read"), None);
    for digest in ["a", "b"] {
        freeze(world, &one, Some(&deletions(digest))).await;
        let read = associations.get(&one.user, &one.id).await.expect("read");
        assert_eq!(read.state, AssociationState::Frozen);
        assert_eq!(read.reason.as_deref(), Some("27 of 30"));
        let held = associations.held_deletions(&one.id).await.expect("read").expect("held");
        let wanted = Held {
            epoch: one.epoch,
            deletions: deletions(digest),
            seen_at: NOW,
            decision: None,
            problem: None,
        };
        assert_eq!(held, wanted);
    }
    freeze(world, &one, None).await;
    assert_eq!(associations.held_deletions(&one.id).await.expect("read"), None);
    let news = notification::frozen(&one, None, NOW, false);
    let wrong = one.epoch.next();
    let stale = associations.freeze(&one.id, wrong, "x", Some(&deletions("c")), &news, NOW).await;
    assert!(matches!(stale, Err(StoreError::Stale { .. })), "{stale:?}");
    associations
        .set_state(&one.id, one.epoch, AssociationState::Deleting, None)
        .await
        .expect("set");
    let gone = associations.freeze(&one.id, one.epoch, "x", None, &news, NOW).await;
    assert!(matches!(gone, Err(StoreError::Stale { .. })), "{gone:?}");
}

async fn exactly_what_was_shown_is_decided_on_by_its_owner(world: &World) {
    let one = machine(&world.store, "ana").await;
    let bob = user(&world.store, "bob").await;
    let associations = world.store.associations();
    let (a, b) = (deletions("a").digest, deletions("b").digest);
    let decide = async |who, epoch, digest: &str, decision| {
        associations.decide_deletions(who, &one.id, epoch, digest, decision).await
    };
    let early = decide(&one.user, one.epoch, &a, Decision::Accept).await;
    assert!(matches!(early, Err(StoreError::Stale { .. })), "not frozen: {early:?}");
    freeze(world, &one, Some(&deletions("a"))).await;
    for decision in [Decision::Accept, Decision::Restore] {
        let other = decide(&one.user, one.epoch, &b, decision).await;
        assert!(matches!(other, Err(StoreError::Conflict(_))), "{other:?}");
        let stranger = decide(&bob, one.epoch, &a, decision).await;
        assert!(matches!(stranger, Err(StoreError::Stale { .. })), "{stranger:?}");
        let late = decide(&one.user, Epoch(one.epoch.0 + 1), &a, decision).await;
        assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    }
    let said = async || {
        let held = associations.held_deletions(&one.id).await.expect("read").expect("held");
        let read = associations.get(&one.user, &one.id).await.expect("read");
        (held.decision, read.state)
    };
    assert_eq!(said().await, (None, AssociationState::Frozen));
    decide(&one.user, one.epoch, &a, Decision::Restore).await.expect("said");
    assert_eq!(said().await, (Some(Decision::Restore), AssociationState::Frozen));
    decide(&one.user, one.epoch, &a, Decision::Accept).await.expect("said otherwise");
    assert_eq!(said().await, (Some(Decision::Accept), AssociationState::Following));
    associations.settle_deletions(&one.id, one.epoch).await.expect("made");
    assert_eq!(associations.held_deletions(&one.id).await.expect("read"), None);
}

async fn a_restoration_that_failed_is_told_and_one_that_went_well_is_over(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    let digest = deletions("a").digest;
    let restored = async |ended| {
        associations.deletions_restored(&one.user, &one.id, one.epoch, &digest, ended).await
    };
    freeze(world, &one, Some(&deletions("a"))).await;
    let unasked = restored(Ok(())).await;
    assert!(matches!(unasked, Err(StoreError::Stale { .. })), "{unasked:?}");
    let decide =
        || associations.decide_deletions(&one.user, &one.id, one.epoch, &digest, Decision::Restore);
    decide().await.expect("said");
    restored(Err("the GPU is full")).await.expect("told");
    let held = associations.held_deletions(&one.id).await.expect("read").expect("held");
    assert_eq!((held.decision, held.problem.as_deref()), (None, Some("the GPU is full")));
    let state = async || associations.get(&one.user, &one.id).await.expect("read").state;
    assert_eq!(state().await, AssociationState::Frozen);
    decide().await.expect("said again");
    let held = associations.held_deletions(&one.id).await.expect("read").expect("held");
    assert_eq!(held.problem, None);
    restored(Ok(())).await.expect("done");
    assert_eq!(state().await, AssociationState::Following);
    assert_eq!(associations.held_deletions(&one.id).await.expect("read"), None);
}

async fn an_acceptance_outlives_the_process_and_not_the_epoch(world: &World) {
    let one = machine(&world.store, "ana").await;
    freeze(world, &one, Some(&deletions("a"))).await;
    let digest = deletions("a").digest;
    let associations = world.store.associations();
    associations
        .decide_deletions(&one.user, &one.id, one.epoch, &digest, Decision::Accept)
        .await
        .expect("said");
    let beside = world.beside().await;
    let held = beside.associations().held_deletions(&one.id).await.expect("read").expect("held");
    assert_eq!((held.epoch, held.decision), (one.epoch, Some(Decision::Accept)));
    beside.close().await;
    let next = associations.advance_epoch(&one.id, one.epoch).await.expect("advanced");
    let held = associations.held_deletions(&one.id).await.expect("read").expect("held");
    assert_ne!(held.epoch, next, "who follows in the new epoch sees that it is not about it");
}

async fn what_is_frozen_without_a_list_is_looked_at_anew(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    let look = || associations.look_again(&one.user, &one.id, one.epoch);
    assert!(matches!(look().await, Err(StoreError::Stale { .. })), "not frozen");
    freeze(world, &one, Some(&deletions("a"))).await;
    assert!(matches!(look().await, Err(StoreError::Conflict(_))), "those are to be decided on");
    let state = async || associations.get(&one.user, &one.id).await.expect("read").state;
    assert_eq!(state().await, AssociationState::Frozen, "and nothing was changed");
    freeze(world, &one, None).await;
    look().await.expect("again");
    assert_eq!(state().await, AssociationState::Following);
}
