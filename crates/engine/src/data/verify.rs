//! The proof that a new GPU's workspace is what the standby holds: both sides list and hash at the same
//! time, each over a connection of its own, and the two flows are compared as they come.

use std::cmp::Ordering;
use std::time::Duration;

use bytes::Bytes;
use domain::failover::VerifyOutput;
use providers::ssh::{RemoteProcess, Shell};

use super::DataError;
use super::prove::{Findings, order};
use super::wire::script;

const WHAT: &str = "comparing";
const CONNECT: Duration = Duration::from_secs(15);
/// While it hashes, a side gives a sign of life every 5 s.
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
    let (mut source, mut target) = tokio::try_join!(
        Side::start(standby, "the standby", source),
        Side::start(gpu, "the GPU", workspace)
    )?;
    let mut found = Findings::default();
    merge(&mut source, &mut target, b"=contents", |a, b| found.entry(a, b)).await?;
    merge(&mut source, &mut target, b"=end", |a, b| found.content(a, b)).await?;
    Ok(found.output())
}

/// Goes through both lists up to `end`, giving each path once.
async fn merge(
    source: &mut Side,
    target: &mut Side,
    end: &[u8],
    mut meet: impl FnMut(Option<&[u8]>, Option<&[u8]>),
) -> Result<(), DataError> {
    let (mut a, mut b) = tokio::try_join!(source.next(end), target.next(end))?;
    loop {
        match (&a, &b) {
            (None, None) => return Ok(()),
            (Some(left), Some(right)) => match order(left, right) {
                Ordering::Less => {
                    meet(Some(left), None);
                    a = source.next(end).await?;
                }
                Ordering::Greater => {
                    meet(None, Some(right));
                    b = target.next(end).await?;
                }
                Ordering::Equal => {
                    meet(Some(left), Some(right));
                    (a, b) = tokio::try_join!(source.next(end), target.next(end))?;
                }
            },
            (Some(left), None) => {
                meet(Some(left), None);
                a = source.next(end).await?;
            }
            (None, Some(right)) => {
                meet(None, Some(right));
                b = target.next(end).await?;
            }
        }
    }
}

/// One side's flow of records.
struct Side {
    name: &'static str,
    process: RemoteProcess,
    // Keeps the connection of its own.
    _shell: Shell,
}

impl Side {
    async fn start(shell: &Shell, name: &'static str, folder: &str) -> Result<Self, DataError> {
        let shell = shell.again(CONNECT).await?;
        let process = shell.stream(&script!("digest").arg(folder)).await?;
        Ok(Self { name, process, _shell: shell })
    }

    /// The next record of this part of the list; none at its end.
    async fn next(&mut self, end: &[u8]) -> Result<Option<Bytes>, DataError> {
        loop {
            let record = tokio::time::timeout(SILENCE, self.process.record(0))
                .await
                .map_err(|_| DataError::Silent(WHAT))?;
            match record {
                Some(record) if record.as_ref() == b"." => {}
                Some(record) if record.as_ref() == end => return Ok(None),
                Some(record) => return Ok(Some(record)),
                None => {
                    let errors = self.process.errors();
                    let last = errors.lines().last().unwrap_or("without a word");
                    return Err(DataError::failed(
                        WHAT,
                        format!("{} could not list its folder: {last}", self.name),
                    ));
                }
            }
        }
    }
}
