//! Set-up, login, and what a stranger sees.

use app::control_plane::Visitor;

use crate::every::PAGES;
use crate::support::plane::{Fake, problem};
use crate::support::{get, post, reply};
use crate::words;

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
fn the_page_asked_for_is_not_forgotten_at_the_step_of_the_code() {
    let needed = Fake { refusal: Some(problem(401, "code_needed", &[])), ..Fake::nobody() };
    let sent = post(
        "/login",
        &[("username", "ana"), ("password", "p"), ("next", "/app/failovers?days=7")],
    );
    let code = reply(&sent, &needed).location.expect("a step");
    assert_eq!(code, "/login/code?next=%2Fapp%2Ffailovers%3Fdays%3D7");
    let form = [("code", "123456"), ("next", "/app/failovers?days=7")];
    let wrong = Fake { refusal: Some(problem(401, "wrong_code", &[])), ..Fake::nobody() };
    assert!(
        reply(&post("/login/code", &form), &wrong).html.contains("value=\"/app/failovers?days=7\"")
    );
    // It has waited too long: from the beginning, and to the same place.
    let late = Fake { refusal: Some(problem(401, "unauthorized", &[])), ..Fake::nobody() };
    let again = reply(&post("/login/code", &form), &late).location;
    assert_eq!(again.as_deref(), Some("/login?next=%2Fapp%2Ffailovers%3Fdays%3D7"));
    let elsewhere = [("code", "1"), ("next", "//evil.example")];
    assert_eq!(reply(&post("/login/code", &elsewhere), &late).location.as_deref(), Some("/login"));
}
