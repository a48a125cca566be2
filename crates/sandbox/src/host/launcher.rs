//! Starting and ending containers, on a thread of its own.
//!
//! A container is told to die with its parent, and the kernel takes the
//! *thread* that started it for the parent. So all are started on one thread
//! that lives exactly as long as the sandbox.
//!
//! That alone leaves a gap: bubblewrap asks for it only after its start, and
//! again after each of its forks, and a parent that is gone by then is never
//! noticed. So there are two more ties. Whoever starts a container holds its
//! standard input, and the program inside ends when that does. And no
//! container is forgotten: one that nobody holds any more is ended, and a stop
//! first refuses new ones and then waits until the last is gone.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::HostError;
use super::container::Plot;
use super::files::Folder;
use super::ground::Ground;
use super::image::Image;
use super::one::Host;
use super::table::{Table, send};
use super::wrap::Wrapped;

/// How long a killed tree may take to be gone.
const END_DEADLINE: Duration = Duration::from_secs(10);
/// How long a container may take to have an init that can be killed.
const INIT_DEADLINE: Duration = Duration::from_secs(5);
/// How long one command beside a host may take.
const RUN_DEADLINE: Duration = Duration::from_secs(20);
/// Characters of its output that are given out.
const RUN_MOST: usize = 256 * 1024;
const END_POLL: Duration = Duration::from_millis(20);

/// What starts containers.
#[derive(Debug)]
pub(crate) struct Launcher {
    runtime: Handle,
    ground: Ground,
    program: PathBuf,
    started: Arc<Started>,
}

/// All that was started and has not ended.
#[derive(Debug, Default)]
struct Started {
    /// Nothing is started any more; held while something is.
    closed: Mutex<bool>,
    /// Ends everything.
    ending: CancellationToken,
    running: TaskTracker,
}

impl Started {
    /// Refuses what comes, ends what is there and waits until it is gone.
    async fn close(&self) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ending.cancel();
        self.running.close();
        self.running.wait().await;
    }

    /// Starts a process unless a stop has begun, and sees to its end.
    fn start(&self, command: &mut Command) -> std::io::Result<Container> {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return Err(std::io::Error::other("the sandbox is stopping"));
        }
        let child = command.spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0);
        let end = self.ending.child_token();
        let (said, ended) = watch::channel(false);
        self.running.spawn(see_to_the_end(child, pid, end.clone(), said));
        Ok(Container { pid, ended, end })
    }
}

/// A container that was started. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Container {
    pid: i32,
    ended: watch::Receiver<bool>,
    end: CancellationToken,
}

impl Drop for Container {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Launcher {
    /// Starts the thread; it ends, and every container with it, on the token.
    pub(crate) fn start(program: PathBuf, token: CancellationToken) -> Result<Self, HostError> {
        let ground = Ground::probe()?;
        let failed = |source| HostError::Io { what: "starting the host thread".into(), source };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let started = Arc::new(Started::default());
        let last = Arc::clone(&started);
        std::thread::Builder::new()
            .name("hosts".into())
            .spawn(move || {
                runtime.block_on(async move {
                    token.cancelled().await;
                    last.close().await;
                });
            })
            .map_err(failed)?;
        Ok(Self { runtime: handle, ground, program, started })
    }

    /// Ends every container, for good: nothing is started afterwards.
    pub(crate) async fn close(&self) {
        self.started.close().await;
    }

    /// What works on this machine.
    pub(crate) fn ground(&self) -> &Ground {
        &self.ground
    }

    fn plot<'a>(&'a self, folder: &'a Folder, image: &'a Image, own_disk: bool) -> Plot<'a> {
        Plot { ground: &self.ground, folder, image, own_disk }
    }

    /// Starts a host's container; it is up when its socket answers.
    pub(crate) async fn launch(
        &self,
        id: &str,
        folder: &Folder,
        image: &Image,
        own_disk: bool,
    ) -> Result<Container, HostError> {
        let wrapped = self.plot(folder, image, own_disk).host(id, &self.program);
        let failed = |source| HostError::Io { what: format!("starting host {id}"), source };
        let console = folder.open_console().map_err(failed)?;
        let errors = console.try_clone().map_err(failed)?;
        let started = Arc::clone(&self.started);
        // What is not taken, because nobody waits for it any more, is dropped, and so ended.
        let start = async move {
            let mut command = Command::from(std::process::Command::from(wrapped));
            command.stdin(Stdio::piped()).stdout(console).stderr(errors);
            started.start(&mut command)
        };
        let gone = |error: tokio::task::JoinError| failed(std::io::Error::other(error));
        self.runtime.spawn(start).await.map_err(gone)?.map_err(failed)
    }

    /// A program with a host's files before it, and nothing else of the host.
    pub(super) fn beside(&self, host: &Host, words: Vec<String>) -> Wrapped {
        self.plot(host.folder(), host.image(), host.own_disk()).beside(words)
    }

    /// Runs one program with a host's files before it, and gives what it printed.
    pub(crate) async fn run(&self, host: &Host, words: Vec<String>) -> Result<String, HostError> {
        let failed = |source| HostError::Io { what: "running a command".into(), source };
        let mut command = Command::from(std::process::Command::from(self.beside(host, words)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        let output = timeout(RUN_DEADLINE, command.output());
        let output = output.await.map_err(|late| failed(late.into()))?.map_err(failed)?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        let most = text.char_indices().nth(RUN_MOST).map_or(text.len(), |(at, _)| at);
        text.truncate(most);
        Ok(text)
    }
}

/// Waits until a container ends, or ends it when told to.
async fn see_to_the_end(
    mut child: Child,
    pid: i32,
    end: CancellationToken,
    said: watch::Sender<bool>,
) {
    let lifeline = child.stdin.take();
    tokio::select! {
        _ = child.wait() => {}
        () = end.cancelled() => {
            drop(lifeline);
            end_tree(&mut child, pid).await;
        }
    }
    let _ = said.send(true);
}

/// Kills a whole tree at once and waits until it is gone. The first process
/// inside is its init: when that dies, the kernel kills the rest. One that was
/// started just now may have none yet.
async fn end_tree(child: &mut Child, pid: i32) {
    let began = Instant::now();
    loop {
        let inits = Table::read().children(pid);
        for init in &inits {
            send(*init, Signal::SIGKILL);
        }
        // It may have been frozen, and has to take note of its child's death.
        send(pid, Signal::SIGCONT);
        if inits.is_empty() && began.elapsed() > INIT_DEADLINE {
            send(pid, Signal::SIGKILL);
        }
        if timeout(END_POLL, child.wait()).await.is_ok() {
            return;
        }
        if began.elapsed() > END_DEADLINE {
            tracing::warn!(pid, "a container is slow to end");
            send(pid, Signal::SIGKILL);
        }
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

    /// Its files as its own processes see them.
    pub(crate) fn files(&self) -> Option<PathBuf> {
        let init = Table::read().children(self.pid).first().copied()?;
        Some(format!("/proc/{init}/root").into())
    }

    /// Every process of it.
    pub(crate) fn processes(&self, table: &Table) -> Vec<i32> {
        table.below(self.pid)
    }

    /// Kills the whole tree at once and waits until it is gone.
    pub(crate) async fn kill(&mut self) {
        self.end.cancel();
        // Without a sender the thread is gone, and everything with it.
        let _ = self.ended.wait_for(|ended| *ended).await;
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
