//! What is wrong with a body or a query, in the contract's words.
//!
//! A body is a JSON object and nothing else: a list would be taken by position, and what is meant for
//! one field would land in another. No name of a type of this program ever leaves it, and no value is
//! repeated, which could be a secret in the wrong place.

use domain::name::shown;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Fault;

/// Reads a body. What is not a JSON object is malformed; an object of another shape names the field.
///
/// # Errors
/// `Malformed`, or `Invalid` with the field.
pub fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Fault::Malformed("a body is needed: a JSON object".into()));
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| not_json(&error))?;
    if !value.is_object() {
        let found = kind(&value);
        return Err(Fault::Malformed(format!("the body must be a JSON object, not {found}")));
    }
    if let Some(field) = with_nul(&value, "") {
        return Err(Fault::field(&shown(&field), "wrong_type", "must not contain NUL"));
    }
    // Read again from the text, so that a field that is given twice is not chosen between.
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        // It is JSON, as was seen above: what is left to be wrong is its shape.
        of_shape(&path, &error.into_inner().to_string())
    })
}

fn not_json(error: &serde_json::Error) -> Fault {
    let place = format!("line {}, column {}", error.line(), error.column());
    Fault::Malformed(format!("the body is not JSON ({place})"))
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Where a text with NUL in it is, which no database keeps.
fn with_nul(value: &Value, at: &str) -> Option<String> {
    let inside = |name: &str| {
        if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
    };
    match value {
        Value::String(text) => text.contains('\0').then(|| at.to_owned()),
        Value::Array(items) => items.iter().find_map(|item| with_nul(item, at)),
        Value::Object(fields) => fields.iter().find_map(|(name, item)| {
            if name.contains('\0') { Some(inside(name)) } else { with_nul(item, &inside(name)) }
        }),
        _ => None,
    }
}

/// What the reader says of an object that does not fit.
fn of_shape(path: &str, text: &str) -> Fault {
    let quoted = text.split('`').nth(1).unwrap_or_default();
    let (field, code, message) = if text.starts_with("missing field") {
        (beside(path, quoted), "required", "is required".to_owned())
    } else if text.starts_with("unknown field") {
        (beside(path, quoted), "unknown_field", "is not a field of this request".to_owned())
    } else if text.starts_with("duplicate field") {
        (beside(path, quoted), "duplicate_field", "is given more than once".to_owned())
    } else if text.starts_with("not an RFC 3339 time") {
        let message = "must be a time such as 2026-01-31T12:00:00Z";
        (path.to_owned(), "wrong_type", message.to_owned())
    } else if text.starts_with("not a port") {
        let message = "must be ports: numbers from 1 to 65535, or such as 8080/tcp";
        (path.to_owned(), "wrong_type", message.to_owned())
    } else {
        let told = expected(text).unwrap_or_else(|| "has the wrong form".to_owned());
        (path.to_owned(), "wrong_type", told)
    };
    let field = if field == "." { "body".to_owned() } else { field };
    Fault::field(&shown(&field), code, message)
}

/// A field that is missing or too much, where the path names the object around it.
fn beside(path: &str, field: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or_default();
    if path == "." || path.is_empty() || last == field {
        return field.to_owned();
    }
    // The reader names the field itself in some places and the object around it in others.
    let around = path
        .rsplit_once('.')
        .map_or(path, |(around, end)| if end.is_empty() { around } else { path });
    format!("{around}.{field}")
}

/// What the reader expects, as far as that is known in words of JSON.
fn expected(text: &str) -> Option<String> {
    let (_, rest) = text.rsplit_once("expected ")?;
    let rest = rest.split(" at line").next().unwrap_or(rest);
    let words = match rest {
        "a string" | "a borrowed string" | "a character" => "a string",
        "a boolean" => "true or false",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number of at least 0",
        "f32" | "f64" => "a number",
        "a sequence" => "a list",
        "a map" => "an object",
        rest if rest.starts_with("struct ") => "an object",
        rest if rest.starts_with('`') || rest.starts_with("one of `") => {
            let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
            return Some(format!("must be one of {}", known.join(", ")));
        }
        _ => return None,
    };
    Some(format!("must be {words}"))
}

/// What is wrong with a query, from what its reader says: `limit: invalid digit found in string`.
#[must_use]
pub fn of_query(text: &str) -> Fault {
    let rest = text.split_once(": ").map_or("", |(_, rest)| rest);
    let plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let (name, word) = match rest.split_once(": ") {
        Some((name, word)) if plain(name) => (Some(name), word),
        _ => (None, rest),
    };
    let quoted = shown(word.split('`').nth(1).unwrap_or_default());
    let told = if word.starts_with("unknown field") {
        format!("{quoted} is no parameter of this address")
    } else if word.starts_with("duplicate field") {
        format!("{quoted} is given more than once")
    } else if word.starts_with("missing field") {
        format!("{quoted} is required")
    } else {
        let form = if word.contains("invalid digit")
            || word.contains("parse integer")
            || word.contains("number too")
        {
            "must be a whole number"
        } else if word.contains("float") {
            "must be a number"
        } else if word.contains("`true` or `false`") {
            "must be true or false"
        } else {
            "has the wrong form"
        };
        format!("{} {form}", name.unwrap_or("a parameter"))
    };
    Fault::Malformed(format!("the query can't be read: {told}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::view::account::{LoginRequest, NewToken};
    use domain::view::configure::ConfigureStandby;
    use domain::view::instance::CreateInstance;
    use domain::view::problem::Problem;
    use domain::view::settings::SettingsUpdate;

    fn problem<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> Problem {
        object::<T>(text.as_bytes()).expect_err("bad").problem("r")
    }

    fn field<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> (String, String) {
        let told = problem::<T>(text);
        assert_eq!(told.status, 422, "{told:?}");
        let first = told.errors.expect("named").remove(0);
        (first.field, first.message)
    }

    #[test]
    fn a_body_of_the_wrong_shape_names_its_field_and_not_its_value() {
        let missing = field::<LoginRequest>(r#"{"email":"a@b.c"}"#);
        assert_eq!(missing.0, "password");
        let wrong = problem::<LoginRequest>(r#"{"email":"a@b.c","password":123456}"#);
        assert!(!wrong.detail.contains("123456"), "{}", wrong.detail);
        assert_eq!(wrong.errors.expect("named")[0].field, "password");
        assert_eq!(field::<ConfigureStandby>(r#"{"enabled":true,"zone":"x"}"#).0, "zone");
        let time = field::<NewToken>(r#"{"name":"x","expires_at":"noon"}"#);
        assert!(time.0 == "expires_at" && time.1.contains("2026"), "{time:?}");
        let word = field::<ConfigureStandby>(r#"{"enabled":true,"gpu_class":"AtLeast"}"#);
        assert!(word.1.contains("at_least"), "{word:?}");
        let twice = field::<ConfigureStandby>(r#"{"enabled":true,"enabled":false}"#);
        assert_eq!(twice.0, "enabled");
        let nul = field::<LoginRequest>(r#"{"email":"a\u0000","password":"x"}"#);
        assert_eq!(nul.0, "email");
    }

    #[test]
    fn only_an_object_is_a_body_at_any_depth() {
        for bad in ["[]", "[null,null]", "null", "\"x\"", "7", "true", "", "  ", "{", "{} {}"] {
            assert_eq!(problem::<SettingsUpdate>(bad).status, 400, "{bad}");
        }
        let hooks = field::<CreateInstance>(r#"{"offer_id":1,"hooks":["a","b","c"]}"#);
        assert_eq!(hooks, ("hooks".into(), "must be an object".into()));
        let unknown = field::<CreateInstance>(r#"{"offer_id":1,"hooks":{"on_stanby":"x"}}"#);
        assert_eq!(unknown.0, "hooks.on_stanby");
    }

    #[test]
    fn a_querys_fault_is_told_without_the_readers_words() {
        let told = |text: &str| of_query(text).problem("r").detail;
        let begin = "Failed to deserialize query string: ";
        for (word, says) in [
            ("limit: invalid digit found in string", "limit must be a whole number"),
            ("max_price: invalid float literal", "max_price must be a number"),
            ("spot: provided string was not `true` or `false`", "spot must be true or false"),
            ("unknown field `x`, expected one of `a`, `b`", "x is no parameter"),
            ("duplicate field `days`", "days is given more than once"),
            ("invalid type: map, expected struct Foo", "a parameter has the wrong form"),
        ] {
            let told = told(&format!("{begin}{word}"));
            assert!(told.contains(says) && !told.contains("struct"), "{told}");
        }
    }
}
