//! The CPU Failover settings of each user. Bounds are checked by the caller.

use domain::buying::Limits;
use domain::id::UserId;
use domain::money::MicroUsd;
use domain::policy::FailoverSettings;
use domain::time::Millis;
use sqlx::any::AnyRow;
use sqlx::query;
use tracing::instrument;

use crate::db::changed;
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, to_json};

/// Why settings are not saved that were made of other ones than stand now.
pub const SETTINGS_CHANGED: &str = "the settings were changed meanwhile";

/// CPU Failover settings.
#[derive(Debug)]
pub struct Settings<'s> {
    store: &'s Store,
}

impl<'s> Settings<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// What a user has chosen; the defaults where nothing was saved.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn get(&self, user: &UserId) -> Result<FailoverSettings, StoreError> {
        Ok(self.saved(user).await?.map(|(settings, _)| settings).unwrap_or_default())
    }

    /// What a user has saved and when; `None` before the first time.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn saved(
        &self,
        user: &UserId,
    ) -> Result<Option<(FailoverSettings, Millis)>, StoreError> {
        let row = query("SELECT auto_standby, gcp_zone, gcp_machine_type, gcp_disk_gb, gcp_spot, sync_interval_s, auto_failover, auto_recovery, gpu_class, max_usd_per_hour, min_reliability, countries, max_delete_percent, silence_s, keep_lost_min, max_gpus_per_failover, max_usd_per_failover, max_gpus_per_day, max_usd_per_day, saved_at FROM settings WHERE user_id = $1")
            .bind(user.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.map(|row| Ok((read(&row)?, row.at("saved_at")?))).transpose()
    }

    /// Saves a user's choice, made of what was `read` (see [`Self::saved`]).
    ///
    /// # Errors
    /// `NotFound` when there is no such user; `Conflict` when something else was saved meanwhile.
    #[instrument(level = "debug", skip_all)]
    pub async fn put(
        &self,
        user: &UserId,
        settings: &FailoverSettings,
        read: Option<Millis>,
        now: Millis,
    ) -> Result<(), StoreError> {
        // Two savings never have the same time: it stands for what was saved.
        let at = read.map_or(now, |read| now.max(read.plus(1)));
        let done = query(
            "INSERT INTO settings (user_id, auto_standby, gcp_zone, gcp_machine_type, gcp_disk_gb, \
             gcp_spot, sync_interval_s, auto_failover, auto_recovery, gpu_class, max_usd_per_hour, \
             min_reliability, countries, max_delete_percent, silence_s, keep_lost_min, \
             max_gpus_per_failover, max_usd_per_failover, max_gpus_per_day, max_usd_per_day, saved_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
             $19, $20, $21) \
             ON CONFLICT (user_id) DO UPDATE SET auto_standby = excluded.auto_standby, \
             gcp_zone = excluded.gcp_zone, gcp_machine_type = excluded.gcp_machine_type, \
             gcp_disk_gb = excluded.gcp_disk_gb, gcp_spot = excluded.gcp_spot, \
             sync_interval_s = excluded.sync_interval_s, auto_failover = excluded.auto_failover, \
             auto_recovery = excluded.auto_recovery, gpu_class = excluded.gpu_class, \
             max_usd_per_hour = excluded.max_usd_per_hour, \
             min_reliability = excluded.min_reliability, countries = excluded.countries, \
             max_delete_percent = excluded.max_delete_percent, \
             silence_s = excluded.silence_s, keep_lost_min = excluded.keep_lost_min, \
             max_gpus_per_failover = excluded.max_gpus_per_failover, \
             max_usd_per_failover = excluded.max_usd_per_failover, \
             max_gpus_per_day = excluded.max_gpus_per_day, \
             max_usd_per_day = excluded.max_usd_per_day, \
             saved_at = excluded.saved_at WHERE settings.saved_at = $22",
        )
        .bind(user.as_str())
        .bind(i64::from(settings.auto_standby))
        .bind(&settings.gcp_zone)
        .bind(&settings.gcp_machine_type)
        .bind(settings.gcp_disk_gb)
        .bind(i64::from(settings.gcp_spot))
        .bind(settings.sync_interval_s)
        .bind(i64::from(settings.auto_failover))
        .bind(i64::from(settings.auto_recovery))
        .bind(settings.gpu_class.as_str())
        .bind(settings.max_usd_per_hour.map(|cap| cap.0))
        .bind(settings.min_reliability)
        .bind(to_json(&settings.countries, "settings.countries")?)
        .bind(settings.max_delete_percent)
        .bind(settings.silence_s)
        .bind(settings.keep_lost_min)
        .bind(settings.limits.per_failover)
        .bind(settings.limits.usd_per_failover.0)
        .bind(settings.limits.per_day)
        .bind(settings.limits.usd_per_day.0)
        .bind(at.0)
        .bind(read.map(|read| read.0))
        .execute(self.store.db().write())
        .await?;
        if changed(&done) { Ok(()) } else { Err(StoreError::Conflict(SETTINGS_CHANGED)) }
    }
}

fn read(row: &AnyRow) -> Result<FailoverSettings, StoreError> {
    Ok(FailoverSettings {
        auto_standby: row.flag("auto_standby")?,
        gcp_zone: row.text("gcp_zone")?,
        gcp_machine_type: row.text("gcp_machine_type")?,
        gcp_disk_gb: row.int("gcp_disk_gb")?,
        gcp_spot: row.flag("gcp_spot")?,
        sync_interval_s: row.int("sync_interval_s")?,
        auto_failover: row.flag("auto_failover")?,
        auto_recovery: row.flag("auto_recovery")?,
        gpu_class: row.word("gpu_class")?,
        max_usd_per_hour: row.maybe_int("max_usd_per_hour")?.map(MicroUsd),
        min_reliability: row.basic("min_reliability")?,
        countries: row.json("countries")?,
        max_delete_percent: row.int("max_delete_percent")?,
        silence_s: row.int("silence_s")?,
        keep_lost_min: row.int("keep_lost_min")?,
        limits: Limits {
            per_failover: row.int("max_gpus_per_failover")?,
            usd_per_failover: MicroUsd(row.int("max_usd_per_failover")?),
            per_day: row.int("max_gpus_per_day")?,
            usd_per_day: MicroUsd(row.int("max_usd_per_day")?),
        },
    })
}
