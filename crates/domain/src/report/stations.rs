//! What a failover left and what it led to: model, place, price and address.

use super::Journal;
use super::instances::served;
use super::status::output;
use crate::failover::{BootOutput, BuyOutput, DetectOutput, Kind, SearchOutput, StepName};
use crate::gpu::Endpoint;
use crate::id::GpuId;
use crate::money::MicroUsd;
use crate::offer::GpuSpec;
use crate::provider::Provider;
use crate::view::failover::Station;

/// The GPU that was left, where it was recorded.
pub(super) fn before(journal: &Journal<'_>) -> Option<Station> {
    let detect: DetectOutput = output(StepName::Detect, journal.steps)?;
    let left = detect.before?;
    Some(station(Some(journal.failover.gpu), &left.spec, left.endpoint.as_ref()))
}

/// The GPU that serves after it; a drill leads to none.
pub(super) fn after(journal: &Journal<'_>) -> Option<Station> {
    if journal.failover.kind == Kind::Drill {
        return None;
    }
    let intent = journal
        .intents
        .iter()
        .find(|intent| intent.provider == Provider::Vast && served(intent, journal))?;
    let boot: BootOutput = output(StepName::Boot, journal.steps).unwrap_or_default();
    let id = intent.external_id.as_deref().and_then(|id| id.parse().ok()).map(GpuId);
    let mut found = station(id, &boot.spec, boot.endpoint.as_ref());
    // What the instance itself does not say stands in the offer that it was bought by.
    let bought: Option<BuyOutput> = output(StepName::Buy, journal.steps);
    let searched: SearchOutput = output(StepName::Search, journal.steps).unwrap_or_default();
    let number = bought.and_then(|bought| bought.offer).or(intent.offer);
    if let Some(offer) = searched.offers.into_iter().find(|offer| Some(offer.id) == number) {
        found.gpu_name.get_or_insert(offer.gpu_name);
        found.num_gpus.get_or_insert(offer.num_gpus);
        found.geolocation = found.geolocation.or(offer.geolocation);
    }
    found.usd_per_hour.get_or_insert(intent.usd_per_hour.usd());
    Some(found)
}

fn station(id: Option<GpuId>, spec: &GpuSpec, endpoint: Option<&Endpoint>) -> Station {
    Station {
        gpu_instance_id: id,
        gpu_name: spec.gpu_name.clone(),
        num_gpus: spec.num_gpus,
        geolocation: spec.geolocation.clone(),
        usd_per_hour: spec.usd_per_hour.map(MicroUsd::usd),
        ssh_host: endpoint.map(|at| at.host.clone()),
        ssh_port: endpoint.map(|at| at.port),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::failover_view;
    use super::super::testing::Story;
    use super::*;

    #[test]
    fn both_sides_are_told_from_the_journal_alone() {
        let mut story = Story::lost_and_recovered();
        for row in &mut story.steps {
            if row.name == StepName::Boot {
                row.output =
                    json!({"spec": {"gpu_name": "RTX 4090"}, "endpoint": {"host": "h", "port": 7}});
            }
            if row.name == StepName::Detect {
                row.output = json!({"before": {"spec": {"gpu_name": "RTX 3090"}}});
            }
        }
        let view = failover_view(&story.journal());
        let (before, after) = (view.before.expect("left"), view.after.expect("reached"));
        assert_eq!(before.gpu_name.as_deref(), Some("RTX 3090"));
        assert_eq!((before.usd_per_hour, before.ssh_port), (None, None), "unknown, not zero");
        assert_eq!((after.gpu_name.as_deref(), after.ssh_port), (Some("RTX 4090"), Some(7)));
        assert_eq!(after.usd_per_hour, Some(0.4));
        story.failover.kind = Kind::Drill;
        assert_eq!(failover_view(&story.journal()).after, None);
    }
}
