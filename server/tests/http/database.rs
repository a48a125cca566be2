//! A database of a test's own, of either kind.

use std::io::Write as _;
use std::sync::Once;

use sqlx::{AnyPool, AssertSqlSafe};
use tempfile::TempDir;

/// One test's database, empty.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    schema: Option<(String, String)>,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("dumont.db").display());
        Self { url, folder, schema: None }
    }

    /// A new schema on the server that the environment names; none without one.
    pub(crate) async fn postgres() -> Option<Self> {
        static SAID: Once = Once::new();
        let Ok(server) = std::env::var("DUMONT_TEST_POSTGRES_URL") else {
            SAID.call_once(|| {
                let _ = std::io::stderr().write_all(
                    b"\nSKIPPED: the server on Postgres (DUMONT_TEST_POSTGRES_URL is not set)\n",
                );
            });
            return None;
        };
        let name = format!("dumont_http_{}", uuid::Uuid::new_v4().simple());
        run(&server, format!("CREATE SCHEMA {name}")).await;
        let mark = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{mark}options[search_path]={name}");
        Some(Self {
            url,
            folder: tempfile::tempdir().expect("a folder"),
            schema: Some((server, name)),
        })
    }

    /// Everything that lies in the database's files; empty where it is a server.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.folder.path()).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.to_string_lossy().contains("dumont.db") {
                all.extend(std::fs::read(path).expect("readable"));
            }
        }
        all
    }

    pub(crate) async fn end(self) {
        if let Some((server, name)) = self.schema {
            run(&server, format!("DROP SCHEMA {name} CASCADE")).await;
        }
    }
}

async fn run(server: &str, statement: String) {
    store::install_drivers();
    let admin = AnyPool::connect(server).await.expect("the test server");
    sqlx::query(AssertSqlSafe(statement)).execute(&admin).await.expect("done");
    admin.close().await;
}
