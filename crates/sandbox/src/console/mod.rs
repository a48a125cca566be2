//! The page at `/` for people: hosts, faults, ledger, and a plug to pull.

use axum::Router;

use crate::world::World;

/// The page and its style sheet.
pub fn router() -> Router<World> {
    Router::new()
}
