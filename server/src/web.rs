//! The pages: static files of the built site, and everything that `app` draws.
//!
//! `app` is a function from a request and a control plane to a reply and knows no HTTP library; here
//! it gets both. Static files pass by sessions and the database; a page goes through the same layers
//! as the API.

pub mod assets;
mod drawings;
mod encoding;
pub mod files;
mod pages;
mod plane;

use axum::Router;

pub use drawings::Drawings;
pub use files::Site;

use crate::Dumont;

/// Answers every address that nothing else does.
pub fn pages(site: &Site) -> Router<Dumont> {
    pages::router(assets::find(&site.root))
}
