//! What is kept of settled failovers equals what their rows give, for every one of a history as the
//! product makes it.

use domain::failover::Kind;
use domain::report::{Filter, report as summarize};
use domain::view::failover::FailoverStatus;
use domain::view::report::{FailoverReport, ReportQuery};
use measure::fleet::{Size, fill};
use server::service::journal::Rows;
use server::service::{figures, report};
use store::FailoverQuery;

use crate::people::Person;
use crate::world::World;

on_both! {
    figures_that_are_kept_equal_those_of_the_rows,
    nobody_gets_figures_of_another,
}

const SIZE: Size = Size { machines: 6, failovers: 90, days: 60, open: 1 };

async fn figures_that_are_kept_equal_those_of_the_rows(world: World) {
    let (dumont, store) = (&world.dumont, &world.dumont.store);
    let ana = Person::join(&world, "ana").await;
    fill(store, &ana.id, &SIZE, 7, dumont.now()).await.expect("filled");
    let ids = store.failovers().ids(&ana.id, &FailoverQuery::default()).await.expect("listed");
    assert_eq!(ids.len(), 90);

    let first = figures::of(dumont, &ana.id, &ids).await.expect("worked out");
    let again = figures::of(dumont, &ana.id, &ids).await.expect("remembered");
    let mut kept = 0;
    for ((id, first), again) in ids.iter().zip(&first).zip(&again) {
        let rows = Rows::load(dumont, &ana.id, id).await.expect("loaded");
        let anew = FailoverStatus { instances: Vec::new(), ..rows.status(dumont) };
        if anew.completed_at.is_some() {
            assert_eq!(**again, anew, "{id}");
            kept += usize::from(std::sync::Arc::ptr_eq(first, again));
        } else {
            assert!(!std::sync::Arc::ptr_eq(first, again), "{id} goes on and was remembered");
        }
    }
    assert_eq!(kept, 89, "each that is over is worked out once");

    for kind in Kind::ALL {
        let asked =
            ReportQuery { days: Some(90), kind: Some(kind.to_string()), ..ReportQuery::default() };
        let told = report::report(dumont, &ana.id, &asked).await.expect("told");
        let mut anew = Vec::new();
        for id in &ids {
            anew.push(Rows::load(dumont, &ana.id, id).await.expect("loaded").status(dumont));
        }
        let filter = Filter { days: 90, kind: *kind, ..Filter::usual(true) };
        let computed = summarize(&anew, &filter, told.as_of.0);
        assert_eq!(over(&told), over(&computed), "{kind}");
        assert!(told.total_failovers > 0, "{kind}");
        let newest_first = told.history.is_sorted_by(|a, b| a.started_at >= b.started_at);
        assert!(newest_first, "{kind}");
    }
    world.end().await;
}

/// A report without the cost, which rises by the moment for those that go on.
fn over(report: &FailoverReport) -> FailoverReport {
    let mut report = report.clone();
    report.history.retain(|row| row.completed_at.is_some());
    FailoverReport { cost_usd: None, ..report }
}

async fn nobody_gets_figures_of_another(world: World) {
    let (dumont, store) = (&world.dumont, &world.dumont.store);
    let ana = Person::join(&world, "ana").await;
    let bob = Person::join(&world, "bob").await;
    let size = Size { machines: 1, failovers: 4, days: 8, open: 0 };
    fill(store, &ana.id, &size, 1, dumont.now()).await.expect("filled");
    let all = FailoverQuery::default();
    let ids = store.failovers().ids(&ana.id, &all).await.expect("listed");
    assert_eq!(store.failovers().ids(&bob.id, &all).await.expect("listed"), []);
    assert_eq!(store.failovers().among(&bob.id, &ids).await.expect("asked"), []);
    assert_eq!(figures::of(dumont, &bob.id, &ids).await.expect("asked"), []);
    let asked = ReportQuery { days: Some(90), ..ReportQuery::default() };
    let own = report::report(dumont, &ana.id, &asked).await.expect("told");
    assert!(own.total_failovers > 0);
    assert_eq!(figures::of(dumont, &ana.id, &ids).await.expect("asked").len(), 4);
    assert_eq!(figures::of(dumont, &bob.id, &ids).await.expect("asked"), []);
    let theirs = report::report(dumont, &bob.id, &asked).await.expect("told");
    assert_eq!(theirs.total_failovers, 0);
    world.end().await;
}
