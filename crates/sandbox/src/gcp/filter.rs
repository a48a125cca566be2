//! The `filter` expressions of list calls.
//!
//! `field op value` with `= != < <= > >= :` and the regular-expression words `eq` and `ne`, joined by
//! `AND`, `OR` (which binds tighter, as Google documents), `NOT` or `-`, brackets, or nothing at all
//! between two terms, which means `AND`. It looks at the JSON that the caller would be shown.

use regex::Regex;
use serde_json::Value;

use super::error::ApiError;

mod lex;

use lex::Token;

/// A parsed filter.
#[derive(Debug, Clone)]
pub(super) enum Filter {
    /// Every part matches.
    All(Vec<Filter>),
    /// Some part matches.
    Any(Vec<Filter>),
    /// The part does not match.
    Not(Box<Filter>),
    /// One comparison.
    Is(Comparison),
}

/// A field compared with a value.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    path: Vec<String>,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Equal(String),
    NotEqual(String),
    Less(String),
    AtMost(String),
    More(String),
    AtLeast(String),
    Has(String),
    Matches(Regex),
    MatchesNot(Regex),
}

/// Nesting that a filter may have.
const DEPTH: usize = 32;

impl Filter {
    /// Reads a filter; the error is the one that Compute answers.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let bad = || ApiError::field("filter", text, "Invalid list filter expression.");
        let tokens = lex::tokens(text).ok_or_else(bad)?;
        let mut parser = Parser { tokens: &tokens, at: 0 };
        let filter = parser.all(0).ok_or_else(bad)?;
        if parser.at == tokens.len() { Ok(filter) } else { Err(bad()) }
    }

    /// Whether a resource, as it would be shown, passes.
    pub(super) fn passes(&self, shown: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.passes(shown)),
            Self::Any(parts) => parts.iter().any(|part| part.passes(shown)),
            Self::Not(part) => !part.passes(shown),
            Self::Is(comparison) => comparison.passes(shown),
        }
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word == wanted);
        self.at += usize::from(found);
        found
    }

    fn all(&mut self, depth: usize) -> Option<Filter> {
        let mut parts = vec![self.any(depth)?];
        loop {
            let joined = self.word("AND");
            if !joined && matches!(self.peek(), None | Some(Token::Close)) {
                break;
            }
            parts.push(self.any(depth)?);
        }
        Some(Filter::All(parts))
    }

    fn any(&mut self, depth: usize) -> Option<Filter> {
        let mut parts = vec![self.term(depth)?];
        while self.word("OR") {
            parts.push(self.term(depth)?);
        }
        Some(Filter::Any(parts))
    }

    fn term(&mut self, depth: usize) -> Option<Filter> {
        if depth > DEPTH {
            return None;
        }
        if self.word("NOT") || self.take(&Token::Minus) {
            return Some(Filter::Not(Box::new(self.term(depth + 1)?)));
        }
        if self.take(&Token::Open) {
            let inner = self.all(depth + 1)?;
            return self.take(&Token::Close).then_some(inner);
        }
        self.comparison().map(Filter::Is)
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let Some(Token::Word(field)) = self.peek().cloned() else { return None };
        self.at += 1;
        let op = match self.peek().cloned()? {
            Token::Op(op) => op.to_owned(),
            Token::Word(word) if word == "eq" || word == "ne" => word,
            _ => return None,
        };
        self.at += 1;
        let value = match self.peek().cloned()? {
            Token::Word(value) | Token::Text(value) => value,
            _ => return None,
        };
        self.at += 1;
        let whole = |pattern: &str| Regex::new(&format!("^(?:{pattern})$")).ok();
        let test = match op.as_str() {
            "=" => Test::Equal(value),
            "!=" => Test::NotEqual(value),
            "<" => Test::Less(value),
            "<=" => Test::AtMost(value),
            ">" => Test::More(value),
            ">=" => Test::AtLeast(value),
            ":" => Test::Has(value),
            "eq" => Test::Matches(whole(&value)?),
            "ne" => Test::MatchesNot(whole(&value)?),
            _ => return None,
        };
        Some(Comparison { path: field.split('.').map(str::to_owned).collect(), test })
    }
}

impl Comparison {
    fn passes(&self, shown: &Value) -> bool {
        let mut found = Vec::new();
        collect(shown, &self.path, &mut found);
        let some = |test: &dyn Fn(&str) -> bool| found.iter().any(|text| test(text));
        match &self.test {
            Test::Equal(value) => some(&|text| text == value),
            Test::NotEqual(value) => !some(&|text| text == value),
            Test::Less(value) => some(&|text| order(text, value).is_lt()),
            Test::AtMost(value) => some(&|text| order(text, value).is_le()),
            Test::More(value) => some(&|text| order(text, value).is_gt()),
            Test::AtLeast(value) => some(&|text| order(text, value).is_ge()),
            Test::Has(value) if value == "*" => !found.is_empty(),
            Test::Has(value) => {
                let value = value.to_lowercase();
                some(&|text| text.to_lowercase().contains(value.trim_matches('*')))
            }
            Test::Matches(pattern) => some(&|text| pattern.is_match(text)),
            Test::MatchesNot(pattern) => !some(&|text| pattern.is_match(text)),
        }
    }
}

/// The texts at a path; lists on the way are looked into.
fn collect(value: &Value, path: &[String], found: &mut Vec<String>) {
    match (value, path.split_first()) {
        (Value::Array(items), _) => items.iter().for_each(|item| collect(item, path, found)),
        (Value::Object(map), Some((first, rest))) => {
            if let Some(inner) = map.get(first) {
                collect(inner, rest, found);
            }
        }
        (Value::String(text), None) => found.push(text.clone()),
        (Value::Bool(_) | Value::Number(_), None) => found.push(value.to_string()),
        (Value::Object(_), None) => found.push(String::new()),
        _ => {}
    }
}

/// Numbers by size, all else (fixed-format times among it) as text.
fn order(left: &str, right: &str) -> std::cmp::Ordering {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        _ => match (moment(left), moment(right)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => left.cmp(right),
        },
    }
}

fn moment(text: &str) -> Option<time::OffsetDateTime> {
    time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn passes(filter: &str) -> bool {
        let shown = json!({
            "name": "vm-1", "status": "RUNNING", "id": "42",
            "labels": {"managed-by": "dumont", "install": "a1"},
            "scheduling": {"preemptible": true},
            "disks": [{"diskSizeGb": "100"}],
            "insertTime": "2024-10-14T12:45:09.545-08:00",
            "targetLink": "https://www.googleapis.com/compute/v1/projects/p/zones/z/instances/vm-1",
            "operationType": "compute.instances.preempted",
        });
        Filter::parse(filter).unwrap().passes(&shown)
    }

    #[test]
    fn the_preemption_history_filter_works_as_google_wrote_it() {
        assert!(passes(
            r#"operationType="compute.instances.preempted" AND targetLink="https://www.googleapis.com/compute/v1/projects/p/zones/z/instances/vm-1""#
        ));
        assert!(!passes(r#"(name = "vm-2") AND (operationType = "compute.instances.preempted")"#));
    }

    #[test]
    fn comparisons() {
        for yes in [
            "status=RUNNING",
            "status != TERMINATED",
            "labels.managed-by=dumont",
            "labels.install:*",
            "NOT labels.other:*",
            "-status=STOPPING",
            "scheduling.preemptible=true",
            "disks.diskSizeGb > 20",
            r#"name eq "vm-.*""#,
            r#"name ne ".*2""#,
            "name:VM",
            r#"insertTime > "2024-10-14T20:45:09.000Z""#,
            r#"(status = "RUNNING") (labels.install = "a1")"#,
            "status=STOPPING OR status=RUNNING AND labels.install=a1",
            r#"(name eq ".*\bvm\-1\b.*")"#,
        ] {
            assert!(passes(yes), "{yes}");
        }
        for no in [
            "status=running",
            "name=vm",
            r#"name eq "vm""#,
            "labels.other=x",
            "disks.diskSizeGb < 20",
            r#"insertTime > "2024-10-14T20:45:10.000Z""#,
            "status=RUNNING AND labels.install=b2",
            "status=RUNNING OR name=x AND labels.install=b2",
        ] {
            assert!(!passes(no), "{no}");
        }
    }

    #[test]
    fn nonsense_is_refused_in_compute_s_words() {
        for bad in
            ["status", "status=", "=x", "(a=b", "a=b)", "a=b AND", "a ~ b", "\"a", "a eq \"(\""]
        {
            let error = Filter::parse(bad).err().unwrap_or_else(|| panic!("accepted {bad}"));
            assert_eq!(error.code(), 400);
            assert_eq!(
                error.message(),
                format!(
                    "Invalid value for field 'filter': '{bad}'. Invalid list filter expression."
                )
            );
        }
        assert!(Filter::parse(&format!("{}a=b{}", "(".repeat(99), ")".repeat(99))).is_err());
    }
}
