//! What an operator's monitoring is told.

use domain::association::{AssociationState, Serving, SyncStatus};
use domain::failover::{FailoverState, Kind, Outcome, StepName, Wish};
use domain::id::IntentId;
use domain::money::MicroUsd;
use domain::provider::Provider;
use domain::standby::StandbyState;
use serde_json::Value;
use store::{Copies, Drills, Figures, Finish, Waiting};

use crate::fixtures::{NOW, association, disposal, failover, intent, machine, user};
use crate::world::World;

on_both! {
    of_nothing_there_is_nothing,
    everyones_are_counted_and_the_oldest_told,
}

async fn of_nothing_there_is_nothing(world: &World) {
    assert_eq!(world.store.figures(NOW).await.expect("read"), Figures::default());
}

async fn everyones_are_counted_and_the_oldest_told(world: &World) {
    let store = &world.store;
    let one = machine(store, "ana").await;
    let of_another = user(store, "ben").await;
    let mut behind = association(&of_another, "behind", 2_002);
    behind.state = AssociationState::Following;
    behind.sync.complete_to = Some(NOW.plus(-5_000));
    let mut never = association(&of_another, "never", 2_003);
    never.sync = SyncStatus::default();
    never.standby = None;
    // Where the user works on the standby, or nothing runs, no copy gets old.
    let mut away = association(&of_another, "away", 2_004);
    (away.serving, away.sync.complete_to) = (Serving::Standby, Some(NOW.plus(-9_000_000)));
    let mut off = association(&of_another, "off", 2_005);
    (off.want_running, off.sync) = (false, SyncStatus::default());
    for new in [&behind, &never, &away, &off] {
        store.associations().create(new).await.expect("an association");
    }

    let done = Finish {
        ended_at: NOW,
        outcome: Outcome::Ok,
        retry_at: None,
        provider_ms: 0,
        output: Value::Null,
        error: None,
    };
    // One that proved what it restored, and a later one that only searched.
    for (id, at, proved) in [("drilled", 40, true), ("searched", 90, false)] {
        let mut drilled = failover(&one, id);
        drilled.kind = Kind::Drill;
        store.failovers().open(&drilled).await.expect("begun");
        for name in [StepName::Search, StepName::Verify] {
            if name == StepName::Search || proved {
                let row = store.steps().begin(&drilled.id, name, 0, NOW).await.expect("begun");
                store.steps().finish(&drilled.id, row.seq, &done).await.expect("done");
            }
        }
        let ended =
            store.failovers().close(&drilled.id, FailoverState::Complete, NOW.plus(at), None).await;
        ended.expect("ended");
    }
    let real = failover(&one, "real");
    store.failovers().open(&real).await.expect("begun");

    let bought = intent(&real, "bought", one.epoch);
    store.intents().open(&bought).await.expect("recorded");
    let mut unclear = intent(&real, "unclear", one.epoch);
    (unclear.failover, unclear.created_at) = (None, NOW.plus(-7));
    store.intents().open(&unclear).await.expect("recorded");
    store.intents().bind(&bought.id, "7001", one.epoch, NOW).await.expect("bound");
    for (id, external, wish, at) in [
        ("di-1", "1", Wish::Destroy, NOW.plus(-60)),
        ("di-2", "2", Wish::Destroy, NOW),
        ("di-3", "3", Wish::Stop, NOW.plus(-99)),
    ] {
        let mut wanted = disposal(&one.user, id, external, wish);
        wanted.requested_at = at;
        store.disposals().request(&wanted).await.expect("asked");
    }
    store
        .disposals()
        .done(&disposal(&one.user, "di-3", "3", Wish::Stop).id, Wish::Stop, NOW)
        .await
        .expect("done");

    let mut told = store.figures(NOW).await.expect("read");
    told.machines.sort_unstable_by_key(|(state, _)| state.as_str());
    told.failovers.sort_unstable_by_key(|(kind, _, _)| kind.as_str());
    assert_eq!(
        told,
        Figures {
            machines: vec![(AssociationState::Following, 1), (AssociationState::Preparing, 4)],
            standbys: vec![(StandbyState::Booting, 4)],
            failovers: vec![
                (Kind::Drill, FailoverState::Complete, 2),
                (Kind::Real, FailoverState::Running, 1)
            ],
            copies: Copies { none: 1, oldest: Some(NOW.plus(-5_000)) },
            drills: Drills { never: 4, oldest: Some(NOW.plus(40)) },
            teardowns: vec![(
                Provider::Vast,
                Wish::Destroy,
                Waiting { count: 2, since: NOW.plus(-60) }
            )],
            unclear: vec![(Provider::Vast, Waiting { count: 1, since: NOW.plus(-7) })],
            spending: vec![(Provider::Vast, MicroUsd(400_000))],
            refused_credentials: 0,
        }
    );
    // Given up: it may turn up for a while, and then no longer.
    store.intents().tombstone(&unclear.id, "no answer", NOW).await.expect("given up");
    assert_eq!(store.figures(NOW.plus(1)).await.expect("read").unclear.len(), 1);
    assert_eq!(store.figures(NOW.plus(4_000_000)).await.expect("read").unclear, []);
    store.intents().gone(&IntentId::new("bought"), NOW).await.expect("gone");
    assert_eq!(store.figures(NOW).await.expect("read").spending, []);
}
