//! The verdict. Recorded when the failover is opened; run only when a restart fell between the two.

use domain::failover::DetectOutput;

use super::step::{Ended, Run, StepEnd};

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let newest = run.context.store.verdicts().latest(&run.association.id).await?;
    let output = DetectOutput {
        confirmed_at: newest.as_ref().map(|verdict| verdict.at),
        evidence: newest.map(|verdict| verdict.evidence),
        ..DetectOutput::default()
    };
    Ok(StepEnd::done(&output))
}
