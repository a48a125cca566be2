//! The pages of a second factor.

use super::support::access;
use super::support::plane::{Fake, problem};
use super::support::{post, reply};
use super::{shown, words};

const PAGE: &str = "/app/settings/account/second-factor";

#[test]
fn the_secret_is_shown_to_whoever_confirmed_and_while_it_is_set_up() {
    let begun = || Some(access::enrolment());
    let plane = Fake { enrolment: begun(), ..Fake::default() };
    let page = shown(PAGE, &plane);
    assert!(page.contains("JBSW Y3DP") && page.contains("viewBox=\"0 0 29 29\""), "{page}");
    assert!(page.contains("value=\"activate\""));
    // The plane gives it to nobody else; without it there is the question for the password.
    let page = shown(PAGE, &Fake { confirmed: false, ..Fake::default() });
    assert!(page.contains("action=\"/app/settings/confirm\"") && !page.contains("value=\"begin\""));
    let on = Fake { factor: access::factor(), enrolment: begun(), ..Fake::default() };
    let page = shown(PAGE, &on);
    assert!(!page.contains("JBSW") && page.contains("value=\"remove\""), "{page}");
}

#[test]
fn recovery_codes_stand_in_one_answer_alone() {
    let plane = Fake { enrolment: Some(access::enrolment()), ..Fake::default() };
    let got = reply(&post(PAGE, &[("act", "activate"), ("code", "123 456")]), &plane);
    assert_eq!(got.status, 200);
    assert_eq!(got.html.matches("<code>abcd-efgh-ijkl-mnop</code>").count(), 10);
    assert_eq!(plane.acts(), ["turn it on with 123 456"]);
    assert!(!shown(PAGE, &plane).contains("abcd-efgh"));
    assert!(!shown("/app/settings/account", &plane).contains("abcd-efgh"));
    let wrong = problem(422, "invalid", &[("code", "wrong_code")]);
    let plane = Fake { refusal: Some(wrong), ..plane };
    let got = reply(&post(PAGE, &[("act", "activate"), ("code", "1")]), &plane);
    assert_eq!(got.status, 422);
    assert!(words(&got.html).contains("Wait for the next one."), "{}", got.html);
}

#[test]
fn wherever_the_password_is_asked_for_again_the_code_is_too() {
    let plane = Fake { factor: access::factor(), confirmed: false, ..Fake::default() };
    for page in
        [PAGE, "/app/settings/account", "/app/settings/credentials", "/app/settings/confirm"]
    {
        assert!(shown(page, &plane).contains("name=\"code\""), "{page}");
    }
    // Before renting as well, and it leads back to the same offer of the same search.
    let page = shown("/app/offers/502?gpu_name=RTX 4090", &plane);
    assert!(page.contains("name=\"code\"") && !page.contains("name=\"image\""), "{page}");
    assert!(page.contains("value=\"/app/offers/502?gpu_name=RTX%204090\""), "{page}");
    for plane in [
        Fake { factor: access::factor(), ..Fake::default() },
        Fake { confirmed: false, ..Fake::default() },
    ] {
        assert!(shown("/app/offers/502", &plane).contains("name=\"image\""));
    }
    // The code beside a new password has a name of its own on that page.
    let wrong = problem(422, "invalid", &[("code", "wrong_code")]);
    let plane = Fake { factor: access::factor(), refusal: Some(wrong), ..Fake::default() };
    let got = reply(&post("/app/settings/account/password", &[("password_code", "1")]), &plane);
    let field = got.html.split("name=\"password_code\"").nth(1).expect("the field");
    assert!(field.split('>').next().expect("a tag").contains("aria-invalid=\"true\""), "{field}");
}

#[test]
fn a_login_goes_on_with_its_code_and_where_it_was_going() {
    let needed = Fake { refusal: Some(problem(401, "code_needed", &[])), ..Fake::nobody() };
    let form = [("username", "ana"), ("password", "p"), ("next", "/app/failovers")];
    let got = reply(&post("/login", &form), &needed);
    assert_eq!(got.location.as_deref(), Some("/login/code?next=%2Fapp%2Ffailovers"));
    let page = shown("/login/code?next=/app/failovers", &Fake::nobody());
    assert!(page.contains("name=\"code\"") && page.contains("value=\"/app/failovers\""), "{page}");
    let plane = Fake::nobody();
    let got = reply(&post("/login/code", &[("code", "123456"), ("next", "//evil")]), &plane);
    assert_eq!(got.location.as_deref(), Some("/app"));
    assert_eq!(plane.acts(), ["log in with 123456"]);
    for (code, status) in [("wrong_code", 401), ("too_many", 429)] {
        let plane = Fake { refusal: Some(problem(status, code, &[])), ..Fake::nobody() };
        let got = reply(&post("/login/code", &[("code", "1")]), &plane);
        assert_eq!((got.status, got.location), (status, None), "{code}");
    }
    let waited = Fake { refusal: Some(problem(401, "unauthorized", &[])), ..Fake::nobody() };
    let got = reply(&post("/login/code", &[("code", "1")]), &waited);
    assert_eq!(got.location.as_deref(), Some("/login"));
}
