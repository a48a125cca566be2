//! What Compute accepts as a name, a label and a tag.

use std::collections::BTreeMap;

use super::error::ApiError;

const NAME_PATTERN: &str = "(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)";

/// Whether a text is a valid resource name: a lower-case letter, then letters, digits and inner
/// hyphens, at most 63 characters.
pub(super) fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    bytes.len() <= 63
        && first.is_ascii_lowercase()
        && *last != b'-'
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

/// Refuses a name that is not one.
pub(super) fn name(field: &str, text: &str) -> Result<(), ApiError> {
    if is_name(text) {
        return Ok(());
    }
    Err(ApiError::field(field, text, &format!("Must be a match of regex '{NAME_PATTERN}'")))
}

fn label_text(text: &str) -> bool {
    text.chars().count() <= 63
        && text.chars().all(|c| {
            c == '-' || c == '_' || c.is_numeric() || (c.is_alphabetic() && !c.is_uppercase())
        })
}

/// Refuses a set of labels that holds a bad key or value, or more than 64 of them.
pub(super) fn labels(labels: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if labels.len() > 64 {
        return Err(ApiError::field(
            "resource.labels",
            "",
            "A resource can have at most 64 labels.",
        ));
    }
    for (key, value) in labels {
        let starts_right = key.chars().next().is_some_and(|c| c.is_alphabetic());
        if !starts_right || !label_text(key) {
            return Err(ApiError::field(
                "resource.labels",
                "",
                &format!(
                    "Label key '{key}' violates format constraints. The key must start with a \
                     lowercase character, can only contain lowercase letters, numeric characters, \
                     underscores and dashes, and can be at most 63 characters long."
                ),
            ));
        }
        if !label_text(value) {
            return Err(ApiError::field(
                "resource.labels",
                "",
                &format!(
                    "Label value '{value}' violates format constraints. The value can only contain \
                     lowercase letters, numeric characters, underscores and dashes, and can be at \
                     most 63 characters long."
                ),
            ));
        }
    }
    Ok(())
}

/// Refuses network tags that are not names.
pub(super) fn tags(tags: &[String]) -> Result<(), ApiError> {
    for (at, tag) in tags.iter().enumerate() {
        name(&format!("resource.tags.items[{at}]"), tag)?;
    }
    Ok(())
}

/// Refuses metadata with a bad or repeated key, or more than 512 KB in all.
pub(super) fn metadata<'a>(
    items: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), ApiError> {
    let mut seen = std::collections::BTreeSet::new();
    let mut size = 0_usize;
    for (key, value) in items {
        let valid = !key.is_empty()
            && key.len() <= 128
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !valid {
            return Err(ApiError::field(
                "resource.metadata.items.key",
                key,
                "Must be a match of regex '[a-zA-Z0-9-_]{1,128}'",
            ));
        }
        if !seen.insert(key) {
            return Err(ApiError::field("resource.metadata", key, "Metadata has duplicate keys."));
        }
        size += key.len() + value.len();
    }
    if size > 512 * 1024 {
        return Err(ApiError::field(
            "resource.metadata",
            "",
            "The total size of all keys and values is greater than 512 KB.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_pattern() {
        let long = "a".repeat(63);
        for good in ["a", "vm-1", "a--b", long.as_str()] {
            assert!(is_name(good), "{good}");
        }
        let too_long = "a".repeat(64);
        for bad in ["", "1a", "A", "a-", "a_b", "-a", "a.b", "é", too_long.as_str()] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn labels_may_be_empty_but_not_upper_case() {
        let set = |k: &str, v: &str| BTreeMap::from([(k.to_owned(), v.to_owned())]);
        assert!(labels(&set("managed-by", "dumont_1")).is_ok());
        assert!(labels(&set("empty", "")).is_ok());
        assert_eq!(labels(&set("Managed", "x")).map_err(|e| e.code()), Err(400));
        assert_eq!(labels(&set("1a", "x")).map_err(|e| e.code()), Err(400));
        assert_eq!(labels(&set("a", "UP")).map_err(|e| e.code()), Err(400));
        assert_eq!(labels(&set("a", "a.b")).map_err(|e| e.code()), Err(400));
        assert_eq!(labels(&set("a", &"x".repeat(64))).map_err(|e| e.code()), Err(400));
    }

    #[test]
    fn metadata_keys_are_unique() {
        assert!(metadata([("ssh-keys", "u:k"), ("startup-script", "x")].into_iter()).is_ok());
        assert!(metadata([("a", "1"), ("a", "2")].into_iter()).is_err());
        assert!(metadata([("a b", "1")].into_iter()).is_err());
    }
}
