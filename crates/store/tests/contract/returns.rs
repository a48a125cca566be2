//! Ways back to recovery points: asked for by their owner, one at a time, ended once.

use domain::association::{AssociationState, Serving};
use domain::id::Epoch;
use domain::notification;
use domain::point::{Change, Return, ReturnState};
use store::StoreError;

use crate::fixtures::{NOW, failover, machine, user};
use crate::world::World;

on_both! {
    a_way_back_is_its_owners_and_one_at_a_time,
    what_was_done_is_written_down_and_it_ends_once,
    one_of_another_epoch_is_only_ended,
    nobody_goes_back_during_a_failover,
}

fn wanted(of: &domain::association::Association, point: i64) -> Return {
    Return {
        epoch: of.epoch,
        point,
        point_at: Some(NOW.plus(-60_000)),
        path: "runs/é".into(),
        serving: Serving::Gpu,
        asked_at: NOW,
        state: ReturnState::Asked,
        before: None,
        made: None,
        change: None,
        tries: 0,
        problem: None,
        ended_at: None,
    }
}

async fn following(world: &World) -> domain::association::Association {
    let one = machine(&world.store, "ana").await;
    let associations = world.store.associations();
    associations
        .set_state(&one.id, one.epoch, AssociationState::Following, None)
        .await
        .expect("set");
    associations.get(&one.user, &one.id).await.expect("read")
}

async fn a_way_back_is_its_owners_and_one_at_a_time(world: &World) {
    let one = following(world).await;
    let bob = user(&world.store, "bob").await;
    let associations = world.store.associations();
    assert_eq!(associations.last_return(&one.id).await.expect("read"), None);
    let seven = wanted(&one, 7);
    let stranger = associations.ask_back(&bob, &one.id, &seven).await;
    assert!(matches!(stranger, Err(StoreError::Stale { .. })), "{stranger:?}");
    let late = Return { epoch: Epoch(one.epoch.0 + 1), ..seven.clone() };
    let late = associations.ask_back(&one.user, &one.id, &late).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    let moved = Return { serving: Serving::Standby, ..seven.clone() };
    let moved = associations.ask_back(&one.user, &one.id, &moved).await;
    assert!(matches!(moved, Err(StoreError::Stale { .. })), "{moved:?}");
    assert_eq!(associations.last_return(&one.id).await.expect("read"), None);
    associations.ask_back(&one.user, &one.id, &seven).await.expect("asked");
    let again = Return { asked_at: NOW.plus(5), ..seven.clone() };
    associations.ask_back(&one.user, &one.id, &again).await.expect("the same");
    assert_eq!(associations.last_return(&one.id).await.expect("read"), Some(seven.clone()));
    for other in [wanted(&one, 8), Return { path: String::new(), ..seven }] {
        let other = associations.ask_back(&one.user, &one.id, &other).await;
        assert!(matches!(other, Err(StoreError::Conflict(_))), "{other:?}");
    }
}

async fn what_was_done_is_written_down_and_it_ends_once(world: &World) {
    let one = following(world).await;
    let associations = world.store.associations();
    let seven = wanted(&one, 7);
    associations.ask_back(&one.user, &one.id, &seven).await.expect("asked");
    associations.return_tried(&one.id, &seven, "the GPU is away").await.expect("tried");
    let change = Change { added: 1, changed: 2, removed: 3, bytes: 4 };
    associations
        .return_made(&one.id, &seven, Some(9), Some(10), &change)
        .await
        .expect("written down");
    let read = associations.last_return(&one.id).await.expect("read").expect("one");
    assert_eq!((read.before, read.made, read.change), (Some(9), Some(10), Some(change)));
    assert_eq!((read.tries, read.problem.as_deref()), (1, Some("the GPU is away")));
    let news = notification::went_back(&one, &read, true, NOW, false);
    let end = || associations.end_return(&one.id, one.epoch, &seven, Ok(()), &news, NOW.plus(9));
    end().await.expect("ended");
    let read = associations.last_return(&one.id).await.expect("read").expect("one");
    assert_eq!((read.state, read.ended_at), (ReturnState::Done, Some(NOW.plus(9))));
    assert_eq!(read.problem, None);
    let twice = end().await;
    assert!(matches!(twice, Err(StoreError::Stale { .. })), "{twice:?}");
    let after = associations.return_tried(&one.id, &seven, "x").await;
    assert!(matches!(after, Err(StoreError::Stale { .. })), "{after:?}");
    let told = world.store.notifications().unread(&one.user).await.expect("read");
    assert_eq!(told, 1);
    associations.ask_back(&one.user, &one.id, &wanted(&one, 8)).await.expect("another");
}

async fn one_of_another_epoch_is_only_ended(world: &World) {
    let one = following(world).await;
    let associations = world.store.associations();
    let seven = wanted(&one, 7);
    associations.ask_back(&one.user, &one.id, &seven).await.expect("asked");
    let now = associations.advance_epoch(&one.id, one.epoch).await.expect("fenced");
    let made = associations.return_made(&one.id, &seven, None, None, &Change::default()).await;
    assert!(matches!(made, Err(StoreError::Stale { .. })), "{made:?}");
    let news = notification::went_back(&one, &seven, false, NOW, false);
    let old = associations.end_return(&one.id, one.epoch, &seven, Err("x"), &news, NOW).await;
    assert!(matches!(old, Err(StoreError::Stale { .. })), "{old:?}");
    associations
        .end_return(&one.id, now, &seven, Err("it moved"), &news, NOW)
        .await
        .expect("ended");
    let read = associations.last_return(&one.id).await.expect("read").expect("one");
    assert_eq!((read.state, read.problem.as_deref()), (ReturnState::Failed, Some("it moved")));
}

async fn nobody_goes_back_during_a_failover(world: &World) {
    let one = following(world).await;
    world.store.failovers().open(&failover(&one, "fo-1")).await.expect("begun");
    let asked = world.store.associations().ask_back(&one.user, &one.id, &wanted(&one, 7)).await;
    assert!(matches!(asked, Err(StoreError::Stale { .. })), "{asked:?}");
}
