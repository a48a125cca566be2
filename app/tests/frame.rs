//! What stands around the pages and in the same words on each: the tab's title and icon, times in the
//! reader's zone, quotations of providers, the names of acts.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod support;

use app::site::Request;
use domain::failover::FailoverState;
use support::plane::Fake;
use support::{get, reply, story};

fn shown(address: &str, lang: &str, plane: &Fake) -> String {
    let request = Request { accept_language: lang.to_owned(), ..get(address) };
    let got = reply(&request, plane);
    assert_eq!(got.status, 200, "{address}");
    got.html
}

#[test]
fn a_providers_sentence_is_quoted_as_theirs_and_shown_once() {
    let error =
        "the standby does not answer: nothing answers SSH there: Connection refused by peer";
    let mut failover = story::failover_running();
    failover.status.state = FailoverState::Waiting;
    failover.status.error = Some(error.to_owned());
    failover.journal.last_mut().expect("a row").error = Some(error.to_owned());
    let plane = Fake { failover, ..Fake::default() };
    for (lang, own) in [("en", "nothing answers SSH there"), ("pt-BR", "nada responde por SSH lá")]
    {
        let html = shown("/app/failovers/0199-now", lang, &plane);
        assert_eq!(html.matches("Connection refused by peer").count(), 1, "{lang}");
        assert_eq!(html.matches(own).count(), 1, "{lang}");
        let quoted = html.split("<q lang=\"en\"").nth(1).expect("a quotation");
        let theirs = quoted.split('>').nth(1).unwrap_or_default();
        assert!(theirs.starts_with("Connection refused by peer"), "{theirs}");
    }
}

#[test]
fn a_drill_or_a_move_is_cancelled_by_its_own_name() {
    use domain::failover::Kind;
    for (kind, asked) in [
        (Kind::Real, "Cancel this failover?"),
        (Kind::Drill, "Cancel this drill?"),
        (Kind::Planned, "Cancel this move?"),
    ] {
        let mut failover = story::failover_running();
        failover.status.kind = kind;
        let plane = Fake { failover, ..Fake::default() };
        assert!(shown("/app/failovers/0199-now/cancel", "en", &plane).contains(asked), "{kind}");
    }
}

#[test]
fn the_report_is_called_what_its_tab_is_called() {
    for (kind, title) in [("real", "Failovers"), ("drill", "Drills"), ("planned", "Moves")] {
        let html = shown(&format!("/app/failovers?kind={kind}"), "en", &Fake::default());
        assert!(html.contains(&format!("<h1>{title}</h1>")), "{kind}");
        assert!(html.contains(&format!("aria-current=\"page\">{title}</a>")), "{kind}");
    }
}
