//! Can this process trust what it sees? A late tick (a stopped or starved process) or a silent
//! database makes it the sick one, and for a while it says nothing about anyone else.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::time::Millis;

use crate::context::Context;
use crate::ports::time;

const TICK: Duration = Duration::from_millis(250);
/// A tick this late means that nobody's silence can be told from our own.
const LATE: Duration = Duration::from_millis(1_500);
/// How long after a bad moment the observers get to gather fresh words.
const RECOVERY_MS: i64 = 6_000;

/// Until when this process is unwell.
#[derive(Debug, Default)]
pub struct SelfWatch {
    unwell_until: AtomicI64,
}

impl SelfWatch {
    /// Until when nothing should be concluded; `None` when well.
    pub fn unwell_until(&self, now: Millis) -> Option<Millis> {
        let until = Millis(self.unwell_until.load(Ordering::Relaxed));
        (until > now).then_some(until)
    }

    /// Records a bad moment.
    pub fn unwell(&self, now: Millis, why: &str) {
        let until = now.plus(RECOVERY_MS).0;
        if self.unwell_until.fetch_max(until, Ordering::Relaxed) < now.0 {
            tracing::warn!(
                why,
                "this process is unwell; no machine is judged until it has recovered"
            );
        }
    }
}

/// Watches until the engine ends.
pub(crate) async fn watch(context: Context) {
    // The first words after a start come from nobody: gather before judging.
    context.own.unwell(context.now(), "starting");
    loop {
        let before = time::now();
        tokio::select! {
            biased;
            () = context.token.cancelled() => return,
            () = time::sleep(TICK) => {}
        }
        if before.elapsed().saturating_sub(TICK) > LATE {
            context.own.unwell(context.now(), "own tick late");
        }
        match time::timeout(LATE, context.store.ping()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(%error, "database does not answer");
                context.own.unwell(context.now(), "database does not answer");
            }
            Err(_) => context.own.unwell(context.now(), "database slow"),
        }
    }
}
