//! How far the transfer of a running step is, kept in its row while it runs, so that every page can
//! tell it. Failing to keep it is no failure of the step.

use std::time::Duration;

use domain::progress::{Measure, Progress, Whole};
use tokio_util::sync::CancellationToken;

use super::step::Run;
use crate::context::Context;
use crate::data;
use crate::ports::time;
use crate::ports::watch;

/// Between two writes at the least.
const LEAST: Duration = Duration::from_millis(500);

/// What a transfer has said of itself.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    whole: Whole,
    progress: Option<Progress>,
}

/// Takes what a transfer says, at the time of saying.
pub(super) struct Meter<'a> {
    context: &'a Context,
    said: watch::Sender<Said>,
}

impl<'a> Meter<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self { context, said: watch::Sender::new(Said::default()) }
    }

    /// All that is to be moved, before the first of it is.
    pub(super) fn whole(&self, all: data::Progress) {
        let whole = Whole { files: Some(all.files), bytes: Some(all.bytes) };
        let first = Measure { at: self.context.now(), files: 0, bytes: Some(0) };
        self.said.send_modify(|said| {
            said.whole = whole;
            said.progress = Some(Progress::begin(whole, first));
        });
    }

    /// Files and bytes moved so far.
    pub(super) fn moved(&self, so_far: data::Progress) {
        self.measure(so_far.files, Some(so_far.bytes));
    }

    /// Files compared so far, and how many there are, where that is known.
    pub(super) fn compared(&self, files: i64, all: Option<i64>) {
        if all.is_some() {
            self.said.send_modify(|said| said.whole.files = all);
        }
        self.measure(files, None);
    }

    fn measure(&self, files: i64, bytes: Option<i64>) {
        let now = Measure { at: self.context.now(), files, bytes };
        self.said.send_modify(|said| {
            let before = said.progress.unwrap_or_else(|| Progress::begin(said.whole, now));
            said.progress = Some(Progress { whole: said.whole, ..before.with(now) });
        });
    }
}

/// Runs a transfer, keeping what it tells the meter: the last word before this returns.
pub(super) async fn measured<T>(
    run: &Run<'_>,
    meter: &Meter<'_>,
    transfer: impl Future<Output = T>,
) -> T {
    let mut said = meter.said.subscribe();
    let over = CancellationToken::new();
    let work = async {
        let ended = transfer.await;
        over.cancel();
        ended
    };
    let (ended, ()) = tokio::join!(work, record(run, &mut said, &over));
    ended
}

async fn record(run: &Run<'_>, said: &mut watch::Receiver<Said>, over: &CancellationToken) {
    loop {
        let more = tokio::select! {
            biased;
            changed = said.changed() => changed.is_ok(),
            () = over.cancelled() => false,
        };
        if !more {
            return;
        }
        let newest = said.borrow_and_update().progress;
        if let Some(progress) = newest {
            keep(run, &progress).await;
        }
        tokio::select! {
            biased;
            () = time::sleep(LEAST) => {}
            () = over.cancelled() => {}
        }
    }
}

async fn keep(run: &Run<'_>, progress: &Progress) {
    let Run { context, row, failover, .. } = run;
    match context.store.steps().set_progress(&row.failover, row.seq, progress).await {
        Ok(()) => context.doorbell(&failover.user, "failover", row.failover.as_str()).await,
        Err(error) => tracing::debug!(step = %row.name, %error, "progress not kept"),
    }
}
