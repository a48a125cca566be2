//! The session layer's store on our own connections.
//!
//! The cookie's value is hashed before it is stored. A session that was revoked stays revoked: a
//! request that is still under way can change an existing row, never bring one back.

use std::sync::Arc;

use async_trait::async_trait;
use domain::time::{Clock, Millis};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::query;
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{self, SessionStore};
use tracing::instrument;

use crate::account::session::{SESSION_IP, SESSION_USER, SESSION_USER_AGENT};
use crate::db::changed;
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, from_json, to_json};

const DRAWS: usize = 8;

/// The handle of a session in lists and revocations; tells nothing of the cookie's value.
#[must_use]
pub fn session_handle(id: &Id) -> String {
    let digest = Sha256::digest(id.0.to_le_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sessions for the web layer.
#[derive(Debug, Clone)]
pub struct DbSessions {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl DbSessions {
    /// Sessions of `store` that expire by `clock`.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    async fn insert(&self, record: &Record) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let done = query("INSERT INTO sessions (id, user_id, data, expires_at, created_at, last_seen_at, user_agent, ip) VALUES ($1, $2, $3, $4, $5, $5, $6, $7) ON CONFLICT (id) DO NOTHING")
            .bind(session_handle(&record.id))
            .bind(word(record, SESSION_USER))
            .bind(to_json(&record.data, "sessions.data")?)
            .bind(millis(record.expiry_date))
            .bind(now.0)
            .bind(word(record, SESSION_USER_AGENT))
            .bind(word(record, SESSION_IP))
            .execute(self.store.db().write())
            .await?;
        Ok(changed(&done))
    }

    async fn update(&self, record: &Record) -> Result<(), StoreError> {
        query("UPDATE sessions SET user_id = $2, data = $3, expires_at = $4, last_seen_at = $5, user_agent = $6, ip = $7 WHERE id = $1")
            .bind(session_handle(&record.id))
            .bind(word(record, SESSION_USER))
            .bind(to_json(&record.data, "sessions.data")?)
            .bind(millis(record.expiry_date))
            .bind(self.clock.now().0)
            .bind(word(record, SESSION_USER_AGENT))
            .bind(word(record, SESSION_IP))
            .execute(self.store.db().write())
            .await?;
        Ok(())
    }

    async fn find(&self, id: &Id) -> Result<Option<Record>, StoreError> {
        let row = query("SELECT data, expires_at FROM sessions WHERE id = $1 AND expires_at > $2")
            .bind(session_handle(id))
            .bind(self.clock.now().0)
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.map(|row| {
            let expires = i128::from(row.at("expires_at")?.0) * 1_000_000;
            Ok(Record {
                id: *id,
                data: from_json(&row.text("data")?, "sessions.data")?,
                expiry_date: OffsetDateTime::from_unix_timestamp_nanos(expires).map_err(|why| {
                    StoreError::Corrupt { place: "sessions.expires_at", why: why.to_string() }
                })?,
            })
        })
        .transpose()
    }
}

#[async_trait]
impl SessionStore for DbSessions {
    #[instrument(level = "debug", skip_all)]
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        for _ in 0..DRAWS {
            if self.insert(record).await.map_err(backend)? {
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(session_store::Error::Backend("no free session id was drawn".into()))
    }

    #[instrument(level = "debug", skip_all)]
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.update(record).await.map_err(backend)
    }

    #[instrument(level = "debug", skip_all)]
    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        self.find(id).await.map_err(backend)
    }

    #[instrument(level = "debug", skip_all)]
    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        query("DELETE FROM sessions WHERE id = $1")
            .bind(session_handle(id))
            .execute(self.store.db().write())
            .await
            .map(drop)
            .map_err(|error| backend(error.into()))
    }
}

fn word<'r>(record: &'r Record, name: &str) -> Option<&'r str> {
    record.data.get(name).and_then(Value::as_str)
}

fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(Millis(i64::MAX).0)
}

fn backend(error: StoreError) -> session_store::Error {
    match error {
        StoreError::Corrupt { .. } => session_store::Error::Decode(error.to_string()),
        _ => session_store::Error::Backend(error.to_string()),
    }
}
