//! What holds for every page.

use app::control_plane::Visitor;
use app::site::{Assets, Request};
use domain::view::failover::ActiveFailovers;

use crate::support::plane::Fake;
use crate::support::{get, reply, reply_with, story};
use crate::{shown, words};

pub(crate) const PAGES: &[&str] = &[
    "/app",
    "/app/balance",
    "/app/offers",
    "/app/offers/502",
    "/app/machines/7001",
    "/app/machines/7001/drill",
    "/app/machines/7001/points",
    "/app/machines/7001/points/41",
    "/app/machines/7001/destroy",
    "/app/failovers",
    "/app/failovers/0199-done",
    "/app/failovers/0199-done/cancel",
    "/app/notifications",
    "/app/settings",
    "/app/settings/credentials",
    "/app/settings/account",
    "/app/settings/account/second-factor",
    "/app/settings/audit",
    "/app/settings/people",
    "/app/settings/sharing",
];

#[test]
fn every_page_is_a_whole_document_in_both_languages_with_one_heading() {
    for page in PAGES {
        for (accept, lang) in [("en", "en"), ("pt-BR,pt;q=0.9", "pt-BR")] {
            let request = Request { accept_language: accept.to_owned(), ..get(page) };
            let html = reply(&request, &Fake::default()).html;
            assert!(html.starts_with("<!DOCTYPE html><html lang=\""), "{page}");
            assert!(html.contains(&format!("lang=\"{lang}\"")), "{page}");
            assert_eq!(html.matches("<h1").count(), 1, "{page}");
            assert!(!html.contains("style=\""), "{page} has inline style");
        }
    }
}

#[test]
fn a_part_is_the_content_alone() {
    let part = reply(&Request { part: true, ..get("/app") }, &Fake::default()).html;
    assert!(!part.contains("<html") && part.contains("diffusion-eval"));
    let figure = reply(&Request { part: true, ..get("/app/balance") }, &Fake::default()).html;
    assert!(
        figure.starts_with("<a href=\"/app/balance\"") && figure.contains("$24.47"),
        "{figure}"
    );
    assert_eq!(reply(&Request { part: true, ..get("/app") }, &Fake::nobody()).status, 401);
}

#[test]
fn a_page_has_the_one_script_that_its_policy_knows_and_only_where_it_was_built() {
    let assets = Assets {
        style: Some("/pkg/dumont.1.css".into()),
        islands: Some(("/pkg/dumont.1.js".into(), "/pkg/dumont.1.wasm".into())),
        passkey: Some("/pkg/passkey.1.js".into()),
    };
    let html = reply_with(&get("/app"), &Fake::default(), &assets).html;
    assert!(html.contains("/pkg/dumont.1.css"));
    assert_eq!(html.matches("<script").count(), 1);
    let script = html.split_once("<script").expect("a script").1;
    let script = script.split_once('>').expect("its content").1;
    assert_eq!(script.split_once("</script>").expect("its end").0, app::site::SCRIPT);
    assert!(!shown("/app", &Fake::default()).contains("<script"));
}

#[test]
fn a_sandbox_is_marked_on_every_page() {
    let visitor = Visitor { user: Some(story::user()), empty: false, sandbox: true };
    for page in PAGES {
        // All of it was made against the sandbox, each row too.
        let mut plane = Fake { visitor: visitor.clone(), ..Fake::default() };
        plane.machines.sandbox = true;
        plane.machine.sandbox = true;
        plane.failover.status.sandbox = true;
        plane.report.sandbox = true;
        plane.report.history.iter_mut().for_each(|row| row.sandbox = true);
        plane.notifications.notifications.iter_mut().for_each(|one| one.sandbox = true);
        let mut running = story::failover_running().status;
        running.sandbox = true;
        plane.active = ActiveFailovers { active_count: 1, failovers: vec![running] };
        // Once, in the bar: not on each row.
        assert_eq!(words(&shown(page, &plane)).matches("SANDBOX").count(), 1, "{page}");
        assert!(!words(&shown(page, &Fake::default())).contains("SANDBOX"), "{page}");
    }
}

#[test]
fn what_others_typed_is_never_markup() {
    let mut machines = story::machines();
    machines.machines[0].name = "<script>alert(1)</script>".into();
    machines.stale_error = Some("<img src=x onerror=alert(1)>".into());
    let html = shown("/app", &Fake { machines, ..Fake::default() });
    assert!(!html.contains("<script>alert") && !html.contains("<img"));
}

#[test]
fn an_address_with_nothing_behind_it_is_not_found() {
    let got = reply(&get("/app/nowhere"), &Fake::default());
    assert_eq!(got.status, 404);
    assert!(words(&got.html).contains("There is nothing at this address"));
}
