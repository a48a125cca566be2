//! Monitoring is told what is so, and of nothing else.

use crate::stack::Stack;

/// The value of a sample, by its name and labels as they are written.
fn sample(metrics: &str, name: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_counted_where_it_is_and_every_metric_says_what_it_is() {
    let stack = Stack::start().await;
    let before = stack.metrics().await;
    assert_eq!(sample(&before, "dumont_database_up"), Some(1.0), "{before}");
    assert_eq!(sample(&before, "dumont_machines{state=\"following\"}"), Some(0.0));
    let age = sample(&before, "dumont_copy_age_seconds_max").expect("a sample");
    assert!(age.is_nan(), "no copy has no age");

    stack.protected().await;
    // Words of a stranger's own make no series of their own.
    for word in ["BREW", "Get", "X-1", "AAAAAAAAAAAAAAAAAAAAAAAA"] {
        let method = reqwest::Method::from_bytes(word.as_bytes()).expect("a word");
        let url = format!("{}/login", stack.url);
        let answer = reqwest::Client::new().request(method, url).send().await.expect("an answer");
        assert_eq!(answer.status(), 405, "{word}");
    }
    let metrics = stack.metrics().await;
    let methods: std::collections::BTreeSet<&str> = metrics
        .lines()
        .filter_map(|line| line.split_once("method=\"")?.1.split_once('"'))
        .map(|(method, _)| method)
        .collect();
    assert!(methods.contains("GET") && methods.contains("other"), "{methods:?}");
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
    assert!(methods.iter().all(|method| known.contains(method)), "{methods:?}");
    assert_eq!(sample(&metrics, "dumont_machines{state=\"following\"}"), Some(1.0), "{metrics}");
    assert_eq!(sample(&metrics, "dumont_machines_without_copy"), Some(0.0));
    assert_eq!(sample(&metrics, "dumont_machines_never_drilled"), Some(1.0));
    assert!(sample(&metrics, "dumont_copy_age_seconds_max").is_some_and(|age| age >= 0.0));
    let spent = |provider| {
        let name = format!("dumont_spending_usd_per_hour{{provider=\"{provider}\"}}");
        sample(&metrics, &name).expect("a sample")
    };
    assert!(spent("vast.ai") > 0.0 && spent("gcp") > 0.0);
    let searches = "dumont_provider_requests_total{provider=\"vast.ai\",operation=\"search offers\",outcome=\"ok\"}";
    assert!(sample(&metrics, searches).is_some_and(|count| count >= 1.0), "{metrics}");
    for line in metrics.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let helped = [Some(name), family].into_iter().flatten();
        assert!(
            helped.map(|name| format!("# HELP {name} ")).any(|help| metrics.contains(&help)),
            "{name} says nothing of itself"
        );
    }
}
