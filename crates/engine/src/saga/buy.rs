//! Buying one replacement. A restart finds the intents of the attempt before it and clears them up
//! before anything new is sent.

use domain::association::Association;
use domain::failover::{BuyOutput, Intent, IntentState, Kind};
use domain::id::{Epoch, GpuId};
use domain::notification::Wait;
use domain::route;
use tokio::time::Instant;

use super::search;
use super::step::{Ended, Run, StepEnd};
use crate::purchase::{self, Order, Purchase};

/// Where the lost machine's disk is not known.
pub(super) const DEFAULT_DISK_GB: f64 = 40.0;
/// Where the lost machine's image is not known.
const DEFAULT_IMAGE: &str = "nvidia/cuda:12.4.1-runtime-ubuntu22.04";

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let asked = Instant::now();
    let ended = buy(run).await;
    let provider_ms = i64::try_from(asked.elapsed().as_millis()).unwrap_or(i64::MAX);
    ended.map(|end| end.provider_ms(provider_ms)).map_err(|end| end.provider_ms(provider_ms))
}

async fn buy(run: &Run<'_>) -> Ended {
    let Run { context, failover, association, .. } = run;
    let intents = context.store.intents().of_failover(&failover.id).await?;
    if let Some(bound) = intents.iter().find(|intent| intent.state == IntentState::Bound) {
        return Ok(bought(bound));
    }
    if let Some(found) = route::same_difference_twice(run.rows) {
        let words = format!(
            "no further GPU is bought: on two of them {}; look at these files on the standby, then call it off and go back to a GPU from there",
            found.words()
        );
        return Ok(match failover.kind {
            Kind::Drill => StepEnd::failed(words),
            _ => StepEnd::blocked(Wait::Difference, words),
        });
    }
    for open in intents.iter().filter(|intent| intent.state == IntentState::Open) {
        if let Purchase::Bound(intent, _) = purchase::settle(context, open.clone()).await? {
            return Ok(bought(&intent));
        }
    }
    let (_, public_key) = context.accounts.ssh(&failover.user).await?;
    context.accounts.vast(&failover.user).await?.ensure_account_key(&public_key).await?;
    let ports = context.store.rentals().ports_of(&failover.user, &association.id).await?;
    let order = order(run, association, ports);
    let tried: Vec<i64> = intents.iter().filter_map(|intent| intent.offer).collect();
    let mut last = String::from("all offers of the search were tried");
    for offer in search::found(run).offers.iter().filter(|offer| !tried.contains(&offer.id)) {
        match purchase::buy(context, &order, offer).await? {
            Purchase::Bound(intent, _) => return Ok(bought(&intent)),
            Purchase::Refused(error) if purchase::try_another(&error) => last = error.to_string(),
            Purchase::Refused(error) => return Err(error.into()),
            Purchase::GivenUp => last = "a purchase had no clear answer and was given up".into(),
        }
    }
    Ok(StepEnd::next_round(last))
}

fn order(run: &Run<'_>, association: &Association, ports: Vec<String>) -> Order {
    Order {
        user: run.failover.user.clone(),
        failover: Some(run.failover.id.clone()),
        association: Some(association.id.clone()),
        epoch: epoch(run),
        image: association.image.clone().unwrap_or_else(|| DEFAULT_IMAGE.into()),
        disk_gb: association.spec.disk_gb.unwrap_or(DEFAULT_DISK_GB),
        // The user's job starts after the data is verified, never before.
        onstart: None,
        ports,
    }
}

/// The epoch under which a failover buys.
fn epoch(run: &Run<'_>) -> Epoch {
    run.association.epoch
}

fn bought(intent: &Intent) -> StepEnd {
    StepEnd::done(&BuyOutput {
        intent: Some(intent.id.clone()),
        gpu: intent.external_id.as_deref().and_then(|id| id.parse().ok()).map(GpuId),
        offer: intent.offer,
        machine_id: intent.machine_id,
        usd_per_hour: intent.usd_per_hour,
    })
}
