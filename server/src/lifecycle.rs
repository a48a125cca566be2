//! How the process ends: softly at the first signal, at once at the second.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long a soft end may take before it becomes a hard one.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Two tokens that every part of the process listens to.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Take nothing new, bring what is under way to a good point.
    pub soft: CancellationToken,
    /// Stop now. What was under way is continued by the next start.
    pub hard: CancellationToken,
}

impl Shutdown {
    /// Listens for SIGTERM and SIGINT from now on.
    ///
    /// # Errors
    /// The system gives no signal handlers.
    pub fn on_signals() -> std::io::Result<Self> {
        let shutdown = Self::default();
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(shutdown.clone().listen(terminate, interrupt));
        Ok(shutdown)
    }

    async fn listen(self, mut terminate: Signal, mut interrupt: Signal) {
        either(&mut terminate, &mut interrupt).await;
        tracing::info!("stopping; a second signal stops at once");
        self.soft.cancel();
        tokio::select! {
            () = either(&mut terminate, &mut interrupt) => tracing::warn!("stopping at once"),
            () = tokio::time::sleep(PATIENCE) => tracing::warn!("stopping took too long; stopping at once"),
        }
        self.hard.cancel();
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
