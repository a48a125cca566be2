//! Another user finds and changes nothing of an association, a failover, an intent or a disposal.

use domain::association::Hooks;
use domain::failover::Wish;
use domain::provider::Provider;
use store::{FailoverQuery, StoreError};

use crate::fixtures::{NOW, disposal, failover, intent, machine, user};
use crate::world::World;

on_both! {
    another_user_finds_and_changes_nothing,
}

async fn another_user_finds_and_changes_nothing(world: &World) {
    let store = &world.store;
    let one = machine(store, "ana").await;
    let of = failover(&one, "fo-1");
    store.failovers().open(&of).await.expect("begun");
    let bought = intent(&of, "in-1", one.epoch);
    store.intents().open(&bought).await.expect("recorded");
    store.intents().bind(&bought.id, "7", one.epoch, NOW).await.expect("bound");
    store.events().append(&one.user, "x", "y", NOW).await.expect("appended");
    let before = store.associations().get(&one.user, &one.id).await.expect("read");
    let bob = &user(store, "bob").await;

    let associations = store.associations();
    let found = associations.get(bob, &one.id).await;
    assert!(matches!(found, Err(StoreError::NotFound("association"))));
    assert_eq!(associations.list(bob).await.expect("read"), []);
    assert_eq!(associations.by_gpu(bob, one.gpu).await.expect("read"), None);
    assert_eq!(associations.history_by_gpu(bob, one.gpu).await.expect("read"), []);
    for changed in [
        associations.pause(bob, &one.id, one.epoch, one.gpu).await.map(drop),
        associations.set_sync_enabled(bob, &one.id, one.epoch, false).await.map(drop),
        associations.set_sync_enabled(bob, &one.id, one.epoch, true).await.map(drop),
        associations.set_hooks(bob, &one.id, one.epoch, &Hooks::default()).await,
        associations.set_name(bob, &one.id, one.epoch, "mine").await,
    ] {
        assert!(matches!(changed, Err(StoreError::Stale { .. })), "{changed:?}");
    }
    let after = associations.get(&one.user, &one.id).await.expect("read");
    assert_eq!(after, before);

    let found = store.failovers().get(bob, &of.id).await;
    assert!(matches!(found, Err(StoreError::NotFound("failover"))));
    let any = FailoverQuery::default();
    assert_eq!(store.failovers().list(bob, &any).await.expect("read"), []);
    assert_eq!(store.failovers().active_of(bob).await.expect("read"), []);
    let intents = store.intents();
    assert_eq!(intents.live(bob).await.expect("read"), []);
    assert_eq!(intents.open_ones(bob).await.expect("read"), []);
    assert_eq!(intents.tombstoned(bob).await.expect("read"), []);
    let found = intents.by_external(bob, Provider::Vast, "7").await;
    assert_eq!(found.expect("read"), None);
    let wish = disposal(bob, "di-1", "7", Wish::Destroy);
    let stolen = intents.discard(&bought.id, &wish, NOW).await;
    assert!(matches!(stolen, Err(StoreError::Stale { .. })));
    store.disposals().request(&wish).await.expect("bob's own account");
    store.disposals().done(&wish.id, Wish::Destroy, NOW).await.expect("done");
    let kept = intents.find(&bought.id).await.expect("read").expect("there");
    assert_eq!(kept.gone_at, None, "the same number on another's account");
    assert_eq!(store.disposals().of_user(&one.user, 9).await.expect("read"), []);
    assert_eq!(store.events().after(bob, 0, 9).await.expect("read"), []);
}
