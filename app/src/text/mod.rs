//! Every text that a person reads, in both languages, and nothing else.
//!
//! English defines the keys; Portuguese is a value of the same type, so that a missing or unknown key
//! does not compile, and a key that no page uses is a field that is never read. Words of providers
//! stay as they were said.

mod access;
mod audit;
mod en;
mod phrasebook;
mod points;
mod problem;
mod pt;
#[cfg(test)]
mod style;
mod words;

pub(crate) use self::access::AccessTexts;
pub(crate) use self::audit::{action, area, credential};
pub(crate) use self::en::Texts;
pub(crate) use self::phrasebook::{parts, said};
pub(crate) use self::points::PointTexts;
pub(crate) use self::problem::{field_text, problem_text};
pub(crate) use self::words::*;

/// The languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lang {
    En,
    Pt,
}

impl Lang {
    /// The language chosen, else the first known one that the browser asks for, else English.
    pub(crate) fn choose(chosen: Option<&str>, accept: &str) -> Self {
        if let Some(lang) = chosen.and_then(Self::read) {
            return lang;
        }
        let mut wanted: Vec<(f32, Self)> = accept
            .split(',')
            .filter_map(|part| {
                let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
                let weight =
                    rest.trim().strip_prefix("q=").and_then(|q| q.parse().ok()).unwrap_or(1.0);
                Some((weight, Self::read(tag.trim())?))
            })
            .collect();
        // Stable: of equals the first stays first.
        wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
        wanted.first().map_or(Self::En, |(_, lang)| *lang)
    }

    fn read(tag: &str) -> Option<Self> {
        match tag.get(..2)?.to_ascii_lowercase().as_str() {
            "pt" => Some(Self::Pt),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The tag, as in `<html lang>` and in the account.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Pt => "pt-BR",
        }
    }

    pub(crate) const fn texts(self) -> &'static Texts {
        match self {
            Self::En => &en::EN,
            Self::Pt => &pt::PT,
        }
    }
}

impl Lang {
    pub(crate) const fn access(self) -> &'static AccessTexts {
        match self {
            Self::En => &access::EN,
            Self::Pt => &access::PT,
        }
    }

    pub(crate) const fn points(self) -> &'static PointTexts {
        match self {
            Self::En => &points::EN,
            Self::Pt => &points::PT,
        }
    }
}

/// Puts values in the place of `{name}`.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        if let Some((_, value)) = values.iter().find(|(key, _)| *key == name) {
            out.push_str(value);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The form for one or for many, with `{n}` filled in.
pub(crate) fn plural(n: i64, one: &str, many: &str, lang: Lang) -> String {
    let shown = crate::format::count(n, lang);
    fill(if n == 1 { one } else { many }, &[("n", &shown)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<&str> {
        let mut found: Vec<&str> =
            text.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn both_languages_have_the_same_places_for_values_and_no_empty_text() {
        let access = access::EN.all().into_iter().zip(access::PT.all());
        let points = points::EN.all().into_iter().zip(points::PT.all());
        let all = en::EN.all().into_iter().zip(pt::PT.all()).chain(access).chain(points);
        for ((key, en), (_, pt)) in all {
            assert!(!en.trim().is_empty() && !pt.trim().is_empty(), "{key} is empty");
            assert_eq!(places(en), places(pt), "{key}");
        }
    }

    #[test]
    fn each_key_is_used_by_a_page() {
        let source = sources();
        let unused: Vec<&str> = en::EN
            .all()
            .into_iter()
            .chain(access::EN.all())
            .chain(points::EN.all())
            .map(|(key, _)| key)
            .filter(|key| !used(&source, key))
            .collect();
        assert!(unused.is_empty(), "texts that no page uses: {unused:?}");
    }

    /// A key counts as used as `.key` followed by what can't belong to a longer name.
    fn used(source: &str, key: &str) -> bool {
        source.match_indices(&format!(".{key}")).any(|(at, found)| {
            let after = source[at + found.len()..].chars().next();
            after.is_none_or(|next| !next.is_alphanumeric() && next != '_')
        })
    }

    #[test]
    fn no_page_has_a_text_of_its_own() {
        for (file, text) in files().into_iter().filter(|(file, _)| !file.contains("/text/")) {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
                for literal in line.split('"').skip(1).step_by(2) {
                    assert!(!is_prose(literal), "{file}: {literal:?} belongs into app/src/text");
                }
            }
        }
    }

    /// A capital letter followed by a small one, and a space: a sentence or a heading of two words.
    fn is_prose(literal: &str) -> bool {
        const NAMES: &[&str] = &[
            "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
            "Not acceptable as it is",
            "Not found",
        ];
        let mut letters = literal.chars();
        let begins = letters.next().is_some_and(char::is_uppercase)
            && letters.next().is_some_and(char::is_lowercase);
        begins && literal.contains(' ') && !NAMES.contains(&literal)
    }

    fn sources() -> String {
        files().into_iter().map(|(_, text)| text).collect()
    }

    fn files() -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("the sources").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "rs") {
                    let text = std::fs::read_to_string(&path).expect("a source");
                    found.push((path.display().to_string(), text));
                }
            }
        }
        found
    }

    #[test]
    fn the_language_is_the_chosen_one_else_what_the_browser_prefers() {
        assert_eq!(Lang::choose(Some("pt-BR"), "en"), Lang::Pt);
        assert_eq!(Lang::choose(None, "fr, pt;q=0.8, en;q=0.3"), Lang::Pt);
        assert_eq!(Lang::choose(None, "en-GB,pt"), Lang::En);
        assert_eq!(Lang::choose(Some("xx"), ""), Lang::En);
    }

    #[test]
    fn values_go_where_their_name_stands() {
        assert_eq!(fill("{n} of {m}", &[("n", "1"), ("m", "2")]), "1 of 2");
        assert_eq!(fill("a { b", &[]), "a { b");
    }
}
