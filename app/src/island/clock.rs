//! The browser's clock in whole milliseconds: floats, and the code that prints and reads them, stay out
//! of the bundle.

/// Milliseconds since 1970.
#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates")]
pub(crate) fn now() -> i64 {
    js_sys::Date::now() as i64
}
