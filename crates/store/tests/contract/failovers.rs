//! Failovers: one at a time per machine, from beginning to end.

use domain::failover::{Failover, FailoverState, Kind, Options, Wish};
use domain::id::{AssociationId, Epoch, FailoverId};
use domain::verdict::Cause;
use store::{FailoverQuery, Placement, StoreError};

use crate::fixtures::{NOW, association, disposal, failover, machine, user};
use crate::world::World;

on_both! {
    a_failover_is_read_as_it_was_written,
    of_many_who_begin_a_failover_one_succeeds,
    a_failover_begins_in_the_present_epoch_of_an_own_machine,
    the_end_frees_the_machine,
    a_cancellation_is_asked_for_once_and_not_undone,
    failovers_are_listed_by_what_is_asked,
    each_machines_newest_drill_is_found,
    what_its_user_does_not_want_is_no_loss,
    a_loss_of_a_gpu_that_was_left_is_none,
}

async fn a_failover_is_read_as_it_was_written(world: &World) {
    let one = machine(&world.store, "ana").await;
    let mut begun = failover(&one, "fo-1");
    begun.options = Options {
        from_standby: true,
        new_gpu: false,
        restore: false,
        accept_gaps: true,
        by_grantee: true,
    };
    let failovers = world.store.failovers();
    failovers.open(&begun).await.expect("begun");
    assert_eq!(failovers.get(&one.user, &begun.id).await.expect("read"), begun);
    assert_eq!(failovers.find(&begun.id).await.expect("read"), begun);
    assert_eq!(failovers.active().await.expect("read"), [begun.clone()]);
    assert_eq!(failovers.active_of(&one.user).await.expect("read"), [begun.clone()]);
    let machine = world.store.associations().get(&one.user, &one.id).await;
    assert_eq!(machine.expect("read").active_failover, Some(begun.id));
}

async fn of_many_who_begin_a_failover_one_succeeds(world: &World) {
    let one = machine(&world.store, "ana").await;
    let beside = world.beside().await;
    let tries = (0..8).map(|n| {
        let store = if n % 2 == 0 { &world.store } else { &beside }.clone();
        let new = failover(&one, &format!("fo-{n}"));
        tokio::spawn(async move { store.failovers().open(&new).await })
    });
    let mut begun = 0;
    for task in tries.collect::<Vec<_>>() {
        match task.await.expect("ran") {
            Ok(()) => begun += 1,
            Err(StoreError::Conflict("a failover is under way")) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(begun, 1);
    assert_eq!(world.store.failovers().active().await.expect("read").len(), 1);
    beside.close().await;
}

async fn a_failover_begins_in_the_present_epoch_of_an_own_machine(world: &World) {
    let one = machine(&world.store, "ana").await;
    let bob = user(&world.store, "bob").await;
    let failovers = world.store.failovers();
    let mut old = failover(&one, "old");
    old.from_epoch = Epoch(one.epoch.0 - 1);
    let refused = failovers.open(&old).await;
    assert!(matches!(refused, Err(StoreError::Stale { .. })));
    let mut foreign = failover(&one, "foreign");
    foreign.user = bob;
    let refused = failovers.open(&foreign).await;
    assert!(matches!(refused, Err(StoreError::NotFound("association"))));
    let mut gone = failover(&one, "gone");
    gone.association = AssociationId::new("gone");
    let refused = failovers.open(&gone).await;
    assert!(matches!(refused, Err(StoreError::NotFound("association"))));
    assert_eq!(failovers.active().await.expect("read"), []);
}

async fn the_end_frees_the_machine(world: &World) {
    let one = machine(&world.store, "ana").await;
    let failovers = world.store.failovers();
    let begun = failover(&one, "fo-1");
    failovers.open(&begun).await.expect("begun");
    let no_end = failovers.close(&begun.id, FailoverState::Waiting, NOW, None).await;
    assert!(matches!(no_end, Err(StoreError::Conflict(_))));
    failovers
        .close(&begun.id, FailoverState::Failed, NOW.plus(7), Some("no credit"))
        .await
        .expect("closed");
    let ended = failovers.get(&one.user, &begun.id).await.expect("read");
    assert_eq!(ended.state, FailoverState::Failed);
    assert_eq!(ended.ended_at, Some(NOW.plus(7)));
    assert_eq!(ended.error.as_deref(), Some("no credit"));
    let again = failovers.close(&begun.id, FailoverState::Complete, NOW, None).await;
    assert!(matches!(again, Err(StoreError::Stale { .. })));
    let set = failovers.set_state(&begun.id, FailoverState::Running, None).await;
    assert!(matches!(set, Err(StoreError::Stale { .. })));

    let next = failover(&one, "fo-2");
    failovers.open(&next).await.expect("the machine is free");
    let late = failovers.close(&begun.id, FailoverState::Complete, NOW, None).await;
    assert!(late.is_err());
    let machine = world.store.associations().get(&one.user, &one.id).await;
    assert_eq!(machine.expect("read").active_failover, Some(next.id));
}

async fn a_cancellation_is_asked_for_once_and_not_undone(world: &World) {
    let one = machine(&world.store, "ana").await;
    let bob = user(&world.store, "bob").await;
    let failovers = world.store.failovers();
    let begun = failover(&one, "fo-1");
    failovers.open(&begun).await.expect("begun");
    failovers.set_state(&begun.id, FailoverState::Waiting, Some("no offer")).await.expect("waits");
    let foreign = failovers.request_cancel(&bob, &begun.id).await;
    assert!(matches!(foreign, Err(StoreError::NotFound("failover"))));
    failovers.request_cancel(&one.user, &begun.id).await.expect("asked");
    let again = failovers.request_cancel(&one.user, &begun.id).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))));
    let unknown = failovers.request_cancel(&one.user, &FailoverId::new("x")).await;
    assert!(matches!(unknown, Err(StoreError::NotFound("failover"))));
    for state in [FailoverState::Running, FailoverState::Waiting] {
        let undone = failovers.set_state(&begun.id, state, None).await;
        assert!(matches!(undone, Err(StoreError::Stale { .. })));
    }
    for state in [FailoverState::Cancelling, FailoverState::Complete] {
        let wrong = failovers.set_state(&begun.id, state, None).await;
        assert!(matches!(wrong, Err(StoreError::Conflict(_))));
    }
    failovers.set_error(&begun.id, Some("cleaning up")).await.expect("said");
    let read = failovers.get(&one.user, &begun.id).await.expect("read");
    assert_eq!(read.state, FailoverState::Cancelling);
    assert_eq!(read.error.as_deref(), Some("cleaning up"));
    failovers.close(&begun.id, FailoverState::Cancelled, NOW, None).await.expect("closed");
}

async fn failovers_are_listed_by_what_is_asked(world: &World) {
    let one = machine(&world.store, "ana").await;
    let other = association(&one.user, "other", 2_002);
    world.store.associations().create(&other).await.expect("made");
    let failovers = world.store.failovers();
    let mut made = Vec::new();
    for (n, (of, kind, cause, sandbox)) in [
        (&one, Kind::Real, Cause::Outbid, false),
        (&one, Kind::Drill, Cause::Drill, false),
        (&other, Kind::Real, Cause::Silent, false),
        (&other, Kind::Real, Cause::Outbid, true),
    ]
    .into_iter()
    .enumerate()
    {
        let mut new = failover(of, &format!("fo-{n}"));
        (new.kind, new.cause, new.sandbox) = (kind, cause, sandbox);
        new.started_at = NOW.plus(i64::try_from(n).expect("small"));
        failovers.open(&new).await.expect("begun");
        let closed = failovers.close(&new.id, FailoverState::Complete, NOW.plus(90), None);
        closed.await.expect("closed");
        made.push(new.id.0);
    }
    let ask = async |wanted: FailoverQuery| {
        let found = failovers.list(&one.user, &wanted).await.expect("listed");
        let ids: Vec<String> = found.into_iter().map(|one| one.id.0).collect();
        ids.join(" ")
    };
    let any = FailoverQuery::default();
    assert_eq!(ask(any.clone()).await, "fo-3 fo-2 fo-1 fo-0");
    let since = FailoverQuery { since: Some(NOW.plus(1)), limit: Some(2), ..any.clone() };
    assert_eq!(ask(since).await, "fo-3 fo-2");
    let real = FailoverQuery { kind: Some(Kind::Real), sandbox: Some(false), ..any.clone() };
    assert_eq!(ask(real).await, "fo-2 fo-0");
    let outbid =
        FailoverQuery { cause: Some(Cause::Outbid), association: Some(other.id), ..any.clone() };
    assert_eq!(ask(outbid).await, "fo-3");
    let bob = user(&world.store, "bob").await;
    assert_eq!(failovers.list(&bob, &any).await.expect("listed"), []);
}

async fn each_machines_newest_drill_is_found(world: &World) {
    let one = machine(&world.store, "ana").await;
    let other = association(&one.user, "other", 2_002);
    let never = association(&one.user, "never", 3_003);
    let theirs = association(&user(&world.store, "bob").await, "theirs", 4_004);
    for made in [&other, &never, &theirs] {
        world.store.associations().create(made).await.expect("made");
    }
    let failovers = world.store.failovers();
    for (id, of, kind, at) in [
        ("fo-1", &one, Kind::Drill, 10),
        ("fo-2", &one, Kind::Drill, 30),
        ("fo-3", &one, Kind::Drill, 20),
        ("fo-4", &one, Kind::Real, 40),
        ("fo-5", &other, Kind::Drill, 5),
        ("fo-6", &theirs, Kind::Drill, 50),
    ] {
        let mut new = failover(of, id);
        (new.kind, new.started_at) = (kind, NOW.plus(at));
        failovers.open(&new).await.expect("begun");
        let closed = failovers.close(&new.id, FailoverState::Complete, NOW.plus(90), None);
        closed.await.expect("closed");
    }
    let found = failovers.newest_drills(&one.user).await.expect("found");
    let mut found: Vec<String> = found.into_iter().map(|id| id.0).collect();
    found.sort();
    assert_eq!(found, ["fo-2", "fo-5"]);
}

/// The worker has read the machine before its user's word, and judges after it.
async fn what_its_user_does_not_want_is_no_loss(world: &World) {
    let (associations, failovers) = (world.store.associations(), world.store.failovers());
    for (name, what) in [("ana", "destroy"), ("bob", "pause"), ("cyd", "elsewhere")] {
        let one = machine(&world.store, name).await;
        match what {
            "destroy" => {
                let wish = disposal(&one.user, name, &one.gpu.to_string(), Wish::Destroy);
                let destroyed = associations.destroy(&one.user, &one.id, one.gpu, &wish, false);
                destroyed.await.expect("recorded");
            }
            "pause" => {
                let paused = associations.pause(&one.user, &one.id, one.epoch, one.gpu);
                paused.await.expect("recorded");
            }
            _ => {
                let standby = &one.standby.as_ref().expect("one").intent;
                let serves = associations.serve_on_standby(&one.id, one.epoch, standby);
                serves.await.expect("recorded");
            }
        }
        let judged = failovers.open(&failover(&one, &format!("fo-{name}"))).await;
        assert!(
            matches!(judged, Err(StoreError::Conflict("the machine is not wanted on its GPU"))),
            "{what}: {judged:?}"
        );
        assert_eq!(failovers.active_of(&one.user).await.expect("read"), [], "{what}");
        // A person may move it all the same.
        let manual = Failover { cause: Cause::Manual, ..failover(&one, &format!("by-{name}")) };
        failovers.open(&manual).await.expect(what);
    }
}

async fn a_loss_of_a_gpu_that_was_left_is_none(world: &World) {
    let one = machine(&world.store, "ana").await;
    let to = Placement {
        gpu: domain::id::GpuId(2_002),
        endpoint: None,
        host_key: None,
        spec: domain::offer::GpuSpec::default(),
    };
    world.store.associations().switch_gpu(&one.id, one.epoch, &to, NOW).await.expect("moved");
    let judged = world.store.failovers().open(&failover(&one, "fo-1")).await;
    assert!(matches!(judged, Err(StoreError::Stale { .. })), "{judged:?}");
}
