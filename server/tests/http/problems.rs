//! Every failure is a problem document with a request id.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::database::Database;
use crate::people::Person;
use crate::world::World;

async fn problem(status: u16, answer: Response) -> Value {
    let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
    let id = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
    let got = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    assert_eq!((got, kind.as_str()), (status, "application/problem+json"), "{text}");
    let told: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(told["status"], status);
    assert_eq!(told["request_id"], id);
    assert_eq!(told["error"], told["detail"]);
    for field in ["type", "title", "detail", "code"] {
        assert!(told[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {told}");
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_framework_refuses_is_a_problem_too() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    let send = async |method, path: &str, kind: Option<&str>, text: &str| {
        let mut request = ana.signs(world.ask(method, path)).body(text.to_owned());
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        request.send().await.expect("an answer")
    };
    let json = Some("application/json");
    problem(404, send(Method::GET, "/api/v1/nowhere", None, "").await).await;
    problem(404, send(Method::GET, "/api/nowhere/at/all", None, "").await).await;
    let answer = send(Method::PATCH, "/api/v1/settings", json, "{}").await;
    assert!(answer.headers().contains_key("allow"));
    problem(405, answer).await;
    problem(415, send(Method::PUT, "/api/v1/settings", Some("text/plain"), "{}").await).await;
    problem(400, send(Method::PUT, "/api/v1/settings", json, "{\"theme\":").await).await;
    problem(400, send(Method::GET, "/api/v1/instances/seven", None, "").await).await;
    problem(400, send(Method::GET, "/api/v1/instances/offers?limit=many", None, "").await).await;
    let large = format!("{{\"theme\":\"{}\"}}", "x".repeat(300_000));
    problem(413, send(Method::PUT, "/api/v1/settings", json, &large).await).await;
    problem(401, world.get("/api/v1/balance").send().await.expect("an answer")).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_fields_are_named() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    let fields = async |method, path: &str, text: &'static str| {
        let request = ana
            .signs(world.ask(method, path))
            .header("content-type", "application/json")
            .body(text);
        let told = problem(422, request.send().await.expect("an answer")).await;
        let named = told["errors"].as_array().expect("errors").clone();
        named
            .iter()
            .map(|one| one["field"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    let post = Method::POST;
    let configure = "/api/v1/standby/configure";
    assert_eq!(
        fields(
            post.clone(),
            configure,
            r#"{"enabled":true,"gcp_disk_size":9,"sync_interval":301}"#
        )
        .await,
        ["gcp_disk_size", "sync_interval"]
    );
    assert_eq!(
        fields(
            post.clone(),
            configure,
            r#"{"enabled":true,"gcp_zone":"moon-1","gcp_machine_type":"abacus"}"#
        )
        .await,
        ["gcp_zone", "gcp_machine_type"]
    );
    assert_eq!(
        fields(post.clone(), configure, r#"{"enabled":true,"gcp_spot":"yes"}"#).await,
        ["gcp_spot"]
    );
    assert_eq!(fields(Method::PUT, "/api/v1/settings", r#"{"locale":"tlh"}"#).await, ["locale"]);
    assert_eq!(fields(post.clone(), "/api/v1/auth/tokens", "{}").await, ["name"]);
    assert_eq!(
        fields(
            post.clone(),
            "/api/v1/auth/tokens",
            r#"{"name":"x","expires_at":"2020-01-01T00:00:00Z"}"#
        )
        .await,
        ["expires_at"]
    );
    assert_eq!(
        fields(post.clone(), "/api/v1/instances", r#"{"offer_id":1,"image":"","disk_size":20}"#)
            .await,
        ["image"]
    );
    assert_eq!(
        fields(post, "/api/v1/instances", r#"{"offer_id":1,"image":"x","disk_size":1}"#).await,
        ["disk_size"]
    );
    assert_eq!(fields(Method::GET, "/api/v1/standby/failover/report?days=0", "").await, ["days"]);
    assert_eq!(fields(Method::GET, "/api/v1/standby/pricing?zone=moon-1", "").await, ["zone"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_credentials_are_named_and_nothing_is_zero() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    for path in [
        "/api/v1/balance",
        "/api/v1/instances/balance",
        "/api/v1/instances",
        "/api/v1/instances/offers",
    ] {
        let told = problem(424, ana.signs(world.get(path)).send().await.expect("an answer")).await;
        assert_eq!(
            (told["code"].as_str(), told["errors"][0]["field"].as_str()),
            (Some("vast_api_key_missing"), Some("vast_api_key")),
            "{path}"
        );
    }
    let configure =
        ana.signs(world.post("/api/v1/standby/configure")).json(&json!({"enabled": true}));
    let configure = configure.send().await.expect("an answer");
    let told = problem(424, configure).await;
    assert_eq!(told["code"], "gcp_credentials_missing");
    let status = ana.signs(world.get("/api/v1/standby/status")).send().await.expect("an answer");
    let status = crate::world::body(200, status).await;
    assert_eq!(
        (status["configured"].as_bool(), status["auto_standby_enabled"].as_bool()),
        (Some(false), Some(false))
    );
    world.end().await;
}
