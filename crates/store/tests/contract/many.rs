//! The rows of many failovers at once are those of each by itself.

use domain::failover::{FailoverState, Outcome, StepName, Wish};
use domain::id::FailoverId;
use serde_json::json;
use store::{FailoverQuery, Finish};

use crate::fixtures::{NOW, disposal, failover, intent, machine, user};
use crate::world::World;

on_both! {
    the_rows_of_many_are_those_of_each,
}

/// More than two statements take, and not a multiple of what one takes.
const MANY: i64 = 123;

async fn the_rows_of_many_are_those_of_each(world: &World) {
    let one = machine(&world.store, "ana").await;
    let bob = user(&world.store, "bob").await;
    let (failovers, steps) = (world.store.failovers(), world.store.steps());
    let (intents, disposals) = (world.store.intents(), world.store.disposals());
    for n in 0..MANY {
        let mut new = failover(&one, &format!("fo-{n:03}"));
        new.started_at = NOW.plus(n);
        failovers.open(&new).await.expect("begun");
        for name in
            [StepName::Detect, StepName::Fence].into_iter().take(1 + usize::from(n % 2 == 0))
        {
            let row = steps.begin(&new.id, name, 0, NOW.plus(n)).await.expect("begun");
            let end = Finish {
                ended_at: NOW.plus(n + 1),
                outcome: Outcome::Ok,
                retry_at: None,
                provider_ms: 3,
                output: json!({ "n": n }),
                error: None,
            };
            steps.finish(&new.id, row.seq, &end).await.expect("finished");
        }
        if n % 3 == 0 {
            let bought = intent(&new, &format!("in-{n}"), one.epoch);
            intents.open(&bought).await.expect("opened");
            intents.refuse(&bought.id, "gone", NOW.plus(n)).await.expect("refused");
        }
        if n % 5 == 0 {
            let mut wish = disposal(&one.user, &format!("di-{n}"), &n.to_string(), Wish::Destroy);
            wish.failover = Some(new.id.clone());
            disposals.request(&wish).await.expect("asked");
        }
        let end = failovers.close(&new.id, FailoverState::Complete, NOW.plus(200), None);
        end.await.expect("closed");
    }
    let mut ids = failovers.ids(&one.user, &FailoverQuery::default()).await.expect("listed");
    assert_eq!(ids.len(), 123);
    assert_eq!(ids[0], FailoverId::new("fo-122"), "newest first");
    let listed = failovers.list(&one.user, &FailoverQuery::default()).await.expect("listed");
    ids.push(FailoverId::new("nowhere"));
    let found = failovers.among(&one.user, &ids).await.expect("found");
    assert_eq!(found, listed);
    assert_eq!(found.iter().map(|one| one.id.clone()).collect::<Vec<_>>(), ids[..123]);
    assert_eq!(failovers.among(&bob, &ids).await.expect("found"), []);

    let all_steps = steps.of_many(&ids).await.expect("read");
    let all_intents = intents.of_many(&ids).await.expect("read");
    let all_disposals = disposals.of_many(&ids).await.expect("read");
    for id in &ids {
        let own = steps.list(id).await.expect("read");
        assert_eq!(all_steps.get(id).cloned().unwrap_or_default(), own, "{id}");
        let own = intents.of_failover(id).await.expect("read");
        assert_eq!(all_intents.get(id).cloned().unwrap_or_default(), own, "{id}");
        let own = disposals.of_failover(id).await.expect("read");
        assert_eq!(all_disposals.get(id).cloned().unwrap_or_default(), own, "{id}");
    }
    assert_eq!((all_steps.len(), all_intents.len(), all_disposals.len()), (123, 41, 25));
    assert!(steps.of_many(&[]).await.expect("read").is_empty());
}
