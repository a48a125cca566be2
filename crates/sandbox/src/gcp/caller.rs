//! Who calls, and whether they may.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header::AUTHORIZATION, request::Parts},
};
use serde_json::Value;

use super::{bearer, draft::Draft, error::ApiError, link, rates::Group};
use crate::{
    account::Account,
    fault::{Armed, Fault},
    world::World,
};

/// An authenticated service account in the middle of one request.
#[derive(Clone)]
pub(super) struct Caller {
    /// Whose service account it is.
    pub(super) account: Arc<Account>,
    group: Group,
    world: World,
}

impl FromRequestParts<World> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, world: &World) -> Result<Self, ApiError> {
        if let Some(params) = world.faults().hit(Fault::LatencyMs, None) {
            let ms = params.get("ms").and_then(Value::as_u64).unwrap_or(0);
            world.pause(Duration::from_millis(ms)).await;
        }
        if world.faults().hit(Fault::GcpApiDown, None).is_some() {
            return Err(ApiError::unavailable());
        }
        let account = authenticate(&parts.headers, world)?;
        if refused(&account, world) {
            return Err(ApiError::bad_credentials());
        }
        let group = if parts.method == Method::GET { Group::Read } else { Group::Mutate };
        Ok(Self { account, group, world: world.clone() })
    }
}

fn authenticate(headers: &HeaderMap, world: &World) -> Result<Arc<Account>, ApiError> {
    let header = headers.get(AUTHORIZATION).ok_or_else(ApiError::no_credentials)?;
    let text = header.to_str().map_err(|_| ApiError::bad_credentials())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(ApiError::bad_credentials)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::no_credentials());
    }
    let (token, now_ms) = (token.trim(), world.now_ms());
    if let Some(account) = world.gcp().read(|store| store.holder(token, now_ms)) {
        return world.accounts().by_id(account).ok_or_else(ApiError::bad_credentials);
    }
    let seen_ms = bearer::seen_at(world, now_ms);
    bearer::check(token, seen_ms, |issuer| world.accounts().by_sa_email(issuer)).map_err(|why| {
        tracing::debug!(%why, "a bearer token was refused");
        ApiError::bad_credentials()
    })
}

/// Whether the fault `key_refused` is armed for this service account, its project or everyone.
pub(super) fn refused(account: &Account, world: &World) -> bool {
    let names = [account.gcp_project.as_str(), account.sa_email.as_str()];
    names.iter().any(|name| world.faults().hit(Fault::KeyRefused, Some(name)).is_some())
}

impl Caller {
    /// Lets the call through if the project is the caller's own, the rate limit has room and no
    /// fault takes the permission away. `resource` is the path that the message names.
    pub(super) fn permit(
        &self,
        project: &str,
        permission: &str,
        resource: &str,
    ) -> Result<(), ApiError> {
        let faults = self.world.faults();
        if faults.hit(Fault::ApiDisabled, Some(&self.account.gcp_project)).is_some() {
            return Err(ApiError::not_enabled(&self.project_number()));
        }
        // An unknown project is answered like a foreign one, so that names can't be probed.
        if project != self.account.gcp_project || self.denied(permission, resource) {
            return Err(ApiError::forbidden(permission, resource));
        }
        if self.world.options().rate_limits
            && !self.world.gcp().rates().admit(project, self.group, self.world.now_ms())
        {
            return Err(ApiError::rate_limited(self.group.name(), project));
        }
        Ok(())
    }

    /// The number that Google gives to the caller's project.
    pub(super) fn project_number(&self) -> String {
        (self.account.id + 1_000_000_000).to_string()
    }

    /// Refuses a new VM that a policy of the caller's organisation forbids: an external address unless
    /// the fault says something else.
    pub(super) fn policy(&self, draft: &Draft, zone: &str) -> Result<(), ApiError> {
        const EXTERNAL: &str = "constraints/compute.vmExternalIpAccess";
        let (faults, project) = (self.world.faults(), &self.account.gcp_project);
        let constraint = |params: &Value| {
            let named = params.get("constraint").and_then(Value::as_str);
            named.map_or(EXTERNAL.to_owned(), |name| format!("constraints/{name}"))
        };
        let armed = faults.on(Fault::OrgPolicy, Some(project));
        let Some(broken) = armed.as_ref().map(constraint) else { return Ok(()) };
        if broken == EXTERNAL && draft.external.is_none() {
            return Ok(());
        }
        faults.hit(Fault::OrgPolicy, Some(project));
        let number = self.project_number();
        let why = if broken == EXTERNAL {
            let vm = link::zonal_path(project, zone, "instances", &draft.name);
            format!(
                "Constraint {broken} violated for project {number}. Add instance {vm} to the \
                 constraint to use external IP with it."
            )
        } else {
            format!(
                "Constraint {broken} violated for project {number}. See \
                 https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints \
                 for more information."
            )
        };
        Err(ApiError::policy(&why))
    }

    /// The same for a zone's collection as a whole.
    pub(super) fn permit_zone(
        &self,
        project: &str,
        zone: &str,
        permission: &str,
    ) -> Result<(), ApiError> {
        self.permit(project, permission, &link::zone_path(project, zone))?;
        if super::catalog::has_zone(zone) {
            return Ok(());
        }
        Err(ApiError::field("zone", zone, "Unknown zone."))
    }

    /// Whether the account has a permission in its project as a whole. Asking uses up no fault.
    pub(super) fn holds(&self, permission: &str) -> bool {
        self.denial(permission, &link::project_path(&self.account.gcp_project)).is_none()
    }

    fn denied(&self, permission: &str, resource: &str) -> bool {
        let Some(fault) = self.denial(permission, resource) else { return false };
        if fault.count.is_some() {
            self.world.faults().hit(Fault::PermissionDenied, fault.target.as_deref());
        }
        true
    }

    /// The fault that takes a permission on a resource away.
    fn denial(&self, permission: &str, resource: &str) -> Option<Armed> {
        let armed = self.world.faults().armed(self.world.now_ms());
        armed.into_iter().find(|fault| {
            let wanted = fault.params.get("permission").and_then(Value::as_str);
            let here = |target: &str| resource.split('/').any(|part| part == target);
            fault.name == Fault::PermissionDenied
                && wanted.is_none_or(|wanted| wanted == permission)
                && fault.target.as_deref().is_none_or(here)
        })
    }
}
