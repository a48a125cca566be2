//! How soon an attacker who tries likely passwords first would come upon one.
//!
//! A password is read as a row of parts that are tried early: common words and names (also with
//! capitals, or digits in the place of letters), words about its owner, rows of keys and letters,
//! years, and what repeats. Each costs as many tries as there are likelier ones of its kind, and a
//! character of none of them ten, a small letter five: those mostly make words that are not in our list.
//! The cheapest way to read the whole is what counts.
//!
//! It errs towards refusing: a random character is worth more than that. Ten random small letters are
//! refused, a dozen of every kind never are.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Tries that a password has to be worth, as a power of ten: what somebody gets through in a day
/// against a login without limits, and against a stolen hash of ours in weeks.
const ENOUGH: f64 = 8.0;
/// Characters that are looked at: what is longer is no worse for it, and costs no more to read.
const READ: usize = 64;
/// A character that belongs to nothing likely, as a power of ten.
const UNKNOWN: f64 = 1.0;
/// A small letter that belongs to nothing likely.
const LETTER: f64 = 0.7;
/// What a capital at an end, or letters written as digits, make dearer.
const DISGUISE: f64 = 0.3;
/// A year of this age.
const YEAR: f64 = 2.1;
/// Where a row of keys or letters begins, and which way it runs.
const ROW: f64 = 1.2;

/// Commonest first. By the project, from what leaked lists agree on; part of what people choose.
const WORDS: &str = include_str!("guess/words.txt");

/// Neighbours on a keyboard.
const KEYS: [&str; 7] = [
    "1234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjklç",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
];

static RANKS: LazyLock<HashMap<&str, usize>> = LazyLock::new(|| {
    let mut ranks = HashMap::new();
    for (rank, word) in WORDS.split_whitespace().enumerate() {
        ranks.entry(word).or_insert(rank + 1);
    }
    ranks
});

/// Whether a password would be among the first to be tried. `about` is what is known of its owner.
#[must_use]
pub fn is_guessable(password: &str, about: &[&str]) -> bool {
    let about: Vec<String> = about.iter().flat_map(|text| parts(text)).collect();
    tries(password, &about) < ENOUGH
}

/// A name, and what it is made of.
fn parts(text: &str) -> Vec<String> {
    let whole = text.to_lowercase();
    let pieces = whole.split(|c: char| !c.is_alphanumeric());
    let mut all: Vec<String> =
        pieces.filter(|part| part.chars().count() > 2).map(str::to_owned).collect();
    all.push(whole);
    all
}

/// The power of ten of the tries that come before this password.
fn tries(password: &str, about: &[String]) -> f64 {
    let all: Vec<char> = password.chars().take(READ).collect();
    let length = all.len();
    // costs[from][to]: the cheapest reading of what is between; later beginnings first, so that what
    // repeats finds its first part read.
    let mut costs = vec![vec![0.0_f64; length + 1]; length + 1];
    for from in (0..length).rev() {
        for to in from + 1..=length {
            let part = all.get(from..to).unwrap_or_default();
            let mut best = of_one(part, about).min(of_repeats(part, &costs, from));
            for middle in from + 1..to {
                best = best.min(at(&costs, from, middle) + at(&costs, middle, to));
            }
            if let Some(cost) = costs.get_mut(from).and_then(|row| row.get_mut(to)) {
                *cost = best;
            }
        }
    }
    at(&costs, 0, length)
}

fn at(costs: &[Vec<f64>], from: usize, to: usize) -> f64 {
    costs.get(from).and_then(|row| row.get(to)).copied().unwrap_or(f64::MAX)
}

/// The cost of a part as one thing.
fn of_one(part: &[char], about: &[String]) -> f64 {
    if let [one] = part {
        return if one.is_ascii_lowercase() { LETTER } else { UNKNOWN };
    }
    let mut best = f64::MAX;
    let small: String = part.iter().flat_map(|c| c.to_lowercase()).collect();
    let capitals = if part.iter().any(|c| c.is_uppercase()) { DISGUISE } else { 0.0 };
    for (word, disguise) in [(small.clone(), 0.0), (letters(&small), DISGUISE)] {
        if let Some(cost) = of_word(&word, about) {
            best = best.min(cost + capitals + disguise);
        }
        let backwards: String = word.chars().rev().collect();
        if part.len() > 3
            && let Some(cost) = of_word(&backwards, about)
        {
            best = best.min(cost + capitals + disguise + DISGUISE);
        }
    }
    if part.len() > 2 && is_row(&small) {
        best = best.min(ROW + log10(part.len()));
    }
    if part.len() > 5 && is_two_rows(&small) {
        best = best.min(ROW + ROW + log10(part.len()));
    }
    if part.len() == 4 && (small.starts_with("19") || small.starts_with("20")) && is_number(part) {
        best = best.min(YEAR);
    }
    best
}

fn of_word(word: &str, about: &[String]) -> Option<f64> {
    if about.iter().any(|known| known == word) {
        return Some(0.0);
    }
    RANKS.get(word).map(|rank| log10(*rank))
}

/// What is the same again and again costs as much as once, and how often.
fn of_repeats(part: &[char], costs: &[Vec<f64>], from: usize) -> f64 {
    let length = part.len();
    let mut best = f64::MAX;
    for period in 1..=length / 2 {
        let same = part.iter().zip(part.iter().skip(period)).all(|(one, other)| one == other);
        if same && length > 2 {
            best = best.min(at(costs, from, from + period) + log10(length.div_ceil(period)));
        }
    }
    best
}

/// Letters or digits in their order, or neighbours on a keyboard, either way round.
fn is_row(text: &str) -> bool {
    let all: Vec<u32> = text.chars().map(u32::from).collect();
    let steps = |by: i64| {
        let pairs = all.iter().zip(all.iter().skip(1));
        pairs.into_iter().all(|(a, b)| i64::from(*b) - i64::from(*a) == by)
    };
    let backwards: String = text.chars().rev().collect();
    [1, 0, -1].into_iter().any(steps)
        || KEYS.iter().any(|row| row.contains(text) || row.contains(&backwards))
}

/// Two such rows, a character of each in turn.
fn is_two_rows(text: &str) -> bool {
    let every_other = |skip| text.chars().skip(skip).step_by(2).collect::<String>();
    is_row(&every_other(0)) && is_row(&every_other(1))
}

fn is_number(part: &[char]) -> bool {
    part.iter().all(char::is_ascii_digit)
}

/// With the letters that digits and signs stand for.
fn letters(text: &str) -> String {
    let plain = |c| match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        other => other,
    };
    text.chars().map(plain).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of characters and words are small")]
fn log10(count: usize) -> f64 {
    (count.max(1) as f64).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: [&str; 3] = ["ana.lee@mill-works.example", "ana-lee", "dumont"];

    #[test]
    fn what_is_tried_first_is_guessable() {
        for bad in [
            "1234567890",
            "0987654321",
            "12345678910",
            "1q2w3e4r5t",
            "1qaz2wsx3edc",
            "1a2s3d4f5g6h",
            "1122334455",
            "1029384756",
            "strawberry",
            "undertaker1",
            "qwertyuiop",
            "QWERTY123456",
            "asdfghjkl123",
            "abcdefghij",
            "aaaaaaaaaaaa",
            "abababababab",
            "abc123abc123",
            "password123",
            "Password2024!",
            "P@ssw0rd1234",
            "drowssap123",
            "iloveyou2020",
            "senha123456",
            "flamengo1981",
            "mill-works1",
            "ana.lee@mill-works.example",
            "Ana-Lee-2026",
            "dumontdumont",
            "Dumont2026!",
            "adminadmin1",
            "trustno1trustno1",
        ] {
            assert!(is_guessable(bad, &ABOUT), "{bad}: {}", tries(bad, &[]));
        }
    }

    #[test]
    fn what_is_not_tried_soon_is_taken() {
        for good in [
            "a long enough password",
            "another long enough password",
            "correct horse",
            "kv3Mx9qTz1",
            "8f4kq0zmw2",
            "tijolo torto na varanda",
            "ünïcödé nögrætz",
            "G7!kd.wq2#",
        ] {
            assert!(!is_guessable(good, &ABOUT), "{good}: {}", tries(good, &[]));
        }
    }

    #[test]
    fn names_of_the_owner_are_no_secret_and_those_of_others_are_worth_something() {
        assert!(is_guessable("zvonimirka12", &["zvonimirka@mill.example"]));
        assert!(!is_guessable("zvonimirka12", &["somebody@mill.example"]));
    }

    #[test]
    fn the_longest_password_costs_no_more_to_read_than_a_long_one() {
        // Only so much of it is looked at: what is tried in a login is bounded too.
        let (read, rest) = ("kv3Mx9qT".repeat(8), "z1".repeat(50_000));
        assert_eq!(read.len(), READ);
        let same = tries(&format!("{read}{rest}"), &[]);
        assert!((same - tries(&read, &[])).abs() < f64::EPSILON, "{same}");
        assert!(!is_guessable(&format!("kv3Mx9qTz1{}", "a".repeat(1_000)), &ABOUT));
        assert!(is_guessable("", &ABOUT));
    }
}
