//! What a user is told of what happened while nobody looked.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::failover::Kind;
use crate::id::{AssociationId, FailoverId, GpuId, NotificationId};
use crate::launch::LaunchPart;
use crate::money::MicroUsd;
use crate::notification::{Figures, NewsKind, Notification as Told, Severity, Wait};
use crate::provider::Provider;
use crate::verdict::Cause;

/// What was measured; a figure that is unknown or does not belong to the kind is `null`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotificationFigures {
    /// Of a failover: which report it belongs to.
    pub failover_kind: Option<Kind>,
    /// Why a GPU is lost.
    pub cause: Option<Cause>,
    /// What a failover waits for.
    pub waits_for: Option<Wait>,
    /// From the start to the user's being on the standby, ms.
    pub time_to_cpu_ms: Option<i64>,
    /// From the start to the user's being on a GPU, ms.
    pub total_time_ms: Option<i64>,
    /// At most the writes of how many milliseconds, until the GPU was known to be lost, were not on the
    /// standby; `null`: not known.
    pub rpo_ms: Option<i64>,
    /// How old the standby's copy was when a GPU that is lost was last known to live, ms.
    #[serde(default)]
    pub copy_age_ms: Option<i64>,
    /// Files found equal by content on both sides.
    pub files_verified: Option<i64>,
    /// Of a drill: whether it was to restore and prove nothing.
    #[serde(default)]
    pub searched_only: bool,
    /// The GPU that serves after it.
    pub new_gpu_id: Option<GpuId>,
    /// Whether the new GPU answered nobody once it was the machine's.
    #[serde(default)]
    pub unanswered: bool,
    /// What the new GPU was asked for without, of how the lost machine was launched.
    #[serde(default)]
    pub left_out: Vec<LaunchPart>,
    /// Files that a sync would have deleted.
    pub would_delete: Option<i64>,
    /// Of how many.
    pub of_files: Option<i64>,
    /// Files that only a GPU that was left had.
    #[serde(default)]
    pub late_files: Option<i64>,
    /// Files that going back to a recovery point changed.
    #[serde(default)]
    pub changed_files: Option<i64>,
    /// When the recovery point was made that was gone back to.
    #[serde(default)]
    pub point_at: Option<Time>,
    /// Whether a complete copy was on the standby.
    pub protected: Option<bool>,
    /// What people call the other machine that this is about.
    #[serde(default)]
    pub other_machine: Option<String>,
    /// Whose credentials.
    pub provider: Option<Provider>,
    /// The credit, USD.
    pub credit_usd: Option<f64>,
    /// What an hour of the dearest machine costs, USD.
    pub needed_usd: Option<f64>,
}

impl From<&Figures> for NotificationFigures {
    fn from(found: &Figures) -> Self {
        Self {
            failover_kind: found.failover_kind,
            cause: found.cause,
            waits_for: found.wait,
            time_to_cpu_ms: found.time_to_cpu_ms,
            total_time_ms: found.total_time_ms,
            rpo_ms: found.rpo_ms,
            copy_age_ms: found.copy_age_ms,
            files_verified: found.files_verified,
            searched_only: found.searched_only,
            new_gpu_id: found.new_gpu,
            unanswered: found.unanswered,
            left_out: found.left_out.clone(),
            would_delete: found.would_delete,
            of_files: found.of_files,
            late_files: found.late_files,
            changed_files: found.changed_files,
            point_at: found.point_at.map(Time),
            protected: found.protected,
            other_machine: found.other_machine.clone(),
            provider: found.provider,
            credit_usd: found.credit.map(MicroUsd::usd),
            needed_usd: found.need.map(MicroUsd::usd),
        }
    }
}

/// One notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Notification {
    /// Rises with each one.
    pub id: NotificationId,
    /// What happened.
    pub kind: NewsKind,
    /// How much it matters.
    pub severity: Severity,
    /// In which failover.
    pub failover_id: Option<FailoverId>,
    /// To which machine.
    pub association_id: Option<AssociationId>,
    /// The GPU that the machine ran on then.
    pub gpu_instance_id: Option<GpuId>,
    /// The machine's name then.
    pub machine_name: Option<String>,
    /// User name of whose machine it is, where that is shared by another account.
    #[serde(default)]
    pub owner: Option<String>,
    /// When.
    pub at: Time,
    /// When it was read; `null` when it was not.
    pub read_at: Option<Time>,
    /// Whether the providers were a sandbox.
    pub sandbox: bool,
    /// What was measured.
    pub figures: NotificationFigures,
}

impl From<&Told> for Notification {
    fn from(told: &Told) -> Self {
        let news = &told.news;
        Self {
            id: told.id,
            kind: news.kind,
            severity: news.kind.severity(),
            failover_id: news.failover.clone(),
            association_id: news.association.clone(),
            gpu_instance_id: news.gpu,
            machine_name: news.machine_name.clone(),
            owner: told.owner_name.clone(),
            at: news.at.into(),
            read_at: told.read_at.map(Time),
            sandbox: news.sandbox,
            figures: (&news.figures).into(),
        }
    }
}

/// `GET /notifications`: newest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Notifications {
    /// Those asked for.
    pub notifications: Vec<Notification>,
    /// How many of all were not read.
    pub unread_count: i64,
    /// Ask with this `before` for older ones; `null` when there are none.
    pub next_before: Option<NotificationId>,
}

/// The query of `GET /notifications`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct NotificationQuery {
    /// Only those that were not read; `false`.
    pub unread: Option<bool>,
    /// Only those older than this one.
    #[cfg_attr(feature = "openapi", param(minimum = 1))]
    pub before: Option<i64>,
    /// At most so many, 1 to 200; 50.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 200))]
    pub limit: Option<i64>,
}
