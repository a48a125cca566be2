//! GPU instances as the API lists them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Port, Time, object};
use crate::association::{Association, AssociationState, Hooks};
use crate::gpu::{GpuInstance, GpuState};
use crate::id::GpuId;
use crate::money::MicroUsd;
use crate::name;
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
    /// The name that it was given; `null` where it has none.
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
            label: gpu.label.as_deref().map(name::shown),
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
    #[cfg_attr(feature = "openapi", param(value_type = Option<GpuState>))]
    pub status: Option<String>,
}

/// Image that a machine is rented with where none is named.
pub const USUAL_IMAGE: &str = "nvidia/cuda:12.4.1-runtime-ubuntu22.04";
/// Disk that a machine is rented with where no size is named, GB.
pub const USUAL_DISK_GB: f64 = 40.0;

/// `POST /instances`. Only the offer is needed; `null` is as absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateInstance {
    /// The offer to buy.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub offer_id: i64,
    /// Container image; `nvidia/cuda:12.4.1-runtime-ubuntu22.04` when absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 1024))]
    pub image: Option<String>,
    /// GB; 40 when absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 8, maximum = 4096))]
    pub disk_size: Option<f64>,
    /// What people call the machine.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub label: Option<String>,
    /// No standby, even with auto-standby on.
    #[serde(default)]
    pub skip_standby: bool,
    /// Run when the container starts.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 4048))]
    pub onstart: Option<String>,
    /// The same as `onstart`, for older clients; not both.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 4048))]
    pub onstart_cmd: Option<String>,
    /// Ports of the container to open beside SSH's. A replacement after a failover gets the same.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 32))]
    pub ports: Option<Vec<Port>>,
    /// Taken from older clients and without effect: what can't be rented is refused either way.
    #[serde(default)]
    pub skip_validation: Option<bool>,
    /// Absolute path of the workspace; `/workspace` when absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 255))]
    pub workspace: Option<String>,
    /// Commands run when the machine moves.
    #[serde(default, deserialize_with = "object")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Hooks>, required = false))]
    pub hooks: Option<Hooks>,
}

impl CreateInstance {
    /// An offer, as it is rented where nothing else is said.
    #[must_use]
    pub const fn of(offer_id: i64) -> Self {
        Self {
            offer_id,
            image: None,
            disk_size: None,
            label: None,
            skip_standby: false,
            onstart: None,
            onstart_cmd: None,
            ports: None,
            skip_validation: None,
            workspace: None,
            hooks: None,
        }
    }
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
