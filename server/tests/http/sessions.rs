//! Cookies, tokens, and their end.

use domain::access::Scope;
use domain::view::account::NewToken;
use reqwest::Method;
use serde_json::json;
use server::service::auth;

use crate::database::Database;
use crate::people::{PASSWORD, Person};
use crate::world::{Choice, World, body, cookie};

async fn me(world: &World, session: &str) -> u16 {
    let answer =
        world.get("/api/v1/auth/me").header("cookie", session).send().await.expect("an answer");
    answer.status().as_u16()
}

async fn a_login_gives_a_new_session_and_logout_ends_it(world: World) {
    let ana = Person::join(&world, "ana").await;
    let form = [("username", "ANA@dumont.local"), ("password", PASSWORD)];
    let first = world.post("/login").form(&form).send().await.expect("an answer");
    let set = first.headers()["set-cookie"].to_str().expect("text").to_owned();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"), "{set}");
    let session = cookie(&first).expect("a cookie");
    assert_eq!(me(&world, &session).await, 200);

    // A second login in the same browser: the id before it opens nothing any more.
    let again = world.post("/login").header("cookie", &session).form(&form);
    let newer = cookie(&again.send().await.expect("an answer")).expect("a cookie");
    assert_ne!(newer, session);
    assert_eq!((me(&world, &session).await, me(&world, &newer).await), (401, 200));

    let out =
        world.post("/api/v1/auth/logout").header("cookie", &newer).send().await.expect("an answer");
    body(200, out).await;
    assert_eq!(me(&world, &newer).await, 401);
    body(200, ana.signs(world.get("/api/v1/auth/me")).send().await.expect("an answer")).await;
    world.end().await;
}

async fn a_session_can_be_ended_from_another_browser(world: World) {
    let ana = Person::join(&world, "ana").await;
    let here = world.session(&ana.email).await;
    let there = world.session(&ana.email).await;
    let list =
        world.get("/api/v1/auth/sessions").header("cookie", &here).send().await.expect("an answer");
    let list = body(200, list).await;
    // And the program's that made the account.
    assert_eq!(list["count"], 3);
    let text = list.to_string();
    assert!(!text.contains(here.split('=').nth(1).expect("a value")), "the list shows no cookie");
    let other = list["sessions"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["current"] == false && one["kind"] == "browser")
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

async fn a_new_password_ends_other_logins_and_the_tokens_that_they_made(world: World) {
    let ana = Person::join(&world, "ana").await;
    let here = world.session(&ana.email).await;
    let there = world.session(&ana.email).await;
    let make = async |name: &str, value: String| {
        let asked = world.post("/api/v1/auth/tokens").header(name, value);
        let made = asked.json(&json!({"name": "ci", "scope": "admin"})).send().await;
        let made = body(201, made.expect("an answer")).await;
        made["token"].as_str().expect("a token").to_owned()
    };
    let by_another = make("authorization", format!("Bearer {}", ana.token)).await;
    let by_this = make("cookie", here.clone()).await;
    // A token that a token of another login made falls as well.
    let confirm = world.post("/api/v1/auth/confirm").bearer_auth(&by_another);
    let confirm = confirm.json(&json!({"password": PASSWORD})).send().await;
    body(200, confirm.expect("an answer")).await;
    let by_that = make("authorization", format!("Bearer {by_another}")).await;
    let new = NewToken {
        name: "by hand".into(),
        scope: Scope::Admin,
        expires_at: None,
        never_expires: false,
    };
    let by_hand = auth::create_token(&world.dumont, &ana.id, new, None).await.expect("a token");
    let change = |current: &str, new: &str| {
        let asked = json!({"current_password": current, "new_password": new});
        world.post("/api/v1/auth/password").header("cookie", &here).json(&asked).send()
    };
    let told =
        body(422, change("not it at all", "another long sentence").await.expect("an answer")).await;
    assert_eq!(told["errors"][0]["field"], "current_password");
    let told = body(422, change(PASSWORD, "short").await.expect("an answer")).await;
    assert_eq!(told["errors"][0]["field"], "new_password");
    body(200, change(PASSWORD, "another long sentence").await.expect("an answer")).await;
    assert_eq!((me(&world, &here).await, me(&world, &there).await), (200, 401));
    body(401, ana.signs(world.get("/api/v1/auth/me")).send().await.expect("an answer")).await;
    for (token, status) in
        [(&by_another, 401), (&by_that, 401), (&by_this, 200), (&by_hand.token, 200)]
    {
        let asked = world.get("/api/v1/auth/me").bearer_auth(token).send().await;
        body(status, asked.expect("an answer")).await;
    }
    body(401, world.log_in(&ana.email, PASSWORD).await).await;
    body(200, world.log_in(&ana.email, "another long sentence").await).await;
    world.end().await;
}

on_both!(
    a_login_gives_a_new_session_and_logout_ends_it,
    a_session_can_be_ended_from_another_browser,
    a_new_password_ends_other_logins_and_the_tokens_that_they_made,
);

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_cookie_stays_there() {
    let choice =
        Choice { public_url: Some("https://dumont.example.org".into()), ..Choice::default() };
    let world = World::start_with(Database::sqlite(), choice).await;
    let ana = Person::join(&world, "ana").await;
    let form = [("username", ana.email.as_str()), ("password", PASSWORD)];
    let answer = world.post("/login").form(&form).send().await.expect("an answer");
    assert!(answer.headers()["set-cookie"].to_str().expect("text").contains("Secure"));
    assert!(answer.headers().contains_key("strict-transport-security"));
    world.end().await;
}
