//! SQLite in memory, for tests: the same SQL, answered on the thread that asks before it goes on.
//!
//! sqlx gives each SQLite connection a thread of its own, so that whoever asks waits for another thread and
//! simulated time would pass meanwhile, or not, as it happens. Here nothing waits but for a transaction of
//! another connection, in the order of asking. Never linked into the product.

mod connection;
mod error;
mod never;
mod statement;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};

use futures::future::BoxFuture;
use sqlx_core::any::driver::{AnyDriver, install_drivers};

pub use connection::MemoryConnection;

/// The way to the databases for [`sqlx::Any`].
pub const DRIVER: AnyDriver = AnyDriver::without_migrate::<never::Memory>();

/// Has [`sqlx::Any`] know this database beside the others; before anything connects.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Where others were installed before, they stay.
        drop(install_drivers(&[sqlx::postgres::any::DRIVER, sqlx::sqlite::any::DRIVER, DRIVER]));
    });
}

/// What stands between a client and a database.
pub trait Gate: Send + Sync + std::fmt::Debug {
    /// Before something is asked that stands for itself: a statement, or the beginning of a transaction.
    /// An error is what the client is told in place of an answer.
    fn before(&self) -> BoxFuture<'static, Result<(), String>>;

    /// After it was answered, and after a commit: what was asked is done.
    fn after(&self) -> BoxFuture<'static, Result<(), String>>;
}

/// One database, shared by all that connect to its address.
#[derive(Clone)]
pub(crate) struct Database {
    held: Arc<tokio::sync::Mutex<rusqlite::Connection>>,
    gate: Option<Arc<dyn Gate>>,
}

static DATABASES: Mutex<BTreeMap<String, Database>> = Mutex::new(BTreeMap::new());

fn databases() -> std::sync::MutexGuard<'static, BTreeMap<String, Database>> {
    DATABASES.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn find(address: &str) -> Option<Database> {
    databases().get(address).cloned()
}

/// A database that is a copy of this file. It has the address `memory:<name>` until it is dropped.
#[derive(Debug)]
pub struct Copy {
    addresses: Vec<String>,
}

impl Copy {
    /// Reads the file.
    ///
    /// # Errors
    /// SQLite's words.
    pub fn of(file: &Path, name: &str) -> Result<Self, rusqlite::Error> {
        let from = rusqlite::Connection::open(file)?;
        let mut held = rusqlite::Connection::open_in_memory()?;
        rusqlite::backup::Backup::new(&from, &mut held)?.run_to_completion(
            1_000,
            std::time::Duration::ZERO,
            None,
        )?;
        held.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF;")?;
        held.set_prepared_statement_cache_capacity(512);
        let address = format!("memory:{name}");
        let held = Arc::new(tokio::sync::Mutex::new(held));
        databases().insert(address.clone(), Database { held, gate: None });
        Ok(Self { addresses: vec![address] })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> &str {
        self.addresses.first().map_or("", String::as_str)
    }

    /// Another address of the same database, behind a gate.
    pub fn behind(&mut self, gate: Arc<dyn Gate>, name: &str) -> String {
        let address = format!("memory:{name}");
        let held = find(self.address()).map(|database| database.held);
        if let Some(held) = held {
            databases().insert(address.clone(), Database { held, gate: Some(gate) });
            self.addresses.push(address.clone());
        }
        address
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let mut databases = databases();
        for address in &self.addresses {
            databases.remove(address);
        }
    }
}
