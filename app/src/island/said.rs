//! What a form said when it was done stands in the address (`?said=`), so that it is there without a
//! script. With one it leaves the address at once: neither a reload nor a bookmark says it again.

use std::cell::RefCell;

use leptos::prelude::window;
use wasm_bindgen::JsValue;

use super::clock;

/// How long it stays on a page that renews itself, ms.
const STAYS_MS: i64 = 8_000;

/// The word and when it was said.
type Said = Option<(String, i64)>;

thread_local! {
    static SAID: RefCell<Option<Said>> = const { RefCell::new(None) };
}

/// Takes the word out of the address; the first call counts.
pub(crate) fn take() {
    SAID.with_borrow_mut(|said| {
        said.get_or_insert_with(|| {
            let location = window().location();
            let search = location.search().unwrap_or_default();
            let (kept, word) = split(&search);
            let word = word?.to_owned();
            let path = location.pathname().unwrap_or_default();
            let hash = location.hash().unwrap_or_default();
            if let Ok(history) = window().history() {
                let address = format!("{path}{kept}{hash}");
                _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
            }
            Some((word, clock::now()))
        });
    });
}

/// The query that this page is asked for again with: with the word as long as it is to be read.
pub(crate) fn query(search: &str) -> String {
    take();
    let now = clock::now();
    let word = SAID.with_borrow(|said| {
        let (word, at) = said.as_ref()?.as_ref()?;
        (now - at < STAYS_MS).then(|| word.clone())
    });
    let (mut kept, _) = split(search);
    if let Some(word) = word {
        kept.push(if kept.is_empty() { '?' } else { '&' });
        kept.push_str("said=");
        kept.push_str(&word);
    }
    kept
}

/// A query without the word, and the word.
fn split(search: &str) -> (String, Option<&str>) {
    let mut kept = String::new();
    let mut word = None;
    let query = search.strip_prefix('?').unwrap_or(search);
    for part in query.split('&').filter(|part| !part.is_empty()) {
        if let Some(found) = part.strip_prefix("said=") {
            word = Some(found);
        } else {
            kept.push(if kept.is_empty() { '?' } else { '&' });
            kept.push_str(part);
        }
    }
    (kept, word)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn what_was_said_leaves_the_query_and_nothing_else_does() {
        for (search, left, word) in [
            ("", "", None),
            ("?said=saved", "", Some("saved")),
            ("?days=7&said=saved&kind=drill", "?days=7&kind=drill", Some("saved")),
            ("?unsaid=1", "?unsaid=1", None),
        ] {
            assert_eq!(split(search), (left.to_owned(), word), "{search}");
        }
    }
}
