//! The list: whole, or an error, or at least not alone in its word.

use domain::id::GpuId;
use domain::provider::ErrorClass;
use providers::vast::Bought;
use sandbox::fault::Fault;
use serde_json::json;

use crate::bench::{Bench, create, offers, rent};

const ONCE: Option<u32> = Some(1);

#[tokio::test]
async fn more_than_one_page_is_read_to_its_end() {
    let bench = Bench::start().await;
    let client = bench.vast();
    // Nothing has to run for this, so no host is made.
    bench.arm(Fault::StuckLoading, None, json!({"status": "null"}), None).await;
    let mut bought = Vec::new();
    for (n, offer) in offers(&client, 27).await.iter().enumerate() {
        let Bought::Created(id) =
            client.buy(offer.id, &create(&format!("dumont-t-{n}"))).await.expect("bought");
        bought.push(id);
    }
    bought.sort_unstable();
    let listing = client.list().await.expect("a list");
    assert!(listing.complete);
    assert_eq!(listing.instances.iter().map(|seen| seen.id).collect::<Vec<_>>(), bought);
}

#[tokio::test]
async fn a_page_that_fails_fails_the_list() {
    let bench = Bench::start().await;
    let client = bench.vast();
    rent(&client, "dumont-t").await;
    for shape in ["no_key", "success_false", "blank"] {
        bench.arm(Fault::ListEmpty200, None, json!({"shape": shape}), ONCE).await;
        let error = client.list().await.expect_err(shape);
        assert_eq!(error.class, ErrorClass::Unexpected, "{shape}");
        assert_eq!(client.list().await.expect("a list").instances.len(), 1);
    }
}

#[tokio::test]
async fn an_instance_that_a_list_hides_is_found_by_itself() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let id = rent(&client, "dumont-t").await;
    // Empty, and consistent with itself: nothing in the answer gives it away.
    bench.arm(Fault::ListEmpty200, None, json!({}), ONCE).await;
    assert_eq!(client.list().await.expect("a list").instances, []);
    assert!(client.get(id).await.expect("an answer").is_some());
    bench.arm(Fault::ListMissesRow, Some(&id.to_string()), json!({}), ONCE).await;
    assert_eq!(client.list().await.expect("a list").by_id(id), None);
    assert!(client.get(id).await.expect("an answer").is_some());
    assert!(client.list().await.expect("a list").by_id(id).is_some());
}

#[tokio::test]
async fn a_destroy_that_lies_is_told_by_the_list() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let id = rent(&client, "dumont-t").await;
    bench.arm(Fault::Destroy200StillRunning, Some(&id.to_string()), json!({}), ONCE).await;
    client.destroy(id).await.expect("so it says");
    assert!(client.list().await.expect("a list").by_id(id).is_some());
    client.destroy(id).await.expect("destroyed");
    assert_eq!(client.list().await.expect("a list").by_id(id), None);
}

#[tokio::test]
async fn an_instance_that_never_was_is_none() {
    let bench = Bench::start().await;
    assert_eq!(bench.vast().get(GpuId(1)).await.expect("an answer"), None);
}
