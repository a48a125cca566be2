//! What the rest of the product may ask of the engine.
//!
//! Every operation is for one user and reaches only what is theirs.

use std::sync::Arc;
use std::time::Duration;

use domain::association::Hooks;
use domain::failover::Options;
use domain::frozen::Decision;
use domain::gpu::GpuInstance;
use domain::id::{AssociationId, FailoverId, GpuId, UserId};
use domain::money::MicroUsd;
use domain::offer::{Offer, OfferFilter};
use domain::point::{Difference, Points};
use domain::provider::ProviderError;
use domain::time::Millis;
use domain::verdict::Observations;
use secrecy::SecretString;
use store::Store;

use crate::adapters::Providers;
use crate::config::EngineConfig;
use crate::context::Context;
use crate::error::EngineError;
use crate::ports::{Ports, SystemChance};
use crate::{market, ops, supervisor};

/// A user's GPU instances, as the provider last told them.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// The instances.
    pub instances: Arc<Vec<GpuInstance>>,
    /// When they were read.
    pub as_of: Millis,
    /// Why they could not be read again since, where so.
    pub error: Option<String>,
}

/// A user's credit at Vast.ai. Amounts that the provider did not give are unknown.
#[derive(Debug, Clone)]
pub struct Balance {
    /// Spendable.
    pub credit: Option<MicroUsd>,
    /// As the provider calls it.
    pub balance: Option<MicroUsd>,
    /// Where the provider warns.
    pub threshold: Option<MicroUsd>,
    /// The account's e-mail.
    pub email: Option<String>,
    /// When it was read.
    pub as_of: Millis,
    /// Why it could not be read again since, where so.
    pub stale_error: Option<String>,
}

/// What to rent.
#[derive(Debug, Clone)]
pub struct Rent {
    /// The offer.
    pub offer: i64,
    /// Container image.
    pub image: String,
    /// GB.
    pub disk_gb: f64,
    /// What people call the machine.
    pub label: Option<String>,
    /// Ports of the container to open, such as `8080/tcp`.
    pub ports: Vec<String>,
    /// Run when the container starts.
    pub onstart: Option<String>,
    /// The user's commands.
    pub hooks: Hooks,
    /// Absolute path; `/workspace` where none is given.
    pub workspace: Option<String>,
    /// No standby, even with auto-standby on.
    pub skip_standby: bool,
}

/// Whether a machine could be failed over now.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// All checks passed.
    pub ready: bool,
    /// Each check.
    pub checks: Vec<Check>,
}

/// One condition of readiness.
#[derive(Debug, Clone)]
pub struct Check {
    /// Stable key of its text.
    pub key: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// What was found, in English.
    pub word: String,
}

/// The account behind a Vast key.
#[derive(Debug, Clone)]
pub struct VastAccount {
    /// Vast.ai's number of it.
    pub id: Option<i64>,
    /// Its e-mail.
    pub email: Option<String>,
    /// Its spendable credit.
    pub credit: Option<MicroUsd>,
}

/// The account behind a service-account key.
#[derive(Debug, Clone)]
pub struct GcpAccount {
    /// Project that pays.
    pub project: String,
    /// Service account.
    pub email: String,
    /// Zones of the project that are up.
    pub zones: Vec<String>,
}

/// The engine of this process.
#[derive(Clone)]
pub struct Engine {
    context: Context,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine that answers but does not act yet; see [`Engine::start`].
    #[must_use]
    pub fn new(store: Store, config: EngineConfig, clock: Arc<dyn domain::time::Clock>) -> Self {
        let outside = Arc::new(Providers::new(&config));
        Self::over(store, config, Ports { clock, chance: Arc::new(SystemChance), outside })
    }

    /// The same over another outside than the real one.
    #[must_use]
    pub fn over(store: Store, config: EngineConfig, ports: Ports) -> Self {
        Self { context: Context::new(store, config, ports) }
    }

    /// Begins to watch and act.
    pub fn start(&self) {
        supervisor::start(&self.context);
    }

    /// Ends all work and waits until it has ended. What was under way is continued at the next start.
    pub async fn stop(&self) {
        self.context.shut_down().await;
    }

    /// The user's GPU instances.
    ///
    /// # Errors
    /// When they were never read and can't be now.
    pub async fn instances(&self, user: &UserId) -> Result<Fleet, EngineError> {
        ops::fleet::instances(&self.context, user).await
    }

    /// The same as it was read last, without asking anyone; `None` where it never was.
    ///
    /// # Errors
    /// No key is stored, or the database.
    pub async fn listed(&self, user: &UserId) -> Result<Option<Fleet>, EngineError> {
        ops::fleet::known(&self.context, user).await
    }

    /// Offers of the market, cheapest first, and when they were: now, or where that can't be told
    /// within `patience`, when they were last seen.
    ///
    /// # Errors
    /// When the provider can't be asked and nothing is known; `RateLimited` while nothing is known yet.
    pub async fn offers(
        &self,
        user: &UserId,
        filter: &OfferFilter,
        storage_gb: f64,
        patience: Duration,
    ) -> Result<(Millis, Vec<Offer>), EngineError> {
        market::within(&self.context, user, filter, storage_gb, patience).await
    }

    /// The user's credit.
    ///
    /// # Errors
    /// When it was never read and can't be now. Never zeros in place of an answer.
    pub async fn balance(&self, user: &UserId) -> Result<Balance, EngineError> {
        ops::fleet::balance(&self.context, user).await
    }

    /// Rents a GPU, exactly once.
    ///
    /// # Errors
    /// The provider's refusal, or an ambiguous answer that could not be cleared up; nothing is left
    /// running in either case that is not recorded.
    pub async fn rent(&self, user: &UserId, rent: Rent) -> Result<GpuId, EngineError> {
        // To its end also where whoever asked hangs up: a purchase that was cut off is nobody's.
        let (context, user) = (self.context.clone(), user.clone());
        let (done, ended) = tokio::sync::oneshot::channel();
        self.context.spawn(async move {
            let rented = ops::rent::rent(&context, &user, rent).await;
            // Nobody is there to hear it any more; it is recorded all the same.
            drop(done.send(rented));
        });
        ended.await.unwrap_or_else(|_| {
            Err(EngineError::conflict("shutting_down", "the server is shutting down"))
        })
    }

    /// Destroys a GPU, and its standby where asked.
    ///
    /// # Errors
    /// Not this user's, or a failover is under way.
    pub async fn destroy(
        &self,
        user: &UserId,
        gpu: GpuId,
        destroy_standby: bool,
    ) -> Result<(), EngineError> {
        ops::rent::destroy(&self.context, user, gpu, destroy_standby).await
    }

    /// Stops a GPU by its user's wish: never a loss.
    ///
    /// # Errors
    /// Not this user's, a failover is under way, or the provider refuses.
    pub async fn pause(&self, user: &UserId, gpu: GpuId) -> Result<(), EngineError> {
        ops::rent::pause(&self.context, user, gpu).await
    }

    /// Starts a paused GPU.
    ///
    /// # Errors
    /// Not this user's, or the provider refuses.
    pub async fn resume(&self, user: &UserId, gpu: GpuId) -> Result<(), EngineError> {
        ops::rent::resume(&self.context, user, gpu).await
    }

    /// Gives a GPU a standby.
    ///
    /// # Errors
    /// No such GPU, one already, or credentials missing.
    pub async fn protect(
        &self,
        user: &UserId,
        gpu: GpuId,
        name: Option<String>,
        hooks: Option<Hooks>,
        workspace: Option<String>,
    ) -> Result<AssociationId, EngineError> {
        ops::protect::protect(&self.context, user, gpu, name, hooks, workspace).await
    }

    /// Begins to remove a machine's standby and association; done when the VM is seen to be gone.
    ///
    /// # Errors
    /// None there, or a failover is under way.
    pub async fn unprotect(&self, user: &UserId, gpu: GpuId) -> Result<(), EngineError> {
        ops::protect::unprotect(&self.context, user, gpu).await
    }

    /// Switches following on; `false` when it was on.
    ///
    /// # Errors
    /// No association.
    pub async fn start_sync(&self, user: &UserId, gpu: GpuId) -> Result<bool, EngineError> {
        ops::protect::set_sync(&self.context, user, gpu, true).await
    }

    /// Records what a user says of exactly the deletions of this digest, which are held back: that they
    /// be made, or that the GPU have these files again.
    ///
    /// # Errors
    /// No association, its copy is not frozen, or others are held back.
    pub async fn decide_deletions(
        &self,
        user: &UserId,
        gpu: GpuId,
        digest: &str,
        decision: Decision,
    ) -> Result<(), EngineError> {
        ops::protect::decide_deletions(&self.context, user, gpu, digest, decision).await
    }

    /// The recovery points of a machine's copy, the newest first.
    ///
    /// # Errors
    /// No association, a copy that keeps none, or a standby that can't be asked now.
    pub async fn points(&self, user: &UserId, id: &AssociationId) -> Result<Points, EngineError> {
        ops::points::points(&self.context, user, id).await
    }

    /// What going back to a recovery point would change now, at a path and below; empty: everywhere.
    ///
    /// # Errors
    /// As [`Engine::points`]; `NotFound` for a point that is not kept.
    pub async fn point_difference(
        &self,
        user: &UserId,
        id: &AssociationId,
        point: i64,
        path: &str,
    ) -> Result<Difference, EngineError> {
        ops::points::difference(&self.context, user, id, point, path).await
    }

    /// Has a machine's files put back to a recovery point, at a path and below; empty: all of them. Asked
    /// for again while it goes on, it is the same.
    ///
    /// # Errors
    /// As [`Engine::point_difference`]; `Conflict` where another way back or a failover is under way, the
    /// copy does not follow, or contents of then are not kept any more.
    pub async fn go_back(
        &self,
        user: &UserId,
        id: &AssociationId,
        point: i64,
        path: &str,
    ) -> Result<(), EngineError> {
        ops::points::go_back(&self.context, user, id, point, path).await
    }

    /// Looks anew at a copy that is frozen without a list of deletions.
    ///
    /// # Errors
    /// No association, its copy is not frozen, or deletions are held back.
    pub async fn look_again(&self, user: &UserId, gpu: GpuId) -> Result<(), EngineError> {
        ops::protect::look_again(&self.context, user, gpu).await
    }

    /// Gives a machine up: stops what is under way for it and destroys its GPU and its standby.
    ///
    /// # Errors
    /// No association, or `name` is not its name.
    pub async fn discard(&self, user: &UserId, gpu: GpuId, name: &str) -> Result<(), EngineError> {
        ops::discard::discard(&self.context, user, gpu, name).await
    }

    /// Moves a machine that runs on its standby to a new GPU.
    ///
    /// # Errors
    /// It does not run on its standby, or a failover is under way.
    pub async fn back_to_gpu(
        &self,
        user: &UserId,
        gpu: GpuId,
        by_grantee: bool,
    ) -> Result<FailoverId, EngineError> {
        ops::failovers::back_to_gpu(&self.context, user, gpu, by_grantee).await
    }

    /// Ends a failover's pause before its next attempt. `may_agree`: whether this may be the word that
    /// more is bought than the limits allow, which is its owner's alone.
    ///
    /// # Errors
    /// Not found, nothing of it waits, or it waits for a word that may not be given.
    pub async fn retry_now(
        &self,
        user: &UserId,
        failover: &FailoverId,
        may_agree: bool,
    ) -> Result<(), EngineError> {
        ops::failovers::retry_now(&self.context, user, failover, may_agree).await
    }

    /// Switches following off; `false` when it was off.
    ///
    /// # Errors
    /// No association.
    pub async fn stop_sync(&self, user: &UserId, gpu: GpuId) -> Result<bool, EngineError> {
        ops::protect::set_sync(&self.context, user, gpu, false).await
    }

    /// Rehearses a failover.
    ///
    /// # Errors
    /// No association, not ready, or a failover is under way.
    pub async fn drill(
        &self,
        user: &UserId,
        gpu: GpuId,
        options: Options,
        note: Option<String>,
    ) -> Result<FailoverId, EngineError> {
        ops::failovers::drill(&self.context, user, gpu, options, note).await
    }

    /// Moves a machine away from its GPU now: planned when it answers, real when it does not. Of what is
    /// asked for only `accept_gaps` (also where the standby can't get all of its workspace) and `by_grantee`
    /// count.
    ///
    /// # Errors
    /// No association, not ready, or a failover is under way.
    pub async fn fail_over(
        &self,
        user: &UserId,
        gpu: GpuId,
        note: Option<String>,
        asked: Options,
    ) -> Result<FailoverId, EngineError> {
        ops::failovers::fail_over(&self.context, user, gpu, note, asked).await
    }

    /// Moves a machine that runs on its standby to a new GPU.
    ///
    /// # Errors
    /// It does not run on its standby, or a failover is under way.
    pub async fn fail_back(
        &self,
        user: &UserId,
        failover: &FailoverId,
        by_grantee: bool,
    ) -> Result<FailoverId, EngineError> {
        ops::failovers::fail_back(&self.context, user, failover, by_grantee).await
    }

    /// Asks a failover to stop and clean up.
    ///
    /// # Errors
    /// Not found, or over.
    pub async fn cancel(&self, user: &UserId, failover: &FailoverId) -> Result<(), EngineError> {
        ops::failovers::cancel(&self.context, user, failover).await
    }

    /// What is ready for a failover of this machine and what blocks one.
    ///
    /// # Errors
    /// No association.
    pub async fn readiness(&self, user: &UserId, gpu: GpuId) -> Result<Readiness, EngineError> {
        ops::readiness::readiness(&self.context, user, gpu).await
    }

    /// Tries a Vast key.
    ///
    /// # Errors
    /// The provider's word.
    pub async fn check_vast(&self, key: &SecretString) -> Result<VastAccount, ProviderError> {
        ops::credentials::check_vast(&self.context, key).await
    }

    /// Tries a service-account key and the permissions that a standby needs.
    ///
    /// # Errors
    /// The provider's word, with the missing permission by name.
    pub async fn check_gcp(&self, json: &SecretString) -> Result<GcpAccount, ProviderError> {
        ops::credentials::check_gcp(&self.context, json).await
    }

    /// Whether a label at a provider was given by this install, and so is nobody's name for a machine.
    #[must_use]
    pub fn gave_label(&self, label: &str) -> bool {
        label.starts_with(&crate::purchase::label_prefix(self.context.store.install_id()))
    }

    /// Forgets the clients made with a user's former credentials.
    pub fn credentials_changed(&self, user: &UserId) {
        self.context.accounts.forget(user);
        self.context.live.account(user).note_balance(None);
        self.context.wake();
    }

    /// The same of every user, where it is not known whose have changed.
    pub fn all_credentials_changed(&self) {
        self.context.accounts.forget_all();
        self.context.wake();
    }

    /// What a machine's observers last said, where this process watches it.
    #[must_use]
    pub fn observations(&self, association: &AssociationId) -> Option<Observations> {
        self.context.live.observations(association)
    }
}
