//! Buying one replacement. A restart finds the intents of the attempt before it and clears them up
//! before anything new is sent. What speaks against buying at all is looked at first: each GPU bills.

use domain::buying::Full;
use domain::failover::{BuyOutput, Intent, IntentState, Kind, StepName};
use domain::id::GpuId;
use domain::launch::{Launch, LaunchPart};
use domain::money::MicroUsd;
use domain::notification::Wait;
use domain::offer::Offer;
use domain::provider::ErrorClass;
use domain::route;

use super::search;
use super::step::{Ended, Run, StepEnd};
use crate::error::EngineError;
use crate::ops::fleet;
use crate::poller;
use crate::ports::time;
use crate::purchase::{self, Order, Purchase, Purpose};
use crate::worker::told;

/// Where the lost machine's disk is not known.
pub(super) const DEFAULT_DISK_GB: f64 = 40.0;
/// Where the lost machine's image is not known.
const DEFAULT_IMAGE: &str = "nvidia/cuda:12.4.1-runtime-ubuntu22.04";

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let asked = time::now();
    let ended = buy(run).await;
    let provider_ms = i64::try_from(asked.elapsed().as_millis()).unwrap_or(i64::MAX);
    ended.map(|end| end.provider_ms(provider_ms)).map_err(|end| end.provider_ms(provider_ms))
}

async fn buy(run: &Run<'_>) -> Ended {
    let Run { context, failover, .. } = run;
    let intents = context.store.intents().of_failover(&failover.id).await?;
    if let Some(bound) = intents.iter().find(|intent| intent.state == IntentState::Bound) {
        return Ok(bought(bound));
    }
    for open in intents.iter().filter(|intent| intent.state == IntentState::Open) {
        if let Purchase::Bound(intent, _) = purchase::settle(context, open.clone()).await? {
            return Ok(bought(&intent));
        }
    }
    may(run, MicroUsd::ZERO).await?;
    if let Some(why) = route::takeover_fails(failover, run.rows) {
        return Err(StepEnd::blocked(Wait::Standby, format!("the standby can't take over: {why}")));
    }
    // A GPU could receive nothing now.
    if failover.options.restore {
        run.standby().await?;
    }
    let (_, public_key) = context.accounts.ssh(&failover.user).await?;
    context.accounts.vast(&failover.user).await?.ensure_account_key(&public_key).await?;
    let ways = ways(order(run).await?);
    // An offer that only was refused in an earlier round may be asked for again.
    let searched = route::result(StepName::Search, failover, run.rows).map(|row| row.started_at);
    let tried: Vec<i64> = intents
        .iter()
        .filter(|intent| {
            intent.state != IntentState::Refused
                || searched.is_none_or(|at| intent.created_at >= at)
        })
        .filter_map(|intent| intent.offer)
        .collect();
    let mut last = String::from("all offers of the search were tried");
    for offer in search::found(run).offers.iter().filter(|offer| !tried.contains(&offer.id)) {
        pays(run, offer).await?;
        for order in &ways {
            match purchase::buy(context, order, offer).await? {
                Purchase::Bound(intent, _) => return Ok(bought(&intent)),
                Purchase::Refused(error) if purchase::try_another(&error) => {
                    last = error.to_string();
                    // What else is asked for may be what is refused: then the same with less of it.
                    if error.class == ErrorClass::Invalid {
                        continue;
                    }
                }
                Purchase::Refused(error) => return Err(error.into()),
                Purchase::GivenUp => {
                    last = "a purchase had no clear answer and was given up".into();
                }
                Purchase::OfferTaken => {
                    last = "the offer is being bought for another machine".into();
                }
                Purchase::Full(full) => return Err(held(run, full)),
            }
            break;
        }
    }
    Ok(StepEnd::next_round(last))
}

/// How a replacement may be asked for, each with what is left out of it: all of it; without its template, which
/// may be gone while all that it says is named beside it; and without anything that is its user's, since a bare
/// GPU with the data on it is better than none.
fn ways(order: Order) -> Vec<Order> {
    let full = order.launch.clone();
    let less = |launch: Launch, onstart: Option<String>| {
        let mut left_out = full.left_out(&launch, onstart.as_deref());
        if order.left_out.contains(&LaunchPart::Unknown) {
            left_out.push(LaunchPart::Unknown);
        }
        Order { launch, onstart, left_out, ..order.clone() }
    };
    let mut ways = vec![
        less(full.clone(), order.onstart.clone()),
        less(Launch { template: None, ..full.clone() }, order.onstart.clone()),
        less(full.bare(), None),
    ];
    ways.dedup_by(|less, more| {
        let (a, b) = (&less.launch, &more.launch);
        less.onstart == more.onstart
            && (&a.env, &a.args, &a.template) == (&b.env, &b.args, &b.template)
            && a.runtype_with_ssh() == b.runtype_with_ssh()
    });
    ways
}

/// Whether one more GPU at this price may be bought at all; else what is waited for.
pub(super) async fn may(run: &Run<'_>, price: MicroUsd) -> Result<(), StepEnd> {
    let Run { context, failover, .. } = run;
    if let Some(found) = route::same_difference_twice(run.rows) {
        let words = format!(
            "no further GPU is bought: on two of them {}; look at these files on the standby, then call it off and go back to a GPU from there",
            found.words()
        );
        return Err(or_failed(run, Wait::Difference, words));
    }
    let (intents, now) = (context.store.intents(), context.now());
    let ledger = intents.ledger(&failover.user, &failover.id, now).await?;
    if let Some(why) = route::unprepared(run.rows)
        && !ledger.has_word()
    {
        let words = format!(
            "no further GPU is bought: {} of them could not be prepared, the last one because {why}",
            route::UNPREPARED_GPUS
        );
        return Err(or_failed(run, Wait::Preparation, words));
    }
    let limits = context.store.settings().get(&failover.user).await?.limits;
    let limits = limits.of(failover.kind, &failover.options);
    ledger.full(&limits, price).map_or(Ok(()), |full| Err(held(run, full)))
}

/// Waits for a person's word, with the limit that asks for it.
fn held(run: &Run<'_>, full: Full) -> StepEnd {
    let words = format!("no further GPU is bought: {}", full.words());
    StepEnd { output: serde_json::json!({ "full": full }), ..or_failed(run, Wait::Limit, words) }
}

/// A drill does not wait for a person: it has told what it is for.
fn or_failed(run: &Run<'_>, wait: Wait, words: String) -> StepEnd {
    match run.failover.kind {
        Kind::Drill => StepEnd::failed(words),
        _ => StepEnd::blocked(wait, words),
    }
}

/// Whether the credit pays for an hour of an offer, as far as it is known. One that does not is read anew
/// before that is believed.
async fn pays(run: &Run<'_>, offer: &Offer) -> Result<(), StepEnd> {
    let Run { context, failover, .. } = run;
    let short = |credit: Option<MicroUsd>| credit.filter(|credit| *credit < offer.usd_per_hour);
    let Ok(known) = fleet::balance(context, &failover.user).await else { return Ok(()) };
    if short(known.credit).is_none() {
        return Ok(());
    }
    let Ok(money) = poller::read_balance(context, &failover.user).await else { return Ok(()) };
    let Some(credit) = short(money.credit) else { return Ok(()) };
    let words = format!(
        "the credit of ${:.2} does not pay for an hour of the next GPU (${:.2})",
        credit.usd(),
        offer.usd_per_hour.usd()
    );
    Err(StepEnd::blocked(Wait::Credit, words))
}

async fn order(run: &Run<'_>) -> Result<Order, StepEnd> {
    let Run { context, failover, association, .. } = run;
    let settings = context.store.settings().get(&failover.user).await?;
    let known = launch(run).await?;
    let left_out = if known.is_some() { Vec::new() } else { vec![LaunchPart::Unknown] };
    let launch = known.unwrap_or_default();
    let ports = context.store.rentals().ports_of(&failover.user, &association.id).await?;
    // Too long to be held back until the data is there: then it is left out.
    let onstart = launch.held_script();
    Ok(Order {
        user: failover.user.clone(),
        purpose: Purpose::Failover {
            failover: failover.id.clone(),
            association: association.id.clone(),
            epoch: association.epoch,
            limits: settings.limits.of(failover.kind, &failover.options),
        },
        image: association
            .image
            .clone()
            .or_else(|| launch.image.clone())
            .unwrap_or_else(|| DEFAULT_IMAGE.into()),
        disk_gb: association.spec.disk_gb.unwrap_or(DEFAULT_DISK_GB),
        onstart,
        launch: launch.with_ports(&ports),
        left_out,
    })
}

/// How the machine was launched that is replaced: as the provider tells it now, else as it was read last.
pub(super) async fn launch(run: &Run<'_>) -> Result<Option<Launch>, StepEnd> {
    let Run { context, association, .. } = run;
    let associations = context.store.associations();
    let kept = associations.launch(&association.id).await?.map(|(kept, _)| kept);
    match told(context, association, kept.as_ref()).await {
        Ok(Some(told)) => {
            associations.set_launch(&association.id, &told, context.now()).await?;
            Ok(Some(told))
        }
        Ok(None) => Ok(kept),
        Err(EngineError::Store(error)) => Err(error.into()),
        Err(error) => {
            tracing::debug!(%error, "how it was launched is not told now");
            Ok(kept)
        }
    }
}

fn bought(intent: &Intent) -> StepEnd {
    StepEnd::done(&BuyOutput {
        intent: Some(intent.id.clone()),
        gpu: intent.external_id.as_deref().and_then(|id| id.parse().ok()).map(GpuId),
        offer: intent.offer,
        machine_id: intent.machine_id,
        usd_per_hour: intent.usd_per_hour,
        left_out: intent.left_out.clone(),
    })
}

#[cfg(test)]
#[path = "buy_tests.rs"]
mod tests;
