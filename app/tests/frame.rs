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
use domain::association::{AssociationState, Serving};
use domain::failover::FailoverState;
use domain::verdict::Verdict;
use domain::view::machine::MachineRow;
use support::plane::Fake;
use support::{fields, get, post, reply, story};

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

/// Title and icon of a page.
fn tab(address: &str, lang: &str, plane: &Fake) -> (String, String) {
    let html = shown(address, lang, plane);
    let between = |from: &str, to: &str| {
        let rest = html.split_once(from).expect("a beginning").1;
        rest.split_once(to).expect("an end").0.to_owned()
    };
    let title = between("<title", "</title>");
    let title = title.split_once('>').expect("a title").1.to_owned();
    (title, between("<link rel=\"icon\" href=\"", "\""))
}

fn of_rows(rows: Vec<MachineRow>) -> Fake {
    let mut machines = story::machines();
    machines.machines = rows;
    Fake { machines, ..Fake::default() }
}

#[test]
fn the_tab_tells_the_worst_of_all_machines_in_title_and_icon() {
    let with = |change: fn(&mut MachineRow)| {
        let mut row = story::row();
        change(&mut row);
        row
    };
    let lost = with(|row| {
        row.serving = Serving::None;
        row.verdict = Some(Verdict::ConfirmedLost);
    });
    let stopped = with(|row| {
        row.serving = Serving::None;
        row.verdict = Some(Verdict::Paused);
    });
    // Its failover ended before anything served again; who does not run is judged as paused.
    let stranded = with(|row| {
        row.serving = Serving::None;
        row.verdict = Some(Verdict::Paused);
        row.association.as_mut().unwrap().state = AssociationState::Degraded;
    });
    let switched_off = with(|row| row.verdict = Some(Verdict::Paused));
    let unjudged = with(|row| row.verdict = Some(Verdict::Unknown));
    let frozen = with(|row| row.association.as_mut().unwrap().state = AssociationState::Frozen);
    let without_vm = with(|row| row.association.as_mut().unwrap().cpu_standby = None);
    let mut resting = story::away();
    resting.active = None;
    let mut waiting = story::away();
    waiting.active.as_mut().unwrap().state = FailoverState::Waiting;
    for (rows, words, icon) in [
        (vec![story::row(), stopped], "Machines", "/favicon.svg"),
        (
            vec![story::row(), resting.clone()],
            "◆ 1 on its standby · Machines",
            "/favicon-standby.svg",
        ),
        (
            vec![frozen.clone(), without_vm, resting],
            "▲ 2 need attention · Machines",
            "/favicon-warn.svg",
        ),
        (vec![unjudged], "Machines", "/favicon.svg"),
        (vec![switched_off], "▲ 1 needs attention · Machines", "/favicon-warn.svg"),
        (vec![frozen.clone(), stranded], "✕ 1 urgent · Machines", "/favicon-down.svg"),
        (vec![frozen.clone(), story::away()], "◐ 1 under way · Machines", "/favicon-busy.svg"),
        (vec![story::away(), waiting, lost, frozen], "✕ 2 urgent · Machines", "/favicon-down.svg"),
    ] {
        let (title, shown) = tab("/app", "en", &of_rows(rows));
        assert_eq!(title, format!("{words} · Dumont"));
        assert_eq!(shown, icon, "{words}");
    }
}

#[test]
fn the_tab_of_a_machines_page_tells_of_that_machine_alone() {
    let mut data = story::machine();
    data.row.association.as_mut().unwrap().state = AssociationState::Frozen;
    let mut plane = of_rows(vec![story::away()]);
    plane.machine = data;
    let (title, icon) = tab("/app/machines/7001", "en", &plane);
    assert!(title.starts_with("▲ frozen · "), "{title}");
    assert_eq!(icon, "/favicon-warn.svg");
    // Calm is not told of a page whose machine is calm, whatever the others do.
    plane.machine = story::machine();
    let (title, icon) = tab("/app/machines/7001", "en", &plane);
    assert!(!title.contains('▲') && !title.contains('◐'), "{title}");
    assert_eq!(icon, "/favicon.svg");
    // What renews the page brings it along.
    let part = reply(&Request { part: true, ..get("/app/machines/7001") }, &plane).html;
    assert!(part.contains("data-tab-icon=\"/favicon.svg\""), "{part}");
}

#[test]
fn the_tab_of_a_failover_tells_its_phase_while_it_goes_on() {
    let plane = Fake { failover: story::failover_running(), ..Fake::default() };
    let (title, icon) = tab("/app/failovers/0199-now", "pt-BR", &plane);
    assert!(title.starts_with("◐ Failover: Provisionando · "), "{title}");
    assert_eq!(icon, "/favicon-busy.svg");
}

#[test]
fn times_are_those_of_the_readers_zone_and_the_zone_is_named() {
    let cookies = fields(&[("dumont_zone", "60~1774746000.120~1792890000.60@Europe/Berlin")]);
    let request = Request { cookies, ..get("/app") };
    let html = reply(&request, &Fake::default()).html;
    assert!(html.contains("Times in Europe/Berlin (UTC+"), "{html}");
    assert!(shown("/app", "en", &Fake::default()).contains("Times in UTC"));
}

#[test]
fn the_list_of_acts_has_what_can_be_done_here_and_as_a_page_it_is_links() {
    let plane = Fake::default();
    let list = |address| reply(&Request { part: true, ..get(address) }, &plane).html;
    let here = list("/app/palette?here=/app/machines/7001");
    assert!(here.contains("role=\"combobox\"") && here.contains("role=\"listbox\""));
    for act in ["drill", "failover", "pause-sync", "pause", "destroy"] {
        assert!(here.contains(&format!("data-href=\"/app/machines/7001/{act}\"")), "{act}: {here}");
    }
    for shut in ["resume-sync", "protect", "back-to-gpu", "accept-deletions"] {
        assert!(!here.contains(&format!("/app/machines/7001/{shut}")), "{shut}");
    }
    assert!(here.contains("llama-ft") && here.contains("data-href=\"/docs\""));
    let elsewhere = list("/app/palette?here=https://evil.example/");
    assert!(!elsewhere.contains("/drill"), "{elsewhere}");
    let page = shown("/app/palette", "en", &plane);
    assert!(
        page.contains("<a href=\"/app/offers\">Add a GPU</a>") && !page.contains("role=\"option\"")
    );
}

#[test]
fn shortcuts_of_single_letters_can_be_switched_off() {
    let off =
        reply(&post("/prefs", &[("keys", "off"), ("back", "/app/shortcuts")]), &Fake::default());
    assert_eq!(off.location.as_deref(), Some("/app/shortcuts"));
    assert_eq!(off.cookies, [("dumont_keys", "off".to_owned())]);
    let request = Request { cookies: fields(&[("dumont_keys", "off")]), ..get("/app") };
    assert!(reply(&request, &Fake::default()).html.contains("<body data-keys=\"off\""));
    assert!(!shown("/app", "en", &Fake::default()).contains("data-keys"));
}
