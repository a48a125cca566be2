//! Associations, their standbys, and the GPUs that they move to.

use domain::association::{AssociationState, Hooks, Serving, SyncStatus};
use domain::failover::{FailoverState, Wish};
use domain::gpu::Endpoint;
use domain::id::{AssociationId, DisposalId, Epoch, GpuId};
use domain::offer::GpuSpec;
use domain::provider::Provider;
use store::{GpuStay, Heard, Placement, StoreError};

use crate::fixtures::{NOW, association, disposal, endpoint, failover, machine, standby, user};
use crate::world::World;

on_both! {
    an_association_is_read_as_it_was_written,
    a_gpu_has_one_association_of_a_user,
    a_gpu_that_is_to_be_destroyed_gets_no_association,
    a_gpu_that_a_failover_leaves_gets_no_association,
    every_part_can_be_changed,
    the_last_sign_of_life_is_kept_in_its_epoch,
    a_move_to_another_gpu_keeps_the_history,
    a_move_to_a_gpu_with_an_association_is_refused,
    removal_waits_for_the_failover,
    a_gpu_can_be_left_without_a_standby,
    a_shared_host_key_is_found_within_the_account_alone,
}

async fn an_association_is_read_as_it_was_written(world: &World) {
    let full = machine(&world.store, "ana").await;
    let mut bare = association(&full.user, "bare", 2_002);
    bare.image = None;
    bare.spec = GpuSpec::default();
    bare.hooks = Hooks::default();
    bare.reason = None;
    bare.gpu_endpoint = None;
    bare.gpu_host_key = None;
    bare.standby = None;
    bare.sync = SyncStatus::default();
    bare.want_running = false;
    bare.sync_enabled = false;
    bare.created_at = NOW.plus(1);
    let associations = world.store.associations();
    associations.create(&bare).await.expect("made");
    assert_eq!(associations.get(&full.user, &full.id).await.expect("read"), full);
    assert_eq!(associations.find(&bare.id).await.expect("read"), Some(bare.clone()));
    let by_gpu = associations.by_gpu(&full.user, full.gpu).await.expect("read");
    assert_eq!(by_gpu.as_ref(), Some(&full));
    let both = [full.clone(), bare];
    assert_eq!(associations.list(&full.user).await.expect("read"), both);
    assert_eq!(associations.all().await.expect("read"), both);
    let unknown = AssociationId::new("unknown");
    assert_eq!(associations.find(&unknown).await.expect("read"), None);
}

async fn a_gpu_has_one_association_of_a_user(world: &World) {
    let first = machine(&world.store, "ana").await;
    let again = association(&first.user, "again", first.gpu.0);
    let refused = world.store.associations().create(&again).await;
    assert!(matches!(refused, Err(StoreError::Conflict("this GPU has an association"))));
    let (store, user) = (&world.store, &first.user);
    let tries = (0..6).map(|n| {
        let (store, new) = (store.clone(), association(user, &format!("r{n}"), 3_003));
        tokio::spawn(async move { store.associations().create(&new).await.is_ok() })
    });
    let mut made = 0;
    for task in tries.collect::<Vec<_>>() {
        made += i32::from(task.await.expect("ran"));
    }
    assert_eq!(made, 1);
    let bob = crate::fixtures::user(store, "bob").await;
    let own = association(&bob, "bobs", first.gpu.0);
    store.associations().create(&own).await.expect("another user's");
}

async fn a_gpu_that_is_to_be_destroyed_gets_no_association(world: &World) {
    let ana = user(&world.store, "ana").await;
    let two = user(&world.store, "two").await;
    let (associations, disposals) = (world.store.associations(), world.store.disposals());
    let create = async |user, id: &str, gpu| associations.create(&association(user, id, gpu)).await;
    disposals.request(&disposal(&ana, "d-1", "77", Wish::Destroy)).await.expect("asked for");
    disposals.request(&disposal(&ana, "d-2", "78", Wish::Stop)).await.expect("asked for");
    assert!(matches!(create(&ana, "pending", 77).await, Err(StoreError::Conflict(_))));
    disposals.done(&DisposalId::new("d-1"), Wish::Destroy, NOW).await.expect("gone");
    let again = create(&ana, "gone", 77).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "a list may be older than its end");
    assert_eq!(associations.list(&ana).await.expect("read"), []);
    let stopping = create(&ana, "stopping", 78).await;
    assert!(matches!(stopping, Err(StoreError::Conflict(_))), "its stop would come after it");
    for (gpu, given_up) in [("77", true), ("78", true), ("79", false)] {
        let told = disposals.was_given_up(&ana, Provider::Vast, gpu).await.expect("read");
        assert_eq!(told, given_up, "{gpu}");
    }
    disposals.done(&DisposalId::new("d-2"), Wish::Stop, NOW).await.expect("stopped");
    create(&ana, "stopped", 78).await.expect("one that is only stopped stays its user's");
    create(&two, "other", 77).await.expect("another account's number");
    for (gpu, given_up) in [("77", true), ("78", false), ("79", false)] {
        let told = disposals.was_given_up(&ana, Provider::Vast, gpu).await.expect("read");
        assert_eq!(told, given_up, "{gpu}");
    }
}

async fn a_gpu_that_a_failover_leaves_gets_no_association(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    let begun = failover(&one, "fo-1");
    world.store.failovers().open(&begun).await.expect("begun");
    let to =
        Placement { gpu: GpuId(2_002), endpoint: None, host_key: None, spec: GpuSpec::default() };
    associations.switch_gpu(&one.id, one.epoch, &to, NOW).await.expect("switched");
    // Nobody has said yet what is to become of it: whoever gives each new machine a standby finds it running
    // and without one.
    let new = association(&one.user, "new", one.gpu.0);
    let refused = associations.create(&new).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let bob = user(&world.store, "bob").await;
    associations.create(&association(&bob, "his", one.gpu.0)).await.expect("another account's");
    world
        .store
        .failovers()
        .close(&begun.id, FailoverState::Complete, NOW.plus(9), None)
        .await
        .expect("over");
    associations.create(&new).await.expect("kept by its user");
}

async fn every_part_can_be_changed(world: &World) {
    let mut expected = machine(&world.store, "ana").await;
    let (id, user, epoch) = (expected.id.clone(), expected.user.clone(), expected.epoch);
    let associations = world.store.associations();
    associations
        .set_state(&id, epoch, AssociationState::Degraded, Some("no route"))
        .await
        .expect("set");
    associations.set_serving(&id, epoch, Serving::Standby).await.expect("set");
    let sync = SyncStatus { problem: Some("disk full".into()), ..SyncStatus::default() };
    associations.set_sync(&id, epoch, &standby("intent-standby").intent, &sync).await.expect("set");
    let moved = Endpoint { host: "ssh5.example".into(), port: 65_535 };
    associations.set_gpu_contact(&id, epoch, expected.gpu, Some(&moved), None).await.expect("set");
    associations.pause(&user, &id, epoch, expected.gpu).await.expect("set");
    let hooks = Hooks { on_gpu: Some("run".into()), ..Hooks::default() };
    associations.set_hooks(&user, &id, epoch, &hooks).await.expect("set");
    associations.set_name(&user, &id, epoch, "new name").await.expect("set");
    for (to, is_change) in [(false, true), (false, false), (true, true), (false, true)] {
        let changed = associations.set_sync_enabled(&user, &id, epoch, to).await;
        assert_eq!(changed.expect("set"), is_change);
    }
    expected.state = AssociationState::Degraded;
    expected.reason = Some("no route".into());
    expected.serving = Serving::Standby;
    expected.sync = sync;
    expected.gpu_endpoint = Some(moved);
    expected.gpu_host_key = None;
    expected.want_running = false;
    expected.hooks = hooks;
    expected.name = "new name".into();
    expected.sync_enabled = false;
    assert_eq!(associations.get(&user, &id).await.expect("read"), expected);
}

async fn the_last_sign_of_life_is_kept_in_its_epoch(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    assert_eq!(associations.heard(&one.id).await.expect("read"), None);
    let heard = Heard { gpu: one.gpu, at: NOW };
    associations.set_heard(&one.id, one.epoch, Some(heard)).await.expect("set");
    assert_eq!(associations.heard(&one.id).await.expect("read"), Some(heard));
    let late = associations.set_heard(&one.id, Epoch(one.epoch.0 - 1), None).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    assert_eq!(associations.heard(&one.id).await.expect("read"), Some(heard));
    associations.set_heard(&one.id, one.epoch, None).await.expect("set");
    assert_eq!(associations.heard(&one.id).await.expect("read"), None);
}

async fn a_move_to_another_gpu_keeps_the_history(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    let to = Placement {
        gpu: GpuId(2_002),
        endpoint: Some(endpoint("new-host")),
        host_key: Some("ssh-ed25519 AAAAnew".into()),
        spec: GpuSpec::default(),
    };
    for _ in 0..2 {
        associations.switch_gpu(&one.id, one.epoch, &to, NOW.plus(50)).await.expect("moved");
    }
    let read = associations.get(&one.user, &one.id).await.expect("read");
    assert_eq!((read.gpu, read.gpu_endpoint), (to.gpu, to.endpoint.clone()));
    assert_eq!((read.gpu_host_key, read.spec), (to.host_key.clone(), to.spec.clone()));
    let stays = associations.gpus(&one.id).await.expect("read");
    let first = GpuStay { gpu: one.gpu, since: NOW, until: Some(NOW.plus(50)) };
    let second = GpuStay { gpu: to.gpu, since: NOW.plus(50), until: None };
    assert_eq!(stays, [first, second]);
    assert_eq!(associations.by_gpu(&one.user, one.gpu).await.expect("read"), None);
    for gpu in [one.gpu, to.gpu] {
        let found = associations.history_by_gpu(&one.user, gpu).await.expect("read");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].id, one.id);
    }
    let back = Placement { gpu: one.gpu, ..to };
    associations.switch_gpu(&one.id, one.epoch, &back, NOW.plus(90)).await.expect("moved back");
    assert_eq!(associations.gpus(&one.id).await.expect("read").len(), 3);
    let found = associations.history_by_gpu(&one.user, one.gpu).await.expect("read");
    assert_eq!(found.len(), 1);
    let bob = user(&world.store, "bob").await;
    assert_eq!(associations.history_by_gpu(&bob, one.gpu).await.expect("read"), []);
}

async fn a_move_to_a_gpu_with_an_association_is_refused(world: &World) {
    let one = machine(&world.store, "ana").await;
    let other = association(&one.user, "other", 2_002);
    let associations = world.store.associations();
    associations.create(&other).await.expect("made");
    let to = Placement { gpu: other.gpu, endpoint: None, host_key: None, spec: GpuSpec::default() };
    let refused = associations.switch_gpu(&one.id, one.epoch, &to, NOW).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))));
    assert_eq!(associations.get(&one.user, &one.id).await.expect("read"), one);
    assert_eq!(associations.gpus(&one.id).await.expect("read").len(), 1);
}

async fn removal_waits_for_the_failover(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    let failovers = world.store.failovers();
    let begun = failover(&one, "fo-1");
    failovers.open(&begun).await.expect("begun");
    let refused = associations.delete(&one.id, one.epoch).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))));
    failovers
        .close(&begun.id, domain::failover::FailoverState::Failed, NOW, None)
        .await
        .expect("closed");
    let stale = associations.delete(&one.id, Epoch(99)).await;
    assert!(matches!(stale, Err(StoreError::Stale { .. })));
    associations.delete(&one.id, one.epoch).await.expect("removed");
    assert_eq!(associations.all().await.expect("read"), []);
    assert_eq!(associations.gpus(&one.id).await.expect("read"), []);
    let kept = failovers.get(&one.user, &begun.id).await.expect("the journal stays");
    assert_eq!(kept.machine_name, one.name);
    associations.create(&one).await.expect("the GPU is free again");
}

async fn a_gpu_can_be_left_without_a_standby(world: &World) {
    let ana = user(&world.store, "ana").await;
    let bob = user(&world.store, "bob").await;
    let associations = world.store.associations();
    let gpu = GpuId(7);
    assert!(!associations.is_excluded(&ana, gpu).await.expect("asked"));
    for excluded in [true, true, false, false, true] {
        associations.set_excluded(&ana, gpu, excluded).await.expect("set");
        assert_eq!(associations.is_excluded(&ana, gpu).await.expect("asked"), excluded);
    }
    assert!(!associations.is_excluded(&bob, gpu).await.expect("asked"));
    assert!(!associations.is_excluded(&ana, GpuId(8)).await.expect("asked"));
}

async fn a_shared_host_key_is_found_within_the_account_alone(world: &World) {
    let associations = world.store.associations();
    let make = async |owner, id: &str, gpu, key: Option<&str>, standby_key: Option<&str>| {
        let mut new = association(owner, id, gpu);
        new.gpu_host_key = key.map(str::to_owned);
        new.standby.as_mut().expect("one").host_key = standby_key.map(str::to_owned);
        associations.create(&new).await.expect("made");
        new.id
    };
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let one = make(&ana, "one", 1, Some("k1"), Some("s1")).await;
    let two = make(&ana, "two", 2, Some("k1"), Some("s2")).await;
    let three = make(&ana, "three", 3, Some("s1"), None).await;
    let alone = make(&ana, "alone", 4, Some("k4"), Some("s4")).await;
    let bare = make(&ana, "bare", 5, None, None).await;
    let other = make(&bob, "other", 6, Some("k1"), Some("s1")).await;
    let found = async |owner, id| {
        let found = associations.with_host_keys_of(owner, id).await.expect("read");
        let mut found: Vec<_> = found.into_iter().map(|found| found.id.0).collect();
        found.sort();
        found
    };
    assert_eq!(found(&ana, &one).await, ["one", "three", "two"]);
    assert_eq!(found(&ana, &two).await, ["one", "two"]);
    assert_eq!(found(&ana, &three).await, ["one", "three"]);
    assert_eq!(found(&ana, &alone).await, ["alone"]);
    assert_eq!(found(&ana, &bare).await, Vec::<String>::new());
    assert_eq!(found(&bob, &other).await, ["other"]);
    assert_eq!(found(&bob, &one).await, Vec::<String>::new(), "another's machine is nobody's");
}
