//! Who did what in an account. Rows are added and, when they are old, removed; never changed.

use domain::audit::{Action, Area, Credential, Outcome};
use domain::id::UserId;
use domain::time::Millis;
use sqlx::any::AnyRow;
use sqlx::query;
use tracing::instrument;

use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each};

/// Something that somebody did, or tried to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// When.
    pub at: Millis,
    /// What.
    pub action: Action,
    /// What it was done to.
    pub object: Option<String>,
    /// With what credential.
    pub credential: Credential,
    /// The credential's name.
    pub credential_name: Option<String>,
    /// The name of the other account that acted; none: this account itself.
    pub actor: Option<String>,
    /// From which address.
    pub ip: Option<String>,
    /// The browser or program, as it calls itself.
    pub user_agent: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it was refused.
    pub code: Option<String>,
}

/// Which part of a log.
#[derive(Debug, Clone, Default)]
pub struct AuditPage {
    /// About this alone.
    pub area: Option<Area>,
    /// Older than this one alone.
    pub before: Option<String>,
    /// At most so many.
    pub limit: i64,
}

/// The audit log.
#[derive(Debug)]
pub struct Audit<'s> {
    store: &'s Store,
}

impl<'s> Audit<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Adds a row under an id that rises with time.
    ///
    /// # Errors
    /// `NotFound` when there is no such user.
    #[instrument(level = "debug", skip_all)]
    pub async fn add(&self, user: &UserId, id: &str, row: &AuditRow) -> Result<(), StoreError> {
        query("INSERT INTO audit (id, user_id, at, action, area, object, credential, credential_name, ip, user_agent, outcome, code, actor) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
            .bind(id)
            .bind(user.as_str())
            .bind(row.at.0)
            .bind(row.action.as_str())
            .bind(row.action.area().as_str())
            .bind(row.object.as_deref())
            .bind(row.credential.as_str())
            .bind(row.credential_name.as_deref())
            .bind(row.ip.as_deref())
            .bind(row.user_agent.as_deref())
            .bind(row.outcome.as_str())
            .bind(row.code.as_deref())
            .bind(row.actor.as_deref())
            .execute(self.store.db().write())
            .await?;
        Ok(())
    }

    /// Whether another account was refused the same since then: told once, it is not told again.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn was_refused(
        &self,
        user: &UserId,
        row: &AuditRow,
        since: Millis,
    ) -> Result<bool, StoreError> {
        let found = query("SELECT id FROM audit WHERE user_id = $1 AND actor = $2 AND action = $3 AND outcome = 'refused' AND COALESCE(object, '') = $4 AND COALESCE(code, '') = $5 AND at > $6 LIMIT 1")
            .bind(user.as_str())
            .bind(row.actor.as_deref())
            .bind(row.action.as_str())
            .bind(row.object.as_deref().unwrap_or_default())
            .bind(row.code.as_deref().unwrap_or_default())
            .bind(since.0)
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        Ok(found.is_some())
    }

    /// A user's log with the rows' ids, newest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn list(
        &self,
        user: &UserId,
        page: &AuditPage,
    ) -> Result<Vec<(String, AuditRow)>, StoreError> {
        let rows = query("SELECT id, at, action, object, credential, credential_name, ip, user_agent, outcome, code, actor FROM audit WHERE user_id = $1 AND ($2 = '' OR area = $2) AND ($3 = '' OR id < $3) ORDER BY id DESC LIMIT $4")
            .bind(user.as_str())
            .bind(page.area.map_or("", Area::as_str))
            .bind(page.before.as_deref().unwrap_or_default())
            .bind(page.limit)
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// Removes what is older than `before`; of each user's refused logins (which a stranger can cause)
    /// those beyond the newest `refused`; of what another account did or was refused as many of each
    /// action and outcome, so that it can push out neither what its owner did nor what it did itself
    /// otherwise; and of all else those beyond the newest `most`. Of all users. Returns how many.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn prune(&self, before: Millis, refused: i64, most: i64) -> Result<u64, StoreError> {
        let old = query("DELETE FROM audit WHERE at < $1")
            .bind(before.0)
            .execute(self.store.db().write())
            .await?;
        let mut removed = old.rows_affected();
        for user in self.store.users().all().await? {
            removed += self.shorten(&user.id, true, refused).await?;
            removed += self.shorten(&user.id, false, most).await?;
            removed += self.shorten_others(&user.id, refused).await?;
        }
        Ok(removed)
    }

    /// Shortens what other accounts did in a user's.
    async fn shorten_others(&self, user: &UserId, most: i64) -> Result<u64, StoreError> {
        let long = query("SELECT actor, action, outcome FROM audit WHERE user_id = $1 AND actor IS NOT NULL GROUP BY actor, action, outcome HAVING COUNT(*) > $2")
            .bind(user.as_str())
            .bind(most)
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        let mut removed = 0;
        for row in &long {
            let done = query("DELETE FROM audit WHERE user_id = $1 AND actor = $2 AND action = $3 AND outcome = $4 AND id <= (SELECT id FROM audit WHERE user_id = $1 AND actor = $2 AND action = $3 AND outcome = $4 ORDER BY id DESC LIMIT 1 OFFSET $5)")
                .bind(user.as_str())
                .bind(row.text("actor")?)
                .bind(row.text("action")?)
                .bind(row.text("outcome")?)
                .bind(most)
                .execute(self.store.db().write())
                .await?;
            removed += done.rows_affected();
        }
        Ok(removed)
    }

    async fn shorten(&self, user: &UserId, refused: bool, most: i64) -> Result<u64, StoreError> {
        let last = query("SELECT id FROM audit WHERE user_id = $1 AND actor IS NULL AND (CASE WHEN action = 'log_in' AND outcome = 'refused' THEN 1 ELSE 0 END) = $2 ORDER BY id DESC LIMIT 1 OFFSET $3")
            .bind(user.as_str())
            .bind(i64::from(refused))
            .bind(most)
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        let Some(last) = last else { return Ok(0) };
        let done = query("DELETE FROM audit WHERE user_id = $1 AND actor IS NULL AND (CASE WHEN action = 'log_in' AND outcome = 'refused' THEN 1 ELSE 0 END) = $2 AND id <= $3")
            .bind(user.as_str())
            .bind(i64::from(refused))
            .bind(last.text("id")?)
            .execute(self.store.db().write())
            .await?;
        Ok(done.rows_affected())
    }
}

fn read(row: &AnyRow) -> Result<(String, AuditRow), StoreError> {
    let read = AuditRow {
        at: row.at("at")?,
        action: row.word("action")?,
        object: row.maybe_text("object")?,
        credential: row.word("credential")?,
        credential_name: row.maybe_text("credential_name")?,
        actor: row.maybe_text("actor")?,
        ip: row.maybe_text("ip")?,
        user_agent: row.maybe_text("user_agent")?,
        outcome: row.word("outcome")?,
        code: row.maybe_text("code")?,
    };
    Ok((row.text("id")?, read))
}
