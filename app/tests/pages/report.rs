//! The report of failovers, drills and moves.

use domain::view::failover::ActiveFailovers;

use crate::support::plane::Fake;
use crate::support::story;
use crate::{shown, words};

#[test]
fn a_long_history_comes_in_pages_and_its_exports_are_complete() {
    let mut report = story::report();
    let like = report.history[0].clone();
    report.history = (0..5_000)
        .map(|n| {
            let mut row = like.clone();
            row.failover_id = domain::id::FailoverId::new(format!("0199-{n:04}"));
            row
        })
        .collect();
    let plane = Fake { report, ..Fake::default() };
    let html = shown("/app/failovers?days=90&cause=outbid&page=100", &plane);
    assert!(words(&html).contains("4,951–5,000 of 5,000"), "{}", words(&html));
    assert!(
        html.contains("0199-4950") && html.contains("0199-4999") && !html.contains("0199-4949")
    );
    let before = "/app/failovers?days=90&amp;kind=real&amp;cause=outbid&amp;page=99";
    assert!(html.contains(&format!("rel=\"prev\" href=\"{before}\"")));
    // Another period, kind or filter begins at its first page, and an export has no pages.
    assert_eq!(html.matches("page=").count(), 1);
}

#[test]
fn the_report_asks_for_one_kind_and_an_empty_one_has_no_figures() {
    let plane = Fake::default();
    shown("/app/failovers?kind=drill&days=7", &plane);
    assert_eq!(plane.acts(), ["report Some(\"drill\") Some(7)"]);
    let mut report = story::report();
    report.total_failovers = 0;
    report.history.clear();
    let text = words(&shown("/app/failovers", &Fake { report, ..Fake::default() }));
    assert!(
        text.contains("No failover in the last 30 days.") && !text.contains("Success rate"),
        "{text}"
    );
}

#[test]
fn headlines_are_medians_and_a_mean_is_called_one() {
    let text = words(&shown("/app/failovers", &Fake::default()));
    for part in ["Time to GPU 78.6 s median · mean 80.1 s · p95 91.8 s", "Time to CPU 3.0 s median"]
    {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    // Without a median there is no headline, whatever the mean is.
    let report = domain::view::report::FailoverReport { mttr_p50_ms: None, ..story::report() };
    let text = words(&shown("/app/failovers", &Fake { report, ..Fake::default() }));
    assert!(text.contains("Time to GPU unknown"), "{text}");
}

#[test]
fn failovers_under_way_are_on_top_of_every_report() {
    let running = story::failover_running().status;
    let active = ActiveFailovers { active_count: 1, failovers: vec![running] };
    let html = shown("/app/failovers?kind=drill", &Fake { active, ..Fake::default() });
    assert!(words(&html).contains("Under way now FAILOVER llama-ft · Provisioning"));
    assert!(html.contains("data-refresh=\"1000\""));
}
