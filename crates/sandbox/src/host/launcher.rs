//! Starting and ending containers, on a thread of its own.
//!
//! A container is told to die with its parent, and the kernel takes the
//! *thread* that started it for the parent. So all are started on one thread
//! that lives exactly as long as the sandbox.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::process::Command;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::HostError;
use super::container::{self, Isolation};
use super::files::Folder;
use super::table::{Table, send};

/// How long a killed tree may take to be gone.
const END_DEADLINE: Duration = Duration::from_secs(10);

/// What starts containers.
#[derive(Debug)]
pub(crate) struct Launcher {
    runtime: Handle,
    isolation: Isolation,
    program: PathBuf,
}

/// A container that was started. Dropping it does not end it.
#[derive(Debug)]
pub(crate) struct Container {
    pid: i32,
    ended: watch::Receiver<bool>,
}

impl Launcher {
    /// Starts the thread; it ends, and every container with it, on the token.
    pub(crate) fn start(program: PathBuf, token: CancellationToken) -> Result<Self, HostError> {
        let isolation = container::probe()?;
        let failed = |source| HostError::Io { what: "starting the host thread".into(), source };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        std::thread::Builder::new()
            .name("hosts".into())
            .spawn(move || runtime.block_on(token.cancelled()))
            .map_err(failed)?;
        Ok(Self { runtime: handle, isolation, program })
    }

    /// Starts a host's container; it is up when its socket answers.
    pub(crate) async fn launch(&self, id: &str, folder: &Folder) -> Result<Container, HostError> {
        let args = container::arguments(self.isolation, id, folder, &self.program);
        let failed = |source| HostError::Io { what: format!("starting host {id}"), source };
        let console = folder.open_console().map_err(failed)?;
        let errors = console.try_clone().map_err(failed)?;
        let (said, ended) = watch::channel(false);
        let start = async move {
            let mut command = Command::new("bwrap");
            command.args(args).stdin(Stdio::null()).stdout(console).stderr(errors);
            let mut child = command.spawn()?;
            let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0);
            tokio::spawn(async move {
                let _ = child.wait().await;
                let _ = said.send(true);
            });
            Ok(pid)
        };
        let gone = |error: tokio::task::JoinError| failed(std::io::Error::other(error));
        let pid = self.runtime.spawn(start).await.map_err(gone)?.map_err(failed)?;
        Ok(Container { pid, ended })
    }
}

impl Container {
    /// Whether every process of it is gone.
    pub(crate) fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// Tells when every process of it is gone.
    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.ended.clone()
    }

    /// Every process of it.
    pub(crate) fn processes(&self, table: &Table) -> Vec<i32> {
        table.below(self.pid)
    }

    /// Kills the whole tree at once and waits until it is gone. The first
    /// process inside is its init: when that dies, the kernel kills the rest.
    pub(crate) async fn kill(&mut self) {
        if self.has_ended() {
            return;
        }
        let inits = Table::read().children(self.pid);
        if inits.is_empty() {
            send(self.pid, Signal::SIGKILL);
        }
        for init in inits {
            send(init, Signal::SIGKILL);
        }
        let ended = self.ended.wait_for(|ended| *ended);
        if tokio::time::timeout(END_DEADLINE, ended).await.is_err() {
            tracing::warn!(pid = self.pid, "a container is slow to end");
            send(self.pid, Signal::SIGKILL);
        }
    }

    /// Stops every process where it is. New ones may appear between reading
    /// the table and stopping their parent, hence the rounds.
    pub(crate) fn freeze(&self) {
        for _ in 0..50 {
            let table = Table::read();
            let running: Vec<i32> =
                self.processes(&table).into_iter().filter(|pid| table.runs(*pid)).collect();
            if running.is_empty() {
                return;
            }
            for pid in running {
                send(pid, Signal::SIGSTOP);
            }
        }
    }

    /// Lets every process go on.
    pub(crate) fn thaw(&self) {
        for pid in self.processes(&Table::read()) {
            send(pid, Signal::SIGCONT);
        }
    }
}
