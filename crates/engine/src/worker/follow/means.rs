//! By which means a copy follows: by `dumont-agent`, or by rsync and why.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::association::{DataPath, WhyRsync};
use providers::ssh::SshError;

use super::{AGAIN, Course};
use crate::data::{self, Agents, DataError};
use crate::ports::time;

/// So long the program is tried to be put on both hosts before the copy follows without.
const PATIENCE: Duration = Duration::from_secs(300);
/// Then it is tried again, between two syncs.
const LATER: Duration = Duration::from_secs(1_800);
/// Longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(30);

impl Course {
    /// Puts `dumont-agent` on both sides, where this installation follows by it and they can run it; else
    /// it is recorded why not.
    ///
    /// Only a host's own word is a verdict. One that is silent or slow is asked again for a while; then the
    /// copy follows by rsync, so that it follows at all, and it is tried again later.
    pub(super) async fn agents(&mut self) -> Option<Agents> {
        if let Some(why) = self.settled() {
            self.by(DataPath::Rsync, Some(why)).await;
            return None;
        }
        let began = time::now();
        let mut pause = AGAIN;
        loop {
            match self.put().await {
                Ok(Ok(agents)) => {
                    self.by(DataPath::Agent, None).await;
                    return Some(agents);
                }
                Ok(Err(why)) => {
                    tracing::warn!(association = %self.id, %why, "followed by rsync");
                    self.by(DataPath::Rsync, Some(why)).await;
                    return None;
                }
                Err(error) => self.problem(&words(&error)).await,
            }
            if (time::now() - began) >= PATIENCE {
                self.again = Some(time::now() + LATER);
                self.by(DataPath::Rsync, Some(WhyRsync::NotPut)).await;
                return None;
            }
            time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }

    /// Why it is rsync, where that needs no look at the hosts.
    fn settled(&self) -> Option<WhyRsync> {
        if !self.context.config.follow_by_agent {
            return Some(WhyRsync::Off);
        }
        if self.context.config.agent.is_none() {
            return Some(WhyRsync::NoProgram);
        }
        if self.crossing.load(Ordering::Relaxed) {
            return Some(WhyRsync::Mounts);
        }
        // A standby that can't keep points is not asked again before it is another one.
        self.status.why_rsync.filter(|why| *why == WhyRsync::Standby)
    }

    /// Puts it on both hosts: where it is there, or why it can't be had.
    async fn put(&self) -> Result<Result<Agents, WhyRsync>, DataError> {
        let Some(program) = &self.context.config.agent else { return Ok(Err(WhyRsync::NoProgram)) };
        let closed = || DataError::from(SshError::Closed);
        let gpu = self.machine.gpu_shell().ok_or_else(closed)?;
        let standby = self.machine.standby_shell().ok_or_else(closed)?;
        if !data::mounts_below(&gpu, &self.of.workspace).await?.is_empty() {
            return Ok(Err(WhyRsync::Mounts));
        }
        let gpu = match program.put(&gpu).await {
            Err(DataError::Unfit(word)) => {
                tracing::warn!(association = %self.id, word, "the GPU can't run dumont-agent");
                return Ok(Err(WhyRsync::Gpu));
            }
            put => put?,
        };
        let standby = match program.put(&standby).await {
            Err(DataError::Unfit(word)) => {
                tracing::warn!(association = %self.id, word, "the standby can't run dumont-agent");
                return Ok(Err(WhyRsync::Standby));
            }
            put => put?,
        };
        Ok(Ok(Agents { gpu, standby }))
    }
}

fn words(error: &DataError) -> String {
    match error {
        DataError::Silent(_) => format!(
            "{error}: the host is slow, or its login shell never runs what it is told to (then look at its start-up files)"
        ),
        _ => error.to_string(),
    }
}
