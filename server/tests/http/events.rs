//! Doorbells over SSE.

use std::time::Duration;

use reqwest::Response;

use crate::people::Person;
use crate::world::{DEADLINE, World};

/// Reads until the text is there.
async fn until(answer: &mut Response, text: &str) -> String {
    let mut heard = String::new();
    let reading = async {
        while !heard.contains(text) {
            let Some(chunk) = answer.chunk().await.expect("readable") else {
                panic!("ended before {text}: {heard}")
            };
            heard.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    tokio::time::timeout(DEADLINE, reading).await.unwrap_or_else(|_| panic!("not heard: {text}"));
    heard
}

async fn each_account_hears_its_own_bells_and_those_it_missed(world: World) {
    let ana = Person::join(&world, "ana").await;
    let bob = Person::join(&world, "bob").await;
    let events = world.dumont.store.events();
    let ring = async |person: &Person, id: &str| {
        events.append(&person.id, "failover", id, world.dumont.now()).await.expect("rung")
    };

    let mut live = ana.signs(world.get("/api/v1/events")).send().await.expect("an answer");
    assert!(
        live.headers()["content-type"].to_str().expect("text").starts_with("text/event-stream")
    );
    until(&mut live, "listening").await;
    ring(&bob, "of-bob").await;
    let seq = ring(&ana, "first").await;
    let heard = until(&mut live, "first").await;
    assert!(!heard.contains("of-bob"), "{heard}");
    assert!(
        heard.contains(&format!("id: {seq}")) || heard.contains(&format!("id:{seq}")),
        "{heard}"
    );
    assert!(heard.contains(&format!("\"seq\":{seq}")), "{heard}");
    drop(live);

    ring(&ana, "second").await;
    ring(&bob, "of-bob-again").await;
    ring(&ana, "third").await;
    let back = ana.signs(world.get("/api/v1/events")).header("last-event-id", seq.to_string());
    let mut back = back.send().await.expect("an answer");
    let heard = until(&mut back, "third").await;
    assert!(
        heard.contains("second") && !heard.contains("first") && !heard.contains("of-bob"),
        "{heard}"
    );
    ring(&ana, "fourth").await;
    let heard = until(&mut back, "fourth").await;
    assert!(!heard.contains("third"), "nothing is told twice: {heard}");
    world.end().await;
}

async fn the_stream_ends_when_the_server_is_asked_to_stop(world: World) {
    let ana = Person::join(&world, "ana").await;
    let mut live = ana.signs(world.get("/api/v1/events")).send().await.expect("an answer");
    until(&mut live, "listening").await;
    world.dumont.soft.cancel();
    let ending = async { while live.chunk().await.expect("readable").is_some() {} };
    tokio::time::timeout(Duration::from_secs(5), ending).await.expect("it ends");
    world.end().await;
}

on_both!(
    each_account_hears_its_own_bells_and_those_it_missed,
    the_stream_ends_when_the_server_is_asked_to_stop
);
