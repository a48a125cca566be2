//! What accounts let one another do with their machines.
//!
//! Whether the name that a grant is offered to is an account's is found out here and told to nobody
//! before that account accepts. What a grant reaches is decided by [`domain::grant`] from these rows;
//! a transaction that tells of a machine asks here whom it has to tell besides its owner.

use std::collections::HashMap;

use domain::grant::{Grant, GrantLevel};
use domain::id::{AssociationId, FailoverId, GrantId, UserId};
use domain::time::{DAY_MS, Millis};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use super::notification::commit;
use super::user;
use crate::db::{Tx, lock_install, must_exist};
use crate::engine::event::{self, Doorbell};
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each};

/// The doorbell's kind, for whoever gave a grant and whoever has it. Its id is the grant's.
pub const DOORBELL: &str = "grant";
/// Most grants of an account that are offered or stand at a time.
const MOST: i64 = 50;
/// Most that an account may be offered by all others at a time; what is beyond reaches nobody.
const MOST_OFFERED: i64 = 50;
/// Most of these by one other account: nobody fills another's list alone.
const MOST_OFFERED_BY_ONE: i64 = 3;
/// Most that an account may offer in a day.
const MOST_A_DAY: i64 = 200;

/// A grant about to be offered.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// Identity of its row.
    pub id: GrantId,
    /// Whose machines.
    pub owner: UserId,
    /// User name or e-mail of whom it is for.
    pub named: String,
    /// How far it reaches.
    pub level: GrantLevel,
    /// The machines; none: all, now and later.
    pub machines: Option<Vec<AssociationId>>,
    /// Until when it can be accepted.
    pub accept_by: Millis,
    /// When it ends by itself.
    pub expires_at: Option<Millis>,
    /// Handle of the login or token that gives it.
    pub given_by: Option<String>,
}

macro_rules! select {
    ($($rest:tt)+) => {
        concat!(
            "SELECT g.id, g.owner_id, o.username AS owner_name, g.named, g.grantee_id, u.username AS grantee_name, ",
            "g.level, g.all_machines, g.created_at, g.accept_by, g.accepted_at, g.expires_at, g.ended_at, g.ended_by ",
            "FROM grants g JOIN users o ON o.id = g.owner_id LEFT JOIN users u ON u.id = g.grantee_id ",
            $($rest)+
        )
    };
}

/// What its owner sees as not ended: an offer that was refused is one that nobody answers, so that who makes
/// it learns nothing of the name.
macro_rules! open {
    () => {
        "(g.ended_at IS NULL OR (g.ended_by = 'grantee' AND g.accepted_at IS NULL))"
    };
}

/// A grant that reaches a machine of its owner's at a time.
macro_rules! reaching {
    ($machine:literal, $now:literal) => {
        concat!(
            "g.accepted_at IS NOT NULL AND g.ended_at IS NULL AND (g.expires_at IS NULL OR g.expires_at > ",
            $now,
            ") AND (g.all_machines = 1 OR EXISTS (SELECT 1 FROM grant_machines m WHERE m.grant_id = g.id AND m.association_id = ",
            $machine,
            "))"
        )
    };
}

/// What accounts let one another do.
#[derive(Debug)]
pub struct Grants<'s> {
    store: &'s Store,
}

impl<'s> Grants<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Offers a grant to whoever has that name, if anybody has.
    ///
    /// # Errors
    /// `NotFound` where a machine is not the owner's; `Conflict` where the name is the owner's own, or as
    /// many grants stand as may.
    #[instrument(level = "debug", skip_all)]
    pub async fn offer(&self, new: &NewGrant, now: Millis) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        lock_install(&mut tx).await?;
        let stand = query(concat!("SELECT COUNT(*) AS n FROM grants g WHERE g.owner_id = $1 AND ", open!(), " AND (g.accepted_at IS NOT NULL OR g.accept_by > $2) AND (g.expires_at IS NULL OR g.expires_at > $2)"))
            .bind(new.owner.as_str())
            .bind(now.0)
            .fetch_one(&mut *tx)
            .await?
            .int("n")?;
        if stand >= MOST {
            return Err(StoreError::Conflict("too many grants stand"));
        }
        let lately =
            query("SELECT COUNT(*) AS n FROM grants WHERE owner_id = $1 AND created_at > $2")
                .bind(new.owner.as_str())
                .bind(now.plus(-DAY_MS).0)
                .fetch_one(&mut *tx)
                .await?
                .int("n")?;
        if lately >= MOST_A_DAY {
            return Err(StoreError::Conflict("too many grants were offered today"));
        }
        let mut grantee = user::named(&mut tx, &new.named).await?;
        if grantee.as_ref() == Some(&new.owner) {
            return Err(StoreError::Conflict("own account"));
        }
        if let Some(named) = &grantee
            && (offered(&mut tx, named, None, now).await? >= MOST_OFFERED
                || offered(&mut tx, named, Some(&new.owner), now).await? >= MOST_OFFERED_BY_ONE)
        {
            grantee = None;
        }
        query("INSERT INTO grants (id, owner_id, named, grantee_id, level, all_machines, created_at, accept_by, expires_at, given_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
            .bind(new.id.as_str())
            .bind(new.owner.as_str())
            .bind(new.named.trim())
            .bind(grantee.as_ref().map(UserId::as_str))
            .bind(new.level.as_str())
            .bind(i64::from(new.machines.is_none()))
            .bind(now.0)
            .bind(new.accept_by.0)
            .bind(new.expires_at.map(|at| at.0))
            .bind(new.given_by.as_deref())
            .execute(&mut *tx)
            .await?;
        for machine in new.machines.iter().flatten() {
            let done = query("INSERT INTO grant_machines (grant_id, association_id) SELECT $1, a.id FROM associations a WHERE a.id = $2 AND a.user_id = $3 ON CONFLICT (grant_id, association_id) DO UPDATE SET grant_id = excluded.grant_id")
                .bind(new.id.as_str())
                .bind(machine.as_str())
                .bind(new.owner.as_str())
                .execute(&mut *tx)
                .await?;
            must_exist(&done, "association")?;
        }
        self.rung(tx, &new.owner, grantee.as_ref(), &new.id, now).await
    }

    /// Accepts what was offered to an account.
    ///
    /// # Errors
    /// `NotFound` where it was not offered to it, or is not (any more).
    #[instrument(level = "debug", skip_all)]
    pub async fn accept(&self, user: &UserId, id: &GrantId, now: Millis) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let row = query("UPDATE grants SET accepted_at = $3 WHERE id = $1 AND grantee_id = $2 AND accepted_at IS NULL AND ended_at IS NULL AND accept_by > $3 AND (expires_at IS NULL OR expires_at > $3) RETURNING owner_id")
            .bind(id.as_str())
            .bind(user.as_str())
            .bind(now.0)
            .fetch_optional(&mut *tx)
            .await?
            .ok_or(StoreError::NotFound("grant"))?;
        let owner = UserId(row.text("owner_id")?);
        self.rung(tx, &owner, Some(user), id, now).await
    }

    /// Takes back what an account gave.
    ///
    /// # Errors
    /// `NotFound` where it did not give it, or it has ended.
    #[instrument(level = "debug", skip_all)]
    pub async fn revoke(
        &self,
        owner: &UserId,
        id: &GrantId,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let row = query(concat!("UPDATE grants AS g SET ended_at = $3, ended_by = 'owner' WHERE g.id = $1 AND g.owner_id = $2 AND ", open!(), " RETURNING grantee_id"))
            .bind(id.as_str())
            .bind(owner.as_str())
            .bind(now.0)
            .fetch_optional(&mut *tx)
            .await?
            .ok_or(StoreError::NotFound("grant"))?;
        let grantee = row.maybe_text("grantee_id")?.map(UserId);
        self.rung(tx, owner, grantee.as_ref(), id, now).await
    }

    /// Refuses or gives up what an account was given.
    ///
    /// # Errors
    /// `NotFound` where it was not given to it, or has ended.
    #[instrument(level = "debug", skip_all)]
    pub async fn decline(
        &self,
        user: &UserId,
        id: &GrantId,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let row = query("UPDATE grants SET ended_at = $3, ended_by = 'grantee' WHERE id = $1 AND grantee_id = $2 AND ended_at IS NULL RETURNING owner_id, accepted_at")
            .bind(id.as_str())
            .bind(user.as_str())
            .bind(now.0)
            .fetch_optional(&mut *tx)
            .await?
            .ok_or(StoreError::NotFound("grant"))?;
        let accepted = row.maybe_at("accepted_at")?.is_some();
        if accepted {
            let owner = UserId(row.text("owner_id")?);
            return self.rung(tx, &owner, Some(user), id, now).await;
        }
        // Its owner is told nothing of a refusal.
        event::ring(&mut tx, user, DOORBELL, id.as_str(), now).await?;
        commit(self.store, tx, true).await
    }

    /// What an account has given, newest first, at most so many. What has not ended comes before what has:
    /// it is always among them.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn given(&self, owner: &UserId, limit: i64) -> Result<Vec<Grant>, StoreError> {
        let rows =
            query(select!(
                "WHERE g.owner_id = $1 ORDER BY (CASE WHEN g.ended_at IS NULL AND g.accepted_at IS NOT NULL THEN 0 WHEN ",
                open!(),
                " THEN 1 ELSE 2 END), g.created_at DESC, g.id DESC LIMIT $2"
            ))
                .bind(owner.as_str())
                .bind(limit)
                .fetch_all(&mut *self.store.db().read().await?)
                .await?;
        self.with_machines(each(&rows, read)?).await
    }

    /// What was offered to an account and what it has, oldest first; without what is over.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn received(&self, user: &UserId, now: Millis) -> Result<Vec<Grant>, StoreError> {
        let rows = query(select!(
            "WHERE g.grantee_id = $1 AND g.ended_at IS NULL AND (g.expires_at IS NULL OR g.expires_at > $2) AND (g.accepted_at IS NOT NULL OR g.accept_by > $2) ORDER BY g.created_at, g.id"
        ))
        .bind(user.as_str())
        .bind(now.0)
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        self.with_machines(each(&rows, read)?).await
    }

    /// Whether an account is to hear a doorbell of another one: it tells of a machine, or of a failover of
    /// one, that a grant of its own reaches now.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn hears(
        &self,
        user: &UserId,
        bell: &Doorbell,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let machine = match bell.kind.as_str() {
            "association" | "sync" | "verdict" => AssociationId::new(&*bell.id),
            "failover" => {
                let found =
                    self.store.failovers().get(&bell.user, &FailoverId::new(&*bell.id)).await;
                match found {
                    Ok(failover) => failover.association,
                    Err(StoreError::NotFound(_)) => return Ok(false),
                    Err(error) => return Err(error),
                }
            }
            _ => return Ok(false),
        };
        let row = query(concat!(
            "SELECT g.id FROM grants g WHERE g.grantee_id = $1 AND g.owner_id = $2 AND ",
            reaching!("$3", "$4"),
            " LIMIT 1"
        ))
        .bind(user.as_str())
        .bind(bell.user.as_str())
        .bind(machine.as_str())
        .bind(now.0)
        .fetch_optional(&mut *self.store.db().read().await?)
        .await?;
        Ok(row.is_some())
    }

    /// Doorbells after a number that tell of what others share with an account at `now`, oldest first: what
    /// [`Grants::hears`] says of each. Those of what is not shared count for nothing, however many there are.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn bells_after(
        &self,
        user: &UserId,
        seq: i64,
        now: Millis,
        limit: i64,
    ) -> Result<Vec<Doorbell>, StoreError> {
        let rows = query(concat!(
            "SELECT e.seq, e.user_id, e.kind, e.ref_id, e.at FROM events e WHERE e.seq > $2 AND e.kind IN ('association', 'sync', 'verdict', 'failover') ",
            "AND EXISTS (SELECT 1 FROM grants g WHERE g.grantee_id = $1 AND g.owner_id = e.user_id AND ",
            reaching!(
                "CASE WHEN e.kind = 'failover' THEN (SELECT f.association_id FROM failovers f WHERE f.id = e.ref_id AND f.user_id = e.user_id) ELSE e.ref_id END",
                "$4"
            ),
            ") ORDER BY e.seq LIMIT $3"
        ))
        .bind(user.as_str())
        .bind(seq)
        .bind(limit)
        .bind(now.0)
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        each(&rows, event::read)
    }

    /// Removes those that were over before `before`. Of all users. Returns how many.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn prune(&self, before: Millis) -> Result<u64, StoreError> {
        let done = query("DELETE FROM grants WHERE (ended_at < $1 AND NOT (ended_by = 'grantee' AND accepted_at IS NULL)) OR expires_at < $1 OR (accepted_at IS NULL AND accept_by < $1)")
            .bind(before.0)
            .execute(self.store.db().write())
            .await?;
        Ok(done.rows_affected())
    }

    /// Ends a transaction that changed a grant, and tells both sides.
    async fn rung(
        &self,
        mut tx: Tx,
        owner: &UserId,
        grantee: Option<&UserId>,
        id: &GrantId,
        now: Millis,
    ) -> Result<(), StoreError> {
        tell(&mut tx, owner, grantee, id, now).await?;
        commit(self.store, tx, true).await
    }

    async fn with_machines(&self, mut grants: Vec<Grant>) -> Result<Vec<Grant>, StoreError> {
        if grants.iter().all(|grant| grant.all_machines) {
            return Ok(grants);
        }
        let mut reading = self.store.db().read().await?;
        let mut by_grant: HashMap<GrantId, Vec<AssociationId>> = HashMap::new();
        for grant in grants.iter().filter(|grant| !grant.all_machines) {
            let rows = query("SELECT association_id FROM grant_machines WHERE grant_id = $1 ORDER BY association_id")
                .bind(grant.id.as_str())
                .fetch_all(&mut *reading)
                .await?;
            let machines: Result<_, StoreError> =
                rows.iter().map(|row| Ok(AssociationId(row.text("association_id")?))).collect();
            by_grant.insert(grant.id.clone(), machines?);
        }
        for grant in &mut grants {
            grant.machines = by_grant.remove(&grant.id).unwrap_or_default();
        }
        Ok(grants)
    }
}

/// Whom a machine's owner has let look at it, within a transaction.
pub(crate) async fn holders(
    tx: &mut AnyConnection,
    owner: &UserId,
    machine: &AssociationId,
    now: Millis,
) -> Result<Vec<UserId>, StoreError> {
    let rows = query(concat!(
        "SELECT DISTINCT g.grantee_id FROM grants g WHERE g.owner_id = $1 AND ",
        reaching!("$2", "$3"),
        " ORDER BY g.grantee_id"
    ))
    .bind(owner.as_str())
    .bind(machine.as_str())
    .bind(now.0)
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| Ok(UserId(row.text("grantee_id")?))).collect()
}

/// Ends, within a transaction, what an account gave with any login or token but the one with the handle
/// `keep`, and tells both sides.
pub(crate) async fn end_given(
    tx: &mut AnyConnection,
    owner: &UserId,
    keep: &str,
    now: Millis,
) -> Result<(), StoreError> {
    let rows = query(concat!(
        "UPDATE grants AS g SET ended_at = $3, ended_by = 'owner' WHERE g.owner_id = $1 AND ",
        open!(),
        " AND ($2 = '' OR COALESCE(g.given_by, '') <> $2) RETURNING id, grantee_id"
    ))
    .bind(owner.as_str())
    .bind(keep)
    .bind(now.0)
    .fetch_all(&mut *tx)
    .await?;
    for row in &rows {
        let grantee = row.maybe_text("grantee_id")?.map(UserId);
        tell(&mut *tx, owner, grantee.as_ref(), &GrantId(row.text("id")?), now).await?;
    }
    Ok(())
}

/// Tells both sides of a grant. A name that nobody has takes a number as well: the numbers of its owner's
/// doorbells would tell else whether somebody was told.
async fn tell(
    tx: &mut AnyConnection,
    owner: &UserId,
    grantee: Option<&UserId>,
    id: &GrantId,
    now: Millis,
) -> Result<(), StoreError> {
    event::ring(&mut *tx, owner, DOORBELL, id.as_str(), now).await?;
    match grantee {
        Some(grantee) => {
            event::ring(&mut *tx, grantee, DOORBELL, id.as_str(), now).await.map(|_| ())
        }
        None => event::pass(&mut *tx).await,
    }
}

/// How many offers wait for an account's answer; of one other account's, or of all.
async fn offered(
    tx: &mut AnyConnection,
    user: &UserId,
    by: Option<&UserId>,
    now: Millis,
) -> Result<i64, StoreError> {
    query("SELECT COUNT(*) AS n FROM grants WHERE grantee_id = $1 AND ended_at IS NULL AND accepted_at IS NULL AND accept_by > $2 AND ($3 = '' OR owner_id = $3)")
        .bind(user.as_str())
        .bind(now.0)
        .bind(by.map_or("", UserId::as_str))
        .fetch_one(tx)
        .await?
        .int("n")
}

fn read(row: &AnyRow) -> Result<Grant, StoreError> {
    Ok(Grant {
        id: GrantId(row.text("id")?),
        owner: UserId(row.text("owner_id")?),
        owner_name: row.text("owner_name")?,
        named: row.text("named")?,
        grantee: row.maybe_text("grantee_id")?.map(UserId),
        grantee_name: row.maybe_text("grantee_name")?,
        level: row.word("level")?,
        all_machines: row.flag("all_machines")?,
        machines: Vec::new(),
        created_at: row.at("created_at")?,
        accept_by: row.at("accept_by")?,
        accepted_at: row.maybe_at("accepted_at")?,
        expires_at: row.maybe_at("expires_at")?,
        ended_at: row.maybe_at("ended_at")?,
        ended_by: row.maybe_word("ended_by")?,
    })
}
