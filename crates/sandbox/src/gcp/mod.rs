//! The simulated Google Compute Engine.

use axum::Router;
use serde_json::Value;

use crate::fault::Armed;
use crate::world::{HostEvent, HostRow, World};

/// Everything that the simulated Google Compute Engine remembers.
#[derive(Debug, Default)]
pub struct Gcp {}

impl Gcp {
    /// The routes `/compute/v1/*` and `/token`.
    pub fn router() -> Router<World> {
        Router::new()
    }

    /// All that must survive a restart.
    #[must_use]
    pub fn save(&self) -> Value {
        Value::Null
    }

    /// Takes over what [`Self::save`] gave; called once, before serving.
    ///
    /// # Errors
    /// When the value has another shape.
    pub fn load(&self, _saved: Value) -> Result<(), serde_json::Error> {
        Ok(())
    }

    /// After a start: boots the hosts of running VMs, goes on with
    /// transitions that were under way and starts the background tasks.
    pub async fn resume(_world: &World) {}

    /// The VMs for `/_sandbox/state`.
    pub fn rows(&self, _world: &World) -> Vec<HostRow> {
        Vec::new()
    }

    /// A fault has just been armed; those that act at once act here.
    pub async fn on_fault(_world: &World, _armed: &Armed) {}

    /// Something was done to the host of the VM called `id` from outside.
    pub async fn on_host(_world: &World, _id: &str, _event: HostEvent) {}
}
