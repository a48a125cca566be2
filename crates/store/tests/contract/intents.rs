//! Purchases: recorded before, bound once, never two.

use domain::association::Association;
use domain::failover::{Failover, FailoverState, Intent, IntentState, Wish};
use domain::id::{Epoch, GpuId, IntentId};
use domain::launch::LaunchPart;
use domain::provider::Provider;
use store::StoreError;

use crate::fixtures::{NOW, disposal, failover, intent, machine, user};
use crate::world::World;

on_both! {
    a_purchase_is_read_as_it_was_recorded,
    of_many_purchases_for_a_failover_one_is_recorded,
    nothing_is_bought_for_a_failover_that_ends,
    of_many_instances_one_is_bound,
    an_instance_comes_of_one_purchase,
    a_clear_no_allows_another_purchase,
    an_unknown_answer_is_given_up_and_what_appears_is_discarded,
    what_was_bound_meanwhile_is_not_discarded_as_open,
    a_given_up_instance_and_its_wish_are_stored_together,
    what_serves_is_not_given_back_as_a_candidate,
    a_failover_is_not_over_while_a_gpu_of_it_stands,
    a_destroyed_instance_is_gone_with_its_wish,
    a_rental_needs_no_association,
}

async fn begun(world: &World) -> (Association, Failover) {
    let one = machine(&world.store, "ana").await;
    let new = failover(&one, "fo-1");
    world.store.failovers().open(&new).await.expect("begun");
    (one, new)
}

async fn state(world: &World, id: &IntentId) -> Intent {
    let found = world.store.intents().find(id).await.expect("read");
    found.expect("known")
}

async fn a_purchase_is_read_as_it_was_recorded(world: &World) {
    let (one, of) = begun(world).await;
    let intents = world.store.intents();
    let mut new = intent(&of, "in-1", one.epoch);
    new.project = Some("my-project".into());
    new.left_out = vec![LaunchPart::Template, LaunchPart::Mode];
    intents.open(&new).await.expect("recorded");
    assert_eq!(state(world, &new.id).await, new);
    assert_eq!(intents.by_label(&new.label).await.expect("read"), Some(new.clone()));
    assert_eq!(intents.by_label("dumont-other").await.expect("read"), None);
    assert_eq!(intents.open_ones(&one.user).await.expect("read"), [new.clone()]);
    assert_eq!(intents.live(&one.user).await.expect("read"), [new.clone()]);
    assert_eq!(intents.of_failover(&of.id).await.expect("read"), [new.clone()]);
    assert_eq!(intents.of_association(&one.id).await.expect("read"), [new.clone()]);
    assert_eq!(intents.bound(&one.user).await.expect("read"), []);

    intents.bind(&new.id, "555", one.epoch, NOW.plus(3)).await.expect("bound");
    let ids = |found: Vec<Intent>| found.into_iter().map(|one| one.id).collect::<Vec<_>>();
    let bound = ids(intents.bound(&one.user).await.expect("read"));
    assert_eq!(bound.as_slice(), std::slice::from_ref(&new.id));
    let another = user(&world.store, "two").await;
    assert_eq!(intents.bound(&another).await.expect("read"), []);
    assert_eq!(intents.left_out(&one.user).await.expect("read").len(), 0, "it serves nobody yet");
    intents.adopt(&new.id, NOW.plus(4)).await.expect("adopted");
    let less = intents.left_out(&one.user).await.expect("read");
    assert_eq!(less.get(&GpuId(555)), Some(&new.left_out));
    assert_eq!(intents.left_out(&another).await.expect("read").len(), 0);
    assert_eq!(intents.bound(&one.user).await.expect("read"), []);
    intents.adopt(&new.id, NOW.plus(4)).await.expect("again");
    let mut expected = new;
    expected.state = IntentState::Adopted;
    expected.external_id = Some("555".into());
    expected.bound_at = Some(NOW.plus(3));
    expected.changed_at = NOW.plus(4);
    let found = intents.by_external(&one.user, Provider::Vast, "555").await;
    assert_eq!(found.expect("read"), Some(expected));
    let elsewhere = intents.by_external(&one.user, Provider::Gcp, "555").await;
    assert_eq!(elsewhere.expect("read"), None);
}

async fn of_many_purchases_for_a_failover_one_is_recorded(world: &World) {
    let (one, of) = begun(world).await;
    let beside = world.beside().await;
    let tries = (0..8).map(|n| {
        let store = if n % 2 == 0 { &world.store } else { &beside }.clone();
        let new = intent(&of, &format!("in-{n}"), one.epoch);
        tokio::spawn(async move { store.intents().open(&new).await })
    });
    let mut recorded = 0;
    for task in tries.collect::<Vec<_>>() {
        match task.await.expect("ran") {
            Ok(()) => recorded += 1,
            Err(StoreError::Conflict("another purchase stands")) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(recorded, 1);
    let known = world.store.intents().of_failover(&of.id).await.expect("read");
    assert_eq!(known.len(), 1);
    let bound = &known[0];
    let intents = world.store.intents();
    for stage in ["open", "bound", "adopted"] {
        let second = intents.open(&intent(&of, "second", one.epoch)).await;
        assert!(matches!(second, Err(StoreError::Conflict(_))), "while {stage}");
        match stage {
            "open" => intents.bind(&bound.id, "1", one.epoch, NOW).await.expect("bound"),
            "bound" => intents.adopt(&bound.id, NOW).await.expect("adopted"),
            _ => {}
        }
    }
    beside.close().await;
}

async fn nothing_is_bought_for_a_failover_that_ends(world: &World) {
    let (one, of) = begun(world).await;
    let failovers = world.store.failovers();
    failovers.request_cancel(&one.user, &of.id).await.expect("asked");
    let refused = world.store.intents().open(&intent(&of, "in-1", one.epoch)).await;
    assert!(matches!(refused, Err(StoreError::Stale { .. })));
    failovers.close(&of.id, FailoverState::Cancelled, NOW, None).await.expect("closed");
    let refused = world.store.intents().open(&intent(&of, "in-2", one.epoch)).await;
    assert!(matches!(refused, Err(StoreError::Stale { .. })));
    assert_eq!(world.store.intents().of_failover(&of.id).await.expect("read"), []);
}

async fn of_many_instances_one_is_bound(world: &World) {
    let (one, of) = begun(world).await;
    let new = intent(&of, "in-1", one.epoch);
    world.store.intents().open(&new).await.expect("recorded");
    let beside = world.beside().await;
    let tries = (0..6).map(|n| {
        let store = if n % 2 == 0 { &world.store } else { &beside }.clone();
        let (id, epoch) = (new.id.clone(), one.epoch);
        tokio::spawn(async move {
            let instance = format!("{}", 100 + n);
            let result = store.intents().bind(&id, &instance, epoch, NOW).await;
            (instance, result)
        })
    });
    let mut bound = Vec::new();
    for task in tries.collect::<Vec<_>>() {
        match task.await.expect("ran") {
            (instance, Ok(())) => bound.push(instance),
            (_, Err(StoreError::Stale { .. })) => {}
            (_, Err(other)) => panic!("{other:?}"),
        }
    }
    assert_eq!(bound.len(), 1);
    assert_eq!(state(world, &new.id).await.external_id, bound.first().cloned());
    let intents = world.store.intents();
    intents.bind(&new.id, &bound[0], one.epoch, NOW.plus(9)).await.expect("the same again");
    assert_eq!(state(world, &new.id).await.bound_at, Some(NOW));
    beside.close().await;
}

async fn an_instance_comes_of_one_purchase(world: &World) {
    let (one, of) = begun(world).await;
    let intents = world.store.intents();
    let first = intent(&of, "in-1", one.epoch);
    let mut rental = intent(&of, "in-2", Epoch(0));
    (rental.failover, rental.association) = (None, None);
    intents.open(&first).await.expect("recorded");
    intents.open(&rental).await.expect("recorded");
    intents.bind(&first.id, "7", one.epoch, NOW).await.expect("bound");
    let stolen = intents.bind(&rental.id, "7", Epoch(0), NOW).await;
    assert!(matches!(stolen, Err(StoreError::Conflict(_))), "{stolen:?}");
    assert_eq!(state(world, &rental.id).await.state, IntentState::Open);
    let mut twin = intent(&of, "in-3", one.epoch);
    twin.failover = None;
    twin.label.clone_from(&first.label);
    let reused = intents.open(&twin).await;
    assert!(matches!(reused, Err(StoreError::Conflict(_))), "a label is used once");
}

async fn a_clear_no_allows_another_purchase(world: &World) {
    let (one, of) = begun(world).await;
    let intents = world.store.intents();
    let first = intent(&of, "in-1", one.epoch);
    intents.open(&first).await.expect("recorded");
    intents.refuse(&first.id, "offer gone", NOW.plus(2)).await.expect("refused");
    let read = state(world, &first.id).await;
    assert_eq!(read.state, IntentState::Refused);
    assert_eq!(read.error.as_deref(), Some("offer gone"));
    for again in [
        intents.refuse(&first.id, "x", NOW).await,
        intents.tombstone(&first.id, "x", NOW).await,
        intents.adopt(&first.id, NOW).await,
        intents.gone(&first.id, NOW).await,
        intents.bind(&first.id, "1", one.epoch, NOW).await,
    ] {
        assert!(matches!(again, Err(StoreError::Stale { .. })), "{again:?}");
    }
    assert_eq!(intents.live(&one.user).await.expect("read"), []);
    intents.open(&intent(&of, "in-2", one.epoch)).await.expect("another purchase");
}

async fn an_unknown_answer_is_given_up_and_what_appears_is_discarded(world: &World) {
    let (one, of) = begun(world).await;
    let intents = world.store.intents();
    let first = intent(&of, "in-1", one.epoch);
    intents.open(&first).await.expect("recorded");
    intents.tombstone(&first.id, "timed out", NOW).await.expect("given up");
    assert_eq!(intents.open_ones(&one.user).await.expect("read"), []);
    let lost = intents.tombstoned(&one.user).await.expect("read");
    assert_eq!(lost[0].id, first.id);
    intents.open(&intent(&of, "in-2", one.epoch)).await.expect("another purchase");
    let late = intents.bind(&first.id, "8", one.epoch, NOW).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "never adopted late");
    let wish = disposal(&one.user, "di-1", "8", Wish::Destroy);
    let stands = intents.discard(&first.id, &wish, NOW.plus(60)).await;
    assert_eq!(stands.expect("discarded"), wish);
    let read = state(world, &first.id).await;
    assert_eq!(read.state, IntentState::Discarded);
    assert_eq!(read.external_id.as_deref(), Some("8"));
    assert_eq!(read.bound_at, Some(NOW.plus(60)));
}

async fn what_was_bound_meanwhile_is_not_discarded_as_open(world: &World) {
    let (one, of) = begun(world).await;
    let intents = world.store.intents();
    let first = intent(&of, "in-1", one.epoch);
    intents.open(&first).await.expect("recorded");
    intents.bind(&first.id, "7", one.epoch, NOW).await.expect("bound");
    let wish = disposal(&one.user, "di-1", "7", Wish::Destroy);
    for wanted in [IntentState::Bound, IntentState::Adopted] {
        let late = intents.discard_open(&first.id, &wish, NOW.plus(5)).await;
        assert!(matches!(late, Err(StoreError::Stale { .. })), "{wanted}: {late:?}");
        assert_eq!(state(world, &first.id).await.state, wanted);
        assert_eq!(world.store.disposals().pending(&one.user).await.expect("read"), []);
        if wanted == IntentState::Bound {
            intents.adopt(&first.id, NOW).await.expect("adopted");
        }
    }
    let mut rental = intent(&of, "in-2", Epoch(0));
    (rental.failover, rental.association) = (None, None);
    intents.open(&rental).await.expect("recorded");
    let wish = disposal(&one.user, "di-2", "8", Wish::Destroy);
    let stands = intents.discard_open(&rental.id, &wish, NOW.plus(5)).await;
    assert_eq!(stands.expect("still open"), wish);
    let read = state(world, &rental.id).await;
    assert_eq!((read.state, read.bound_at), (IntentState::Discarded, Some(NOW.plus(5))));
}

async fn a_given_up_instance_and_its_wish_are_stored_together(world: &World) {
    let (one, of) = begun(world).await;
    let intents = world.store.intents();
    let first = intent(&of, "in-1", one.epoch);
    intents.open(&first).await.expect("recorded");
    intents.bind(&first.id, "7", one.epoch, NOW).await.expect("bound");
    // The epoch moves on: giving up still works, whatever the epoch.
    let associations = world.store.associations();
    associations.advance_epoch(&one.id, one.epoch).await.expect("advanced");

    let other = disposal(&one.user, "di-0", "8", Wish::Destroy);
    let wrong = intents.discard(&first.id, &other, NOW).await;
    assert!(matches!(wrong, Err(StoreError::Stale { .. })), "another instance");
    let stop = disposal(&one.user, "di-0", "7", Wish::Stop);
    let wrong = intents.discard(&first.id, &stop, NOW).await;
    assert!(matches!(wrong, Err(StoreError::Conflict(_))));
    assert_eq!(world.store.disposals().pending(&one.user).await.expect("read"), []);
    assert_eq!(state(world, &first.id).await.state, IntentState::Bound);

    let wish = disposal(&one.user, "di-1", "7", Wish::Destroy);
    intents.discard(&first.id, &wish, NOW.plus(5)).await.expect("discarded");
    let second = disposal(&one.user, "di-2", "7", Wish::Destroy);
    let stands = intents.discard(&first.id, &second, NOW.plus(6)).await;
    assert_eq!(stands.expect("again").id, wish.id);
    assert_eq!(world.store.disposals().pending(&one.user).await.expect("read"), [wish]);
    let read = state(world, &first.id).await;
    assert_eq!((read.state, read.bound_at), (IntentState::Discarded, Some(NOW)));
    intents.open(&intent(&of, "in-2", one.epoch.next())).await.expect("another purchase");
}

async fn a_destroyed_instance_is_gone_with_its_wish(world: &World) {
    let (one, of) = begun(world).await;
    let intents = world.store.intents();
    let first = intent(&of, "in-1", one.epoch);
    intents.open(&first).await.expect("recorded");
    intents.bind(&first.id, "7", one.epoch, NOW).await.expect("bound");
    let stop = disposal(&one.user, "di-stop", "7", Wish::Stop);
    let disposals = world.store.disposals();
    disposals.request(&stop).await.expect("asked");
    disposals.done(&stop.id, Wish::Stop, NOW.plus(1)).await.expect("stopped");
    assert_eq!(state(world, &first.id).await.state, IntentState::Bound);
    let wish = disposal(&one.user, "di-1", "7", Wish::Destroy);
    intents.discard(&first.id, &wish, NOW.plus(5)).await.expect("discarded");
    disposals.done(&wish.id, Wish::Destroy, NOW.plus(9)).await.expect("done");
    let read = state(world, &first.id).await;
    assert_eq!((read.state, read.gone_at), (IntentState::Gone, Some(NOW.plus(9))));
    intents.gone(&first.id, NOW.plus(99)).await.expect("again");
    assert_eq!(state(world, &first.id).await, read);
    assert_eq!(intents.live(&one.user).await.expect("read"), []);
    for replayed in [wish, disposal(&one.user, "di-2", "7", Wish::Destroy)] {
        let late = intents.discard(&first.id, &replayed, NOW).await;
        assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    }
}

async fn a_rental_needs_no_association(world: &World) {
    let (one, of) = begun(world).await;
    let intents = world.store.intents();
    let mut rental = intent(&of, "in-1", Epoch(0));
    (rental.failover, rental.association) = (None, None);
    intents.open(&rental).await.expect("recorded");
    let wrong = intents.bind(&rental.id, "3", Epoch(1), NOW).await;
    assert!(matches!(wrong, Err(StoreError::Stale { .. })));
    intents.bind(&rental.id, "3", Epoch(0), NOW).await.expect("bound");
    intents.open(&intent(&of, "in-2", one.epoch)).await.expect("beside the failover's own");
    let unknown = intents.bind(&IntentId::new("x"), "3", Epoch(0), NOW).await;
    assert!(matches!(unknown, Err(StoreError::Stale { .. })));
}

async fn what_serves_is_not_given_back_as_a_candidate(world: &World) {
    let (one, of) = begun(world).await;
    let intents = world.store.intents();
    let first = intent(&of, "in-1", one.epoch);
    intents.open(&first).await.expect("recorded");
    intents.bind(&first.id, "7", one.epoch, NOW).await.expect("bound");
    intents.adopt(&first.id, NOW.plus(1)).await.expect("it serves");
    // One that was suspended while it looked at the candidate finds it no good.
    let wish = disposal(&one.user, "di-1", "7", Wish::Destroy);
    for late in [
        intents.give_back(&first.id, &wish, NOW.plus(2)).await,
        intents.discard_unused(&first.id, &wish, NOW.plus(2)).await,
    ] {
        assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    }
    assert_eq!(state(world, &first.id).await.state, IntentState::Adopted);
    assert_eq!(world.store.disposals().pending(&one.user).await.expect("read"), []);
}

async fn a_failover_is_not_over_while_a_gpu_of_it_stands(world: &World) {
    let (one, of) = begun(world).await;
    let (intents, failovers) = (world.store.intents(), world.store.failovers());
    let first = intent(&of, "in-1", one.epoch);
    intents.open(&first).await.expect("recorded");
    for stands in ["open", "bound"] {
        let closed = failovers.close(&of.id, FailoverState::Failed, NOW, Some("why")).await;
        assert!(matches!(closed, Err(StoreError::Conflict(store::STANDS))), "{stands}: {closed:?}");
        assert!(!failovers.find(&of.id).await.expect("read").state.is_over(), "{stands}");
        let machine = world.store.associations().find(&one.id).await.expect("read").expect("there");
        assert_eq!(machine.active_failover.as_ref(), Some(&of.id), "{stands}");
        if stands == "open" {
            intents.bind(&first.id, "7", one.epoch, NOW).await.expect("bound");
        }
    }
    let wish = disposal(&one.user, "di-1", "7", Wish::Destroy);
    intents.give_back(&first.id, &wish, NOW).await.expect("given back");
    failovers.close(&of.id, FailoverState::Failed, NOW, Some("why")).await.expect("over");
    let late = intents.open(&intent(&of, "in-2", one.epoch)).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
}
