//! Names that people give to things, and other single lines of their own words.
//!
//! One rule for all of them: a bounded number of characters, none that controls a terminal or turns
//! the direction of writing, so that no name can pretend to be another or hide what follows it. Rows
//! from before the rule, and names that providers send, are shown through [`shown`].

/// Most characters of a name.
pub const LONGEST: usize = 64;

/// Why a name is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing in it.
    #[error("must not be empty")]
    Empty,
    /// Longer than the bound.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// A character that controls or changes direction.
    #[error("must not contain control characters or ones that change the direction of writing")]
    Unshowable,
}

impl NameError {
    /// Stable key of the text.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "required",
            Self::TooLong(_) => "out_of_range",
            Self::Unshowable => "not_a_name",
        }
    }
}

/// A name without the spaces around it.
///
/// # Errors
/// Why it is not taken.
pub fn name(text: &str) -> Result<String, NameError> {
    line(text, LONGEST)?.ok_or(NameError::Empty)
}

/// A name that may be left out: none where there is nothing in it.
///
/// # Errors
/// Why it is not taken.
pub fn optional(text: Option<&str>) -> Result<Option<String>, NameError> {
    text.map_or(Ok(None), |text| line(text, LONGEST))
}

/// A line of at most so many characters, without the spaces around it; none where nothing is left.
///
/// # Errors
/// Why it is not taken.
pub fn line(text: &str, longest: usize) -> Result<Option<String>, NameError> {
    let text = text.trim();
    if text.chars().count() > longest {
        return Err(NameError::TooLong(longest));
    }
    if text.chars().any(is_unshowable) {
        return Err(NameError::Unshowable);
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// A stored or foreign name as it may be shown: what may not be in a name is replaced, and what is
/// too long is cut.
#[must_use]
pub fn shown(text: &str) -> String {
    shown_within(text, LONGEST)
}

/// As [`shown`], with a bound of its own.
#[must_use]
pub fn shown_within(text: &str, longest: usize) -> String {
    let clean = |c: char| if is_unshowable(c) { char::REPLACEMENT_CHARACTER } else { c };
    if text.chars().count() <= longest {
        return text.chars().map(clean).collect();
    }
    text.chars().take(longest.saturating_sub(1)).map(clean).chain(['…']).collect()
}

/// Controls, line and paragraph separators, and all that sets or isolates a direction.
fn is_unshowable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_shows_what_it_is() {
        assert_eq!(name("  treino é 日本 👩‍🔬 "), Ok("treino é 日本 👩‍🔬".into()));
        assert_eq!(name(&"é".repeat(64)).map(|text| text.chars().count()), Ok(64));
        assert_eq!(name(&"é".repeat(65)), Err(NameError::TooLong(64)));
        assert_eq!(name(" \t "), Err(NameError::Empty));
        for bad in [
            "a\0b",
            "a\nb",
            "a\u{1b}[31m",
            "a\u{202e}gpj.exe",
            "a\u{2066}b",
            "a\u{200f}b",
            "a\u{2028}b",
        ] {
            assert_eq!(name(bad), Err(NameError::Unshowable), "{bad:?}");
        }
        assert_eq!(optional(Some("  ")), Ok(None));
        assert_eq!(optional(None), Ok(None));
    }

    #[test]
    fn what_was_kept_before_is_shown_safely() {
        assert_eq!(shown("a\u{202e}b\0c"), "a\u{fffd}b\u{fffd}c");
        let long = shown(&"x".repeat(1_100));
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.ends_with('…'));
        assert_eq!(shown("plain"), "plain");
    }
}
