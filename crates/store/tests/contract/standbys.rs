//! A machine's standby: one at most, and nothing that was said of one counts for another.

use domain::association::{Association, SyncStatus};
use domain::id::IntentId;
use domain::standby::{Standby, StandbyState};
use store::StoreError;

use crate::fixtures::{NOW, association, disposal, machine, standby, user, vm};
use crate::world::World;

on_both! {
    a_standby_comes_changes_and_goes,
    a_machine_has_one_standby_at_most,
    one_that_made_nothing_makes_room,
    what_was_read_before_another_came_changes_nothing,
    with_a_standby_goes_all_that_was_said_of_its_copy,
}

/// A machine that has no standby.
async fn bare(world: &World) -> Association {
    let user = user(&world.store, "ana").await;
    let new =
        Association { standby: None, sync: SyncStatus::default(), ..association(&user, "bare", 1) };
    world.store.associations().create(&new).await.expect("made");
    new
}

async fn begin(world: &World, of: &Association, id: &str) -> Result<(), StoreError> {
    world.store.associations().begin_standby(&vm(of, id), &standby(id), None).await
}

async fn present(world: &World, of: &Association) -> Option<Standby> {
    world.store.associations().find(&of.id).await.expect("read").expect("there").standby
}

async fn a_standby_comes_changes_and_goes(world: &World) {
    let one = bare(world).await;
    let associations = world.store.associations();
    begin(world, &one, "first").await.expect("recorded");
    assert_eq!(present(world, &one).await, Some(standby("first")));
    assert!(world.store.intents().find(&IntentId::new("first")).await.expect("read").is_some());
    let changed = Standby {
        state: StandbyState::Ready,
        reason: None,
        endpoint: None,
        host_key: None,
        public_key: None,
        spot: false,
        ..standby("first")
    };
    associations.set_standby(&one.id, one.epoch, &changed).await.expect("set");
    assert_eq!(present(world, &one).await, Some(changed.clone()));
    let (id, first) = (&one.id, &changed.intent);
    associations.set_standby_key(id, one.epoch, first, "ssh-ed25519 AAAAk").await.expect("set");
    let with_key = Standby { public_key: Some("ssh-ed25519 AAAAk".into()), ..changed.clone() };
    assert_eq!(present(world, &one).await, Some(with_key));
    associations.lose_standby(id, one.epoch, first, None).await.expect("lost");
    assert_eq!(present(world, &one).await, None);
}

async fn a_machine_has_one_standby_at_most(world: &World) {
    let one = bare(world).await;
    begin(world, &one, "first").await.expect("recorded");
    // One who has read the machine before asks for a VM again.
    let second = begin(world, &one, "second").await;
    assert!(matches!(second, Err(StoreError::Conflict(_))), "{second:?}");
    assert_eq!(present(world, &one).await, Some(standby("first")));
    let bought = world.store.intents().of_association(&one.id).await.expect("read");
    assert_eq!(bought.len(), 1, "nothing of it was recorded: {bought:?}");
    world.store.intents().bind(&IntentId::new("first"), "vm", one.epoch, NOW).await.expect("made");
    assert!(begin(world, &one, "second").await.is_err());
}

async fn one_that_made_nothing_makes_room(world: &World) {
    let one = bare(world).await;
    let intents = world.store.intents();
    begin(world, &one, "first").await.expect("recorded");
    intents.refuse(&IntentId::new("first"), "no capacity", NOW).await.expect("refused");
    begin(world, &one, "second").await.expect("recorded");
    let gone = disposal(&one.user, "d", "vm", domain::failover::Wish::Destroy);
    let gone = domain::failover::Disposal { provider: domain::provider::Provider::Gcp, ..gone };
    intents.discard(&IntentId::new("second"), &gone, NOW).await.expect("on its way out");
    begin(world, &one, "third").await.expect("recorded");
    assert_eq!(present(world, &one).await, Some(standby("third")));
}

async fn what_was_read_before_another_came_changes_nothing(world: &World) {
    let one = bare(world).await;
    let associations = world.store.associations();
    let (id, epoch) = (&one.id, one.epoch);
    begin(world, &one, "first").await.expect("recorded");
    let first = standby("first");
    associations.lose_standby(id, epoch, &first.intent, None).await.expect("lost");
    let stale = |done: Result<(), StoreError>| {
        assert!(matches!(done, Err(StoreError::Stale { .. })), "{done:?}");
    };
    let synced = SyncStatus { complete_to: Some(NOW), files: Some(12), ..SyncStatus::default() };
    for round in 0..2 {
        let before = present(world, &one).await;
        stale(associations.set_standby(id, epoch, &first).await);
        stale(associations.set_standby_key(id, epoch, &first.intent, "k").await);
        stale(associations.lose_standby(id, epoch, &first.intent, None).await);
        // A sync to the one before: the new one has nothing of it.
        stale(associations.set_sync(id, epoch, &first.intent, &synced).await);
        let now = associations.find(id).await.expect("read").expect("there");
        assert_eq!((now.standby, now.sync), (before, SyncStatus::default()), "round {round}");
        if round == 0 {
            begin(world, &one, "second").await.expect("recorded");
        }
    }
}

async fn with_a_standby_goes_all_that_was_said_of_its_copy(world: &World) {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    let synced = SyncStatus { complete_to: Some(NOW), files: Some(12), ..SyncStatus::default() };
    let to = one.standby.as_ref().map(|standby| standby.intent.clone()).expect("one");
    associations.set_sync(&one.id, one.epoch, &to, &synced).await.expect("synced");
    associations.lose_standby(&one.id, one.epoch, &to, None).await.expect("gone");
    let now = associations.find(&one.id).await.expect("read").expect("there");
    assert_eq!((now.standby, now.sync), (None, SyncStatus::default()));
}
