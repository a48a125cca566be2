//! The machine's process table, read once and asked many times.

use std::collections::HashMap;
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// One process.
#[derive(Debug, Clone, Copy)]
struct Entry {
    parent: i32,
    state: u8,
    rss_pages: u64,
}

/// All processes at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table(HashMap<i32, Entry>);

impl Table {
    /// Reads `/proc`.
    pub(crate) fn read() -> Self {
        let Ok(entries) = fs::read_dir("/proc") else { return Self::default() };
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let stat = |pid: i32| parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?);
        Self(pids.filter_map(|pid| Some((pid, stat(pid)?))).collect())
    }

    /// The processes directly under `pid`.
    pub(crate) fn children(&self, pid: i32) -> Vec<i32> {
        self.0.iter().filter(|(_, entry)| entry.parent == pid).map(|(child, _)| *child).collect()
    }

    /// All processes under `root`, without it, parents before children.
    pub(crate) fn below(&self, root: i32) -> Vec<i32> {
        let mut found = self.children(root);
        let mut next = 0;
        while let Some(&pid) = found.get(next) {
            found.extend(self.children(pid));
            next += 1;
        }
        found
    }

    /// Whether it is there and not stopped, and not already dead.
    pub(crate) fn runs(&self, pid: i32) -> bool {
        self.0.get(&pid).is_some_and(|entry| !b"TtZX".contains(&entry.state))
    }

    /// Resident memory, bytes.
    pub(crate) fn rss_bytes(&self, pid: i32) -> u64 {
        self.0.get(&pid).map_or(0, |entry| entry.rss_pages * 4096)
    }
}

/// The fields after the command's name, which may itself contain anything.
fn parse(stat: &str) -> Option<Entry> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?.parse().ok()?;
    let rss_pages = fields.nth(19)?.parse().ok()?;
    Some(Entry { parent, state, rss_pages })
}

/// Sends a signal; a process that is gone already is fine.
pub(crate) fn send(pid: i32, signal: Signal) {
    if pid > 1 {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let line = "42 (a) b (c) S 7 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 5000 321 0";
        let entry = parse(line).unwrap();
        assert_eq!((entry.parent, entry.state, entry.rss_pages), (7, b'S', 321));
    }

    #[test]
    fn this_process_is_below_its_parent() {
        let table = Table::read();
        let me = std::process::id().cast_signed();
        let parent = std::os::unix::process::parent_id().cast_signed();
        assert!(table.below(parent).contains(&me));
        assert!(table.runs(me));
        assert!(table.rss_bytes(me) > 100_000);
    }
}
