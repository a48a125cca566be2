//! Secrets at rest: sealed, bound to their row, and moved to new keys as a whole.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use domain::id::UserId;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sqlx::Row as _;
use store::{
    CredentialKind, CredentialStatus, KeyError, Keyring, NewCredential, Store, StoreError,
};

use crate::fixtures::{NOW, user};
use crate::world::World;

const PLAIN: &str = "vast-key-that-nobody-may-read";

on_both! {
    a_secret_is_given_back_and_described_without_it,
    a_credential_is_its_owners_alone,
    a_secret_moved_to_another_row_does_not_open,
    a_wrong_key_opens_nothing,
    a_changed_secret_does_not_open,
    the_plain_secret_is_nowhere_in_the_database,
    a_rotation_moves_every_secret,
    a_rotation_that_can_not_open_everything_changes_nothing,
    a_key_file_is_rotated_under_a_running_process,
}

async fn put(store: &Store, user: &UserId, kind: CredentialKind, plain: &str) {
    let secret = SecretString::from(plain);
    let new = NewCredential {
        kind,
        secret: &secret,
        hint: json!({"last4": &plain[plain.len() - 4..]}),
        status: CredentialStatus::Ok,
        status_word: None,
        checked_at: Some(NOW),
    };
    store.credentials().put(user, &new, NOW).await.expect("put");
}

async fn plain(store: &Store, user: &UserId, kind: CredentialKind) -> Result<String, StoreError> {
    let secret = store.credentials().secret(user, kind).await?;
    Ok(secret.expect("there is one").expose_secret().to_owned())
}

async fn a_secret_is_given_back_and_described_without_it(world: &World) {
    let ana = user(&world.store, "ana").await;
    let credentials = world.store.credentials();
    let kind = CredentialKind::VastApiKey;
    assert!(credentials.secret(&ana, kind).await.expect("asked").is_none());
    assert_eq!(credentials.describe(&ana, kind).await.expect("asked"), None);
    put(&world.store, &ana, kind, "first").await;
    put(&world.store, &ana, kind, PLAIN).await;
    assert_eq!(plain(&world.store, &ana, kind).await.expect("opens"), PLAIN);
    credentials
        .mark(&ana, kind, CredentialStatus::Refused, Some("401"), NOW.plus(9))
        .await
        .expect("marked");
    let shown = credentials.describe(&ana, kind).await.expect("asked").expect("there");
    assert_eq!(shown.hint, json!({"last4": "read"}));
    assert_eq!(shown.status, CredentialStatus::Refused);
    assert_eq!(shown.status_word.as_deref(), Some("401"));
    assert_eq!(shown.checked_at, Some(NOW.plus(9)));
    assert!(!format!("{shown:?} {:?}", credentials.list(&ana).await).contains(PLAIN));
    assert_eq!(credentials.holders(kind).await.expect("listed"), [ana.clone()]);
    credentials.delete(&ana, kind).await.expect("deleted");
    assert!(credentials.secret(&ana, kind).await.expect("asked").is_none());
    assert_eq!(credentials.holders(kind).await.expect("listed"), []);
}

async fn a_credential_is_its_owners_alone(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let kind = CredentialKind::SshKey;
    put(&world.store, &ana, kind, PLAIN).await;
    let credentials = world.store.credentials();
    assert!(credentials.secret(&bob, kind).await.expect("asked").is_none());
    assert_eq!(credentials.list(&bob).await.expect("listed"), []);
    let foreign = credentials.delete(&bob, kind).await;
    assert!(matches!(foreign, Err(StoreError::NotFound("credential"))));
    let foreign = credentials.mark(&bob, kind, CredentialStatus::Ok, None, NOW).await;
    assert!(matches!(foreign, Err(StoreError::NotFound("credential"))));
}

async fn a_secret_moved_to_another_row_does_not_open(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let kind = CredentialKind::VastApiKey;
    put(&world.store, &ana, kind, PLAIN).await;
    put(&world.store, &bob, kind, "bobs-own-key").await;
    put(&world.store, &bob, CredentialKind::SshKey, "bobs-ssh").await;
    let raw = world.raw().await;
    sqlx::query("UPDATE credentials SET secret = (SELECT c.secret FROM credentials c WHERE c.user_id = $1) WHERE user_id = $2")
        .bind(ana.as_str())
        .bind(bob.as_str())
        .execute(&raw)
        .await
        .expect("swapped");
    raw.close().await;
    for kind in [kind, CredentialKind::SshKey] {
        let stolen = plain(&world.store, &bob, kind).await;
        assert!(matches!(stolen, Err(StoreError::Key(KeyError::Forged))));
    }
    assert_eq!(plain(&world.store, &ana, kind).await.expect("opens"), PLAIN);
}

async fn a_wrong_key_opens_nothing(world: &World) {
    let ana = user(&world.store, "ana").await;
    let kind = CredentialKind::VastApiKey;
    put(&world.store, &ana, kind, PLAIN).await;
    let stranger = Store::open(&world.url, Keyring::random()).await.expect("opens");
    let refused = plain(&stranger, &ana, kind).await;
    assert!(matches!(refused, Err(StoreError::Key(KeyError::UnknownKey(_)))));
    stranger.close().await;
}

async fn a_changed_secret_does_not_open(world: &World) {
    let ana = user(&world.store, "ana").await;
    let kind = CredentialKind::VastApiKey;
    put(&world.store, &ana, kind, PLAIN).await;
    let raw = world.raw().await;
    let row = sqlx::query("SELECT secret FROM credentials").fetch_one(&raw).await;
    let sealed: String = row.expect("a row").get("secret");
    let mut parts: Vec<String> = sealed.split('.').map(str::to_owned).collect();
    let first = if parts[3].starts_with('A') { "B" } else { "A" };
    parts[3].replace_range(0..1, first);
    for forged in [parts.join("."), "v1".into(), "plain".into(), sealed.replace("v1", "v2")] {
        sqlx::query("UPDATE credentials SET secret = $1")
            .bind(&forged)
            .execute(&raw)
            .await
            .expect("written");
        let refused = plain(&world.store, &ana, kind).await;
        assert!(matches!(refused, Err(StoreError::Key(KeyError::Forged))), "{forged}: {refused:?}");
    }
    raw.close().await;
}

async fn the_plain_secret_is_nowhere_in_the_database(world: &World) {
    let ana = user(&world.store, "ana").await;
    put(&world.store, &ana, CredentialKind::VastApiKey, PLAIN).await;
    let raw = world.raw().await;
    let row = sqlx::query("SELECT secret, hint FROM credentials").fetch_one(&raw).await;
    let row = row.expect("a row");
    let (sealed, hint): (String, String) = (row.get("secret"), row.get("hint"));
    assert!(sealed.starts_with("v1.") && sealed.split('.').count() == 4);
    assert!(!sealed.contains(PLAIN) && !hint.contains(PLAIN));
    raw.close().await;
    for file in world.files() {
        let bytes = fs::read(&file).expect("readable");
        let found = bytes.windows(PLAIN.len()).any(|part| part == PLAIN.as_bytes());
        assert!(!found, "in {}", file.display());
    }
}

async fn a_rotation_moves_every_secret(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let kind = CredentialKind::VastApiKey;
    put(&world.store, &ana, kind, PLAIN).await;
    put(&world.store, &bob, kind, "bobs").await;
    let both = world.keys.with_new_key();
    assert_eq!(world.store.rotate(both.clone()).await.expect("rotated"), 2);
    assert_eq!(world.store.rotate(both.clone()).await.expect("again"), 0);
    assert_eq!(plain(&world.store, &ana, kind).await.expect("opens"), PLAIN);
    let new = Store::open(&world.url, both.newest_only()).await.expect("opens");
    assert_eq!(plain(&new, &ana, kind).await.expect("opens"), PLAIN);
    assert_eq!(plain(&new, &bob, kind).await.expect("opens"), "bobs");
    let old = world.beside().await;
    assert!(plain(&old, &ana, kind).await.is_err());
    new.close().await;
    old.close().await;
}

async fn a_rotation_that_can_not_open_everything_changes_nothing(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let kind = CredentialKind::VastApiKey;
    put(&world.store, &ana, kind, PLAIN).await;
    let stranger = Store::open(&world.url, Keyring::random()).await.expect("opens");
    put(&stranger, &bob, kind, "bobs").await;
    let refused = world.store.rotate(world.keys.with_new_key()).await;
    assert!(matches!(refused, Err(StoreError::Key(_))));
    let untouched = world.beside().await;
    assert_eq!(plain(&untouched, &ana, kind).await.expect("opens"), PLAIN);
    assert_eq!(plain(&stranger, &bob, kind).await.expect("opens"), "bobs");
    untouched.close().await;
    stranger.close().await;
}

async fn a_key_file_is_rotated_under_a_running_process(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let kind = CredentialKind::VastApiKey;
    let path = world.folder.path().join("master.key");
    let open = || Store::open(&world.url, Keyring::from_file(&path).expect("keys"));
    let server = open().await.expect("opens");
    put(&server, &ana, kind, PLAIN).await;
    let before = fs::read_to_string(&path).expect("a key");

    let command = open().await.expect("opens");
    assert_eq!(command.rotate_key_file().await.expect("rotated"), 1);
    let after = fs::read_to_string(&path).expect("a key");
    assert_ne!(before, after);
    assert_eq!(after.lines().count(), 1);
    assert_eq!(mode(&path), 0o600);

    assert_eq!(plain(&server, &ana, kind).await.expect("opens"), PLAIN);
    put(&server, &bob, kind, "bobs").await;
    let fresh = open().await.expect("opens");
    assert_eq!(plain(&fresh, &bob, kind).await.expect("opens"), "bobs");

    let refused = world.store.rotate_key_file().await;
    assert!(matches!(refused, Err(StoreError::Key(KeyError::NotAFile))));
    for store in [server, command, fresh] {
        store.close().await;
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}
