//! The keeper on a standby: `dumont-agent keep`, started there and told what to do.

mod back;
mod cycle;
mod work;

use std::time::Duration;

use agent::order::{Command, Done, Frames, Order, Refusal, Told, encoded};
use domain::id::Epoch;
use providers::ssh::{RemoteProcess, Script, Shell, quote};

use super::wire::{checked, words};
use super::{DataError, Progress};
use crate::ports::time;

pub use cycle::KeptCycle;
pub use work::{KeptPoint, Sent};

/// While it works on something it says so each second.
const SILENCE: Duration = Duration::from_secs(60);
const START: &str = "exec \"$1\" keep --state /var/lib/dumont --workspace \"$2\"";

/// A keeper that runs on a standby. Dropping it ends it there, whatever is under way: that is finished or
/// undone by the next one.
#[derive(Debug)]
pub struct Keeper {
    process: RemoteProcess,
    standby: Shell,
    frames: Frames,
}

impl Keeper {
    /// Starts it: `program` is where [`super::Program::put`] says that it is on the standby.
    ///
    /// # Errors
    /// When the standby can't be talked to.
    pub async fn start(standby: &Shell, program: &str, workspace: &str) -> Result<Self, DataError> {
        let script = Script::named("keep", START).arg(program).arg(checked(workspace)?);
        let process = standby.stream(&script).await?;
        Ok(Self { process, standby: standby.clone(), frames: Frames::default() })
    }

    /// Whether the connection that it is spoken to over has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.standby.is_closed()
    }

    /// Has something done; `heard` is told what comes before it is.
    async fn ask(
        &mut self,
        what: &'static str,
        order: &Order,
        heard: &mut (dyn FnMut(Told) + Send),
    ) -> Result<Done, DataError> {
        self.told(what, order, heard).await?.map_err(|refusal| refused(what, refusal))
    }

    async fn told(
        &mut self,
        what: &'static str,
        order: &Order,
        heard: &mut (dyn FnMut(Told) + Send),
    ) -> Result<Result<Done, Refusal>, DataError> {
        let broken =
            |error: agent::source::SourceError| DataError::failed(what, words(&error.to_string()));
        self.process.send(encoded(order).map_err(broken)?).await?;
        loop {
            while let Some(told) = self.frames.told().map_err(broken)? {
                match told {
                    Told::Done(done) => return Ok(Ok(*done)),
                    Told::Refused(refusal) => return Ok(Err(refusal)),
                    told => heard(told),
                }
            }
            let chunk = time::timeout(SILENCE, self.process.chunk())
                .await
                .map_err(|_| DataError::Silent(what))?;
            let Some(chunk) = chunk else {
                let errors = self.process.errors();
                let last = errors.lines().last().unwrap_or("without a word");
                return Err(DataError::failed(what, format!("it was cut off: {}", words(last))));
            };
            self.frames.take(&chunk);
        }
    }
}

fn refused(what: &'static str, refusal: Refusal) -> DataError {
    let epoch = |epoch: u64| Epoch(i64::try_from(epoch).unwrap_or(i64::MAX));
    match refusal {
        Refusal::StaleEpoch { asked, recorded } => {
            DataError::StaleEpoch { asked: epoch(asked), recorded: epoch(recorded) }
        }
        Refusal::Untrusted(word) => DataError::Untrusted(words(&word)),
        Refusal::Busy(word) => DataError::Busy(words(&word)),
        Refusal::Unfit(word) => DataError::Unfit(words(&word)),
        Refusal::NoPoint(point) => DataError::NoPoint(count(point)),
        Refusal::NoRoom { need, free } => DataError::failed(
            what,
            format!(
                "the standby's disk is too small: {need} bytes are to come and {free} may be written"
            ),
        ),
        other => DataError::failed(what, words(&other.to_string())),
    }
}

fn another(what: &'static str) -> DataError {
    DataError::failed(what, "it answers something else")
}

/// The epoch as it is told.
fn number(epoch: Epoch) -> u64 {
    u64::try_from(epoch.0).unwrap_or(0)
}

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn progress(amount: agent::order::Amount) -> Progress {
    Progress { files: count(amount.files), bytes: count(amount.bytes) }
}

/// How the standby reaches a GPU's serving side. `known` names what it was told of that GPU.
fn way(known: &str, program: &str, workspace: &str, write: bool) -> Command {
    let word = |word: &str| String::from_utf8_lossy(&quote(word.as_bytes())).into_owned();
    let remote = format!(
        "exec {} serve --root {}{}",
        word(program),
        word(workspace),
        if write { " --write" } else { "" }
    );
    ["ssh", "-F", &format!("/var/lib/dumont/{known}.conf"), "gpu", &remote]
        .map(str::to_owned)
        .into()
}
