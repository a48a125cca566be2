//! API tokens.

use domain::access::Scope;
use domain::id::TokenId;
use domain::time::Millis;
use secrecy::ExposeSecret as _;
use sqlx::Row as _;
use store::{NewToken, StoreError, TokenKind};

use crate::fixtures::{NOW, user};
use crate::world::World;

on_both! {
    a_token_opens_until_it_expires_or_is_revoked,
    a_token_is_stored_as_a_hash_alone,
    a_use_is_noted_once_a_minute,
    a_token_is_revoked_by_its_owner_alone,
    a_token_of_before_scopes_may_what_it_could,
    a_new_password_keeps_one_login_and_what_it_made,
}

fn new(id: &str, kind: TokenKind, expires_at: Option<Millis>) -> NewToken {
    NewToken {
        id: TokenId::new(id),
        name: format!("name of {id}"),
        kind,
        scope: Scope::Operate,
        expires_at,
        made_by: Some("somebody".into()),
        ip: Some("192.0.2.1".into()),
        confirmed_at: None,
    }
}

async fn a_token_opens_until_it_expires_or_is_revoked(world: &World) {
    let tokens = world.store.tokens();
    let ana = user(&world.store, "ana").await;
    let short = new("short", TokenKind::Login, Some(NOW.plus(1_000)));
    let short = tokens.create(&ana, &short, NOW).await.expect("made");
    let lasting = new("lasting", TokenKind::Api, None);
    let lasting = tokens.create(&ana, &lasting, NOW).await.expect("made");

    let found = tokens.find(lasting.expose_secret(), NOW).await.expect("asked").expect("opens");
    assert_eq!((&found.user, found.id.as_str()), (&ana, "lasting"));
    assert!(lasting.expose_secret().ends_with(&found.last4));
    let wrong = format!("{}x", lasting.expose_secret());
    assert_eq!(tokens.find(&wrong, NOW).await.expect("asked"), None);

    let before = tokens.find(short.expose_secret(), NOW.plus(999)).await;
    assert!(before.expect("asked").is_some());
    let after = tokens.find(short.expose_secret(), NOW.plus(1_000)).await;
    assert!(after.expect("asked").is_none());

    tokens.revoke(&ana, &TokenId::new("lasting"), NOW).await.expect("revoked");
    let gone = tokens.find(lasting.expose_secret(), NOW).await;
    assert!(gone.expect("asked").is_none());
    let again = tokens.revoke(&ana, &TokenId::new("lasting"), NOW).await;
    assert!(matches!(again, Err(StoreError::NotFound("token"))));
    let left = tokens.list(&ana).await.expect("listed");
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id.as_str(), "short");
}

async fn a_token_is_stored_as_a_hash_alone(world: &World) {
    let ana = user(&world.store, "ana").await;
    let wanted = new("one", TokenKind::Api, None);
    let plain = world.store.tokens().create(&ana, &wanted, NOW).await.expect("made");
    let plain = plain.expose_secret();
    assert!(plain.starts_with("dumont_sk_"));
    assert_eq!(plain.len(), "dumont_sk_".len() + 43);
    let raw = world.raw().await;
    let row =
        sqlx::query("SELECT token_hash FROM api_tokens").fetch_one(&raw).await.expect("a row");
    let hash: String = row.get("token_hash");
    assert_eq!(hash.len(), 64);
    assert!(!plain.contains(&hash) && !hash.contains(plain));
    raw.close().await;
}

async fn a_use_is_noted_once_a_minute(world: &World) {
    let tokens = world.store.tokens();
    let ana = user(&world.store, "ana").await;
    let plain = tokens.create(&ana, &new("one", TokenKind::Api, None), NOW).await.expect("made");
    for (at, noted) in [(0, 0), (59_999, 0), (60_000, 60_000), (60_001, 60_000)] {
        tokens.find(plain.expose_secret(), NOW.plus(at)).await.expect("asked");
        let listed = tokens.list(&ana).await.expect("listed");
        assert_eq!(listed[0].last_used_at, Some(NOW.plus(noted)), "after {at} ms");
    }
}

async fn a_token_is_revoked_by_its_owner_alone(world: &World) {
    let tokens = world.store.tokens();
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let wanted = new("a", TokenKind::Api, None);
    let api = tokens.create(&ana, &wanted, NOW).await.expect("made");
    let foreign = tokens.revoke(&bob, &TokenId::new("a"), NOW).await;
    assert!(matches!(foreign, Err(StoreError::NotFound("token"))));
    assert_eq!(tokens.list(&bob).await.expect("listed"), []);
    let open = tokens.find(api.expose_secret(), NOW).await;
    assert!(open.expect("asked").is_some());
    assert!(!tokens.stands(&bob, &TokenId::new("a"), NOW).await.expect("asked"));
    assert!(tokens.stands(&ana, &TokenId::new("a"), NOW).await.expect("asked"));
    let foreign = tokens.confirm(&bob, &TokenId::new("a"), NOW).await;
    assert!(matches!(foreign, Err(StoreError::NotFound("token"))));
}

async fn a_token_of_before_scopes_may_what_it_could(world: &World) {
    let ana = user(&world.store, "ana").await;
    let raw = world.raw().await;
    sqlx::query("INSERT INTO api_tokens (id, user_id, name, kind, token_hash, last4, expires_at, created_at) VALUES ('old', $1, 'old', 'api', 'x', 'abcd', NULL, 1)")
        .bind(ana.as_str())
        .execute(&raw)
        .await
        .expect("a row as it was");
    raw.close().await;
    let listed = world.store.tokens().list(&ana).await.expect("listed");
    assert_eq!((listed[0].scope, listed[0].expires_at), (Scope::Admin, None));
    assert!(world.store.tokens().stands(&ana, &TokenId::new("old"), NOW).await.expect("asked"));
}

async fn a_new_password_keeps_one_login_and_what_it_made(world: &World) {
    let tokens = world.store.tokens();
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let by = |id: &str, kind, made_by: Option<&str>| NewToken {
        made_by: made_by.map(str::to_owned),
        ..new(id, kind, None)
    };
    for one in [
        by("keep", TokenKind::Login, None),
        by("other", TokenKind::Login, None),
        by("of-keep", TokenKind::Api, Some("keep")),
        by("of-other", TokenKind::Api, Some("other")),
        by("of-nobody", TokenKind::Api, None),
    ] {
        tokens.create(&ana, &one, NOW).await.expect("made");
    }
    tokens.create(&bob, &by("bobs", TokenKind::Login, None), NOW).await.expect("made");
    let names = async |user| {
        let listed = tokens.list(user).await.expect("listed");
        let mut names: Vec<String> = listed.into_iter().map(|one| one.id.0).collect();
        names.sort();
        names
    };
    world.store.users().set_password(&ana, "hash", Some("keep"), NOW).await.expect("set");
    assert_eq!(names(&ana).await, ["keep", "of-keep", "of-nobody"]);
    world.store.users().set_password(&ana, "hash", None, NOW).await.expect("set");
    assert_eq!(names(&ana).await, ["of-nobody"]);
    assert_eq!(names(&bob).await, ["bobs"]);
}
