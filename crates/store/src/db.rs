//! The connections: one shape for both databases.
//!
//! SQLite has one connection that writes and several that can only read; Postgres has one pool for
//! both. A transaction that writes takes its lock at once on SQLite, so that it never finds out
//! half-way that another was first.

use sqlx::any::{Any, AnyPoolOptions, AnyQueryResult};
use sqlx::{AnyConnection, AnyPool, Transaction, query};
use std::time::Duration;

use domain::id::{AssociationId, Epoch};

use crate::error::StoreError;
use crate::sqlite;

/// A transaction that writes. Dropped without `commit`, it is undone.
pub(crate) type Tx = Transaction<'static, Any>;

const CONNECTIONS: u32 = 8;
const PATIENCE: Duration = Duration::from_secs(10);

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file, for one process and its command line.
    Sqlite,
    /// A server, for several processes.
    Postgres,
}

/// The open database.
#[derive(Debug)]
pub(crate) struct Db {
    kind: Kind,
    read: AnyPool,
    write: AnyPool,
}

impl Db {
    /// Connects. `sqlite:…` creates the file where there is none.
    pub(crate) async fn connect(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        if url.starts_with("sqlite:") {
            let file = sqlite::File::from_url(url)?;
            file.create()?;
            let write = sqlite::options(sqlite::WRITE)
                .max_connections(1)
                .acquire_timeout(PATIENCE)
                .connect(&file.address())
                .await?;
            let read = sqlite::options(sqlite::READ)
                .max_connections(CONNECTIONS)
                .acquire_timeout(PATIENCE)
                .connect(&file.address())
                .await?;
            return Ok(Self { kind: Kind::Sqlite, read, write });
        }
        if !url.starts_with("postgres:") && !url.starts_with("postgresql:") {
            return Err(StoreError::Address("must begin with sqlite: or postgres:".into()));
        }
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .connect(url)
            .await?;
        Ok(Self { kind: Kind::Postgres, read: pool.clone(), write: pool })
    }

    /// Which database it is.
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// For statements that only read.
    pub(crate) const fn read(&self) -> &AnyPool {
        &self.read
    }

    /// For single statements that write.
    pub(crate) const fn write(&self) -> &AnyPool {
        &self.write
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self.kind {
            Kind::Sqlite => self.write.begin_with("BEGIN IMMEDIATE").await?,
            Kind::Postgres => self.write.begin().await?,
        })
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// Makes the install stand still until the transaction ends: of all that take this lock, one runs
/// at a time.
pub(crate) async fn lock_install(tx: &mut AnyConnection) -> Result<(), StoreError> {
    query("UPDATE install SET singleton = singleton").execute(tx).await?;
    Ok(())
}

/// Holds an association at an epoch until the transaction ends; stale when it has another one, or
/// is gone.
pub(crate) async fn hold_epoch(
    tx: &mut AnyConnection,
    id: &AssociationId,
    epoch: Epoch,
) -> Result<(), StoreError> {
    let held = query("UPDATE associations SET epoch = epoch WHERE id = $1 AND epoch = $2")
        .bind(id.as_str())
        .bind(epoch.0)
        .execute(tx)
        .await?;
    changed(&held).then_some(()).ok_or(StoreError::stale_epoch("association", epoch))
}

/// Whether a guarded write found its row.
pub(crate) fn changed(result: &AnyQueryResult) -> bool {
    result.rows_affected() > 0
}

/// Stale when a guarded write found no row in the state that it expects.
pub(crate) fn must_change(result: &AnyQueryResult, what: &'static str) -> Result<(), StoreError> {
    changed(result).then_some(()).ok_or(StoreError::stale(what))
}

/// Not found when a write of a user's own row found none.
pub(crate) fn must_exist(result: &AnyQueryResult, what: &'static str) -> Result<(), StoreError> {
    changed(result).then_some(()).ok_or(StoreError::NotFound(what))
}
