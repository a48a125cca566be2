//! Leases and doorbells.

use domain::id::UserId;
use store::StoreError;
use tokio::sync::broadcast::error::TryRecvError;

use crate::fixtures::{NOW, user};
use crate::world::World;

on_both! {
    a_live_lease_is_its_holders_alone,
    a_lease_that_ran_out_is_taken_under_a_larger_token,
    all_of_a_holder_are_prolonged_at_once,
    of_many_who_take_a_lease_one_succeeds,
    a_lease_is_given_back,
    events_are_numbered_and_told_in_order,
    events_of_another_process_are_told_once,
    many_who_append_at_once_leave_no_gap,
    when_processes_ran_is_told_and_forgotten_by_age,
}

async fn a_live_lease_is_its_holders_alone(world: &World) {
    let leases = world.store.leases();
    let token = leases.acquire("assoc/1", "a", 3_000, NOW).await;
    let token = token.expect("asked").expect("free");
    let other = leases.acquire("assoc/1", "b", 3_000, NOW.plus(2_999)).await;
    assert_eq!(other.expect("asked"), None);
    let own = leases.acquire("assoc/1", "a", 3_000, NOW.plus(1_000)).await;
    assert_eq!(own.expect("asked"), Some(token), "prolonged under its token");
    let other = leases.acquire("assoc/1", "b", 3_000, NOW.plus(3_500)).await;
    assert_eq!(other.expect("asked"), None, "it was prolonged");
    let elsewhere = leases.acquire("assoc/2", "b", 3_000, NOW).await;
    assert!(elsewhere.expect("asked").is_some());
    let listed = leases.list().await.expect("listed");
    let names: Vec<_> = listed.iter().map(|one| (one.name.as_str(), one.holder.as_str())).collect();
    assert_eq!(names, [("assoc/1", "a"), ("assoc/2", "b")]);
    assert_eq!(listed[0].expires_at, NOW.plus(4_000));
}

async fn a_lease_that_ran_out_is_taken_under_a_larger_token(world: &World) {
    let leases = world.store.leases();
    let first = leases.acquire("x", "a", 3_000, NOW).await.expect("asked").expect("free");
    let late = NOW.plus(3_000);
    let second = leases.acquire("x", "b", 3_000, late).await.expect("asked").expect("ran out");
    assert!(second > first);
    assert!(!leases.check("x", first).await.expect("asked"));
    assert!(leases.check("x", second).await.expect("asked"));
    assert!(leases.renew_all("a", 3_000, late).await.expect("asked").is_empty());
    assert!(!leases.release("x", "a", first).await.expect("asked"));
    let back = leases.acquire("x", "a", 3_000, late.plus(3_000)).await;
    assert!(back.expect("asked").expect("ran out") > second);
}

async fn all_of_a_holder_are_prolonged_at_once(world: &World) {
    let leases = world.store.leases();
    for (name, ttl_ms) in [("one", 3_000), ("two", 3_000), ("short", 1_000)] {
        leases.acquire(name, "a", ttl_ms, NOW).await.expect("asked").expect("free");
    }
    leases.acquire("other", "b", 3_000, NOW).await.expect("asked").expect("free");
    let later = NOW.plus(2_000);
    let renewed = leases.renew_all("a", 3_000, later).await.expect("asked");
    assert_eq!(renewed, [("one".to_owned(), 1), ("two".to_owned(), 1)].into());
    let theirs = leases.of_others("a", later).await.expect("asked");
    assert_eq!(theirs, ["other".to_owned()].into());
    assert_eq!(leases.of_others("b", NOW.plus(4_999)).await.expect("asked").len(), 2);
    assert!(leases.of_others("b", NOW.plus(5_000)).await.expect("asked").is_empty());
    let anew = leases.acquire("short", "a", 3_000, later).await.expect("asked");
    assert_eq!(anew, Some(2), "what had run out begins anew");
}

async fn of_many_who_take_a_lease_one_succeeds(world: &World) {
    let beside = world.beside().await;
    for begin in [NOW, NOW.plus(5_000)] {
        let tries = (0..8).map(|n| {
            let store = if n % 2 == 0 { &world.store } else { &beside }.clone();
            tokio::spawn(async move {
                let holder = format!("{}-{n}", begin.0);
                store.leases().acquire("x", &holder, 3_000, begin).await
            })
        });
        let mut won = 0;
        for task in tries.collect::<Vec<_>>() {
            won += i32::from(task.await.expect("ran").expect("asked").is_some());
        }
        assert_eq!(won, 1);
    }
    beside.close().await;
}

async fn a_lease_is_given_back(world: &World) {
    let leases = world.store.leases();
    let first = leases.acquire("x", "a", 3_000, NOW).await.expect("asked").expect("free");
    assert!(leases.release("x", "a", first).await.expect("asked"));
    assert!(!leases.check("x", first).await.expect("asked"));
    assert!(leases.renew_all("a", 3_000, NOW).await.expect("asked").is_empty());
    let second = leases.acquire("x", "b", 3_000, NOW).await.expect("asked").expect("free");
    assert!(second > first);
    leases.acquire("y", "b", 3_000, NOW).await.expect("asked").expect("free");
    assert_eq!(leases.release_all("b").await.expect("asked"), 2);
    let free = leases.acquire("y", "a", 3_000, NOW).await.expect("asked");
    assert!(free.is_some());
}

async fn events_are_numbered_and_told_in_order(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let events = world.store.events();
    assert_eq!(events.newest().await.expect("asked"), 0);
    let mut told = world.store.doorbells();
    for (n, (whose, id)) in [(&ana, "f1"), (&bob, "f2"), (&ana, "f3")].into_iter().enumerate() {
        let seq = events.append(whose, "failover", id, NOW).await.expect("appended");
        assert_eq!(seq, i64::try_from(n).expect("small") + 1);
        let bell = told.try_recv().expect("told");
        assert_eq!((bell.seq, &bell.user, bell.id.as_str()), (seq, whose, id));
    }
    let mine = events.after(&ana, 1, 10).await.expect("read");
    assert_eq!(mine.len(), 1);
    assert_eq!((mine[0].seq, mine[0].kind.as_str(), mine[0].at), (3, "failover", NOW));
    assert_eq!(events.after(&ana, 0, 1).await.expect("read")[0].seq, 1);
    assert_eq!(events.all_after(0, 10).await.expect("read").len(), 3);
    let nobody = UserId::new("nobody");
    let refused = events.append(&nobody, "x", "y", NOW).await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))));
    assert_eq!(events.prune(NOW.plus(1)).await.expect("pruned"), 3);
    let seq = events.append(&ana, "failover", "f4", NOW).await.expect("appended");
    assert_eq!(seq, 4, "numbers are not used twice");
    assert_eq!(events.newest().await.expect("asked"), 4);
}

async fn events_of_another_process_are_told_once(world: &World) {
    let ana = user(&world.store, "ana").await;
    let beside = world.beside().await;
    let mut told = world.store.doorbells();
    beside.events().append(&ana, "sync", "a", NOW).await.expect("appended");
    assert!(matches!(told.try_recv(), Err(TryRecvError::Empty)));
    assert_eq!(world.store.events().catch_up().await.expect("asked"), 1);
    assert_eq!(told.try_recv().expect("told").seq, 1);
    beside.events().append(&ana, "sync", "b", NOW).await.expect("appended");
    world.store.events().append(&ana, "sync", "c", NOW).await.expect("appended");
    assert_eq!(told.try_recv().expect("told").seq, 2);
    assert_eq!(told.try_recv().expect("told").seq, 3);
    assert_eq!(world.store.events().catch_up().await.expect("asked"), 3);
    assert!(matches!(told.try_recv(), Err(TryRecvError::Empty)));
    beside.close().await;
}

async fn many_who_append_at_once_leave_no_gap(world: &World) {
    let ana = user(&world.store, "ana").await;
    let beside = world.beside().await;
    let mut told = world.store.doorbells();
    let tries = (0..20).map(|n| {
        let store = if n % 2 == 0 { &world.store } else { &beside }.clone();
        let ana = ana.clone();
        tokio::spawn(async move { store.events().append(&ana, "sync", "x", NOW).await })
    });
    for task in tries.collect::<Vec<_>>() {
        task.await.expect("ran").expect("appended");
    }
    world.store.events().catch_up().await.expect("asked");
    for expected in 1..=20 {
        assert_eq!(told.try_recv().expect("told").seq, expected);
    }
    beside.close().await;
}

async fn when_processes_ran_is_told_and_forgotten_by_age(world: &World) {
    let runs = world.store.runs();
    for (process, at) in [("a", 0), ("b", 500), ("a", 100), ("b", 600), ("a", 200)] {
        runs.note(process, NOW.plus(at)).await.expect("noted");
    }
    let told = async |after: i64| runs.after(NOW.plus(after)).await.expect("read");
    let (a, b) = ((NOW, NOW.plus(200)), (NOW.plus(500), NOW.plus(600)));
    assert_eq!(told(0).await, [a, b]);
    assert_eq!(told(200).await, [b], "it ended by then");
    assert_eq!(runs.prune(NOW.plus(201)).await.expect("pruned"), 1);
    assert_eq!(told(-1).await, [b]);
}
