//! Dumont's pages: a request in, a page out, and the few parts of it that live in the browser.
//!
//! On the server ([`site`]) a page is a function of what the [`control_plane`] tells; it is complete
//! without JavaScript, and every action is a form. In the browser there are only the islands of
//! [`island`]: they listen for doorbells and ask the server again, so that each word and number is
//! made in one place. This crate knows `domain` alone: no database, no provider, no HTTP library.

pub mod island;

#[cfg(feature = "ssr")]
pub mod control_plane;
#[cfg(feature = "ssr")]
pub mod form;
#[cfg(feature = "ssr")]
mod format;
#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
mod router;
#[cfg(feature = "ssr")]
mod shell;
#[cfg(feature = "ssr")]
pub mod site;
#[cfg(feature = "ssr")]
mod text;
#[cfg(feature = "ssr")]
mod ui;
#[cfg(feature = "ssr")]
mod visit;
