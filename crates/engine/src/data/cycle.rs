//! One sync from the GPU to the standby's copy: tried first, judged, then applied.

use std::time::Duration;

use domain::frozen::Deletions;
use domain::gpu::Endpoint;
use domain::id::Epoch;
use providers::ssh::Shell;

use super::keeper::KeptCycle;
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
    /// Digest of deletions that may be made whatever their share: someone saw these and said so. Then no
    /// others are made.
    pub accepted_deletions: Option<String>,
}

/// How a sync ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CycleOutcome {
    /// All that was there when it began is on the standby.
    Ok,
    /// The tripwire stopped it; nothing was changed.
    Frozen {
        /// Files that it would have deleted.
        would_delete: i64,
        /// Files on the standby.
        of: i64,
        /// What they are, where the standby could tell.
        deletions: Option<Deletions>,
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
    /// What only the keeper knows; none by rsync.
    pub kept: Option<Box<KeptCycle>>,
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
    let accepted = request.accepted_deletions.as_deref().filter(|digest| is_digest(digest));
    let script = with_endpoint(script, &request.endpoint).arg(accepted.unwrap_or_default());
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
        let digest = talk.answer.some("deletes_digest").filter(|digest| is_digest(digest));
        let beyond = talk.answer.number("deletes_beyond", WHAT).ok();
        let beyond = beyond.filter(|count| accepted.is_some() && *count >= 0);
        match tripwire(&counted, request.max_delete_percent, beyond) {
            Tripwire::Trip { would_delete, of } => {
                let told = report(CycleOutcome::SourceMissing, &talk.answer).nothing_done();
                let deletions = match digest {
                    Some(digest) => Some(list(talk, digest, &counted).await),
                    None => None,
                };
                let outcome = CycleOutcome::Frozen { would_delete, of, deletions };
                return Ok(CycleReport { outcome, ..told });
            }
            Tripwire::Pass { most_deletions, exactly } => {
                let exactly = if exactly { " exactly" } else { "" };
                talk.say(format!("go {most_deletions}{exactly}\n")).await?;
            }
        }
    }
    let answer = match talk.end(request.epoch, progress).await {
        Ok(answer) => answer,
        Err(error) => return Err(error),
    };
    Ok(report(CycleOutcome::Ok, &answer))
}

/// The deletions that a sync was stopped for, as far as the standby tells them by name. That it does not
/// changes nothing of what stopped it.
async fn list(mut talk: Talk, digest: String, counted: &Counted) -> Deletions {
    let told = async {
        talk.say("list\n".into()).await?;
        talk.until("outcome=", &mut |_| {}).await
    };
    if let Err(error) = told.await {
        tracing::warn!(%error, "deletions were stopped, and are not known by name");
    }
    Deletions {
        digest,
        files: counted.deletes.unwrap_or(0),
        folders: counted.deletes_folders.unwrap_or(0),
        bytes: talk.answer.number("held_bytes", WHAT).ok().filter(|bytes| *bytes >= 0),
        listed: talk.answer.held,
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
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
        kept: None,
    }
}

impl CycleReport {
    fn nothing_done(self) -> Self {
        Self { files_sent: 0, bytes_sent: 0, files_deleted: 0, ..self }
    }
}
