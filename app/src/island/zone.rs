//! Tells the server how far the reader is from UTC, and since when, so that times are the reader's as
//! they were on that date. The browser knows; nothing else has to.

use leptos::prelude::document;
use wasm_bindgen::JsValue;

const DAY_MS: f64 = 86_400_000.0;
/// Looked back and ahead so far: reports reach a year back.
const REACH_DAYS: f64 = 400.0;
/// No zone changes twice within this.
const STEP_DAYS: f64 = 7.0;
/// More changes than these are not told.
const MOST: usize = 8;

/// Keeps it in a cookie: `60~1774746000.120~1792890000.60@Europe/Berlin`.
pub(crate) fn remember() {
    let now = js_sys::Date::now();
    let end = now + REACH_DAYS * DAY_MS;
    let mut at = now - REACH_DAYS * DAY_MS;
    let mut east = minutes_east(at);
    let mut word = format!("{east:.0}");
    let mut turns = 0;
    while at < end && turns < MOST {
        let next = at + STEP_DAYS * DAY_MS;
        let then = minutes_east(next);
        if (then - east).abs() > 0.5 {
            let second = (turn(at, next, east) / 1_000.0).round();
            word.push_str(&format!("~{second:.0}.{then:.0}"));
            east = then;
            turns += 1;
        }
        at = next;
    }
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

fn minutes_east(at: f64) -> f64 {
    -js_sys::Date::new(&JsValue::from_f64(at)).get_timezone_offset()
}

/// The moment between two at which the distance changes, to the second.
fn turn(mut from: f64, mut to: f64, before: f64) -> f64 {
    while to - from > 1_000.0 {
        let middle = (from + to) / 2.0;
        if (minutes_east(middle) - before).abs() < 0.5 {
            from = middle;
        } else {
            to = middle;
        }
    }
    // Zones change at full minutes.
    (to / 60_000.0).round() * 60_000.0
}

fn name() -> Option<String> {
    let format = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new());
    let options = format.resolved_options();
    js_sys::Reflect::get(&options, &JsValue::from_str("timeZone")).ok()?.as_string()
}
