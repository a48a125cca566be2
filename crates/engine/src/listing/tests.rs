use domain::gpu::GpuState;
use domain::verdict::ProviderSays;
use serde_json::json;

use super::*;
use crate::testing::{Bench, NOW};

fn running(id: i64) -> serde_json::Value {
    json!([crate::testing::running(id)])
}

async fn stored(bench: &Bench, list: &serde_json::Value, gone: &[i64], at: Millis) {
    let states = bench.context.store.provider_states();
    states.put_instances(&bench.user, list, gone, true, at).await.expect("stored");
}

async fn word(bench: &Bench) -> domain::verdict::ProviderWord {
    keep(&bench.context, &bench.user).await.expect("read");
    bench.context.live.account(&bench.user).view().word(GpuId(42))
}

#[tokio::test]
async fn what_another_process_was_told_is_known_here_with_its_age() {
    let bench = Bench::new().await;
    assert_eq!(word(&bench).await.says, None);
    bench.pass(2_000);
    let told = bench.context.now().plus(-300);
    stored(&bench, &running(42), &[], told).await;
    let known = word(&bench).await;
    assert_eq!(known.says, Some(ProviderSays::Up));
    assert_eq!(known.at, Some(NOW), "not there yet when it was looked at last");
    let view = bench.context.live.account(&bench.user).view();
    assert_eq!(view.instance(GpuId(42)).map(|one| one.state()), Some(GpuState::Running));

    bench.pass(1_000);
    stored(&bench, &json!([]), &[], bench.context.now()).await;
    assert_eq!(word(&bench).await.says, None, "absence alone is no word");
    bench.pass(1_000);
    stored(&bench, &json!([]), &[42], bench.context.now()).await;
    assert_eq!(word(&bench).await.says, Some(ProviderSays::Gone));

    bench.pass(5_000);
    let states = bench.context.store.provider_states();
    let kind = StateKind::VastInstances;
    states.put_error(&bench.user, kind, "down", bench.context.now()).await.expect("stored");
    let failing = word(&bench).await;
    assert_eq!(failing.error.as_deref(), Some("down"));
    assert_eq!(failing.at, Some(NOW.plus(3_000)), "it gets no younger");
}

#[tokio::test]
async fn a_clock_that_is_wrong_makes_a_word_old_and_never_fresh() {
    let bench = Bench::new().await;
    // Nobody knows when: by a clock five minutes ahead.
    stored(&bench, &running(42), &[], NOW.plus(300_000)).await;
    assert_eq!(word(&bench).await.at, None);
    bench.pass(1_500);
    stored(&bench, &running(42), &[], NOW.plus(301_000)).await;
    assert_eq!(word(&bench).await.at, Some(NOW));
    // By one that is behind.
    let bench = Bench::new().await;
    assert_eq!(word(&bench).await.at, None);
    bench.pass(1_500);
    stored(&bench, &running(42), &[], NOW.plus(-300_000)).await;
    assert_eq!(word(&bench).await.at, Some(NOW.plus(-300_000)));
}

#[tokio::test]
async fn what_this_process_asks_itself_is_not_read_from_elsewhere() {
    let bench = Bench::new().await;
    bench.context.live.account(&bench.user).set_polled(true);
    stored(&bench, &running(42), &[], NOW).await;
    assert_eq!(word(&bench).await.says, None);
    bench.context.live.account(&bench.user).set_polled(false);
    assert_eq!(word(&bench).await.says, Some(ProviderSays::Up), "its own poller has ended");
}
