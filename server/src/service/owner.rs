//! Whose a credential is. One of another account passes every test and sees nothing of the former: all of it
//! would count as gone while it bills. So it is not taken while there is something left to see to.

use domain::failover::Intent;
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
    let pending = dumont.store.disposals().pending(user).await?;
    let going = pending.iter().filter(|one| one.provider == Provider::Gcp);
    let mut unknown = false;
    for vm in going {
        // A VM has the name of its purchase's label.
        let intent = dumont.store.intents().by_label(&vm.external_id).await?;
        match intent.filter(|intent| &intent.user == user).and_then(|intent| intent.project) {
            Some(project) => projects.push(project),
            None => unknown = true,
        }
    }
    for intent in under_way(dumont, user, Provider::Gcp).await? {
        match intent.project {
            Some(project) => projects.push(project),
            None => unknown = true,
        }
    }
    projects.sort_by_key(|project| project == wanted);
    if let Some(project) = projects.into_iter().next() {
        return Ok(Some(project));
    }
    if !unknown {
        return Ok(None);
    }
    // Asked for before projects were recorded.
    let kind = CredentialKind::GcpServiceAccount;
    let stored = dumont.store.credentials().describe(user, kind).await?;
    Ok(stored.and_then(|one| one.hint.get("account")?.as_str().map(str::to_owned)))
}

/// Whether something is being bought or to be gone there.
async fn in_use(dumont: &Dumont, user: &UserId, provider: Provider) -> Result<bool, Fault> {
    let pending = dumont.store.disposals().pending(user).await?;
    Ok(pending.iter().any(|one| one.provider == provider)
        || !under_way(dumont, user, provider).await?.is_empty())
}

/// Purchases that are under way there, or were given up so lately that they may turn up yet.
async fn under_way(
    dumont: &Dumont,
    user: &UserId,
    provider: Provider,
) -> Result<Vec<Intent>, Fault> {
    let now = dumont.now();
    let mut intents = dumont.store.intents().live(user).await?;
    intents.retain(|one| one.provider == provider && one.may_turn_up(now));
    Ok(intents)
}
