//! Recovery points, and the way back to one.

use domain::association::{Serving, WhyRsync};
use domain::point::ReturnState;
use domain::view::points::{PointDifference, RecoveryPoints};

use crate::support::plane::{Fake, problem};
use crate::support::{points, post, reply};
use crate::{shown, words};

const ALL: &str = "/app/machines/7001/points";
const ONE: &str = "/app/machines/7001/points/41";

fn told(change: impl FnOnce(&mut RecoveryPoints)) -> String {
    let mut found = points::points();
    change(&mut found);
    words(&shown(ALL, &Fake { points: Ok(found), ..Fake::default() }))
}

#[test]
fn the_points_are_listed_with_what_they_were_made_of_and_what_they_lacked() {
    assert!(shown("/app/machines/7001", &Fake::default()).contains(ALL));
    let html = shown(ALL, &Fake::default());
    assert!(html.contains(ONE));
    let text = words(&html);
    for told in [
        "1,204 files, 5.4 GB",
        "all of the GPU, read and hashed there",
        "contents of an earlier point",
        "2 × in flux",
        "nothing known",
        "unknown",
        "kept for a drill",
        "changes the files there and on the standby",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let at_work = told(|found| found.serving = Serving::Standby);
    assert!(at_work.contains("runs on its standby"), "{at_work}");
}

#[test]
fn by_rsync_it_is_said_that_there_are_none_and_what_there_is() {
    let text = told(|found| {
        *found = RecoveryPoints {
            kept: false,
            why_rsync: Some(WhyRsync::Mounts),
            points: Vec::new(),
            count: None,
            proven_since: None,
            history_bytes: None,
            ..found.clone()
        };
    });
    assert!(text.contains("keeps no recovery points"), "{text}");
    assert!(text.contains("/var/lib/dumont/versions"), "{text}");
    assert!(!text.contains("Points kept") && !text.contains("Go back"), "{text}");
}

#[test]
fn what_became_of_the_newest_way_back_is_told_as_it_is() {
    let state = |state| told(|found| found.last_return = Some(points::returned(state)));
    let goes_on = state(ReturnState::Asked);
    assert!(goes_on.contains("Going back to point 41: runs/7"), "{goes_on}");
    assert!(goes_on.contains("tried again"), "{goes_on}");
    let done = state(ReturnState::Done);
    assert!(done.contains("Files changed: 12") && done.contains("before is point 43"), "{done}");
    let failed = state(ReturnState::Failed);
    assert!(failed.contains("Some files may be as they were"), "{failed}");
    assert!(failed.contains("the GPU is not reached now"), "{failed}");
}

#[test]
fn going_back_says_first_what_changes_and_needs_a_word() {
    let html = shown(ONE, &Fake::default());
    let text = words(&html);
    for told in
        ["153 files", "runs/7/best.pt", "200 kB", "and 151 more", "Processes are not stopped"]
    {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!html.contains('\u{202e}') && !html.contains("<b>"), "names are shown, not obeyed");
    let plane = Fake::default();
    let form = [("path", "runs/7"), ("accept_changes", "true")];
    let to = reply(&post(ONE, &form), &plane);
    assert_eq!(
        (to.status, to.location.as_deref()),
        (303, Some(&*format!("{ALL}?said=going_back")))
    );
    assert_eq!(plane.acts(), ["go back 7001 to 41 at \"runs/7\" accepted: true"]);
    let refusing = Fake { refusal: Some(problem(409, "consent_needed", &[])), ..Fake::default() };
    let again = reply(&post(ONE, &[("path", "runs/7")]), &refusing);
    assert_eq!(again.status, 409);
    let text = words(&again.html);
    assert!(text.contains("Agree first"), "{text}");
    assert!(again.html.contains("value=\"runs/7\""), "what was asked is asked again");
}

#[test]
fn where_nothing_would_change_or_contents_are_gone_there_is_no_button() {
    let none = PointDifference {
        added: 0,
        changed: 0,
        removed: 0,
        bytes: 0,
        listed: Vec::new(),
        ..points::difference()
    };
    let html = shown(ONE, &Fake { difference: none, ..Fake::default() });
    assert!(words(&html).contains("Nothing would change") && !html.contains("accept_changes"));
    let gone = PointDifference { missing: 4, ..points::difference() };
    let html = shown(ONE, &Fake { difference: gone, ..Fake::default() });
    assert!(words(&html).contains("4 files of then are not kept"), "{}", words(&html));
    assert!(!html.contains("accept_changes"));
}
