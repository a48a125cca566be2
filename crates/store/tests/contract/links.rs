//! Invitations and reset links: each opens once, for a while, and what is refused uses none.

use domain::access::AccountRole;
use domain::id::UserId;
use domain::time::{DAY_MS, HOUR_MS};
use secrecy::ExposeSecret as _;
use store::{LinkKind, NewLink, NewUser, StoreError};

use crate::fixtures::{NOW, user};
use crate::world::World;

on_both! {
    an_invitation_makes_one_account,
    of_many_who_accept_at_once_one_gets_the_account,
    a_reset_link_replaces_the_password_once_and_ends_logins,
    what_is_over_or_taken_back_opens_nothing,
    only_so_many_invitations_are_open,
    the_first_account_runs_the_install,
}

fn invitation(id: &str, by: &UserId) -> NewLink {
    NewLink {
        id: id.into(),
        kind: LinkKind::Invitation,
        note: Some("for bob".into()),
        made_by: Some(by.clone()),
        user: None,
        expires_at: NOW.plus(7 * DAY_MS),
    }
}

fn reset(id: &str, of: &UserId) -> NewLink {
    NewLink {
        id: id.into(),
        kind: LinkKind::PasswordReset,
        note: None,
        made_by: None,
        user: Some(of.clone()),
        expires_at: NOW.plus(HOUR_MS),
    }
}

fn new(name: &str) -> NewUser {
    NewUser {
        id: UserId::new(name),
        email: format!("{name}@example.org"),
        username: name.into(),
        password_hash: "hash".into(),
    }
}

async fn an_invitation_makes_one_account(world: &World) {
    let ana = user(&world.store, "ana").await;
    let links = world.store.access_links();
    let code = links.create(&invitation("l-1", &ana), NOW).await.expect("made");
    let code = code.expose_secret();
    let found = links.open(LinkKind::Invitation, code, NOW).await.expect("asked").expect("open");
    assert_eq!((found.id.as_str(), found.made_by.as_deref()), ("l-1", Some("ana")));
    let other = links.open(LinkKind::PasswordReset, code, NOW).await.expect("asked");
    assert_eq!(other, None, "of another kind");

    // What is refused uses nothing up.
    let taken = links.accept(code, &new("ana"), NOW).await;
    assert!(matches!(taken, Err(StoreError::Conflict("email is taken"))), "{taken:?}");
    let blind = links.accept("not the code", &new("ana"), NOW).await;
    assert!(matches!(blind, Err(StoreError::Stale { .. })), "without a code no name is told");
    let wrong = links.accept("not the code", &new("bob"), NOW).await;
    assert!(matches!(wrong, Err(StoreError::Stale { .. })), "{wrong:?}");
    assert!(world.store.users().by_login("bob").await.expect("asked").is_none());

    let bob = links.accept(code, &new("bob"), NOW).await.expect("made");
    assert_eq!(bob.role, AccountRole::Member);
    let again = links.accept(code, &new("eve"), NOW).await;
    assert!(matches!(again, Err(StoreError::Stale { .. })), "{again:?}");
    assert!(world.store.users().by_login("eve").await.expect("asked").is_none());
    let listed = links.invitations(9).await.expect("read");
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].username.as_deref(), listed[0].used_at), (Some("bob"), Some(NOW)));
    let late = links.revoke_invitation("l-1", NOW).await;
    assert!(matches!(late, Err(StoreError::NotFound("invitation"))));
}

async fn of_many_who_accept_at_once_one_gets_the_account(world: &World) {
    let ana = user(&world.store, "ana").await;
    let code = world.store.access_links().create(&invitation("l-1", &ana), NOW).await;
    let code = code.expect("made").expose_secret().to_owned();
    let beside = world.beside().await;
    let tries = (0..8).map(|n| {
        let store = if n % 2 == 0 { &world.store } else { &beside }.clone();
        let code = code.clone();
        tokio::spawn(async move {
            store.access_links().accept(&code, &new(&format!("bob{n}")), NOW).await
        })
    });
    let mut made = 0;
    for one in tries.collect::<Vec<_>>() {
        match one.await.expect("ran") {
            Ok(_) => made += 1,
            Err(error) => assert!(matches!(error, StoreError::Stale { .. }), "{error:?}"),
        }
    }
    assert_eq!((made, world.store.users().count().await.expect("counted")), (1, 2));
    beside.close().await;
}

async fn a_reset_link_replaces_the_password_once_and_ends_logins(world: &World) {
    let ana = user(&world.store, "ana").await;
    let bob = user(&world.store, "bob").await;
    let links = world.store.access_links();
    let token = |id: &str| store::NewToken {
        id: domain::id::TokenId::new(id),
        name: "login".into(),
        kind: store::TokenKind::Login,
        scope: domain::access::Scope::Admin,
        expires_at: None,
        made_by: None,
        ip: None,
        confirmed_at: None,
    };
    let tokens = world.store.tokens();
    let [of_ana, of_bob] = [(&ana, "t-a"), (&bob, "t-b")];
    let of_ana = tokens.create(of_ana.0, &token(of_ana.1), NOW).await.expect("made");
    let of_bob = tokens.create(of_bob.0, &token(of_bob.1), NOW).await.expect("made");

    let first = links.create(&reset("l-1", &ana), NOW).await.expect("made");
    let second = links.create(&reset("l-2", &ana), NOW).await.expect("made");
    let refused = links.reset(first.expose_secret(), "new", NOW).await;
    assert!(matches!(refused, Err(StoreError::Stale { .. })), "a newer one ends it");
    assert_eq!(links.reset(second.expose_secret(), "new", NOW).await.expect("done"), ana);
    let hash = world.store.users().login(&ana).await.expect("known").password_hash;
    assert_eq!(hash, "new");
    assert!(tokens.find(of_ana.expose_secret(), NOW).await.expect("asked").is_none());
    assert!(tokens.find(of_bob.expose_secret(), NOW).await.expect("asked").is_some());
    let again = links.reset(second.expose_secret(), "newer", NOW).await;
    assert!(matches!(again, Err(StoreError::Stale { .. })), "{again:?}");

    // A password that is changed in the meantime ends what was sent to replace it.
    let third = links.create(&reset("l-3", &ana), NOW).await.expect("made");
    world.store.users().set_password(&ana, "own", None, NOW).await.expect("changed");
    let late = links.reset(third.expose_secret(), "stolen", NOW).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    let hash = world.store.users().login(&ana).await.expect("known").password_hash;
    assert_eq!(hash, "own");
}

async fn what_is_over_or_taken_back_opens_nothing(world: &World) {
    let ana = user(&world.store, "ana").await;
    let links = world.store.access_links();
    let old = links.create(&invitation("l-1", &ana), NOW).await.expect("made");
    let over = NOW.plus(7 * DAY_MS);
    assert_eq!(
        links.open(LinkKind::Invitation, old.expose_secret(), over).await.expect("ok"),
        None
    );
    let late = links.accept(old.expose_secret(), &new("bob"), over).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    let back = links.create(&invitation("l-2", &ana), NOW).await.expect("made");
    links.revoke_invitation("l-2", NOW).await.expect("taken back");
    let late = links.accept(back.expose_secret(), &new("bob"), NOW).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    let forgotten = links.create(&reset("l-3", &ana), NOW).await.expect("made");
    let late = links.reset(forgotten.expose_secret(), "new", NOW.plus(HOUR_MS)).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "{late:?}");
    assert_eq!(world.store.users().count().await.expect("counted"), 1);
    assert_eq!(links.prune(NOW.plus(1)).await.expect("pruned"), 1, "what still opens stays");
    assert_eq!(links.prune(NOW.plus(30 * DAY_MS)).await.expect("pruned"), 2);
}

async fn only_so_many_invitations_are_open(world: &World) {
    let ana = user(&world.store, "ana").await;
    let links = world.store.access_links();
    for n in 0..100 {
        links.create(&invitation(&format!("l-{n}"), &ana), NOW).await.expect("made");
    }
    let refused = links.create(&invitation("l-more", &ana), NOW).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    links.revoke_invitation("l-7", NOW).await.expect("taken back");
    links.create(&invitation("l-more", &ana), NOW).await.expect("there is room again");
    links.create(&reset("l-r", &ana), NOW).await.expect("not one of them");
}

async fn the_first_account_runs_the_install(world: &World) {
    let users = world.store.users();
    let first = users.create(&new("ana"), true, NOW).await.expect("made");
    let second = users.create(&new("bob"), false, NOW).await.expect("made");
    assert_eq!((first.role, second.role), (AccountRole::Administrator, AccountRole::Member));
    assert_eq!(users.get(&first.id).await.expect("known").role, AccountRole::Administrator);
    assert_eq!(users.get(&second.id).await.expect("known").role, AccountRole::Member);
}
