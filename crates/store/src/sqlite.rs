//! The SQLite file: where it is, who may read it, and how its connections are set up.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, Connection as _};

use crate::error::StoreError;

/// Set-up of the one connection that writes: changes are in the log and on the disk before a commit
/// returns.
pub(crate) const WRITE: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
/// Set-up of the connections that read.
const READ: &str = "PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON; PRAGMA query_only = ON;";

/// A database file.
#[derive(Debug)]
pub(crate) struct File(PathBuf);

impl File {
    /// Reads `sqlite:path`, `sqlite://path` or `sqlite:///absolute/path`. The path is taken as it is
    /// written; a part after `?` is dropped.
    pub(crate) fn from_url(url: &str) -> Result<Self, StoreError> {
        let rest = url.strip_prefix("sqlite:").unwrap_or(url);
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let path = path.split('?').next().unwrap_or_default();
        if path.is_empty() || path.contains(":memory:") {
            return Err(StoreError::Address("must name a file".into()));
        }
        std::path::absolute(path).map(Self).map_err(|why| StoreError::Address(why.to_string()))
    }

    /// Makes an empty file that only its owner can read, where there is none.
    pub(crate) fn create(&self) -> Result<(), StoreError> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.0);
        match made {
            Err(why) if why.kind() != ErrorKind::AlreadyExists => {
                Err(StoreError::Address(format!("cannot create {}: {why}", self.0.display())))
            }
            _ => Ok(()),
        }
    }

    /// The address for the driver, every byte of the path protected.
    pub(crate) fn address(&self) -> String {
        use std::os::unix::ffi::OsStrExt;
        let mut address = String::from("sqlite://");
        for byte in self.0.as_os_str().as_bytes() {
            match byte {
                b'/' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                    address.push(char::from(*byte));
                }
                other => {
                    let _ = write!(address, "%{other:02X}");
                }
            }
        }
        address
    }
}

/// Pool options that set each new connection up.
pub(crate) fn options(pragmas: &'static str) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        .after_connect(move |connection: &mut AnyConnection, _| {
            Box::pin(async move {
                sqlx::raw_sql(pragmas).execute(connection).await?;
                Ok(())
            })
        })
}

/// A new connection that reads.
pub(crate) async fn reader(file: &File) -> Result<AnyConnection, sqlx::Error> {
    let mut connection = AnyConnection::connect(&file.address()).await?;
    sqlx::raw_sql(READ).execute(&mut connection).await?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_odd_characters_reaches_the_driver_whole() {
        let file = File::from_url("sqlite:///tmp/a b?c=1").expect("a file");
        assert_eq!(file.address(), "sqlite:///tmp/a%20b");
        assert!(File::from_url("sqlite::memory:").is_err());
        assert!(File::from_url("sqlite://").is_err());
    }
}
