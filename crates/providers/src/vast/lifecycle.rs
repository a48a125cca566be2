//! Starting, stopping, naming and ending an instance. All but the reboot may be sent again safely.

use domain::id::GpuId;
use domain::money::MicroUsd;
use domain::provider::ProviderError;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Call, VastClient};
use super::endpoint::Endpoint;

impl VastClient {
    /// Asks that a stopped instance run again.
    ///
    /// # Errors
    /// `Capacity` when its GPUs are taken; Vast keeps the wish queued, so it may start, and bill,
    /// later. `NotFound` when there is no such instance.
    pub async fn start(&self, id: GpuId) -> Result<(), ProviderError> {
        self.update("start instance", id, json!({"state": "running"})).await
    }

    /// Asks that an instance stop; its disk is kept and billed.
    ///
    /// # Errors
    /// `NotFound` when there is no such instance.
    pub async fn stop(&self, id: GpuId) -> Result<(), ProviderError> {
        self.update("stop instance", id, json!({"state": "stopped"})).await
    }

    /// Gives an instance another label.
    ///
    /// # Errors
    /// `NotFound` when there is no such instance.
    pub async fn label(&self, id: GpuId, label: &str) -> Result<(), ProviderError> {
        self.update("label instance", id, json!({"label": label})).await
    }

    /// Ends an instance and its disk. A success is Vast's word only: it is done when
    /// [`VastClient::list`] no longer shows it.
    ///
    /// # Errors
    /// `NotFound` when there is no such instance, as after an earlier destroy.
    pub async fn destroy(&self, id: GpuId) -> Result<(), ProviderError> {
        let path = format!("/api/v0/instances/{id}/");
        let call =
            Call::new("destroy instance", Endpoint::Destroy, Method::DELETE, path).body(json!({}));
        self.ask(&call).await.map(drop)
    }

    /// Restarts the container without giving up the GPU. Sent once.
    ///
    /// # Errors
    /// `NotFound` when there is no such instance.
    pub async fn reboot(&self, id: GpuId) -> Result<(), ProviderError> {
        let path = format!("/api/v0/instances/reboot/{id}/");
        let call =
            Call::new("reboot instance", Endpoint::Reboot, Method::PUT, path).body(json!({}));
        self.ask_once(&call).await.map(drop)
    }

    /// Changes the bid of an interruptible instance, per hour.
    ///
    /// # Errors
    /// `Invalid` for a bid out of Vast's bounds; `NotFound` when there is no such instance.
    pub async fn change_bid(&self, id: GpuId, bid: MicroUsd) -> Result<(), ProviderError> {
        let path = format!("/api/v0/instances/bid_price/{id}/");
        let call = Call::new("change bid", Endpoint::Bid, Method::PUT, path)
            .body(json!({"client_id": "me", "price": bid.usd()}));
        self.ask(&call).await.map(drop)
    }

    async fn update(
        &self,
        operation: &'static str,
        id: GpuId,
        body: Value,
    ) -> Result<(), ProviderError> {
        let path = format!("/api/v0/instances/{id}/");
        self.ask(&Call::new(operation, Endpoint::Update, Method::PUT, path).body(body))
            .await
            .map(drop)
    }
}
