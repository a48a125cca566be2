//! The simulated Vast.ai.

use axum::Router;
use serde_json::Value;

use crate::fault::Armed;
use crate::world::{HostEvent, HostRow, World};

/// Everything that the simulated Vast.ai remembers.
#[derive(Debug, Default)]
pub struct Vast {}

impl Vast {
    /// The routes `/api/v0/*` and `/api/v1/*`.
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

    /// After a start: boots the hosts of running instances, goes on with
    /// transitions that were under way and starts the background tasks.
    pub async fn resume(_world: &World) {}

    /// The instances for `/_sandbox/state`.
    pub fn rows(&self, _world: &World) -> Vec<HostRow> {
        Vec::new()
    }

    /// A fault has just been armed; those that act at once act here.
    pub async fn on_fault(_world: &World, _armed: &Armed) {}

    /// Something was done to the host of instance `id` from outside.
    pub async fn on_host(_world: &World, _id: &str, _event: HostEvent) {}
}
