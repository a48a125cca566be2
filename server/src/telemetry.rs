//! Logs and metrics of the process.

use std::io::IsTerminal as _;

use domain::time::Millis;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use store::Store;
use tracing_subscriber::EnvFilter;

use crate::gauges;

/// Upper ends of the histogram of request times, seconds.
const SECONDS: &[f64] =
    &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Sends logs to the standard error stream: words for a terminal, JSON with `DUMONT_LOG_FORMAT=json`.
/// `RUST_LOG` chooses what is logged; `usual` is used where it does not.
pub fn log(usual: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let layer = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second call, in tests, changes nothing.
    let _ = if std::env::var("DUMONT_LOG_FORMAT").as_deref() == Ok("json") {
        layer.json().try_init()
    } else {
        layer.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
}

/// All metrics as they are now, in the text format of Prometheus.
pub async fn told(handle: &PrometheusHandle, store: &Store, now: Millis) -> String {
    gauges::read(store, now).await;
    handle.render()
}

/// Begins to count and gives what can be asked for the counts.
///
/// # Errors
/// It was begun before.
pub fn metrics() -> anyhow::Result<PrometheusHandle> {
    let requests = Matcher::Full("dumont_http_request_seconds".into());
    let providers = Matcher::Full("dumont_provider_request_seconds".into());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(requests, SECONDS)?
        .set_buckets_for_metric(providers, SECONDS)?
        .install_recorder()?;
    gauges::describe();
    Ok(handle)
}
