//! What a client sends on a channel, on its way to a process or a socket.
//!
//! The SSH library gives a client its window back as soon as data has
//! arrived, and stands still, with every channel of the connection, while a
//! channel's queue is full. A process that waits for its output to be read
//! before it reads its input would then wait for ever. So an inlet takes
//! little while the reader makes progress, which slows the client down, and
//! up to a hard limit when the reader has stopped.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

/// Held in memory while the reader makes progress, bytes.
const SOFT: usize = 4 * 1024 * 1024;
/// Held in memory at most, bytes; beyond it the client's connection stands.
const HARD: usize = 64 * 1024 * 1024;
/// A reader that has taken nothing for this long has stopped.
const STALL: Duration = Duration::from_millis(50);

/// A queue in front of a writer.
pub(crate) struct Inlet<W> {
    to: Option<W>,
    queue: VecDeque<Bytes>,
    queued: usize,
    ending: bool,
    progress: Instant,
}

impl<W: AsyncWrite + Unpin> Inlet<W> {
    pub(crate) fn new(to: W) -> Self {
        Self {
            to: Some(to),
            queue: VecDeque::new(),
            queued: 0,
            ending: false,
            progress: Instant::now(),
        }
    }

    /// Takes a piece. What comes after the end, or for a writer that is gone,
    /// is dropped.
    pub(crate) fn push(&mut self, data: Bytes) {
        if self.to.is_some() && !self.ending && !data.is_empty() {
            if self.queue.is_empty() {
                self.progress = Instant::now();
            }
            self.queued += data.len();
            self.queue.push_back(data);
        }
    }

    /// Nothing follows: the writer is closed once the queue is empty.
    pub(crate) fn finish(&mut self) {
        self.ending = true;
        if self.queue.is_empty() {
            self.to = None;
        }
    }

    /// Whether the writer is closed, at the end or because it failed.
    pub(crate) fn is_done(&self) -> bool {
        self.to.is_none()
    }

    /// Ends once there is room for another piece.
    pub(crate) fn room(&self) -> impl Future<Output = ()> + use<W> {
        let (queued, stalled_at) = (self.queued, self.progress + STALL);
        async move {
            if queued >= HARD {
                std::future::pending::<()>().await;
            }
            if queued >= SOFT {
                tokio::time::sleep_until(stalled_at).await;
            }
        }
    }

    /// Writes all that is queued and closes the writer, for a client that has
    /// closed its channel.
    pub(crate) async fn drain(&mut self) {
        self.finish();
        while !self.is_done() {
            self.write_some().await;
        }
    }

    /// Writes one piece; waits for ever when there is none. Cancel safe.
    pub(crate) async fn write_some(&mut self) {
        let (Some(to), Some(piece)) = (self.to.as_mut(), self.queue.front_mut()) else {
            return std::future::pending().await;
        };
        match to.write(piece).await {
            Ok(written @ 1..) => {
                let _ = piece.split_to(written.min(piece.len()));
                self.queued = self.queued.saturating_sub(written);
                if piece.is_empty() {
                    self.queue.pop_front();
                }
                self.progress = Instant::now();
                if self.queue.is_empty() && self.ending {
                    self.to = None;
                }
            }
            _ => {
                self.to = None;
                self.queue.clear();
                self.queued = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stalled_reader_gets_a_longer_queue_and_a_moving_one_does_not() {
        let (near, mut far) = tokio::io::duplex(16);
        let mut inlet = Inlet::new(near);
        inlet.push(Bytes::from(vec![1; SOFT]));
        assert!(inlet.room().now_or_never().is_none());
        tokio::time::advance(STALL).await;
        assert!(inlet.room().now_or_never().is_some());
        inlet.write_some().await;
        assert!(inlet.room().now_or_never().is_some(), "below the soft limit again");
        inlet.push(Bytes::from(vec![1; 16]));
        assert!(inlet.room().now_or_never().is_none(), "it made progress");
        let mut taken = [0; 16];
        far.read_exact(&mut taken).await.unwrap();
        assert_eq!(taken, [1; 16]);
    }

    #[tokio::test]
    async fn the_end_comes_after_the_queue() {
        let (near, mut far) = tokio::io::duplex(1024);
        let mut inlet = Inlet::new(near);
        inlet.push(Bytes::from_static(b"last"));
        inlet.finish();
        inlet.push(Bytes::from_static(b"too late"));
        inlet.drain().await;
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"last");
    }
}
