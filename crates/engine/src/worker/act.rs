//! A piece of work of which at most one runs at a time, repeated with a pause after a failure.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::error::EngineError;
use crate::ports::task;
use crate::ports::time::{self, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// A slot for one piece of work. Its futures end at their next wait when the slot is stopped.
pub(crate) struct Chore {
    parent: CancellationToken,
    running: Option<(JoinHandle<Result<(), EngineError>>, CancellationToken)>,
    pause: Duration,
    not_before: Option<Instant>,
}

impl Chore {
    pub(crate) fn new(parent: &CancellationToken) -> Self {
        Self { parent: parent.clone(), running: None, pause: FIRST_PAUSE, not_before: None }
    }

    /// Starts the work unless it runs, or failed too short a while ago.
    pub(crate) fn run(
        &mut self,
        work: impl Future<Output = Result<(), EngineError>> + Send + 'static,
    ) {
        self.collect();
        if self.running.is_some() || self.not_before.is_some_and(|at| time::now() < at) {
            return;
        }
        let token = self.parent.child_token();
        let stop = token.clone();
        let task = task::spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => Ok(()),
                ended = work => ended,
            }
        });
        self.running = Some((task, token));
    }

    /// Whether it works now.
    pub(crate) fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|(task, _)| !task.is_finished())
    }

    /// Ends the work and waits until it has ended.
    pub(crate) async fn stop(&mut self) {
        if let Some((task, token)) = self.running.take() {
            token.cancel();
            if let Err(error) = task.await {
                tracing::error!(%error, "work ended badly");
            }
        }
    }

    fn collect(&mut self) {
        let Some((task, _)) = self.running.as_ref() else { return };
        if !task.is_finished() {
            return;
        }
        let Some((task, _)) = self.running.take() else { return };
        match futures::FutureExt::now_or_never(task) {
            Some(Ok(Ok(()))) => {
                self.pause = FIRST_PAUSE;
                self.not_before = None;
            }
            ended => {
                tracing::warn!(?ended, pause = ?self.pause, "work failed; it is repeated");
                self.not_before = Some(time::now() + self.pause);
                self.pause = (self.pause * 2).min(LAST_PAUSE);
            }
        }
    }
}
