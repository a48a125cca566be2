//! Reading Vast's JSON leniently: any field may be missing, null, a number in quotes, or a float
//! where a whole number is meant. One odd field never makes an instance disappear.

use domain::money::MicroUsd;
use serde_json::Value;

/// A JSON object of Vast's, or something in its place, in which case every field is unknown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a>(pub(super) &'a Value);

impl<'a> Row<'a> {
    /// The field, unless it is absent or null.
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A nested object.
    pub(super) fn child(self, name: &str) -> Option<Row<'a>> {
        self.get(name).map(Row)
    }

    /// Text without the blanks around it; empty text is none.
    pub(super) fn text(self, name: &str) -> Option<String> {
        let text = self.get(name)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A finite number.
    pub(super) fn float(self, name: &str) -> Option<f64> {
        number(self.get(name)?)
    }

    /// A whole number, rounded where a float was sent.
    pub(super) fn int(self, name: &str) -> Option<i64> {
        int(self.get(name)?)
    }

    /// A yes or no, also as 0 or 1.
    pub(super) fn flag(self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(word) => word.trim().parse().ok(),
            other => number(other).map(|number| number != 0.0),
        }
    }

    /// Dollars.
    pub(super) fn money(self, name: &str) -> Option<MicroUsd> {
        self.float(name).and_then(MicroUsd::from_usd)
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

fn int(value: &Value) -> Option<i64> {
    if let Some(whole) = value.as_i64() {
        return Some(whole);
    }
    if let Some(text) = value.as_str()
        && let Ok(whole) = text.trim().parse()
    {
        return Some(whole);
    }
    let rounded = number(value)?.round();
    #[expect(clippy::cast_possible_truncation, reason = "the range was just checked")]
    (rounded.abs() < 9e15).then_some(rounded as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_come_in_every_dress() {
        let value = json!({"a": 7, "b": 7.0, "c": " 7 ", "d": "7.4", "e": null, "f": "x", "g": true, "h": 1e300});
        let row = Row(&value);
        for name in ["a", "b", "c", "d"] {
            assert_eq!(row.int(name), Some(7), "{name}");
        }
        for name in ["e", "f", "g", "h", "absent"] {
            assert_eq!(row.int(name), None, "{name}");
        }
        assert_eq!(row.float("d"), Some(7.4));
        assert_eq!(row.flag("a"), Some(true));
        assert_eq!(row.flag("g"), Some(true));
        assert_eq!(row.flag("f"), None);
        assert_eq!(row.money("d"), Some(MicroUsd(7_400_000)));
    }

    #[test]
    fn blanks_are_no_text_and_no_object_has_no_fields() {
        let value = json!({"ip": " 1.2.3.4\n", "none": "  ", "child": {"x": 1}});
        assert_eq!(Row(&value).text("ip").as_deref(), Some("1.2.3.4"));
        assert_eq!(Row(&value).text("none"), None);
        assert_eq!(Row(&value).child("child").and_then(|child| child.int("x")), Some(1));
        assert_eq!(Row(&json!([1])).int("x"), None);
    }
}
