//! Figures of the whole install for monitoring, read from the database each time they are asked for.
//!
//! Each process that shares a database tells the same. Where the database can't be read the figures are
//! not a number, never the ones before.

use std::time::Instant;

use domain::association::AssociationState;
use domain::failover::{FailoverState, Kind, Wish};
use domain::provider::Provider;
use domain::standby::StandbyState;
use domain::time::Millis;
use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use store::{Figures, Store, Waiting};

/// What kind a metric is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A number that rises and falls.
    Gauge,
    /// A number that only rises.
    Counter,
    /// Spans, seconds.
    Histogram,
}

/// Every metric: its shape, its name, and what it says.
pub const METRICS: &[(Shape, &str, &str)] = &[
    (Shape::Gauge, "dumont_build_info", "1; the version is a label."),
    (Shape::Gauge, "dumont_database_up", "Whether the figures could be read just now."),
    (Shape::Gauge, "dumont_database_read_seconds", "How long reading the figures took."),
    (Shape::Gauge, "dumont_machines", "Protected machines, by what they are doing."),
    (Shape::Gauge, "dumont_standbys", "Standbys, by their state."),
    (Shape::Gauge, "dumont_failovers", "Failovers kept in the journal, by kind and state."),
    (
        Shape::Gauge,
        "dumont_copy_age_seconds_max",
        "Age of the oldest recovery point among machines that run on their GPU; NaN where there is none.",
    ),
    (
        Shape::Gauge,
        "dumont_machines_without_copy",
        "Machines that run on their GPU and were never copied to the end.",
    ),
    (
        Shape::Gauge,
        "dumont_drill_age_seconds_max",
        "Time since the last drill that completed and proved what it restored, of the machine whose last is longest ago; NaN where there is none.",
    ),
    (
        Shape::Gauge,
        "dumont_machines_never_drilled",
        "Machines without a drill that completed and proved what it restored.",
    ),
    (
        Shape::Gauge,
        "dumont_teardowns_open",
        "Instances that shall be stopped or gone and are not known to be, by provider and wish.",
    ),
    (
        Shape::Gauge,
        "dumont_teardown_age_seconds_max",
        "How long the first of them was asked for; 0 where there is none.",
    ),
    (
        Shape::Gauge,
        "dumont_purchases_unclear",
        "Purchases under way, or of which it is not known what became of them.",
    ),
    (
        Shape::Gauge,
        "dumont_purchase_unclear_age_seconds_max",
        "How long ago the first of them was sent; 0 where there is none.",
    ),
    (
        Shape::Gauge,
        "dumont_spending_usd_per_hour",
        "What is rented through this install and not known to be gone.",
    ),
    (
        Shape::Gauge,
        "dumont_credentials_refused",
        "Credentials that a provider refused when they were last tried.",
    ),
    (
        Shape::Counter,
        "dumont_leases_lost_total",
        "Work that this process gave up because its lease was not renewed in time.",
    ),
    (
        Shape::Counter,
        "dumont_provider_requests_total",
        "Calls to providers, each try, by operation and outcome.",
    ),
    (
        Shape::Histogram,
        "dumont_provider_request_seconds",
        "How long providers took to answer, each try.",
    ),
    (
        Shape::Counter,
        "dumont_connections_refused_total",
        "Connections that were closed at once because there were too many.",
    ),
    (Shape::Counter, "dumont_http_requests_total", "Requests, by method, route and status."),
    (
        Shape::Histogram,
        "dumont_http_request_seconds",
        "How long requests took, by method, route and status.",
    ),
];

/// Says what each metric is; once, after the recorder was installed.
pub fn describe() {
    for (shape, name, help) in METRICS {
        match shape {
            Shape::Gauge => describe_gauge!(*name, *help),
            Shape::Counter => describe_counter!(*name, *help),
            Shape::Histogram => describe_histogram!(*name, *help),
        }
    }
    gauge!("dumont_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// Reads the figures and sets the gauges.
pub async fn read(store: &Store, now: Millis) {
    let began = Instant::now();
    let figures = store.figures(now).await;
    gauge!("dumont_database_read_seconds").set(began.elapsed());
    match &figures {
        Ok(_) => gauge!("dumont_database_up").set(1.0),
        Err(error) => {
            tracing::warn!(%error, "the figures can't be read");
            gauge!("dumont_database_up").set(0.0);
        }
    }
    set(figures.ok().as_ref(), now);
}

/// Sets every gauge for every label, so that none keeps what it said before.
fn set(figures: Option<&Figures>, now: Millis) {
    for state in AssociationState::ALL {
        let found = |figures: &Figures| count(&figures.machines, |of| of.0 == *state, |of| of.1);
        gauge!("dumont_machines", "state" => state.as_str()).set(known(figures, found));
    }
    for state in StandbyState::ALL {
        let found = |figures: &Figures| count(&figures.standbys, |of| of.0 == *state, |of| of.1);
        gauge!("dumont_standbys", "state" => state.as_str()).set(known(figures, found));
    }
    for kind in Kind::ALL {
        for state in FailoverState::ALL {
            let found = |figures: &Figures| {
                count(&figures.failovers, |of| (of.0, of.1) == (*kind, *state), |of| of.2)
            };
            gauge!("dumont_failovers", "kind" => kind.as_str(), "state" => state.as_str())
                .set(known(figures, found));
        }
    }
    // One in the future says nothing of an age.
    let past = |at: &Millis| now.since(*at) >= -SKEW_MS;
    let age = |at: Option<Millis>| at.filter(past).map_or(f64::NAN, |at| seconds(now.since(at)));
    gauge!("dumont_copy_age_seconds_max").set(known(figures, |figures| age(figures.copies.oldest)));
    gauge!("dumont_machines_without_copy")
        .set(known(figures, |figures| whole(figures.copies.none)));
    gauge!("dumont_drill_age_seconds_max")
        .set(known(figures, |figures| age(figures.drills.oldest)));
    gauge!("dumont_machines_never_drilled")
        .set(known(figures, |figures| whole(figures.drills.never)));
    for provider in Provider::ALL {
        for wish in Wish::ALL {
            let found = |figures: &Figures| {
                let mut of = figures.teardowns.iter();
                of.find(|of| (of.0, of.1) == (*provider, *wish)).map(|of| of.2)
            };
            let labels =
                [("provider", provider.as_str().to_owned()), ("wish", wish.as_str().to_owned())];
            gauge!("dumont_teardowns_open", &labels).set(known(figures, |all| number(found(all))));
            gauge!("dumont_teardown_age_seconds_max", &labels)
                .set(known(figures, |all| waited(found(all), now)));
        }
        let name = provider.as_str();
        let unclear =
            |figures: &Figures| figures.unclear.iter().find(|of| of.0 == *provider).map(|of| of.1);
        gauge!("dumont_purchases_unclear", "provider" => name)
            .set(known(figures, |all| number(unclear(all))));
        gauge!("dumont_purchase_unclear_age_seconds_max", "provider" => name)
            .set(known(figures, |all| waited(unclear(all), now)));
        let spent = |figures: &Figures| {
            figures.spending.iter().find(|of| of.0 == *provider).map_or(0.0, |of| of.1.usd())
        };
        gauge!("dumont_spending_usd_per_hour", "provider" => name).set(known(figures, spent));
    }
    gauge!("dumont_credentials_refused")
        .set(known(figures, |figures| whole(figures.refused_credentials)));
}

/// By how much clocks may differ, ms.
const SKEW_MS: i64 = 1_000;

fn known(figures: Option<&Figures>, value: impl Fn(&Figures) -> f64) -> f64 {
    figures.map_or(f64::NAN, value)
}

fn count<T>(all: &[T], is: impl Fn(&T) -> bool, many: impl Fn(&T) -> i64) -> f64 {
    all.iter().find(|one| is(one)).map_or(0.0, |one| whole(many(one)))
}

fn number(waiting: Option<Waiting>) -> f64 {
    waiting.map_or(0.0, |waiting| whole(waiting.count))
}

fn waited(waiting: Option<Waiting>, now: Millis) -> f64 {
    waiting.map_or(0.0, |waiting| seconds(now.since(waiting.since)))
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn whole(count: i64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "a span in milliseconds stays far below 2^53")]
fn seconds(ms: i64) -> f64 {
    ms.max(0) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    /// What is told after these figures were read one after the other.
    fn told(all: &[Option<Figures>]) -> String {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            for figures in all {
                set(figures.as_ref(), Millis(10_000));
            }
        });
        recorder.handle().render()
    }

    #[test]
    fn a_copy_of_the_future_has_no_age() {
        let mut figures = Figures::default();
        figures.copies.oldest = Some(Millis(11_000));
        let skewed = told(&[Some(figures.clone())]);
        assert!(skewed.contains("dumont_copy_age_seconds_max 0\n"), "{skewed}");
        figures.copies.oldest = Some(Millis(11_001));
        let back = told(&[Some(figures)]);
        assert!(back.contains("dumont_copy_age_seconds_max NaN\n"), "{back}");
    }

    #[test]
    fn nothing_keeps_what_it_said_before() {
        let before = Figures {
            machines: vec![(AssociationState::Following, 3)],
            teardowns: vec![(
                Provider::Vast,
                Wish::Destroy,
                Waiting { count: 2, since: Millis(4_000) },
            )],
            ..Figures::default()
        };
        let first = told(&[Some(before.clone())]);
        assert!(first.contains("dumont_machines{state=\"following\"} 3\n"), "{first}");
        let age = "dumont_teardown_age_seconds_max{provider=\"vast.ai\",wish=\"destroy\"} 6\n";
        assert!(first.contains(age), "{first}");
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
            lines.sort();
            lines
        };
        let after = told(&[Some(before.clone()), Some(Figures::default())]);
        assert_eq!(sorted(&after), sorted(&told(&[Some(Figures::default())])));

        let away = told(&[Some(before), None]);
        let samples = away.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let known: Vec<&str> = samples.filter(|line| !line.ends_with(" NaN")).collect();
        assert!(known.is_empty() && away.contains("NaN"), "{known:?}");
    }
}
