//! What bounds buying, and the transactions that must not be cut in two.

use domain::association::{Association, AssociationState, Serving};
use domain::buying::{Full, Limits};
use domain::failover::{Failover, IntentState, Kind, Outcome, RentalPlan, StepName, Wish};
use domain::id::{Epoch, GpuId};
use domain::launch::Launch;
use domain::offer::GpuSpec;
use domain::time::DAY_MS;
use domain::verdict::{Cause, Verdict};
use sqlx::Row as _;
use store::{Finish, OWNERS_WORD, Placement, Recorded, StoreError};

use crate::fixtures::{NOW, association, disposal, failover, intent, machine};
use crate::world::World;

on_both! {
    what_may_have_been_bought_counts_against_the_limit_and_a_persons_word_allows_one_more,
    of_two_failovers_that_buy_at_once_one_gets_the_last_of_the_day,
    an_offer_is_bought_once_at_a_time,
    a_machine_that_failed_is_avoided_for_a_while,
    a_fence_is_whole_or_not_there,
    a_switch_is_whole_and_ends_the_time_for_cancelling,
    of_a_switch_and_a_cancellation_at_once_one_succeeds,
    a_cancellation_that_waits_for_a_switch_sees_it,
    destroying_with_the_standby_stores_all_of_it_or_nothing,
    nothing_is_untied_while_a_failover_is_under_way,
    the_standby_of_a_lost_gpu_is_not_taken_from_it,
    a_launch_is_sealed_and_survives_a_new_key,
    a_rental_that_was_cut_off_is_found_with_what_it_was_to_become,
}

async fn begun(world: &World) -> (Association, Failover) {
    let one = machine(&world.store, "ana").await;
    let new = failover(&one, "fo-1");
    world.store.failovers().open(&new).await.expect("begun");
    (one, new)
}

fn limits(per_failover: i64, per_day: i64) -> Limits {
    Limits { per_failover, per_day, ..Limits::default() }
}

async fn what_may_have_been_bought_counts_against_the_limit_and_a_persons_word_allows_one_more(
    world: &World,
) {
    let (one, of) = begun(world).await;
    let intents = world.store.intents();
    let two = limits(2, 100);
    for (n, offer) in [("1", 1), ("2", 2)] {
        let mut new = intent(&of, &format!("in-{n}"), one.epoch);
        new.offer = Some(offer);
        assert_eq!(intents.open_within(&new, &two).await.expect("asked"), Recorded::Yes);
        // Nobody knows whether it was bought; so it was.
        intents.tombstone(&new.id, "no clear answer", NOW).await.expect("given up");
    }
    let third = intent(&of, "in-3", one.epoch);
    let full = Recorded::Full(Full::GpusPerFailover { bought: 2, most: 2 });
    assert_eq!(intents.open_within(&third, &two).await.expect("asked"), full);
    assert_eq!(intents.of_failover(&of.id).await.expect("read").len(), 2, "nothing was recorded");

    // Trying again by itself changes nothing; a person's word does, once.
    let steps = world.store.steps();
    let row = steps.begin(&of.id, StepName::Buy, 0, NOW).await.expect("begun");
    let end = Finish {
        ended_at: NOW,
        outcome: Outcome::Retry,
        retry_at: Some(NOW.plus(60_000)),
        provider_ms: 0,
        output: serde_json::json!({ "waits_for": "limit" }),
        error: None,
    };
    steps.finish(&of.id, row.seq, &end).await.expect("ended");
    assert_eq!(intents.open_within(&third, &two).await.expect("asked"), full);
    // The word of somebody who is not its owner is none, and changes nothing.
    let refused = steps.retry_now(&one.user, &of.id, false, NOW).await;
    assert!(matches!(refused, Err(StoreError::Conflict(OWNERS_WORD))), "{refused:?}");
    assert_eq!(intents.open_within(&third, &two).await.expect("asked"), full);
    assert_eq!(steps.retry_now(&one.user, &of.id, true, NOW).await.expect("asked"), 1);
    assert_eq!(intents.open_within(&third, &two).await.expect("asked"), Recorded::Yes);
    intents.tombstone(&third.id, "no clear answer", NOW).await.expect("given up");
    let fourth = intent(&of, "in-4", one.epoch);
    let full = Recorded::Full(Full::GpusPerFailover { bought: 3, most: 2 });
    assert_eq!(intents.open_within(&fourth, &two).await.expect("asked"), full);
    assert_eq!(
        intents.open_within(&fourth, &limits(4, 100)).await.expect("asked"),
        Recorded::Yes,
        "a higher limit mends it too"
    );
}

async fn of_two_failovers_that_buy_at_once_one_gets_the_last_of_the_day(world: &World) {
    let (one, of) = begun(world).await;
    let other = association(&one.user, "assoc-two", 2_002);
    world.store.associations().create(&other).await.expect("made");
    let second = failover(&other, "fo-2");
    world.store.failovers().open(&second).await.expect("begun");
    let beside = world.beside().await;
    let tries = [(&world.store, &of, one.epoch, 1), (&beside, &second, other.epoch, 2)].map(
        |(store, of, epoch, offer)| {
            let mut new = intent(of, &format!("in-{offer}"), epoch);
            new.offer = Some(offer);
            let store = store.clone();
            tokio::spawn(async move { store.intents().open_within(&new, &limits(5, 1)).await })
        },
    );
    let mut recorded = Vec::new();
    for task in tries {
        recorded.push(task.await.expect("ran").expect("asked"));
    }
    recorded.sort_by_key(|one| *one != Recorded::Yes);
    assert_eq!(recorded, [Recorded::Yes, Recorded::Full(Full::GpusPerDay { bought: 1, most: 1 })]);
    let mut later = intent(&second, "in-3", other.epoch);
    later.created_at = NOW.plus(DAY_MS);
    later.offer = Some(3);
    let known = world.store.intents().of_failover(&second.id).await.expect("read");
    if known.is_empty() {
        let asked = world.store.intents().open_within(&later, &limits(5, 1)).await;
        assert_eq!(asked.expect("asked"), Recorded::Yes, "a day later");
    }
    beside.close().await;
}

async fn an_offer_is_bought_once_at_a_time(world: &World) {
    let (one, of) = begun(world).await;
    let other = association(&one.user, "assoc-two", 2_002);
    world.store.associations().create(&other).await.expect("made");
    let second = failover(&other, "fo-2");
    world.store.failovers().open(&second).await.expect("begun");
    let intents = world.store.intents();
    let usual = Limits::default();
    let first = intent(&of, "in-1", one.epoch);
    let same = intent(&second, "in-2", other.epoch);
    let mut rental = intent(&of, "in-3", Epoch(0));
    (rental.failover, rental.association) = (None, None);
    let plan = RentalPlan::default();
    assert_eq!(intents.open_within(&first, &usual).await.expect("asked"), Recorded::Yes);
    for _ in 0..2 {
        let taken = intents.open_within(&same, &usual).await.expect("asked");
        assert_eq!(taken, Recorded::OfferTaken);
        let taken = intents.open_rental(&rental, &plan).await.expect("asked");
        assert_eq!(taken, Recorded::OfferTaken);
        let bound = intents.bind(&first.id, "1", one.epoch, NOW).await;
        bound.expect("bound, and the same again");
    }
    let another = machine(&world.store, "bob").await;
    let theirs = failover(&another, "fo-3");
    world.store.failovers().open(&theirs).await.expect("begun");
    let theirs = intent(&theirs, "in-4", another.epoch);
    let free = intents.open_within(&theirs, &usual).await.expect("asked");
    assert_eq!(free, Recorded::Yes, "of another account");
    let wish = disposal(&one.user, "di-1", "1", Wish::Destroy);
    intents.discard(&first.id, &wish, NOW).await.expect("discarded");
    assert_eq!(intents.open_within(&same, &usual).await.expect("asked"), Recorded::Yes);
}

async fn a_machine_that_failed_is_avoided_for_a_while(world: &World) {
    let (one, of) = begun(world).await;
    let intents = world.store.intents();
    let lost = one.spec.machine_id.expect("known");
    let failed = intents.failed_machines(&one.user, NOW).await.expect("read");
    assert_eq!(failed, [lost]);
    let mut bad = intent(&of, "in-1", one.epoch);
    bad.machine_id = Some(4_242);
    intents.open(&bad).await.expect("recorded");
    intents.bind(&bad.id, "1", one.epoch, NOW).await.expect("bound");
    let wish = disposal(&one.user, "di-1", "1", Wish::Destroy);
    intents.give_back(&bad.id, &wish, NOW.plus(50)).await.expect("given back");
    let found = intents.find(&bad.id).await.expect("read").expect("known");
    assert_eq!(found.state, IntentState::Discarded);
    let failed = intents.failed_machines(&one.user, NOW).await.expect("read");
    assert_eq!(failed, [lost, 4_242]);
    let later = intents.failed_machines(&one.user, NOW.plus(1)).await.expect("read");
    assert_eq!(later, [4_242], "the older one is forgiven");

    let another = machine(&world.store, "bob").await;
    assert_eq!(intents.failed_machines(&another.user, NOW).await.expect("read"), [0; 0]);
    for (n, kind, cause) in [
        (1, Kind::Real, Cause::Outbid),
        (2, Kind::Planned, Cause::Manual),
        (3, Kind::Drill, Cause::Drill),
    ] {
        let mut new = failover(&another, &format!("fo-b{n}"));
        (new.kind, new.cause) = (kind, cause);
        world.store.failovers().open(&new).await.expect("begun");
        let over = domain::failover::FailoverState::Complete;
        world.store.failovers().close(&new.id, over, NOW, None).await.expect("over");
        let failed = intents.failed_machines(&another.user, NOW).await.expect("read");
        assert_eq!(failed, [0; 0], "{cause} says nothing against the machine");
    }
}

async fn a_fence_is_whole_or_not_there(world: &World) {
    let (one, of) = begun(world).await;
    let associations = world.store.associations();
    let stop = disposal(&one.user, "di-1", "1001", Wish::Stop);
    // Asked to stop before: nothing of it happens.
    let cancelled = failover(&one, "fo-x");
    let stale = associations.fence(&cancelled, Some(&stop)).await;
    assert!(matches!(stale, Err(StoreError::Stale { .. })), "not the one under way: {stale:?}");
    let raised = associations.fence(&of, Some(&stop)).await.expect("fenced");
    assert_eq!(raised, one.epoch.next());
    assert_eq!(associations.fence(&of, Some(&stop)).await.expect("again"), raised);
    let now = associations.find(&one.id).await.expect("read").expect("there");
    assert_eq!(
        (now.epoch, now.serving, now.state),
        (raised, Serving::None, AssociationState::FailingOver)
    );
    assert_eq!(world.store.disposals().pending(&one.user).await.expect("read").len(), 1);

    let two = machine(&world.store, "bob").await;
    let asked = failover(&two, "fo-2");
    world.store.failovers().open(&asked).await.expect("begun");
    world.store.failovers().request_cancel(&two.user, &asked.id).await.expect("asked");
    let stop = disposal(&two.user, "di-2", "1001", Wish::Stop);
    let late = associations.fence(&asked, Some(&stop)).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    let now = associations.find(&two.id).await.expect("read").expect("there");
    assert_eq!((now.epoch, now.serving, now.state), (two.epoch, two.serving, two.state));
    assert_eq!(world.store.disposals().pending(&two.user).await.expect("read"), []);
}

async fn a_switch_is_whole_and_ends_the_time_for_cancelling(world: &World) {
    let (one, of) = begun(world).await;
    let (associations, intents) = (world.store.associations(), world.store.intents());
    let new = intent(&of, "in-1", one.epoch);
    intents.open(&new).await.expect("recorded");
    let place =
        Placement { gpu: GpuId(555), endpoint: None, host_key: None, spec: GpuSpec::default() };
    let early = associations.switch_to_bought(&of, one.epoch, &place, &new.id, NOW).await;
    assert!(matches!(early, Err(StoreError::Stale { .. })), "not bound yet: {early:?}");
    let now = associations.find(&one.id).await.expect("read").expect("there");
    assert_eq!(now.gpu, one.gpu, "so it has not moved either");
    intents.bind(&new.id, "555", one.epoch, NOW).await.expect("bound");
    associations.switch_to_bought(&of, one.epoch, &place, &new.id, NOW).await.expect("moved");
    associations.switch_to_bought(&of, one.epoch, &place, &new.id, NOW).await.expect("again");
    let now = associations.find(&one.id).await.expect("read").expect("there");
    assert_eq!(now.gpu, GpuId(555));
    let adopted = intents.find(&new.id).await.expect("read").expect("known");
    assert_eq!(adopted.state, IntentState::Adopted);
    let late = world.store.failovers().request_cancel(&one.user, &of.id).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");

    let two = machine(&world.store, "bob").await;
    let stopped = failover(&two, "fo-2");
    world.store.failovers().open(&stopped).await.expect("begun");
    let bought = intent(&stopped, "in-2", two.epoch);
    intents.open(&bought).await.expect("recorded");
    intents.bind(&bought.id, "556", two.epoch, NOW).await.expect("bound");
    world.store.failovers().request_cancel(&two.user, &stopped.id).await.expect("asked");
    let place = Placement { gpu: GpuId(556), ..place };
    let late = associations.switch_to_bought(&stopped, two.epoch, &place, &bought.id, NOW).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    let now = associations.find(&two.id).await.expect("read").expect("there");
    assert_eq!(now.gpu, two.gpu);
}

async fn of_a_switch_and_a_cancellation_at_once_one_succeeds(world: &World) {
    let beside = world.beside().await;
    for n in 0..12_i64 {
        let one = machine(&world.store, &format!("ana{n}")).await;
        let of = failover(&one, &format!("fo-{n}"));
        world.store.failovers().open(&of).await.expect("begun");
        let new = intent(&of, &format!("in-{n}"), one.epoch);
        world.store.intents().open(&new).await.expect("recorded");
        let gpu = GpuId(600 + n);
        world.store.intents().bind(&new.id, &gpu.to_string(), one.epoch, NOW).await.expect("bound");
        let place = Placement { gpu, endpoint: None, host_key: None, spec: GpuSpec::default() };
        let (associations, failovers) = (world.store.associations(), beside.failovers());
        let (moved, cancelled) = tokio::join!(
            associations.switch_to_bought(&of, one.epoch, &place, &new.id, NOW),
            failovers.request_cancel(&one.user, &of.id),
        );
        assert_ne!(moved.is_ok(), cancelled.is_ok(), "{moved:?}, {cancelled:?}");
    }
    beside.close().await;
}

async fn a_cancellation_that_waits_for_a_switch_sees_it(world: &World) {
    let (one, of) = begun(world).await;
    let new = intent(&of, "in-1", one.epoch);
    world.store.intents().open(&new).await.expect("recorded");
    world.store.intents().bind(&new.id, "555", one.epoch, NOW).await.expect("bound");
    // As a switch does it, with time for somebody to wait in the middle of it.
    let raw = world.raw().await;
    let mut tx = raw.begin().await.expect("begun");
    sqlx::query("UPDATE failovers SET round = round").execute(&mut *tx).await.expect("held");
    let (store, user, id) = (world.store.clone(), one.user.clone(), of.id.clone());
    let cancel = tokio::spawn(async move { store.failovers().request_cancel(&user, &id).await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!cancel.is_finished(), "it waits");
    let adopt = sqlx::query("UPDATE intents SET state = 'adopted'");
    adopt.execute(&mut *tx).await.expect("adopted");
    tx.commit().await.expect("switched");
    let late = cancel.await.expect("ran");
    let moved = "its machine has moved to the new GPU";
    assert!(matches!(&late, Err(StoreError::Conflict(word)) if *word == moved), "{late:?}");
    raw.close().await;
}

async fn destroying_with_the_standby_stores_all_of_it_or_nothing(world: &World) {
    let one = machine(&world.store, "ana").await;
    let (associations, disposals) = (world.store.associations(), world.store.disposals());
    associations.set_serving(&one.id, one.epoch, Serving::Standby).await.expect("set");
    let wish = disposal(&one.user, "di-1", "1001", Wish::Destroy);
    let refused = associations.destroy(&one.user, &one.id, one.gpu, &wish, true).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let now = associations.find(&one.id).await.expect("read").expect("there");
    assert!(now.want_running, "nothing of it was stored");
    assert!(!associations.is_excluded(&one.user, one.gpu).await.expect("read"));
    assert_eq!(disposals.pending(&one.user).await.expect("read"), []);
    associations.set_serving(&one.id, one.epoch, Serving::Gpu).await.expect("set");
    associations.destroy(&one.user, &one.id, one.gpu, &wish, true).await.expect("recorded");
    let now = associations.find(&one.id).await.expect("read").expect("there");
    assert_eq!((now.want_running, now.state), (false, AssociationState::Deleting));
    assert!(associations.is_excluded(&one.user, one.gpu).await.expect("read"));
    assert_eq!(disposals.pending(&one.user).await.expect("read").len(), 1);
}

async fn nothing_is_untied_while_a_failover_is_under_way(world: &World) {
    let (one, of) = begun(world).await;
    let associations = world.store.associations();
    let wish = disposal(&one.user, "di-1", "1001", Wish::Destroy);
    for refused in [
        associations.untie(&one.user, &one.id).await,
        associations.destroy(&one.user, &one.id, one.gpu, &wish, true).await,
        associations.destroy(&one.user, &one.id, one.gpu, &wish, false).await,
    ] {
        assert!(
            matches!(refused, Err(StoreError::Conflict("a failover is under way"))),
            "{refused:?}"
        );
    }
    let now = associations.find(&one.id).await.expect("read").expect("there");
    assert_eq!((now.state, now.want_running), (one.state, true));
    let over = domain::failover::FailoverState::Cancelled;
    world.store.failovers().close(&of.id, over, NOW, None).await.expect("over");
    associations.untie(&one.user, &one.id).await.expect("untied");
    let another = crate::fixtures::user(&world.store, "eve").await;
    let stranger = associations.untie(&another, &one.id).await;
    assert!(matches!(stranger, Err(StoreError::NotFound(_))), "{stranger:?}");
}

async fn the_standby_of_a_lost_gpu_is_not_taken_from_it(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    let verdict = |verdict, cause| store::VerdictRow {
        association: one.id.clone(),
        epoch: one.epoch,
        at: NOW,
        verdict,
        cause,
        evidence: domain::verdict::Observations::default(),
    };
    let lost = verdict(Verdict::ConfirmedLost, Some(Cause::HostOffline));
    world.store.verdicts().insert(&lost).await.expect("recorded");
    let refused = associations.untie(&one.user, &one.id).await;
    assert!(matches!(refused, Err(StoreError::Conflict(store::GPU_LOST))), "{refused:?}");
    let now = associations.find(&one.id).await.expect("read").expect("there");
    assert_eq!(now.state, one.state, "nothing of it was stored");
    let back = verdict(Verdict::Healthy, None);
    world.store.verdicts().insert(&back).await.expect("recorded");
    associations.untie(&one.user, &one.id).await.expect("untied");
}

async fn a_launch_is_sealed_and_survives_a_new_key(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    assert_eq!(associations.launch(&one.id).await.expect("read"), None);
    let launch = Launch {
        env: vec![("HF_TOKEN".into(), "hf_very_secret".into())],
        onstart: Some("run me".into()),
        runtype: Some("jupyter_direc ssh_direc ssh_proxy".into()),
        ..Launch::default()
    };
    associations.set_launch(&one.id, &launch, NOW).await.expect("kept");
    let kept = associations.launch(&one.id).await.expect("read");
    assert_eq!(kept, Some((launch.clone(), NOW)));
    let raw = world.raw().await;
    let sealed: String = sqlx::query("SELECT sealed FROM launches")
        .fetch_one(&raw)
        .await
        .expect("a row")
        .get("sealed");
    raw.close().await;
    assert!(sealed.starts_with("v1.") && !sealed.contains("secret"), "not to be read: {sealed}");
    let ring = world.keys.with_new_key().newest_only();
    assert!(world.store.rotate(ring).await.expect("rotated") >= 1);
    let kept = associations.launch(&one.id).await.expect("read");
    assert_eq!(kept, Some((launch, NOW)));
}

async fn a_rental_that_was_cut_off_is_found_with_what_it_was_to_become(world: &World) {
    let (one, of) = begun(world).await;
    let intents = world.store.intents();
    let mut rental = intent(&of, "in-1", Epoch(0));
    (rental.failover, rental.association) = (None, None);
    let plan = RentalPlan {
        label: Some("mine".into()),
        ports: vec!["8080/tcp".into()],
        skip_standby: true,
        ..RentalPlan::default()
    };
    intents.open_rental(&rental, &plan).await.expect("recorded");
    let found = intents.unfinished_rentals(&one.user).await.expect("read");
    assert_eq!(found, [(rental.clone(), Some(plan.clone()))]);
    intents.bind(&rental.id, "9", Epoch(0), NOW).await.expect("bound");
    let found = intents.unfinished_rentals(&one.user).await.expect("read");
    assert_eq!(found.len(), 1);
    intents.adopt(&rental.id, NOW).await.expect("given to its user");
    assert_eq!(intents.unfinished_rentals(&one.user).await.expect("read"), []);
    let another = crate::fixtures::user(&world.store, "eve").await;
    assert_eq!(intents.unfinished_rentals(&another).await.expect("read"), []);
}
