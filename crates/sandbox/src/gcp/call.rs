//! What all calls about one VM have in common.

use axum::extract::Path;
use serde::Deserialize;

use super::{accept::Ask, caller::Caller, catalog, error::ApiError, rule, vm::Key};
use crate::world::World;

/// Project, zone and name.
pub(super) type OneVm = Path<(String, String, String)>;

/// What a changing call may say beside its body.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ChangeQuery {
    pub(super) request_id: Option<String>,
}

impl ChangeQuery {
    /// The request id, if it is one.
    pub(super) fn request(self) -> Result<Option<String>, ApiError> {
        let Some(text) = self.request_id.filter(|text| !text.is_empty()) else { return Ok(None) };
        match uuid::Uuid::parse_str(&text) {
            Ok(id) if !id.is_nil() => Ok(Some(id.to_string())),
            _ => Err(ApiError::field("requestId", &text, "Must be a valid, non-zero UUID.")),
        }
    }
}

/// A call about one VM that passed the checks which all of them share.
pub(super) struct Call {
    /// The VM.
    pub(super) key: Key,
    caller: Caller,
    /// The sandbox.
    pub(super) world: World,
}

impl Call {
    /// Checks permission, zone and name.
    pub(super) fn new(
        world: World,
        caller: Caller,
        Path((project, zone, name)): OneVm,
        permission: &str,
    ) -> Result<Self, ApiError> {
        let key = Key { project, zone, name };
        caller.permit(&key.project, permission, &key.path())?;
        if !catalog::has_zone(&key.zone) {
            return Err(ApiError::field("zone", &key.zone, "Unknown zone."));
        }
        if !rule::is_name(&key.name) && key.name.parse::<u64>().is_err() {
            return Err(ApiError::field("instance", &key.name, "Not a name or an id."));
        }
        let mut call = Self { key, caller, world };
        call.resolve();
        Ok(call)
    }

    /// A VM may also be called by its number.
    fn resolve(&mut self) {
        let Ok(id) = self.key.name.parse::<u64>() else { return };
        let name = self.world.gcp().read(|store| {
            let same = |key: &Key| key.project == self.key.project && key.zone == self.key.zone;
            store.vms().iter().find(|vm| vm.id == id && same(&vm.key)).map(|vm| vm.key.name.clone())
        });
        if let Some(name) = name {
            self.key.name = name;
        }
    }

    /// What is asked for, with the request id checked.
    pub(super) fn ask(&self, query: ChangeQuery) -> Result<Ask<'_>, ApiError> {
        Ok(Ask { world: &self.world, account: &self.caller.account, request: query.request()? })
    }
}
