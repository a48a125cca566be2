//! The bulk of the data goes to the new GPU while the standby serves.

use domain::association::Serving;
use domain::failover::{BootOutput, BuyOutput, RestoreOutput, StepName};

use super::boot;
use super::keeping;
use super::progress::{Meter, measured};
use super::step::{Ended, Run, StepEnd};
use crate::data;
use crate::live::Target;

/// Attempts at one candidate before another is sought.
const TRIES: i64 = 4;

pub(super) async fn run(run: &Run<'_>) -> Ended {
    match send(run).await {
        Ok(output) => Ok(StepEnd::done(&output)),
        Err(end) => or_next(run, end).await,
    }
}

/// Sends what the new GPU lacks.
pub(super) async fn send(run: &Run<'_>) -> Result<RestoreOutput, StepEnd> {
    if let Some(sent) = keeping::send(run).await? {
        return Ok(sent);
    }
    if run.is_pinned_point() {
        return Err(StepEnd::retry("the new GPU can't run what a recovery point is brought by"));
    }
    let target = target(run)?;
    let (_, standby) = run.standby().await?;
    let host_key = target.host_key.clone().unwrap_or_default();
    let meter = Meter::new(run.context);
    // An empty GPU gets all that there is; later transfers find out what is lacking as they go.
    let whole: &mut (dyn FnMut(data::Progress) + Send) = &mut |all| meter.whole(all);
    let counted = run.row.name == StepName::Restore && run.row.attempt == 1;
    let mut moved = |so_far| meter.moved(so_far);
    let source = run.source();
    let transfer = data::restore_with(
        &standby,
        &source,
        &target.endpoint,
        &host_key,
        &run.association.workspace,
        counted.then_some(whole),
        &mut moved,
    );
    Ok(measured(run, &meter, transfer).await?)
}

/// The new GPU's address and pinned key.
pub(super) fn target(run: &Run<'_>) -> Result<Target, StepEnd> {
    let booted: BootOutput = run.earlier(StepName::Boot).unwrap_or_default();
    let endpoint = booted.endpoint.ok_or_else(|| StepEnd::failed("the new GPU has no address"))?;
    Ok(Target { endpoint, host_key: booted.host_key })
}

/// Tries this candidate some more, then another.
pub(super) async fn or_next(run: &Run<'_>, end: StepEnd) -> Ended {
    if run.row.attempt < TRIES || end.outcome == domain::failover::Outcome::Failed {
        return Err(end);
    }
    let bought: BuyOutput = run.earlier(StepName::Buy).unwrap_or_default();
    let why = end.error.unwrap_or_else(|| "the data could not be brought".into());
    // The work goes on where it is served until another candidate is there. Only the last transfer holds it,
    // and nothing outlasts its VM.
    let held = run.rows.iter().any(|row| row.name == StepName::Delta && row.round == run.row.round);
    if held && run.association.serving == Serving::Standby && !run.standby_is_down() {
        let (_, standby) = run.standby().await?;
        data::thaw_writes(&standby).await?;
    }
    boot::give_back(run, &bought, &why, 0).await
}
