//! An empty database for one test, and the ways to look at it from beside the store.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Once;

use sqlx::{AnyPool, AssertSqlSafe};
use store::{Keyring, Store};
use tempfile::TempDir;

/// One test's database.
pub(crate) struct World {
    /// The store under test.
    pub(crate) store: Store,
    /// Its address.
    pub(crate) url: String,
    /// Its keys.
    pub(crate) keys: Keyring,
    /// A folder for files.
    pub(crate) folder: TempDir,
    schema: Option<Schema>,
    copy: Option<memory::Copy>,
}

/// A schema on a server.
struct Schema {
    server: String,
    name: String,
}

impl Schema {
    async fn create(server: &str) -> Self {
        let name = format!("dumont_test_{:032x}", rand::random::<u128>());
        run(server, format!("CREATE SCHEMA {name}")).await;
        Self { server: server.to_owned(), name }
    }

    fn url(&self) -> String {
        let mark = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{mark}options[search_path]={}", self.server, self.name)
    }

    async fn remove(self) {
        run(&self.server, format!("DROP SCHEMA {} CASCADE", self.name)).await;
    }
}

async fn run(server: &str, statement: String) {
    let admin = AnyPool::connect(server).await.expect("the test server");
    sqlx::query(AssertSqlSafe(statement)).execute(&admin).await.expect("done");
    admin.close().await;
}

/// A database that nothing was ever stored in.
pub(crate) struct Empty {
    /// Its address.
    pub(crate) url: String,
    schema: Option<Schema>,
}

impl Empty {
    /// Removes what the test left on a server.
    pub(crate) async fn end(self) {
        if let Some(schema) = self.schema {
            schema.remove().await;
        }
    }
}

impl World {
    /// A new SQLite file.
    pub(crate) async fn sqlite() -> Self {
        memory::install();
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("dumont.db").display());
        Self::open(url, folder, None).await
    }

    /// A new schema on the Postgres server that the environment names; none without one.
    pub(crate) async fn postgres() -> Option<Self> {
        static SAID: Once = Once::new();
        let Ok(server) = std::env::var("DUMONT_TEST_POSTGRES_URL") else {
            SAID.call_once(|| {
                // Straight to the stream: the harness hides what passing tests print.
                let _ = std::io::stderr().write_all(
                    b"\nSKIPPED: the store on Postgres (DUMONT_TEST_POSTGRES_URL is not set)\n",
                );
            });
            return None;
        };
        memory::install();
        let schema = Schema::create(&server).await;
        let folder = tempfile::tempdir().expect("a folder");
        Some(Self::open(schema.url(), folder, Some(schema)).await)
    }

    async fn open(url: String, folder: TempDir, schema: Option<Schema>) -> Self {
        let keys = Keyring::random();
        let store = Store::open(&url, keys.clone()).await.expect("opens");
        Self { store, url, keys, folder, schema, copy: None }
    }

    /// A new database in memory.
    pub(crate) async fn memory() -> Self {
        memory::install();
        let Self { store, keys, folder, .. } = Self::sqlite().await;
        store.close().await;
        let name = format!("{:032x}", rand::random::<u128>());
        let copy = memory::Copy::of(&folder.path().join("dumont.db"), &name).expect("copied");
        let url = copy.address().to_owned();
        let store = Store::open(&url, keys.clone()).await.expect("opens");
        Self { store, url, keys, folder, schema: None, copy: Some(copy) }
    }

    /// Another store on the same database, as another process has it.
    pub(crate) async fn beside(&self) -> Store {
        Store::open(&self.url, self.keys.clone()).await.expect("opens beside")
    }

    /// Another database of the same kind, empty.
    pub(crate) async fn empty(&self) -> Empty {
        match &self.schema {
            None => Empty {
                url: format!("sqlite:{}", self.folder.path().join("other.db").display()),
                schema: None,
            },
            Some(schema) => {
                let other = Schema::create(&schema.server).await;
                Empty { url: other.url(), schema: Some(other) }
            }
        }
    }

    /// A connection past the store.
    pub(crate) async fn raw(&self) -> AnyPool {
        AnyPool::connect(&self.url).await.expect("connects")
    }

    /// The database's files; none where it is a server.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        if self.schema.is_some() || self.copy.is_some() {
            return Vec::new();
        }
        std::fs::read_dir(self.folder.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.to_string_lossy().contains("dumont.db"))
            .collect()
    }

    /// Removes what the test left on a server.
    pub(crate) async fn end(self) {
        self.store.close().await;
        if let Some(schema) = self.schema {
            schema.remove().await;
        }
    }
}

/// Runs each contract on both databases, and on the one in memory that stands for them under simulated time.
macro_rules! on_both {
    ($($contract:ident,)+) => {
        mod sqlite { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $contract() {
                let world = crate::world::World::sqlite().await;
                super::$contract(&world).await;
                world.end().await;
            }
        )+ }
        mod memory { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $contract() {
                let world = crate::world::World::memory().await;
                super::$contract(&world).await;
                world.end().await;
            }
        )+ }
        mod postgres { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $contract() {
                if let Some(world) = crate::world::World::postgres().await {
                    super::$contract(&world).await;
                    world.end().await;
                }
            }
        )+ }
    };
}
