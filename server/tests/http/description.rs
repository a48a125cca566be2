//! The description of the API: whole, valid in its structure, and spelled as the wire is.

use std::collections::BTreeSet;

use domain::text_enum;
use serde::Serialize;
use serde_json::{Value, json};
use server::api::table::table;

use crate::database::Database;
use crate::world::{World, body};

async fn described() -> (World, Value) {
    let world = World::start(Database::sqlite()).await;
    let answer = world.get("/api/v1/openapi.json").send().await.expect("an answer");
    let openapi = body(200, answer).await;
    (world, openapi)
}

fn operations(openapi: &Value) -> Vec<(String, &Value)> {
    let paths = openapi["paths"].as_object().expect("paths");
    let all = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("operations");
        item.iter().map(move |(method, one)| (format!("{} {path}", method.to_uppercase()), one))
    });
    all.collect()
}

/// Every schema anywhere in the description, with where it is.
fn schemas<'a>(value: &'a Value, at: &str, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("type") || fields.contains_key("oneOf") {
                found.push((at.to_owned(), value));
            }
            for (name, inner) in fields {
                schemas(inner, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                schemas(inner, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_described_to_its_end() {
    let (world, openapi) = described().await;
    assert_eq!(openapi["openapi"], "3.1.0");
    let operations = operations(&openapi);
    assert_eq!(operations.len(), table().len());
    let mut ids = BTreeSet::new();
    for (what, operation) in &operations {
        let id = operation["operationId"].as_str().expect("an id");
        assert!(ids.insert(id), "{what}: {id} is another's too");
        let responses = operation["responses"].as_object().expect("responses");
        let mut well = 0;
        for (status, response) in responses {
            let words = response["description"].as_str().unwrap_or_default();
            assert!(!words.is_empty(), "{what}: {status} has no description");
            let content = response["content"].as_object().expect("content");
            if status.starts_with('2') {
                well += 1;
            } else {
                let kinds: Vec<&String> = content.keys().collect();
                assert_eq!(kinds, ["application/problem+json"], "{what}: {status}");
            }
            for (kind, one) in content {
                assert!(one["schema"].is_object(), "{what}: {status} {kind} has no schema");
            }
        }
        assert_eq!(well, 1, "{what}: one way to succeed");
        for status in ["429", "500", "503"] {
            assert!(responses.contains_key(status), "{what}: no {status}");
        }
        if operation["security"].is_array() {
            assert!(responses.contains_key("401"), "{what}: no 401");
        }
        let (_, path) = what.split_once(' ').expect("a method and a path");
        let parameters: Vec<&Value> =
            operation["parameters"].as_array().into_iter().flatten().collect();
        let named: BTreeSet<&str> = parameters
            .iter()
            .filter(|one| one["in"] == "path")
            .map(|one| one["name"].as_str().expect("a name"))
            .collect();
        let wanted: BTreeSet<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(named, wanted, "{what}");
        for one in parameters {
            let name = &one["name"];
            assert!(!one["description"].as_str().unwrap_or_default().is_empty(), "{what}: {name}");
            let schema = &one["schema"];
            assert!(
                schema["type"].is_string() || schema["$ref"].is_string(),
                "{what}: {name}: {schema}"
            );
            let bounded = ["minimum", "maximum", "pattern", "maxLength", "enum", "$ref"];
            assert!(
                schema["type"] == "boolean"
                    || bounded.iter().any(|bound| schema.get(bound).is_some()),
                "{what}: {name} has no bound: {schema}"
            );
            assert_eq!(one["required"], one["in"] == "path", "{what}: {name}");
        }
        if let Some(request) = operation.get("requestBody") {
            assert!(request["content"]["application/json"]["schema"]["$ref"].is_string(), "{what}");
            for status in ["400", "413", "415", "422"] {
                assert!(responses.contains_key(status), "{what}: no {status}");
            }
        }
    }
    let report =
        &openapi["paths"]["/standby/failover/report"]["get"]["responses"]["200"]["content"];
    let kinds: Vec<&String> = report.as_object().expect("content").keys().collect();
    assert_eq!(kinds, ["application/json", "text/csv"]);
    for scheme in ["token", "session"] {
        assert!(openapi["components"]["securitySchemes"][scheme].is_object(), "{scheme}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_may_hold_is_bounded() {
    let (world, openapi) = described().await;
    for (what, operation) in operations(&openapi) {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let Some(name) = schema.as_str().and_then(|path| path.rsplit('/').next()) else { continue };
        let schema = &openapi["components"]["schemas"][name];
        assert_eq!(schema["additionalProperties"], json!(false), "{what}: {name} takes anything");
        for (field, of) in schema["properties"].as_object().expect("fields") {
            let text = of.to_string();
            let kinds = &of["type"];
            let is = |kind: &str| {
                kinds == kind || kinds.as_array().is_some_and(|all| all.contains(&json!(kind)))
            };
            if is("string") && of.get("enum").is_none() {
                assert!(
                    text.contains("maxLength") || text.contains("pattern"),
                    "{what}: {name}.{field}: {of}"
                );
            }
            if is("integer") || is("number") {
                assert!(text.contains("inimum"), "{what}: {name}.{field}: {of}");
            }
        }
    }
    world.end().await;
}

fn words<T: Serialize>(all: &[T]) -> Vec<Value> {
    all.iter().map(|one| serde_json::to_value(one).expect("a word")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_enum_is_spelled_as_the_wire_is() {
    macro_rules! known {
        ($($of:ty),+ $(,)?) => { vec![$((
            stringify!($of).rsplit("::").next().expect("a name").trim().to_owned(),
            words(<$of>::ALL),
        )),+] };
    }
    let known: Vec<(String, Vec<Value>)> = known![
        domain::access::AccountRole,
        domain::access::Scope,
        domain::association::AssociationState,
        domain::association::Serving,
        domain::failover::FailoverState,
        domain::failover::Kind,
        domain::failover::Phase,
        domain::failover::Role,
        domain::failover::StepName,
        domain::gpu::GpuState,
        domain::policy::GpuClass,
        domain::provider::Provider,
        domain::standby::StandbyState,
        domain::verdict::Cause,
        domain::view::account::SessionKind,
        domain::view::failover::Fate,
        domain::view::people::InvitationState,
        domain::view::settings::SecretState,
    ];
    let (world, openapi) = described().await;
    let mut seen = 0;
    for (name, schema) in openapi["components"]["schemas"].as_object().expect("schemas") {
        let Some(spelled) = schema["enum"].as_array() else { continue };
        seen += 1;
        for word in spelled {
            let word = word.as_str().expect("a word");
            assert!(
                word.chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c)),
                "{name}: {word} is no word of the wire"
            );
        }
        if let Some((_, words)) = known.iter().find(|(known, _)| known == name) {
            assert_eq!(spelled, words, "{name}");
        }
    }
    for (name, _) in &known {
        let schema = &openapi["components"]["schemas"][name];
        assert!(schema["enum"].is_array(), "{name} is not described");
    }
    assert!(seen >= known.len(), "{seen}");
    let spelling: fn(&str) -> Result<_, text_enum::UnknownWord> =
        |word| word.parse::<domain::policy::GpuClass>();
    assert!(spelling("at_least").is_ok() && spelling("AtLeast").is_err());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_referred_to_that_is_not_there() {
    let (world, openapi) = described().await;
    let text = openapi.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().expect("a pointer");
        assert!(openapi.pointer(pointer).is_some(), "{pointer}");
    }
    let mut all = Vec::new();
    schemas(&openapi["components"]["schemas"], "", &mut all);
    assert!(all.len() > 100, "{}", all.len());
    world.end().await;
}
