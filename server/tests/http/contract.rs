//! The shapes that the contract names, on real rows.

use serde_json::Value;
use server::api::table::table;

use crate::database::Database;
use crate::people::Person;
use crate::seed::{self, GPU};
use crate::world::{World, body};

fn has(value: &Value, fields: &[&str]) {
    for field in fields {
        assert!(value.get(field).is_some(), "no {field} in {value}");
    }
}

async fn rows_have_the_contracts_fields(world: World) {
    let ana = Person::join(&world, "ana").await;
    let id = seed::machine(&world, &ana.id).await;
    let get = async |path: &str| {
        body(200, ana.signs(world.get(&format!("/api/v1{path}"))).send().await.expect("an answer"))
            .await
    };

    let listed = get("/standby/associations").await;
    assert_eq!(listed["count"], 1);
    let association = &listed["associations"][GPU.to_string()];
    has(
        association,
        &[
            "gpu_instance_id",
            "cpu_standby",
            "sync_enabled",
            "state",
            "sync_count",
            "last_sync_at",
            "lag_seconds",
            "epoch",
            "gpu_failed",
            "failure_reason",
        ],
    );
    has(
        &association["cpu_standby"],
        &["name", "zone", "ip", "machine_type", "spot", "status", "created_at"],
    );
    assert_eq!(get(&format!("/standby/associations/{GPU}")).await["epoch"], association["epoch"]);

    let status = get(&format!("/standby/failover/status/{id}")).await;
    has(
        &status,
        &[
            "failover_id",
            "gpu_instance_id",
            "kind",
            "reason",
            "phase",
            "started_at",
            "completed_at",
            "success",
            "new_gpu_id",
            "data_restored",
            "phase_timings_ms",
            "phases",
            "time_to_cpu_ms",
            "total_time_ms",
            "rpo_ms",
            "files_verified",
            "files_lost",
            "cost_usd",
            "instances",
            "error",
        ],
    );
    assert_eq!(
        (status["kind"].as_str(), status["phase"].as_str(), status["success"].as_bool()),
        (Some("real"), Some("complete"), Some(true))
    );
    assert_eq!(
        (status["rpo_ms"].as_i64(), status["files_verified"].as_i64()),
        (Some(1_500), Some(12))
    );
    assert_eq!(status["files_lost"][0], "/owners/path/lost file");
    has(&status["phases"][0], &["name", "started_at", "ended_at", "provider_ms"]);

    let active = get("/standby/failover/active").await;
    assert_eq!(
        (active["active_count"].as_i64(), active["failovers"][0]["failover_id"].as_str()),
        (Some(1), Some("owners-failover-2"))
    );

    let report = get("/standby/failover/report").await;
    has(
        &report,
        &[
            "period_days",
            "total_failovers",
            "successful_failovers",
            "failed_failovers",
            "success_rate",
            "mttr_ms",
            "mttr_seconds",
            "mttr_p50_ms",
            "mttr_p95_ms",
            "time_to_cpu_p50_ms",
            "latency_by_phase_ms",
            "data_restored_count",
            "gpus_provisioned_count",
            "primary_cause",
            "history",
        ],
    );
    assert_eq!(
        (
            report["total_failovers"].as_i64(),
            report["successful_failovers"].as_i64(),
            report["sandbox"].as_bool()
        ),
        (Some(2), Some(1), Some(true))
    );
    let drills = get("/standby/failover/report?kind=drill").await;
    assert_eq!(
        (
            drills["total_failovers"].as_i64(),
            drills["mttr_ms"].is_null(),
            drills["success_rate"].is_null()
        ),
        (Some(0), true, true)
    );

    let csv = ana
        .signs(world.get("/api/v1/standby/failover/report?format=csv"))
        .send()
        .await
        .expect("an answer");
    assert!(csv.headers()["content-type"].to_str().expect("text").starts_with("text/csv"));
    let csv = csv.text().await.expect("a body");
    assert_eq!(csv.lines().count(), 3, "{csv}");
    world.end().await;
}

on_both!(rows_have_the_contracts_fields);

#[tokio::test(flavor = "multi_thread")]
async fn the_description_has_every_route_and_the_page_shows_it() {
    let world = World::start(Database::sqlite()).await;
    let openapi = world.get("/api/v1/openapi.json").send().await.expect("an answer");
    let openapi = body(200, openapi).await;
    let page = world.get("/docs").send().await.expect("an answer").text().await.expect("a page");
    for route in table() {
        let (method, path) = route.method_and_path().expect("described");
        let operation = &openapi["paths"][&path][method.as_str().to_lowercase()];
        assert!(operation.is_object(), "{method} {path} is not described");
        assert!(
            operation["summary"].as_str().is_some_and(|text| !text.is_empty()),
            "{method} {path} has no summary"
        );
        assert!(
            operation["responses"]["default"].is_object(),
            "{method} {path} does not tell of failures"
        );
        assert!(page.contains(&path), "{path} is not on the page");
    }
    let text = openapi.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().expect("a name");
        assert!(
            openapi["components"]["schemas"][name].is_object(),
            "{name} is referred to and not described"
        );
    }
    assert!(!page.contains("<script"), "the page has no script");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_carry_headers_that_keep_browsers_safe() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    for path in ["/api/v1/auth/me", "/login", "/docs", "/healthz", "/nowhere"] {
        let answer = ana.signs(world.get(path)).send().await.expect("an answer");
        let header = |name: &str| {
            answer
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        let policy = header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"),
            "{path}: {policy}"
        );
        assert!(!header("x-request-id").is_empty(), "{path}");
    }
    let ready = body(200, world.get("/readyz").send().await.expect("an answer")).await;
    assert_eq!((ready["ready"].as_bool(), ready["database"].as_str()), (Some(true), Some("ok")));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_gpu_that_was_left_shows_where_its_machine_is() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    seed::machine(&world, &ana.id).await;
    let store = &world.dumont.store;
    let tie = store.associations().list(&ana.id).await.expect("associations").remove(0);
    let to = store::Placement {
        gpu: domain::id::GpuId(GPU + 1),
        endpoint: None,
        host_key: None,
        spec: tie.spec.clone(),
    };
    store
        .associations()
        .switch_gpu(&tie.id, tie.epoch, &to, world.dumont.now())
        .await
        .expect("switched");
    for gpu in [GPU, GPU + 1] {
        let page =
            server::service::machines::machine(&world.dumont, &ana.id, domain::id::GpuId(gpu))
                .await;
        let row = page.expect("a page").row;
        assert_eq!((row.gpu_instance_id.0, row.name.as_str()), (GPU + 1, "owners-machine"));
    }
    let bob = Person::join(&world, "bob").await;
    let theirs =
        server::service::machines::machine(&world.dumont, &bob.id, domain::id::GpuId(GPU)).await;
    assert_eq!(theirs.expect_err("not theirs").status(), 404);
    world.end().await;
}
