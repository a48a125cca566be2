//! Files that go from one host to another, by `tar` with each host's files before it.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::HostError;
use super::launcher::Launcher;
use super::one::Host;

/// How long a copy may take.
const DEADLINE: Duration = Duration::from_secs(600);
/// What is heard of why one failed, bytes.
const WORDS: u64 = 1_000;

/// With a slash at its end a folder's content goes, without one the entry itself.
const OUT: &str = r#"case "$1" in
  */) cd -- "$1" && exec tar -cf - . ;;
  *) cd -- "$(dirname -- "$1")" && exec tar -cf - -- "$(basename -- "$1")" ;;
esac"#;
const IN: &str = r#"mkdir -p -- "$1" && cd -- "$1" && exec tar -xpf -"#;

/// One end of a copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) host: &'a Host,
    pub(super) path: &'a str,
}

impl Launcher {
    /// Copies; see [`super::Hosts::copy`].
    pub(super) async fn copy(&self, from: Side<'_>, to: Side<'_>) -> Result<(), HostError> {
        let failed = |source| HostError::Io { what: "copying between hosts".into(), source };
        timeout(DEADLINE, self.carry(from, to))
            .await
            .map_err(|late| failed(late.into()))?
            .map_err(failed)
    }

    async fn carry(&self, from: Side<'_>, to: Side<'_>) -> std::io::Result<()> {
        let mut sender =
            self.side(from, OUT).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stream = sender.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
        let stream: Stdio = stream.try_into()?;
        let mut receiver = self.side(to, IN).stdin(stream).stdout(Stdio::null()).spawn()?;
        tokio::try_join!(end(&mut sender), end(&mut receiver)).map(drop)
    }

    fn side(&self, side: Side<'_>, script: &str) -> Command {
        let words = ["sh", "-c", script, "sh", side.path].map(str::to_owned).to_vec();
        let mut command = Command::from(std::process::Command::from(self.beside(side.host, words)));
        command.stderr(Stdio::piped()).kill_on_drop(true);
        command
    }
}

/// Waits for an end that is a success.
async fn end(child: &mut Child) -> std::io::Result<()> {
    let mut words = String::new();
    if let Some(errors) = child.stderr.take() {
        let mut bytes = Vec::new();
        let mut most = errors.take(WORDS);
        most.read_to_end(&mut bytes).await?;
        // What is more is let go, so that nobody waits to say it.
        tokio::io::copy(&mut most.into_inner(), &mut tokio::io::sink()).await?;
        words = String::from_utf8_lossy(&bytes).trim().to_owned();
    }
    let status = child.wait().await?;
    if status.success() { Ok(()) } else { Err(std::io::Error::other(format!("{status}: {words}"))) }
}
