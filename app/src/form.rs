//! The fields of a query or a form, read with the name of what can't be accepted.

use domain::view::problem::FieldProblem;

/// Names and values in the order sent. Values are trimmed when read; an empty one is absent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String)>);

impl std::fmt::Debug for Fields {
    /// Names only: a form may carry a password or a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Fields {
    /// The value as sent, where the field was sent at all.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The trimmed value; `None` when absent or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The trimmed value, empty when absent.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    /// Whether a box was ticked.
    #[must_use]
    pub fn ticked(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A whole number; absent when empty. What is no number is told in `wrong`.
    pub fn whole(&self, name: &str, wrong: &mut Vec<FieldProblem>) -> Option<i64> {
        self.parsed(name, wrong, |text| text.parse().ok())
    }

    /// A number with a point or a comma; absent when empty. What is no number is told in `wrong`.
    pub fn number(&self, name: &str, wrong: &mut Vec<FieldProblem>) -> Option<f64> {
        self.parsed(name, wrong, |text| {
            text.replace(',', ".").parse().ok().filter(|found: &f64| found.is_finite())
        })
    }

    fn parsed<T>(
        &self,
        name: &str,
        wrong: &mut Vec<FieldProblem>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.get(name)?;
        let found = parse(text);
        if found.is_none() {
            wrong.push(FieldProblem {
                field: name.to_owned(),
                code: "not_a_number".to_owned(),
                message: "must be a number".to_owned(),
            });
        }
        found
    }

    /// The fields as a query string, without those named.
    #[must_use]
    pub fn query_without(&self, left_out: &[&str]) -> String {
        let kept = self
            .0
            .iter()
            .filter(|(name, value)| !left_out.contains(&name.as_str()) && !value.trim().is_empty());
        kept.map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect::<Vec<_>>()
            .join("&")
    }
}

/// Percent-encodes all but the unreserved characters.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect())
    }

    #[test]
    fn a_number_may_have_a_comma_and_what_is_none_is_named() {
        let form = fields(&[("price", " 0,45 "), ("disk", "ten"), ("empty", " ")]);
        let mut wrong = Vec::new();
        assert_eq!(form.number("price", &mut wrong), Some(0.45));
        assert_eq!(form.whole("empty", &mut wrong), None);
        assert!(wrong.is_empty());
        assert_eq!(form.whole("disk", &mut wrong), None);
        assert_eq!(wrong[0].field, "disk");
        assert_eq!(form.number("missing", &mut wrong), None);
        assert_eq!(wrong.len(), 1);
    }

    #[test]
    fn a_query_survives_its_encoding_without_the_fields_left_out() {
        let query = fields(&[("gpu_name", "RTX 4090"), ("page", "2"), ("region", "")]);
        assert_eq!(query.query_without(&["page"]), "gpu_name=RTX%204090");
    }

    #[test]
    fn a_form_shows_no_values_in_a_log() {
        let shown = format!("{:?}", fields(&[("password", "sesame")]));
        assert!(shown.contains("password") && !shown.contains("sesame"), "{shown}");
    }
}
