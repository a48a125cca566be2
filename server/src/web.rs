//! The pages: static files of the built site, and everything that `app` renders.
//!
//! Static files pass by sessions and the database; a page goes through the same layers as the API.

pub mod files;

use axum::Router;

use crate::Dumont;

pub use files::Site;

/// The routes of the pages.
#[must_use]
pub fn pages(_dumont: &Dumont, _site: &Site) -> Router<Dumont> {
    Router::new()
}
