//! Deletions that froze a copy.

use domain::view::standby::HeldDeletions;

use crate::support::plane::{Fake, problem};
use crate::support::{post, reply, story};
use crate::{machine, shown, words};

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
