//! The standby's part of an association's row set.

use domain::id::{AssociationId, IntentId};
use domain::money::MicroUsd;
use domain::standby::Standby;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::error::StoreError;
use crate::machine::association::endpoint;
use crate::row::Read as _;

/// Stores a standby in place of the one before.
pub(super) async fn put(
    tx: &mut AnyConnection,
    id: &AssociationId,
    standby: &Standby,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO standbys (association_id, intent_id, name, project, zone, machine_type, \
         disk_gb, spot, usd_per_hour, state, reason, host, port, host_key, public_key, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
         ON CONFLICT (association_id) DO UPDATE SET intent_id = excluded.intent_id, \
         name = excluded.name, project = excluded.project, zone = excluded.zone, \
         machine_type = excluded.machine_type, disk_gb = excluded.disk_gb, spot = excluded.spot, \
         usd_per_hour = excluded.usd_per_hour, state = excluded.state, reason = excluded.reason, \
         host = excluded.host, port = excluded.port, host_key = excluded.host_key, \
         public_key = excluded.public_key, created_at = excluded.created_at",
    )
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
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets a standby.
pub(super) async fn remove(tx: &mut AnyConnection, id: &AssociationId) -> Result<(), StoreError> {
    query("DELETE FROM standbys WHERE association_id = $1").bind(id.as_str()).execute(tx).await?;
    Ok(())
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
