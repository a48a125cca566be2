//! The machines of other accounts that an account may look at.

use std::collections::BTreeSet;

use domain::grant::{Grant, reach};
use domain::id::{FailoverId, UserId};
use domain::view::grant::{SharedBy, SharedMachine};
use domain::view::machine::MachineRow;

use engine::EngineError;

use super::machines::{Known, actives, by_trouble, policy, row, stored};
use super::readiness;
use super::whose::{Shown as _, Through, Whose, standing};
use crate::{Dumont, Fault};

/// Every machine that is shared with an account, by owner. Those of an owner whose rows can't be read are
/// left out: whoever asks still has their own.
///
/// # Errors
/// The database.
pub async fn machines(dumont: &Dumont, user: &UserId) -> Result<Vec<SharedMachine>, Fault> {
    let grants = standing(dumont, user).await?;
    let owners: BTreeSet<(&str, &UserId)> =
        grants.iter().map(|grant| (grant.owner_name.as_str(), &grant.owner)).collect();
    let mut machines = Vec::new();
    for (owner_name, owner) in owners {
        match of_owner(dumont, &grants, owner_name, owner).await {
            Ok(found) => machines.extend(found),
            Err(error) => {
                tracing::warn!(%error, %owner, "machines of an account are not shown to others");
            }
        }
    }
    Ok(machines)
}

async fn of_owner(
    dumont: &Dumont,
    grants: &[Grant],
    owner_name: &str,
    owner: &UserId,
) -> Result<Vec<SharedMachine>, Fault> {
    let now = dumont.now();
    let mut ties = dumont.store.associations().list(owner).await?;
    ties.retain(|tie| reach(grants, owner, &tie.id, now).is_some());
    if ties.is_empty() {
        return Ok(Vec::new());
    }
    // Nobody waits for a provider, and asks it nothing with another's key, to see what is shared.
    let fleet = match dumont.engine.listed(owner).await {
        Ok(fleet) => fleet,
        Err(EngineError::Credentials { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let listed = fleet.as_ref().is_some_and(|fleet| fleet.error.is_none());
    let under_way: Vec<FailoverId> =
        ties.iter().filter_map(|tie| tie.active_failover.clone()).collect();
    let known = Known {
        active: actives(dumont, owner, &under_way).await?,
        drills: readiness::last_drills(dumont, owner).await?,
        listed,
        stored: stored(dumont, owner, &ties).await?,
        policy: policy(dumont, owner).await?,
        ..Known::default()
    };
    let mut rows: Vec<(MachineRow, SharedBy)> = Vec::new();
    for tie in &ties {
        let Some(level) = reach(grants, owner, &tie.id, now) else { continue };
        let gpu =
            fleet.iter().flat_map(|fleet| fleet.instances.iter()).find(|gpu| gpu.id == tie.gpu);
        let whose = Whose::shared_by(owner, Through::new(owner_name, level, tie));
        let row = row(dumont, gpu, Some(tie), &known).shown(&whose);
        rows.push((row, SharedBy { owner: owner_name.to_owned(), level }));
    }
    rows.sort_by(|(a, _), (b, _)| by_trouble(a, b));
    Ok(rows.into_iter().map(|(row, shared)| SharedMachine { shared, row }).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::testing::{Bench, passed};

    #[tokio::test]
    async fn what_is_shared_is_shown_without_asking_its_owners_provider() {
        let bench = Bench::new().await;
        let machine = bench.machine().await;
        let bob = bench.grantee().await;
        let began = Instant::now();
        let found = timeout(Duration::from_secs(3_600), machines(&bench.dumont, &bob)).await;
        let found = found.expect("an answer").expect("machines");
        assert_eq!(passed(began), Duration::ZERO);
        let shown: Vec<_> = found.iter().map(|one| one.row.gpu_instance_id).collect();
        assert_eq!(shown, [machine.gpu]);
        assert_eq!(found[0].row.total_dph, None, "what it costs is not known without a list");
    }
}
