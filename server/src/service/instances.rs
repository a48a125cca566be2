//! GPU instances and the market that they come from.

use std::collections::HashMap;
use std::str::FromStr as _;
use std::time::Duration;

use domain::association::Association;
use domain::gpu::{GpuInstance, GpuState};
use domain::id::{GpuId, UserId};
use domain::name;
use domain::view::instance::{
    self, CreateInstance, CreatedInstance, Instance, InstanceQuery, Instances,
};
use domain::view::offer::{Offer, OfferQuery, Offers};
use engine::Rent;

use super::confirm;
use super::machines::check_hooks;
use crate::http::identity::Identity;
use crate::{Dumont, Fault};

/// How long an answer about the market is waited for before the last one is given.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Most characters of a start command, which is the provider's bound.
const ONSTART: usize = 4_048;
/// Most ports that can be asked for.
const PORTS: usize = 32;
/// Storage that offers are priced with where none is asked for, GB.
const USUAL_DISK_GB: f64 = 20.0;

/// The account's instances, each with its standby.
///
/// # Errors
/// An unknown status, no key, or Vast.ai does not answer and never did.
pub async fn list(
    dumont: &Dumont,
    user: &UserId,
    query: &InstanceQuery,
) -> Result<Instances, Fault> {
    let status = query.status.as_deref().filter(|word| !word.is_empty());
    let status = status.map(GpuState::from_str).transpose().map_err(|_| {
        let known: Vec<&str> = GpuState::ALL.iter().map(|state| state.as_str()).collect();
        Fault::field("status", "unknown", format!("must be one of {}", known.join(", ")))
    })?;
    let fleet = dumont.engine.instances(user).await?;
    let ties = by_gpu(dumont.store.associations().list(user).await?);
    let labels = dumont.store.rentals().labels(user).await?;
    let instances: Vec<Instance> = fleet
        .instances
        .iter()
        .filter(|gpu| status.is_none_or(|wanted| gpu.state() == wanted))
        .map(|gpu| told(dumont, gpu, ties.get(&gpu.id), &labels))
        .collect();
    Ok(Instances {
        count: instances.len(),
        instances,
        as_of: fleet.as_of.into(),
        stale_error: fleet.error,
    })
}

/// One instance.
///
/// # Errors
/// `NotFound`, or as [`list`].
pub async fn get(dumont: &Dumont, user: &UserId, id: GpuId) -> Result<Instance, Fault> {
    let fleet = dumont.engine.instances(user).await?;
    let gpu = fleet.instances.iter().find(|gpu| gpu.id == id).ok_or(Fault::NotFound("instance"))?;
    let tie = dumont.store.associations().by_gpu(user, id).await?;
    let labels = dumont.store.rentals().labels(user).await?;
    Ok(told(dumont, gpu, tie.as_ref(), &labels))
}

/// An instance under the name that its user gave it: at the rental, at the provider, or with its
/// standby. The label that finds a purchase again is nobody's name.
fn told(
    dumont: &Dumont,
    gpu: &GpuInstance,
    tie: Option<&Association>,
    labels: &HashMap<GpuId, String>,
) -> Instance {
    let theirs = gpu.label.as_ref().filter(|label| !dumont.engine.gave_label(label));
    let given = labels.get(&gpu.id).or(theirs).or_else(|| tie.map(|tie| &tie.name));
    Instance { label: given.map(|label| name::shown(label)), ..Instance::new(gpu, tie) }
}

/// Offers in the order asked for: as they are now, or as they were last where the provider does not
/// let them be seen in time (`as_of`).
///
/// # Errors
/// Fields that make no sense, no key, or Vast.ai does not answer.
pub async fn offers(dumont: &Dumont, user: &UserId, query: &OfferQuery) -> Result<Offers, Fault> {
    let filter = query.filter()?;
    let storage = query.min_disk.unwrap_or(USUAL_DISK_GB);
    let (as_of, found) = dumont.engine.offers(user, &filter, storage, PATIENCE).await?;
    let offers: Vec<Offer> = query.arrange(found).iter().map(Offer::from).collect();
    Ok(Offers { count: offers.len(), offers, as_of: as_of.into() })
}

/// Rents an offer.
///
/// # Errors
/// Fields that can't be accepted, a login that was not confirmed (see [`confirm::before_money`]), or the
/// provider's refusal.
pub async fn rent(
    dumont: &Dumont,
    who: &Identity,
    asked: CreateInstance,
) -> Result<CreatedInstance, Fault> {
    let user = &who.user;
    let rent = accepted(asked)?;
    confirm::before_money(dumont, who).await?;
    let id = dumont.engine.rent(user, rent).await?;
    // The list may not show it yet; it is rented all the same.
    let instance = get(dumont, user, id).await.ok();
    Ok(CreatedInstance { success: true, id, instance })
}

/// What is asked for, with everything filled in and checked.
fn accepted(asked: CreateInstance) -> Result<Rent, Fault> {
    if asked.offer_id < 1 {
        return Err(Fault::field("offer_id", "out_of_range", "must be at least 1"));
    }
    let disk_gb = asked.disk_size.unwrap_or(instance::USUAL_DISK_GB);
    if !(8.0..=4096.0).contains(&disk_gb) {
        return Err(Fault::field("disk_size", "out_of_range", "must be between 8 and 4096"));
    }
    let image = asked.image.unwrap_or_else(|| instance::USUAL_IMAGE.into()).trim().to_owned();
    if image.is_empty() || image.len() > 1024 {
        return Err(Fault::field("image", "out_of_range", "must have 1 to 1024 characters"));
    }
    if let Some(path) = &asked.workspace {
        domain::association::workspace(path)
            .map_err(|message| Fault::field("workspace", "not_a_workspace", message))?;
    }
    let onstart = match (asked.onstart, asked.onstart_cmd) {
        (Some(one), Some(other)) if one != other => {
            let message = "says something else than onstart; send one of them";
            return Err(Fault::field("onstart_cmd", "contradiction", message));
        }
        (Some(one), _) | (None, Some(one)) => Some(one),
        (None, None) => None,
    };
    if onstart.as_ref().is_some_and(|script| script.chars().count() > ONSTART) {
        let message = format!("must have at most {ONSTART} characters");
        return Err(Fault::field("onstart", "out_of_range", message));
    }
    let mut ports = asked.ports.unwrap_or_default();
    if ports.len() > PORTS {
        return Err(Fault::field("ports", "out_of_range", format!("must be at most {PORTS}")));
    }
    ports.sort_unstable();
    ports.dedup();
    // SSH's is open anyway.
    ports.retain(|port| port.udp || port.number != 22);
    let hooks = asked.hooks.unwrap_or_default();
    check_hooks(&hooks)?;
    Ok(Rent {
        offer: asked.offer_id,
        image,
        disk_gb,
        label: name::optional(asked.label.as_deref())
            .map_err(|error| Fault::name("label", error))?,
        ports: ports.iter().map(ToString::to_string).collect(),
        onstart,
        hooks,
        workspace: asked.workspace,
        skip_standby: asked.skip_standby,
    })
}

/// Destroys an instance, and its standby where asked.
///
/// # Errors
/// Not this account's, or a failover is under way.
pub async fn destroy(
    dumont: &Dumont,
    user: &UserId,
    id: GpuId,
    standby_too: bool,
) -> Result<(), Fault> {
    Ok(dumont.engine.destroy(user, id, standby_too).await?)
}

/// Stops an instance by its user's wish.
///
/// # Errors
/// Not this account's, a failover is under way, or the provider refuses.
pub async fn pause(dumont: &Dumont, user: &UserId, id: GpuId) -> Result<(), Fault> {
    Ok(dumont.engine.pause(user, id).await?)
}

/// Starts a paused instance.
///
/// # Errors
/// Not this account's, a failover is under way, or the provider refuses.
pub async fn resume(dumont: &Dumont, user: &UserId, id: GpuId) -> Result<(), Fault> {
    Ok(dumont.engine.resume(user, id).await?)
}

pub(super) fn by_gpu(ties: Vec<Association>) -> HashMap<GpuId, Association> {
    ties.into_iter().map(|tie| (tie.gpu, tie)).collect()
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::testing::{Bench, passed};

    #[tokio::test]
    async fn a_market_that_keeps_its_answer_is_waited_for_so_long_and_told_as_it_was() {
        let bench = Bench::new().await;
        let ask = async |num_gpus| {
            let query = OfferQuery { num_gpus: Some(num_gpus), ..OfferQuery::default() };
            let began = Instant::now();
            let told = offers(&bench.dumont, &bench.user, &query).await;
            (told.map(|offers| offers.as_of.0), passed(began))
        };
        bench.market_answers(true);
        let (first, waited) = ask(1).await;
        let first = first.expect("an answer");
        assert_eq!((first, waited), (bench.dumont.now(), Duration::ZERO));
        bench.market_answers(false);
        bench.pass(60_000);
        // What is known, and from when; whoever comes next waits for the same search no longer.
        for _ in 0..2 {
            let (told, waited) = ask(1).await;
            assert_eq!((told.expect("what is known"), waited), (first, PATIENCE));
        }
        // Nothing is known: three times as long, then when to ask again.
        let (unknown, waited) = ask(2).await;
        let unknown = unknown.expect_err("nothing is known");
        assert_eq!((unknown.status(), waited), (429, 3 * PATIENCE));
        assert!(unknown.retry_after().is_some_and(|after_s| after_s > 0), "{unknown:?}");
    }

    #[tokio::test]
    async fn who_rents_and_who_looks_leaves_searches_to_failovers() {
        let bench = Bench::new().await;
        bench.market_answers(true);
        let wanted = serde_json::from_value(serde_json::json!({ "offer_id": 7 }));
        let rent = accepted(wanted.expect("a request")).expect("what can be rented");
        let gone = bench.dumont.engine.rent(&bench.user, rent).await;
        assert!(gone.is_err(), "there is nothing on the market: {gone:?}");
        let looked = offers(&bench.dumont, &bench.user, &OfferQuery::default()).await;
        assert_eq!(looked.expect("an answer").count, 0);
        let left = bench.left();
        assert!(left.len() == 2 && left[0] > 0 && left[1] > left[0], "{left:?}");
    }
}
