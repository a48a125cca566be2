//! What faults do to a change that is taken in: it is refused, its operation fails, or it is told to
//! have failed and did not.

use serde_json::Value;

use super::{
    catalog,
    error::ApiError,
    link,
    operation::{Failure, Kind},
    vm::Key,
};
use crate::{fault::Fault, world::World};

/// Uses up a fault whose target is a VM's zone or its name.
fn struck(world: &World, fault: Fault, key: &Key) -> Option<Value> {
    let faults = world.faults();
    faults.hit(fault, Some(&key.zone)).or_else(|| faults.hit(fault, Some(&key.name)))
}

/// Why a VM that is to run will not: no room in its zone, or a quota that is used up. A quota may
/// also be told at once.
pub(super) fn doom(
    world: &World,
    key: &Key,
    machine_type: &str,
) -> Result<Option<Failure>, ApiError> {
    if let Some(params) = struck(world, Fault::ZoneExhausted, key) {
        let details = params.get("with_details").and_then(Value::as_bool).unwrap_or(false);
        return Ok(Some(Failure::exhausted(key, details, machine_type)));
    }
    let Some(params) = struck(world, Fault::QuotaExceeded, key) else { return Ok(None) };
    let metric = params.get("metric").and_then(Value::as_str).unwrap_or("CPUS");
    let least = catalog::machine_type(&key.zone, machine_type).map_or(0, |kind| kind.guest_cpus);
    let limit = params.get("limit").and_then(Value::as_f64).unwrap_or(f64::from(least / 2));
    let region = link::region_of(&key.zone);
    let everywhere = metric.ends_with("_ALL_REGIONS");
    let failure = Failure::quota(metric, limit, (!everywhere).then_some(region));
    if params.get("at_once").and_then(Value::as_bool).unwrap_or(false) {
        return Err(ApiError::quota(&failure.message));
    }
    Ok(Some(failure))
}

/// What an operation ends with although it did its work: a VM that is told to have failed runs and
/// bills. A delete that is told so leaves its VM as it was.
pub(super) fn untrue(world: &World, key: &Key, kind: Kind) -> Option<Failure> {
    let wanted = |params: &Value| {
        params.get("operation").and_then(Value::as_str).unwrap_or("insert") == kind.word()
    };
    let faults = world.faults();
    let target = [key.zone.as_str(), key.name.as_str()].into_iter().find(|target| {
        faults.on(Fault::OperationFails, Some(target)).as_ref().is_some_and(wanted)
    })?;
    faults.hit(Fault::OperationFails, Some(target))?;
    Some(Failure::internal("Internal error. Please try again or contact Google Support.".into()))
}
