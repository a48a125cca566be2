//! Whose a machine or a failover is that somebody asks for: their own, or another account's that lets
//! them. The one place where that is decided, for the API's guard and for pages.
//!
//! What is one's own comes first. Else it is looked for among the machines of those whose grants stand at
//! this moment: what none of them reaches is not there, for whoever asks; what one reaches for looking alone
//! is there and can't be acted on. Nothing is remembered between requests, so that what was taken back is
//! gone at the next one.

use std::collections::BTreeSet;

use domain::access::Scope;
use domain::association::{Association as Tie, AssociationState};
use domain::grant::{Grant, GrantLevel, GrantState, reach};
use domain::id::{AssociationId, FailoverId, GpuId, MachineRef, UserId};
use domain::view::failover::{FailoverPage, FailoverStatus, Witness};
use domain::view::grant::SharedBy;
use domain::view::instance::Instance;
use domain::view::machine::{ActiveFailover, MachinePage, MachineRow};
use domain::view::points::RecoveryPoints;
use domain::view::readiness::{DryRun, Readiness, TestAnswer};
use domain::view::standby::{Association, HeldDeletions};
use store::StoreError;

use super::machines;
use crate::{Dumont, Fault};

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A machine.
    Machine(MachineRef),
    /// A failover.
    Failover(FailoverId),
}

/// Whose it is.
#[derive(Debug, Clone)]
pub struct Whose {
    /// The account that it is of; where it is nobody's, whoever asks.
    pub owner: UserId,
    /// Where that is another one.
    pub through: Option<Through>,
}

/// What another account lets one do.
#[derive(Debug, Clone)]
pub struct Through {
    /// The owner's user name.
    pub owner_name: String,
    /// The user name of whoever asks; empty where nobody acts.
    pub by: String,
    /// How far it goes.
    pub level: GrantLevel,
    /// The machine.
    machine: AssociationId,
    /// The GPU that it ran on when this was decided.
    gpu: GpuId,
}

impl Through {
    /// Of a machine that is only shown.
    #[must_use]
    pub fn new(owner_name: &str, level: GrantLevel, tie: &Tie) -> Self {
        let (machine, gpu) = (tie.id.clone(), tie.gpu);
        Self { owner_name: owner_name.to_owned(), by: String::new(), level, machine, gpu }
    }
}

impl Whose {
    /// Another account's.
    #[must_use]
    pub fn shared_by(owner: &UserId, through: Through) -> Self {
        Self { owner: owner.clone(), through: Some(through) }
    }

    /// One's own.
    #[must_use]
    pub const fn own(user: UserId) -> Self {
        Self { owner: user, through: None }
    }

    /// Refuses what a grant does not reach to. Of what is one's own nothing is refused here.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn allows(&self, needed: Scope) -> Result<(), Fault> {
        match &self.through {
            Some(through) if !through.level.covers(needed) => {
                let message = "its owner lets you look at this machine, not act on it";
                Err(Fault::Forbidden { code: "grant_needed", message })
            }
            _ => Ok(()),
        }
    }

    /// The machine, as it was asked for; of another account exactly the one that was decided on.
    #[must_use]
    pub fn machine(&self, asked: MachineRef) -> MachineRef {
        match &self.through {
            Some(through) => MachineRef::Association(through.machine.clone()),
            None => asked,
        }
    }

    /// Its GPU, as it was asked for; of another account the one that the machine runs on.
    #[must_use]
    pub fn gpu(&self, asked: GpuId) -> GpuId {
        self.through.as_ref().map_or(asked, |through| through.gpu)
    }

    /// The GPU that was asked for.
    ///
    /// # Errors
    /// `NotFound` where it is one that another account's machine has left: that GPU is not shared.
    pub fn exactly(&self, asked: GpuId) -> Result<GpuId, Fault> {
        let gpu = self.gpu(asked);
        (gpu == asked).then_some(gpu).ok_or(Fault::NotFound("instance"))
    }

    /// Whose it is, for a page.
    #[must_use]
    pub fn shared(&self) -> Option<SharedBy> {
        let through = self.through.as_ref()?;
        Some(SharedBy { owner: through.owner_name.clone(), level: through.level })
    }
}

/// Finds out whose something is.
///
/// # Errors
/// The database. What nobody lets this account see counts as its own and is not found there.
pub async fn of(dumont: &Dumont, user: &UserId, subject: &Subject) -> Result<Whose, Fault> {
    if own(dumont, user, subject).await? {
        return Ok(Whose::own(user.clone()));
    }
    let grants = standing(dumont, user).await?;
    let owners: BTreeSet<&UserId> = grants.iter().map(|grant| &grant.owner).collect();
    for owner in owners {
        let Some(tie) = found(dumont, owner, subject).await? else { continue };
        let Some(level) = reach(&grants, owner, &tie.0, dumont.now()) else { continue };
        let by = dumont.store.users().get(user).await?.username;
        let given = grants.iter().find(|grant| grant.owner == *owner);
        let owner_name = given.map(|grant| grant.owner_name.clone()).unwrap_or_default();
        let (machine, gpu) = tie;
        let through = Through { owner_name, by, level, machine, gpu };
        return Ok(Whose { owner: owner.clone(), through: Some(through) });
    }
    Ok(Whose::own(user.clone()))
}

/// The grants of an account that count now.
///
/// # Errors
/// The database.
pub async fn standing(dumont: &Dumont, user: &UserId) -> Result<Vec<Grant>, Fault> {
    let now = dumont.now();
    let mut grants = dumont.store.grants().received(user, now).await?;
    grants.retain(|grant| grant.state(now) == GrantState::Active);
    Ok(grants)
}

async fn own(dumont: &Dumont, user: &UserId, subject: &Subject) -> Result<bool, Fault> {
    Ok(match subject {
        Subject::Machine(machine) => tie(dumont, user, machine).await?.is_some(),
        Subject::Failover(id) => is_there(dumont.store.failovers().get(user, id).await)?.is_some(),
    })
}

/// The machine of an account that is meant, and the GPU that it has or had.
async fn found(
    dumont: &Dumont,
    owner: &UserId,
    subject: &Subject,
) -> Result<Option<(AssociationId, GpuId)>, Fault> {
    Ok(match subject {
        Subject::Machine(machine) => {
            tie(dumont, owner, machine).await?.map(|tie| (tie.id, tie.gpu))
        }
        Subject::Failover(id) => is_there(dumont.store.failovers().get(owner, id).await)?
            .map(|failover| (failover.association, failover.gpu)),
    })
}

async fn tie(dumont: &Dumont, user: &UserId, machine: &MachineRef) -> Result<Option<Tie>, Fault> {
    match machines::find(dumont, user, machine).await {
        Ok(tie) => Ok(Some(tie)),
        Err(Fault::NotFound(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

fn is_there<T>(found: Result<T, StoreError>) -> Result<Option<T>, Fault> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is shown of another account's machine: nothing of its other machines, its money, its commands.
pub trait Shown: Sized {
    /// Without what is its owner's alone, where it is another account's.
    #[must_use]
    fn shown(self, whose: &Whose) -> Self {
        if whose.through.is_some() { self.to_others(whose) } else { self }
    }

    /// The same, of another account's.
    #[must_use]
    fn to_others(self, whose: &Whose) -> Self;
}

/// In place of words that may hold what is their owner's alone: sums of money, limits, a provider's own
/// words (which name projects and service accounts). Which of them do is not guessed from the words.
const OWNERS_WORDS: &str = "only its owner is told more";

fn withheld(words: &mut Option<String>) {
    if let Some(words) = words {
        OWNERS_WORDS.clone_into(words);
    }
}

/// Withholds what is more than one of Dumont's own words for a state (`ok`, `host_lost`): what a host, a
/// provider or the network said.
fn withhold_said(words: &mut Option<String>) {
    let own = |word: &str| {
        word.len() <= 24 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    if !words.as_deref().is_none_or(own) {
        withheld(words);
    }
}

impl Shown for HeldDeletions {
    fn to_others(mut self, _: &Whose) -> Self {
        withheld(&mut self.problem);
        self
    }
}

impl Shown for Witness {
    fn to_others(mut self, _: &Whose) -> Self {
        withhold_said(&mut self.word);
        self
    }
}

/// Of each in a list.
fn each<T: Shown>(all: Vec<T>, whose: &Whose) -> Vec<T> {
    all.into_iter().map(|one| one.to_others(whose)).collect()
}

impl Shown for Association {
    fn to_others(mut self, _: &Whose) -> Self {
        // Why a copy is frozen is Dumont's own word, and what the held deletions are decided by.
        if self.state != AssociationState::Frozen {
            withheld(&mut self.reason);
        }
        withheld(&mut self.failure_reason);
        withheld(&mut self.sync_problem);
        if let Some(vm) = &mut self.cpu_standby {
            withheld(&mut vm.reason);
        }
        let hooks = domain::association::Hooks::default();
        Self { hooks, host_key_shared: Vec::new(), ..self }
    }
}

impl Shown for Instance {
    fn to_others(mut self, _: &Whose) -> Self {
        if let Some(vm) = &mut self.cpu_standby {
            withheld(&mut vm.reason);
        }
        self
    }
}

impl Shown for ActiveFailover {
    fn to_others(mut self, _: &Whose) -> Self {
        withheld(&mut self.waits);
        Self { full: None, ..self }
    }
}

impl Shown for MachineRow {
    fn to_others(self, whose: &Whose) -> Self {
        let association = self.association.map(|tie| tie.to_others(whose));
        let active = self.active.map(|active| active.to_others(whose));
        let instance = self.instance.map(|gpu| gpu.to_others(whose));
        Self { association, active, instance, ..self }
    }
}

impl Shown for FailoverStatus {
    fn to_others(mut self, _: &Whose) -> Self {
        withheld(&mut self.error);
        self
    }
}

/// What a check of readiness says to others: how much credit there is, which limit is reached and what the
/// provider or the standby answered is its owner's affair; whether it is well is not.
fn check_for_others(key: &str, ok: bool, said: &str) -> Option<&'static str> {
    match key {
        "credit" | "limits" if ok => Some("enough"),
        "credit" => Some("not enough"),
        "limits" => Some("a limit of its owner's is reached"),
        // How many fit; else what the provider said to its owner's key.
        "offers" => said.parse::<u64>().is_err().then_some(OWNERS_WORDS),
        "standby_answers" => Some(if ok { "answers" } else { "does not answer" }),
        _ => None,
    }
}

impl Shown for Readiness {
    fn to_others(mut self, _: &Whose) -> Self {
        for check in &mut self.checks {
            if let Some(words) = check_for_others(&check.key, check.ok, &check.message) {
                words.clone_into(&mut check.message);
            }
        }
        self
    }
}

impl Shown for RecoveryPoints {
    fn to_others(mut self, _: &Whose) -> Self {
        if let Some(back) = &mut self.last_return {
            withheld(&mut back.problem);
        }
        withheld(&mut self.cut_off);
        self
    }
}

impl Shown for DryRun {
    fn to_others(mut self, _: &Whose) -> Self {
        for blocker in &mut self.blockers {
            let Some((key, said)) = blocker.split_once(": ") else { continue };
            if let Some(words) = check_for_others(key, false, said) {
                *blocker = format!("{key}: {words}");
            }
        }
        self
    }
}

impl Shown for TestAnswer {
    fn to_others(self, whose: &Whose) -> Self {
        match self {
            Self::DryRun(found) => Self::DryRun(found.to_others(whose)),
            started => started,
        }
    }
}

impl Shown for MachinePage {
    fn to_others(mut self, whose: &Whose) -> Self {
        self.row = self.row.to_others(whose);
        self.readiness = self.readiness.map(|found| found.to_others(whose));
        self.failover = self.failover.map(|failover| failover.to_others(whose));
        self.history.iter_mut().for_each(|row| withheld(&mut row.error));
        self.observers = each(self.observers, whose);
        for seen in &mut self.verdicts {
            seen.evidence = each(std::mem::take(&mut seen.evidence), whose);
        }
        self.cycles.iter_mut().for_each(|cycle| withheld(&mut cycle.error));
        // Why, as of a key that was refused, is its owner's.
        let stale_error = self.stale_error.map(|_| "the provider does not answer".to_owned());
        Self { shared: whose.shared(), stale_error, ..self }
    }
}

impl Shown for FailoverPage {
    fn to_others(mut self, whose: &Whose) -> Self {
        self.status = self.status.to_others(whose);
        self.journal.iter_mut().for_each(|row| withheld(&mut row.error));
        self.evidence = each(self.evidence, whose);
        Self { shared: whose.shared(), ..self }
    }
}
