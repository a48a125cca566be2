//! A script that runs on a host, and what comes of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::SshError;
use super::script::BEGIN;

/// Chunks of output that wait for their reader.
const WAITING: usize = 64;
/// A reader that takes nothing for so long would hold up the whole connection; its process is closed.
const STALL: Duration = Duration::from_secs(60);
/// The end of what a process wrote to its error output, bytes.
const STDERR_TAIL: usize = 64 * 1024;
/// Longest line or record, bytes: two of the longest paths and figures. Of a longer one the beginning is
/// given, and the rest is dropped as it comes.
const RECORD: usize = 16 * 1024;

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exit {
    /// Its exit status; none when a signal ended it.
    pub status: Option<i64>,
    /// The signal that ended it, without `SIG`.
    pub signal: Option<String>,
}

impl Exit {
    /// Whether it ended with status 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status == Some(0)
    }
}

/// A running script. Dropping it closes its channel, at which the host ends it or its output.
///
/// Its output shares the connection with everything else that runs there: read it steadily, or run it
/// on a connection of its own ([`super::Shell::again`]).
#[derive(Debug)]
pub struct RemoteProcess {
    chunks: mpsc::Receiver<Bytes>,
    buffer: BytesMut,
    searched: usize,
    skipping: bool,
    cut: bool,
    begun: bool,
    input: Option<mpsc::Sender<Bytes>>,
    errors: Arc<Mutex<VecDeque<u8>>>,
    exit: oneshot::Receiver<Result<Exit, SshError>>,
    _stop: DropGuard,
}

impl RemoteProcess {
    /// `session` is held until the channel is closed.
    pub(super) fn start(channel: Channel<Msg>, session: OwnedSemaphorePermit) -> Self {
        let (read, write) = channel.split();
        let (output, chunks) = mpsc::channel(WAITING);
        let (input, fed) = mpsc::channel(WAITING);
        let (ended, exit) = oneshot::channel();
        let errors = Arc::new(Mutex::new(VecDeque::new()));
        let stop = CancellationToken::new();
        let pump = Pump { read, write: Arc::new(write), output, errors: Arc::clone(&errors) };
        let run = pump.run(fed, ended, stop.clone());
        tokio::spawn(async move {
            run.await;
            drop(session);
        });
        Self {
            chunks,
            buffer: BytesMut::new(),
            searched: 0,
            skipping: false,
            cut: false,
            begun: false,
            input: Some(input),
            errors,
            exit,
            _stop: stop.drop_guard(),
        }
    }

    /// What runs somewhere else than on a host: its output as it comes, its input, and how it ends. The
    /// token is cancelled when nobody wants it any more.
    #[must_use]
    pub fn of(
        chunks: mpsc::Receiver<Bytes>,
        input: mpsc::Sender<Bytes>,
        exit: oneshot::Receiver<Result<Exit, SshError>>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            chunks,
            buffer: BytesMut::new(),
            searched: 0,
            skipping: false,
            cut: false,
            begun: true,
            input: Some(input),
            errors: Arc::default(),
            exit,
            _stop: stop.drop_guard(),
        }
    }

    /// The next line without its end, shown as text as well as it can be; none after the last. Safe
    /// to drop while waiting.
    pub async fn line(&mut self) -> Option<String> {
        Some(String::from_utf8_lossy(&self.record(b'\n').await?).into_owned())
    }

    /// The next bytes up to `end`, without it; none after the last. Of a record that is longer than
    /// 16 KiB only the beginning, and [`Self::was_cut`] says so. Safe to drop while waiting.
    pub async fn record(&mut self, end: u8) -> Option<Bytes> {
        loop {
            if self.begun {
                let found = self.buffer.iter().skip(self.searched).position(|byte| *byte == end);
                if let Some(at) = found {
                    let at = at + self.searched;
                    let mut record = self.buffer.split_to(at + 1);
                    self.searched = 0;
                    if std::mem::take(&mut self.skipping) {
                        continue;
                    }
                    self.cut = at > RECORD;
                    record.truncate(at.min(RECORD));
                    return Some(Bytes::copy_from_slice(&record));
                }
                if self.skipping {
                    self.buffer.clear();
                }
                self.searched = self.buffer.len();
                if self.searched > RECORD {
                    self.searched = 0;
                    self.skipping = true;
                    self.cut = true;
                    let record = Bytes::copy_from_slice(self.buffer.get(..RECORD)?);
                    self.buffer.clear();
                    return Some(record);
                }
            }
            let Some(chunk) = self.chunks.recv().await else { return self.rest() };
            self.take(&chunk);
        }
    }

    /// What comes next, as it comes; none after the last. For who cuts it up by other means than lines.
    /// Safe to drop while waiting.
    pub async fn chunk(&mut self) -> Option<Bytes> {
        loop {
            if self.begun && !self.buffer.is_empty() {
                self.searched = 0;
                return Some(self.buffer.split().freeze());
            }
            let chunk = self.chunks.recv().await?;
            self.take(&chunk);
        }
    }

    /// Whether the last line or record was longer than what was given of it.
    #[must_use]
    pub const fn was_cut(&self) -> bool {
        self.cut
    }

    /// All that comes until its end, at most `limit` bytes; whether there was more.
    pub(super) async fn collect(&mut self, limit: usize) -> (Vec<u8>, bool) {
        let mut all = Vec::new();
        let mut truncated = false;
        loop {
            if self.begun {
                let take = self.buffer.len().min(limit.saturating_sub(all.len()));
                truncated |= take < self.buffer.len();
                all.extend_from_slice(&self.buffer.split_to(take));
                self.buffer.clear();
            }
            let Some(chunk) = self.chunks.recv().await else { return (all, truncated) };
            self.take(&chunk);
        }
    }

    fn rest(&mut self) -> Option<Bytes> {
        self.searched = 0;
        if self.skipping {
            return None;
        }
        self.cut = false;
        (self.begun && !self.buffer.is_empty()).then(|| self.buffer.split().freeze())
    }

    /// Keeps what came after the mark; what a login shell printed before it is dropped.
    fn take(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
        if self.begun {
            return;
        }
        if let Some(at) = self.buffer.windows(BEGIN.len()).position(|window| window == BEGIN) {
            let _ = self.buffer.split_to(at + BEGIN.len());
            self.begun = true;
        } else if self.buffer.len() > BEGIN.len() {
            let _ = self.buffer.split_to(self.buffer.len() - BEGIN.len());
        }
    }

    /// Gives bytes to its input.
    ///
    /// # Errors
    /// [`SshError::Closed`] when it takes none any more.
    pub async fn send(&mut self, bytes: impl Into<Bytes>) -> Result<(), SshError> {
        let Some(input) = &self.input else { return Err(SshError::Closed) };
        input.send(bytes.into()).await.map_err(|_| SshError::Closed)
    }

    /// Ends its input.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// The end of what it wrote to its error output so far.
    #[must_use]
    pub fn errors(&self) -> String {
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = errors.iter().copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    /// Waits for its end. What it still prints is dropped.
    ///
    /// # Errors
    /// [`SshError::TimedOut`] after `deadline`, [`SshError::Closed`] when the connection ended first,
    /// [`SshError::Protocol`] when the host refused to run it.
    pub async fn finish(mut self, deadline: Duration) -> Result<Exit, SshError> {
        let ended = async {
            while self.chunks.recv().await.is_some() {}
            self.ended().await
        };
        tokio::time::timeout(deadline, ended)
            .await
            .unwrap_or(Err(SshError::TimedOut("the end of a command")))
    }

    pub(super) async fn ended(&mut self) -> Result<Exit, SshError> {
        (&mut self.exit).await.unwrap_or(Err(SshError::Closed))
    }
}

/// Moves what comes over the channel to whom it concerns.
struct Pump {
    read: ChannelReadHalf,
    write: Arc<ChannelWriteHalf<Msg>>,
    output: mpsc::Sender<Bytes>,
    errors: Arc<Mutex<VecDeque<u8>>>,
}

impl Pump {
    async fn run(
        mut self,
        fed: mpsc::Receiver<Bytes>,
        ended: oneshot::Sender<Result<Exit, SshError>>,
        stop: CancellationToken,
    ) {
        let feeder = tokio::spawn(feed(fed, Arc::clone(&self.write)));
        let result = tokio::select! {
            () = stop.cancelled() => Err(SshError::Closed),
            result = self.receive() => result,
        };
        feeder.abort();
        let _ = ended.send(result);
        // Best effort: where the connection is gone there is nothing left to close.
        let _ = tokio::time::timeout(Duration::from_secs(5), self.write.close()).await;
    }

    async fn receive(&mut self) -> Result<Exit, SshError> {
        let mut exit: Option<Exit> = None;
        while let Some(message) = self.read.wait().await {
            match message {
                ChannelMsg::Data { data } => {
                    match tokio::time::timeout(STALL, self.output.send(data)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => return Err(SshError::Closed),
                        Err(_) => {
                            return Err(SshError::TimedOut("someone to read a command's output"));
                        }
                    }
                }
                ChannelMsg::ExtendedData { data, ext: 1 } => self.note(&data),
                ChannelMsg::ExitStatus { exit_status } => {
                    exit = Some(Exit { status: Some(exit_status.into()), signal: None });
                }
                ChannelMsg::ExitSignal { signal_name, .. } => {
                    exit = Some(Exit { status: None, signal: Some(signal(&signal_name)) });
                }
                ChannelMsg::Failure => {
                    return Err(SshError::Protocol("the host refused to run a command".into()));
                }
                ChannelMsg::Close => break,
                _ => {}
            }
        }
        exit.ok_or(SshError::Closed)
    }

    fn note(&self, data: &[u8]) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.extend(data);
        let surplus = errors.len().saturating_sub(STDERR_TAIL);
        errors.drain(..surplus);
    }
}

fn signal(name: &russh::Sig) -> String {
    match name {
        russh::Sig::Custom(name) => name.clone(),
        other => format!("{other:?}"),
    }
}

async fn feed(mut fed: mpsc::Receiver<Bytes>, write: Arc<ChannelWriteHalf<Msg>>) {
    while let Some(bytes) = fed.recv().await {
        if write.data_bytes(bytes).await.is_err() {
            return;
        }
    }
    let _ = write.eof().await;
}
