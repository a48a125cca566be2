//! The parts of a page that live in the browser. Few, small, and without words or numbers of their
//! own: what they show was made by the server.

mod alerts;
mod bell;
mod clock;
pub mod deck;
pub mod dot;
mod fetch;
mod follow;
mod keys;
pub mod live;
mod morph;
mod palette;
mod said;
mod tab;
pub mod toasts;
mod zone;
