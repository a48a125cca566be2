//! Splits a filter expression into its words, texts and signs.

/// A piece of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `-` in front of a term.
    Minus,
    /// A comparison sign.
    Op(&'static str),
    /// Bare text: a field, a value or a joining word.
    Word(String),
    /// Quoted text.
    Text(String),
}

const OPS: [&str; 7] = ["!=", "<=", ">=", "=", "<", ">", ":"];

/// The tokens of a text; none when a quote is left open or a sign is unknown.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '(' || first == ')' {
            found.push(if first == '(' { Token::Open } else { Token::Close });
            1
        } else if let Some(op) = OPS.into_iter().find(|op| rest.starts_with(op)) {
            found.push(Token::Op(op));
            op.len()
        } else if first == '"' || first == '\'' {
            let (value, length) = quoted(rest, first)?;
            found.push(Token::Text(value));
            length
        } else if first == '-' && starts_term(&found) {
            found.push(Token::Minus);
            1
        } else {
            let end = rest.find(ends_word).unwrap_or(rest.len());
            let word = rest.get(..end).filter(|word| !word.is_empty())?;
            found.push(Token::Word(word.to_owned()));
            end
        };
        rest = rest.get(length..)?.trim_start();
    }
    Some(found)
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '=' | '!' | '<' | '>' | ':' | '"' | '\'' | '~')
}

/// Whether a term, rather than a value, comes next.
fn starts_term(found: &[Token]) -> bool {
    match found.last() {
        None | Some(Token::Open | Token::Close | Token::Minus | Token::Text(_)) => true,
        Some(Token::Word(word)) => word != "eq" && word != "ne",
        Some(Token::Op(_)) => false,
    }
}

/// Reads quoted text; gives it and how many bytes it took. A backslash protects only the quote
/// sign, so that regular expressions arrive as they were written.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if chars.peek().is_some_and(|(_, next)| *next == quote) => {
                value.push(quote);
                chars.next();
            }
            c if c == quote => return Some((value, at + c.len_utf8())),
            c => value.push(c),
        }
    }
    None
}
