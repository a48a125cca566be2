//! Credentials from the environment belong to the only account.

use secrecy::SecretString;
use server::service::environment::{Environment, adopt};
use store::CredentialKind;

use crate::people::Person;
use crate::world::World;

async fn held(world: &World) -> Environment {
    let good = &world.sandbox.credentials;
    let file = world.database.folder.path().join("gcp.json");
    std::fs::write(&file, good.gcp_service_account.to_string()).expect("written");
    Environment {
        vast_api_key: Some(SecretString::from(good.vast_api_key.clone())),
        gcp_file: Some(file),
    }
}

async fn has(world: &World, person: &Person) -> [Option<bool>; 2] {
    let mut found = [None; 2];
    for (place, kind) in
        [CredentialKind::VastApiKey, CredentialKind::GcpServiceAccount].into_iter().enumerate()
    {
        let status = server::service::credentials::status(&world.dumont, &person.id, kind)
            .await
            .expect("a status");
        found[place] = status.is_set.then_some(status.from_environment);
    }
    found
}

async fn the_only_account_gets_them_unless_it_has_its_own(world: World) {
    let held = held(&world).await;
    adopt(&world.dumont, &held).await.expect("nobody is no error");
    let ana = Person::join(&world, "ana").await;
    adopt(&world.dumont, &held).await.expect("taken");
    assert_eq!(has(&world, &ana).await, [Some(true), Some(true)]);

    let other = world.customer().await;
    let put = world.ask(reqwest::Method::PUT, "/api/v1/settings");
    let put = ana.signs(put).json(&serde_json::json!({"vast_api_key": other.vast_api_key}));
    assert_eq!(put.send().await.expect("an answer").status(), 200);
    adopt(&world.dumont, &held).await.expect("looked at");
    assert_eq!(has(&world, &ana).await, [Some(false), Some(true)], "its own key stays");
    world.end().await;
}

async fn with_two_accounts_they_are_nobodys(world: World) {
    let held = held(&world).await;
    let ana = Person::join(&world, "ana").await;
    let bob = Person::join(&world, "bob").await;
    adopt(&world.dumont, &held).await.expect("looked at");
    assert_eq!((has(&world, &ana).await, has(&world, &bob).await), ([None; 2], [None; 2]));
    world.end().await;
}

async fn one_that_is_refused_is_left_out(world: World) {
    let ana = Person::join(&world, "ana").await;
    let held = Environment {
        vast_api_key: Some("0123456789abcdef".into()),
        gcp_file: Some("/nowhere/at/all.json".into()),
    };
    adopt(&world.dumont, &held).await.expect("no error");
    assert_eq!(has(&world, &ana).await, [None; 2]);
    world.end().await;
}

on_both!(
    the_only_account_gets_them_unless_it_has_its_own,
    with_two_accounts_they_are_nobodys,
    one_that_is_refused_is_left_out,
);
