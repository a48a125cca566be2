//! One sync from the GPU to the standby's copy: tried first, judged, then applied.

use std::time::Duration;

use domain::gpu::Endpoint;
use domain::id::Epoch;
use providers::ssh::Shell;

use super::plan::{Counted, Tripwire, tripwire};
use super::wire::{Answer, Talk, checked, script, with_endpoint};
use super::{DataError, Progress};

const WHAT: &str = "sync";
/// Longest silence of a cycle. rsync itself gives up on a silent GPU after 12 s; scanning a large tree
/// on either side takes its time.
const SILENCE: Duration = Duration::from_secs(600);

/// What to sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleRequest {
    /// Absolute path of the workspace, on both sides.
    pub workspace: String,
    /// The GPU; must be the one that the standby trusts.
    pub endpoint: Endpoint,
    /// The epoch in whose name it is done.
    pub epoch: Epoch,
    /// A name of its own within the epoch: letters, digits, `-`.
    pub cycle: String,
    /// Share of the standby's files that it may delete, percent; 100 lifts the tripwire.
    pub max_delete_percent: i64,
    /// So many files may be deleted whatever their share: someone saw the number and said so.
    pub accepted_deletions: i64,
}

/// How a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CycleOutcome {
    /// All that was there when it began is on the standby.
    Ok,
    /// The tripwire stopped it; nothing was changed.
    Frozen {
        /// Files that it would have deleted.
        would_delete: i64,
        /// Files on the standby.
        of: i64,
    },
    /// The GPU has no such folder; nothing was changed.
    SourceMissing,
}

/// What a sync did. It says nothing of when it began: whoever asks takes the time first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleReport {
    /// How it ended.
    pub outcome: CycleOutcome,
    /// Files and links in the workspace.
    pub files_total: i64,
    /// Their bytes.
    pub bytes_total: i64,
    /// Files sent.
    pub files_sent: i64,
    /// Bytes of the files sent, in full.
    pub bytes_sent: i64,
    /// Files and links deleted on the standby.
    pub files_deleted: i64,
    /// Folder on the standby with what was replaced or deleted, if anything was.
    pub versions_path: Option<String>,
}

/// Syncs once.
///
/// # Errors
/// [`DataError::StaleEpoch`] and [`DataError::Untrusted`] when the standby no longer follows this GPU
/// in this epoch, [`DataError::Failed`] when the transfer did not complete. The next sync mends what
/// was left unfinished.
pub async fn cycle(standby: &Shell, request: &CycleRequest) -> Result<CycleReport, DataError> {
    cycle_with(standby, request, &mut |_| {}, &mut |_| {}).await
}

/// Syncs once, telling what is pending once that is known, and how far the transfer is.
///
/// # Errors
/// As [`cycle`].
pub async fn cycle_with(
    standby: &Shell,
    request: &CycleRequest,
    pending: &mut (dyn FnMut(Progress) + Send),
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<CycleReport, DataError> {
    let script = script!(standby "cycle")
        .arg(checked(&request.workspace)?)
        .arg(request.epoch.to_string())
        .arg(&request.cycle);
    let script = with_endpoint(script, &request.endpoint);
    let mut talk = Talk::start(standby, &script, WHAT, SILENCE).await?;
    if !talk.until("plan=ready", progress).await? {
        // It ended before it had a plan.
        return match talk.answer.text("outcome") {
            "source_missing" => Ok(report(CycleOutcome::SourceMissing, &Answer::default())),
            _ => Err(talk
                .end(request.epoch, progress)
                .await
                .err()
                .unwrap_or(DataError::failed(WHAT, "it has no plan"))),
        };
    }
    let plan = talk.answer.figures;
    pending(Progress { files: plan.sent.unwrap_or(0), bytes: plan.sent_bytes.unwrap_or(0) });
    if talk.answer.number("changes", WHAT)? > 0 {
        let counted = |key| talk.answer.number(key, WHAT).ok().filter(|count| *count >= 0);
        let counted = Counted {
            here: counted("here_files"),
            deletes: counted("deletes"),
            deletes_folders: counted("deletes_folders"),
            creates: counted("creates"),
        };
        match tripwire(&counted, request.max_delete_percent, request.accepted_deletions) {
            Tripwire::Trip { would_delete, of } => {
                return Ok(
                    report(CycleOutcome::Frozen { would_delete, of }, &talk.answer).nothing_done()
                );
            }
            Tripwire::Pass { most_deletions } => talk.say(format!("go {most_deletions}\n")).await?,
        }
    }
    let answer = match talk.end(request.epoch, progress).await {
        Ok(answer) => answer,
        Err(error) => return Err(error),
    };
    Ok(report(CycleOutcome::Ok, &answer))
}

fn report(outcome: CycleOutcome, answer: &Answer) -> CycleReport {
    let figures = &answer.figures;
    CycleReport {
        outcome,
        files_total: figures.files.unwrap_or(0),
        bytes_total: figures.bytes.unwrap_or(0),
        files_sent: figures.sent.unwrap_or(0),
        bytes_sent: figures.sent_bytes.unwrap_or(0),
        // An rsync of protocol 30 does not say.
        files_deleted: figures.deleted.or_else(|| answer.number("deletes", WHAT).ok()).unwrap_or(0),
        versions_path: answer.some("versions"),
    }
}

impl CycleReport {
    fn nothing_done(self) -> Self {
        Self { files_sent: 0, bytes_sent: 0, files_deleted: 0, ..self }
    }
}
