//! A user's account at the provider of GPUs.

use async_trait::async_trait;
use domain::gpu::GpuInstance;
use domain::id::GpuId;
use domain::launch::Launch;
use domain::offer::{Offer, OfferFilter};
use domain::provider::ProviderError;
use providers::vast::{Account, Bought, Create, Listing, VastClient};

/// Rents GPUs. A refusal is told apart from silence; nothing is ever sent twice here that could buy.
#[async_trait]
pub trait Gpus: Send + Sync + std::fmt::Debug {
    /// The account and its money.
    ///
    /// # Errors
    /// `Auth` for a refused key.
    async fn user(&self) -> Result<Account, ProviderError>;

    /// Every instance of the account.
    ///
    /// # Errors
    /// Anything but a whole reading.
    async fn list(&self) -> Result<Listing, ProviderError>;

    /// One instance; `None` when the provider says that there is none.
    ///
    /// # Errors
    /// Anything but a clear answer.
    async fn get(&self, id: GpuId) -> Result<Option<GpuInstance>, ProviderError>;

    /// How an instance was launched; `None` when there is none.
    ///
    /// # Errors
    /// Anything but a clear answer.
    async fn launch(&self, id: GpuId) -> Result<Option<Launch>, ProviderError>;

    /// Offers that meet the filter, cheapest first.
    ///
    /// # Errors
    /// An empty market is no error.
    async fn search(
        &self,
        filter: &OfferFilter,
        storage_gb: f64,
    ) -> Result<Vec<Offer>, ProviderError>;

    /// As [`Self::search`], sent only while that leaves `kept` of the allowance to others.
    ///
    /// # Errors
    /// As [`Self::search`]; `RateLimited` where it could not be sent in time.
    async fn search_leaving(
        &self,
        filter: &OfferFilter,
        storage_gb: f64,
        kept: usize,
    ) -> Result<Vec<Offer>, ProviderError>;

    /// Whether such a search would be sent at once.
    fn can_search_leaving(&self, kept: usize) -> bool;

    /// Buys an offer. Never sent twice.
    ///
    /// # Errors
    /// One whose class is not a clear no, or that names an instance, leaves it open whether something was
    /// bought.
    async fn buy(&self, offer: i64, create: &Create) -> Result<Bought, ProviderError>;

    /// Asks that a stopped instance run again.
    ///
    /// # Errors
    /// `Capacity`, `NotFound`.
    async fn start(&self, id: GpuId) -> Result<(), ProviderError>;

    /// Asks that an instance stop; its disk is kept.
    ///
    /// # Errors
    /// `NotFound`.
    async fn stop(&self, id: GpuId) -> Result<(), ProviderError>;

    /// Gives an instance another label.
    ///
    /// # Errors
    /// `NotFound`.
    async fn label(&self, id: GpuId, label: &str) -> Result<(), ProviderError>;

    /// Ends an instance and its disk. Done only when no list shows it.
    ///
    /// # Errors
    /// `NotFound`.
    async fn destroy(&self, id: GpuId) -> Result<(), ProviderError>;

    /// Lets the holder of a key into one instance.
    ///
    /// # Errors
    /// `NotFound`.
    async fn attach_key(&self, id: GpuId, public_key: &str) -> Result<(), ProviderError>;

    /// Adds a key to the account unless it has it.
    ///
    /// # Errors
    /// `Invalid` for what is no key.
    async fn ensure_account_key(&self, public_key: &str) -> Result<(), ProviderError>;
}

#[async_trait]
impl Gpus for VastClient {
    async fn user(&self) -> Result<Account, ProviderError> {
        Self::user(self).await
    }

    async fn list(&self) -> Result<Listing, ProviderError> {
        Self::list(self).await
    }

    async fn get(&self, id: GpuId) -> Result<Option<GpuInstance>, ProviderError> {
        Self::get(self, id).await
    }

    async fn launch(&self, id: GpuId) -> Result<Option<Launch>, ProviderError> {
        Self::launch(self, id).await
    }

    async fn search(
        &self,
        filter: &OfferFilter,
        storage_gb: f64,
    ) -> Result<Vec<Offer>, ProviderError> {
        Self::search(self, filter, storage_gb).await
    }

    async fn search_leaving(
        &self,
        filter: &OfferFilter,
        storage_gb: f64,
        kept: usize,
    ) -> Result<Vec<Offer>, ProviderError> {
        Self::search_leaving(self, filter, storage_gb, kept).await
    }

    fn can_search_leaving(&self, kept: usize) -> bool {
        Self::can_search_leaving(self, kept)
    }

    async fn buy(&self, offer: i64, create: &Create) -> Result<Bought, ProviderError> {
        Self::buy(self, offer, create).await
    }

    async fn start(&self, id: GpuId) -> Result<(), ProviderError> {
        Self::start(self, id).await
    }

    async fn stop(&self, id: GpuId) -> Result<(), ProviderError> {
        Self::stop(self, id).await
    }

    async fn label(&self, id: GpuId, label: &str) -> Result<(), ProviderError> {
        Self::label(self, id, label).await
    }

    async fn destroy(&self, id: GpuId) -> Result<(), ProviderError> {
        Self::destroy(self, id).await
    }

    async fn attach_key(&self, id: GpuId, public_key: &str) -> Result<(), ProviderError> {
        Self::attach_key(self, id, public_key).await
    }

    async fn ensure_account_key(&self, public_key: &str) -> Result<(), ProviderError> {
        Self::ensure_account_key(self, public_key).await
    }
}
