//! Pausing and starting a GPU, and what is said of one: never of another, and never during a failover.

use domain::association::{Association, Serving};
use domain::failover::{Failover, FailoverState, Wish};
use domain::id::GpuId;
use domain::offer::GpuSpec;
use domain::verdict::Cause;
use store::{Before, Placement, StoreError};

use crate::fixtures::{NOW, disposal, endpoint, failover, machine};
use crate::world::World;

on_both! {
    a_pause_and_a_start_change_what_is_wanted_and_where_it_serves,
    a_pause_that_was_refused_is_taken_back_unless_it_was_started,
    during_a_failover_nothing_is_paused_or_started,
    what_is_meant_for_a_gpu_that_was_left_changes_nothing,
}

async fn now(world: &World, of: &Association) -> Association {
    world.store.associations().get(&of.user, &of.id).await.expect("read")
}

fn stale<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Stale { .. })), "{result:?}");
}

async fn a_pause_and_a_start_change_what_is_wanted_and_where_it_serves(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    let (user, id, epoch, gpu) = (&one.user, &one.id, one.epoch, one.gpu);
    let before = associations.pause(user, id, epoch, gpu).await.expect("paused");
    assert_eq!(before, Before { want_running: true, serving: Serving::Gpu });
    let paused = Association { want_running: false, serving: Serving::None, ..one.clone() };
    assert_eq!(now(world, &one).await, paused);
    associations.resume(user, id, epoch, gpu).await.expect("started");
    assert_eq!(now(world, &one).await, one);
    // Work on the standby stays there, whatever becomes of the GPU.
    let standby = one.standby.as_ref().expect("one").intent.clone();
    associations.serve_on_standby(id, epoch, &standby).await.expect("on the standby");
    for wanted in [false, true] {
        match wanted {
            true => associations.resume(user, id, epoch, gpu).await.expect("started"),
            false => associations.pause(user, id, epoch, gpu).await.map(drop).expect("paused"),
        }
        let found = now(world, &one).await;
        assert_eq!((found.want_running, found.serving), (wanted, Serving::Standby));
    }
    stale(associations.pause(user, id, epoch.next(), gpu).await);
    let bob = crate::fixtures::user(&world.store, "bob").await;
    stale(associations.resume(&bob, id, epoch, gpu).await);
}

async fn a_pause_that_was_refused_is_taken_back_unless_it_was_started(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    let (user, id, epoch, gpu) = (&one.user, &one.id, one.epoch, one.gpu);
    let before = associations.pause(user, id, epoch, gpu).await.expect("paused");
    associations.take_pause_back(user, id, epoch, gpu, before).await.expect("taken back");
    assert_eq!(now(world, &one).await, one);
    let paused = associations.pause(user, id, epoch, gpu).await.expect("paused");
    let again = associations.pause(user, id, epoch, gpu).await.expect("again");
    assert_eq!(again, Before { want_running: false, serving: Serving::None });
    associations.take_pause_back(user, id, epoch, gpu, again).await.expect("still paused");
    let found = now(world, &one).await;
    assert_eq!((found.want_running, found.serving), (false, Serving::None));
    associations.resume(user, id, epoch, gpu).await.expect("started");
    let standby = one.standby.as_ref().expect("one").intent.clone();
    associations.serve_on_standby(id, epoch, &standby).await.expect("on the standby");
    associations.take_pause_back(user, id, epoch, gpu, paused).await.expect("nothing to take back");
    assert_eq!(now(world, &one).await.serving, Serving::Standby);
}

/// A failover began after the machine was read: a start that is recorded then would give the old GPU the word
/// over what was done on the standby.
async fn during_a_failover_nothing_is_paused_or_started(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    let (user, id, gpu) = (&one.user, &one.id, one.gpu);
    let before = associations.pause(user, id, one.epoch, gpu).await.expect("paused");
    let begun = Failover { cause: Cause::Manual, ..failover(&one, "fo-1") };
    world.store.failovers().open(&begun).await.expect("moved by its user");
    for fenced in [false, true] {
        let epoch = match fenced {
            true => associations.fence(&begun, None).await.expect("fenced"),
            false => one.epoch,
        };
        let under_way = now(world, &one).await;
        let refused = |done: Result<(), StoreError>| {
            let why = StoreError::Conflict("a failover is under way");
            let told = done.expect_err("refused");
            assert_eq!(told.to_string(), why.to_string());
        };
        refused(associations.resume(user, id, epoch, gpu).await);
        refused(associations.pause(user, id, epoch, gpu).await.map(drop));
        refused(associations.take_pause_back(user, id, epoch, gpu, before).await);
        assert_eq!(now(world, &one).await, under_way);
    }
    stale(associations.resume(user, id, one.epoch, gpu).await);
    let failovers = world.store.failovers();
    failovers.close(&begun.id, FailoverState::Failed, NOW, None).await.expect("over");
    associations.resume(user, id, one.epoch.next(), gpu).await.expect("now it may");
}

/// The machine moved to another GPU in the same epoch since it was read.
async fn what_is_meant_for_a_gpu_that_was_left_changes_nothing(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    let (user, id, epoch, old) = (&one.user, &one.id, one.epoch, one.gpu);
    let new = Placement {
        gpu: GpuId(2_002),
        endpoint: Some(endpoint("127.79.0.1")),
        host_key: Some("ssh-ed25519 AAAAnew".into()),
        spec: GpuSpec { gpu_name: Some("RTX 5090".into()), ..GpuSpec::default() },
    };
    associations.switch_gpu(id, epoch, &new, NOW).await.expect("moved");
    let moved = now(world, &one).await;
    let at = endpoint("127.78.0.9");
    stale(associations.set_gpu_contact(id, epoch, old, Some(&at), Some("old")).await);
    stale(associations.set_gpu_spec(id, epoch, old, &one.spec).await);
    stale(associations.pause(user, id, epoch, old).await);
    stale(associations.resume(user, id, epoch, old).await);
    let wish = disposal(user, "di-1", &old.to_string(), Wish::Destroy);
    stale(associations.destroy(user, id, old, &wish, false).await);
    stale(associations.destroy(user, id, old, &wish, true).await);
    assert_eq!(now(world, &one).await, moved);
    assert_eq!(world.store.disposals().pending(user).await.expect("read"), []);
    let (gpu, at) = (new.gpu, endpoint("127.79.0.2"));
    associations.set_gpu_contact(id, epoch, gpu, Some(&at), Some("k")).await.expect("the present");
    associations.set_gpu_spec(id, epoch, gpu, &one.spec).await.expect("the present");
    let found = now(world, &one).await;
    assert_eq!((found.gpu_endpoint, found.spec), (Some(at), one.spec));
}
