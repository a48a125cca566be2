//! A kept connection to one host.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::gpu::Endpoint;
use russh::client::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::connect::Client;
use super::{Dialer, Exit, HostKey, RemoteProcess, Script, SshError};

/// Most that is kept of a command's output, bytes.
const STDOUT: usize = 256 * 1024;
/// How long the host may take to open a channel.
const OPEN: Duration = Duration::from_secs(10);

/// Commands that run over one connection at once; the others wait. sshd has ten sessions for one
/// (MaxSessions) and refuses more; those that are just closing count there a little longer than here.
const SESSIONS: usize = 8;

/// What a command left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// How it ended.
    pub exit: Exit,
    /// What it printed, at most 256 KiB.
    pub stdout: Vec<u8>,
    /// Whether it printed more than that.
    pub truncated: bool,
    /// The end of what it wrote to its error output, at most 64 KiB.
    pub stderr: String,
}

impl Output {
    /// What it printed, as text as well as it can be.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }
}

/// A connection to a host, over which a few commands run at once. Clones share it; it closes with
/// the last of them and of the processes that run over it.
#[derive(Clone, Debug)]
pub struct Shell(Arc<dyn Line>);

/// What a shell goes over: an SSH connection, or whatever stands for one.
#[async_trait]
pub trait Line: Send + Sync + std::fmt::Debug {
    /// The key that the host showed: type and key in one line, without a comment.
    fn host_key(&self) -> &str;

    /// Where the host is.
    fn endpoint(&self) -> &Endpoint;

    /// Whether the connection has ended.
    fn is_closed(&self) -> bool;

    /// Waits until the connection has ended.
    async fn closed(&self);

    /// Another connection to the same host with the same pinned key.
    ///
    /// # Errors
    /// As [`Dialer::connect`].
    async fn again(&self, deadline: Duration) -> Result<Shell, SshError>;

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// [`SshError::TimedOut`] after `deadline`; [`SshError::Closed`].
    async fn ping(&self, deadline: Duration) -> Result<(), SshError>;

    /// Starts a script.
    ///
    /// # Errors
    /// [`SshError`] when it can't be started.
    async fn start(&self, script: &Script) -> Result<RemoteProcess, SshError>;
}

struct Connection {
    handle: Handle<Client>,
    sessions: Arc<Semaphore>,
    host_key: String,
    over: CancellationToken,
    dialer: Dialer,
    endpoint: Endpoint,
    user: String,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("endpoint", &self.endpoint)
            .field("open", &!self.is_closed())
            .finish()
    }
}

#[async_trait]
impl Line for Connection {
    fn host_key(&self) -> &str {
        &self.host_key
    }

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn is_closed(&self) -> bool {
        self.over.is_cancelled() || self.handle.is_closed()
    }

    async fn closed(&self) {
        self.over.cancelled().await;
    }

    async fn again(&self, deadline: Duration) -> Result<Shell, SshError> {
        let pinned = HostKey::Pinned(self.host_key.clone());
        self.dialer.connect(&self.endpoint, &self.user, pinned, deadline).await
    }

    async fn ping(&self, deadline: Duration) -> Result<(), SshError> {
        let asked = self.handle.send_global_request("keepalive@openssh.com", &[], true);
        match tokio::time::timeout(deadline, asked).await {
            // Servers refuse a request of this name; to refuse is to answer.
            Ok(Ok(_) | Err(russh::Error::RequestDenied)) => Ok(()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(SshError::TimedOut("a sign of life")),
        }
    }

    async fn start(&self, script: &Script) -> Result<RemoteProcess, SshError> {
        let command = script.command()?;
        let session = Arc::clone(&self.sessions).acquire_owned().await;
        let session = session.map_err(|_| SshError::Closed)?;
        let channel = self.handle.channel_open_session().await?;
        channel.exec(true, command).await?;
        Ok(RemoteProcess::start(channel, session))
    }
}

impl Shell {
    pub(super) fn new(
        handle: Handle<Client>,
        host_key: String,
        over: CancellationToken,
        dialer: Dialer,
        endpoint: Endpoint,
        user: String,
    ) -> Self {
        let sessions = Arc::new(Semaphore::new(SESSIONS));
        Self(Arc::new(Connection { handle, sessions, host_key, over, dialer, endpoint, user }))
    }

    /// A shell over this line.
    #[must_use]
    pub fn over(line: Arc<dyn Line>) -> Self {
        Self(line)
    }

    /// The key that the host showed: type and key in one line, without a comment.
    #[must_use]
    pub fn host_key(&self) -> &str {
        self.0.host_key()
    }

    /// Where the host is.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        self.0.endpoint()
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Waits until the connection has ended.
    pub async fn closed(&self) {
        self.0.closed().await;
    }

    /// Another connection to the same host with the same pinned key, for a flow of data that must not
    /// hold up what runs over this one.
    ///
    /// # Errors
    /// As [`Dialer::connect`].
    pub async fn again(&self, deadline: Duration) -> Result<Self, SshError> {
        self.0.again(deadline).await
    }

    /// Asks the host's SSH server for a sign of life: a request that it must answer, and that
    /// touches nothing.
    ///
    /// # Errors
    /// [`SshError::TimedOut`] after `deadline`; [`SshError::Closed`].
    pub async fn ping(&self, deadline: Duration) -> Result<(), SshError> {
        self.0.ping(deadline).await
    }

    /// Runs a script to its end. With `stdin` that is its whole input; without, its input stays open
    /// and silent for as long as someone here waits, so that the script can tell.
    ///
    /// # Errors
    /// [`SshError::TimedOut`] after `deadline`, and the script's channel is closed;
    /// [`SshError::Closed`] when the connection ended first; [`SshError::Protocol`]. A script that
    /// ends badly is no error here.
    pub async fn run(
        &self,
        script: &Script,
        stdin: Option<Bytes>,
        deadline: Duration,
    ) -> Result<Output, SshError> {
        let run = async {
            let mut process = self.0.start(script).await?;
            if let Some(bytes) = stdin {
                // A script that does not read its input to the end is fine.
                let _ = process.send(bytes).await;
                process.end_input();
            }
            let (stdout, truncated) = process.collect(STDOUT).await;
            let exit = process.ended().await?;
            Ok(Output { exit, stdout, truncated, stderr: process.errors() })
        };
        tokio::time::timeout(deadline, run).await.unwrap_or(Err(SshError::TimedOut("a command")))
    }

    /// Starts a script and gives its output as it comes. Its input stays open.
    ///
    /// # Errors
    /// [`SshError`] when it can't be started.
    pub async fn stream(&self, script: &Script) -> Result<RemoteProcess, SshError> {
        tokio::time::timeout(OPEN, self.0.start(script))
            .await
            .unwrap_or(Err(SshError::TimedOut("a channel")))
    }
}
