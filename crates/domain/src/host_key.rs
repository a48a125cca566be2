//! Host keys that more than one place of an account shows.
//!
//! A key tells hosts apart only while no two have it. An image may have baked one in, so a key that is
//! seen twice is no proof of anything, and no host is refused for it; but whoever holds it can pose as
//! each of its places, and so it is told and shown.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::association::Association;
use crate::id::{AssociationId, GpuId};
use crate::name;

crate::text_enum! {
    /// Which host of a machine.
    pub enum HostSide ("host side") {
        /// The GPU that it runs on.
        Gpu = "gpu",
        /// Its CPU standby.
        Standby = "standby",
    }
}

/// Another place that shows the key of one of a machine's hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SharedHostKey {
    /// Which host of this machine.
    pub side: HostSide,
    /// The other place's machine; this one, where its two hosts show one key.
    pub association_id: AssociationId,
    /// The GPU that the other machine runs on, or ran on last.
    pub gpu_instance_id: GpuId,
    /// What people call the other machine.
    pub name: String,
    /// Which host of that machine.
    pub other_side: HostSide,
}

/// The pinned keys of an account's machines.
#[derive(Debug, Default)]
pub struct PinnedKeys<'a>(HashMap<&'a str, Vec<(&'a Association, HostSide)>>);

impl<'a> PinnedKeys<'a> {
    /// All keys that are pinned to one of these machines, oldest machine first for each key.
    #[must_use]
    pub fn of(machines: &'a [Association]) -> Self {
        let mut all: Vec<&Association> = machines.iter().collect();
        all.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        let mut keys = Self::default();
        for machine in all {
            for (side, key) in pins(machine) {
                keys.0.entry(key).or_default().push((machine, side));
            }
        }
        keys
    }

    /// Every other place that shows a key of this machine's.
    #[must_use]
    pub fn shared_with(&self, machine: &Association) -> Vec<SharedHostKey> {
        let mut found = Vec::new();
        for (side, key) in pins(machine) {
            for (other, other_side) in self.0.get(key).into_iter().flatten() {
                if other.id != machine.id || *other_side != side {
                    found.push(SharedHostKey {
                        side,
                        association_id: other.id.clone(),
                        gpu_instance_id: other.gpu,
                        name: name::shown(&other.name),
                        other_side: *other_side,
                    });
                }
            }
        }
        found
    }

    /// Each machine that shows a key of this machine's after another had it, with the one that had it
    /// first: what there is to tell. Whoever of them asks, the answer is the same.
    #[must_use]
    pub fn latecomers(
        &self,
        machine: &Association,
    ) -> Vec<(&'a Association, &'a Association, &'a str)> {
        let mut told: Vec<(&Association, &Association, &str)> = Vec::new();
        for (_, key) in pins(machine) {
            let Some((key, places)) = self.0.get_key_value(key) else { continue };
            let Some(((first, _), rest)) = places.split_first() else { continue };
            for (late, _) in rest {
                if !told.iter().any(|(known, _, of)| known.id == late.id && of == key) {
                    told.push((late, first, key));
                }
            }
        }
        told
    }
}

fn pins(machine: &Association) -> impl Iterator<Item = (HostSide, &str)> {
    let gpu = machine.gpu_host_key.as_deref().map(|key| (HostSide::Gpu, key));
    let standby = machine.standby.as_ref().and_then(|standby| standby.host_key.as_deref());
    [gpu, standby.map(|key| (HostSide::Standby, key))].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::association::{AssociationState, Hooks, Serving, SyncStatus};
    use crate::id::{Epoch, UserId};
    use crate::offer::GpuSpec;
    use crate::time::Millis;

    fn machine(number: i64, key: Option<&str>) -> Association {
        Association {
            id: AssociationId::new(format!("a{number}")),
            user: UserId::new("u"),
            gpu: GpuId(number),
            name: format!("m{number}"),
            workspace: "/workspace".into(),
            image: None,
            spec: GpuSpec::default(),
            hooks: Hooks::default(),
            state: AssociationState::Following,
            reason: None,
            serving: Serving::Gpu,
            want_running: true,
            sync_enabled: true,
            epoch: Epoch(1),
            gpu_endpoint: None,
            gpu_host_key: key.map(str::to_owned),
            standby: None,
            sync: SyncStatus::default(),
            active_failover: None,
            created_at: Millis(number),
        }
    }

    #[test]
    fn a_key_of_its_own_is_shared_with_nobody_and_no_key_with_none() {
        let all =
            [machine(1, Some("k1")), machine(2, Some("k2")), machine(3, None), machine(4, None)];
        let keys = PinnedKeys::of(&all);
        for one in &all {
            assert_eq!(keys.shared_with(one), []);
            assert!(keys.latecomers(one).is_empty());
        }
    }

    #[test]
    fn each_of_those_that_share_a_key_is_shown_the_others_and_the_later_ones_are_told() {
        let all = [machine(3, Some("k")), machine(1, Some("k")), machine(2, Some("k"))];
        let keys = PinnedKeys::of(&all);
        for one in &all {
            let names: Vec<_> = keys.shared_with(one).into_iter().map(|other| other.name).collect();
            assert_eq!(names.len(), 2);
            assert!(!names.contains(&one.name));
            let told: Vec<_> = keys
                .latecomers(one)
                .iter()
                .map(|(late, first, _)| (late.gpu.0, first.gpu.0))
                .collect();
            assert_eq!(told, [(2, 1), (3, 1)], "the same whoever asks");
        }
    }

    #[test]
    fn a_gpu_with_the_key_of_its_own_standby_is_seen() {
        let mut one = machine(1, Some("k"));
        one.standby = Some(crate::standby::Standby {
            intent: crate::id::IntentId::new("i"),
            name: "vm".into(),
            project: "p".into(),
            zone: "z".into(),
            machine_type: "e2-medium".into(),
            disk_gb: 100,
            spot: true,
            usd_per_hour: crate::money::MicroUsd(0),
            state: crate::standby::StandbyState::Ready,
            reason: None,
            endpoint: None,
            host_key: Some("k".into()),
            public_key: None,
            created_at: Millis(0),
        });
        let all = [one];
        let keys = PinnedKeys::of(&all);
        let sides: Vec<_> =
            keys.shared_with(&all[0]).iter().map(|it| (it.side, it.other_side)).collect();
        assert_eq!(sides, [(HostSide::Gpu, HostSide::Standby), (HostSide::Standby, HostSide::Gpu)]);
        assert_eq!(keys.latecomers(&all[0]).len(), 1);
    }
}
