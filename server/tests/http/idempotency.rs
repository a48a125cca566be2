//! A request that buys, sent more than once under one key; machines found by every name they had;
//! names that people give.

use domain::association::Association;
use domain::id::{AssociationId, GpuId};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use store::{Claim, Rental};

use crate::people::Person;
use crate::seed::{self, GPU};
use crate::world::{World, body};

async fn simulate(world: &World, person: &Person, key: &str, wanted: &Value) -> Response {
    let path = format!("/api/v1/standby/failover/simulate/{GPU}");
    let request = person.signs(world.post(&path)).header("idempotency-key", key).json(wanted);
    request.send().await.expect("an answer")
}

async fn the_same_request_gets_the_same_answer(world: World) {
    let ana = Person::join(&world, "ana").await;
    let bob = Person::join(&world, "bob").await;
    seed::machine(&world, &ana.id).await;
    let wanted = json!({"reason": "one"});
    // A failover goes on: refused, and that is the answer to this key.
    let first = simulate(&world, &ana, "key-1", &wanted).await;
    assert!(!first.headers().contains_key("idempotency-replayed"));
    let first = body(409, first).await;
    let again = simulate(&world, &ana, "key-1", &wanted).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.headers()["content-type"], "application/problem+json");
    assert_eq!(body(409, again).await, first);
    let other = body(422, simulate(&world, &ana, "key-1", &json!({"reason": "two"})).await).await;
    assert_eq!(other["code"], "invalid");
    assert_eq!(other["errors"][0]["code"], "key_reused");
    // Another account's key is another key, and its machine is not there.
    body(404, simulate(&world, &bob, "key-1", &wanted).await).await;
    // What was refused before anything was done gives its key back.
    body(422, simulate(&world, &ana, "key-2", &json!({"reason": 1})).await).await;
    body(409, simulate(&world, &ana, "key-2", &wanted).await).await;
    body(422, simulate(&world, &ana, "two words", &wanted).await).await;
    world.end().await;
}

async fn a_key_is_claimed_once_and_kept_a_day(world: World) {
    let ana = Person::join(&world, "ana").await;
    let keys = world.dumont.store.idempotency_keys();
    let now = world.dumont.now();
    let claim = async |key: &str, digest: &str, at: domain::time::Millis| {
        let since = at.plus(-domain::time::DAY_MS);
        keys.claim(&ana.id, key, digest, since, at).await.expect("a claim")
    };
    assert_eq!(claim("k", "d", now).await, Claim::New);
    assert_eq!(claim("k", "d", now).await, Claim::Open, "the first goes on, or died");
    assert_eq!(claim("k", "other", now).await, Claim::Other);
    keys.answer(&ana.id, "k", 201, "{}").await.expect("kept");
    keys.answer(&ana.id, "k", 500, "later").await.expect("no change");
    let answered = Claim::Answered { status: 201, answer: "{}".into() };
    assert_eq!(claim("k", "d", now).await, answered);
    keys.release(&ana.id, "k").await.expect("no change");
    assert_eq!(claim("k", "d", now).await, answered, "what was answered stays");
    assert_eq!(claim("k", "d", now.plus(domain::time::DAY_MS + 1)).await, Claim::New);
    let many = futures::future::join_all((0..8).map(|_| claim("race", "d", now))).await;
    assert_eq!(many.iter().filter(|one| **one == Claim::New).count(), 1, "{many:?}");
    world.end().await;
}

async fn a_machine_is_found_by_every_name_it_had(world: World) {
    let ana = Person::join(&world, "ana").await;
    let bob = Person::join(&world, "bob").await;
    let store = &world.dumont.store;
    let first = seed::association(&ana.id, &world);
    store.associations().create(&first).await.expect("an association");
    let rental = Rental { label: Some("trainer".into()), ports: vec!["8080/tcp".into()] };
    store.rentals().put(&ana.id, first.gpu, &rental, world.dumont.now()).await.expect("kept");
    assert_eq!(store.rentals().labels(&ana.id).await.expect("labels")[&first.gpu], "trainer");
    assert!(store.rentals().labels(&bob.id).await.expect("labels").is_empty());
    let moved = store::Placement {
        gpu: GpuId(77),
        endpoint: first.gpu_endpoint.clone(),
        host_key: None,
        spec: first.spec.clone(),
    };
    let at = world.dumont.now().plus(1);
    store.associations().switch_gpu(&first.id, first.epoch, &moved, at).await.expect("moved");
    let ports = store.rentals().ports_of(&ana.id, &first.id).await.expect("ports");
    assert_eq!(ports, ["8080/tcp"], "whatever GPU it is on now");
    let get = async |person: &Person, name: &str, status| {
        let path = format!("/api/v1/standby/associations/{name}");
        body(status, person.signs(world.get(&path)).send().await.expect("an answer")).await
    };
    for name in ["owners-machine-id", "424242", "77"] {
        let found = get(&ana, name, 200).await;
        assert_eq!(found["gpu_instance_id"], 77, "{name}");
        get(&bob, name, 404).await;
    }
    // The provider gives the number out again: whoever has it now is meant.
    let second = Association {
        id: AssociationId::new("second-machine-id"),
        standby: None,
        ..seed::association(&ana.id, &world)
    };
    store.associations().create(&second).await.expect("an association");
    assert_eq!(get(&ana, "424242", 200).await["association_id"], "second-machine-id");
    assert_eq!(get(&ana, "owners-machine-id", 200).await["gpu_instance_id"], 77);
    world.end().await;
}

async fn names_are_short_and_plain(world: World) {
    let ana = Person::join(&world, "ana").await;
    let send = async |path: &str, wanted: Value| {
        let request = ana.signs(world.ask(Method::POST, &format!("/api/v1{path}"))).json(&wanted);
        let told = body(422, request.send().await.expect("an answer")).await;
        told["errors"][0]["field"].as_str().expect("a field").to_owned()
    };
    for bad in
        ["x".repeat(65), "a\u{202e}b".into(), "a\u{7}b".into(), "a\u{2067}b".into(), "a\0b".into()]
    {
        assert_eq!(send("/auth/tokens", json!({"name": bad})).await, "name", "{bad:?}");
        assert_eq!(
            send("/instances", json!({"offer_id": 1, "label": bad})).await,
            "label",
            "{bad:?}"
        );
        assert_eq!(send("/standby/provision/7", json!({"name": bad})).await, "name", "{bad:?}");
    }
    // A row from before the rule.
    let old = Association {
        name: format!("a\u{202e}b{}", "x".repeat(1_100)),
        ..seed::association(&ana.id, &world)
    };
    world.dumont.store.associations().create(&old).await.expect("an association");
    let path = format!("/api/v1/standby/associations/{GPU}");
    let shown = body(200, ana.signs(world.get(&path)).send().await.expect("an answer")).await;
    let name = shown["name"].as_str().expect("a name");
    assert!(!name.contains('\u{202e}') && name.chars().count() == 64, "{name}");
    world.end().await;
}

on_both!(
    the_same_request_gets_the_same_answer,
    a_key_is_claimed_once_and_kept_a_day,
    a_machine_is_found_by_every_name_it_had,
    names_are_short_and_plain
);
