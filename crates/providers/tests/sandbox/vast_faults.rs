//! Vast.ai refusing, limiting, failing, and what it says of machines in trouble.

use domain::gpu::GpuState;
use domain::provider::ErrorClass;
use providers::vast::{Bought, Create};
use sandbox::fault::Fault;
use serde_json::json;

use crate::bench::{Bench, create, offer, rent, until};

const ONCE: Option<u32> = Some(1);

#[tokio::test]
async fn a_refused_key_is_told_apart_in_each_of_its_shapes() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let id = rent(&client, "dumont-t").await;
    for status in [401, 403, 404] {
        bench.arm(Fault::KeyRefused, None, json!({"status": status}), Some(3)).await;
        assert_eq!(client.user().await.expect_err("refused").class, ErrorClass::Auth, "{status}");
        assert_eq!(client.list().await.expect_err("refused").class, ErrorClass::Auth, "{status}");
        // Above all not "there is no such instance".
        assert_eq!(client.get(id).await.expect_err("refused").class, ErrorClass::Auth, "{status}");
        assert_eq!(bench.left(Fault::KeyRefused), 0, "not asked again");
    }
    let wrong = bench.vast_with("wrong-key");
    let error = wrong.user().await.expect_err("refused");
    assert_eq!(error.class, ErrorClass::Auth);
    assert!(!error.to_string().contains("wrong-key"));
}

#[tokio::test]
async fn an_outage_is_waited_out_for_calls_that_can_be_repeated() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let id = rent(&client, "dumont-t").await;
    bench.arm(Fault::VastApiDown, None, json!({}), Some(2)).await;
    client.list().await.expect("the third try");
    bench.arm(Fault::VastApiDown, None, json!({"hang_s": 0.05}), Some(2)).await;
    client.stop(id).await.expect("the third try");
    bench.arm(Fault::VastApiDown, None, json!({"status": 502}), Some(9)).await;
    let error = client.get(id).await.expect_err("down");
    assert_eq!((error.class, error.http_status), (ErrorClass::Transient, Some(502)));
    assert_eq!(error.message, "answered with an HTML page");
    assert_eq!(bench.left(Fault::VastApiDown), 6, "three tries");
    assert_eq!(client.reboot(id).await.expect_err("down").class, ErrorClass::Transient);
    assert_eq!(bench.left(Fault::VastApiDown), 5, "one try");
}

#[tokio::test]
async fn a_limit_is_told_with_its_pause_and_then_kept() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let shapes = [
        (Fault::RateLimitedPlain, json!({"threshold": 0.3}), 300),
        (Fault::RateLimitedJson, json!({"threshold": 0.3}), 300),
        (Fault::RateLimitedJson, json!({"threshold": 0.3, "shape": "error"}), 300),
        (Fault::RateLimitedPlain, json!({}), 2_200),
    ];
    for (fault, params, pause) in shapes {
        bench.arm(fault, Some("list"), params.clone(), ONCE).await;
        let error = client.list().await.expect_err("too often");
        assert_eq!(error.class, ErrorClass::RateLimited { after_ms: pause }, "{params}");
        let since = std::time::Instant::now();
        client.user().await.expect("another endpoint goes on");
        client.list().await.expect("after the pause");
        assert!(
            since.elapsed().as_millis() + 50 >= u128::try_from(pause).unwrap(),
            "{params}: it came too early"
        );
    }
}

#[tokio::test]
async fn machines_in_trouble_have_their_word() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let id = rent(&client, "dumont-t").await;
    until(&client, id, "running", |seen| seen.state() == GpuState::Running).await;
    let target = id.to_string();
    for fault in [Fault::Offline, Fault::Unknown] {
        bench.arm(fault, Some(&target), json!({}), None).await;
        until(&client, id, "lost", |seen| seen.state() == GpuState::HostLost && seen.ssh.is_none())
            .await;
        bench.running.world.faults().clear(Some(fault));
        until(&client, id, "back", |seen| seen.state() == GpuState::Running).await;
    }
}

#[tokio::test]
async fn an_outbid_instance_is_preempted_and_one_that_is_stuck_provisions() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let found = offer(&client).await;
    let order = Create {
        bid: found.min_bid.map(|floor| domain::money::MicroUsd(floor.0 * 12 / 10)),
        ..create("dumont-t-bid")
    };
    let Bought::Created(id) = client.buy(found.id, &order).await.expect("bought");
    until(&client, id, "running", |seen| seen.state() == GpuState::Running).await;
    // The market rises above the bid.
    bench.arm(Fault::PriceJump, None, json!({"factor": 3, "outbids": true}), None).await;
    until(&client, id, "preempted", |seen| seen.state() == GpuState::Preempted).await;
    bench.running.world.faults().clear(Some(Fault::PriceJump));

    bench.arm(Fault::StuckLoading, None, json!({}), ONCE).await;
    let stuck = rent(&client, "dumont-t-stuck").await;
    let seen =
        until(&client, stuck, "loading", |seen| seen.actual_status.as_deref() == Some("loading"))
            .await;
    assert_eq!((seen.state(), seen.ssh), (GpuState::Provisioning, None));
}
