//! Every write for an association in an older epoch changes nothing.

use domain::association::{AssociationState, Hooks, Serving, SyncStatus};
use domain::id::{Epoch, GpuId, IntentId};
use domain::offer::GpuSpec;
use domain::verdict::{Observations, Verdict};
use store::{CycleOutcome, CycleSource, Placement, StoreError, SyncCycle, VerdictRow};

use crate::fixtures::{NOW, failover, intent, machine, standby};
use crate::world::World;

on_both! {
    a_stale_write_changes_nothing,
    a_machine_that_is_being_deleted_is_nothing_else_any_more,
    of_many_who_advance_an_epoch_one_succeeds,
    epochs_count_one_by_one_under_contention,
}

fn stale<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Stale { .. })), "{result:?}");
}

async fn a_stale_write_changes_nothing(world: &World) {
    let one = machine(&world.store, "ana").await;
    let (id, user, old) = (&one.id, &one.user, one.epoch);
    let associations = world.store.associations();
    let begun = failover(&one, "fo-1");
    world.store.failovers().open(&begun).await.expect("begun");
    let bought = intent(&begun, "in-1", old);
    world.store.intents().open(&bought).await.expect("recorded");
    let new = associations.advance_epoch(id, old).await.expect("advanced");
    assert_eq!(new, old.next());
    let before = associations.get(user, id).await.expect("read");

    for wrong in [old, new.next()] {
        let set = associations.set_state(id, wrong, AssociationState::Paused, None);
        stale(set.await);
        stale(associations.set_serving(id, wrong, Serving::None).await);
        stale(associations.set_sync(id, wrong, &IntentId::new("x"), &SyncStatus::default()).await);
        stale(associations.set_gpu_contact(id, wrong, one.gpu, None, None).await);
        stale(associations.set_standby(id, wrong, &standby("x")).await);
        stale(associations.lose_standby(id, wrong, &IntentId::new("x"), None, None).await);
        stale(associations.pause(user, id, wrong, one.gpu).await);
        stale(associations.resume(user, id, wrong, one.gpu).await);
        stale(associations.set_sync_enabled(user, id, wrong, false).await);
        stale(associations.set_hooks(user, id, wrong, &Hooks::default()).await);
        stale(associations.set_name(user, id, wrong, "x").await);
        stale(associations.advance_epoch(id, wrong).await);
        stale(associations.delete(id, wrong).await);
        let to =
            Placement { gpu: GpuId(5), endpoint: None, host_key: None, spec: GpuSpec::default() };
        stale(associations.switch_gpu(id, wrong, &to, NOW).await);
        stale(world.store.sync_cycles().insert(&cycle(&one.id, wrong)).await);
        let verdict = VerdictRow {
            association: id.clone(),
            epoch: wrong,
            at: NOW,
            verdict: Verdict::Suspect,
            cause: None,
            evidence: Observations::default(),
        };
        stale(world.store.verdicts().insert(&verdict).await);
        stale(world.store.intents().open(&intent(&begun, "in-2", wrong)).await);
        stale(world.store.intents().bind(&bought.id, "1", wrong, NOW).await);
    }
    assert_eq!(associations.get(user, id).await.expect("read"), before);
    assert_eq!(world.store.sync_cycles().recent(id, 9).await.expect("read"), []);
    assert_eq!(world.store.verdicts().latest(id).await.expect("read"), None);
    let known = world.store.intents().of_failover(&begun.id).await;
    assert_eq!(known.expect("read"), [bought]);
}

fn cycle(id: &domain::id::AssociationId, epoch: Epoch) -> SyncCycle {
    SyncCycle {
        id: "cycle".into(),
        association: id.clone(),
        epoch,
        started_at: NOW,
        ended_at: NOW,
        source: CycleSource::Interval,
        outcome: CycleOutcome::Ok,
        files_total: None,
        bytes_total: None,
        files_sent: 0,
        bytes_sent: 0,
        files_deleted: 0,
        versions_path: None,
        error: None,
    }
}

async fn of_many_who_advance_an_epoch_one_succeeds(world: &World) {
    let one = machine(&world.store, "ana").await;
    let beside = world.beside().await;
    let tries = (0..8).map(|n| {
        let store = if n % 2 == 0 { &world.store } else { &beside }.clone();
        let (id, epoch) = (one.id.clone(), one.epoch);
        tokio::spawn(async move { store.associations().advance_epoch(&id, epoch).await })
    });
    let mut won = 0;
    for task in tries.collect::<Vec<_>>() {
        match task.await.expect("ran") {
            Ok(epoch) => {
                assert_eq!(epoch, one.epoch.next());
                won += 1;
            }
            refused => stale(refused),
        }
    }
    assert_eq!(won, 1);
    beside.close().await;
}

async fn epochs_count_one_by_one_under_contention(world: &World) {
    let one = machine(&world.store, "ana").await;
    let workers = (0..4).map(|_| {
        let (store, id) = (world.store.clone(), one.id.clone());
        tokio::spawn(async move {
            let mut advanced = 0;
            while advanced < 5 {
                let read = store.associations().find(&id).await.expect("read");
                let epoch = read.expect("there").epoch;
                if store.associations().advance_epoch(&id, epoch).await.is_ok() {
                    advanced += 1;
                }
            }
        })
    });
    for task in workers.collect::<Vec<_>>() {
        task.await.expect("ran");
    }
    let read = world.store.associations().find(&one.id).await.expect("read");
    assert_eq!(read.expect("there").epoch, Epoch(one.epoch.0 + 20));
}

async fn a_machine_that_is_being_deleted_is_nothing_else_any_more(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    let set = |state| associations.set_state(&one.id, one.epoch, state, None);
    set(AssociationState::Following).await.expect("follows");
    set(AssociationState::Deleting).await.expect("is deleted");
    // Someone who read the row before that shows that its user has paused it.
    stale(set(AssociationState::Paused).await);
    set(AssociationState::Deleting).await.expect("asked twice");
    let now = associations.get(&one.user, &one.id).await.expect("read");
    assert_eq!(now.state, AssociationState::Deleting);
}
