//! The routes of `networks` and `subnetworks`: each project has the network that Compute makes by
//! itself, with one subnetwork in each region, and no other.

use std::net::Ipv4Addr;

use axum::{
    Json,
    extract::{Path, Query},
};
use serde_json::{Value, json};

use super::{
    caller::Caller,
    catalog,
    error::ApiError,
    instances::{by_scope, collection},
    link,
    page::{ListQuery, Page},
    regions,
};

type Answer = Result<Json<Value>, ApiError>;

/// The one network's name, and that of its subnetworks.
pub(super) const DEFAULT: &str = "default";

/// The first address of a region's subnetwork, which has 20 bits of prefix.
pub(super) fn range(region: &str) -> Ipv4Addr {
    let second = match region {
        "us-east1" => 142,
        "europe-west1" => 132,
        "europe-west4" => 164,
        "southamerica-east1" => 158,
        _ => 128,
    };
    Ipv4Addr::new(10, second, 0, 0)
}

/// `projects/P/global/networks/default`.
pub(super) fn path(project: &str) -> String {
    format!("projects/{project}/global/networks/{DEFAULT}")
}

/// `projects/P/regions/R/subnetworks/default`.
pub(super) fn subnetwork_path(project: &str, region: &str) -> String {
    format!("projects/{project}/regions/{region}/subnetworks/{DEFAULT}")
}

fn network(project: &str) -> Value {
    let path = path(project);
    let parts = regions::all();
    let parts: Vec<String> =
        parts.iter().map(|region| link::link(&subnetwork_path(project, region))).collect();
    json!({
        "kind": "compute#network",
        "id": catalog::stable_id(&path),
        "creationTimestamp": catalog::CREATED,
        "name": DEFAULT,
        "description": "Default network for the project",
        "autoCreateSubnetworks": true,
        "subnetworks": parts,
        "routingConfig": {"routingMode": "REGIONAL"},
        "mtu": 1460,
        "selfLink": link::link(&path),
    })
}

fn subnetwork(project: &str, region: &str) -> Value {
    let own = subnetwork_path(project, region);
    let first = u32::from(range(region));
    json!({
        "kind": "compute#subnetwork",
        "id": catalog::stable_id(&own),
        "creationTimestamp": catalog::CREATED,
        "name": DEFAULT,
        "network": link::link(&path(project)),
        "ipCidrRange": format!("{}/20", range(region)),
        "gatewayAddress": Ipv4Addr::from(first + 1).to_string(),
        "region": link::link(&format!("projects/{project}/regions/{region}")),
        "purpose": "PRIVATE",
        "stackType": "IPV4_ONLY",
        "privateIpGoogleAccess": false,
        "selfLink": link::link(&own),
    })
}

/// `GET /global/networks`
pub(super) async fn list(
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Answer {
    caller.permit(&project, "compute.networks.list", &link::project_path(&project))?;
    let Page { items, next } = query.page(std::iter::once(network(&project)))?;
    let path = format!("projects/{project}/global/networks");
    Ok(Json(collection("compute#networkList", &path, items.into(), next)))
}

/// `GET /global/networks/{n}`
pub(super) async fn get(caller: Caller, Path((project, name)): Path<(String, String)>) -> Answer {
    let path = format!("projects/{project}/global/networks/{name}");
    caller.permit(&project, "compute.networks.get", &path)?;
    if name == DEFAULT {
        return Ok(Json(network(&project)));
    }
    Err(ApiError::not_found(&path))
}

/// `GET /regions/{r}/subnetworks`
pub(super) async fn subnetworks(
    caller: Caller,
    Path((project, region)): Path<(String, String)>,
    Query(query): Query<ListQuery>,
) -> Answer {
    let resource = format!("projects/{project}/regions/{region}");
    caller.permit(&project, "compute.subnetworks.list", &resource)?;
    regions::known(&region)?;
    let Page { items, next } = query.page(std::iter::once(subnetwork(&project, &region)))?;
    let path = format!("{resource}/subnetworks");
    Ok(Json(collection("compute#subnetworkList", &path, items.into(), next)))
}

/// `GET /regions/{r}/subnetworks/{s}`
pub(super) async fn one_subnetwork(
    caller: Caller,
    Path((project, region, name)): Path<(String, String, String)>,
) -> Answer {
    let path = format!("projects/{project}/regions/{region}/subnetworks/{name}");
    caller.permit(&project, "compute.subnetworks.get", &path)?;
    regions::known(&region)?;
    if name == DEFAULT {
        return Ok(Json(subnetwork(&project, &region)));
    }
    Err(ApiError::not_found(&path))
}

/// `GET /aggregated/subnetworks`
pub(super) async fn aggregated(
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Answer {
    caller.permit(&project, "compute.subnetworks.list", &link::project_path(&project))?;
    let all = regions::all().into_iter().map(|region| subnetwork(&project, region));
    let Page { items, next } = query.page(all)?;
    let path = format!("projects/{project}/aggregated/subnetworks");
    let scopes = by_scope("subnetworks", "region", regions::all(), items);
    Ok(Json(collection("compute#subnetworkAggregatedList", &path, scopes, next)))
}

/// Checks the references of an interface in a zone: to the network, to the subnetwork, or to both.
pub(super) fn check(
    field: &str,
    network: &str,
    subnetwork: &str,
    project: &str,
    zone: &str,
) -> Result<(), ApiError> {
    let own = link::own_path(network, project);
    if !network.is_empty() && own != format!("global/networks/{DEFAULT}") {
        let why = "The referenced network resource cannot be found.";
        return Err(ApiError::field(&format!("{field}.network"), network, why));
    }
    let region = link::region_of(zone);
    let own = link::own_path(subnetwork, project);
    if !subnetwork.is_empty() && own != format!("regions/{region}/subnetworks/{DEFAULT}") {
        let why = "The referenced subnetwork resource cannot be found.";
        return Err(ApiError::field(&format!("{field}.subnetwork"), subnetwork, why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(network: &str, subnetwork: &str) -> Result<(), u16> {
        check("nic", network, subnetwork, "p", "europe-west1-b").map_err(|error| error.code())
    }

    #[test]
    fn only_the_network_that_is_there_can_be_named() {
        for good in [
            "",
            "global/networks/default",
            "projects/p/global/networks/default",
            "https://www.googleapis.com/compute/v1/projects/p/global/networks/default",
        ] {
            assert_eq!(checked(good, ""), Ok(()), "{good}");
        }
        for bad in ["default", "global/networks/other", "projects/q/global/networks/default"] {
            assert_eq!(checked(bad, ""), Err(400), "{bad}");
        }
    }

    #[test]
    fn a_subnetwork_is_one_of_the_zones_own_region() {
        assert_eq!(checked("", "regions/europe-west1/subnetworks/default"), Ok(()));
        assert_eq!(checked("", "projects/p/regions/europe-west1/subnetworks/default"), Ok(()));
        assert_eq!(checked("", "regions/us-central1/subnetworks/default"), Err(400));
        assert_eq!(checked("", "regions/europe-west1/subnetworks/mine"), Err(400));
    }

    #[test]
    fn the_regions_ranges_do_not_overlap() {
        let ranges: std::collections::BTreeSet<Ipv4Addr> =
            regions::all().into_iter().map(range).collect();
        assert_eq!(ranges.len(), regions::all().len());
    }
}
