//! Whose a credential is. One of another account passes every test and sees nothing of the former: all of it
//! would count as gone while it bills. So it is not taken while there is something left to see to.

use domain::failover::IntentState;
use domain::id::UserId;
use domain::provider::Provider;
use serde_json::Value;
use store::{CredentialKind, StateKind};

use super::credentials::Tried;
use crate::{Dumont, Fault};

/// Refuses a credential of another account while machines, purchases, standbys or disposals are in the
/// former one.
///
/// # Errors
/// `other_account`, or the database.
pub(super) async fn check(dumont: &Dumont, user: &UserId, tried: &Tried) -> Result<(), Fault> {
    let Some(owner) = tried.owner() else { return Ok(()) };
    let former = match tried.kind() {
        CredentialKind::VastApiKey => vast(dumont, user).await?,
        CredentialKind::GcpServiceAccount => gcp(dumont, user, owner).await?,
        _ => None,
    };
    match former {
        Some(former) if former != owner => Err(Fault::conflict(
            "other_account",
            format!(
                "it is of another account ({owner}) than the one ({former}) in which Dumont still has machines, standbys or something to remove"
            ),
        )),
        _ => Ok(()),
    }
}

/// The Vast.ai account in which there is something to see to, where it is known.
async fn vast(dumont: &Dumont, user: &UserId) -> Result<Option<String>, Fault> {
    if !in_use(dumont, user, Provider::Vast).await?
        && dumont.store.associations().list(user).await?.is_empty()
    {
        return Ok(None);
    }
    let stored = dumont.store.credentials().describe(user, CredentialKind::VastApiKey).await?;
    if let Some(owner) = stored.as_ref().and_then(|one| one.hint.get("owner")?.as_str()) {
        return Ok(Some(owner.to_owned()));
    }
    // Of a key that was removed, or stored before its owner was kept: as the account was read last.
    let read = dumont.store.provider_states().get(user, StateKind::VastBalance).await?;
    let id = read.and_then(|read| read.payload?.get("id").and_then(Value::as_i64));
    Ok(id.map(|id| id.to_string()))
}

/// The project in which a standby or something to remove is; of several, another than `wanted` first.
async fn gcp(dumont: &Dumont, user: &UserId, wanted: &str) -> Result<Option<String>, Fault> {
    let machines = dumont.store.associations().list(user).await?;
    let standbys = machines.into_iter().filter_map(|machine| machine.standby);
    let mut projects: Vec<String> = standbys.map(|standby| standby.project).collect();
    projects.sort_by_key(|project| project == wanted);
    if let Some(project) = projects.into_iter().next() {
        return Ok(Some(project));
    }
    if !in_use(dumont, user, Provider::Gcp).await? {
        return Ok(None);
    }
    let kind = CredentialKind::GcpServiceAccount;
    let stored = dumont.store.credentials().describe(user, kind).await?;
    Ok(stored.and_then(|one| one.hint.get("account")?.as_str().map(str::to_owned)))
}

/// Whether something is being bought or to be gone there.
async fn in_use(dumont: &Dumont, user: &UserId, provider: Provider) -> Result<bool, Fault> {
    let pending = dumont.store.disposals().pending(user).await?;
    if pending.iter().any(|one| one.provider == provider) {
        return Ok(true);
    }
    let intents = dumont.store.intents().live(user).await?;
    let under_way = |state| matches!(state, IntentState::Open | IntentState::Bound);
    Ok(intents.iter().any(|one| one.provider == provider && under_way(one.state)))
}
