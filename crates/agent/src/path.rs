//! A path inside a workspace: any bytes that the kernel takes, and no way out.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most bytes of one name in it, as in Linux.
pub const NAME_MAX: usize = 255;
/// Most bytes of a whole path. A tree can be deeper than what one call takes, since it is walked by its
/// folders; this bounds what a host can make us hold.
pub const PATH_MAX: usize = 1 << 16;

/// A path from the workspace's root: names joined by `/`, none empty, `.` or `..`, no NUL. The root
/// itself is the empty path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct RelPath(Vec<u8>);

/// Why bytes are no [`RelPath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPath {
    /// Longer than [`PATH_MAX`], or a name longer than [`NAME_MAX`].
    #[error("the path is too long")]
    TooLong,
    /// It begins with `/`, or has an empty name, `.`, `..` or a NUL in it.
    #[error("the path could lead out of the workspace")]
    Escapes,
}

impl RelPath {
    /// The workspace itself.
    #[must_use]
    pub fn root() -> Self {
        Self(Vec::new())
    }

    /// Checks `bytes`.
    ///
    /// # Errors
    /// [`NotAPath`].
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, NotAPath> {
        let bytes = bytes.into();
        if bytes.len() > PATH_MAX {
            return Err(NotAPath::TooLong);
        }
        if bytes.is_empty() {
            return Ok(Self(bytes));
        }
        for name in bytes.split(|byte| *byte == b'/') {
            check_name(name)?;
        }
        Ok(Self(bytes))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is the workspace itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Its names from the root on.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/').filter(|name| !name.is_empty())
    }

    /// The last name; nothing for the root.
    #[must_use]
    pub fn name(&self) -> Option<&[u8]> {
        self.names().last()
    }

    /// The folder that it is in; nothing for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = self.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        Some(Self(self.0.get(..end).unwrap_or_default().to_vec()))
    }

    /// `name` in this folder.
    ///
    /// # Errors
    /// [`NotAPath`] where that is no name.
    pub fn join(&self, name: &[u8]) -> Result<Self, NotAPath> {
        check_name(name)?;
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.len());
        bytes.extend_from_slice(&self.0);
        if !bytes.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name);
        if bytes.len() > PATH_MAX { Err(NotAPath::TooLong) } else { Ok(Self(bytes)) }
    }

    /// Whether it is `folder` or lies inside of it.
    #[must_use]
    pub fn is_within(&self, folder: &Self) -> bool {
        folder.is_root()
            || self.0 == folder.0
            || (self.0.starts_with(&folder.0) && self.0.get(folder.0.len()) == Some(&b'/'))
    }
}

fn check_name(name: &[u8]) -> Result<(), NotAPath> {
    if name.len() > NAME_MAX {
        return Err(NotAPath::TooLong);
    }
    let escapes = name.is_empty()
        || name == b"."
        || name == b".."
        || name.iter().any(|byte| *byte == 0 || *byte == b'/');
    if escapes { Err(NotAPath::Escapes) } else { Ok(()) }
}

impl TryFrom<Vec<u8>> for RelPath {
    type Error = NotAPath;

    fn try_from(bytes: Vec<u8>) -> Result<Self, NotAPath> {
        Self::new(bytes)
    }
}

impl From<RelPath> for Vec<u8> {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_out_is_no_path() {
        for bad in ["/", "/etc", "a//b", "a/", "..", "a/../b", ".", "a/./b", "a\0b"] {
            assert_eq!(RelPath::new(bad), Err(NotAPath::Escapes), "{bad:?}");
        }
        assert_eq!(RelPath::new("a".repeat(256)), Err(NotAPath::TooLong));
        assert_eq!(RelPath::new("a/".repeat(PATH_MAX)), Err(NotAPath::TooLong));
    }

    #[test]
    fn any_other_bytes_are() {
        for good in [&b"a"[..], b"a b/\n", b"\xff\xfe/-rf", b"...", b"a/..b"] {
            assert!(RelPath::new(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn a_path_knows_its_folder() {
        let path = RelPath::new("a/b/c").unwrap();
        assert_eq!(path.parent(), Some(RelPath::new("a/b").unwrap()));
        assert_eq!(RelPath::new("a").unwrap().parent(), Some(RelPath::root()));
        assert_eq!(RelPath::root().parent(), None);
        assert!(path.is_within(&RelPath::new("a").unwrap()));
        assert!(!RelPath::new("ab").unwrap().is_within(&RelPath::new("a").unwrap()));
        assert_eq!(RelPath::root().join(b"x").unwrap().join(b"y").unwrap().as_bytes(), b"x/y");
        assert_eq!(path.join(b".."), Err(NotAPath::Escapes));
    }
}
