//! The parts of a page that live in the browser. Few, small, and without words or numbers of their
//! own: what they show was made by the server.

#![expect(missing_docs, reason = "the macro of islands makes undocumented properties")]

mod alerts;
mod bell;
pub mod deck;
pub mod dot;
pub mod estimate;
mod fetch;
mod keys;
pub mod live;
mod morph;
mod palette;
mod said;
mod tab;
pub mod toasts;
mod zone;
