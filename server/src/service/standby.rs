//! Standbys: what is chosen for them, what they cost, and which machine has one.

use std::collections::BTreeMap;

use domain::association::AssociationState;
use domain::frozen::Decision;
use domain::host_key::PinnedKeys;
use domain::id::{GpuId, MachineRef, UserId};
use domain::name;
use domain::policy::FieldError;
use domain::pricing;
use domain::view::configure::{ConfigureStandby, Configured, StandbyConfig};
use domain::view::points::{GoBack, PointDifference, RecoveryPoints};
use domain::view::pricing::{Pricing, PricingQuery};
use domain::view::standby::{
    AcceptDeletions, Association, Associations, DiscardMachine, HeldDeletions, ProvisionStandby,
    RestoreDeletions, StandbyStatus,
};

use super::{confirm, credentials, machines};
use crate::http::identity::Identity;
use crate::{Dumont, Fault};
use store::{SETTINGS_CHANGED, StoreError};

/// What is chosen and which machines have a standby.
///
/// # Errors
/// The database.
pub async fn status(dumont: &Dumont, user: &UserId) -> Result<StandbyStatus, Fault> {
    let chosen = dumont.store.settings().get(user).await?;
    let listed = associations(dumont, user).await?;
    Ok(StandbyStatus {
        configured: credentials::lacking(dumont, user).await?.is_empty(),
        auto_standby_enabled: chosen.auto_standby,
        active_associations: listed
            .associations
            .values()
            .filter(|tie| tie.cpu_standby.is_some())
            .count(),
        associations: listed.associations,
        config: StandbyConfig::from(&chosen),
    })
}

/// Saves the settings. Fields are checked first; standbys that shall be made need a service account
/// that works now. Switching them off always works.
///
/// # Errors
/// Fields out of bounds, a login that was not confirmed where more may be spent than before (see
/// [`confirm::before_money`]), credentials missing or refused, or Google does not answer.
pub async fn configure(
    dumont: &Dumont,
    who: &Identity,
    asked: &ConfigureStandby,
) -> Result<Configured, Fault> {
    let user = &who.user;
    let stored = dumont.store.settings().saved(user).await?;
    let (saved, read) = stored.map_or_else(Default::default, |(saved, at)| (saved, Some(at)));
    let chosen = asked.onto(&saved);
    let problems = chosen.problems(&credentials::zones(dumont, user).await?);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    if chosen.spends_more_than(&saved) {
        confirm::before_money(dumont, who).await?;
    }
    if chosen.auto_standby {
        credentials::require_gcp(dumont, user).await?;
    }
    match dumont.store.settings().put(user, &chosen, read, dumont.now()).await {
        // Confirmed and checked was what would have become of the ones before.
        Err(StoreError::Conflict(SETTINGS_CHANGED)) => {
            return Err(Fault::conflict(
                "settings_changed",
                format!("{SETTINGS_CHANGED}; look again"),
            ));
        }
        put => put?,
    }
    dumont.doorbell(user, "settings", "standby").await;
    let message = if chosen.auto_standby {
        "saved; each new GPU gets a standby"
    } else {
        "saved; new GPUs get no standby of their own"
    };
    Ok(Configured { success: true, message: message.into(), config: StandbyConfig::from(&chosen) })
}

/// What a standby would cost; what is not asked for is as saved.
///
/// # Errors
/// A size out of bounds, or a zone or type that the price table does not know.
pub async fn price(dumont: &Dumont, user: &UserId, asked: &PricingQuery) -> Result<Pricing, Fault> {
    let mut chosen = dumont.store.settings().get(user).await?;
    chosen.gcp_zone = asked.zone.clone().unwrap_or(chosen.gcp_zone);
    chosen.gcp_machine_type = asked.machine_type.clone().unwrap_or(chosen.gcp_machine_type);
    chosen.gcp_disk_gb = asked.disk_gb.unwrap_or(chosen.gcp_disk_gb);
    chosen.gcp_spot = asked.spot.unwrap_or(chosen.gcp_spot);
    let problems = chosen.problems(&credentials::zones(dumont, user).await?);
    let problems: Vec<FieldError> = problems.into_iter().filter_map(as_asked).collect();
    if !problems.is_empty() {
        return Err(problems.into());
    }
    Pricing::of(&chosen.gcp_zone, &chosen.gcp_machine_type, chosen.gcp_disk_gb, chosen.gcp_spot)
        .ok_or_else(|| {
            Fault::field(
                "zone",
                "unknown_zone",
                format!("no price is known for this zone as of {}", pricing::AS_OF),
            )
        })
}

/// The problem under the name of the query's field; none for settings that no price depends on.
fn as_asked(found: FieldError) -> Option<FieldError> {
    let field = match found.field {
        "gcp_zone" => "zone",
        "gcp_machine_type" => "machine_type",
        "gcp_disk_size" => "disk_gb",
        _ => return None,
    };
    Some(FieldError { field, ..found })
}

/// Every machine that has a standby.
///
/// # Errors
/// The database.
pub async fn associations(dumont: &Dumont, user: &UserId) -> Result<Associations, Fault> {
    let now = dumont.now();
    let ties = dumont.store.associations().list(user).await?;
    let keys = PinnedKeys::of(&ties);
    let less = dumont.store.intents().left_out(user).await?;
    let shown = |tie| Association::new(tie, now).keyed(tie, &keys).lacking(&less);
    let associations: BTreeMap<i64, Association> =
        ties.iter().map(|tie| (tie.gpu.0, shown(tie))).collect();
    Ok(Associations { count: associations.len(), associations })
}

/// The association of a machine.
///
/// # Errors
/// `NotFound`.
pub async fn association(
    dumont: &Dumont,
    user: &UserId,
    machine: &MachineRef,
) -> Result<Association, Fault> {
    let tie = machines::find(dumont, user, machine).await?;
    let like = dumont.store.associations().with_host_keys_of(user, &tie.id).await?;
    let less = dumont.store.intents().left_out(user).await?;
    let shown = Association::new(&tie, dumont.now()).keyed(&tie, &PinnedKeys::of(&like));
    Ok(shown.lacking(&less))
}

/// Gives a GPU a standby; progress is read from the association.
///
/// # Errors
/// No such GPU, one already, fields that can't be accepted, or credentials missing.
pub async fn provision(
    dumont: &Dumont,
    user: &UserId,
    gpu: GpuId,
    label: Option<String>,
    asked: ProvisionStandby,
) -> Result<Association, Fault> {
    if let Some(path) = &asked.workspace {
        domain::association::workspace(path)
            .map_err(|message| Fault::field("workspace", "not_a_workspace", message))?;
    }
    let body = name::optional(asked.name.as_deref()).map_err(|error| Fault::name("name", error))?;
    let query = name::optional(label.as_deref()).map_err(|error| Fault::name("label", error))?;
    let name = body.or(query);
    if let Some(hooks) = &asked.hooks {
        machines::check_hooks(hooks)?;
    }
    let id = dumont.engine.protect(user, gpu, name, asked.hooks, asked.workspace).await?;
    let tie = dumont.store.associations().get(user, &id).await?;
    Ok(Association::new(&tie, dumont.now()))
}

/// Begins to remove a machine's standby with its VM.
///
/// # Errors
/// None there, or a failover is under way.
pub async fn remove(dumont: &Dumont, user: &UserId, gpu: GpuId) -> Result<(), Fault> {
    Ok(dumont.engine.unprotect(user, gpu).await?)
}

/// What a frozen copy holds back; nothing where it is not frozen.
///
/// # Errors
/// No association.
pub async fn deletions(
    dumont: &Dumont,
    user: &UserId,
    machine: &MachineRef,
) -> Result<HeldDeletions, Fault> {
    let tie = machines::find(dumont, user, machine).await?;
    let held = match tie.state {
        AssociationState::Frozen => dumont.store.associations().held_deletions(&tie.id).await?,
        _ => None,
    };
    Ok(HeldDeletions::new(&tie, held.filter(|held| held.epoch == tie.epoch)))
}

/// Lets a frozen copy follow again and delete exactly what was shown; where nothing was listed, it is
/// looked at anew.
///
/// # Errors
/// No association, its copy is not frozen, or other deletions are held back.
pub async fn accept_deletions(
    dumont: &Dumont,
    user: &UserId,
    gpu: GpuId,
    asked: AcceptDeletions,
) -> Result<(), Fault> {
    let Some(digest) = asked.digest else { return Ok(dumont.engine.look_again(user, gpu).await?) };
    Ok(dumont.engine.decide_deletions(user, gpu, &digest, Decision::Accept).await?)
}

/// Has the GPU get back exactly what was shown, from the standby's copy.
///
/// # Errors
/// No association, its copy is not frozen, or other deletions are held back.
pub async fn restore_deletions(
    dumont: &Dumont,
    user: &UserId,
    gpu: GpuId,
    asked: RestoreDeletions,
) -> Result<(), Fault> {
    Ok(dumont.engine.decide_deletions(user, gpu, &asked.digest, Decision::Restore).await?)
}

/// The recovery points of a machine's copy; where it keeps none, why.
///
/// # Errors
/// No association, or a standby that can't be asked now.
pub async fn points(
    dumont: &Dumont,
    user: &UserId,
    machine: &MachineRef,
) -> Result<RecoveryPoints, Fault> {
    let tie = machines::find(dumont, user, machine).await?;
    let last = dumont.store.associations().last_return(&tie.id).await?;
    let found = RecoveryPoints::none(&tie, last.as_ref());
    if !found.kept {
        return Ok(found);
    }
    Ok(found.with(&dumont.engine.points(user, &tie.id).await?))
}

/// What going back to a recovery point would change now.
///
/// # Errors
/// No association, no such point, a path that is none, or a standby that can't be asked now.
pub async fn point_difference(
    dumont: &Dumont,
    user: &UserId,
    machine: &MachineRef,
    point: i64,
    path: &str,
) -> Result<PointDifference, Fault> {
    let path = point_path(path)?;
    let tie = machines::find(dumont, user, machine).await?;
    let found = dumont.engine.point_difference(user, &tie.id, point, &path).await?;
    Ok(PointDifference::new(point, path, found))
}

/// Has a machine's files put back to a recovery point.
///
/// # Errors
/// As [`point_difference`]; nothing was agreed to; the copy does not follow, or something else goes on.
pub async fn go_back(
    dumont: &Dumont,
    user: &UserId,
    machine: &MachineRef,
    point: i64,
    asked: GoBack,
) -> Result<(), Fault> {
    let path = point_path(&asked.path)?;
    let tie = machines::find(dumont, user, machine).await?;
    if !asked.accept_changes {
        return Err(Fault::conflict(
            "consent_needed",
            "files are changed under whatever runs there: agree with accept_changes; nothing was changed",
        ));
    }
    Ok(dumont.engine.go_back(user, &tie.id, point, &path).await?)
}

fn point_path(text: &str) -> Result<String, Fault> {
    domain::point::path(text).map_err(|message| Fault::field("path", "not_a_path", message))
}

/// Gives a machine up with its GPU and its standby.
///
/// # Errors
/// No association, or another name than its own.
pub async fn discard(
    dumont: &Dumont,
    user: &UserId,
    gpu: GpuId,
    asked: DiscardMachine,
) -> Result<(), Fault> {
    Ok(dumont.engine.discard(user, gpu, &asked.name).await?)
}

/// Switches following on or off.
///
/// # Errors
/// No association, or it was so already.
pub async fn set_sync(dumont: &Dumont, user: &UserId, gpu: GpuId, on: bool) -> Result<(), Fault> {
    let changed = if on {
        dumont.engine.start_sync(user, gpu).await?
    } else {
        dumont.engine.stop_sync(user, gpu).await?
    };
    match (changed, on) {
        (true, _) => Ok(()),
        (false, true) => Err(Fault::conflict(
            "sync_already_on",
            "the standby follows already; nothing was changed",
        )),
        (false, false) => {
            Err(Fault::conflict("sync_already_off", "sync is off already; nothing was changed"))
        }
    }
}
