//! What rides on a cookie comes from our own pages.

use reqwest::Method;

use crate::database::Database;
use crate::people::{PASSWORD, Person};
use crate::world::{World, body, cookie};

#[tokio::test(flavor = "multi_thread")]
async fn another_site_can_not_act_with_a_cookie() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    let session = world.session(&ana.email).await;
    let put = |header: &'static str, value: String| {
        world
            .ask(Method::PUT, "/api/v1/settings")
            .header("cookie", session.clone())
            .header(header, value)
            .json(&serde_json::json!({"theme": "dark"}))
            .send()
    };
    for (header, value) in [
        ("sec-fetch-site", "cross-site".to_owned()),
        ("sec-fetch-site", "same-site".to_owned()),
        ("origin", "https://evil.example".to_owned()),
        ("origin", "null".to_owned()),
    ] {
        let told = body(403, put(header, value).await.expect("an answer")).await;
        assert_eq!(told["code"], "cross_site");
    }
    let settings = ana.signs(world.get("/api/v1/settings")).send().await.expect("an answer");
    assert!(body(200, settings).await["theme"].is_null(), "nothing was changed");
    for (header, value) in
        [("sec-fetch-site", "same-origin".to_owned()), ("origin", world.url.clone())]
    {
        assert_eq!(body(200, put(header, value).await.expect("an answer")).await["theme"], "dark");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_can_not_log_a_browser_in() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    for path in ["/api/v1/auth/login", "/login"] {
        let login = world
            .post(path)
            .header("sec-fetch-site", "cross-site")
            .json(&serde_json::json!({"email": ana.email, "password": PASSWORD}));
        let answer = login.send().await.expect("an answer");
        assert_eq!(cookie(&answer), None);
        body(403, answer).await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_works_from_anywhere_and_a_bad_one_does_not_fall_back_to_the_cookie() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    let session = world.session(&ana.email).await;
    let from_elsewhere = ana
        .signs(world.ask(Method::PUT, "/api/v1/settings"))
        .header("origin", "https://tool.example");
    body(
        200,
        from_elsewhere
            .json(&serde_json::json!({"theme": "light"}))
            .send()
            .await
            .expect("an answer"),
    )
    .await;
    let bad = world.get("/api/v1/auth/me").header("cookie", session).bearer_auth("dumont_sk_no");
    body(401, bad.send().await.expect("an answer")).await;
    world.end().await;
}
