//! What an instance calls for of its host: image, disk, GPUs, ports and variables.

use super::driver::host_id;
use super::instance::Instance;
use super::offer::Slot;
use crate::host::{HostKind, HostSpec};
use crate::world::World;

/// A new instance's host.
pub(super) fn spec(world: &World, instance: &Instance) -> HostSpec {
    HostSpec {
        keys: key_lines(instance),
        boot_script: instance.boot_script(),
        env: environment(world, instance),
        image: instance.image.clone(),
        disk_bytes: world.disk_bytes(&instance.image, instance.disk_gb),
        gpus: world.vast().slot(instance.ask_id).map(Slot::gpus),
        ports: instance.published_ports(),
        ..HostSpec::new(host_id(instance.id), HostKind::Gpu)
    }
}

/// What the container is started with: the customer's variables and Vast's own, which say where its
/// ports are reached until it is started again.
pub(super) fn environment(world: &World, instance: &Instance) -> Vec<(String, String)> {
    let id = host_id(instance.id);
    let mut env: Vec<_> = instance.variables().collect();
    let mut add = |name: &str, value: String| env.push((name.to_owned(), value));
    add("CONTAINER_ID", instance.id.to_string());
    add("CONTAINER_API_KEY", instance.api_key.clone());
    add("VAST_CONTAINERLABEL", format!("C.{}", instance.id));
    if let Some(at) = world.hosts().endpoint(&id) {
        add("PUBLIC_IPADDR", at.addr.to_string());
        if instance.has_ssh() {
            add("VAST_TCP_PORT_22", at.port.to_string());
        }
    }
    for port in world.hosts().ports(&id) {
        add(&format!("VAST_TCP_PORT_{}", port.inside), port.outside.to_string());
    }
    env
}

/// The keys that may log in.
pub(super) fn key_lines(instance: &Instance) -> Vec<String> {
    instance.keys.iter().map(|key| key.public_key.clone()).collect()
}
