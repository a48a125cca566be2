//! Vast's filter language: `{"column": {"op": value, …}, …}` over rows.
//!
//! The official CLI sends numbers as strings, so a comparison coerces the
//! wanted value to the type of the column. Rows are JSON objects, which lets
//! offers and instances share the code.

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// One comparison of one column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Test {
    /// The row's column.
    pub column: String,
    /// What to do with it.
    pub op: Op,
    /// What to compare with.
    pub wanted: Value,
}

/// An operator of the filter language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// Equal.
    Eq,
    /// Not equal.
    Neq,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// One of a list.
    In,
    /// None of a list.
    NotIn,
}

impl Op {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Self::Eq,
            "neq" | "ne" => Self::Neq,
            "gt" => Self::Gt,
            "gte" => Self::Gte,
            "lt" => Self::Lt,
            "lte" => Self::Lte,
            "in" => Self::In,
            "notin" | "nin" => Self::NotIn,
            _ => return None,
        })
    }
}

/// Why a filter cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum FilterError {
    /// The operator is not in the language.
    #[error("{column}: unknown operator {op}")]
    Operator {
        /// Column of the filter.
        column: String,
        /// The word that is no operator.
        op: String,
    },
    /// `in` and `notin` need a list.
    #[error("{0}: in and notin need a list")]
    NotAList(String),
}

/// Reads the tests of one column; a bare value means `eq`.
pub(crate) fn parse(column: &str, spec: &Value) -> Result<Vec<Test>, FilterError> {
    let Value::Object(ops) = spec else {
        return Ok(vec![Test { column: column.to_owned(), op: Op::Eq, wanted: spec.clone() }]);
    };
    ops.iter()
        .map(|(word, wanted)| {
            let op = Op::parse(word).ok_or_else(|| FilterError::Operator {
                column: column.to_owned(),
                op: word.clone(),
            })?;
            if matches!(op, Op::In | Op::NotIn) && !wanted.is_array() {
                return Err(FilterError::NotAList(column.to_owned()));
            }
            Ok(Test { column: column.to_owned(), op, wanted: wanted.clone() })
        })
        .collect()
}

impl Test {
    /// True if the row passes. A column without a value passes only where
    /// null itself is asked for, or where something is excluded.
    pub(crate) fn passes(&self, row: &Map<String, Value>) -> bool {
        let have = row.get(&self.column).unwrap_or(&Value::Null);
        match self.op {
            Op::Eq => same(have, &self.wanted),
            Op::Neq => !same(have, &self.wanted),
            Op::In => self.one_of(have),
            Op::NotIn => !self.one_of(have),
            Op::Gt => self.ordered(have, Ordering::is_gt),
            Op::Gte => self.ordered(have, Ordering::is_ge),
            Op::Lt => self.ordered(have, Ordering::is_lt),
            Op::Lte => self.ordered(have, Ordering::is_le),
        }
    }

    fn one_of(&self, have: &Value) -> bool {
        self.wanted.as_array().is_some_and(|list| list.iter().any(|item| same(have, item)))
    }

    fn ordered(&self, have: &Value, holds: impl Fn(Ordering) -> bool) -> bool {
        !have.is_null() && !self.wanted.is_null() && compare(have, &self.wanted).is_some_and(holds)
    }
}

/// Equality with the wanted value coerced to the type of the row's value.
fn same(have: &Value, wanted: &Value) -> bool {
    match (have, wanted) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        _ => compare(have, wanted).is_some_and(Ordering::is_eq),
    }
}

/// Order of two values, if they can be compared at all. Null sorts first.
pub(crate) fn compare(have: &Value, wanted: &Value) -> Option<Ordering> {
    match have {
        Value::Null => Some(if wanted.is_null() { Ordering::Equal } else { Ordering::Less }),
        _ if wanted.is_null() => Some(Ordering::Greater),
        Value::Bool(have) => Some(have.cmp(&truth(wanted)?)),
        Value::Number(_) => have.as_f64()?.partial_cmp(&number(wanted)?),
        Value::String(have) => match wanted {
            Value::String(wanted) => Some(text(have, wanted)),
            Value::Number(_) => {
                number(&Value::String(have.clone()))?.partial_cmp(&wanted.as_f64()?)
            }
            _ => None,
        },
        _ => (have == wanted).then_some(Ordering::Equal),
    }
}

/// Versions (`535.86.05`) by their numbers, other text by its letters.
fn text(have: &str, wanted: &str) -> Ordering {
    match (version(have), version(wanted)) {
        (Some(have), Some(wanted)) => have.cmp(&wanted),
        _ => have.cmp(wanted),
    }
}

fn version(text: &str) -> Option<Vec<u64>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        _ => None,
    }
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => number.as_f64().map(|number| number != 0.0),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A column to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct By {
    /// The row's column.
    pub column: String,
    /// Highest first.
    pub descending: bool,
}

/// Sorts rows by several columns; what cannot be compared keeps its place.
pub(crate) fn sort(rows: &mut [Map<String, Value>], order: &[By]) {
    rows.sort_by(|left, right| rank(left, right, order));
}

/// Order of two rows under a list of columns.
pub(crate) fn rank(
    left: &Map<String, Value>,
    right: &Map<String, Value>,
    order: &[By],
) -> Ordering {
    for by in order {
        let left = left.get(&by.column).unwrap_or(&Value::Null);
        let right = right.get(&by.column).unwrap_or(&Value::Null);
        let found = compare(left, right).unwrap_or(Ordering::Equal);
        if found.is_ne() {
            return if by.descending { found.reverse() } else { found };
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::vast::offer::into_map;

    fn passes(column: &str, spec: Value) -> bool {
        let row = into_map(json!({
            "num_gpus": 2, "dph_total": 0.35, "gpu_name": "RTX 4090", "verified": true,
            "driver_version": "570.86.05", "label": null,
        }));
        parse(column, &spec).expect("a filter").iter().all(|test| test.passes(&row))
    }

    #[test]
    fn numbers_arrive_as_strings_too() {
        assert!(passes("num_gpus", json!({"eq": "2"})));
        assert!(passes("num_gpus", json!({"eq": 2.0})));
        assert!(!passes("num_gpus", json!({"eq": "1"})));
        assert!(passes("dph_total", json!({"gte": "0.3", "lt": 0.4})));
        assert!(passes("verified", json!({"eq": "true"})));
        assert!(passes("verified", json!({"eq": 1})));
        assert!(!passes("num_gpus", json!({"gt": "many"})));
    }

    #[test]
    fn lists_and_negations() {
        assert!(passes("gpu_name", json!({"in": ["RTX 3090", "RTX 4090"]})));
        assert!(!passes("gpu_name", json!({"notin": ["RTX 4090"]})));
        assert!(passes("gpu_name", json!({"neq": "L40S"})));
        assert!(passes("gpu_name", json!("RTX 4090")));
    }

    #[test]
    fn null_is_only_equal_to_null() {
        assert!(passes("label", json!({"in": [null, "x"]})));
        assert!(passes("label", json!({"eq": null})));
        assert!(!passes("label", json!({"eq": "x"})));
        assert!(!passes("label", json!({"lt": 5})));
        assert!(passes("label", json!({"neq": "x"})));
    }

    #[test]
    fn versions_compare_by_their_numbers() {
        assert!(passes("driver_version", json!({"gte": "570.9.1"})));
        assert!(!passes("driver_version", json!({"gte": "570.100.0"})));
    }

    #[test]
    fn bad_filters_are_named() {
        assert_eq!(
            parse("num_gpus", &json!({"like": 3})),
            Err(FilterError::Operator { column: "num_gpus".into(), op: "like".into() })
        );
        assert_eq!(
            parse("num_gpus", &json!({"in": 3})),
            Err(FilterError::NotAList("num_gpus".into()))
        );
    }

    #[test]
    fn sorting_takes_several_columns() {
        let mut rows: Vec<_> = [(1, 5.0), (2, 7.0), (3, 5.0)]
            .iter()
            .map(|(id, score)| into_map(json!({"id": id, "score": score})))
            .collect();
        let by = |column: &str, descending| By { column: column.into(), descending };
        sort(&mut rows, &[by("score", true), by("id", true)]);
        let ids: Vec<_> = rows.iter().map(|row| row["id"].as_i64().expect("an id")).collect();
        assert_eq!(ids, [2, 3, 1]);
    }
}
