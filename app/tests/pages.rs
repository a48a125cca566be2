//! Pages and forms as a browser meets them, with a control plane that tells a made-up story.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

#[path = "pages/second_factor.rs"]
mod second_factor;
mod support;

use app::control_plane::Visitor;
use app::site::{Assets, Request};
use domain::association::Serving;
use domain::failover::{FailoverState, Kind};
use domain::view::failover::{ActiveFailovers, Fate};
use domain::view::standby::HeldDeletions;
use support::plane::{Fake, problem};
use support::{fields, get, post, reply, reply_with, story};

/// The text of a page without its tags.
fn words(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            other if !inside => out.push(other),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shown(address: &str, plane: &Fake) -> String {
    let got = reply(&get(address), plane);
    assert_eq!(got.status, 200, "{address}");
    got.html
}

const PAGES: &[&str] = &[
    "/app",
    "/app/balance",
    "/app/offers",
    "/app/offers/502",
    "/app/machines/7001",
    "/app/machines/7001/drill",
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
];

#[test]
fn an_empty_install_leads_to_its_set_up_and_a_stranger_to_the_login() {
    let empty =
        Fake { visitor: Visitor { user: None, empty: true, sandbox: false }, ..Fake::default() };
    assert_eq!(reply(&get("/app"), &empty).location.as_deref(), Some("/setup"));
    assert_eq!(reply(&get("/login"), &empty).location.as_deref(), Some("/setup"));
    assert_eq!(reply(&get("/setup"), &empty).status, 200);
    for page in PAGES.iter().filter(|page| **page != "/app") {
        let to = reply(&get(page), &Fake::nobody()).location.expect("elsewhere");
        assert!(to.starts_with("/login?next=%2Fapp%2F"), "{page}: {to}");
    }
    assert_eq!(reply(&get("/setup"), &Fake::default()).location.as_deref(), Some("/app"));
}

#[test]
fn a_stranger_can_do_nothing_by_form() {
    let plane = Fake::nobody();
    for path in [
        "/app/machines/7001/destroy",
        "/app/settings",
        "/app/offers/502",
        "/app/settings/account/tokens",
    ] {
        assert_eq!(
            reply(&post(path, &[("x", "1")]), &plane).location.as_deref(),
            Some("/login"),
            "{path}"
        );
    }
    assert!(plane.acts().is_empty());
}

#[test]
fn a_login_leads_back_to_the_page_asked_for_and_never_to_another_site() {
    let form = |next| post("/login", &[("username", "ana"), ("password", " p "), ("next", next)]);
    let plane = Fake::nobody();
    assert_eq!(
        reply(&form("/app/failovers?days=7"), &plane).location.as_deref(),
        Some("/app/failovers?days=7")
    );
    assert_eq!(reply(&form("//evil.example"), &plane).location.as_deref(), Some("/app"));
    assert_eq!(plane.acts(), ["log in ana", "log in ana"]);
}

#[test]
fn a_refused_login_keeps_the_name_and_says_why_with_the_request() {
    let plane = Fake { refusal: Some(problem(401, "wrong_password", &[])), ..Fake::nobody() };
    let got = reply(&post("/login", &[("username", "ana"), ("password", "sesame")]), &plane);
    assert_eq!(got.status, 401);
    assert!(got.html.contains("value=\"ana\"") && !got.html.contains("sesame"));
    let text = words(&got.html);
    assert!(
        text.contains("The name or the password is wrong, or it was tried too often")
            && text.contains("0199req"),
        "{text}"
    );
}

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
fn the_machines_say_where_each_serves_and_what_all_cost() {
    let text = words(&shown("/app", &Fake::default()));
    assert!(text.contains("2 machines on GPU , 1 on its standby since 14:14 UTC ."), "{text}");
    assert!(text.contains("FAILOVER · Provisioning") && text.contains("not protected"), "{text}");
    assert!(text.contains("$1.262 / h"), "{text}");
}

#[test]
fn a_gpu_that_dumont_gets_rid_of_is_no_machine_and_offers_nothing() {
    let mut machines = story::machines();
    machines.machines = vec![story::row(), story::leaving()];
    let page = shown("/app", &Fake { machines, ..Fake::default() });
    let text = words(&page);
    assert!(
        text.contains("1 machine on GPU .") && text.contains("being removed by Dumont"),
        "{text}"
    );
    assert!(!page.contains("/app/machines/7009/protect"));
}

/// A hundred and twenty machines, every third of them on its standby.
fn many_machines() -> Fake {
    let mut machines = story::machines();
    let like = story::row();
    machines.machines = (0..120)
        .map(|n| {
            let mut row = like.clone();
            row.name = format!("Train-{n:03}");
            row.gpu_instance_id = domain::id::GpuId(9_000 + n);
            row.serving = if n % 3 == 0 { Serving::Standby } else { Serving::Gpu };
            row
        })
        .collect();
    Fake { machines, ..Fake::default() }
}

/// The names of machines on a page, in order.
fn named(html: &str) -> Vec<&str> {
    let names = html.split("class=\"name\"").skip(1);
    names.filter_map(|rest| rest.split_once('>')?.1.split_once('<')).map(|(name, _)| name).collect()
}

#[test]
fn many_machines_come_in_pages_that_keep_their_filter_in_the_address() {
    let plane = many_machines();
    let first = shown("/app", &plane);
    assert_eq!((named(&first).len(), named(&first)[0]), (50, "Train-000"));
    assert!(words(&first).contains("1–50 of 120"), "{}", words(&first));
    assert!(first.contains("rel=\"next\" href=\"/app?page=2\""));
    assert!(!first.contains("rel=\"prev\""));
    let last = shown("/app?page=3", &plane);
    assert_eq!((named(&last).len(), named(&last)[0]), (20, "Train-100"));
    assert!(last.contains("rel=\"prev\" href=\"/app?page=2\"") && !last.contains("rel=\"next\""));
    assert_eq!(named(&shown("/app?page=99", &plane)), named(&last));

    let away = shown("/app?on=standby&q=TRAIN-1&page=1", &plane);
    let found = named(&away);
    assert_eq!((found.first(), found.len()), (Some(&"Train-102"), 6), "{found:?}");
    assert!(away.contains("value=\"TRAIN-1\"") && !away.contains("class=\"pager\""));
    // What all of them do and cost is told whatever is shown.
    assert!(words(&away).contains("80 machines on GPU , 40 on their standbys"), "{}", words(&away));
    assert_eq!(named(&shown("/app?q=9007", &plane)), ["Train-007"]);
    let gpu = shown("/app?on=gpu", &plane);
    assert!(gpu.contains("href=\"/app?on=gpu&amp;page=2\""), "{gpu}");
    let none = words(&shown("/app?q=%3Cb%3E", &plane));
    assert!(none.contains("No machine matches") && none.contains("Show all machines"), "{none}");
    let portuguese = Request { accept_language: "pt-BR".to_owned(), ..get("/app?page=2") };
    let text = words(&reply(&portuguese, &plane).html);
    assert!(text.contains("51–100 de 120 Anterior Próxima"), "{text}");
}

#[test]
fn few_machines_have_neither_filter_nor_pages() {
    let html = shown("/app", &Fake::default());
    assert!(!html.contains("name=\"q\"") && !html.contains("class=\"pager\""));
}

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
fn a_cost_that_is_not_known_is_not_added_up() {
    let mut machines = story::machines();
    machines.machines[0].total_dph = None;
    let text = words(&shown("/app", &Fake { machines, ..Fake::default() }));
    assert!(!text.contains("All machines") && text.contains("unknown"), "{text}");
}

#[test]
fn a_provider_that_never_answered_is_not_an_empty_list() {
    let mut machines = story::machines();
    machines.machines.clear();
    let none = words(&shown("/app", &Fake { machines: machines.clone(), ..Fake::default() }));
    assert!(none.contains("No GPU yet"), "{none}");
    machines.as_of = None;
    machines.stale_error = Some("503 service unavailable".into());
    let unknown = words(&shown("/app", &Fake { machines, ..Fake::default() }));
    assert!(unknown.contains("not known") && !unknown.contains("No GPU yet"), "{unknown}");
    assert!(unknown.contains("503 service unavailable"));
}

#[test]
fn the_credit_has_four_states_and_none_of_them_is_a_false_zero() {
    let bar = |balance| {
        let html = reply(
            &Request { part: true, ..get("/app/balance") },
            &Fake { balance, ..Fake::default() },
        )
        .html;
        assert!(!html.contains("0.00"), "{html}");
        words(&html)
    };
    assert_eq!(bar(None), "Credit : --");
    assert!(bar(Some(Ok(story::balance()))).contains("$24.47 19 h left"));
    let mut old = story::balance();
    old.as_of = story::ago(180_000);
    old.stale_error = Some("timed out".into());
    assert!(bar(Some(Ok(old))).contains("as of 3 min ago"));
    let mut low = story::balance();
    low.low = Some(true);
    assert!(bar(Some(Ok(low))).contains("low"));
    let mut untold = story::balance();
    untold.credit = None;
    assert!(bar(Some(Ok(untold))).contains("unknown"));
    assert!(bar(Some(Err(problem(502, "provider_down", &[])))).contains("not readable"));
    assert!(bar(Some(Err(problem(424, "vast_api_key_missing", &[])))).contains("no key"));
}

#[test]
fn an_action_that_is_not_possible_is_disabled_with_its_reason() {
    let open = shown("/app/machines/7001", &Fake::default());
    assert!(open.contains("href=\"/app/machines/7001/drill\""));
    let mut machine = story::machine();
    machine.row = story::away();
    let shut = shown("/app/machines/7002", &Fake { machine, ..Fake::default() });
    assert!(!shut.contains("href=\"/app/machines/7002/drill\""));
    assert!(
        shut.contains("disabled")
            && words(&shut).contains("A failover, drill or move of this machine is under way.")
    );
}

#[test]
fn what_spends_or_destroys_shows_the_money_before_it_is_done() {
    let plane = Fake::default();
    let drill = words(&shown("/app/machines/7001/drill?estimate=1", &plane));
    assert!(drill.contains("12 GPUs on offer") && drill.contains("$0.40 for each hour"), "{drill}");
    let destroy = words(&shown("/app/machines/7001/destroy", &plane));
    assert!(destroy.contains("Stops costing $0.412 / h"), "{destroy}");
    let rent = words(&shown("/app/offers/502", &plane));
    assert!(rent.contains("$0.398 / h · ≈ $290.54 / month"), "{rent}");
    assert!(plane.acts().is_empty(), "looking does nothing");
}

#[test]
fn a_form_that_was_done_leads_to_the_page_that_shows_it() {
    let plane = Fake::default();
    // Form's address, its fields, where it leads.
    type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let table: &[Row<'_>] = &[
        (
            "/app/machines/7001/drill",
            &[("simulate_new_gpu", "on"), ("simulate_restore", "on")],
            "/app/failovers/0199-drill",
        ),
        ("/app/machines/7001/drill", &[("simulate_restore", "on")], "/app/failovers/0199-drill"),
        ("/app/machines/7001/failover", &[("reason", "maintenance")], "/app/failovers/0199-move"),
        ("/app/machines/7001/pause-sync", &[], "/app/machines/7001?said=sync_paused"),
        ("/app/machines/7001/destroy", &[("destroy_standby", "on")], "/app?said=destroying"),
        (
            "/app/offers/502",
            &[("image", "ubuntu"), ("disk_size", "32"), ("standby", "on")],
            "/app/machines/31337?said=rented",
        ),
        ("/app/failovers/0199-done/cancel", &[], "/app/failovers/0199-done?said=cancelling"),
        ("/app/failovers/0199-done/failback", &[], "/app/failovers/0199-back"),
    ];
    for (path, form, to) in table {
        let got = reply(&post(path, form), &plane);
        assert_eq!((got.status, got.location.as_deref()), (303, Some(*to)), "{path}");
    }
    assert_eq!(
        plane.acts(),
        [
            "drill 7001 gpu: true restore: true",
            "drill 7001 gpu: false restore: false",
            "fail over 7001 Some(\"maintenance\")",
            "follow 7001 false",
            "destroy 7001 standby too: true",
            "rent 502 32 GB",
            "cancel 0199-done",
            "fail back 0199-done",
        ]
    );
}

#[test]
fn a_refused_action_asks_again_with_what_was_typed() {
    let plane = Fake { refusal: Some(problem(409, "standby_not_ready", &[])), ..Fake::default() };
    let got = reply(&post("/app/machines/7001/drill", &[("reason", "friday test")]), &plane);
    assert_eq!(got.status, 409);
    let text = words(&got.html);
    assert!(text.contains("Its standby is not ready."), "{text}");
    assert!(got.html.contains("value=\"friday test\""));
    assert!(!got.html.contains("checked"), "boxes without a tick stay without one");
}

#[test]
fn an_offer_that_is_gone_is_said_and_nothing_is_bought() {
    let plane = Fake::default();
    let got = reply(&get("/app/offers/999"), &plane);
    assert_eq!(got.status, 404);
    assert!(words(&got.html).contains("Nothing was bought."));
}

const SETTINGS: [(&str, &str); 12] = [
    ("gcp_zone", "europe-west1-b"),
    ("gcp_machine_type", "e2-small"),
    ("gcp_disk_size", "250"),
    ("sync_interval", "10"),
    ("max_delete_percent", "30"),
    ("silence_seconds", "20"),
    ("keep_lost_minutes", "30"),
    ("max_gpus_per_failover", "5"),
    ("max_usd_per_failover", "50"),
    ("max_gpus_per_day", "100"),
    ("max_usd_per_day", "300"),
    ("max_price", "0,75"),
];

#[test]
fn settings_are_saved_as_typed() {
    let plane = Fake::default();
    let got = reply(&post("/app/settings", &SETTINGS), &plane);
    assert_eq!(got.location.as_deref(), Some("/app/settings?said=saved"));
    let acts = plane.acts();
    let saved = acts.iter().find(|act| act.starts_with("configure")).expect("saved");
    for part in [
        "gcp_disk_size: Some(250)",
        "sync_interval: Some(10)",
        "max_price: Some(Some(0.75))",
        "enabled: false",
        "gcp_spot: Some(false)",
    ] {
        assert!(saved.contains(part), "{part} in {saved}");
    }
}

#[test]
fn settings_without_credentials_are_refused_with_a_link_and_keep_what_was_typed() {
    let refusal = problem(424, "gcp_credentials_missing", &[("gcp_credentials", "missing")]);
    let plane = Fake { refusal: Some(refusal), ..Fake::default() };
    let got = reply(&post("/app/settings", &SETTINGS), &plane);
    assert_eq!(got.status, 424);
    assert!(got.html.contains("href=\"/app/settings/credentials#field-gcp_credentials\""));
    assert!(got.html.contains("value=\"250\"") && got.html.contains("value=\"0,75\""));
    assert!(words(&got.html).contains("needs a Google Cloud service account"));
}

#[test]
fn a_field_that_can_not_be_accepted_says_so_beside_it() {
    let plane = Fake::default();
    let mut typed = SETTINGS.to_vec();
    typed[2] = ("gcp_disk_size", "plenty");
    let got = reply(&post("/app/settings", &typed), &plane);
    assert_eq!(got.status, 422);
    assert!(
        got.html.contains("id=\"field-gcp_disk_size-wrong\"")
            && got.html.contains("aria-invalid=\"true\"")
    );
    assert!(got.html.contains("value=\"plenty\""));
    assert!(!plane.acts().iter().any(|act| act.starts_with("configure")), "nothing was sent");
}

#[test]
fn a_secret_that_was_typed_is_never_shown_again() {
    let plane = Fake {
        refusal: Some(problem(424, "vast_api_key_refused", &[("vast_api_key", "refused")])),
        ..Fake::default()
    };
    let got = reply(&post("/app/settings/credentials", &[("vast_api_key", "topsecret")]), &plane);
    assert_eq!(got.status, 424);
    assert!(!got.html.contains("topsecret"));
    let text = words(&got.html);
    assert!(text.contains("Vast.ai refused") && text.contains("the server's own words"), "{text}");
}

#[test]
fn a_new_token_is_shown_once() {
    let plane = Fake::default();
    let made =
        reply(&post("/app/settings/account/tokens", &[("name", "ci"), ("days", "30")]), &plane);
    assert!(made.html.contains("dumont_sk_shown_once"));
    assert!(!shown("/app/settings/account", &plane).contains("dumont_sk_shown_once"));
}

#[test]
fn language_and_theme_are_kept_by_account_and_browser() {
    let plane = Fake::default();
    let got = reply(&post("/prefs", &[("lang", "pt-BR"), ("back", "/app/failovers")]), &plane);
    assert_eq!(got.location.as_deref(), Some("/app/failovers"));
    assert_eq!(got.cookies, [("dumont_lang", "pt-BR".to_owned())]);
    assert!(plane.acts()[0].contains("locale: Some(Some(\"pt-BR\"))"));
    let wrong = reply(&post("/prefs", &[("theme", "\"><script>"), ("back", "//evil")]), &plane);
    assert!(wrong.cookies.is_empty());
    assert_eq!(wrong.location.as_deref(), Some("/"));
    let dark = Request { cookies: fields(&[("dumont_theme", "dark")]), ..get("/app") };
    assert!(reply(&dark, &plane).html.contains("data-theme=\"dark\""));
}

#[test]
fn a_failover_tells_both_clocks_the_loss_and_every_fate() {
    let text = words(&shown("/app/failovers/0199-done", &Fake::default()));
    for part in [
        "Recovered in 74.2 s. On CPU after 2.9 s, on GPU after 74.2 s. The last 1.1 s of writes were lost, in 3 files.",
        "providers 60.4 s · waiting 0 ms · Dumont 13.8 s, all phases together",
        "Model RTX 3090 RTX 4090",
        "Price $0.310 / h $0.412 / h",
        "Started 2026-09-21 11:15:23 UTC · ended 2026-09-21 11:16:39 UTC",
        "ckpt/step-8812.tmp",
        "old GPU destroyed verified gone",
        "offer 502 is no longer available",
        "Confirmed 1.4 s after the last sign of life.",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

#[test]
fn what_has_not_happened_yet_is_said_to_be_so() {
    let html = shown(
        "/app/failovers/0199-now",
        &Fake { failover: story::failover_running(), ..Fake::default() },
    );
    let text = words(&html);
    assert!(text.contains("Provisioning, for 42.0 s so far. On CPU after 2.9 s."), "{text}");
    assert!(text.contains("to come : Restoring") && text.contains("not yet"), "{text}");
    assert!(html.contains("data-refresh=\"700\""));
    assert!(html.contains("/app/failovers/0199-done/cancel"), "it can be cancelled");
}

#[test]
fn a_drill_says_that_the_gpu_was_not_touched_and_speaks_of_no_loss() {
    let mut failover = story::failover();
    failover.status.kind = Kind::Drill;
    failover.status.sandbox = true;
    let text = words(&shown("/app/failovers/0199-done", &Fake { failover, ..Fake::default() }));
    assert!(
        text.contains("DRILL SANDBOX") && text.contains("the running GPU was not touched"),
        "{text}"
    );
    assert!(!text.contains("writes were lost") && !text.contains("Lost writes"), "{text}");
    assert!(text.contains("would have taken the last 1.1 s of writes, in 3 files."), "{text}");
}

#[test]
fn that_nothing_was_lost_never_stands_beside_a_span_of_lost_writes() {
    let mut failover = story::failover();
    failover.status.kind = Kind::Planned;
    failover.status.rpo_ms = Some(4_567_000);
    failover.status.files_lost = Some(Vec::new());
    let page = |failover: domain::view::failover::FailoverPage| {
        words(&shown("/app/failovers/0199-done", &Fake { failover, ..Fake::default() }))
    };
    let text = page(failover.clone());
    assert!(text.contains("No write was lost.") && text.contains("Lost writes none"), "{text}");
    assert!(!text.contains("1 h 16 m"), "{text}");
    failover.status.files_lost = None;
    let text = page(failover);
    assert!(!text.contains("No write was lost"), "{text}");
    assert!(text.contains("is not known"), "{text}");
}

#[test]
fn a_failover_that_stays_on_the_standby_offers_the_way_back() {
    let mut failover = story::failover();
    failover.status.state = FailoverState::Failed;
    failover.status.success = Some(false);
    failover.status.total_time_ms = None;
    failover.status.error = Some("no credit".into());
    failover.status.instances[2].fate = Fate::Unknown;
    let html = shown("/app/failovers/0199-done", &Fake { failover, ..Fake::default() });
    assert!(html.contains("/app/failovers/0199-done/failback"));
    let text = words(&html);
    assert!(
        text.contains("no credit") && text.contains("not known") && text.contains("not reached"),
        "{text}"
    );
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
fn failovers_under_way_are_on_top_of_every_report() {
    let running = story::failover_running().status;
    let active = ActiveFailovers { active_count: 1, failovers: vec![running] };
    let html = shown("/app/failovers?kind=drill", &Fake { active, ..Fake::default() });
    assert!(words(&html).contains("Under way now FAILOVER llama-ft · Provisioning"));
    assert!(html.contains("data-refresh=\"1000\""));
}

#[test]
fn a_sandbox_is_marked_on_every_page() {
    let visitor = Visitor { user: Some(story::user()), empty: false, sandbox: true };
    for page in PAGES {
        let plane = Fake { visitor: visitor.clone(), ..Fake::default() };
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
fn a_machine_that_serves_nowhere_says_so() {
    let mut machine = story::machine();
    machine.row.serving = Serving::None;
    let text = words(&shown("/app/machines/7001", &Fake { machine, ..Fake::default() }));
    assert!(text.contains("Not running."), "{text}");
}

#[test]
fn an_address_with_nothing_behind_it_is_not_found() {
    let got = reply(&get("/app/nowhere"), &Fake::default());
    assert_eq!(got.status, 404);
    assert!(words(&got.html).contains("There is nothing at this address"));
}

/// A line for each tag, so that a change is read as such.
fn lines(html: &str) -> String {
    html.replace('<', "\n<")
}

#[test]
fn each_component_looks_as_it_did() {
    let html = shown("/app/_kit", &Fake::default());
    let main = html.split("<main").nth(1).and_then(|rest| rest.split("</main>").next());
    insta::assert_snapshot!("kit", lines(main.expect("the content")));
}

#[test]
fn notifications_are_told_in_words_marked_where_unread_and_lead_to_what_they_are_about() {
    let html = shown("/app/notifications", &Fake::default());
    let text = words(&html);
    for part in [
        "3 unread",
        "The credit is low: $0.31 is left, and an hour of the dearest machine costs $0.41.",
        "The failover of llama-ft is complete: it is on a GPU again. On CPU after 2.9 s, on GPU after 74.2 s.",
        "Failover of llama-ft waits: no GPU on offer fits the rules.",
        "it would have deleted 1,200 of 3,310 files",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    assert_eq!(html.matches("class=\"notification ").count(), 8);
    // A shape, a word and a colour.
    assert_eq!(html.matches("class=\"badge busy\"").count(), 3, "{html}");
    let classes =
        html.split("class=\"notification ").skip(1).filter_map(|rest| rest.split('"').next());
    assert_eq!(classes.filter(|class| class.ends_with(" unread")).count(), 3);
    assert!(html.contains("href=\"/app/notifications?before=37\""));
    let portuguese = Request { accept_language: "pt-BR".into(), ..get("/app/notifications") };
    let text = words(&reply(&portuguese, &Fake::default()).html);
    assert!(text.contains("3 não lidas") && text.contains("O crédito está baixo"), "{text}");
}

#[test]
fn following_a_notification_reads_it_and_leads_on() {
    let plane = Fake::default();
    for (id, to) in
        [(60, "/app/balance"), (57, "/app/failovers/0199-done"), (40, "/app/machines/7001")]
    {
        let got = reply(&get(&format!("/app/notifications/{id}")), &plane);
        assert_eq!((got.status, got.location.as_deref()), (303, Some(to)), "{id}");
    }
    assert_eq!(plane.acts(), ["read 60", "read 57", "read 40"]);
    assert_eq!(reply(&get("/app/notifications/999"), &plane).status, 404);
    let all = reply(&post("/app/notifications/read-all", &[]), &plane);
    assert_eq!(all.location.as_deref(), Some("/app/notifications"));
    reply(&get("/app/notifications/read-all"), &plane);
    let acts = plane.acts();
    assert_eq!(acts.iter().filter(|act| *act == "read all").count(), 1, "only a form does it");
}

#[test]
fn opening_a_failover_reads_what_was_told_of_it() {
    let plane = Fake::default();
    shown("/app/failovers/0199-done", &plane);
    assert_eq!(plane.acts(), ["read those of 0199-done"]);
}

#[test]
fn the_bell_counts_what_is_unread_and_says_so_in_words() {
    let bell = |unread_count| {
        let told =
            domain::view::notification::Notifications { unread_count, ..story::notifications() };
        let plane = Fake { notifications: told, ..Fake::default() };
        let part = Request { part: true, ..get("/app/notifications/bell") };
        words(&reply(&part, &plane).html)
    };
    assert_eq!(bell(3), "Notifications : 3 unread 3");
    assert_eq!(bell(0), "Notifications : All are read.");
    assert_eq!(bell(250), "Notifications : 250 unread 99+");
    let page = shown("/app", &Fake::default());
    assert!(page.contains("class=\"bell\"") && words(&page).contains("3 unread"));
    assert!(!reply(&get("/login"), &Fake::nobody()).html.contains("class=\"bell\""));
}

#[test]
fn a_toast_is_one_sentence_with_a_way_on_and_a_way_off_and_nothing_once_read() {
    let part = |id| {
        let request = Request { part: true, ..get(&format!("/app/notifications/{id}")) };
        reply(&request, &Fake::default())
    };
    let told = part(57);
    assert_eq!(told.status, 200);
    assert!(told.html.contains("class=\"toast ok\"") && told.html.contains("data-dismiss"));
    assert!(told.html.contains("href=\"/app/notifications/57\""));
    assert!(
        words(&told.html).starts_with("FAILOVER The failover of llama-ft is complete"),
        "{}",
        words(&told.html)
    );
    let read = part(52);
    assert!(read.status == 200 && !read.html.contains("<div"), "{}", read.html);
}

#[test]
fn without_notifications_the_page_says_what_will_be_there() {
    let plane = Fake { notifications: Default::default(), ..Fake::default() };
    let html = shown("/app/notifications", &plane);
    let text = words(&html);
    assert!(text.contains("Nothing has happened yet") && text.contains("Lost GPUs"), "{text}");
    assert!(!html.contains("read-all"), "there is nothing to mark");
}

#[test]
fn a_restore_shows_what_is_moved_how_fast_and_how_long_it_takes_and_a_failover_without_none() {
    let plane = Fake { failover: story::failover_restoring(), ..Fake::default() };
    let html = shown("/app/failovers/0199-now", &plane);
    let text = words(&html);
    let told = "1,204 of 3,310 files · 1.2 GB of 4.8 GB · 84.0 MB / s · about 42 s left";
    assert!(text.contains(told), "{text}");
    assert!(html.contains("<progress") && html.contains("value=\"1200000000\""), "{html}");
    assert!(!shown("/app/failovers/0199-done", &Fake::default()).contains("<progress"));
}

#[test]
fn what_needs_the_password_again_shows_the_question_instead_of_the_form() {
    let plane = Fake { confirmed: false, ..Fake::default() };
    for (path, form) in [
        ("/app/settings/account", "action=\"/app/settings/account/tokens\""),
        ("/app/settings/credentials", "name=\"vast_api_key\""),
    ] {
        assert!(!shown(path, &plane).contains(form), "{path}");
        assert!(shown(path, &plane).contains("action=\"/app/settings/confirm\""), "{path}");
        assert!(shown(path, &Fake::default()).contains(form), "{path}");
    }
    let sent = post("/app/settings/confirm", &[("password", "x"), ("next", "//evil.example")]);
    let got = reply(&sent, &plane);
    assert_eq!(got.location.as_deref(), Some("/app/settings/account"));
}

#[test]
fn a_token_lasts_for_ever_only_where_that_was_chosen() {
    for (days, word) in [("", "false"), ("nonsense", "false"), ("90", "false"), ("0", "true")] {
        let plane = Fake::default();
        reply(&post("/app/settings/account/tokens", &[("name", "ci"), ("days", days)]), &plane);
        let done = plane.acts().join(" ");
        assert!(done.contains(&format!("for ever {word}")), "{days}: {done}");
    }
}

#[test]
fn the_audit_log_says_what_with_what_and_what_came_of_it() {
    let plane = Fake::default();
    let text = words(&shown("/app/settings/audit", &plane));
    for word in ["Drill started", "training script", "203.0.113.50", "refused", "wrong_password"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let logins = words(&shown("/app/settings/audit?area=access", &plane));
    assert!(logins.contains("Logged in") && !logins.contains("Drill started"), "{logins}");
    let older = shown("/app/settings/audit?area=access", &plane);
    assert!(older.contains("/app/settings/audit?area=access&amp;before=audit-x"), "{older}");
}

/// The story's machine, changed.
fn machine(change: impl FnOnce(&mut domain::view::machine::MachinePage)) -> Fake {
    let mut machine = story::machine();
    change(&mut machine);
    Fake { machine, ..Fake::default() }
}

#[test]
fn a_standby_that_is_being_made_is_not_called_one_that_follows() {
    let plane = machine(|page| {
        let tie = page.row.association.as_mut().unwrap();
        tie.cpu_standby.as_mut().unwrap().status = domain::standby::StandbyState::Booting;
    });
    let text = words(&shown("/app/machines/7001", &plane));
    assert!(!text.contains("the standby follows."), "{text}");
    assert!(text.contains("its standby could not take over now"), "{text}");
}

#[test]
fn a_machine_on_its_standby_says_where_to_log_in_and_leads_back_to_a_gpu() {
    let plane = machine(|page| {
        page.row = story::away();
        page.row.active = None;
        let tie = page.row.association.as_mut().unwrap();
        tie.state = domain::association::AssociationState::OnStandby;
    });
    let html = shown("/app/machines/7002", &plane);
    let vm = plane.machine.row.association.as_ref().unwrap().cpu_standby.clone().unwrap();
    let login = format!("ssh -p {} root@{}", vm.ssh_port.unwrap(), vm.ip.unwrap());
    let first = html.find("ssh -p").expect("a command");
    assert!(html[first..].starts_with(&login), "{}", &html[first..first + 60]);
    assert!(html.contains("/app/machines/7002/back-to-gpu"));
    assert!(!html.contains("/app/machines/7002/failover"), "that would be refused");
    let to = reply(&post("/app/machines/7002/back-to-gpu", &[]), &plane).location;
    assert_eq!(to.as_deref(), Some("/app/failovers/0199-back"));
    assert_eq!(plane.acts(), ["back to gpu 7002"]);
}

#[test]
fn a_failover_that_waits_says_for_what_until_when_and_can_be_tried_now() {
    let plane = machine(|page| {
        page.row = story::away();
        let active = page.row.active.as_mut().unwrap();
        active.state = FailoverState::Waiting;
        active.waits = Some("no offer fits".into());
        active.retry_at = Some(domain::view::Time(story::NOW.plus(30_000)));
    });
    let html = shown("/app/machines/7002", &plane);
    assert!(words(&html).contains("Tries again by itself at"), "{}", words(&html));
    assert!(html.contains("action=\"/app/failovers/0199-now/retry\""));
    assert_eq!(reply(&post("/app/failovers/0199-now/retry", &[]), &plane).status, 303);
    assert_eq!(plane.acts(), ["retry 0199-now"]);
}

fn frozen() -> Fake {
    machine(|page| {
        let tie = page.row.association.as_mut().unwrap();
        tie.state = domain::association::AssociationState::Frozen;
        tie.reason = story::held().reason;
        tie.deletions = Some(27);
    })
}

#[test]
fn the_deletions_that_froze_a_copy_are_reviewed_by_name_and_resuming_accepts_none() {
    let plane = frozen();
    let html = shown("/app/machines/7001", &plane);
    assert!(html.contains("/app/machines/7001/accept-deletions"));
    assert!(words(&html).contains("Review 27 deletions"), "{}", words(&html));
    let asked = shown("/app/machines/7001/accept-deletions", &plane);
    let text = words(&asked);
    for told in ["27 files", "1 folder", "5.4 MB", "runs/", "200 kB", "and 26 more"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!asked.contains('\u{202e}') && !asked.contains("<b>"), "names are shown, not obeyed");
    let digest = story::held().digest.unwrap();
    let field = format!("name=\"digest\" value=\"{digest}\"");
    assert_eq!(asked.matches(&field).count(), 2, "both answers are about what is shown");
    assert_eq!(reply(&post("/app/machines/7001/resume-sync", &[]), &plane).status, 303);
    let form = [("digest", digest.as_str())];
    for act in ["accept-deletions", "restore-deletions"] {
        let to = reply(&post(&format!("/app/machines/7001/{act}"), &form), &plane);
        assert_eq!(to.status, 303);
    }
    let wanted = [
        "follow 7001 true".to_owned(),
        format!("accept Some({digest:?}) 7001"),
        format!("restore {digest} 7001"),
    ];
    assert_eq!(plane.acts(), wanted);
}

#[test]
fn deletions_that_changed_meanwhile_are_shown_again_and_not_made() {
    let plane = Fake { refusal: Some(problem(409, "other_deletions", &[])), ..frozen() };
    let form = [("digest", "what was shown")];
    let again = reply(&post("/app/machines/7001/accept-deletions", &form), &plane);
    assert_eq!(again.status, 409);
    let html = again.html;
    assert!(words(&html).contains("look at the list again"), "{}", words(&html));
    assert!(html.contains(&story::held().digest.unwrap()), "the new list");
    assert_eq!(plane.acts(), Vec::<String>::new());
}

#[test]
fn a_copy_that_is_frozen_without_a_list_is_looked_at_anew_and_nothing_is_accepted() {
    let mut plane = frozen();
    plane.held =
        HeldDeletions { digest: None, files: 0, listed: Vec::new(), more: 0, ..story::held() };
    plane.machine.row.association.as_mut().unwrap().deletions = None;
    let asked = shown("/app/machines/7001/accept-deletions", &plane);
    assert!(words(&asked).contains("Look again") && !asked.contains("name=\"digest\""));
    assert!(!asked.contains("restore-deletions"));
    assert_eq!(reply(&post("/app/machines/7001/accept-deletions", &[]), &plane).status, 303);
    assert_eq!(plane.acts(), ["accept None 7001"]);
}

#[test]
fn leaving_a_gpu_at_once_asks_no_provider_first() {
    let told = "asked the market";
    let plane = Fake { dry_run: Err(problem(502, told, &[])), ..Fake::default() };
    let text = words(&shown("/app/machines/7001/failover", &plane));
    assert!(!text.contains("is not known now") && !text.contains(told), "{text}");
    let words_of_failure = words(&shown("/app/machines/7001/drill", &plane));
    assert_ne!(text, words_of_failure);
}

#[test]
fn those_in_trouble_come_first() {
    let mut frozen = story::row();
    frozen.association.as_mut().unwrap().state = domain::association::AssociationState::Frozen;
    let mut waiting = story::away();
    waiting.active.as_mut().unwrap().state = FailoverState::Waiting;
    let order = [waiting, frozen, story::away(), story::row(), story::bare(), story::leaving()];
    let ranks: Vec<u8> = order.iter().map(domain::view::machine::MachineRow::rank).collect();
    assert!(ranks.windows(2).all(|pair| pair[0] < pair[1]), "{ranks:?}");
}

#[test]
fn a_machine_that_nothing_else_helps_is_given_up_by_its_name() {
    let waiting = machine(|page| {
        page.row = story::away();
        page.row.active.as_mut().unwrap().state = FailoverState::Waiting;
    });
    let html = shown("/app/machines/7002", &waiting);
    assert!(html.contains("href=\"/app/machines/7002/discard\""), "while its failover waits");
    let asked = shown("/app/machines/7002/discard", &waiting);
    assert!(words(&asked).contains(&format!("Type {} to confirm", waiting.machine.row.name)));
    assert!(asked.contains("name=\"name\"") && asked.contains("required"));
    let form = [("name", "diffusion-eval")];
    assert_eq!(reply(&post("/app/machines/7002/discard", &form), &waiting).status, 303);
    assert_eq!(waiting.acts(), ["discard 7002 diffusion-eval"]);
    let html = shown("/app/machines/7001", &machine(|_| {}));
    assert!(!html.contains("/discard"), "on its GPU there are better ways");
    let going = machine(|page| {
        page.row = story::away();
        page.row.active = None;
        page.row.association.as_mut().unwrap().state =
            domain::association::AssociationState::Deleting;
    });
    assert!(!shown("/app/machines/7002", &going).contains("href=\"/app/machines/7002/discard\""));
}

#[test]
fn the_age_of_the_copy_is_one_figure_in_one_wording_and_never_zero_unasked() {
    let aged = |seconds: Option<f64>, serving: Serving| {
        machine(|page| {
            page.row.serving = serving;
            let tie = page.row.association.as_mut().unwrap();
            (tie.lag_seconds, tie.serving) = (seconds, serving);
            let before = seconds.map(|seconds| story::NOW.plus((seconds * -1_000.0) as i64));
            tie.recovery_point_at = before.map(domain::view::Time);
        })
    };
    let plane = aged(Some(27.2), Serving::Gpu);
    let page = words(&shown("/app/machines/7001", &plane));
    // In the figures on top, beside the standby, in the sync's own card.
    assert_eq!(page.matches("The copy is 28 s old").count(), 3, "{page}");
    assert!(words(&shown("/app/machines/7001/failover", &plane)).contains("The copy is 28 s old"));
    let mut list = Fake { machines: story::machines(), ..Fake::default() };
    list.machines.machines[0] = plane.machine.row.clone();
    assert!(words(&shown("/app", &list)).contains("is 28 s old"));
    for path in ["/app/machines/7001", "/app/machines/7001/failover"] {
        let nothing = words(&shown(path, &aged(None, Serving::Gpu)));
        assert!(nothing.contains("The copy is not made yet"), "{nothing}");
        let just_now = words(&shown(path, &aged(Some(0.0), Serving::Gpu)));
        assert!(just_now.contains("The copy is 1 s old"), "{just_now}");
    }
    let away = words(&shown("/app/machines/7001", &aged(None, Serving::Standby)));
    assert!(away.contains("The copy is in use"), "{away}");
}

#[test]
fn a_gpu_that_nothing_stands_in_for_does_not_look_calm() {
    use domain::association::AssociationState::{Degraded, FirstSync, Frozen, Paused};
    let calm = words(&shown("/app/machines/7001", &machine(|_| {})));
    assert!(!calm.contains("at risk"), "{calm}");
    for state in [Degraded, Frozen, Paused, FirstSync] {
        let plane = machine(|page| page.row.association.as_mut().unwrap().state = state);
        let html = shown("/app/machines/7001", &plane);
        assert!(words(&html).contains("on GPU, at risk"), "{state}");
        let mut list = Fake { machines: story::machines(), ..Fake::default() };
        list.machines.machines = vec![plane.machine.row.clone()];
        let all = words(&shown("/app", &list));
        assert!(all.contains("1 machine on GPU at risk"), "{all}");
    }
    let ill = machine(|page| {
        let tie = page.row.association.as_mut().unwrap();
        tie.cpu_standby.as_mut().unwrap().status = domain::standby::StandbyState::Preempted;
    });
    assert!(words(&shown("/app/machines/7001", &ill)).contains("at risk"));
}

#[test]
fn readiness_is_told_with_its_age_wherever_it_is_told() {
    let plane = machine(|page| {
        let found = page.readiness.as_mut().unwrap();
        found.as_of = domain::view::Time(story::NOW.plus(-12_000));
        found.ready = false;
        found.checks[0].ok = false;
    });
    for path in ["/app/machines/7001", "/app/machines/7001/failover", "/app/machines/7001/drill"] {
        let text = words(&shown(path, &plane));
        assert!(text.contains("Checked 12 s ago"), "{path}: {text}");
    }
}

#[test]
fn while_a_failover_goes_on_its_progress_takes_the_place_of_readiness() {
    let plane = machine(|page| {
        page.row = story::away();
        page.failover = Some(domain::view::failover::FailoverStatus {
            progress: story::failover().status.progress,
            ..story::failover().status
        });
    });
    let text = words(&shown("/app/machines/7002", &plane));
    assert!(text.contains("How far it is") && !text.contains("If the GPU died now"), "{text}");
    let plane = machine(|_| {});
    assert!(words(&shown("/app/machines/7001", &plane)).contains("If the GPU died now"));
}

#[test]
fn a_failover_that_finds_no_offer_names_what_comes_nearest_and_the_rule_that_each_breaks() {
    use domain::notification::Wait;
    use domain::offer::{NearMiss, Rule};
    let waits = |wait: Wait, nearest: Vec<NearMiss>| {
        machine(|page| {
            page.row = story::away();
            let active = page.row.active.as_mut().unwrap();
            active.state = FailoverState::Waiting;
            active.waits = Some("no offer fits".into());
            active.waits_for = Some(wait);
            active.retry_at = Some(domain::view::Time(story::NOW.plus(29_100)));
            active.searched_at = Some(domain::view::Time(story::NOW.plus(-4_000)));
            active.nearest = nearest;
        })
    };
    let near = NearMiss {
        gpu_name: "RTX 4090".into(),
        num_gpus: 2,
        geolocation: Some("Texas, US".into()),
        usd_per_hour: 0.92,
        reliability: 0.99,
        breaks: vec![Rule::Price, Rule::Region],
    };
    let html = shown("/app/machines/7002", &waits(Wait::Offer, vec![near]));
    let text = words(&html);
    assert!(text.contains("2 × RTX 4090") && text.contains("Texas, US"), "{text}");
    assert!(text.contains("above the price cap, outside the countries of the rules"), "{text}");
    assert!(text.contains("searched 4 s ago"), "{text}");
    assert!(html.contains("data-left=\"29100\"") && text.contains("0:30"), "{html}");
    let credit = shown("/app/machines/7002", &waits(Wait::Credit, Vec::new()));
    assert!(
        credit.contains("https://cloud.vast.ai/billing/") && !words(&credit).contains("nearest")
    );
    let key = shown("/app/machines/7002", &waits(Wait::Credentials, Vec::new()));
    assert!(key.contains("href=\"/app/settings/credentials\""));
}

#[test]
fn the_drill_is_asked_for_at_once_and_its_estimate_comes_later() {
    let slow = "asked the market";
    let plane = Fake { dry_run: Err(problem(502, slow, &[])), ..machine(|_| {}) };
    let asked = shown("/app/machines/7001/drill", &plane);
    let text = words(&asked);
    assert!(text.contains("being asked") && !text.contains("can't be told"), "{text}");
    assert!(asked.contains("data-fill=\"/app/machines/7001/drill?estimate=1\""), "{asked}");
    let later = words(&shown("/app/machines/7001/drill?estimate=1", &machine(|_| {})));
    assert!(later.contains("$") && !later.contains("being asked"), "{later}");
    let none = words(&shown("/app/machines/7001/drill?estimate=1", &plane));
    assert!(!none.contains("being asked"), "{none}");
}

#[test]
fn only_the_administrator_is_led_to_people_and_a_link_is_shown_once() {
    let plane = Fake::default();
    assert!(shown("/app/settings/account", &plane).contains("href=\"/app/settings/people\""));
    let page = shown("/app/settings/people", &plane);
    for state in ["open", "accepted", "revoked", "expired"] {
        assert!(page.contains(&format!("note of {state}")), "{state}");
    }
    // What is over can't be taken back.
    assert_eq!(page.matches("action=\"/app/settings/people/revoke\"").count(), 1);
    let sent = post("/app/settings/people/invite", &[("note", "bob"), ("days", "3")]);
    let made = reply(&sent, &plane);
    assert!(made.status == 200 && made.html.contains("/join#code-shown-once"));
    let sent = post("/app/settings/people/reset-link", &[("id", "user-bob")]);
    assert!(reply(&sent, &plane).html.contains("/reset#code-shown-once"));
    assert!(!shown("/app/settings/people", &plane).contains("code-shown-once"));
    assert_eq!(plane.acts(), ["invite Some(\"bob\") for Some(3) days", "reset link for user-bob"]);
    // Without the password of a moment ago there is the question and no form.
    let plane = Fake { confirmed: false, ..Fake::default() };
    let page = shown("/app/settings/people", &plane);
    assert!(page.contains("action=\"/app/settings/confirm\""));
    assert!(!page.contains("people/invite") && !page.contains("people/reset-link"));
    let mut member = Fake::default();
    if let Some(user) = &mut member.visitor.user {
        user.role = domain::access::AccountRole::Member;
    }
    assert!(!shown("/app/settings/account", &member).contains("/app/settings/people"));
}

#[test]
fn a_link_leads_in_without_a_login_and_its_code_is_asked_for_on_the_page() {
    let plane = Fake::nobody();
    for path in ["/join", "/reset"] {
        let page = shown(path, &plane);
        assert_eq!(page.matches("data-code").count(), 1, "{path}");
        assert_eq!(page.matches("<h1").count(), 1, "{path}");
    }
    let joined = post(
        "/join",
        &[("code", " c0de "), ("email", "bob@x.y"), ("username", "bob"), ("password", " p ")],
    );
    let got = reply(&joined, &plane);
    assert_eq!(got.location.as_deref(), Some("/app/settings/credentials"));
    let sent = post("/reset", &[("code", "c0de"), ("new_password", " p ")]);
    assert_eq!(reply(&sent, &plane).location.as_deref(), Some("/login?said=reset"));
    assert_eq!(plane.acts(), ["join c0de bob \" p \"", "reset c0de \" p \""]);
    assert!(words(&shown("/login?said=reset", &plane)).contains("The password is replaced"));
    // What was typed stays, the password does not, and the field says what is wrong.
    let plane = Fake { refusal: Some(problem(422, "invalid", &[("code", "no_link")])), ..plane };
    let got = reply(&joined, &plane);
    assert_eq!(got.status, 422);
    assert!(got.html.contains("value=\"c0de\"") && got.html.contains("value=\"bob\""));
    assert!(words(&got.html).contains("Ask for a new one") && !got.html.contains("\" p \""));
}

#[test]
fn a_host_key_that_another_place_shows_is_said_with_where() {
    let mut plane = Fake::default();
    let bare = shown("/app/machines/7001", &plane);
    assert!(!words(&bare).contains("same SSH host key"));
    let tie = plane.machine.row.association.as_mut().expect("protected");
    tie.host_key_shared = vec![domain::host_key::SharedHostKey {
        side: domain::host_key::HostSide::Gpu,
        association_id: domain::id::AssociationId::new("tie-7002"),
        gpu_instance_id: domain::id::GpuId(7_002),
        name: "<b>other".into(),
        other_side: domain::host_key::HostSide::Standby,
    }];
    let html = shown("/app/machines/7001", &plane);
    assert!(words(&html).contains("Another place shows the same SSH host key"));
    assert!(words(&html).contains("the GPU here and the standby of"));
    assert!(html.contains("href=\"/app/machines/7002\""));
    assert!(!html.contains("<b>other"), "a name is text");
}
