//! Machines that accounts share.

use domain::grant::{GrantLevel, GrantState};
use domain::view::grant::{SharedBy, SharedMachine};

use crate::support::plane::{Fake, problem};
use crate::support::sharing::{given, received};
use crate::support::{post, reply, story};
use crate::{shown, words};

#[test]
fn what_is_given_and_received_is_listed_and_ended_from_one_page() {
    let mut plane = Fake::default();
    plane.given.grants = GrantState::ALL.iter().map(|state| given(*state)).collect();
    plane.received = vec![received(GrantState::Offered), received(GrantState::Active)];
    let page = shown("/app/settings/sharing", &plane);
    for state in GrantState::ALL {
        assert!(page.contains(&format!("{state}@lab.example")), "{state}");
    }
    // What is over can't be taken back, what was accepted not accepted again.
    assert_eq!(page.matches("action=\"/app/settings/sharing/revoke\"").count(), 2);
    assert_eq!(page.matches("action=\"/app/settings/sharing/accept\"").count(), 1);
    assert_eq!(page.matches("action=\"/app/settings/sharing/decline\"").count(), 2);
    for (path, id) in [("revoke", "g"), ("accept", "h"), ("decline", "i")] {
        let sent = post(&format!("/app/settings/sharing/{path}"), &[("id", id)]);
        assert_eq!(reply(&sent, &plane).status, 303);
    }
    assert_eq!(plane.acts(), ["revoke g", "accept h", "decline i"]);
}

#[test]
fn it_is_offered_for_ticked_machines_or_all_of_them_after_a_confirmation() {
    let plane = Fake::default();
    let page = shown("/app/settings/sharing?machine=tie-7001", &plane);
    assert!(page.contains("value=\"tie-7001\" checked"), "the one that it was opened for");
    let some = post(
        "/app/settings/sharing/give",
        &[("to", "bob"), ("level", "operate"), ("machine", "a"), ("machine", "b"), ("days", "7")],
    );
    let all = post(
        "/app/settings/sharing/give",
        &[
            ("to", "bob"),
            ("level", "read"),
            ("machine", "a"),
            ("all_machines", "on"),
            ("days", "0"),
        ],
    );
    for sent in [&some, &all] {
        assert_eq!(
            reply(sent, &plane).location.as_deref(),
            Some("/app/settings/sharing?said=grant_given")
        );
    }
    assert_eq!(
        plane.acts(),
        [
            "give bob operate all: false [AssociationId(\"a\"), AssociationId(\"b\")] for Some(7)",
            "give bob read all: true [] for None",
        ]
    );
    // What was typed stays; a lifetime that can't be read is not for ever.
    let odd = post(
        "/app/settings/sharing/give",
        &[("to", "bob"), ("level", "read"), ("machine", "tie-7001"), ("days", "x")],
    );
    reply(&odd, &plane);
    assert!(plane.acts()[2].ends_with("for Some(-1)"), "{:?}", plane.acts());
    let refusal = Some(problem(422, "invalid", &[("machines", "required")]));
    let refused = reply(&odd, &Fake { refusal, ..Fake::default() });
    assert!(refused.status == 422 && refused.html.contains("value=\"bob\""));
    assert!(
        refused.html.contains("value=\"tie-7001\" checked")
            && words(&refused.html).contains("Tick at least one")
    );
    let page = shown(
        "/app/settings/sharing?machine=tie-7001",
        &Fake { confirmed: false, ..Fake::default() },
    );
    assert!(
        !page.contains("sharing/give") && page.contains("/app/settings/sharing?machine=tie-7001")
    );
}

#[test]
fn a_shared_machine_says_whose_it_is_and_offers_what_its_owner_allows() {
    let own = shown("/app/machines/7001", &Fake::default());
    assert!(own.contains("/app/settings/sharing?machine="));
    for (level, acts) in [(GrantLevel::Read, false), (GrantLevel::Operate, true)] {
        let mut plane = Fake::default();
        plane.machine.shared = Some(SharedBy { owner: "carla".into(), level });
        plane.failover.shared.clone_from(&plane.machine.shared);
        let page = shown("/app/machines/7001", &plane);
        assert!(words(&page).contains("Shared by carla"));
        assert_eq!(page.contains("/app/machines/7001/drill\""), acts, "{level}");
        for never in ["destroy", "discard", "unprotect"] {
            assert!(!page.contains(&format!("/app/machines/7001/{never}\"")), "{level} {never}");
        }
        assert!(!page.contains("/app/settings/sharing?machine="));
        assert!(words(&shown("/app/failovers/0199-done", &plane)).contains("Shared by carla"));
    }
}

#[test]
fn the_list_has_the_machines_of_others_apart_and_tells_of_offers() {
    let mut plane = Fake::default();
    assert!(!words(&shown("/app", &plane)).contains("Shared with you"));
    let mut row = story::row();
    row.name = "carlas-loom".into();
    let shared = SharedBy { owner: "carla".into(), level: GrantLevel::Read };
    plane.machines.shared = vec![SharedMachine { shared, row }];
    plane.machines.offers = 1;
    let page = words(&shown("/app", &plane));
    for told in ["Shared with you", "carlas-loom", "carla", "offers to share"] {
        assert!(page.contains(told), "{told}: {page}");
    }
}
