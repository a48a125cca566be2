//! How far a transfer is.

/// What a transfer has moved so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Files.
    pub files: i64,
    /// Bytes.
    pub bytes: i64,
}

impl Progress {
    /// Reads rsync's running line: bytes, percent, rate, time, and in brackets the number of the
    /// transfer and how many are left to look at.
    pub(super) fn read(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let bytes = words.next()?.parse().ok()?;
        words.next()?.strip_suffix('%')?;
        let files = words
            .find_map(|word| word.strip_prefix("(xfr#"))
            .and_then(|word| word.trim_end_matches(',').parse().ok());
        Some(Self { files: files.unwrap_or(0), bytes })
    }

    /// What is known of both: a line within a file says nothing of the files before it.
    pub(super) fn or_further(self, now: Self) -> Self {
        Self { files: self.files.max(now.files), bytes: self.bytes.max(now.bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_running_lines_are_progress() {
        let line = "      1048576  50%  100.00MB/s    0:00:00 (xfr#3, to-chk=7/12)";
        assert_eq!(Progress::read(line), Some(Progress { files: 3, bytes: 1_048_576 }));
        assert_eq!(
            Progress::read("  32768   0%    0.00kB/s    0:00:00  "),
            Some(Progress { files: 0, bytes: 32_768 })
        );
        let before = Progress { files: 3, bytes: 32_000 };
        let within = Progress { files: 0, bytes: 32_768 };
        assert_eq!(before.or_further(within), Progress { files: 3, bytes: 32_768 });
        assert_eq!(Progress::read("Number of files: 5"), None);
        assert_eq!(Progress::read(""), None);
        assert_eq!(Progress::read("outcome=ok"), None);
    }
}
