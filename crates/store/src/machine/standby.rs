//! The standby's part of an association's row set.

use domain::id::{AssociationId, IntentId};
use domain::money::MicroUsd;
use domain::standby::Standby;
use sqlx::any::{Any, AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{AnyConnection, query};

use crate::db::must_change;
use crate::error::StoreError;
use crate::machine::association::endpoint;
use crate::row::Read as _;

/// Stores a standby where there is none.
pub(super) async fn insert(
    tx: &mut AnyConnection,
    id: &AssociationId,
    standby: &Standby,
) -> Result<(), StoreError> {
    let insert = query(
        "INSERT INTO standbys (association_id, intent_id, name, project, zone, machine_type, \
         disk_gb, spot, usd_per_hour, state, reason, host, port, host_key, public_key, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    );
    bind(insert, id, standby).execute(tx).await?;
    Ok(())
}

/// Stores what is new of a standby. `Stale` where it is not the present one.
pub(super) async fn update(
    tx: &mut AnyConnection,
    id: &AssociationId,
    standby: &Standby,
) -> Result<(), StoreError> {
    let update = query(
        "UPDATE standbys SET name = $3, project = $4, zone = $5, machine_type = $6, disk_gb = $7, \
         spot = $8, usd_per_hour = $9, state = $10, reason = $11, host = $12, port = $13, \
         host_key = $14, public_key = $15, created_at = $16 \
         WHERE association_id = $1 AND intent_id = $2",
    );
    let done = bind(update, id, standby).execute(tx).await?;
    must_change(&done, "standby")
}

fn bind<'q>(
    query: Query<'q, Any, AnyArguments>,
    id: &'q AssociationId,
    standby: &'q Standby,
) -> Query<'q, Any, AnyArguments> {
    query
        .bind(id.as_str())
        .bind(standby.intent.as_str())
        .bind(&standby.name)
        .bind(&standby.project)
        .bind(&standby.zone)
        .bind(&standby.machine_type)
        .bind(standby.disk_gb)
        .bind(i64::from(standby.spot))
        .bind(standby.usd_per_hour.0)
        .bind(standby.state.as_str())
        .bind(standby.reason.as_deref())
        .bind(standby.endpoint.as_ref().map(|at| at.host.as_str()))
        .bind(standby.endpoint.as_ref().map(|at| i64::from(at.port)))
        .bind(standby.host_key.as_deref())
        .bind(standby.public_key.as_deref())
        .bind(standby.created_at.0)
}

/// Forgets one that made nothing, or of which nothing is left. `Conflict` where it may exist: a machine has one
/// standby at most.
pub(super) async fn make_room(
    tx: &mut AnyConnection,
    id: &AssociationId,
) -> Result<(), StoreError> {
    query("DELETE FROM standbys WHERE association_id = $1 AND intent_id IN (SELECT id FROM intents WHERE association_id = $1 AND state IN ('refused', 'discarded', 'gone'))")
        .bind(id.as_str())
        .execute(&mut *tx)
        .await?;
    let another = query("SELECT 1 AS there FROM standbys WHERE association_id = $1")
        .bind(id.as_str())
        .fetch_optional(tx)
        .await?;
    another.map_or(Ok(()), |_| Err(StoreError::Conflict("this machine has a standby")))
}

/// `Stale` where it is not the present one.
pub(super) async fn is_present(
    tx: &mut AnyConnection,
    id: &AssociationId,
    standby: &IntentId,
) -> Result<(), StoreError> {
    let there =
        query("SELECT 1 AS there FROM standbys WHERE association_id = $1 AND intent_id = $2")
            .bind(id.as_str())
            .bind(standby.as_str())
            .fetch_optional(tx)
            .await?;
    there.map(drop).ok_or(StoreError::stale("standby"))
}

/// Its key. `Stale` where it is not the present one.
pub(super) async fn set_key(
    tx: &mut AnyConnection,
    id: &AssociationId,
    standby: &IntentId,
    public_key: &str,
) -> Result<(), StoreError> {
    let done =
        query("UPDATE standbys SET public_key = $3 WHERE association_id = $1 AND intent_id = $2")
            .bind(id.as_str())
            .bind(standby.as_str())
            .bind(public_key)
            .execute(tx)
            .await?;
    must_change(&done, "standby")
}

/// Forgets a standby. `Stale` where it is not the present one.
pub(super) async fn remove(
    tx: &mut AnyConnection,
    id: &AssociationId,
    standby: &IntentId,
) -> Result<(), StoreError> {
    let done = query("DELETE FROM standbys WHERE association_id = $1 AND intent_id = $2")
        .bind(id.as_str())
        .bind(standby.as_str())
        .execute(tx)
        .await?;
    must_change(&done, "standby")
}

/// Reads the joined columns; none where there is no standby.
pub(super) fn read(row: &AnyRow) -> Result<Option<Standby>, StoreError> {
    let Some(intent) = row.maybe_text("standby_intent")? else {
        return Ok(None);
    };
    Ok(Some(Standby {
        intent: IntentId(intent),
        name: row.text("standby_name")?,
        project: row.text("standby_project")?,
        zone: row.text("standby_zone")?,
        machine_type: row.text("standby_machine_type")?,
        disk_gb: row.int("standby_disk_gb")?,
        spot: row.flag("standby_spot")?,
        usd_per_hour: MicroUsd(row.int("standby_usd_per_hour")?),
        state: row.word("standby_state")?,
        reason: row.maybe_text("standby_reason")?,
        endpoint: endpoint(row, "standby_host", "standby_port")?,
        host_key: row.maybe_text("standby_host_key")?,
        public_key: row.maybe_text("standby_public_key")?,
        created_at: row.at("standby_created_at")?,
    }))
}
