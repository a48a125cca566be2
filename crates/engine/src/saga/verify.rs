//! The proof: every file's content compared on both sides. A difference is sent again once, then the
//! candidate is given back.

use domain::failover::VerifyOutput;

use super::keeping;
use super::progress::{Meter, measured};
use super::restore;
use super::step::{Ended, Run, StepEnd};
use crate::data;

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let target = restore::target(run)?;
    match keeping::prove(run).await {
        Ok(Some(compared)) => return judged(run, compared).await,
        Ok(None) if run.is_pinned_point() => {
            let why = "the new GPU can't run what a recovery point is proven by";
            return restore::or_next(run, StepEnd::retry(why)).await;
        }
        Ok(None) => {}
        Err(end) => return restore::or_next(run, end).await,
    }
    let (_, standby) = run.standby().await?;
    let gpu = match run.gpu(&target).await {
        Ok(gpu) => gpu,
        Err(end) => return restore::or_next(run, end).await,
    };
    if run.row.attempt > 1 {
        // The attempt before found differences or broke off; bring it up to date by content.
        data::repair(&standby, &run.source(), &target.endpoint, &run.association.workspace).await?;
    }
    let meter = Meter::new(run.context);
    let told = |files, all| meter.compared(files, all);
    let source = run.source();
    let comparison = data::verify_with(&standby, &source, &gpu, &run.association.workspace, &told);
    let compared = match measured(run, &meter, comparison).await {
        Ok(compared) => compared,
        Err(error) => return restore::or_next(run, StepEnd::from(error)).await,
    };
    judged(run, compared).await
}

async fn judged(run: &Run<'_>, compared: VerifyOutput) -> Ended {
    if compared.mismatched_count == 0 {
        return Ok(StepEnd::done(&compared));
    }
    let words = compared.words();
    let output = serde_json::to_value(&compared).unwrap_or_default();
    let end = StepEnd { output, ..StepEnd::retry(words) };
    restore::or_next(run, end).await
}
