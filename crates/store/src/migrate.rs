//! Bringing the schema up to date at start: forward only, embedded, one process at a time.

use sqlx::migrate::Migrator;

use crate::db::{Db, Kind};
use crate::error::StoreError;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// Applies what is missing. A second process that starts at the same time waits: on Postgres by an
/// advisory lock, on SQLite because all of it is one transaction that holds the write lock.
pub(crate) async fn run(db: &Db) -> Result<(), StoreError> {
    match db.kind() {
        Kind::Postgres => MIGRATIONS.run(db.write()).await?,
        Kind::Sqlite => {
            let mut tx = db.begin().await?;
            MIGRATIONS.run_direct(None, &mut *tx, false).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}
