//! Bringing the schema up to date at start: forward only, embedded, one process at a time.

use sqlx::migrate::Migrator;
use sqlx::query;

use crate::db::{Db, Kind};
use crate::error::StoreError;
use crate::row::Read as _;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// Applies what is missing. A second process that starts at the same time waits: on Postgres by an
/// advisory lock, on SQLite because all of it is one transaction that holds the write lock.
pub(crate) async fn run(db: &Db) -> Result<(), StoreError> {
    match db.kind() {
        _ if db.is_in_memory() => check(db).await?,
        Kind::Postgres => MIGRATIONS.run(db.write()).await?,
        Kind::Sqlite => {
            let mut tx = db.begin().await?;
            MIGRATIONS.run_direct(None, &mut *tx, false).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// Whether the schema is exactly this program's; nothing is changed.
pub(crate) async fn check(db: &Db) -> Result<(), StoreError> {
    let row = query("SELECT MAX(version) AS version FROM _sqlx_migrations")
        .fetch_one(&mut *db.read().await?)
        .await?;
    let found = row.maybe_int("version")?.unwrap_or(0);
    let known = MIGRATIONS.iter().map(|one| one.version).max().unwrap_or(0);
    if found == known { Ok(()) } else { Err(StoreError::Schema { found, known }) }
}
