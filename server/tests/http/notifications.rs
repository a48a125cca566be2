//! Notifications over the API and the pages: made by the changes that they tell of.

use reqwest::Method;
use serde_json::{Value, json};

use crate::people::Person;
use crate::seed;
use crate::world::{World, body};

async fn get(world: &World, person: &Person, path: &str) -> Value {
    let asked = person.signs(world.get(&format!("/api/v1{path}")));
    body(200, asked.send().await.expect("an answer")).await
}

async fn post(world: &World, person: &Person, path: &str) -> Value {
    let asked = person.signs(world.post(&format!("/api/v1{path}")));
    body(200, asked.send().await.expect("an answer")).await
}

fn kinds(list: &Value) -> Vec<&str> {
    let all = list["notifications"].as_array().expect("a list");
    all.iter().map(|one| one["kind"].as_str().expect("a word")).collect()
}

async fn what_happened_is_listed_with_figures_and_read(world: World) {
    let ana = Person::join(&world, "ana").await;
    assert_eq!(get(&world, &ana, "/notifications").await["notifications"], json!([]));
    seed::machine(&world, &ana.id).await;
    let all = get(&world, &ana, "/notifications").await;
    // Two were opened, of which one reached the standby and its end.
    assert_eq!(
        kinds(&all),
        ["failover_started", "failover_complete", "on_standby", "failover_started"]
    );
    assert_eq!((&all["unread_count"], &all["next_before"]), (&json!(4), &Value::Null));
    let complete = &all["notifications"][1];
    assert_eq!(complete["failover_id"], "owners-failover-1");
    assert_eq!((&complete["severity"], &complete["sandbox"]), (&json!("good"), &json!(true)));
    let figures = &complete["figures"];
    let status = get(&world, &ana, "/standby/failover/status/owners-failover-1").await;
    for (told, reported) in [
        ("time_to_cpu_ms", "time_to_cpu_ms"),
        ("total_time_ms", "total_time_ms"),
        ("rpo_ms", "rpo_ms"),
        ("files_verified", "files_verified"),
    ] {
        assert!(figures[told].is_i64(), "{told} in {figures}");
        assert_eq!(figures[told], status[reported], "{told}");
    }
    assert_eq!(figures["waits_for"], Value::Null);

    let page = get(&world, &ana, "/notifications?limit=3").await;
    assert_eq!(kinds(&page).len(), 3);
    let before = page["next_before"].as_i64().expect("there is one more");
    let last = get(&world, &ana, &format!("/notifications?limit=3&before={before}")).await;
    assert_eq!((kinds(&last), &last["next_before"]), (vec!["failover_started"], &Value::Null));

    let id = complete["id"].as_i64().expect("a number");
    post(&world, &ana, &format!("/notifications/{id}/read")).await;
    post(&world, &ana, &format!("/notifications/{id}/read")).await;
    let unread = get(&world, &ana, "/notifications?unread=true").await;
    assert_eq!((kinds(&unread).len(), &unread["unread_count"]), (3, &json!(3)));
    post(&world, &ana, "/notifications/read-all").await;
    let unread = get(&world, &ana, "/notifications?unread=true").await;
    assert_eq!((&unread["notifications"], &unread["unread_count"]), (&json!([]), &json!(0)));

    for (path, status) in [("/notifications?limit=0", 422), ("/notifications?before=x", 400)] {
        let wrong = ana.signs(world.get(&format!("/api/v1{path}"))).send().await;
        body(status, wrong.expect("an answer")).await;
    }
    world.end().await;
}

async fn pages_tell_them_and_opening_a_failover_reads_its_own(world: World) {
    let ana = Person::join(&world, "ana").await;
    seed::machine(&world, &ana.id).await;
    let session = world.session(&ana.email).await;
    let page = async |path: &str| {
        let asked = world.get(path).header("cookie", &session).header("accept-language", "en");
        let answer = asked.send().await.expect("an answer");
        assert!(answer.status().as_u16() < 400, "{path}: {}", answer.status());
        answer
    };
    let list = page("/app/notifications").await.text().await.expect("a page");
    assert!(
        list.contains("4 unread") && list.contains("The failover of owners-machine is complete"),
        "{list}"
    );
    page("/app/failovers/owners-failover-1").await;
    let left = get(&world, &ana, "/notifications?unread=true").await;
    assert_eq!(kinds(&left), ["failover_started"], "the other failover's");
    let id = left["notifications"][0]["id"].as_i64().expect("a number");
    let followed = page(&format!("/app/notifications/{id}")).await;
    assert_eq!(followed.headers()["location"], "/app/failovers/owners-failover-2");
    assert_eq!(get(&world, &ana, "/notifications").await["unread_count"], 0);

    let bob = Person::join(&world, "bob").await;
    let session = world.session(&bob.email).await;
    for path in [format!("/app/notifications/{id}"), "/app/failovers/owners-failover-1".into()] {
        let asked = world.get(&path).header("cookie", &session);
        assert_eq!(asked.send().await.expect("an answer").status(), 404, "{path}");
    }
    world.end().await;
}

async fn a_service_account_that_google_refuses_is_told_once(world: World) {
    let ana = Person::join(&world, "ana").await;
    let good = world.sandbox.credentials.clone();
    let wanted =
        json!({"vast_api_key": good.vast_api_key, "gcp_credentials": good.gcp_service_account});
    let kept = ana.signs(world.ask(Method::PUT, "/api/v1/settings")).json(&wanted);
    body(200, kept.send().await.expect("an answer")).await;
    let configure = async |status| {
        let wanted = json!({"enabled": true, "sync_interval": 5});
        let asked = ana.signs(world.post("/api/v1/standby/configure")).json(&wanted);
        body(status, asked.send().await.expect("an answer")).await
    };
    let faults = format!("{}/_sandbox/faults", world.sandbox.url);
    let broken = world.client.post(&faults).json(&json!({"name": "permission_denied"})).send();
    assert!(broken.await.expect("an answer").status().is_success());
    configure(424).await;
    configure(424).await;
    let told = get(&world, &ana, "/notifications").await;
    assert_eq!(kinds(&told), ["credentials_refused"]);
    assert_eq!(told["notifications"][0]["figures"]["provider"], "gcp");
    world.client.delete(&faults).send().await.expect("cleared");
    configure(200).await;
    let broken = world.client.post(&faults).json(&json!({"name": "permission_denied"})).send();
    assert!(broken.await.expect("an answer").status().is_success());
    configure(424).await;
    let told = get(&world, &ana, "/notifications").await;
    assert_eq!(kinds(&told), ["credentials_refused"; 2], "it worked in between");

    let state = async || get(&world, &ana, "/settings").await["gcp_credentials"]["status"].clone();
    server::service::credentials::try_refused(&world.dumont).await.expect("tried");
    assert_eq!(state().await, "refused");
    world.client.delete(&faults).send().await.expect("cleared");
    server::service::credentials::try_refused(&world.dumont).await.expect("tried");
    assert_eq!(state().await, "ok", "mended permissions count without anybody's act");
    world.end().await;
}

on_both!(
    what_happened_is_listed_with_figures_and_read,
    pages_tell_them_and_opening_a_failover_reads_its_own,
    a_service_account_that_google_refuses_is_told_once,
);
