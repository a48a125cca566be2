//! What can be done with a machine: asked first, done once, refused with a reason.

use app::site::Request;
use domain::failover::FailoverState;

use crate::support::plane::{Fake, problem};
use crate::support::{get, post, reply, story};
use crate::{machine, shown, words};

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
fn a_move_promises_no_gpu_where_none_would_be_bought() {
    for (lang, gpu, standby) in [
        ("en", "Move to another GPU", "Move to the CPU standby"),
        ("pt-BR", "Mudar para outra GPU", "Mudar para o standby de CPU"),
    ] {
        for buys in [true, false] {
            let plane = machine(|page| page.auto_recovery = buys);
            let (said, unsaid) = if buys { (gpu, standby) } else { (standby, gpu) };
            for page in [
                "/app/machines/7001",
                "/app/machines/7001/failover",
                "/app/palette?here=/app/machines/7001",
            ] {
                let request = Request { accept_language: lang.to_owned(), ..get(page) };
                let text = words(&reply(&request, &plane).html);
                assert!(text.contains(said) && !text.contains(unsaid), "{page}: {text}");
            }
        }
    }
    let plane = machine(|page| page.auto_recovery = false);
    let asked = words(&shown("/app/machines/7001/failover", &plane));
    assert!(
        asked.contains("no GPU is bought") && asked.contains("goes on being billed"),
        "{asked}"
    );
}

/// The address that a page's confirmation leads back to.
fn back(html: &str) -> String {
    let place = html.split_once("name=\"next\" value=\"").expect("a confirmation").1;
    place.split_once('"').expect("its end").0.replace("&amp;", "&")
}

fn lapsed() -> Fake {
    Fake {
        confirmed: false,
        factor: crate::support::access::factor(),
        refusal: Some(problem(403, "confirmation_needed", &[])),
        ..Fake::default()
    }
}

#[test]
fn what_was_typed_comes_back_after_a_confirmation_that_stood_in_the_way() {
    // A rental: with its search, and the box that was not ticked.
    let typed = [
        ("search", "gpu_name=RTX%204090"),
        ("label", "a & b #1"),
        ("image", "ubuntu:24.04"),
        ("disk_size", "77"),
    ];
    let asked = reply(&post("/app/offers/502", &typed), &lapsed());
    assert_eq!(asked.status, 403);
    let place = back(&asked.html);
    assert!(place.starts_with("/app/offers/502?gpu_name=RTX%204090&"), "{place}");
    let sent = post("/app/settings/confirm", &[("password", "x"), ("next", &place)]);
    assert_eq!(reply(&sent, &Fake::default()).location.as_deref(), Some(place.as_str()));
    let again = reply(&decoded(&place), &Fake::default()).html;
    for value in ["a &amp; b #1", "ubuntu:24.04", "77", "gpu_name=RTX%204090"] {
        assert!(again.contains(&format!("value=\"{value}\"")), "{value}: {again}");
    }
    assert!(!again.contains("checked"), "{again}");
    // Looking at an offer for the first time has what is usual.
    assert!(reply(&get("/app/offers/502"), &Fake::default()).html.contains("checked"));

    // A token, an invitation, the rules of failovers.
    for (form, typed, shown) in [
        (
            "/app/settings/account/tokens",
            vec![("name", "ci & co"), ("days", "30"), ("scope", "operate")],
            vec!["ci &amp; co"],
        ),
        ("/app/settings/people/invite", vec![("note", "for bob"), ("days", "3")], vec!["for bob"]),
        (
            "/app/settings",
            vec![
                ("max_gpus_per_failover", "9"),
                ("gcp_zone", "europe-west1-b"),
                ("gcp_disk_size", "123"),
                ("gcp_machine_type", "e2-medium"),
                ("sync_interval", "30"),
                ("gpu_class", "same"),
                ("min_reliability", "90"),
                ("max_delete_percent", "30"),
                ("silence_seconds", "30"),
                ("keep_lost_minutes", "30"),
                ("max_usd_per_failover", "50"),
                ("max_gpus_per_day", "20"),
                ("max_usd_per_day", "100"),
            ],
            vec!["9", "123"],
        ),
        (
            "/app/settings/sharing/give",
            vec![("to", "bob"), ("machine", "tie-7001"), ("days", "30")],
            vec!["bob"],
        ),
    ] {
        let asked = reply(&post(form, &typed), &lapsed());
        assert_eq!(asked.status, 403, "{form}");
        let again = reply(&decoded(&back(&asked.html)), &Fake::default()).html;
        for value in shown {
            assert!(again.contains(&format!("value=\"{value}\"")), "{form} {value}: {again}");
        }
    }
}

#[test]
fn a_retry_beyond_a_limit_asks_who_it_is_and_then_asks_again() {
    let asked = reply(&post("/app/failovers/0199-done/retry", &[]), &lapsed());
    assert_eq!((asked.status, back(&asked.html).as_str()), (403, "/app/failovers/0199-done/retry"));
}

/// A page asked for as a browser does, its query decoded.
fn decoded(place: &str) -> app::site::Request {
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let hex = [rest.next().expect("a digit"), rest.next().expect("a digit")];
                let hex = std::str::from_utf8(&hex).expect("digits");
                bytes.push(u8::from_str_radix(hex, 16).expect("a byte"));
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).expect("text")
    };
    let mut request = get(place);
    for (_, value) in &mut request.query.0 {
        *value = decode(value);
    }
    request
}
