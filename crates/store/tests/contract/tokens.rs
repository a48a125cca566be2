//! API tokens.

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
}

fn new(id: &str, kind: TokenKind, expires_at: Option<Millis>) -> NewToken {
    NewToken { id: TokenId::new(id), name: format!("name of {id}"), kind, expires_at }
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
    let wanted = new("b", TokenKind::Login, None);
    let login = tokens.create(&ana, &wanted, NOW).await.expect("made");
    let foreign = tokens.revoke(&bob, &TokenId::new("a"), NOW).await;
    assert!(matches!(foreign, Err(StoreError::NotFound("token"))));
    assert_eq!(tokens.list(&bob).await.expect("listed"), []);
    let ended = tokens.revoke_all(&ana, TokenKind::Login, NOW).await;
    assert_eq!(ended.expect("revoked"), 1);
    let open = tokens.find(login.expose_secret(), NOW).await;
    assert!(open.expect("asked").is_none());
    let open = tokens.find(api.expose_secret(), NOW).await;
    assert!(open.expect("asked").is_some());
}
