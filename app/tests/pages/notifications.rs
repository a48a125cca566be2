//! The list, the bell, and toasts.

use app::site::Request;

use crate::support::plane::Fake;
use crate::support::{get, post, reply, story};
use crate::{shown, words};

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
    // A loss is no news like any other, also in the list.
    let lost = html.split("<li").find(|row| row.contains("/app/notifications/50\""));
    let lost = lost.expect("the row of the loss");
    assert!(
        lost.contains("class=\"badge warn\"") || lost.contains("class=\"notification warn"),
        "{lost}"
    );
    let classes =
        html.split("class=\"notification ").skip(1).filter_map(|rest| rest.split('"').next());
    assert_eq!(classes.filter(|class| class.ends_with(" unread")).count(), 3);
    assert!(html.contains("href=\"/app/notifications?before=37\""));
    let portuguese = Request { accept_language: "pt-BR".into(), ..get("/app/notifications") };
    let text = words(&reply(&portuguese, &Fake::default()).html);
    assert!(text.contains("3 não lidas") && text.contains("O crédito está baixo"), "{text}");
}

#[test]
fn a_drill_that_only_searched_is_not_told_as_one_that_passed() {
    let told = |searched_only| {
        let mut all = story::notifications();
        let one = &mut all.notifications[1];
        one.kind = domain::notification::NewsKind::DrillPassed;
        one.figures.searched_only = searched_only;
        words(&shown("/app/notifications", &Fake { notifications: all, ..Fake::default() }))
    };
    assert!(told(false).contains("The drill of llama-ft passed."));
    let searched = told(true);
    assert!(searched.contains("searched only: nothing was restored"), "{searched}");
    assert!(!searched.contains("The drill of llama-ft passed."), "{searched}");
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
    // A loss is no news like any other.
    let mut unread = story::notifications();
    for one in &mut unread.notifications {
        one.read_at = None;
    }
    let plane = Fake { notifications: unread, ..Fake::default() };
    let request = Request { part: true, ..get("/app/notifications/50") };
    let lost = reply(&request, &plane);
    assert!(lost.html.contains("class=\"toast warn\""), "{}", lost.html);
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
