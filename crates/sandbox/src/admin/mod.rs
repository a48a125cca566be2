//! The API under `/_sandbox` by which tests and people look behind the scenes
//! and break things. It never imitates a provider.

use axum::Router;

use crate::world::World;

/// The routes, without the prefix.
pub fn router() -> Router<World> {
    Router::new()
}
