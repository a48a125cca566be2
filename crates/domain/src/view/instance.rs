//! GPU instances as the API lists them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Time;
use crate::association::{Association, AssociationState, Hooks};
use crate::gpu::{GpuInstance, GpuState};
use crate::id::GpuId;
use crate::money::MicroUsd;
use crate::provider::Provider;
use crate::standby::StandbyState;
use crate::view::offer::gb;

/// One GPU instance. What the provider did not say is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Instance {
    /// Vast's number.
    pub id: GpuId,
    /// What the provider's record comes to.
    pub status: GpuState,
    /// The provider's own word, which may lag.
    pub actual_status: Option<String>,
    /// The provider's message.
    pub status_msg: Option<String>,
    /// Model with spaces.
    pub gpu_name: Option<String>,
    /// How many GPUs.
    pub num_gpus: Option<i64>,
    /// Of each GPU, GB.
    pub gpu_ram: Option<f64>,
    /// Cores that it may use.
    pub cpu_cores: Option<f64>,
    /// GB.
    pub cpu_ram: Option<f64>,
    /// GB.
    pub disk_space: Option<f64>,
    /// What it costs now, USD per hour, all parts.
    pub dph_total: Option<f64>,
    /// Public address.
    pub public_ipaddr: Option<String>,
    /// Where it answers SSH.
    pub ssh_host: Option<String>,
    /// On which port.
    pub ssh_port: Option<u16>,
    /// Start of the contract.
    pub start_date: Option<Time>,
    /// Label at the provider.
    pub label: Option<String>,
    /// Ports of the container that are known to be reachable from outside, as `22/tcp`.
    pub ports: BTreeMap<String, PortAddress>,
    /// Percent, 0..100.
    pub gpu_util: Option<f64>,
    /// °C.
    pub gpu_temp: Option<f64>,
    /// Image that it runs.
    pub image: Option<String>,
    /// `California, US`.
    pub geolocation: Option<String>,
    /// Interruptible (a bid) or on demand.
    pub is_bid: bool,
    /// Always Vast.ai.
    pub provider: Provider,
    /// Its standby, where it has one.
    pub cpu_standby: Option<CpuStandby>,
    /// GPU and standby, USD per hour; `null` when a part is unknown.
    pub total_dph: Option<f64>,
}

/// Where a port of the container is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PortAddress {
    /// Address or name.
    pub host: String,
    /// Port there.
    pub port: u16,
}

/// The standby of a GPU instance, in the instance's own row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CpuStandby {
    /// Whether it is meant to be there.
    pub enabled: bool,
    /// Always Google Cloud.
    pub provider: Provider,
    /// Name of the VM; `null` before it is asked for.
    pub name: Option<String>,
    /// Zone.
    pub zone: Option<String>,
    /// Where it answers SSH.
    pub ip: Option<String>,
    /// Machine type.
    pub machine_type: Option<String>,
    /// Spot VM.
    pub spot: Option<bool>,
    /// Where the VM is in its life.
    pub status: Option<StandbyState>,
    /// Why it is not ready.
    pub reason: Option<String>,
    /// Estimated rate while it runs, USD per hour.
    pub dph_total: Option<f64>,
    /// Whether it shall follow.
    pub sync_enabled: bool,
    /// Completed syncs.
    pub sync_count: i64,
    /// What the association is doing.
    pub state: AssociationState,
    /// When the VM was asked for.
    pub created_at: Option<Time>,
}

impl From<&Association> for CpuStandby {
    fn from(tie: &Association) -> Self {
        let vm = tie.standby.as_ref();
        Self {
            enabled: tie.state != AssociationState::Deleting,
            provider: Provider::Gcp,
            name: vm.map(|vm| vm.name.clone()),
            zone: vm.map(|vm| vm.zone.clone()),
            ip: vm.and_then(|vm| vm.endpoint.as_ref()).map(|at| at.host.clone()),
            machine_type: vm.map(|vm| vm.machine_type.clone()),
            spot: vm.map(|vm| vm.spot),
            status: vm.map(|vm| vm.state),
            reason: vm.and_then(|vm| vm.reason.clone()),
            dph_total: vm.map(|vm| vm.usd_per_hour.usd()),
            sync_enabled: tie.sync_enabled,
            sync_count: tie.sync.count,
            state: tie.state,
            created_at: vm.map(|vm| vm.created_at.into()),
        }
    }
}

impl Instance {
    /// The row of an instance and of its association, where it has one.
    #[must_use]
    pub fn new(gpu: &GpuInstance, tie: Option<&Association>) -> Self {
        let cpu_standby = tie.map(CpuStandby::from);
        let own = gpu.usd_per_hour;
        let theirs =
            tie.and_then(|tie| tie.standby.as_ref()).map_or(MicroUsd::ZERO, |vm| vm.usd_per_hour);
        let ports = gpu
            .ssh
            .iter()
            .map(|at| ("22/tcp".to_owned(), PortAddress { host: at.host.clone(), port: at.port }));
        Self {
            id: gpu.id,
            status: gpu.state(),
            actual_status: gpu.actual_status.clone(),
            status_msg: gpu.status_msg.clone(),
            gpu_name: gpu.gpu_name.clone(),
            num_gpus: gpu.num_gpus,
            gpu_ram: gpu.gpu_ram_mb.map(gb),
            cpu_cores: gpu.cpu_cores,
            cpu_ram: gpu.cpu_ram_mb.map(gb),
            disk_space: gpu.disk_gb,
            dph_total: own.map(MicroUsd::usd),
            public_ipaddr: gpu.public_ip.clone(),
            ssh_host: gpu.ssh.as_ref().map(|at| at.host.clone()),
            ssh_port: gpu.ssh.as_ref().map(|at| at.port),
            start_date: gpu.started_at.map(Time),
            label: gpu.label.clone(),
            ports: ports.collect(),
            gpu_util: gpu.gpu_util,
            gpu_temp: gpu.gpu_temp,
            image: gpu.image.clone(),
            geolocation: gpu.geolocation.clone(),
            is_bid: gpu.is_bid,
            provider: Provider::Vast,
            cpu_standby,
            total_dph: own.map(|rate| rate.plus(theirs).usd()),
        }
    }
}

/// `GET /instances`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Instances {
    /// Oldest first.
    pub instances: Vec<Instance>,
    /// How many.
    pub count: usize,
    /// When the provider said so.
    pub as_of: Time,
    /// Why it could not be read again since.
    pub stale_error: Option<String>,
}

/// `GET /instances?status=`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct InstanceQuery {
    /// Only instances with this status.
    pub status: Option<String>,
}

/// `POST /instances`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateInstance {
    /// The offer to buy.
    pub offer_id: i64,
    /// Container image.
    pub image: String,
    /// GB, at least 8.
    pub disk_size: f64,
    /// What people call the machine.
    #[serde(default)]
    pub label: Option<String>,
    /// No standby, even with auto-standby on.
    #[serde(default)]
    pub skip_standby: bool,
    /// Run when the container starts.
    #[serde(default)]
    pub onstart: Option<String>,
    /// Absolute path of the workspace; `/workspace` when absent.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Commands run when the machine moves.
    #[serde(default)]
    pub hooks: Option<Hooks>,
}

/// The answer to `POST /instances`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedInstance {
    /// Always true; a refusal is a problem document.
    pub success: bool,
    /// Vast's number of the new instance.
    pub id: GpuId,
    /// The instance, once the provider's list shows it.
    pub instance: Option<Instance>,
}

/// `DELETE /instances/{id}?destroy_standby=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct DestroyQuery {
    /// Remove its standby too; kept when absent.
    pub destroy_standby: Option<bool>,
}
