//! Looking for a replacement: admissible offers, best first.

use domain::buying::AVOIDED_MS;
use domain::failover::{IntentState, SearchOutput, StepName};
use domain::notification::Wait;
use domain::offer::{nearest_misses, rank, replacement_filter};

use super::step::{Ended, Run, StepEnd};
use crate::ports::time;

/// Kept of a search.
const BEST: usize = 10;
/// Kept of those that were refused before: each is asked for more than once in every round.
const AGAIN: usize = 3;
/// Kept of what nearly fits.
const NEAREST: usize = 3;
/// Candidates after which a drill gives up.
const DRILL_ROUNDS: i64 = 3;
/// Candidates after which each further one waits, so that a broken image does not buy one machine
/// after the other.
const CALM_ROUNDS: i64 = 3;
const CALM: std::time::Duration = std::time::Duration::from_secs(30);

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, failover, association, .. } = run;
    if failover.kind == domain::failover::Kind::Drill && failover.round >= DRILL_ROUNDS {
        let why = run.rows.iter().rev().find_map(|row| row.error.clone()).unwrap_or_default();
        return Ok(StepEnd::failed(format!("no candidate of {DRILL_ROUNDS} worked: {why}")));
    }
    if failover.options.new_gpu {
        super::buy::may(run, domain::money::MicroUsd::ZERO).await?;
    }
    if failover.round >= CALM_ROUNDS {
        time::sleep(CALM).await;
    }
    let settings = context.store.settings().get(&failover.user).await?;
    let client = context.accounts.vast(&failover.user).await?;
    let filter = replacement_filter(&association.spec, &settings.replacement_rule());
    let storage = association.spec.disk_gb.unwrap_or(super::buy::DEFAULT_DISK_GB);
    let asked = time::now();
    let offers = client.search(&filter, storage).await?;
    let provider_ms = i64::try_from(asked.elapsed().as_millis()).unwrap_or(i64::MAX);
    let (avoid, refused) = avoid(run).await?;
    let all = [avoid.as_slice(), &refused].concat();
    let mut best = rank(&offers, &filter, &association.spec, &all);
    // Those that only were refused come again once there is no other: nothing is wrong with them.
    if best.is_empty() && !refused.is_empty() {
        best = rank(&offers, &filter, &association.spec, &avoid);
        best.truncate(AGAIN);
        if failover.round >= CALM_ROUNDS {
            time::sleep(CALM).await;
        }
    }
    if best.is_empty() {
        let seen = offers.len();
        let words = format!(
            "no offer fits: {seen} seen, none within the price cap, class and region of the rules"
        );
        // What comes nearest tells someone which rule to change. Not having it holds nothing up.
        let nearest = match client.search(&filter.widened(), storage).await {
            Ok(all) => nearest_misses(&all, &filter, &association.spec, &avoid, NEAREST),
            Err(error) => {
                tracing::debug!(%error, "what nearly fits is not known");
                Vec::new()
            }
        };
        return Err(StepEnd {
            output: serde_json::json!({ "seen": seen, "nearest": nearest }),
            ..StepEnd::blocked(Wait::Offer, words).provider_ms(provider_ms)
        });
    }
    best.truncate(BEST);
    let output =
        SearchOutput { seen: i64::try_from(offers.len()).unwrap_or(i64::MAX), offers: best };
    Ok(StepEnd::done(&output).provider_ms(provider_ms))
}

/// The lost machine, each that this failover has bought on before, and those that failed the account
/// lately; and beside them those of which nothing but a refusal came.
async fn avoid(run: &Run<'_>) -> Result<(Vec<i64>, Vec<i64>), StepEnd> {
    let Run { context, failover, .. } = run;
    let intents = context.store.intents();
    let since = context.now().plus(-AVOIDED_MS);
    let mut machines = intents.failed_machines(&failover.user, since).await?;
    machines.extend(run.association.spec.machine_id);
    let bought = intents.of_failover(&failover.id).await?;
    let (refused, bought): (Vec<_>, Vec<_>) =
        bought.into_iter().partition(|intent| intent.state == IntentState::Refused);
    machines.extend(bought.iter().filter_map(|intent| intent.machine_id));
    Ok((machines, refused.iter().filter_map(|intent| intent.machine_id).collect()))
}

/// The offers that the present round's search found.
pub(super) fn found(run: &Run<'_>) -> SearchOutput {
    run.earlier(StepName::Search).unwrap_or_default()
}
