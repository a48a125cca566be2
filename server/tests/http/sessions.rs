//! Cookies, tokens, and their end.

use reqwest::Method;
use serde_json::json;

use crate::database::Database;
use crate::people::{PASSWORD, Person};
use crate::world::{Choice, World, body, cookie};

async fn me(world: &World, session: &str) -> u16 {
    let answer =
        world.get("/api/v1/auth/me").header("cookie", session).send().await.expect("an answer");
    answer.status().as_u16()
}

async fn a_login_gives_a_new_session_and_a_token_and_logout_ends_them(world: World) {
    let ana = Person::join(&world, "ana").await;
    let first = world.log_in("ANA@dumont.local", PASSWORD).await;
    let set = first.headers()["set-cookie"].to_str().expect("text").to_owned();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"), "{set}");
    let session = cookie(&first).expect("a cookie");
    let told = body(200, first).await;
    assert_eq!(
        (told["success"].as_bool(), told["user"]["email"].as_str()),
        (Some(true), Some("ana@dumont.local"))
    );
    let token = told["token"].as_str().expect("a token").to_owned();
    assert_eq!(me(&world, &session).await, 200);

    // A second login in the same browser: the id before it opens nothing any more.
    let asked = json!({"username": "ana", "password": PASSWORD});
    let again = world
        .post("/api/v1/auth/login")
        .header("cookie", &session)
        .json(&asked)
        .send()
        .await
        .expect("an answer");
    let newer = cookie(&again).expect("a cookie");
    assert_ne!(newer, session);
    assert_eq!((me(&world, &session).await, me(&world, &newer).await), (401, 200));

    let out =
        world.post("/api/v1/auth/logout").header("cookie", &newer).send().await.expect("an answer");
    body(200, out).await;
    assert_eq!(me(&world, &newer).await, 401);
    let with = |token: &str| world.get("/api/v1/auth/me").bearer_auth(token).send();
    body(200, with(&token).await.expect("an answer")).await;
    body(
        200,
        world.post("/api/v1/auth/logout").bearer_auth(&token).send().await.expect("an answer"),
    )
    .await;
    body(401, with(&token).await.expect("an answer")).await;
    body(200, ana.signs(world.get("/api/v1/auth/me")).send().await.expect("an answer")).await;
    world.end().await;
}

async fn a_session_can_be_ended_from_another_browser(world: World) {
    let ana = Person::join(&world, "ana").await;
    let here = cookie(&world.log_in(&ana.email, PASSWORD).await).expect("a cookie");
    let there = cookie(&world.log_in(&ana.email, PASSWORD).await).expect("a cookie");
    let list =
        world.get("/api/v1/auth/sessions").header("cookie", &here).send().await.expect("an answer");
    let list = body(200, list).await;
    assert_eq!(list["count"], 2);
    let text = list.to_string();
    assert!(!text.contains(here.split('=').nth(1).expect("a value")), "the list shows no cookie");
    let other = list["sessions"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["current"] == false)
        .expect("the other");
    let path = format!("/api/v1/auth/sessions/{}", other["id"].as_str().expect("an id"));
    body(
        200,
        world.ask(Method::DELETE, &path).header("cookie", &here).send().await.expect("an answer"),
    )
    .await;
    assert_eq!((me(&world, &here).await, me(&world, &there).await), (200, 401));
    world.end().await;
}

async fn a_new_password_ends_other_logins_but_no_api_token(world: World) {
    let ana = Person::join(&world, "ana").await;
    let here = cookie(&world.log_in(&ana.email, PASSWORD).await).expect("a cookie");
    let there = cookie(&world.log_in(&ana.email, PASSWORD).await).expect("a cookie");
    let made = ana
        .signs(world.post("/api/v1/auth/tokens"))
        .json(&json!({"name": "ci"}))
        .send()
        .await
        .expect("an answer");
    let made = body(201, made).await;
    let api = made["token"].as_str().expect("a token");
    let change = |current: &str, new: &str| {
        let asked = json!({"current_password": current, "new_password": new});
        world.post("/api/v1/auth/password").header("cookie", &here).json(&asked).send()
    };
    let told =
        body(422, change("not it at all", "another password").await.expect("an answer")).await;
    assert_eq!(told["errors"][0]["field"], "current_password");
    let told = body(422, change(PASSWORD, "short").await.expect("an answer")).await;
    assert_eq!(told["errors"][0]["field"], "new_password");
    body(200, change(PASSWORD, "another password").await.expect("an answer")).await;
    assert_eq!((me(&world, &here).await, me(&world, &there).await), (200, 401));
    body(401, ana.signs(world.get("/api/v1/auth/me")).send().await.expect("an answer")).await;
    body(200, world.get("/api/v1/auth/me").bearer_auth(api).send().await.expect("an answer")).await;
    body(401, world.log_in(&ana.email, PASSWORD).await).await;
    body(200, world.log_in(&ana.email, "another password").await).await;
    world.end().await;
}

on_both!(
    a_login_gives_a_new_session_and_a_token_and_logout_ends_them,
    a_session_can_be_ended_from_another_browser,
    a_new_password_ends_other_logins_but_no_api_token,
);

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_cookie_stays_there() {
    let choice =
        Choice { public_url: Some("https://dumont.example.org".into()), ..Choice::default() };
    let world = World::start_with(Database::sqlite(), choice).await;
    let ana = Person::join(&world, "ana").await;
    let answer = world.log_in(&ana.email, PASSWORD).await;
    assert!(answer.headers()["set-cookie"].to_str().expect("text").contains("Secure"));
    assert!(answer.headers().contains_key("strict-transport-security"));
    world.end().await;
}
