//! Tells the server how far the reader is from UTC, and since when, so that times are the reader's as
//! they were on that date. The browser knows; nothing else has to.

use leptos::prelude::document;
use wasm_bindgen::JsValue;

use super::clock;

const DAY_MS: i64 = 86_400_000;
/// Looked back and ahead so far: reports reach a year back.
const REACH: i64 = 400 * DAY_MS;
/// No zone changes twice within this.
const STEP: i64 = 7 * DAY_MS;
/// Zones change at full minutes.
const MINUTE_MS: i64 = 60_000;
/// More changes than these are not told.
const MOST: usize = 8;

/// Keeps it in a cookie: `60~1774746000.120~1792890000.60@Europe/Berlin`.
pub(crate) fn remember() {
    let now = clock::now();
    let mut word = told(now - REACH, now + REACH, minutes_east);
    if let Some(name) = name() {
        word.push('@');
        word.push_str(&name);
    }
    let cookie = format!("dumont_zone={word}; path=/; max-age=31536000; samesite=lax");
    _ = js_sys::Reflect::set(
        &document(),
        &JsValue::from_str("cookie"),
        &JsValue::from_str(&cookie),
    );
}

/// The distance at `from`, then `~second.minutes` for each change until `end`.
fn told(from: i64, end: i64, east_at: impl Fn(i64) -> i64) -> String {
    let mut at = from;
    let mut east = east_at(at);
    let mut word = east.to_string();
    let mut turns = 0;
    while at < end && turns < MOST {
        let next = at + STEP;
        let then = east_at(next);
        if then != east {
            word.push_str(&format!("~{}.{then}", turn(at, next, east, &east_at) / 1_000));
            east = then;
            turns += 1;
        }
        at = next;
    }
    word
}

/// The full minute between two moments at which the distance changes.
fn turn(mut from: i64, mut to: i64, before: i64, east_at: impl Fn(i64) -> i64) -> i64 {
    while to - from > 1_000 {
        let middle = i64::midpoint(from, to);
        if east_at(middle) == before {
            from = middle;
        } else {
            to = middle;
        }
    }
    (to + MINUTE_MS / 2) / MINUTE_MS * MINUTE_MS
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "times of this century fit, and minutes are whole"
)]
fn minutes_east(at: i64) -> i64 {
    -(js_sys::Date::new(&JsValue::from_f64(at as f64)).get_timezone_offset() as i64)
}

fn name() -> Option<String> {
    let format = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new());
    let options = format.resolved_options();
    js_sys::Reflect::get(&options, &JsValue::from_str("timeZone")).ok()?.as_string()
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn each_change_is_told_with_its_second() {
        // Berlin in 2026: 29 March and 25 October, at 01:00 UTC.
        let (summer, winter) = (1_774_746_000_000, 1_792_890_000_000);
        let berlin = |at| if (summer..winter).contains(&at) { 120 } else { 60 };
        let (from, end) = (1_768_478_400_123, 1_797_000_000_000);
        assert_eq!(told(from, end, berlin), "60~1774746000.120~1792890000.60");
        assert_eq!(told(from, end, |_| -180), "-180");
    }
}
