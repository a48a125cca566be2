//! A provider's own words, made fit for a log, a database and a page: short, one line, no mark-up.

/// Longest message that is kept, in characters.
const LONGEST: usize = 300;

/// Shortens foreign text to one printable line. A page of HTML becomes a remark that it was one.
pub(crate) fn tidy(raw: &str) -> String {
    let start = raw.trim_start();
    let head: String = start.chars().take(15).collect::<String>().to_lowercase();
    if head.starts_with("<html") || head.starts_with("<!doctype") || head.starts_with("<head") {
        return "answered with an HTML page".into();
    }
    let mut line = String::new();
    for word in start.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    clip(&line, LONGEST)
}

/// At most `longest` characters of a text, with an ellipsis where it was cut.
pub(crate) fn clip(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(longest.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// An error and its causes in one line, since the outermost text of a connection failure says little.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    tidy(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lines_and_floods_become_one_short_line() {
        assert_eq!(tidy("  <!DOCTYPE html><p>502"), "answered with an HTML page");
        assert_eq!(tidy(" a\r\n\tb \u{7}c"), "a b c");
        let long = tidy(&"é".repeat(1000));
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn a_cause_that_is_already_told_is_not_told_twice() {
        #[derive(Debug, thiserror::Error)]
        #[error("connect failed: {0}")]
        struct Outer(#[source] std::io::Error);
        let error = Outer(std::io::Error::other("refused"));
        assert_eq!(causes(&error), "connect failed: refused");
    }
}
