//! Who may log in: the keys that the provider put there and those that the
//! host's own user added. Both files are read at every login.

use std::path::Path;

use russh::keys::PublicKey;

/// Whether a line of one of the files holds this key.
pub(crate) fn allows(seat: &Path, key: &PublicKey) -> bool {
    let files = [seat.join("authorized_keys"), "/root/.ssh/authorized_keys".into()];
    files
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .any(|text| text.lines().any(|line| holds(line, key)))
}

/// A line is a key with or without options before it and a comment after it.
fn holds(line: &str, key: &PublicKey) -> bool {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return false;
    }
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    words.windows(2).any(|pair| {
        PublicKey::from_openssh(&pair.join(" "))
            .is_ok_and(|found| found.key_data() == key.key_data())
    })
}

#[cfg(test)]
mod tests {
    use russh::keys::{Algorithm, PrivateKey};

    use super::*;

    #[test]
    fn a_key_is_found_with_options_and_comment_and_no_other_is() {
        let key = |_| PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap();
        let (mine, other) = (key(0), key(1));
        let line = mine.public_key().to_openssh().unwrap();
        assert!(holds(&line, mine.public_key()));
        assert!(holds(&format!("  restrict,pty {line} me@home "), mine.public_key()));
        assert!(!holds(&format!("# {line}"), mine.public_key()));
        assert!(!holds(&line, other.public_key()));
        assert!(!holds("", mine.public_key()));
    }
}
