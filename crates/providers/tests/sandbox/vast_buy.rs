//! Buying when it goes wrong: every refusal, and every answer that hides a purchase.

use std::time::{Duration, Instant};

use domain::gpu::GpuInstance;
use domain::provider::ErrorClass;
use providers::vast::{Bought, Create, VastClient};
use sandbox::fault::Fault;
use serde_json::json;

use crate::bench::{Bench, DEADLINE, create, offer};

const ONCE: Option<u32> = Some(1);

/// Looks for a label in the list until it shows.
async fn labelled(client: &VastClient, label: &str) -> GpuInstance {
    let start = Instant::now();
    loop {
        let listing = client.list().await.expect("a list");
        if let [found] = listing.labelled(label).as_slice() {
            return (*found).clone();
        }
        assert!(start.elapsed() < DEADLINE, "{label} never shows");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_offer_that_is_gone_is_a_clear_no_in_each_of_its_shapes() {
    let bench = Bench::start().await;
    let client = bench.vast();
    for status in [400, 404, 410] {
        bench.arm(Fault::OfferGone, None, json!({"status": status}), ONCE).await;
        let error =
            client.buy(offer(&client).await.id, &create("dumont-t")).await.expect_err("gone");
        assert_eq!(
            (error.class, error.http_status, error.created),
            (ErrorClass::Capacity, Some(status), None)
        );
    }
    let error = client.buy(1, &create("dumont-t")).await.expect_err("never was");
    assert_eq!(error.class, ErrorClass::Capacity);
    assert_eq!(bench.bills(), 0);
}

#[tokio::test]
async fn an_offer_that_we_hold_is_gone_for_the_second_purchase() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let id = offer(&client).await.id;
    client.buy(id, &create("dumont-t-1")).await.expect("bought");
    assert_eq!(
        client.buy(id, &create("dumont-t-2")).await.expect_err("held").class,
        ErrorClass::Capacity
    );
    assert_eq!(bench.bills(), 1);
}

#[tokio::test]
async fn without_credit_or_with_a_senseless_order_nothing_is_made() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let id = offer(&client).await.id;
    bench.arm(Fault::NoCredit, None, json!({}), ONCE).await;
    assert_eq!(
        client.buy(id, &create("dumont-t")).await.expect_err("poor").class,
        ErrorClass::Credit
    );
    let huge = Create { disk_gb: 1e6, ..create("dumont-t") };
    assert_eq!(client.buy(id, &huge).await.expect_err("too large").class, ErrorClass::Invalid);
    assert_eq!(bench.bills(), 0);
}

#[tokio::test]
async fn an_error_after_the_purchase_is_in_doubt_and_found_by_its_label() {
    let bench = Bench::start().await;
    let client = bench.vast();
    for (status, label) in [(500, "dumont-t-500"), (502, "dumont-t-502")] {
        bench.arm(Fault::Create500ButCreated, None, json!({"status": status}), ONCE).await;
        let bills = bench.bills();
        let error =
            client.buy(offer(&client).await.id, &create(label)).await.expect_err("an error");
        assert_eq!((&error.class, error.http_status), (&ErrorClass::Transient, Some(status)));
        assert!(!error.class.is_clear_no());
        assert_eq!(bench.bills(), bills + 1, "sent once");
        let found = labelled(&client, label).await;
        client.destroy(found.id).await.expect("destroyed");
    }
    assert_eq!(bench.open_bills(), 0);
}

#[tokio::test]
async fn a_lost_answer_is_in_doubt_whether_something_was_made_or_not() {
    let bench = Bench::start().await;
    let client = bench.vast();
    bench.arm(Fault::CreateTimesOut, None, json!({"hang_s": 0.1}), ONCE).await;
    let error =
        client.buy(offer(&client).await.id, &create("dumont-t-never")).await.expect_err("cut");
    assert_eq!(error.class, ErrorClass::Transient);
    assert_eq!(bench.bills(), 0);

    bench
        .arm(Fault::CreateTimesOut, None, json!({"hang_s": 0.1, "appears_after_s": 0.6}), ONCE)
        .await;
    let error =
        client.buy(offer(&client).await.id, &create("dumont-t-late")).await.expect_err("cut");
    assert_eq!((error.class, error.created), (ErrorClass::Transient, None));
    assert_eq!(bench.bills(), 1, "sent once");
    labelled(&client, "dumont-t-late").await;
}

#[tokio::test]
async fn a_purchase_is_never_sent_twice() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let id = offer(&client).await.id;
    bench.arm(Fault::VastApiDown, Some("create"), json!({}), Some(5)).await;
    let error = client.buy(id, &create("dumont-t")).await.expect_err("down");
    assert_eq!(error.class, ErrorClass::Transient);
    assert_eq!(bench.left(Fault::VastApiDown), 4);
    bench.running.world.faults().clear(None);
    for fault in [Fault::RateLimitedPlain, Fault::RateLimitedJson] {
        bench.arm(fault, Some("create"), json!({"threshold": 0.2}), Some(5)).await;
        let error = client.buy(id, &create("dumont-t")).await.expect_err("too often");
        assert!(matches!(error.class, ErrorClass::RateLimited { .. }), "{error}");
        assert_eq!(bench.left(fault), 4);
        bench.running.world.faults().clear(None);
    }
    assert_eq!(bench.bills(), 0);
}

#[tokio::test]
async fn a_bid_too_low_is_refused_and_leaves_a_stopped_instance() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let offer = offer(&client).await;
    let order = |label: &str| Create { bid: offer.min_bid, ..create(label) };
    bench.arm(Fault::BidTooLow, None, json!({}), ONCE).await;
    let error = client.buy(offer.id, &order("dumont-t-named")).await.expect_err("too low");
    let made = error.created.expect("the refusal names it");
    assert!(!error.class.is_clear_no());
    assert_eq!(labelled(&client, "dumont-t-named").await.id.0, made);
    client.destroy(domain::id::GpuId(made)).await.expect("destroyed");

    bench.arm(Fault::BidTooLow, None, json!({"new_contract": false}), ONCE).await;
    let error = client.buy(offer.id, &order("dumont-t-unnamed")).await.expect_err("too low");
    assert_eq!(error.created, None);
    assert!(!error.class.is_clear_no(), "{error:?}");
    labelled(&client, "dumont-t-unnamed").await;
}

#[tokio::test]
async fn a_list_that_lags_shows_the_purchase_later() {
    let bench = Bench::start().await;
    let client = bench.vast();
    bench.arm(Fault::ListLag, None, json!({"reads": 2}), ONCE).await;
    let Bought::Created(id) =
        client.buy(offer(&client).await.id, &create("dumont-t-lag")).await.expect("bought");
    assert_eq!(client.list().await.expect("a list").by_id(id), None);
    assert_eq!(labelled(&client, "dumont-t-lag").await.id, id);
}
