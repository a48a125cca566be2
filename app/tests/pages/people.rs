//! Accounts by invitation, and links that lead in.

use crate::support::plane::{Fake, problem};
use crate::support::{post, reply};
use crate::{shown, words};

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
