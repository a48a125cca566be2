//! A machine's standby: one at most, and nothing that was said of one counts for another.

use domain::association::{Association, Serving, SyncStatus};
use domain::failover::{Disposal, IntentState, Wish};
use domain::id::{Epoch, IntentId};
use domain::provider::Provider;
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
    one_that_vanished_is_lost_with_its_purchase_or_not_at_all,
    one_that_vanished_is_lost_whatever_became_of_its_purchase,
    one_that_was_refused_has_failed_with_its_purchase_or_not_at_all,
    the_work_runs_on_the_present_standby_or_on_none,
    a_machine_that_is_being_removed_gets_no_standby_and_goes_with_none,
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
    associations.lose_standby(id, one.epoch, first, None, None).await.expect("lost");
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
    associations.lose_standby(id, epoch, &first.intent, None, None).await.expect("lost");
    let stale = |done: Result<(), StoreError>| {
        assert!(matches!(done, Err(StoreError::Stale { .. })), "{done:?}");
    };
    let synced = SyncStatus { complete_to: Some(NOW), files: Some(12), ..SyncStatus::default() };
    for round in 0..2 {
        let before = present(world, &one).await;
        stale(associations.set_standby(id, epoch, &first).await);
        stale(associations.set_standby_key(id, epoch, &first.intent, "k").await);
        stale(associations.lose_standby(id, epoch, &first.intent, None, None).await);
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
    associations.lose_standby(&one.id, one.epoch, &to, None, None).await.expect("gone");
    let now = associations.find(&one.id).await.expect("read").expect("there");
    assert_eq!((now.standby, now.sync), (None, SyncStatus::default()));
}

/// The wish that a standby's VM be destroyed.
fn gone(of: &Association, id: &str) -> Disposal {
    Disposal {
        provider: Provider::Gcp,
        zone: "europe-west1-b".into(),
        ..disposal(&of.user, &format!("di-{id}"), &format!("dumont-{id}"), Wish::Destroy)
    }
}

async fn bought(world: &World, id: &str) -> IntentState {
    let found = world.store.intents().find(&IntentId::new(id)).await.expect("read");
    found.expect("known").state
}

async fn one_that_vanished_is_lost_with_its_purchase_or_not_at_all(world: &World) {
    let one = bare(world).await;
    let (associations, first) = (world.store.associations(), IntentId::new("first"));
    begin(world, &one, "first").await.expect("recorded");
    // A failover has raised the epoch since the machine was read.
    let now = associations.advance_epoch(&one.id, one.epoch).await.expect("advanced");
    let left = gone(&one, "first");
    let late = associations.lose_standby(&one.id, one.epoch, &first, Some(&left), None).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    assert_eq!(bought(world, "first").await, IntentState::Open);
    assert_eq!(world.store.disposals().pending(&one.user).await.expect("read"), []);
    assert_eq!(present(world, &one).await, Some(standby("first")));
    let lost = associations.lose_standby(&one.id, now, &first, Some(&left), None).await;
    lost.expect("read anew");
    assert_eq!(bought(world, "first").await, IntentState::Discarded);
    assert_eq!(world.store.disposals().pending(&one.user).await.expect("read"), [left]);
    assert_eq!(present(world, &one).await, None);
}

/// Its purchase may have come to its end in another way: no row stays for that.
async fn one_that_vanished_is_lost_whatever_became_of_its_purchase(world: &World) {
    let one = bare(world).await;
    let associations = world.store.associations();
    let (intents, disposals) = (world.store.intents(), world.store.disposals());
    for (end, may_exist) in [("gone", false), ("refused", true), ("discarded", true)] {
        let machine = IntentId::new(end);
        begin(world, &one, end).await.expect("recorded");
        match end {
            "gone" => intents.gone(&machine, NOW).await.expect("gone"),
            "refused" => intents.refuse(&machine, "no", NOW).await.expect("refused"),
            _ => {
                intents.discard(&machine, &gone(&one, end), NOW).await.expect("discarded");
            }
        }
        let left = gone(&one, end);
        let lost = associations.lose_standby(&one.id, one.epoch, &machine, Some(&left), None);
        lost.await.expect(end);
        assert_eq!(present(world, &one).await, None, "{end}");
        let wishes = disposals.pending(&one.user).await.expect("read");
        let wished = wishes.iter().any(|wish| wish.external_id == left.external_id);
        assert_eq!(wished, may_exist, "{end}");
    }
}

async fn one_that_was_refused_has_failed_with_its_purchase_or_not_at_all(world: &World) {
    let one = bare(world).await;
    let associations = world.store.associations();
    begin(world, &one, "first").await.expect("recorded");
    let now = associations.advance_epoch(&one.id, one.epoch).await.expect("advanced");
    let refused = Standby { reason: Some("no capacity".into()), ..standby("first") };
    let late = associations.refuse_standby(&one.id, one.epoch, &refused, None, NOW).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    assert_eq!(bought(world, "first").await, IntentState::Open);
    assert_eq!(present(world, &one).await, Some(standby("first")));
    let failed = Standby { state: StandbyState::Failed, ..refused.clone() };
    for again in 0..2 {
        let told = associations.refuse_standby(&one.id, now, &refused, None, NOW.plus(again)).await;
        told.expect("again is no error");
        assert_eq!(bought(world, "first").await, IntentState::Refused);
        assert_eq!(present(world, &one).await, Some(failed.clone()));
    }
    let purchase = world.store.intents().find(&refused.intent).await.expect("read").expect("known");
    assert_eq!((purchase.error.as_deref(), purchase.changed_at), (Some("no capacity"), NOW));
    // Something came of it meanwhile: a refusal of then is not of now.
    begin_at(world, &one, now, "second").await;
    world.store.intents().bind(&IntentId::new("second"), "vm", now, NOW).await.expect("made");
    let late = associations.refuse_standby(&one.id, now, &standby("second"), None, NOW).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    assert_eq!(present(world, &one).await, Some(standby("second")));
}

async fn begin_at(world: &World, of: &Association, epoch: Epoch, id: &str) {
    let now = Association { epoch, ..of.clone() };
    begin(world, &now, id).await.expect("recorded");
}

async fn the_work_runs_on_the_present_standby_or_on_none(world: &World) {
    let one = bare(world).await;
    let associations = world.store.associations();
    let serving = async || associations.find(&one.id).await.expect("read").expect("there").serving;
    begin(world, &one, "first").await.expect("recorded");
    let first = IntentId::new("first");
    associations.lose_standby(&one.id, one.epoch, &first, None, None).await.expect("vanished");
    for round in 0..2 {
        let late = associations.serve_on_standby(&one.id, one.epoch, &first).await;
        assert!(matches!(late, Err(StoreError::Stale { .. })), "round {round}: {late:?}");
        assert_eq!(serving().await, Serving::Gpu, "round {round}");
        if round == 0 {
            begin(world, &one, "second").await.expect("recorded");
        }
    }
    let second = IntentId::new("second");
    let wrong = associations.serve_on_standby(&one.id, one.epoch.next(), &second).await;
    assert!(matches!(wrong, Err(StoreError::Stale { .. })), "{wrong:?}");
    associations.serve_on_standby(&one.id, one.epoch, &second).await.expect("the present one");
    assert_eq!(serving().await, Serving::Standby);
}

/// One process removes the machine while another that has not seen that yet makes its standby.
async fn a_machine_that_is_being_removed_gets_no_standby_and_goes_with_none(world: &World) {
    let one = bare(world).await;
    let (associations, intents) = (world.store.associations(), world.store.intents());
    begin(world, &one, "first").await.expect("recorded");
    associations.untie(&one.user, &one.id).await.expect("to be removed");
    for may_exist in ["open", "bound", "discarded"] {
        let early = associations.delete(&one.id, one.epoch).await;
        assert!(matches!(early, Err(StoreError::Conflict(_))), "{may_exist}: {early:?}");
        let first = IntentId::new("first");
        match may_exist {
            "open" => intents.bind(&first, "dumont-first", one.epoch, NOW).await.expect("made"),
            "bound" => {
                intents.discard(&first, &gone(&one, "first"), NOW).await.expect("to go");
            }
            _ => intents.gone(&first, NOW).await.expect("gone"),
        }
    }
    let late = begin(world, &one, "second").await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    assert_eq!(intents.of_association(&one.id).await.expect("read").len(), 1);
    associations.delete(&one.id, one.epoch).await.expect("forgotten");
}
