//! What is kept over a restart, who may read the files, and opening at the same time.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use store::{KeyError, Keyring, Store, StoreError};

use crate::fixtures::{NOW, association, failover, machine, user};
use crate::world::World;

on_both! {
    everything_is_there_after_a_restart,
    many_open_an_empty_database_at_once,
    a_newer_schema_is_refused,
    looking_changes_no_schema,
    the_store_answers_a_ping,
}

async fn everything_is_there_after_a_restart(world: &World) {
    let mut expected = machine(&world.store, "ana").await;
    let begun = failover(&expected, "fo-1");
    world.store.failovers().open(&begun).await.expect("begun");
    expected.active_failover = Some(begun.id.clone());
    let install = world.store.install_id().to_owned();
    world.store.close().await;
    assert!(world.store.ping().await.is_err());

    let store = world.beside().await;
    assert_eq!(store.install_id(), install);
    assert_eq!(install.len(), 8);
    assert!(install.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()));
    assert_eq!(store.associations().all().await.expect("read"), [expected]);
    assert_eq!(store.failovers().active().await.expect("read"), [begun]);
    store.close().await;
}

async fn many_open_an_empty_database_at_once(world: &World) {
    let empty = world.empty().await;
    let opening: Vec<_> = (0..6)
        .map(|_| {
            let (url, keys) = (empty.url.clone(), world.keys.clone());
            tokio::spawn(async move { Store::open(&url, keys).await })
        })
        .collect();
    let mut ids = Vec::new();
    let mut open = Vec::new();
    for one in opening {
        let store = one.await.expect("ran").expect("opens");
        ids.push(store.install_id().to_owned());
        open.push(store);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_ne!(ids[0], world.store.install_id());
    for store in open {
        store.close().await;
    }
    empty.end().await;
}

async fn a_newer_schema_is_refused(world: &World) {
    let raw = world.raw().await;
    sqlx::query("UPDATE _sqlx_migrations SET version = 99999 WHERE version = 4")
        .execute(&raw)
        .await
        .expect("changed");
    raw.close().await;
    let refused = Store::open(&world.url, world.keys.clone()).await;
    assert!(matches!(refused, Err(StoreError::Migrate(_) | StoreError::Schema { .. })));
}

async fn looking_changes_no_schema(world: &World) {
    let install = world.store.install_id().to_owned();
    let looking = Store::open_unchanged(&world.url, world.keys.clone()).await.expect("current");
    assert_eq!(looking.install_id(), install);
    looking.close().await;

    let raw = world.raw().await;
    let newest = "SELECT MAX(version) FROM _sqlx_migrations";
    let known: i64 = sqlx::query_scalar(newest).fetch_one(&raw).await.expect("a version");
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version = $1")
        .bind(known)
        .execute(&raw)
        .await
        .expect("made older");
    let refused = Store::open_unchanged(&world.url, world.keys.clone()).await;
    assert!(
        matches!(refused, Err(StoreError::Schema { found, known: ours }) if found < ours && ours == known)
    );
    let after: i64 = sqlx::query_scalar(newest).fetch_one(&raw).await.expect("a version");
    assert!(after < known, "nothing was applied");
    raw.close().await;
}

async fn the_store_answers_a_ping(world: &World) {
    world.store.ping().await.expect("answers");
    let ana = user(&world.store, "ana").await;
    let many = (0..40).map(|n| {
        let (store, ana) = (world.store.clone(), ana.clone());
        tokio::spawn(async move {
            let new = association(&ana, &format!("a{n}"), n);
            store.associations().create(&new).await.expect("made");
            store.ping().await.expect("answers");
        })
    });
    for task in many.collect::<Vec<_>>() {
        task.await.expect("ran");
    }
    let made = world.store.associations().list(&ana).await.expect("read");
    assert_eq!(made.len(), 40);
    assert!(made.iter().all(|one| one.created_at == NOW));
}

#[tokio::test]
async fn a_database_file_and_its_log_are_its_owners_alone() {
    let world = World::sqlite().await;
    user(&world.store, "ana").await;
    let files = world.files();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let mode = fs::metadata(&file).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
    world.end().await;
}

#[tokio::test]
async fn an_address_that_is_no_database_is_refused() {
    for address in ["", "mysql://host/db", "sqlite::memory:", "sqlite:", "/tmp/x.db"] {
        let refused = Store::open(address, Keyring::random()).await;
        assert!(matches!(refused, Err(StoreError::Address(_))), "{address}");
    }
    let nowhere = Store::open("sqlite:///nowhere/at/all.db", Keyring::random()).await;
    assert!(matches!(nowhere, Err(StoreError::Address(_))));
}

#[test]
fn a_key_file_is_made_once_and_refused_when_others_can_read_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("master.key");
    let made = Keyring::from_file(&path).expect("made");
    let read = Keyring::from_file(&path).expect("read");
    assert_eq!(format!("{made:?}"), format!("{read:?}"));
    let text = fs::read_to_string(&path).expect("text");
    assert!(!format!("{made:?}").contains(text.trim()));
    let names: Vec<_> = fs::read_dir(folder.path()).expect("listed").collect();
    assert_eq!(names.len(), 1, "no draft is left: {names:?}");
    for mode in [0o644, 0o640, 0o604] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("changed");
        let refused = Keyring::from_file(&path);
        assert!(matches!(refused, Err(KeyError::LooseMode { .. })), "{mode:o}");
    }
}

#[test]
fn keys_of_a_value_are_read_newest_first_and_refused_when_malformed() {
    let key = |byte: u8| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode([byte; 32])
    };
    let both = Keyring::from_value(&format!("{}, {}", key(1), key(2))).expect("two keys");
    let first = Keyring::from_value(&key(1)).expect("a key");
    assert_eq!(format!("{:?}", both.newest_only()), format!("{first:?}"));
    for bad in ["", "abc", &key(1)[1..], "AAAA"] {
        assert!(matches!(Keyring::from_value(bad), Err(KeyError::Malformed)), "{bad}");
    }
}
