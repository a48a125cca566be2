//! What accounts let one another do: who is reached, what ends it, and who is told of a machine.

use domain::grant::{Grant, GrantLevel, GrantState, reach};
use domain::id::{AssociationId, GpuId, GrantId, UserId};
use domain::notification::{Figures, News, NewsKind};
use domain::time::DAY_MS;
use sqlx::{AnyPool, AssertSqlSafe};
use store::{Doorbell, NewGrant, NotificationPage, StoreError};

use crate::fixtures::{NOW, association, failover, machine, user};
use crate::world::World;

on_both! {
    a_grant_counts_from_its_acceptance_until_it_ends,
    only_machines_of_ones_own_are_given_and_all_of_them_or_none,
    a_name_that_nobody_has_makes_a_grant_that_nobody_can_accept,
    what_is_deleted_takes_its_grants_along_and_widens_none,
    whoever_may_look_at_a_machine_is_told_of_it,
    doorbells_of_others_are_heard_where_a_grant_reaches,
    of_acceptance_and_revocation_at_once_nothing_stands_after_both,
    numbers_of_doorbells_tell_nothing_of_a_name,
    a_refused_offer_is_to_its_owner_one_that_nobody_answers,
    one_account_fills_nobodys_list,
    what_stands_is_always_in_the_list,
    a_new_password_ends_what_other_logins_gave,
}

const ALL: NotificationPage = NotificationPage { unread: false, before: None, limit: 100 };

fn offer(id: &str, owner: &UserId, to: &str, machines: Option<&[&AssociationId]>) -> NewGrant {
    NewGrant {
        id: GrantId::new(id),
        owner: owner.clone(),
        named: to.into(),
        level: GrantLevel::Operate,
        machines: machines.map(|all| all.iter().map(|id| (*id).clone()).collect()),
        accept_by: NOW.plus(7 * DAY_MS),
        expires_at: None,
        given_by: None,
    }
}

async fn received(world: &World, user: &UserId) -> Vec<Grant> {
    world.store.grants().received(user, NOW).await.expect("asked")
}

async fn run(world: &World, statement: &str) {
    let pool = AnyPool::connect(&world.url).await.expect("the database");
    if world.url.starts_with("sqlite") {
        sqlx::query("PRAGMA foreign_keys = ON").execute(&pool).await.expect("on");
    }
    sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&pool).await.expect("done");
    pool.close().await;
}

async fn a_grant_counts_from_its_acceptance_until_it_ends(world: &World) {
    let ties = machine(&world.store, "ana").await;
    let (ana, bob) = (&ties.user, &user(&world.store, "bob").await);
    let grants = world.store.grants();
    let new = NewGrant {
        expires_at: Some(NOW.plus(DAY_MS)),
        ..offer("g-1", ana, " BOB@example.org ", Some(&[&ties.id]))
    };
    grants.offer(&new, NOW).await.expect("offered");
    let offered = received(world, bob).await;
    assert_eq!(offered[0].state(NOW), GrantState::Offered);
    assert_eq!(reach(&offered, ana, &ties.id, NOW), None);
    // Nobody else can accept it, its owner neither.
    let eve = user(&world.store, "eve").await;
    for other in [&eve, ana] {
        let refused = grants.accept(other, &new.id, NOW).await;
        assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
        let refused = grants.decline(other, &new.id, NOW).await;
        assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    }
    grants.accept(bob, &new.id, NOW).await.expect("accepted");
    assert!(grants.accept(bob, &new.id, NOW).await.is_err(), "once");
    let standing = received(world, bob).await;
    assert_eq!(reach(&standing, ana, &ties.id, NOW), Some(GrantLevel::Operate));
    let late = NOW.plus(DAY_MS);
    assert_eq!(grants.received(bob, late).await.expect("asked"), [], "its time is over");
    for other in [&eve, bob] {
        assert!(grants.revoke(other, &new.id, NOW).await.is_err());
    }
    grants.revoke(ana, &new.id, NOW).await.expect("taken back");
    assert_eq!(received(world, bob).await, []);
    assert!(
        grants.accept(bob, &new.id, NOW).await.is_err()
            && grants.revoke(ana, &new.id, NOW).await.is_err()
    );
    let given = grants.given(ana, 10).await.expect("asked");
    assert_eq!(
        (given[0].state(NOW), given[0].grantee_name.as_deref()),
        (GrantState::Revoked, Some("bob"))
    );
    // An offer that is not accepted in time can't be.
    grants.offer(&offer("g-2", ana, "bob", None), NOW).await.expect("offered");
    let week = NOW.plus(7 * DAY_MS);
    assert!(grants.accept(bob, &GrantId::new("g-2"), week).await.is_err());
    assert_eq!(grants.prune(week.plus(1)).await.expect("tidied"), 2);
}

async fn only_machines_of_ones_own_are_given_and_all_of_them_or_none(world: &World) {
    let own = machine(&world.store, "ana").await;
    let other = machine(&world.store, "bob").await;
    let grants = world.store.grants();
    let both = offer("g-1", &own.user, "bob", Some(&[&own.id, &other.id]));
    let refused = grants.offer(&both, NOW).await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    assert_eq!(grants.given(&own.user, 10).await.expect("asked"), [], "nothing of it");
    let self_given = grants.offer(&offer("g-2", &own.user, "Ana", None), NOW).await;
    assert!(matches!(self_given, Err(StoreError::Conflict("own account"))), "{self_given:?}");
    // Twice the same is once.
    let twice = offer("g-3", &own.user, "bob", Some(&[&own.id, &own.id]));
    grants.offer(&twice, NOW).await.expect("offered");
    assert_eq!(received(world, &other.user).await[0].machines, [own.id.clone()]);
    for n in 0..49 {
        grants
            .offer(&offer(&format!("n-{n}"), &own.user, "nobody", None), NOW)
            .await
            .expect("made");
    }
    let more = grants.offer(&offer("n-50", &own.user, "bob", None), NOW).await;
    assert!(matches!(more, Err(StoreError::Conflict("too many grants stand"))), "{more:?}");
}

async fn a_name_that_nobody_has_makes_a_grant_that_nobody_can_accept(world: &World) {
    let ties = machine(&world.store, "ana").await;
    let grants = world.store.grants();
    grants.offer(&offer("g-1", &ties.user, "bob", None), NOW).await.expect("offered");
    // Whoever takes the name later gets nothing by it.
    let bob = user(&world.store, "bob").await;
    assert_eq!(received(world, &bob).await, []);
    assert!(grants.accept(&bob, &GrantId::new("g-1"), NOW).await.is_err());
    let given = grants.given(&ties.user, 10).await.expect("asked");
    assert_eq!((given[0].named.as_str(), given[0].state(NOW)), ("bob", GrantState::Offered));
}

async fn what_is_deleted_takes_its_grants_along_and_widens_none(world: &World) {
    let ties = machine(&world.store, "ana").await;
    let ana = &ties.user;
    let second = association(ana, "second", 1_002);
    world.store.associations().create(&second).await.expect("a machine");
    let bob = user(&world.store, "bob").await;
    let grants = world.store.grants();
    grants.offer(&offer("g-1", ana, "bob", Some(&[&ties.id])), NOW).await.expect("offered");
    grants.accept(&bob, &GrantId::new("g-1"), NOW).await.expect("accepted");
    world.store.associations().delete(&ties.id, ties.epoch).await.expect("gone");
    let left = received(world, &bob).await;
    assert_eq!((left[0].machines.len(), left[0].all_machines), (0, false));
    assert_eq!(reach(&left, ana, &second.id, NOW), None);
    // The grantee's account goes, and with it the grant; then the owner's.
    run(world, "DELETE FROM users WHERE username = 'bob'").await;
    assert_eq!(grants.given(ana, 10).await.expect("asked"), []);
    let carl = user(&world.store, "carl").await;
    grants.offer(&offer("g-2", ana, "carl", None), NOW).await.expect("offered");
    grants.accept(&carl, &GrantId::new("g-2"), NOW).await.expect("accepted");
    run(world, "DELETE FROM users WHERE username = 'ana'").await;
    assert_eq!(received(world, &carl).await, []);
}

fn news(of: &domain::association::Association, kind: NewsKind, ends: Vec<String>) -> News {
    News {
        user: of.user.clone(),
        fact: format!("{kind}/{}", of.id),
        kind,
        failover: None,
        association: Some(of.id.clone()),
        gpu: Some(GpuId(1_001)),
        machine_name: Some("loom".into()),
        at: NOW,
        sandbox: true,
        figures: Figures::default(),
        ends,
    }
}

async fn whoever_may_look_at_a_machine_is_told_of_it(world: &World) {
    let ties = machine(&world.store, "ana").await;
    let ana = &ties.user;
    let other = association(ana, "other", 1_002);
    world.store.associations().create(&other).await.expect("a machine");
    let (bob, eve) = (user(&world.store, "bob").await, user(&world.store, "eve").await);
    let grants = world.store.grants();
    for (id, to) in [("g-1", "bob"), ("g-2", "bob"), ("g-3", "eve")] {
        grants.offer(&offer(id, ana, to, Some(&[&ties.id])), NOW).await.expect("offered");
    }
    // Eve has not accepted.
    for id in ["g-1", "g-2"] {
        grants.accept(&bob, &GrantId::new(id), NOW).await.expect("accepted");
    }
    let notes = world.store.notifications();
    let list = async |user: &UserId| notes.list(user, ALL).await.expect("listed");
    let lost = news(&ties, NewsKind::GpuLost, Vec::new());
    assert!(notes.tell(&lost).await.expect("told"));
    assert!(!notes.tell(&lost).await.expect("told already"));
    assert!(notes.tell(&news(&other, NewsKind::GpuLost, Vec::new())).await.expect("told"));
    let told = list(&bob).await;
    assert_eq!(told.len(), 1, "once, of the shared one alone: {told:?}");
    assert_eq!(
        (told[0].owner_name.as_deref(), &told[0].news.association),
        (Some("ana"), &Some(ties.id.clone()))
    );
    assert_eq!(told[0].news.user, bob);
    assert_eq!(list(ana).await.len(), 2);
    assert!(list(ana).await.iter().all(|one| one.owner_name.is_none()));
    assert_eq!(list(&eve).await, []);
    assert_eq!(notes.unread(&bob).await.expect("counted"), 1);
    // Its end frees it for both, so that it can be told anew.
    assert!(notes.end(ana, &lost.fact).await.expect("ended"));
    assert!(notes.tell(&lost).await.expect("told anew"));
    assert_eq!(list(&bob).await.len(), 2);
    // A host key that another machine shows would name that one.
    assert!(notes.tell(&news(&ties, NewsKind::HostKeyShared, Vec::new())).await.expect("told"));
    assert_eq!(list(&bob).await.len(), 2);
    for id in ["g-1", "g-2"] {
        grants.revoke(ana, &GrantId::new(id), NOW).await.expect("taken back");
    }
    assert!(notes.tell(&news(&ties, NewsKind::StandbyLost, Vec::new())).await.expect("told"));
    assert_eq!(list(&bob).await.len(), 2, "nothing after it was taken back");
}

async fn doorbells_of_others_are_heard_where_a_grant_reaches(world: &World) {
    let ties = machine(&world.store, "ana").await;
    let ana = &ties.user;
    let other = association(ana, "other", 1_002);
    world.store.associations().create(&other).await.expect("a machine");
    for (of, id) in [(&ties, "f-shared"), (&other, "f-other")] {
        world.store.failovers().open(&failover(of, id)).await.expect("opened");
    }
    let bob = user(&world.store, "bob").await;
    let grants = world.store.grants();
    let bell = |kind: &str, id: &str| Doorbell {
        seq: 1,
        user: ana.clone(),
        kind: kind.into(),
        id: id.into(),
        at: NOW,
    };
    let heard =
        async |kind: &str, id: &str| grants.hears(&bob, &bell(kind, id), NOW).await.expect("asked");
    assert!(!heard("association", ties.id.as_str()).await);
    grants.offer(&offer("g-1", ana, "bob", Some(&[&ties.id])), NOW).await.expect("offered");
    assert!(!heard("association", ties.id.as_str()).await, "offered only");
    let stamp = async || world.store.users().seen(&bob).await.expect("seen").1;
    grants.accept(&bob, &GrantId::new("g-1"), NOW).await.expect("accepted");
    for kind in ["association", "sync", "verdict"] {
        assert!(heard(kind, ties.id.as_str()).await && !heard(kind, other.id.as_str()).await);
    }
    assert!(heard("failover", "f-shared").await && !heard("failover", "f-other").await);
    for (kind, id) in [
        ("settings", "credentials"),
        ("access", ""),
        ("notification", "1"),
        ("grant", "g-1"),
        ("failover", "none"),
    ] {
        assert!(!heard(kind, id).await, "{kind}");
    }
    // What the owner's machines do draws the grantee's pages anew.
    let before = stamp().await;
    let rung =
        world.store.events().append(ana, "association", ties.id.as_str(), NOW).await.expect("rung");
    assert_ne!(stamp().await, before);
    let missed = grants.bells_after(&bob, rung - 1, NOW, 10).await.expect("asked");
    assert_eq!(missed.iter().map(|bell| bell.seq).collect::<Vec<_>>(), [rung]);
    // However many bells of what is not shared come before, the next one of what is shared is heard.
    let bells = world.store.events();
    for n in 0..8 {
        let kind = if n % 2 == 0 { "sync" } else { "settings" };
        bells.append(ana, kind, other.id.as_str(), NOW).await.expect("rung");
    }
    bells.append(ana, "failover", "f-other", NOW).await.expect("rung");
    let last = bells.append(ana, "failover", "f-shared", NOW).await.expect("rung");
    let missed = grants.bells_after(&bob, rung, NOW, 2).await.expect("asked");
    assert_eq!(missed.iter().map(|bell| bell.seq).collect::<Vec<_>>(), [last]);
    let eve = user(&world.store, "eve").await;
    assert_eq!(grants.bells_after(&eve, 0, NOW, 100).await.expect("asked"), []);
    grants.revoke(ana, &GrantId::new("g-1"), NOW).await.expect("taken back");
    assert!(!heard("association", ties.id.as_str()).await);
    assert_eq!(grants.bells_after(&bob, 0, NOW, 10).await.expect("asked"), []);
}

async fn of_acceptance_and_revocation_at_once_nothing_stands_after_both(world: &World) {
    let ties = machine(&world.store, "ana").await;
    let bob = user(&world.store, "bob").await;
    let grants = world.store.grants();
    for n in 0..10 {
        let id = GrantId::new(format!("g-{n}"));
        grants.offer(&offer(id.as_str(), &ties.user, "bob", None), NOW).await.expect("offered");
        let (accepted, revoked) =
            tokio::join!(grants.accept(&bob, &id, NOW), grants.revoke(&ties.user, &id, NOW));
        revoked.expect("taken back");
        assert!(matches!(accepted, Ok(()) | Err(StoreError::NotFound(_))), "{accepted:?}");
        assert_eq!(received(world, &bob).await, []);
    }
}

async fn numbers_of_doorbells_tell_nothing_of_a_name(world: &World) {
    let ana = user(&world.store, "ana").await;
    user(&world.store, "bob").await;
    let grants = world.store.grants();
    let ring = async || world.store.events().append(&ana, "settings", "", NOW).await.expect("rung");
    let mut told = Vec::new();
    for to in ["bob", "nobody"] {
        let before = ring().await;
        grants.offer(&offer(to, &ana, to, None), NOW).await.expect("offered");
        let offered = ring().await;
        grants.revoke(&ana, &GrantId::new(to), NOW).await.expect("taken back");
        told.push((offered - before, ring().await - offered));
    }
    assert_eq!(told[0], told[1]);
}

async fn a_refused_offer_is_to_its_owner_one_that_nobody_answers(world: &World) {
    let ana = user(&world.store, "ana").await;
    let bob = user(&world.store, "bob").await;
    let grants = world.store.grants();
    let ids = [GrantId::new("g-bob"), GrantId::new("g-nobody")];
    for (id, to) in ids.iter().zip(["bob", "nobody"]) {
        grants.offer(&offer(id.as_str(), &ana, to, None), NOW).await.expect("offered");
    }
    let heard = async || {
        let bells = world.store.events().after(&ana, 0, 100).await.expect("asked");
        bells.len()
    };
    let before = heard().await;
    grants.decline(&bob, &ids[0], NOW).await.expect("refused");
    assert_eq!(heard().await, before, "its owner is told nothing of it");
    assert_eq!(received(world, &bob).await, []);
    assert!(grants.accept(&bob, &ids[0], NOW).await.is_err(), "refused is refused");
    let told = async |now: i64| {
        let mut all = grants.given(&ana, 100).await.expect("asked");
        all.sort_by_key(|grant| grant.named.clone());
        all.iter().map(|grant| grant.state_for_owner(NOW.plus(now))).collect::<Vec<_>>()
    };
    for (now, state) in [(1, GrantState::Offered), (8 * DAY_MS, GrantState::Expired)] {
        assert_eq!(told(now).await, [state, state]);
    }
    // Both can be taken back, once, and hold one of the places that there are until then.
    for n in 0..48 {
        let id = format!("n-{n}");
        grants.offer(&offer(&id, &ana, "nobody", None), NOW).await.expect("offered");
    }
    let more = offer("n-48", &ana, "nobody", None);
    assert!(grants.offer(&more, NOW).await.is_err(), "fifty stand");
    for id in &ids {
        grants.revoke(&ana, id, NOW).await.expect("taken back");
        assert!(grants.revoke(&ana, id, NOW).await.is_err(), "once");
    }
    assert_eq!(told(1).await[0], GrantState::Revoked);
    grants.offer(&more, NOW).await.expect("two places are free");
}

async fn one_account_fills_nobodys_list(world: &World) {
    let (eve, ana) = (user(&world.store, "eve").await, user(&world.store, "ana").await);
    let bob = user(&world.store, "bob").await;
    let grants = world.store.grants();
    for n in 0..50 {
        let id = format!("e-{n}");
        grants.offer(&offer(&id, &eve, "bob", None), NOW).await.expect("told nothing else");
    }
    assert_eq!(received(world, &bob).await.len(), 3);
    grants.offer(&offer("a-1", &ana, "bob", None), NOW).await.expect("offered");
    assert!(received(world, &bob).await.iter().any(|grant| grant.owner == ana));
    // What is offered and taken back counts too, for a day.
    for n in 0..50 {
        grants.revoke(&eve, &GrantId::new(format!("e-{n}")), NOW).await.expect("taken back");
    }
    for n in 50..200 {
        let id = format!("e-{n}");
        grants.offer(&offer(&id, &eve, "bob", None), NOW).await.expect("offered");
        grants.revoke(&eve, &GrantId::new(id), NOW).await.expect("taken back");
    }
    let more = grants.offer(&offer("e-200", &eve, "bob", None), NOW).await;
    assert!(matches!(more, Err(StoreError::Conflict(_))), "{more:?}");
    grants.offer(&offer("e-200", &eve, "bob", None), NOW.plus(DAY_MS)).await.expect("offered");
}

async fn what_stands_is_always_in_the_list(world: &World) {
    let ana = user(&world.store, "ana").await;
    let bob = user(&world.store, "bob").await;
    let grants = world.store.grants();
    grants.offer(&offer("stands", &ana, "bob", None), NOW).await.expect("offered");
    grants.accept(&bob, &GrantId::new("stands"), NOW).await.expect("accepted");
    for n in 0..5 {
        let id = format!("g-{n}");
        grants.offer(&offer(&id, &ana, "bob", None), NOW.plus(1)).await.expect("offered");
        grants.revoke(&ana, &GrantId::new(id), NOW.plus(1)).await.expect("taken back");
    }
    let given = grants.given(&ana, 3).await.expect("asked");
    assert_eq!(given[0].id.as_str(), "stands");
}

async fn a_new_password_ends_what_other_logins_gave(world: &World) {
    let ana = user(&world.store, "ana").await;
    let bob = user(&world.store, "bob").await;
    let grants = world.store.grants();
    for by in [Some("keep"), Some("other"), None] {
        let id = by.unwrap_or("unknown");
        let new = NewGrant { given_by: by.map(str::to_owned), ..offer(id, &ana, "bob", None) };
        grants.offer(&new, NOW).await.expect("offered");
        grants.accept(&bob, &new.id, NOW).await.expect("accepted");
    }
    let stand = async || {
        let all = received(world, &bob).await;
        all.into_iter().map(|grant| grant.id.0).collect::<Vec<_>>()
    };
    let stamp = async || world.store.users().seen(&bob).await.expect("seen").1;
    let before = stamp().await;
    world.store.users().set_password(&ana, "hash", Some("keep"), NOW).await.expect("set");
    assert_eq!(stand().await, ["keep"]);
    assert_ne!(stamp().await, before, "whoever had them is told");
    world.store.users().set_password(&ana, "hash", None, NOW).await.expect("set");
    assert_eq!(stand().await, Vec::<String>::new());
}
