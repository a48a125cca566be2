//! The first account, and API tokens.

use serde_json::json;

use crate::database::Database;
use crate::people::{PASSWORD, Person};
use crate::world::{World, body, cookie};

async fn an_empty_install_gets_exactly_one_first_account(world: World) {
    let form = |name: &str| {
        let fields = [
            ("token", world.dumont.site.setup.reveal().to_owned()),
            ("email", format!("{name}@dumont.local")),
            ("username", name.to_owned()),
            ("password", PASSWORD.to_owned()),
        ];
        world.post("/setup").header("sec-fetch-site", "same-origin").form(&fields).send()
    };
    let (one, two) = tokio::join!(form("ana"), form("bob"));
    let answers = [one.expect("an answer"), two.expect("an answer")];
    let inside = answers.iter().filter(|answer| cookie(answer).is_some()).count();
    assert_eq!(inside, 1, "one of the two is logged in");
    assert_eq!(world.dumont.store.users().count().await.expect("a count"), 1);
    let late = form("eve").await.expect("an answer");
    assert_eq!(cookie(&late), None);
    assert_eq!(world.dumont.store.users().count().await.expect("a count"), 1);
    world.end().await;
}

async fn a_token_is_shown_once_and_ends_when_revoked(world: World) {
    let ana = Person::join(&world, "ana").await;
    let made = ana
        .signs(world.post("/api/v1/auth/tokens"))
        .json(&json!({"name": "ci"}))
        .send()
        .await
        .expect("an answer");
    let made = body(201, made).await;
    let token = made["token"].as_str().expect("a token").to_owned();
    assert!(token.starts_with("dumont_sk_"), "{token}");
    let list = ana.signs(world.get("/api/v1/auth/tokens")).send().await.expect("an answer");
    let list = body(200, list).await;
    assert_eq!((list["count"].as_u64(), list["tokens"][0]["name"].as_str()), (Some(1), Some("ci")));
    assert!(!list.to_string().contains(&token));
    let with = || world.get("/api/v1/auth/me").bearer_auth(&token).send();
    body(200, with().await.expect("an answer")).await;
    let path = format!("/api/v1/auth/tokens/{}", made["info"]["id"].as_str().expect("an id"));
    body(
        200,
        ana.signs(world.ask(reqwest::Method::DELETE, &path)).send().await.expect("an answer"),
    )
    .await;
    body(401, with().await.expect("an answer")).await;
    body(
        404,
        ana.signs(world.ask(reqwest::Method::DELETE, &path)).send().await.expect("an answer"),
    )
    .await;
    world.end().await;
}

on_both!(
    an_empty_install_gets_exactly_one_first_account,
    a_token_is_shown_once_and_ends_when_revoked
);

#[tokio::test(flavor = "multi_thread")]
async fn a_first_account_that_can_not_be_accepted_is_not_made() {
    let world = World::start(Database::sqlite()).await;
    let token = world.dumont.site.setup.reveal();
    let fields = [("token", token), ("email", "ana"), ("username", "A B"), ("password", "short")];
    let answer = world.post("/setup").form(&fields).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), cookie(&answer)), (422, None));
    assert_eq!(world.dumont.store.users().count().await.expect("a count"), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_the_first_account_without_what_the_server_printed() {
    let world = World::start(Database::sqlite()).await;
    let other = server::service::setup::SetupToken::random();
    for token in [None, Some(""), Some(other.reveal())] {
        let mut fields =
            vec![("email", "eve@dumont.local"), ("username", "eve"), ("password", PASSWORD)];
        fields.extend(token.map(|token| ("token", token)));
        let answer = world.post("/setup").form(&fields).send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), cookie(&answer)), (422, None), "{token:?}");
    }
    assert_eq!(world.dumont.store.users().count().await.expect("a count"), 0);
    // What is asked for under the address that is printed holds no token, so no log and no proxy has
    // it; no page takes one from there, and none shows it to who does not know it.
    let token = world.dumont.site.setup.reveal();
    let printed = world.dumont.site.setup.address(&world.url);
    let (asked, behind) = printed.split_once('#').expect("a fragment");
    assert_eq!((asked, behind), (format!("{}/setup", world.url).as_str(), token));
    for path in ["/setup".to_owned(), format!("/setup?token={token}")] {
        let answer = world.get(&path).send().await.expect("an answer");
        assert!(!answer.text().await.expect("a page").contains(token), "{path}");
    }
    world.end().await;
}
