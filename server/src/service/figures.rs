//! Figures of many failovers: each worked out from its rows, and those of a settled one only once.
//!
//! What is kept equals what the rows give: [`is_settled`] says that no figure of it can change. The
//! fates of the instances can, so they are not kept; the page of a failover reads them anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::failover::Failover;
use domain::id::{FailoverId, UserId};
use domain::report::{Journal, failover_view, is_settled};
use domain::view::failover::FailoverStatus;

use crate::{Dumont, Fault};

/// From how many on all are forgotten and worked out again: some 100 MB.
const MOST: usize = 50_000;
/// How many are worked out at a time.
const AT_ONCE: usize = 250;

/// The figures of settled failovers, of each account by itself.
#[derive(Debug, Default)]
pub struct Figures(Mutex<HashMap<UserId, Own>>);

type Own = HashMap<FailoverId, Arc<FailoverStatus>>;

impl Figures {
    fn known(&self, user: &UserId, ids: &[FailoverId]) -> Vec<Option<Arc<FailoverStatus>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = kept.get(user);
        ids.iter().map(|id| own?.get(id).cloned()).collect()
    }

    fn keep(&self, user: &UserId, figures: &Arc<FailoverStatus>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.values().map(HashMap::len).sum::<usize>() >= MOST {
            kept.clear();
        }
        let own = kept.entry(user.clone()).or_default();
        own.insert(figures.failover_id.clone(), Arc::clone(figures));
    }
}

/// The figures of these failovers, in order, without the instances that they touched. What is not
/// the account's, or is gone, is left out.
///
/// # Errors
/// The database.
pub async fn of(
    dumont: &Dumont,
    user: &UserId,
    ids: &[FailoverId],
) -> Result<Vec<Arc<FailoverStatus>>, Fault> {
    let known = dumont.kept.figures.known(user, ids);
    let missing: Vec<FailoverId> = ids
        .iter()
        .zip(&known)
        .filter(|(_, found)| found.is_none())
        .map(|(id, _)| id.clone())
        .collect();
    let mut fresh = HashMap::new();
    for some in missing.chunks(AT_ONCE) {
        for figures in work_out(dumont, user, some).await? {
            fresh.insert(figures.failover_id.clone(), figures);
        }
    }
    Ok(ids.iter().zip(known).filter_map(|(id, found)| found.or_else(|| fresh.remove(id))).collect())
}

async fn work_out(
    dumont: &Dumont,
    user: &UserId,
    ids: &[FailoverId],
) -> Result<Vec<Arc<FailoverStatus>>, Fault> {
    let store = &dumont.store;
    // The failovers first: rows that are read after it say at least as much.
    let failovers = store.failovers().among(user, ids).await?;
    let ids: Vec<FailoverId> = failovers.iter().map(|one| one.id.clone()).collect();
    let mut steps = store.steps().of_many(&ids).await?;
    let mut intents = store.intents().of_many(&ids).await?;
    let mut disposals = store.disposals().of_many(&ids).await?;
    let now = dumont.now();
    let work = |failover: Failover| {
        let journal = Journal {
            failover: &failover,
            steps: &steps.remove(&failover.id).unwrap_or_default(),
            intents: &intents.remove(&failover.id).unwrap_or_default(),
            disposals: &disposals.remove(&failover.id).unwrap_or_default(),
            association: None,
            now,
        };
        let view = failover_view(&journal);
        let figures = Arc::new(FailoverStatus { instances: Vec::new(), ..view });
        if is_settled(&journal) {
            dumont.kept.figures.keep(user, &figures);
        }
        figures
    };
    Ok(failovers.into_iter().map(work).collect())
}
