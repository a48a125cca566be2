//! The pages of a second factor.

use super::support::plane::{Fake, problem};
use super::support::{access, passkeys};
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

#[test]
fn a_passkey_can_be_used_wherever_a_code_is_asked_for() {
    let with = |confirmed| Fake {
        factor: passkeys::factor(),
        passkeys: passkeys::two(),
        confirmed,
        ..Fake::default()
    };
    for (page, purpose) in [
        (PAGE, "confirm"),
        ("/app/settings/account", "change_password"),
        ("/app/settings/credentials", "confirm"),
        ("/app/settings/confirm", "confirm"),
        ("/app/offers/502", "confirm"),
    ] {
        let html = shown(page, &with(false));
        assert!(html.contains(&format!("data-purpose=\"{purpose}\"")), "{page}: {html}");
        assert!(html.contains("Passkeys need JavaScript."), "{page}");
    }
    let page = shown(PAGE, &with(true));
    for part in
        ["data-purpose=\"remove_factor\"", "data-ceremony=\"create\"", ">laptop<", ">key ring<"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    let login = Fake { factor: passkeys::factor(), ..Fake::nobody() };
    let page = shown("/login/code", &login);
    assert!(page.contains("data-options=\"/api/v1/auth/login/passkey\""), "{page}");
    // Without an app the code is one of recovery.
    assert!(page.contains("Recovery code") && !page.contains("Six digits"), "{page}");
    // Nowhere where none can be used.
    let elsewhere = Fake {
        factor: domain::view::access::SecondFactor { passkey_here: false, ..passkeys::factor() },
        confirmed: false,
        ..Fake::default()
    };
    assert!(!shown(PAGE, &elsewhere).contains("data-ceremony"));
    assert!(shown(PAGE, &elsewhere).contains("DUMONT_PUBLIC_URL"));
}

#[test]
fn what_the_browser_makes_of_a_passkey_is_sent_on() {
    let plane = Fake { factor: passkeys::factor(), passkeys: passkeys::two(), ..Fake::default() };
    let form = [("act", "add_passkey"), ("passkey_name", "phone"), ("passkey", passkeys::MADE)];
    let got = reply(&post(PAGE, &form), &plane);
    assert!(got.html.contains("abcd-efgh-ijkl-mnop"), "{}", got.html);
    let form = [("act", "rename_passkey"), ("renamed", "p1"), ("new_name", "desk")];
    let got = reply(&post(PAGE, &form), &plane);
    assert!(got.location.expect("led on").ends_with("?said=passkey_renamed"));
    let remove = [
        ("act", "remove"),
        ("which", "p2"),
        ("password", "p"),
        ("factor_code", "typed halfway"),
        ("passkey", passkeys::USED),
    ];
    let got = reply(&post(PAGE, &remove), &plane);
    assert!(got.location.expect("led on").ends_with("?said=passkey_removed"));
    assert_eq!(
        plane.acts(),
        [
            "add passkey AQ as phone",
            "rename passkey p1 to desk",
            "remove passkey p2 with None or Some(\"AQ\")"
        ]
    );
    let login = Fake { factor: passkeys::factor(), ..Fake::nobody() };
    let got = reply(&post("/login/code", &[("passkey", passkeys::USED), ("code", "")]), &login);
    assert_eq!((got.status, login.acts()), (303, vec!["log in with passkey AQ".to_owned()]));
    // What is none is refused, and the page says so beside the button.
    for sent in ["{}", "none", "[]"] {
        let got = reply(&post("/login/code", &[("passkey", sent)]), &login);
        assert_eq!(got.status, 422, "{sent}");
        assert!(got.html.contains("The passkey is not accepted."), "{}", got.html);
    }
    let got = reply(&post(PAGE, &[("act", "add_passkey"), ("passkey_name", "phone")]), &plane);
    assert_eq!(got.status, 422);
    let copied = problem(422, "invalid", &[("passkey", "passkey_copied")]);
    let plane = Fake { refusal: Some(copied), factor: passkeys::factor(), ..Fake::nobody() };
    let got = reply(&post("/login/code", &[("passkey", passkeys::USED)]), &plane);
    assert!(got.html.contains("there may be a copy of it"), "{}", got.html);
}
