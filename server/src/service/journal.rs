//! Loading the rows of failovers and computing their figures from them.

use domain::association::Association;
use domain::failover::{Disposal, Failover, Intent, StepRow};
use domain::id::{FailoverId, UserId};
use domain::report::{Journal, failover_page, failover_view};
use domain::view::failover::{FailoverPage, FailoverStatus};

use crate::{Dumont, Fault};

/// Every row of one failover.
#[derive(Debug)]
pub struct Rows {
    failover: Failover,
    steps: Vec<StepRow>,
    intents: Vec<Intent>,
    disposals: Vec<Disposal>,
    association: Option<Association>,
}

impl Rows {
    /// Loads the rows that belong to a failover of this account.
    ///
    /// # Errors
    /// The database.
    pub async fn of(dumont: &Dumont, failover: Failover) -> Result<Self, Fault> {
        let store = &dumont.store;
        Ok(Self {
            steps: store.steps().list(&failover.id).await?,
            intents: store.intents().of_failover(&failover.id).await?,
            disposals: store.disposals().of_failover(&failover.id).await?,
            association: store
                .associations()
                .find(&failover.association)
                .await?
                .filter(|tie| tie.user == failover.user),
            failover,
        })
    }

    /// Loads a failover of this account with its rows.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn load(dumont: &Dumont, user: &UserId, id: &FailoverId) -> Result<Self, Fault> {
        let failover = dumont.store.failovers().get(user, id).await?;
        Self::of(dumont, failover).await
    }

    /// Its figures now.
    #[must_use]
    pub fn status(&self, dumont: &Dumont) -> FailoverStatus {
        failover_view(&self.journal(dumont))
    }

    /// Its page now.
    #[must_use]
    pub fn page(&self, dumont: &Dumont) -> FailoverPage {
        failover_page(&self.journal(dumont))
    }

    fn journal(&self, dumont: &Dumont) -> Journal<'_> {
        Journal {
            failover: &self.failover,
            steps: &self.steps,
            intents: &self.intents,
            disposals: &self.disposals,
            association: self.association.as_ref(),
            now: dumont.now(),
        }
    }
}

/// The figures of each of these failovers, in order.
///
/// # Errors
/// The database.
pub async fn statuses(
    dumont: &Dumont,
    failovers: Vec<Failover>,
) -> Result<Vec<FailoverStatus>, Fault> {
    let mut found = Vec::with_capacity(failovers.len());
    for failover in failovers {
        found.push(Rows::of(dumont, failover).await?.status(dumont));
    }
    Ok(found)
}
