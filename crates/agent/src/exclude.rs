//! What the user does not want to be protected.

use crate::path::RelPath;

/// Begins the name of the folder that a [`crate::local_target::LocalTarget`] prepares files in; such a
/// folder in the root is no part of the workspace.
pub(crate) const OWN_FOLDER: &[u8] = b".dumont-agent-";

/// Patterns: one with a `/` is a path from the root, one without is a name anywhere. `*` stands for any
/// bytes of one name.
#[derive(Debug, Clone, Default)]
pub struct Exclude {
    paths: Vec<Vec<Vec<u8>>>,
    names: Vec<Vec<u8>>,
}

impl Exclude {
    /// From patterns; empty ones say nothing.
    pub fn new(patterns: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut exclude = Self::default();
        for pattern in patterns {
            let names: Vec<Vec<u8>> = pattern
                .split(|byte| *byte == b'/')
                .filter(|name| !name.is_empty())
                .map(<[u8]>::to_vec)
                .collect();
            let anchored = pattern.contains(&b'/');
            match (anchored, names.len()) {
                (_, 0) => {}
                (false, _) => exclude.names.extend(names),
                (true, _) => exclude.paths.push(names),
            }
        }
        exclude
    }

    /// Whether the entry at `path` is excluded by itself. What is in an excluded folder isn't reached.
    #[must_use]
    pub fn matches(&self, path: &RelPath) -> bool {
        let Some(name) = path.name() else { return false };
        if self.names.iter().any(|pattern| fits(pattern, name)) {
            return true;
        }
        self.paths.iter().any(|pattern| {
            let mut names = path.names();
            pattern.iter().all(|p| names.next().is_some_and(|name| fits(p, name)))
                && names.next().is_none()
        })
    }

    /// Whether the entry or a folder that it is in is excluded, or is the agent's own.
    #[must_use]
    pub fn hides(&self, path: &RelPath) -> bool {
        let mut at = Some(path.clone());
        while let Some(here) = at {
            if self.matches(&here) || is_own(&here) {
                return true;
            }
            at = here.parent();
        }
        false
    }
}

/// Whether this is a folder that the agent itself made.
pub(crate) fn is_own(path: &RelPath) -> bool {
    path.as_bytes().strip_prefix(OWN_FOLDER).is_some_and(|rest| {
        rest.len() == 16
            && rest.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
    })
}

/// Whether `name` is what `pattern` says, without a step back more than to the last `*`.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(n) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(wanted) if wanted == byte => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).unwrap()
    }

    #[test]
    fn names_count_anywhere_and_paths_from_the_root() {
        let exclude = Exclude::new([b"*.tmp".to_vec(), b"/runs/old*".to_vec(), b"a/b".to_vec()]);
        for yes in ["x.tmp", "d/x.tmp", "runs/old", "runs/old3", "a/b"] {
            assert!(exclude.matches(&path(yes)), "{yes}");
        }
        for no in ["x.tmpl", "runs", "runs/new", "d/runs/old", "a/b/c", "c/a/b"] {
            assert!(!exclude.matches(&path(no)), "{no}");
        }
        assert!(exclude.hides(&path("a/b/c/d")));
        assert!(exclude.hides(&path(".dumont-agent-0123456789abcdef/x")));
        assert!(!exclude.hides(&path("d/.dumont-agent-0123456789abcdef")));
    }

    #[test]
    fn stars_match_any_run() {
        for (pattern, name, yes) in [
            ("*", "anything", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b", "acb.", false),
            ("**x", "x", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), yes, "{pattern} {name}");
        }
    }
}
