//! The browser's side: makes the islands of a page live. Their code is in `app`.

use wasm_bindgen::prelude::wasm_bindgen;

/// The islands, named so that they are linked.
pub use app::island;

/// Readies the page; its start script then calls each island by name.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
