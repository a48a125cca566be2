//! The proof that a new GPU's workspace is what the standby holds: both sides list and hash at the same
//! time, each over a connection of its own, and the two flows are compared as they come.

use std::cmp::Ordering as Order;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::failover::VerifyOutput;
use providers::ssh::{RemoteProcess, Shell};

use super::DataError;
use super::prove::{Findings, order};
use super::wire::{script, words};
use crate::ports::time;

const WHAT: &str = "comparing";
const CONNECT: Duration = Duration::from_secs(15);
/// Entries that only the GPU has, before the comparison is given up: a list without end proves nothing.
const SURPLUS: u64 = 1_000_000;
/// While it hashes, a side gives a sign of life every second.
const SILENCE: Duration = Duration::from_secs(60);

/// Compares every entry of the two folders: type, rights, size or link target, and the SHA-256 of each
/// file. What only the GPU has counts as different too. Memory grows with a number per file.
///
/// # Errors
/// [`DataError::Failed`] when a side could not list its folder to the end.
pub async fn verify(
    standby: &Shell,
    source: &str,
    gpu: &Shell,
    workspace: &str,
) -> Result<VerifyOutput, DataError> {
    verify_with(standby, source, gpu, workspace, &|_, _| {}).await
}

/// As [`verify`], telling how many files both sides have read, and of how many where that is known;
/// at the end, how many were found equal.
///
/// # Errors
/// As [`verify`].
pub async fn verify_with(
    standby: &Shell,
    source: &str,
    gpu: &Shell,
    workspace: &str,
    progress: &(dyn Fn(i64, Option<i64>) + Send + Sync),
) -> Result<VerifyOutput, DataError> {
    let read = Read { progress, standby: AtomicI64::new(0), gpu: AtomicI64::new(0) };
    let (mut source, mut target) = tokio::try_join!(
        Side::start(standby, "the standby", source, |beat| read.standby(beat)),
        Side::start(gpu, "the GPU", workspace, |beat| read.gpu(beat))
    )?;
    let mut found = Findings::default();
    merge(&mut source, &mut target, b"=contents", |a, b| found.entry(a, b)).await?;
    merge(&mut source, &mut target, b"=end", |a, b| found.content(a, b)).await?;
    let output = found.output();
    progress(output.verified, None);
    Ok(output)
}

/// How far each side has read. The slower one counts.
struct Read<'a> {
    progress: &'a (dyn Fn(i64, Option<i64>) + Send + Sync),
    standby: AtomicI64,
    gpu: AtomicI64,
}

impl Read<'_> {
    fn standby(&self, beat: Beat) {
        self.standby.store(beat.read, Ordering::Relaxed);
        self.tell(beat);
    }

    fn gpu(&self, beat: Beat) {
        self.gpu.store(beat.read, Ordering::Relaxed);
        self.tell(beat);
    }

    fn tell(&self, beat: Beat) {
        let both = self.standby.load(Ordering::Relaxed).min(self.gpu.load(Ordering::Relaxed));
        (self.progress)(both, Some(beat.of));
    }
}

/// A side's sign of life while it hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Beat {
    read: i64,
    of: i64,
}

impl Beat {
    /// Reads `.read/of`.
    fn of(record: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(record).ok()?.strip_prefix('.')?;
        let (read, of) = text.split_once('/')?;
        Some(Self { read: read.parse().ok()?, of: of.parse().ok()? })
    }
}

/// Goes through both lists up to `end`, giving each path once.
async fn merge<A: Fn(Beat), B: Fn(Beat)>(
    source: &mut Side<A>,
    target: &mut Side<B>,
    end: &[u8],
    mut meet: impl FnMut(Option<&[u8]>, Option<&[u8]>),
) -> Result<(), DataError> {
    let (mut a, mut b) = tokio::try_join!(source.next(end), target.next(end))?;
    let mut surplus = 0;
    loop {
        match (&a, &b) {
            (None, None) => return Ok(()),
            (Some(left), Some(right)) => match order(left, right) {
                Order::Less => {
                    meet(Some(left), None);
                    a = source.next(end).await?;
                }
                Order::Greater => {
                    surplus = one_more(surplus)?;
                    meet(None, Some(right));
                    b = target.next(end).await?;
                }
                Order::Equal => {
                    meet(Some(left), Some(right));
                    (a, b) = tokio::try_join!(source.next(end), target.next(end))?;
                }
            },
            (Some(left), None) => {
                meet(Some(left), None);
                a = source.next(end).await?;
            }
            (None, Some(right)) => {
                surplus = one_more(surplus)?;
                meet(None, Some(right));
                b = target.next(end).await?;
            }
        }
    }
}

fn one_more(surplus: u64) -> Result<u64, DataError> {
    if surplus >= SURPLUS {
        return Err(DataError::failed(WHAT, "the GPU lists far more than the standby has"));
    }
    Ok(surplus + 1)
}

/// One side's flow of records.
struct Side<T> {
    name: &'static str,
    process: RemoteProcess,
    beat: T,
    // Keeps the connection of its own.
    _shell: Shell,
}

impl<T: Fn(Beat)> Side<T> {
    async fn start(
        shell: &Shell,
        name: &'static str,
        folder: &str,
        beat: T,
    ) -> Result<Self, DataError> {
        let shell = shell.again(CONNECT).await?;
        let process = shell.stream(&script!("digest").arg(folder)).await?;
        Ok(Self { name, process, beat, _shell: shell })
    }

    /// The next record of this part of the list; none at its end.
    async fn next(&mut self, end: &[u8]) -> Result<Option<Bytes>, DataError> {
        loop {
            let record = time::timeout(SILENCE, self.process.record(0))
                .await
                .map_err(|_| DataError::Silent(WHAT))?;
            match record {
                Some(_) if self.process.was_cut() => {
                    let word = format!("{} names a path that is too long", self.name);
                    return Err(DataError::failed(WHAT, word));
                }
                Some(record) if record.as_ref() == b"." => {}
                Some(record) if record.as_ref() == end => return Ok(None),
                Some(record) => match Beat::of(&record) {
                    Some(beat) => (self.beat)(beat),
                    None => return Ok(Some(record)),
                },
                None => {
                    let errors = self.process.errors();
                    let last = errors.lines().last().unwrap_or("without a word");
                    return Err(DataError::failed(
                        WHAT,
                        format!("{} could not list its folder: {}", self.name, words(last)),
                    ));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_life_is_never_taken_for_a_path() {
        assert_eq!(Beat::of(b".12/340"), Some(Beat { read: 12, of: 340 }));
        for record in
            [&b"."[..], b".git//d//755", b".1//f//644//2", b"a/1", b".1/2/3//f//644//2", b"\xff"]
        {
            assert_eq!(Beat::of(record), None);
        }
    }
}
