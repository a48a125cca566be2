//! The store itself: opening it, and the way to each repository.

use std::sync::Arc;

use sqlx::{Row, query};
use tokio::sync::broadcast;

use crate::db::Db;
use crate::engine::event::{self, Chimes, Doorbell};
use crate::error::StoreError;
use crate::migrate;
use crate::secret::keyring::Keyring;
use crate::secret::vault::Vault;

/// An open store. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    vault: Vault,
    chimes: Chimes,
    install: String,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("kind", &self.inner.db.kind())
            .field("install", &self.inner.install)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens `sqlite:<path>` (the file is created, mode 0600) or `postgres://…`, and brings its
    /// schema up to date.
    ///
    /// # Errors
    /// `Address` for something else, `Migrate` when the schema is newer than this program or was
    /// changed, `Unavailable` when the database does not answer.
    pub async fn open(url: &str, keyring: Keyring) -> Result<Self, StoreError> {
        let db = Db::connect(url).await?;
        migrate::run(&db).await?;
        make_install_id(&db).await?;
        Self::of(db, keyring).await
    }

    /// Opens one that is there as it is; for looking at it.
    ///
    /// # Errors
    /// `Address` for something else, `Schema` when the schema is not this program's, `Unavailable`
    /// when the database does not answer or never held a store.
    pub async fn open_unchanged(url: &str, keyring: Keyring) -> Result<Self, StoreError> {
        let db = Db::connect(url).await?;
        migrate::check(&db).await?;
        Self::of(db, keyring).await
    }

    async fn of(db: Db, keyring: Keyring) -> Result<Self, StoreError> {
        let row = query("SELECT id FROM install").fetch_one(&mut *db.read().await?).await?;
        let install = row.try_get("id")?;
        let chimes = Chimes::new(event::newest(&db).await?);
        Ok(Self { inner: Arc::new(Inner { db, vault: Vault::new(keyring), chimes, install }) })
    }

    /// This install's id: 8 lower-case hexadecimal characters, made once, part of every name and
    /// label that is given at a provider.
    #[must_use]
    pub fn install_id(&self) -> &str {
        &self.inner.install
    }

    /// Whether several processes may share this store (Postgres).
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.inner.db.kind() == crate::db::Kind::Postgres
    }

    /// One round trip for reading and one for writing, for health checks.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        query("SELECT id FROM install").fetch_one(&mut *self.db().read().await?).await?;
        let mut tx = self.db().begin().await?;
        crate::db::lock_install(&mut tx).await?;
        tx.rollback().await?;
        Ok(())
    }

    /// Doorbells of all users, in order, from now on; for one process' live pages.
    #[must_use]
    pub fn doorbells(&self) -> broadcast::Receiver<Doorbell> {
        self.inner.chimes.subscribe()
    }

    /// Waits for what is under way and closes every connection.
    pub async fn close(&self) {
        self.inner.db.close().await;
    }

    pub(crate) fn db(&self) -> &Db {
        &self.inner.db
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    pub(crate) fn chimes(&self) -> &Chimes {
        &self.inner.chimes
    }
}

macro_rules! repositories {
    ($($(#[$meta:meta])* $method:ident -> $repository:path,)+) => {
        impl Store { $(
            $(#[$meta])*
            #[must_use]
            pub const fn $method(&self) -> $repository { <$repository>::new(self) }
        )+ }
    };
}

repositories! {
    /// Accounts.
    users -> crate::Users<'_>,
    /// Logins in browsers.
    sessions -> crate::Sessions<'_>,
    /// Tokens for programs.
    tokens -> crate::Tokens<'_>,
    /// Browsers that are known to accounts.
    browsers -> crate::Browsers<'_>,
    /// How often something was tried.
    attempts -> crate::Attempts<'_>,
    /// Second factors, sealed.
    second_factors -> crate::SecondFactors<'_>,
    /// Passkeys.
    passkeys -> crate::Passkeys<'_>,
    /// Links that let somebody in.
    access_links -> crate::AccessLinks<'_>,
    /// What accounts let one another do.
    grants -> crate::Grants<'_>,
    /// CPU Failover settings.
    settings -> crate::Settings<'_>,
    /// Keys to the providers, sealed.
    credentials -> crate::Credentials<'_>,
    /// Who did what.
    audit -> crate::Audit<'_>,
    /// What each user is told.
    notifications -> crate::Notifications<'_>,
    /// Protected machines and their standbys.
    associations -> crate::Associations<'_>,
    /// What was asked for when GPUs were rented.
    rentals -> crate::Rentals<'_>,
    /// Answers that are given again.
    idempotency_keys -> crate::IdempotencyKeys<'_>,
    /// What each sync did.
    sync_cycles -> crate::SyncCycles<'_>,
    /// Changes of verdict with their evidence.
    verdicts -> crate::Verdicts<'_>,
    /// Failovers, drills and planned moves.
    failovers -> crate::Failovers<'_>,
    /// The journal of their steps.
    steps -> crate::Steps<'_>,
    /// Purchases.
    intents -> crate::Intents<'_>,
    /// Wishes that an instance be stopped or gone.
    disposals -> crate::Disposals<'_>,
    /// The providers' last answers.
    provider_states -> crate::ProviderStates<'_>,
    /// Doorbells for live pages.
    events -> crate::Events<'_>,
    /// Who works on what.
    leases -> crate::Leases<'_>,
    /// When processes ran.
    runs -> crate::Runs<'_>,
}

async fn make_install_id(db: &Db) -> Result<(), StoreError> {
    query("INSERT INTO install (singleton, id) VALUES (1, $1) ON CONFLICT (singleton) DO NOTHING")
        .bind(format!("{:08x}", rand::random::<u32>()))
        .execute(db.write())
        .await?;
    Ok(())
}
