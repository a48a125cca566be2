//! Why a copy is frozen, as it is recorded: in words that hold the figures that were judged.

use crate::association::{Association, AssociationState};

/// Deletions that were too many to be made unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Files that the standby would have deleted.
    pub would_delete: i64,
    /// Files on the standby.
    pub of: i64,
}

const BEFORE: &str = "the GPU's workspace lost ";
const AFTER: &str = " files at once; the standby keeps them until you say otherwise";

impl Loss {
    /// The words that are recorded.
    #[must_use]
    pub fn words(self) -> String {
        format!("{BEFORE}{} of {}{AFTER}", self.would_delete, self.of)
    }

    /// The figures of recorded words.
    #[must_use]
    pub fn read(words: &str) -> Option<Self> {
        let (would_delete, of) =
            words.strip_prefix(BEFORE)?.strip_suffix(AFTER)?.split_once(" of ")?;
        Some(Self { would_delete: would_delete.parse().ok()?, of: of.parse().ok()? })
    }
}

/// How many files a frozen machine's standby would have deleted; `None` where it is not frozen, or for
/// another reason.
#[must_use]
pub fn deletions(of: &Association) -> Option<i64> {
    if of.state != AssociationState::Frozen {
        return None;
    }
    Loss::read(of.reason.as_deref()?).map(|loss| loss.would_delete)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_is_read_again_and_nothing_else_is() {
        let loss = Loss { would_delete: 27, of: 30 };
        assert_eq!(Loss::read(&loss.words()), Some(loss));
        for other in ["", "27 of 30", "the workspace is not there on the GPU", BEFORE] {
            assert_eq!(Loss::read(other), None, "{other}");
        }
        let odd = loss.words().replace("27", "many");
        assert_eq!(Loss::read(&odd), None);
    }
}
