//! The connections: one shape for both databases.
//!
//! SQLite has one connection that writes and several that can only read; Postgres has one pool for
//! both. A transaction that writes takes its lock at once on SQLite, so that it never finds out
//! half-way that another was first.
//!
//! SQLite's readers are threads of this process, so none is ever lost, and they are handed on as they
//! are: sqlx's pool tests each connection that comes back, which takes as long as most queries.

use std::ops::{Deref, DerefMut};
use std::sync::Once;
use std::time::Duration;

use deadpool::unmanaged::{Object, Pool};
use domain::id::{AssociationId, Epoch};
use sqlx::any::{Any, AnyPoolOptions, AnyQueryResult};
use sqlx::pool::PoolConnection;
use sqlx::{AnyConnection, AnyPool, Connection as _, Transaction, query};
use tokio::time::timeout;

use crate::error::StoreError;
use crate::sqlite;

/// A transaction that writes. Dropped without `commit`, it is undone.
pub(crate) type Tx = Transaction<'static, Any>;

const CONNECTIONS: usize = 8;
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
    read: Readers,
    write: AnyPool,
    kind: Kind,
}

/// The connections that read.
#[derive(Debug)]
enum Readers {
    /// Of this process.
    Own(Pool<AnyConnection>),
    /// Those that write too.
    Shared(AnyPool),
}

/// A connection that reads, for one who holds it.
pub(crate) enum Reading {
    /// As [`Readers::Own`].
    Own(Object<AnyConnection>),
    /// As [`Readers::Shared`].
    Shared(PoolConnection<Any>),
}

impl Deref for Reading {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        match self {
            Self::Own(connection) => connection,
            Self::Shared(connection) => connection,
        }
    }
}

impl DerefMut for Reading {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        match self {
            Self::Own(connection) => connection,
            Self::Shared(connection) => connection,
        }
    }
}

/// What the address of a database in memory begins with. Whoever has one brings its driver along.
const MEMORY: &str = "memory:";

/// Has [`sqlx::Any`] know both databases, unless somebody had it know these and others before.
pub fn install_drivers() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let ours: &'static [_] =
            const { &[sqlx::postgres::any::DRIVER, sqlx::sqlite::any::DRIVER] };
        drop(sqlx::any::install_drivers(ours));
    });
}

impl Db {
    /// Connects. `sqlite:…` creates the file where there is none.
    pub(crate) async fn connect(url: &str) -> Result<Self, StoreError> {
        install_drivers();
        if url.starts_with("sqlite:") {
            let file = sqlite::File::from_url(url)?;
            file.create()?;
            let write = sqlite::options(sqlite::WRITE)
                .max_connections(1)
                .acquire_timeout(PATIENCE)
                .connect(&file.address())
                .await?;
            let mut read = Vec::with_capacity(CONNECTIONS);
            for _ in 0..CONNECTIONS {
                read.push(sqlite::reader(&file).await?);
            }
            let read = Readers::Own(Pool::from(read));
            return Ok(Self { read, write, kind: Kind::Sqlite });
        }
        if url.starts_with(MEMORY) {
            let pool = AnyPoolOptions::new()
                .max_connections(u32::try_from(CONNECTIONS).unwrap_or(u32::MAX))
                .test_before_acquire(false)
                .max_lifetime(None)
                .idle_timeout(None)
                .connect(url)
                .await?;
            return Ok(Self {
                read: Readers::Shared(pool.clone()),
                write: pool,
                kind: Kind::Sqlite,
            });
        }
        if !url.starts_with("postgres:") && !url.starts_with("postgresql:") {
            return Err(StoreError::Address("must begin with sqlite: or postgres:".into()));
        }
        let pool = AnyPoolOptions::new()
            .max_connections(u32::try_from(CONNECTIONS).unwrap_or(u32::MAX))
            .acquire_timeout(PATIENCE)
            .connect(url)
            .await?;
        Ok(Self { read: Readers::Shared(pool.clone()), write: pool, kind: Kind::Postgres })
    }

    /// Which database it is.
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it is a copy in memory, of a database that had its schema.
    pub(crate) const fn is_in_memory(&self) -> bool {
        matches!((self.kind, &self.read), (Kind::Sqlite, Readers::Shared(_)))
    }

    /// For a statement that only reads.
    pub(crate) async fn read(&self) -> Result<Reading, StoreError> {
        Ok(match &self.read {
            Readers::Own(pool) => {
                let free = timeout(PATIENCE, pool.get()).await;
                let free = free.map_err(|_| sqlx::Error::PoolTimedOut)?;
                Reading::Own(free.map_err(|_| sqlx::Error::PoolClosed)?)
            }
            Readers::Shared(pool) => Reading::Shared(pool.acquire().await?),
        })
    }

    /// For single statements that write.
    pub(crate) const fn write(&self) -> &AnyPool {
        &self.write
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self.kind() {
            Kind::Sqlite => self.write.begin_with("BEGIN IMMEDIATE").await?,
            Kind::Postgres => self.write.begin().await?,
        })
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        if let Readers::Own(pool) = &self.read {
            for _ in 0..CONNECTIONS {
                let Ok(Ok(connection)) = timeout(PATIENCE, pool.remove()).await else { break };
                if let Err(error) = connection.close().await {
                    tracing::warn!(%error, "a reading connection did not close well");
                }
            }
            pool.close();
        }
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
