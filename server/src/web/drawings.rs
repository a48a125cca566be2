//! Pages as they were drawn, for the moment in which they are asked for again.
//!
//! The tabs of a browser that show the same page all ask at a doorbell; it is drawn once. A drawing
//! is found again only by the login that it was drawn for, or by whoever has none where it was drawn
//! for one who has none, with all that it was drawn from: address, language, look, zone. It is shown for a quarter of a second, and for another while one of many who
//! ask draws it anew: less than the shortest time that a page tells ("3 s ago"), and never after a
//! request of the user's own or a doorbell.

use axum::body::Bytes;

use super::encoding::Encoding;
use crate::memo::Memo;

/// How long a drawing is shown, ms.
const SPAN_MS: i64 = 250;

/// A whole page that is the same for all who may ask for it.
#[derive(Debug, Clone)]
pub(super) struct Drawing {
    /// Its encoding.
    pub(super) encoding: Encoding,
    /// Itself.
    pub(super) body: Bytes,
}

/// All that a page is drawn from, beside the rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Sheet {
    /// The login; `None` for a page that anybody may see.
    pub(super) session: Option<String>,
    /// Path and query.
    pub(super) address: String,
    /// The cookies that a page sees, and the languages that the browser asks for.
    pub(super) taste: Vec<String>,
    /// The content alone.
    pub(super) part: bool,
    /// Encoding asked for.
    pub(super) encoding: Encoding,
}

/// The drawings of a moment.
#[derive(Debug)]
pub struct Drawings(pub(super) Memo<Sheet, Drawing>);

impl Default for Drawings {
    fn default() -> Self {
        Self(Memo::new(SPAN_MS))
    }
}
