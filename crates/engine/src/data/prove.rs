//! Comparing two sorted lists of what is in a folder, a record at a time: pure.
//!
//! A record is `path//rest`. A path has no `//` in it, and the lists are sorted by the bytes of whole
//! records, so that equal paths meet however odd they are. Of a large tree only a number per file is
//! kept, never its path.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use domain::failover::VerifyOutput;

/// Paths that are named; more are only counted.
const NAMED: usize = 1_000;
/// Bytes of the paths that are named.
const NAMED_BYTES: usize = 256 * 1024;
const END_OF_PATH: &[u8] = b"//";

/// The path of a record, and what it says of it.
fn split(record: &[u8]) -> (&[u8], &[u8]) {
    let at = record.windows(END_OF_PATH.len()).position(|window| window == END_OF_PATH);
    at.and_then(|at| Some((record.get(..at)?, record.get(at + END_OF_PATH.len()..)?)))
        .unwrap_or((record, &[]))
}

/// How two records lie to each other in their lists, by their paths alone.
pub(super) fn order(a: &[u8], b: &[u8]) -> Ordering {
    split(a).0.iter().chain(END_OF_PATH).cmp(split(b).0.iter().chain(END_OF_PATH))
}

/// What an entry is, from the rest of its record: `f//rights//size`, `l////target`, `d//rights`.
enum Kind {
    File { size: i64 },
    Folder,
    Other,
}

fn kind(rest: &[u8]) -> Kind {
    match rest.first() {
        Some(b'f') => {
            let size = rest
                .rsplit(|byte| *byte == b'/')
                .next()
                .and_then(|size| std::str::from_utf8(size).ok());
            Kind::File { size: size.and_then(|size| size.parse().ok()).unwrap_or(0) }
        }
        Some(b'd') => Kind::Folder,
        _ => Kind::Other,
    }
}

fn number(path: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

/// What a comparison has found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Files that are alike from outside and whose contents are to be compared, with their sizes.
    open: HashMap<u64, i64>,
    different: HashSet<u64>,
    named: Vec<String>,
    named_bytes: usize,
    verified: i64,
    bytes: i64,
}

impl Findings {
    /// An entry of the first list: the source's record, the target's, or both of the same path.
    pub(super) fn entry(&mut self, source: Option<&[u8]>, target: Option<&[u8]>) {
        let Some(record) = source.filter(|_| source == target) else {
            return self.differs(source.or(target));
        };
        let (path, rest) = split(record);
        match kind(rest) {
            Kind::File { size } => {
                self.open.insert(number(path), size);
            }
            Kind::Other => self.verified += 1,
            Kind::Folder => {}
        }
    }

    /// A content of the second list, given in the same way.
    pub(super) fn content(&mut self, source: Option<&[u8]>, target: Option<&[u8]>) {
        let Some(record) = source.or(target) else { return };
        let size = self.open.remove(&number(split(record).0));
        match size {
            Some(size) if source == target => {
                self.verified += 1;
                self.bytes += size;
            }
            _ => self.differs(Some(record)),
        }
    }

    fn differs(&mut self, record: Option<&[u8]>) {
        let Some((path, _)) = record.map(split) else { return };
        let new = self.different.insert(number(path));
        let bytes = self.named_bytes.saturating_add(path.len());
        if new && self.named.len() < NAMED && bytes <= NAMED_BYTES {
            self.named_bytes = bytes;
            self.named.push(String::from_utf8_lossy(path).into_owned());
        }
    }

    /// The result. A file whose content neither side could tell is not proven.
    pub(super) fn output(self) -> VerifyOutput {
        let unproven = self.different.len() + self.open.len();
        VerifyOutput {
            verified: self.verified,
            bytes: self.bytes,
            mismatched: self.named,
            mismatched_count: i64::try_from(unproven).unwrap_or(i64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_alike_is_proven_and_what_is_not_is_named_once() {
        let mut found = Findings::default();
        let same = |record: &'static [u8]| (Some(record), Some(record));
        for (a, b) in [
            same(b"d//d//755"),
            same(b"d/a//f//644//10"),
            same(b"d/b//f//644//20"),
            same(b"link//l////../x//y"),
            (Some(&b"mode//f//644//5"[..]), Some(&b"mode//f//600//5"[..])),
            (Some(b"gone//f//644//7"), None),
            (None, Some(b"extra//f//644//7")),
        ] {
            found.entry(a, b);
        }
        found.content(Some(b"d/a//1111"), Some(b"d/a//1111"));
        found.content(Some(b"d/b//1111"), Some(b"d/b//2222"));
        found.content(Some(b"mode//1111"), Some(b"mode//3333"));
        found.content(Some(b"gone//1111"), None);
        let output = found.output();
        assert_eq!((output.verified, output.bytes), (2, 10));
        assert_eq!(output.mismatched, ["mode", "gone", "extra", "d/b"]);
        assert_eq!(output.mismatched_count, 4);
    }

    #[test]
    fn long_names_are_counted_and_not_kept() {
        let mut found = Findings::default();
        for number in 0..500 {
            found.entry(None, Some(format!("{number:0>4000}//f//644//1").as_bytes()));
        }
        let output = found.output();
        assert_eq!(output.mismatched_count, 500);
        assert!(output.mismatched.iter().map(String::len).sum::<usize>() <= NAMED_BYTES);
    }

    #[test]
    fn a_content_that_nobody_told_is_not_proven() {
        let mut found = Findings::default();
        found.entry(Some(b"a//f//644//1"), Some(b"a//f//644//1"));
        assert_eq!(found.output().mismatched_count, 1);
    }

    proptest! {
        /// The order of paths is the order in which `sort` puts whole records.
        #[test]
        fn records_are_ordered_by_path_as_by_bytes(a in "[ -0a/\n]{1,6}", b in "[ -0a/\n]{1,6}") {
            let clean = |text: &str| text.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
            let (a, b) = (clean(&a), clean(&b));
            prop_assume!(!a.is_empty() && !b.is_empty() && a != b);
            let (left, right) = (format!("{a}//f//644//9"), format!("{b}//d//1"));
            prop_assert_eq!(order(left.as_bytes(), right.as_bytes()), left.as_bytes().cmp(right.as_bytes()));
        }
    }
}
