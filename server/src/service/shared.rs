//! The machines of other accounts that an account may look at.

use std::collections::BTreeSet;

use domain::grant::reach;
use domain::id::{FailoverId, UserId};
use domain::view::grant::{SharedBy, SharedMachine};
use domain::view::machine::MachineRow;

use super::machines::{Known, actives, by_trouble, fleet, policy, row};
use super::readiness;
use super::whose::{Shown as _, Through, Whose, standing};
use crate::{Dumont, Fault};

/// Every machine that is shared with an account, by owner.
///
/// # Errors
/// The database.
pub async fn machines(dumont: &Dumont, user: &UserId) -> Result<Vec<SharedMachine>, Fault> {
    let grants = standing(dumont, user).await?;
    let owners: BTreeSet<(&str, &UserId)> =
        grants.iter().map(|grant| (grant.owner_name.as_str(), &grant.owner)).collect();
    let now = dumont.now();
    let mut machines = Vec::new();
    for (owner_name, owner) in owners {
        let mut ties = dumont.store.associations().list(owner).await?;
        ties.retain(|tie| reach(&grants, owner, &tie.id, now).is_some());
        if ties.is_empty() {
            continue;
        }
        let (fleet, _) = fleet(dumont, owner).await?;
        let under_way: Vec<FailoverId> =
            ties.iter().filter_map(|tie| tie.active_failover.clone()).collect();
        let known = Known {
            active: actives(dumont, owner, &under_way).await?,
            drills: readiness::last_drills(dumont, owner).await?,
            listed: fleet.is_some(),
            policy: policy(dumont, owner).await?,
            ..Known::default()
        };
        let mut rows: Vec<(MachineRow, SharedBy)> = Vec::new();
        for tie in &ties {
            let Some(level) = reach(&grants, owner, &tie.id, now) else { continue };
            let gpu =
                fleet.iter().flat_map(|fleet| fleet.instances.iter()).find(|gpu| gpu.id == tie.gpu);
            let whose = Whose::shared_by(owner, Through::new(owner_name, level, tie));
            let mut row = row(dumont, gpu, Some(tie), &known);
            row.association = row.association.map(|tie| tie.shown(&whose));
            let shared = SharedBy { owner: owner_name.to_owned(), level };
            rows.push((row, shared));
        }
        rows.sort_by(|(a, _), (b, _)| by_trouble(a, b));
        machines.extend(rows.into_iter().map(|(row, shared)| SharedMachine { shared, row }));
    }
    Ok(machines)
}
