//! `POST /zones/{z}/instances/bulkInsert`: many VMs alike with one call.
//!
//! Whether enough of them can be had is decided when the call is taken in: either as many as were
//! called for at least are made, or none is.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    accept::Ask, body, call::ChangeQuery, caller::Caller, catalog, draft::Draft, error::ApiError,
    link,
};
use crate::world::World;

/// VMs of one call at most.
const MOST: usize = 1000;

/// The body of `bulkInsert`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct BulkInsert {
    #[serde(deserialize_with = "body::size")]
    count: Option<String>,
    #[serde(deserialize_with = "body::size")]
    min_count: Option<String>,
    name_pattern: Option<String>,
    instance_properties: Option<body::Instance>,
    per_instance_properties: BTreeMap<String, Value>,
    source_instance_template: Option<String>,
}

/// The call.
pub(super) async fn insert(
    State(world): State<World>,
    caller: Caller,
    Path((project, zone)): Path<(String, String)>,
    Query(query): Query<ChangeQuery>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    let body: BulkInsert = body::read(&bytes)?;
    let resource = format!("{}/instances/*", link::zone_path(&project, &zone));
    caller.permit(&project, "compute.instances.create", &resource)?;
    if !catalog::has_zone(&zone) {
        return Err(ApiError::field("zone", &zone, "Unknown zone."));
    }
    let ask = Ask { world: &world, account: &caller.account, request: query.request()? };
    let (drafts, least) = drafts(body, &project, &zone, |name| {
        world.gcp().read(|store| {
            store
                .vms()
                .iter()
                .any(|vm| vm.key.name == name && vm.key.project == project && vm.key.zone == zone)
        })
    })?;
    for draft in &drafts {
        caller.policy(draft, &zone)?;
    }
    ask.bulk_insert(&zone, drafts, least).map(Json)
}

/// The VMs of a body and how many of them have to be made.
fn drafts(
    body: BulkInsert,
    project: &str,
    zone: &str,
    taken: impl Fn(&str) -> bool,
) -> Result<(Vec<Draft>, usize), ApiError> {
    if let Some(template) = body.source_instance_template.filter(|link| !link.is_empty()) {
        let why = "The referenced instance template resource cannot be found.";
        return Err(ApiError::field("resource.sourceInstanceTemplate", &template, why));
    }
    let Some(properties) = body.instance_properties else {
        let why = "Instance properties or a source instance template must be specified.";
        return Err(ApiError::field("resource.instanceProperties", "", why));
    };
    let count = number("resource.count", body.count.as_deref())?;
    let named: Vec<String> = body.per_instance_properties.into_keys().collect();
    let count = match (count, named.len()) {
        (Some(count), 0) => count,
        (None, 0) => return Err(ApiError::field("resource.count", "", "Count must be specified.")),
        (count, names) if count.is_none_or(|count| count == names) => names,
        (count, _) => {
            let why = "Count must be the number of per-instance properties.";
            return Err(ApiError::field("resource.count", &text(count), why));
        }
    };
    let least = number("resource.minCount", body.min_count.as_deref())?.unwrap_or(count);
    if least > count {
        let why = "The minimum count can't be greater than the count.";
        return Err(ApiError::field("resource.minCount", &least.to_string(), why));
    }
    let names = match (named.is_empty(), body.name_pattern.as_deref()) {
        (false, None | Some("")) => named,
        (false, Some(pattern)) => {
            let why = "A name pattern can't be used with names of instances.";
            return Err(ApiError::field("resource.namePattern", pattern, why));
        }
        (true, pattern) => numbered(pattern.unwrap_or_default(), count, taken)?,
    };
    let draft = |name: String| {
        let one = body::Instance { name: Some(name), ..properties.clone() };
        Draft::new(one.in_zone(zone), project, zone)
    };
    Ok((names.into_iter().map(draft).collect::<Result<_, _>>()?, least))
}

fn text(number: Option<usize>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

fn number(field: &str, value: Option<&str>) -> Result<Option<usize>, ApiError> {
    let Some(value) = value else { return Ok(None) };
    let why = format!("Value must be between 1 and {MOST}.");
    let number = value.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.map(Some).ok_or_else(|| ApiError::field(field, value, &why))
}

/// Names by a pattern whose run of `#` is a number with as many digits: the first ones from 1 on that
/// follow one another and are all free.
fn numbered(
    pattern: &str,
    count: usize,
    taken: impl Fn(&str) -> bool,
) -> Result<Vec<String>, ApiError> {
    let bad = || {
        let why = "The pattern must have one sequence of '#'.";
        ApiError::field("resource.namePattern", pattern, why)
    };
    let first = pattern.find('#').ok_or_else(bad)?;
    let digits = pattern.chars().filter(|c| *c == '#').count();
    let hashes = "#".repeat(digits);
    let (before, after) = pattern.split_once(&hashes).ok_or_else(bad)?;
    if before.len() != first {
        return Err(bad());
    }
    let name = |number: usize| format!("{before}{number:0digits$}{after}");
    let fits = |number: usize| (0..count).all(|at| !taken(&name(number + at)));
    let most = 10_usize.saturating_pow(u32::try_from(digits).unwrap_or(u32::MAX)).min(10_000);
    let start = (1..most).take_while(|start| start + count <= most).find(|start| fits(*start));
    let start = start.ok_or_else(|| {
        let why = format!("The pattern has no {count} free names.");
        ApiError::field("resource.namePattern", pattern, &why)
    })?;
    Ok((start..start + count).map(name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_from_the_first_run_that_is_free() {
        let names = |count, taken: &[&str]| {
            numbered("vm-##-x", count, |name| taken.contains(&name)).map_err(|error| error.code())
        };
        assert_eq!(names(2, &[]), Ok(vec!["vm-01-x".into(), "vm-02-x".into()]));
        assert_eq!(names(2, &["vm-02-x"]), Ok(vec!["vm-03-x".into(), "vm-04-x".into()]));
        assert_eq!(names(99, &[]).map(|all| all.len()), Ok(99));
        assert_eq!(names(100, &[]), Err(400));
        for bad in ["vm", "", "a-#-b-#"] {
            assert!(numbered(bad, 1, |_| false).is_err(), "{bad}");
        }
    }

    #[test]
    fn counts_have_to_agree() {
        let refused = |text: &str| {
            let body: BulkInsert = body::read(text.as_bytes()).expect("a body");
            drafts(body, "p", "europe-west1-b", |_| false).expect_err(text).message().to_owned()
        };
        let properties = r#""instanceProperties": {}"#;
        assert!(refused("{}").contains("Instance properties"));
        assert!(refused(&format!("{{{properties}}}")).contains("Count must be specified"));
        let named = r#""perInstanceProperties": {"a": {}, "b": {}}"#;
        assert!(
            refused(&format!(r#"{{"count": 3, {named}, {properties}}}"#)).contains("number of")
        );
        assert!(
            refused(&format!(
                r#"{{"count": 2, "minCount": 3, "namePattern": "a#", {properties}}}"#
            ))
            .contains("minimum")
        );
        assert!(refused(&format!(r#"{{"count": 1001, {properties}}}"#)).contains("between 1"));
    }
}
