//! Provider credentials: tried before they are kept, sealed, and never told again.

use domain::failover::{Disposal, Intent, IntentState, Role, Wish};
use domain::id::{DisposalId, Epoch, IntentId};
use domain::money::MicroUsd;
use domain::provider::Provider;
use reqwest::Method;
use serde_json::{Value, json};
use server::api::table::table;
use store::{CredentialKind, CredentialStatus, NewCredential};

use crate::people::{PASSWORD, Person};
use crate::seed::{self, GPU};
use crate::world::{World, body};

async fn put(world: &World, person: &Person, wanted: &Value) -> reqwest::Response {
    person
        .signs(world.ask(Method::PUT, "/api/v1/settings"))
        .json(wanted)
        .send()
        .await
        .expect("an answer")
}

async fn what_is_refused_is_named_and_not_kept(world: World) {
    let ana = Person::join(&world, "ana").await;
    let good = world.sandbox.credentials.clone();
    let told = body(
        424,
        put(&world, &ana, &json!({"vast_api_key": "0123456789abcdef0123456789abcdef"})).await,
    )
    .await;
    assert_eq!(
        (told["code"].as_str(), told["errors"][0]["field"].as_str()),
        (Some("vast_api_key_refused"), Some("vast_api_key"))
    );
    let told = body(
        422,
        put(&world, &ana, &json!({"gcp_credentials": {"type": "authorized_user"}})).await,
    )
    .await;
    assert_eq!(told["errors"][0]["field"], "gcp_credentials");
    // One good and one bad: neither is kept.
    let both = json!({"vast_api_key": good.vast_api_key, "gcp_credentials": "{}"});
    body(422, put(&world, &ana, &both).await).await;
    let settings =
        body(200, ana.signs(world.get("/api/v1/settings")).send().await.expect("an answer")).await;
    assert_eq!(
        (
            settings["vast_api_key"]["is_set"].as_bool(),
            settings["gcp_credentials"]["status"].as_str()
        ),
        (Some(false), Some("missing"))
    );
    world.end().await;
}

async fn what_works_is_described_and_makes_the_rest_work(world: World) {
    let ana = Person::join(&world, "ana").await;
    let good = world.sandbox.credentials.clone();
    let wanted =
        json!({"vast_api_key": good.vast_api_key, "gcp_credentials": good.gcp_service_account});
    let settings = body(200, put(&world, &ana, &wanted).await).await;
    let (vast, gcp) = (&settings["vast_api_key"], &settings["gcp_credentials"]);
    assert_eq!((vast["is_set"].as_bool(), vast["status"].as_str()), (Some(true), Some("ok")));
    let end: String =
        good.vast_api_key.chars().skip(good.vast_api_key.chars().count() - 4).collect();
    assert_eq!(vast["last4"].as_str(), Some(end.as_str()));
    assert_eq!(gcp["account"], good.gcp_service_account["project_id"]);

    let get = async |path: &str| {
        body(200, ana.signs(world.get(path)).send().await.expect("an answer")).await
    };
    let balance = get("/api/v1/balance").await;
    assert_eq!(
        (balance["credit"].as_f64(), balance["email"].as_str()),
        (Some(100.0), Some(good.email.as_str()))
    );
    let offers = get("/api/v1/instances/offers?num_gpus=1&order_by=dph_total&limit=5").await;
    let prices: Vec<f64> = offers["offers"]
        .as_array()
        .expect("offers")
        .iter()
        .map(|one| one["dph_total"].as_f64().expect("a price"))
        .collect();
    assert!((1..=5).contains(&prices.len()) && prices.is_sorted(), "{prices:?}");
    assert_eq!(get("/api/v1/instances").await["count"], 0);
    let configured = ana
        .signs(world.post("/api/v1/standby/configure"))
        .json(&json!({"enabled": true, "sync_interval": 5}))
        .send()
        .await
        .expect("an answer");
    let configured = body(200, configured).await;
    assert_eq!(configured["config"]["estimated_cost_monthly_usd"], 18.86);
    let status = get("/api/v1/standby/status").await;
    assert_eq!(
        (status["configured"].as_bool(), status["config"]["sync_interval"].as_i64()),
        (Some(true), Some(5))
    );

    body(200, put(&world, &ana, &json!({"vast_api_key": null})).await).await;
    body(424, ana.signs(world.get("/api/v1/balance")).send().await.expect("an answer")).await;
    world.end().await;
}

async fn no_secret_is_in_any_answer_or_in_the_database(world: World) {
    let ana = Person::join(&world, "ana").await;
    seed::machine(&world, &ana.id).await;
    let good = world.sandbox.credentials.clone();
    let wanted =
        json!({"vast_api_key": good.vast_api_key, "gcp_credentials": good.gcp_service_account});
    let hash = world.dumont.store.users().login(&ana.id).await.expect("an account").password_hash;
    let pem = good.gcp_service_account["private_key"].as_str().expect("a key").to_owned();
    // Any line of the private key would do.
    let line = pem.lines().nth(3).expect("a line").to_owned();
    let secrets =
        [good.vast_api_key.as_str(), line.as_str(), PASSWORD, hash.as_str(), ana.token.as_str()];
    let mut answers = vec![put(&world, &ana, &wanted).await.text().await.expect("a body")];
    for route in table() {
        let (method, path) = route.method_and_path().expect("described");
        if path == "/events" {
            continue;
        }
        let path = path
            .replace("{gpu_id}", &GPU.to_string())
            .replace("{machine_id}", &GPU.to_string())
            .replace("{point_id}", "7")
            .replace("{failover_id}", "owners-failover-1")
            .replace("{token_id}", "none")
            .replace("{session_id}", "none")
            .replace("{account_id}", "none")
            .replace("{invitation_id}", "none");
        // Logging out, and removing what the next rows ask for, come last by nature: only readers here.
        if method.is_safe() {
            let answer =
                ana.signs(world.get(&format!("/api/v1{path}"))).send().await.expect("an answer");
            answers.push(answer.text().await.expect("a body"));
        }
    }
    // Secrets in the wrong place are not told back either.
    for wrong in [
        json!({"theme": good.vast_api_key}),
        json!({"vast_api_key": [good.vast_api_key]}),
        json!({"gcp_credentials": pem}),
    ] {
        answers.push(put(&world, &ana, &wrong).await.text().await.expect("a body"));
    }
    for page in
        ["/app", "/app/settings", "/app/settings/credentials", "/app/settings/account", "/docs"]
    {
        let answer = ana.signs(world.get(page)).send().await.expect("an answer");
        answers.push(answer.text().await.expect("a body"));
    }
    for secret in secrets {
        for answer in &answers {
            assert!(!answer.contains(secret), "a secret is told: {answer}");
        }
    }
    let stored = world.database.bytes();
    for secret in [good.vast_api_key.as_str(), line.as_str(), PASSWORD, ana.token.as_str()] {
        let found = stored.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "a secret lies open in the database");
    }
    world.end().await;
}

async fn zones_are_those_of_the_account_whose_prices_are_known(world: World) {
    let ana = Person::join(&world, "ana").await;
    let good = world.sandbox.credentials.clone();
    let zones = async || {
        let asked = ana.signs(world.get("/api/v1/settings")).send().await.expect("an answer");
        body(200, asked).await["gcp_zones"].clone()
    };
    assert_eq!(zones().await, json!(domain::pricing::ZONES), "none is stored yet");
    put(&world, &ana, &json!({"gcp_credentials": good.gcp_service_account})).await;
    assert!(zones().await.as_array().is_some_and(|all| all.contains(&json!("europe-west1-b"))));
    let text = good.gcp_service_account.to_string().into();
    let narrow = NewCredential {
        kind: CredentialKind::GcpServiceAccount,
        secret: &text,
        hint: json!({"zones": ["europe-west1-d", "mars-north1-a"]}),
        status: CredentialStatus::Ok,
        status_word: None,
        checked_at: None,
    };
    let now = world.dumont.now();
    world.dumont.store.credentials().put(&ana.id, &narrow, now).await.expect("kept");
    assert_eq!(zones().await, json!(["europe-west1-d"]));
    for (zone, status) in [("europe-west1-b", 422), ("mars-north1-a", 422), ("europe-west1-d", 200)]
    {
        let wanted = json!({"enabled": true, "gcp_zone": zone});
        let asked = ana.signs(world.post("/api/v1/standby/configure")).json(&wanted);
        let told = body(status, asked.send().await.expect("an answer")).await;
        if status == 422 {
            assert_eq!(told["errors"][0]["code"], "unknown_zone", "{zone}");
        }
    }
    world.end().await;
}

async fn a_credential_of_another_account_is_not_taken_while_the_former_has_machines(world: World) {
    let ana = Person::join(&world, "ana").await;
    let good = world.sandbox.credentials.clone();
    let own =
        json!({"vast_api_key": good.vast_api_key, "gcp_credentials": good.gcp_service_account});
    body(200, put(&world, &ana, &own).await).await;
    let other = world.customer().await;
    let theirs = [
        json!({"vast_api_key": other.vast_api_key}),
        json!({"gcp_credentials": other.gcp_service_account}),
    ];
    // Nothing is there yet: whose key it is does not matter.
    for wanted in &theirs {
        body(200, put(&world, &ana, wanted).await).await;
    }
    body(200, put(&world, &ana, &own).await).await;

    let project = good.gcp_service_account["project_id"].as_str().expect("a project").to_owned();
    let mut machine = seed::association(&ana.id, &world);
    machine.standby =
        machine.standby.map(|standby| domain::standby::Standby { project, ..standby });
    world.dumont.store.associations().create(&machine).await.expect("a machine");
    for wanted in &theirs {
        let told = body(409, put(&world, &ana, wanted).await).await;
        assert_eq!(told["code"], "other_account", "{told}");
    }
    body(200, put(&world, &ana, &own).await).await;
    world.end().await;
}

async fn an_account_stays_the_same_while_something_of_it_is_to_be_removed_or_may_turn_up(
    world: World,
) {
    let ana = Person::join(&world, "ana").await;
    let good = world.sandbox.credentials.clone();
    let own =
        json!({"vast_api_key": good.vast_api_key, "gcp_credentials": good.gcp_service_account});
    body(200, put(&world, &ana, &own).await).await;
    let other = world.customer().await;
    // Removed first: nothing of the former credential is known any more but what is recorded with its VM.
    body(200, put(&world, &ana, &json!({"gcp_credentials": null})).await).await;
    let project = good.gcp_service_account["project_id"].as_str().expect("a project").to_owned();
    let now = world.dumont.now();
    let vm = Intent {
        id: IntentId::new("vm-intent"),
        user: ana.id.clone(),
        failover: None,
        association: None,
        provider: Provider::Gcp,
        epoch: Epoch(1),
        label: "dumont-vm".into(),
        zone: "europe-west1-b".into(),
        project: Some(project),
        left_out: Vec::new(),
        offer: None,
        machine_id: None,
        usd_per_hour: MicroUsd(25_831),
        state: IntentState::Open,
        external_id: None,
        created_at: now,
        changed_at: now,
        bound_at: None,
        gone_at: None,
        error: None,
    };
    let gone = Disposal {
        id: DisposalId::new("vm-gone"),
        user: ana.id.clone(),
        provider: Provider::Gcp,
        external_id: vm.label.clone(),
        zone: vm.zone.clone(),
        role: Role::Standby,
        failover: None,
        association: None,
        wish: Wish::Destroy,
        requested_at: now,
        attempts: 0,
        next_at: now.plus(3_600_000),
        last_error: None,
        done_at: None,
        saved: None,
    };
    let (intents, disposals) = (world.dumont.store.intents(), world.dumont.store.disposals());
    intents.open(&vm).await.expect("recorded");
    intents.discard(&vm.id, &gone, now).await.expect("to be removed");
    let theirs = json!({"gcp_credentials": other.gcp_service_account});
    let told = body(409, put(&world, &ana, &theirs).await).await;
    assert_eq!(told["code"], "other_account", "{told}");
    body(200, put(&world, &ana, &json!({"gcp_credentials": good.gcp_service_account})).await).await;
    disposals.done(&gone.id, Wish::Destroy, now).await.expect("removed");

    // A purchase that was given up a moment ago may turn up yet.
    let gpu = Intent {
        id: IntentId::new("gpu-intent"),
        provider: Provider::Vast,
        label: "dumont-gpu".into(),
        zone: String::new(),
        project: None,
        ..vm
    };
    intents.open(&gpu).await.expect("recorded");
    intents.tombstone(&gpu.id, "no answer", now).await.expect("given up");
    let theirs = json!({"vast_api_key": other.vast_api_key});
    let told = body(409, put(&world, &ana, &theirs).await).await;
    assert_eq!(told["code"], "other_account", "{told}");
    world.end().await;
}

on_both!(
    an_account_stays_the_same_while_something_of_it_is_to_be_removed_or_may_turn_up,
    a_credential_of_another_account_is_not_taken_while_the_former_has_machines,
    what_is_refused_is_named_and_not_kept,
    what_works_is_described_and_makes_the_rest_work,
    zones_are_those_of_the_account_whose_prices_are_known,
    no_secret_is_in_any_answer_or_in_the_database,
);
