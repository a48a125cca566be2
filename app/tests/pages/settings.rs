//! Settings, credentials, tokens, the account, the audit log.

use app::site::Request;

use crate::support::plane::{Fake, problem};
use crate::support::{fields, get, post, reply};
use crate::{shown, words};

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
fn the_cost_of_a_standby_follows_what_is_chosen_and_is_never_that_of_another_choice() {
    let plane = Fake::default();
    let asked = |query: &str, lang: &str| {
        let request = Request {
            part: true,
            accept_language: lang.to_owned(),
            ..get(&format!("/app/settings/estimate?{query}"))
        };
        words(&reply(&request, &plane).html)
    };
    let chosen = "gcp_zone=europe-west1-b&gcp_machine_type=e2-medium&gcp_disk_size=100";
    let spot = asked(&format!("{chosen}&gcp_spot=on"), "en");
    assert_eq!(
        spot,
        "$18.86 / month, Spot: VM $13.03 + disk $4.00 + address $1.83 Spot saves $15.70 a month."
    );
    assert!(asked(chosen, "en").starts_with("$34.56 / month: VM"), "{}", asked(chosen, "en"));
    assert!(asked(chosen, "pt-BR").starts_with("US$ 34,56"), "{}", asked(chosen, "pt-BR"));
    for unknown in [
        "gcp_zone=moon-1-a&gcp_machine_type=e2-medium&gcp_disk_size=100",
        "gcp_zone=europe-west1-b&gcp_machine_type=abacus&gcp_disk_size=100",
        "gcp_zone=europe-west1-b&gcp_machine_type=e2-medium&gcp_disk_size=",
        "gcp_zone=europe-west1-b&gcp_machine_type=e2-medium&gcp_disk_size=-5",
        "gcp_zone=europe-west1-b&gcp_machine_type=e2-medium&gcp_disk_size=1e3",
    ] {
        assert_eq!(asked(unknown, "en"), "No price is known for this choice.", "{unknown}");
    }
    let form = shown("/app/settings", &plane);
    assert!(form.contains("data-follow=\"/app/settings/estimate\""), "{form}");
    assert_eq!(
        reply(&get("/app/settings/estimate"), &plane).location.as_deref(),
        Some("/app/settings")
    );
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
