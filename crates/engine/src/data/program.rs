//! The program that is put on hosts.

use std::sync::Arc;
use std::time::Duration;

use agent::hash::Hash;
use bytes::Bytes;
use domain::id::Epoch;
use providers::ssh::Shell;

use super::DataError;
use super::wire::{Talk, script};
use crate::ports::time;

const WHAT: &str = "putting dumont-agent on the host";
/// Longest silence of a host that looks for it, or is given it.
const SILENCE: Duration = Duration::from_secs(60);
/// All of it, over a slow line.
const WHOLE: Duration = Duration::from_secs(300);
/// So much is sent at once.
const PART: usize = 32 * 1024;

/// `dumont-agent`, as this program brings it along. Cheap to clone.
#[derive(Clone)]
pub struct Program(Arc<Inner>);

struct Inner {
    bytes: Bytes,
    hash: String,
    silence: Duration,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Program({}, {} bytes)", self.0.hash, self.0.bytes.len())
    }
}

impl Program {
    /// From all of its bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let hash = Hash::of(&bytes).to_hex();
        Self(Arc::new(Inner { bytes, hash, silence: SILENCE }))
    }

    /// With another patience for a host that says nothing.
    #[must_use]
    pub fn patient(self, silence: Duration) -> Self {
        let Inner { bytes, hash, .. } = &*self.0;
        Self(Arc::new(Inner { bytes: bytes.clone(), hash: hash.clone(), silence }))
    }

    /// Sees that a host has it, and says where. It is known there by its content: another version has
    /// another name, and what did not arrive whole is never run.
    ///
    /// # Errors
    /// [`DataError::Unfit`] where the host says that it can't run it; [`DataError::Silent`] where it says
    /// nothing, which is no verdict.
    pub async fn put(&self, host: &Shell) -> Result<String, DataError> {
        self.put_first(host, "").await
    }

    /// The same, looking in a folder of the caller's first.
    ///
    /// # Errors
    /// As [`Program::put`].
    pub async fn put_first(&self, host: &Shell, folder: &str) -> Result<String, DataError> {
        let put = async {
            let script = script!("agent").arg(&self.0.hash).arg(folder);
            let mut talk = Talk::start(host, &script, WHAT, self.0.silence).await?;
            if talk.until("need=", &mut |_| {}).await? {
                for at in (0..self.0.bytes.len()).step_by(PART) {
                    let end = self.0.bytes.len().min(at + PART);
                    talk.give(self.0.bytes.slice(at..end)).await?;
                }
                talk.end_input();
                return talk.end(Epoch(0), &mut |_| {}).await;
            }
            talk.judged(Epoch(0))
        };
        let put = time::timeout(WHOLE, put).await;
        let answer = put.unwrap_or(Err(DataError::Silent(WHAT)))?;
        answer.some("program").ok_or_else(|| DataError::failed(WHAT, "it does not say where it is"))
    }
}
