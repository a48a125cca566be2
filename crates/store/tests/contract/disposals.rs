//! Wishes that instances be stopped or gone.

use domain::association::Association;
use domain::failover::{Disposal, Role, Saved, Wish};
use domain::id::{DisposalId, FailoverId, GpuId};
use domain::provider::Provider;
use store::StoreError;

use crate::fixtures::{NOW, association, disposal, user};
use crate::world::World;

on_both! {
    asking_again_changes_nothing,
    a_destroy_takes_the_place_of_a_stop_and_never_the_reverse,
    a_wish_is_due_until_it_is_done,
    a_destroy_that_waits_goes_sooner_when_asked_again_or_saved,
    one_that_answers_is_held_until_its_user_wants_it_gone,
    what_is_protected_in_this_moment_is_not_destroyed_as_one_that_is_not,
    many_who_ask_leave_one_wish,
    the_same_name_elsewhere_is_another_instance,
    what_is_said_of_a_stop_is_not_said_of_the_destroy_that_took_its_place,
}

async fn asking_again_changes_nothing(world: &World) {
    let ana = user(&world.store, "ana").await;
    let disposals = world.store.disposals();
    let mut wanted = disposal(&ana, "di-1", "7", Wish::Destroy);
    wanted.role = Role::OldGpu;
    assert_eq!(disposals.request(&wanted).await.expect("asked"), wanted);
    let mut again = disposal(&ana, "di-2", "7", Wish::Destroy);
    again.next_at = NOW.plus(99);
    again.failover = Some(FailoverId::new("fo-1"));
    let stands = disposals.request(&again).await.expect("asked");
    wanted.failover = Some(FailoverId::new("fo-1"));
    assert_eq!(stands, wanted, "it learns what it is for, and nothing else");
    assert_eq!(disposals.of_user(&ana, 9).await.expect("read"), [wanted.clone()]);
    let of = disposals.of_failover(&FailoverId::new("fo-1")).await;
    assert_eq!(of.expect("read"), [wanted.clone()]);

    disposals.done(&wanted.id, Wish::Destroy, NOW.plus(3)).await.expect("done");
    wanted.done_at = Some(NOW.plus(3));
    let replayed = disposal(&ana, "di-1", "7", Wish::Destroy);
    assert_eq!(disposals.request(&replayed).await.expect("asked"), wanted);
    assert_eq!(disposals.pending(&ana).await.expect("read"), []);
    let another = disposal(&ana, "di-1", "8", Wish::Destroy);
    let taken = disposals.request(&another).await;
    assert!(matches!(taken, Err(StoreError::Conflict(_))), "{taken:?}");
    let later = disposal(&ana, "di-3", "7", Wish::Destroy);
    assert_eq!(disposals.request(&later).await.expect("asked"), later, "a new wish");
    assert_eq!(disposals.of_user(&ana, 9).await.expect("read").len(), 2);
    assert_eq!(disposals.of_user(&ana, 1).await.expect("read").len(), 1);
}

async fn a_destroy_takes_the_place_of_a_stop_and_never_the_reverse(world: &World) {
    let ana = user(&world.store, "ana").await;
    let disposals = world.store.disposals();
    let stop = disposal(&ana, "di-1", "7", Wish::Stop);
    disposals.request(&stop).await.expect("asked");
    disposals.tried(&stop.id, Wish::Stop, Some("503"), NOW.plus(60_000)).await.expect("tried");
    let mut destroy = disposal(&ana, "di-2", "7", Wish::Destroy);
    destroy.next_at = NOW.plus(5);
    let stands = disposals.request(&destroy).await.expect("asked");
    assert_eq!((&stands.id, stands.wish), (&stop.id, Wish::Destroy));
    assert_eq!(stands.next_at, NOW.plus(5), "a new wish is tried at once");
    let stands = disposals.request(&stop).await.expect("asked");
    assert_eq!(stands.wish, Wish::Destroy);
    assert_eq!(disposals.pending(&ana).await.expect("read"), [stands]);
}

async fn a_wish_is_due_until_it_is_done(world: &World) {
    let ana = user(&world.store, "ana").await;
    let bob = user(&world.store, "bob").await;
    let disposals = world.store.disposals();
    let first = disposal(&ana, "di-1", "7", Wish::Destroy);
    let second = disposal(&bob, "di-2", "7", Wish::Stop);
    disposals.request(&first).await.expect("asked");
    disposals.request(&second).await.expect("asked");
    let due = disposals.due(NOW).await.expect("read");
    assert_eq!(due.len(), 2, "of all users");
    assert_eq!(disposals.due(NOW.plus(-1)).await.expect("read"), []);
    disposals.tried(&first.id, Wish::Destroy, Some("429"), NOW.plus(10)).await.expect("tried");
    let due = disposals.due(NOW.plus(9)).await.expect("read");
    assert_eq!(due, [second.clone()]);
    let tried = disposals.find(&first.id).await.expect("read").expect("there");
    assert_eq!((tried.attempts, tried.last_error.as_deref()), (1, Some("429")));
    disposals.done(&first.id, Wish::Destroy, NOW.plus(11)).await.expect("done");
    for late in [
        disposals.done(&first.id, Wish::Destroy, NOW.plus(12)).await,
        disposals.tried(&first.id, Wish::Destroy, None, NOW).await,
        disposals.done(&DisposalId::new("x"), Wish::Destroy, NOW).await,
    ] {
        assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    }
    let done = disposals.find(&first.id).await.expect("read").expect("there");
    assert_eq!(done.done_at, Some(NOW.plus(11)));
    assert_eq!(disposals.due(NOW.plus(99)).await.expect("read"), [second.clone()]);
    assert_eq!(disposals.pending(&ana).await.expect("read"), []);
    assert_eq!(disposals.pending(&bob).await.expect("read"), [second]);
}

async fn a_destroy_that_waits_goes_sooner_when_asked_again_or_saved(world: &World) {
    let ana = user(&world.store, "ana").await;
    let disposals = world.store.disposals();
    let kept = |id: &str, gpu: &str, at: i64| Disposal {
        next_at: NOW.plus(at),
        role: Role::OldGpu,
        ..disposal(&ana, id, gpu, Wish::Destroy)
    };
    let first = disposals.request(&kept("di-1", "7", 500)).await.expect("asked");
    assert_eq!(first.kept_until(NOW), Some(NOW.plus(500)));
    let later = disposals.request(&kept("di-2", "7", 900)).await.expect("asked");
    assert_eq!(later.next_at, NOW.plus(500), "not later");
    let sooner = disposals.request(&kept("di-3", "7", 0)).await.expect("asked");
    assert_eq!((sooner.next_at, sooner.kept_until(NOW)), (NOW, None));
    let held = disposals.request(&kept("di-4", "8", 500)).await.expect("asked");
    let at = NOW.plus(3);
    let saved = Saved { files: 2, bytes: 9, path: "/late".into(), at, fetches: 1, settled: false };
    disposals.saved(&held.id, &saved).await.expect("saved");
    let free = disposals.find(&held.id).await.expect("read").expect("there");
    assert_eq!((free.next_at, free.saved.as_ref()), (NOW.plus(3), Some(&saved)));
    assert_eq!(free.kept_until(NOW), None);
    disposals.done(&held.id, Wish::Destroy, NOW.plus(4)).await.expect("done");
    assert!(matches!(disposals.saved(&held.id, &saved).await, Err(StoreError::Stale { .. })));
}

async fn one_that_answers_is_held_until_its_user_wants_it_gone(world: &World) {
    let ana = user(&world.store, "ana").await;
    let disposals = world.store.disposals();
    let left = Disposal { role: Role::OldGpu, ..disposal(&ana, "di-1", "7", Wish::Destroy) };
    let asked = disposals.request(&left).await.expect("asked");
    disposals.hold(&asked, NOW.plus(900)).await.expect("held");
    let held = disposals.find(&asked.id).await.expect("read").expect("there");
    assert_eq!((held.next_at, held.attempts, held.role), (NOW.plus(900), 0, Role::OldGpu));
    assert_eq!(disposals.due(NOW.plus(899)).await.expect("read"), []);
    // The word of whoever pays for it.
    let own = Disposal { role: Role::Rental, ..disposal(&ana, "di-2", "7", Wish::Destroy) };
    let gone = disposals.request(&own).await.expect("asked");
    assert_eq!((gone.id, gone.role), (asked.id.clone(), Role::Rental));
    assert_eq!(gone.next_at, own.next_at, "now");
    let again = disposals.request(&left).await.expect("asked");
    assert_eq!(again.role, Role::Rental, "it stands");
    // Who has looked at it before that word keeps it no longer.
    let late = disposals.hold(&held, NOW.plus(9_000)).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    assert_eq!(disposals.find(&asked.id).await.expect("read"), Some(again.clone()));
    disposals.done(&asked.id, Wish::Destroy, NOW.plus(4)).await.expect("done");
    assert!(matches!(disposals.hold(&again, NOW).await, Err(StoreError::Stale { .. })));
}

/// Of a destroy and a protection that are asked for at the same time one comes first, and the other is told.
async fn what_is_protected_in_this_moment_is_not_destroyed_as_one_that_is_not(world: &World) {
    let ana = user(&world.store, "ana").await;
    let beside = world.beside().await;
    for gpu in 100..130 {
        let tie = Association { standby: None, ..association(&ana, &format!("as-{gpu}"), gpu) };
        let wish = disposal(&ana, &format!("di-{gpu}"), &gpu.to_string(), Wish::Destroy);
        let (here, there) = (world.store.clone(), beside.clone());
        let made = tokio::spawn(async move { here.associations().create(&tie).await });
        let asked =
            tokio::spawn(
                async move { there.disposals().request_unprotected(&wish, GpuId(gpu)).await },
            );
        let (made, asked) = (made.await.expect("ran"), asked.await.expect("ran"));
        assert!(made.is_ok() != asked.is_ok(), "{gpu}: {made:?} {asked:?}");
        let told = made.err().or(asked.err());
        assert!(matches!(told, Some(StoreError::Conflict(_))), "{told:?}");
    }
    beside.close().await;
}

async fn many_who_ask_leave_one_wish(world: &World) {
    let ana = user(&world.store, "ana").await;
    let beside = world.beside().await;
    let tries = (0..8).map(|n| {
        let store = if n % 2 == 0 { &world.store } else { &beside }.clone();
        let wish = if n % 3 == 0 { Wish::Destroy } else { Wish::Stop };
        let wanted = disposal(&ana, &format!("di-{n}"), "7", wish);
        tokio::spawn(async move { store.disposals().request(&wanted).await })
    });
    let mut ids = Vec::new();
    for task in tries.collect::<Vec<_>>() {
        ids.push(task.await.expect("ran").expect("asked").id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let left = world.store.disposals().pending(&ana).await.expect("read");
    assert_eq!((left.len(), left[0].wish), (1, Wish::Destroy));
    beside.close().await;
}

async fn the_same_name_elsewhere_is_another_instance(world: &World) {
    let ana = user(&world.store, "ana").await;
    let disposals = world.store.disposals();
    for (n, (provider, zone)) in
        [(Provider::Vast, ""), (Provider::Gcp, "europe-west1-b"), (Provider::Gcp, "us-central1-a")]
            .into_iter()
            .enumerate()
    {
        let mut wanted = disposal(&ana, &format!("di-{n}"), "7", Wish::Destroy);
        wanted.provider = provider;
        wanted.zone = zone.into();
        disposals.request(&wanted).await.expect("asked");
    }
    assert_eq!(disposals.pending(&ana).await.expect("read").len(), 3);
}

async fn what_is_said_of_a_stop_is_not_said_of_the_destroy_that_took_its_place(world: &World) {
    let ana = user(&world.store, "ana").await;
    let disposals = world.store.disposals();
    let stop = Disposal { role: Role::OldGpu, ..disposal(&ana, "di-1", "7", Wish::Stop) };
    disposals.request(&stop).await.expect("asked");
    disposals.tried(&stop.id, Wish::Stop, Some("503"), NOW.plus(1_000)).await.expect("tried");
    let kept = Disposal {
        role: Role::OldGpu,
        next_at: NOW.plus(500_000),
        ..disposal(&ana, "di-2", "7", Wish::Destroy)
    };
    let stands = disposals.request(&kept).await.expect("asked");
    assert_eq!((&stands.id, stands.next_at), (&stop.id, kept.next_at));
    // The tries at the stop are none at the destroy, which has not come to its time yet.
    assert_eq!((stands.attempts, stands.last_error.as_deref()), (0, None));
    assert_eq!(stands.kept_until(NOW), Some(kept.next_at));
    // Who read the stop has seen it stopped, or not, by now.
    for late in [
        disposals.done(&stop.id, Wish::Stop, NOW.plus(9)).await,
        disposals.tried(&stop.id, Wish::Stop, None, NOW.plus(10)).await,
    ] {
        assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    }
    assert_eq!(disposals.find(&stop.id).await.expect("read"), Some(stands.clone()));
    disposals.done(&stands.id, Wish::Destroy, NOW.plus(600_000)).await.expect("gone");
}
