//! One client of a database, as [`sqlx::Any`] has it.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use rusqlite::Connection as Held;
use sqlx_core::Either;
use sqlx_core::any::{
    AnyArguments, AnyConnectionBackend, AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo,
};
use sqlx_core::sql_str::SqlStr;
use tokio::sync::OwnedMutexGuard;

use crate::error::refused;
use crate::statement::{Gave, run};
use crate::{Database, Gate};

/// A connection. While it has a transaction, the database is its own.
pub struct MemoryConnection {
    database: Database,
    open: Option<OwnedMutexGuard<Held>>,
}

impl std::fmt::Debug for MemoryConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryConnection").field("in_transaction", &self.open.is_some()).finish()
    }
}

fn cut(words: String) -> sqlx_core::Error {
    sqlx_core::Error::Io(std::io::Error::other(words))
}

async fn before(gate: Option<Arc<dyn Gate>>) -> sqlx_core::Result<()> {
    match gate {
        Some(gate) => gate.before().await.map_err(cut),
        None => Ok(()),
    }
}

async fn after(gate: Option<Arc<dyn Gate>>) -> sqlx_core::Result<()> {
    match gate {
        Some(gate) => gate.after().await.map_err(cut),
        None => Ok(()),
    }
}

impl MemoryConnection {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, open: None }
    }

    fn gate(&self) -> Option<Arc<dyn Gate>> {
        self.database.gate.clone()
    }

    async fn run(
        &mut self,
        sql: SqlStr,
        arguments: Option<AnyArguments>,
        most: Option<usize>,
    ) -> sqlx_core::Result<Gave> {
        if let Some(held) = &self.open {
            return run(held, sql.as_str(), arguments, most).map_err(|error| refused(&error));
        }
        before(self.gate()).await?;
        let gave = {
            let held = Arc::clone(&self.database.held).lock_owned().await;
            run(&held, sql.as_str(), arguments, most).map_err(|error| refused(&error))?
        };
        after(self.gate()).await?;
        Ok(gave)
    }

    fn undo(&mut self) {
        // A transaction that SQLite ended by itself is over too.
        if let Some(held) = self.open.take() {
            drop(held.execute_batch("ROLLBACK"));
        }
    }
}

impl Drop for MemoryConnection {
    fn drop(&mut self) {
        self.undo();
    }
}

impl AnyConnectionBackend for MemoryConnection {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, sqlx_core::Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn close_hard(self: Box<Self>) -> BoxFuture<'static, sqlx_core::Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn ping(&mut self) -> BoxFuture<'_, sqlx_core::Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn begin(&mut self, _statement: Option<SqlStr>) -> BoxFuture<'_, sqlx_core::Result<()>> {
        Box::pin(async move {
            if self.open.is_some() {
                return Err(sqlx_core::Error::InvalidSavePointStatement);
            }
            before(self.gate()).await?;
            let held = Arc::clone(&self.database.held).lock_owned().await;
            held.execute_batch("BEGIN IMMEDIATE").map_err(|error| refused(&error))?;
            self.open = Some(held);
            Ok(())
        })
    }

    fn commit(&mut self) -> BoxFuture<'_, sqlx_core::Result<()>> {
        Box::pin(async move {
            if let Some(held) = self.open.take() {
                if let Err(error) = held.execute_batch("COMMIT") {
                    drop(held.execute_batch("ROLLBACK"));
                    return Err(refused(&error));
                }
                drop(held);
                after(self.gate()).await?;
            }
            Ok(())
        })
    }

    fn rollback(&mut self) -> BoxFuture<'_, sqlx_core::Result<()>> {
        Box::pin(async move {
            self.undo();
            Ok(())
        })
    }

    fn start_rollback(&mut self) {
        self.undo();
    }

    fn get_transaction_depth(&self) -> usize {
        usize::from(self.open.is_some())
    }

    fn shrink_buffers(&mut self) {}

    fn flush(&mut self) -> BoxFuture<'_, sqlx_core::Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn should_flush(&self) -> bool {
        false
    }

    fn fetch_many(
        &mut self,
        query: SqlStr,
        _persistent: bool,
        arguments: Option<AnyArguments>,
    ) -> BoxStream<'_, sqlx_core::Result<Either<AnyQueryResult, AnyRow>>> {
        stream::once(self.run(query, arguments, None))
            .flat_map(|gave| {
                stream::iter(match gave {
                    Ok(gave) => {
                        let rows = gave.rows.into_iter().map(|row| Ok(Either::Right(row)));
                        rows.chain([Ok(Either::Left(gave.result))]).collect::<Vec<_>>()
                    }
                    Err(error) => vec![Err(error)],
                })
            })
            .boxed()
    }

    fn fetch_optional(
        &mut self,
        query: SqlStr,
        _persistent: bool,
        arguments: Option<AnyArguments>,
    ) -> BoxFuture<'_, sqlx_core::Result<Option<AnyRow>>> {
        Box::pin(
            async move { Ok(self.run(query, arguments, Some(1)).await?.rows.into_iter().next()) },
        )
    }

    fn prepare_with<'c, 'q: 'c>(
        &'c mut self,
        _sql: SqlStr,
        _parameters: &[AnyTypeInfo],
    ) -> BoxFuture<'c, sqlx_core::Result<AnyStatement>> {
        Box::pin(async {
            Err(sqlx_core::Error::AnyDriverError("nothing is prepared by itself".into()))
        })
    }

    fn describe(
        &mut self,
        _sql: SqlStr,
    ) -> BoxFuture<'_, sqlx_core::Result<sqlx_core::describe::Describe<sqlx_core::any::Any>>> {
        Box::pin(async {
            Err(sqlx_core::Error::AnyDriverError("nothing is described here".into()))
        })
    }
}
