//! A machine that was given up: all that ends it is there at once, and nothing sets it back.

use domain::association::{AssociationState, Serving};
use domain::failover::{FailoverState, Kind, Role, Wish};
use domain::id::{DisposalId, GpuId};
use domain::offer::GpuSpec;
use store::{Discarded, Placement, StoreError};

use crate::fixtures::{NOW, disposal, failover, intent, machine, user};
use crate::world::World;

on_both! {
    all_that_ends_a_machine_is_recorded_at_once_in_any_epoch,
    after_a_switch_both_gpus_go,
    a_drill_is_stopped_and_the_gpu_is_no_part_of_it,
    nothing_begins_or_goes_on_for_a_machine_that_was_given_up,
    only_its_owner_gives_it_up,
}

fn ids(of: &str) -> [DisposalId; 2] {
    [DisposalId::new(format!("{of}-1")), DisposalId::new(format!("{of}-2"))]
}

fn to(gpu: i64) -> Placement {
    Placement { gpu: GpuId(gpu), endpoint: None, host_key: None, spec: GpuSpec::default() }
}

async fn all_that_ends_a_machine_is_recorded_at_once_in_any_epoch(world: &World) {
    let one = machine(&world.store, "ana").await;
    let (associations, failovers) = (world.store.associations(), world.store.failovers());
    let begun = failover(&one, "fo-1");
    failovers.open(&begun).await.expect("begun");
    // Fenced meanwhile: in another epoch, and its GPU is to be stopped.
    associations.advance_epoch(&one.id, one.epoch).await.expect("advanced");
    let mut stop = disposal(&one.user, "stop", &one.gpu.to_string(), Wish::Stop);
    (stop.role, stop.failover) = (Role::OldGpu, Some(begun.id.clone()));
    world.store.disposals().request(&stop).await.expect("asked");
    for again in ["a", "b"] {
        let told = associations.discard(&one.user, &one.id, NOW, ids(again)).await.expect("begun");
        let wanted = Discarded { failover: Some(begun.id.clone()), gpus: vec![one.gpu] };
        assert_eq!(told, wanted);
        let read = associations.get(&one.user, &one.id).await.expect("read");
        assert_eq!((read.state, read.want_running), (AssociationState::Deleting, false));
        assert_eq!(read.reason, None);
        assert!(associations.is_excluded(&one.user, one.gpu).await.expect("asked"));
        let state = failovers.find(&begun.id).await.expect("read").state;
        assert_eq!(state, FailoverState::Cancelling);
        let wishes = world.store.disposals().pending(&one.user).await.expect("read");
        assert_eq!(wishes.len(), 1, "{wishes:?}");
        assert_eq!((wishes[0].wish, wishes[0].role), (Wish::Destroy, Role::OldGpu));
    }
}

async fn after_a_switch_both_gpus_go(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    let begun = failover(&one, "fo-1");
    world.store.failovers().open(&begun).await.expect("begun");
    associations.switch_gpu(&one.id, one.epoch, &to(2_002), NOW).await.expect("moved");
    let told = associations.discard(&one.user, &one.id, NOW, ids("a")).await.expect("begun");
    assert_eq!(told.gpus, [GpuId(2_002), one.gpu]);
    let mut gone: Vec<(String, Role, Wish)> = world
        .store
        .disposals()
        .pending(&one.user)
        .await
        .expect("read")
        .into_iter()
        .map(|wish| (wish.external_id, wish.role, wish.wish))
        .collect();
    gone.sort_by(|a, b| a.0.cmp(&b.0));
    let wanted = [
        (one.gpu.to_string(), Role::OldGpu, Wish::Destroy),
        ("2002".to_owned(), Role::Rental, Wish::Destroy),
    ];
    assert_eq!(gone, wanted);
}

async fn a_drill_is_stopped_and_the_gpu_is_no_part_of_it(world: &World) {
    let one = machine(&world.store, "ana").await;
    let mut drill = failover(&one, "fo-1");
    drill.kind = Kind::Drill;
    world.store.failovers().open(&drill).await.expect("begun");
    let associations = world.store.associations();
    associations.discard(&one.user, &one.id, NOW, ids("a")).await.expect("begun");
    let of_drill = world.store.disposals().of_failover(&drill.id).await.expect("read");
    assert_eq!(of_drill, [], "its end would wait for it");
    assert_eq!(world.store.disposals().pending(&one.user).await.expect("read").len(), 1);
}

async fn nothing_begins_or_goes_on_for_a_machine_that_was_given_up(world: &World) {
    let one = machine(&world.store, "ana").await;
    let (associations, failovers) = (world.store.associations(), world.store.failovers());
    let begun = failover(&one, "fo-1");
    failovers.open(&begun).await.expect("begun");
    let bought = intent(&begun, "in-1", one.epoch);
    associations.discard(&one.user, &one.id, NOW, ids("a")).await.expect("begun");
    let buys = world.store.intents().open(&bought).await;
    assert!(matches!(buys, Err(StoreError::Stale { .. })), "{buys:?}");
    let moves = associations.switch_gpu(&one.id, one.epoch, &to(2_002), NOW).await;
    assert!(matches!(moves, Err(StoreError::Stale { .. })), "{moves:?}");
    let back = associations.set_state(&one.id, one.epoch, AssociationState::Following, None).await;
    assert!(matches!(back, Err(StoreError::Stale { .. })), "{back:?}");
    associations.set_serving(&one.id, one.epoch, Serving::None).await.expect("where it was cut");
    failovers.close(&begun.id, FailoverState::Cancelled, NOW, None).await.expect("closed");
    let opens = failovers.open(&failover(&one, "fo-2")).await;
    assert!(
        matches!(opens, Err(StoreError::Conflict("the machine is being removed"))),
        "{opens:?}"
    );
    associations.delete(&one.id, one.epoch).await.expect("forgotten");
    assert!(failovers.get(&one.user, &begun.id).await.is_ok(), "its history is told");
}

async fn only_its_owner_gives_it_up(world: &World) {
    let one = machine(&world.store, "ana").await;
    let bob = user(&world.store, "bob").await;
    let associations = world.store.associations();
    let refused = associations.discard(&bob, &one.id, NOW, ids("a")).await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    assert_eq!(associations.get(&one.user, &one.id).await.expect("read"), one);
    for who in [&bob, &one.user] {
        assert_eq!(world.store.disposals().pending(who).await.expect("read"), []);
        assert!(!associations.is_excluded(who, one.gpu).await.expect("asked"));
    }
}
