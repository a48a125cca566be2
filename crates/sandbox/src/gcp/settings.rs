//! The routes that change one setting of a VM: tags, machine type, protection, and a reset.

use axum::{
    Json,
    body::Bytes,
    extract::{Query, State},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    body,
    call::{Call, ChangeQuery, OneVm},
    caller::Caller,
    draft,
    error::ApiError,
    operation::Kind,
    rule,
    vm::{Status, Vm, same_fingerprint},
};
use crate::world::World;

type Answer = Result<Json<Value>, ApiError>;

/// `POST /zones/{z}/instances/{i}/reset`: as with the button of a machine, nothing is shut down.
pub(super) async fn reset(
    State(world): State<World>,
    caller: Caller,
    path: OneVm,
    Query(query): Query<ChangeQuery>,
) -> Answer {
    let call = Call::new(world, caller, path, "compute.instances.reset")?;
    let change = |vm: &mut Vm| match vm.status {
        Status::Running => Ok(()),
        _ => Err(ApiError::not_ready(&vm.key.path())),
    };
    call.ask(query)?.edit(&call.key, Kind::Reset, change).map(Json)
}

/// `POST /zones/{z}/instances/{i}/setTags`
pub(super) async fn set_tags(
    State(world): State<World>,
    caller: Caller,
    path: OneVm,
    Query(query): Query<ChangeQuery>,
    bytes: Bytes,
) -> Answer {
    let body: body::Tags = body::read(&bytes)?;
    let call = Call::new(world, caller, path, "compute.instances.setTags")?;
    rule::tags(&body.items)?;
    let sent = body.fingerprint.unwrap_or_default();
    let change = |vm: &mut Vm| {
        if !same_fingerprint(&sent, &vm.tag_fingerprint()) {
            let why = "Supplied fingerprint does not match current tags fingerprint.";
            return Err(ApiError::condition(why));
        }
        vm.tags = body.items;
        Ok(())
    };
    call.ask(query)?.edit(&call.key, Kind::SetTags, change).map(Json)
}

/// `POST /zones/{z}/instances/{i}/setMachineType`: of a stopped VM only.
pub(super) async fn set_machine_type(
    State(world): State<World>,
    caller: Caller,
    path: OneVm,
    Query(query): Query<ChangeQuery>,
    bytes: Bytes,
) -> Answer {
    let body: body::SetMachineType = body::read(&bytes)?;
    let call = Call::new(world, caller, path, "compute.instances.setMachineType")?;
    let wanted = draft::machine_type(
        "machineType",
        body.machine_type.as_deref(),
        &call.key.project,
        &call.key.zone,
    )?;
    let change = |vm: &mut Vm| {
        if vm.status != Status::Terminated {
            return Err(ApiError::usage("Instance should be in the STOPPED state."));
        }
        vm.machine_type = wanted;
        Ok(())
    };
    call.ask(query)?.edit(&call.key, Kind::SetMachineType, change).map(Json)
}

/// Whether a VM is to be protected.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ProtectionQuery {
    deletion_protection: Option<String>,
    request_id: Option<String>,
}

/// `POST /zones/{z}/instances/{i}/setDeletionProtection`: on, where it is not said.
pub(super) async fn set_deletion_protection(
    State(world): State<World>,
    caller: Caller,
    path: OneVm,
    Query(query): Query<ProtectionQuery>,
) -> Answer {
    let call = Call::new(world, caller, path, "compute.instances.setDeletionProtection")?;
    // gcloud writes `True`, others `true`.
    let wanted = match query.deletion_protection.as_deref() {
        None | Some("") => true,
        Some(text) if text.eq_ignore_ascii_case("true") => true,
        Some(text) if text.eq_ignore_ascii_case("false") => false,
        Some(text) => {
            return Err(ApiError::field("deletionProtection", text, "Must be true or false."));
        }
    };
    let change = |vm: &mut Vm| {
        vm.deletion_protection = wanted;
        Ok(())
    };
    let query = ChangeQuery { request_id: query.request_id };
    call.ask(query)?.edit(&call.key, Kind::SetDeletionProtection, change).map(Json)
}
