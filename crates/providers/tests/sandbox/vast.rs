//! Vast.ai as it is on a good day.

use domain::gpu::GpuState;
use domain::money::MicroUsd;
use domain::offer::OfferFilter;
use domain::provider::ErrorClass;
use providers::vast::{Bought, Limits, Vast, VastClient};
use secrecy::SecretString;

use crate::bench::{Bench, KEY, create, offer, offers, rent, until};

#[tokio::test]
async fn an_account_has_credit() {
    let bench = Bench::start().await;
    let account = bench.vast().user().await.expect("an account");
    assert_eq!(account.credit, Some(MicroUsd(100_000_000)));
    assert_eq!(account.email.as_deref(), Some(bench.running.credentials.email.as_str()));
}

#[tokio::test]
async fn a_search_gives_what_was_asked_for_and_no_more() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let all = client.search(&OfferFilter::default(), 20.0).await.expect("offers");
    assert!(!all.is_empty() && all.len() <= 64);
    assert!(all.is_sorted_by_key(|offer| offer.usd_per_hour));
    let middle = all[all.len() / 2].usd_per_hour;
    let filter = OfferFilter {
        num_gpus: Some(1),
        min_gpu_ram_mb: Some(20_000),
        min_disk_gb: Some(100.0),
        max_usd_per_hour: Some(middle),
        min_reliability: Some(0.95),
        verified_only: true,
        limit: Some(5),
        ..OfferFilter::default()
    };
    let some = client.search(&filter, 20.0).await.expect("offers");
    assert!(!some.is_empty() && some.len() <= 5, "{}", some.len());
    assert!(some.iter().all(|offer| filter.admits(offer)));
    let nowhere = OfferFilter { countries: vec!["AQ".into()], ..OfferFilter::default() };
    assert_eq!(client.search(&nowhere, 20.0).await.expect("an empty market"), []);
}

#[tokio::test]
async fn a_part_of_a_name_finds_its_models_and_a_whole_name_only_itself() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let named = |part: &str| OfferFilter { name_part: Some(part.into()), ..OfferFilter::default() };
    let models = async |part: &str| {
        let found = client.search(&named(part), 20.0).await.expect("offers");
        let mut models: Vec<String> = found.into_iter().map(|offer| offer.gpu_name).collect();
        models.sort();
        models.dedup();
        models
    };
    assert_eq!(models("4090").await, ["RTX 4090"]);
    assert_eq!(models("rtx 4090").await, ["RTX 4090"]);
    let many = models("rtx").await;
    assert!(many.len() > 1 && many.iter().all(|name| name.contains("RTX")), "{many:?}");
    assert!(models("no such model").await.is_empty());
}

#[tokio::test]
async fn what_pages_search_leaves_a_failover_its_searches() {
    let bench = Bench::start().await;
    let vast = Vast::new(&bench.running.url, Limits::published()).expect("a client");
    let account = |key: &str| vast.account(SecretString::from(key));
    let client = account(&bench.running.credentials.vast_api_key);
    // One call for each.
    let filter = OfferFilter { limit: Some(1), ..OfferFilter::default() };
    for _ in 0..4 {
        assert!(client.can_search_leaving(6));
        client.search_leaving(&filter, 20.0, 6).await.expect("offers");
    }
    // Vast counts an address' searches, so another account's are among them.
    assert!(!account("another key").can_search_leaving(6));
    let refused = client.search_leaving(&filter, 20.0, 6).await.expect_err("not now");
    assert!(matches!(refused.class, ErrorClass::RateLimited { .. }), "{refused}");
    for _ in 0..6 {
        client.search(&filter, 20.0).await.expect("what was left for it");
    }
}

#[tokio::test]
async fn storage_is_part_of_the_price() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let filter = OfferFilter { gpu_name: Some("RTX 4090".into()), ..OfferFilter::default() };
    let small = client.search(&filter, 10.0).await.expect("offers");
    let large = client.search(&filter, 150.0).await.expect("offers");
    let twin = large.iter().find(|offer| offer.id == small[0].id).expect("the same offer");
    assert!(twin.usd_per_hour > small[0].usd_per_hour);
}

#[tokio::test]
async fn an_instance_lives_from_purchase_to_destruction() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let Bought::Created(id) =
        client.buy(offer(&client).await.id, &create("dumont-t-1")).await.expect("bought");
    let up = until(&client, id, "running", |seen| seen.state() == GpuState::Running).await;
    assert_eq!(up.label.as_deref(), Some("dumont-t-1"));
    assert_eq!(up.disk_gb, Some(20.0));
    assert!(!up.is_bid && up.bid.is_none());
    let rate = up.usd_per_hour.expect("a rate");
    let endpoint = up.ssh.clone().expect("an endpoint");
    assert_eq!(Some(endpoint.host.as_str()), up.public_ip.as_deref());

    client.stop(id).await.expect("stopped");
    let down = until(&client, id, "stopped", |seen| seen.state() == GpuState::Stopped).await;
    assert!(down.usd_per_hour.expect("a rate") < rate, "only the disk is billed");
    client.stop(id).await.expect("stopped twice");
    client.start(id).await.expect("started");
    let again = until(&client, id, "running", |seen| seen.state() == GpuState::Running).await;
    assert_ne!(again.ssh, Some(endpoint), "the port changes with each start");

    client.label(id, "dumont-t-2").await.expect("labelled");
    client.reboot(id).await.expect("rebooted");
    let listing = client.list().await.expect("a list");
    assert!(listing.complete);
    assert_eq!(listing.labelled("dumont-t-2").iter().map(|seen| seen.id).collect::<Vec<_>>(), [id]);

    client.destroy(id).await.expect("destroyed");
    assert_eq!(client.destroy(id).await.expect_err("gone").class, ErrorClass::NotFound);
    assert_eq!(client.get(id).await.expect("an answer"), None);
    assert_eq!(client.list().await.expect("a list").by_id(id), None);
    for refused in [
        client.stop(id).await,
        client.start(id).await,
        client.label(id, "x").await,
        client.attach_key(id, KEY).await,
    ] {
        assert_eq!(refused.expect_err("gone").class, ErrorClass::NotFound);
    }
    assert_eq!(bench.open_bills(), 0);
}

#[tokio::test]
async fn a_bid_is_an_interruptible_instance_and_can_be_raised() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let offer = offer(&client).await;
    let floor = offer.min_bid.expect("a floor");
    let bid = MicroUsd(floor.0 * 12 / 10);
    let order = providers::vast::Create { bid: Some(bid), ..create("dumont-t-bid") };
    let Bought::Created(id) = client.buy(offer.id, &order).await.expect("bought");
    let up = until(&client, id, "running", |seen| seen.state() == GpuState::Running).await;
    assert!(up.is_bid);
    assert_eq!(up.bid, Some(bid));
    assert!(up.min_bid.is_some_and(|now| now <= bid));
    let raised = MicroUsd(floor.0 * 14 / 10);
    client.change_bid(id, raised).await.expect("raised");
    until(&client, id, "raised", |seen| seen.bid == Some(raised)).await;
    assert_eq!(
        client.change_bid(id, MicroUsd(1)).await.expect_err("too low").class,
        ErrorClass::Invalid
    );
}

#[tokio::test]
async fn keys_are_added_once_and_logs_are_read() {
    let bench = Bench::start().await;
    let client = bench.vast();
    for _ in 0..2 {
        client.ensure_account_key(KEY).await.expect("known");
    }
    assert!(client.ensure_account_key("not a key").await.is_err());
    let id = rent(&client, "dumont-t-keys").await;
    until(&client, id, "running", |seen| seen.state() == GpuState::Running).await;
    client.attach_key(id, KEY).await.expect("attached");
    client.attach_key(id, KEY).await.expect("attached twice");
    client.logs(id).await.expect("a log");
}

#[tokio::test]
async fn accounts_see_nothing_of_each_other() {
    let bench = Bench::start().await;
    let client = bench.vast();
    let id = rent(&client, "dumont-t-own").await;
    let world = bench.running.world.clone();
    let make =
        move || world.accounts().create(None, 10_000_000, world.url()).expect("an account").1;
    let stranger = tokio::task::spawn_blocking(make).await.expect("an account");
    let other = bench.vast_with(&stranger.vast_api_key);
    assert_eq!(other.list().await.expect("a list").instances, []);
    assert_eq!(other.get(id).await.expect("an answer"), None);
    assert_eq!(other.destroy(id).await.expect_err("not theirs").class, ErrorClass::NotFound);
    assert!(client.get(id).await.expect("an answer").is_some());
}

#[tokio::test]
async fn under_real_limits_no_call_is_refused_for_its_rate() {
    let bench = Bench::with(|options| options.rate_limits = true).await;
    let vast = Vast::new(&bench.running.url, Limits::published()).expect("a client");
    let key = || SecretString::from(bench.running.credentials.vast_api_key.as_str());
    // Two clients of one account, as two parts of the program have them.
    let (one, two) = (vast.account(key()), vast.account(key()));
    let found = offers(&one, 2).await;
    let (one, two) = (&one, &two);
    let buy = async |client: &VastClient, at: usize, label: &str| {
        client.buy(found[at].id, &create(label)).await
    };
    let (first, second, lists) =
        futures::join!(buy(one, 0, "dumont-t-a"), buy(two, 1, "dumont-t-b"), async {
            for client in [one, two, one] {
                client.list().await?;
            }
            Ok::<_, domain::provider::ProviderError>(())
        });
    let (Bought::Created(a), Bought::Created(b)) =
        (first.expect("bought"), second.expect("bought"));
    lists.expect("lists");
    let (gone_a, gone_b) = futures::join!(one.destroy(a), two.destroy(b));
    gone_a.expect("destroyed");
    gone_b.expect("destroyed");
}

#[tokio::test]
async fn a_wrong_address_is_refused_and_a_silent_one_is_passing() {
    let _bench = Bench::start().await;
    for wrong in ["", "console.vast.ai", "ftp://console.vast.ai", "file:///etc"] {
        assert_eq!(
            VastClient::new(wrong, "k".into()).expect_err(wrong).class,
            ErrorClass::Invalid,
            "{wrong}"
        );
    }
    // A port that was just free.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    let nobody = Vast::new(&format!("http://127.0.0.1:{port}"), Limits::none()).expect("a client");
    let error = nobody.account("secret-key".into()).user().await.expect_err("nobody there");
    assert_eq!(error.class, ErrorClass::Transient);
    assert!(!error.to_string().contains("secret-key"));
}
