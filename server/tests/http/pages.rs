//! The pages through the same layers as the API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use server::service::machines;
use sha2::{Digest as _, Sha256};

use crate::database::Database;
use crate::people::{PASSWORD, Person};
use crate::seed::association;
use crate::world::{World, cookie};

fn place(answer: &reqwest::Response) -> &str {
    answer.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_install_leads_to_its_setup_and_nobody_gets_past_the_login() {
    let world = World::start(Database::sqlite()).await;
    let answer = world.get("/app").send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), place(&answer)), (303, "/setup"));
    let setup = world.get("/setup").send().await.expect("an answer");
    assert_eq!(setup.status(), 200);

    Person::join(&world, "ana").await;
    let answer = world.get("/app/settings").send().await.expect("an answer");
    assert_eq!(answer.status(), 303);
    assert!(place(&answer).starts_with("/login"), "{}", place(&answer));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_logs_in_and_a_page_runs_no_script_but_ours() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    let wrong = world
        .post("/login")
        .form(&[("username", "ana"), ("password", "not the password")])
        .send()
        .await
        .expect("an answer");
    assert_eq!((wrong.status().as_u16(), cookie(&wrong)), (401, None));
    assert!(wrong.headers()["content-type"].to_str().expect("text").starts_with("text/html"));

    let right = world
        .post("/login")
        .form(&[("username", ana.email.as_str()), ("password", PASSWORD)])
        .send()
        .await
        .expect("an answer");
    assert_eq!((right.status().as_u16(), place(&right)), (303, "/app"));
    let session = cookie(&right).expect("a cookie");
    let page = world.get("/app").header("cookie", session).send().await.expect("an answer");
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    let start = STANDARD.encode(Sha256::digest(app::site::SCRIPT));
    assert!(
        policy.contains(&format!("script-src 'self' 'sha256-{start}' 'wasm-unsafe-eval';"))
            && !policy.contains("unsafe-inline")
            && !policy.contains("nonce"),
        "{policy}"
    );
    // A page that refuses has the same policy.
    let missing = world.get("/nowhere").send().await.expect("an answer");
    assert_eq!(missing.headers()["content-security-policy"].to_str().expect("text"), policy);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_machine_costs_is_unknown_while_the_provider_never_gave_its_list() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    let tie = association(&ana.id, &world);
    world.dumont.store.associations().create(&tie).await.expect("made");
    let all = machines::page(&world.dumont, &ana.id).await.expect("a page");
    let costs: Vec<_> = all.machines.iter().map(|row| row.total_dph).collect();
    assert_eq!(costs, [None]);
    let one = machines::machine(&world.dumont, &ana.id, tie.gpu).await.expect("a page");
    assert_eq!(one.row.total_dph, None);

    let session = world.session(&ana.email).await;
    let page = world.get("/app").header("cookie", session).send().await.expect("an answer");
    let html = page.text().await.expect("a page");
    assert!(html.contains(&tie.name) && !html.contains("class=\"total\""), "{html}");
    world.end().await;
}
