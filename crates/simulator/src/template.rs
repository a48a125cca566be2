//! The database that each world begins with.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use domain::id::UserId;
use domain::policy::FailoverSettings;
use domain::time::Millis;
use store::{CredentialKind, CredentialStatus, Keyring, NewCredential, NewUser, Store};

/// A file with the schema, a user, keys and settings.
pub(crate) struct Template {
    folder: tempfile::TempDir,
    pub(crate) keys: Keyring,
    pub(crate) user: UserId,
}

/// A world's own copy, its name, and whose it is.
pub(crate) type Begun = (memory::Copy, String, Keyring, UserId);

/// Part of every label.
const INSTALL: &str = "5eed5eed";
static MADE: Mutex<Option<Template>> = Mutex::new(None);
static WORLDS: AtomicU64 = AtomicU64::new(0);

/// A copy of it for one world, and a name that no other world has.
pub(crate) fn copy() -> Begun {
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let template = made.get_or_insert_with(make);
    let name = format!("world-{}", WORLDS.fetch_add(1, Ordering::Relaxed));
    let file = template.folder.path().join("template.db");
    let copy = memory::Copy::of(&file, &name).expect("the template is copied");
    (copy, name, template.keys.clone(), template.user.clone())
}

fn make() -> Template {
    memory::install();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("template.db");
    let keys = Keyring::random();
    let user = UserId::new("u1");
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime").block_on(async {
        let address = format!("sqlite://{}", file.display());
        let store = Store::open(&address, keys.clone()).await.expect("it opens");
        fill(&store, &user).await;
        store.close().await;
    });
    let raw = rusqlite::Connection::open(&file).expect("it opens");
    raw.execute("UPDATE install SET id = ?1", [INSTALL]).expect("it has an id");
    Template { folder, keys, user }
}

async fn fill(store: &Store, user: &UserId) {
    let at = Millis(1_000);
    let new = NewUser {
        id: user.clone(),
        email: "u@example.org".into(),
        username: "u".into(),
        password_hash: "none".into(),
    };
    store.users().create(&new, false, at).await.expect("a user");
    for kind in
        [CredentialKind::VastApiKey, CredentialKind::GcpServiceAccount, CredentialKind::SshKey]
    {
        let new = NewCredential {
            kind,
            secret: &"secret".to_owned().into(),
            hint: serde_json::json!({}),
            status: CredentialStatus::Ok,
            status_word: None,
            checked_at: Some(at),
        };
        store.credentials().put(user, &new, at).await.expect("a credential");
    }
    let settings = FailoverSettings { keep_lost_min: 2, ..FailoverSettings::default() };
    store.settings().put(user, &settings, None, at).await.expect("settings");
}
