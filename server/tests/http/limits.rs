//! Guessing passwords is slow.

use server::http::limit::{Bound, LoginLimits};

use crate::database::Database;
use crate::people::{PASSWORD, Person};
use crate::world::{Choice, World, body};

/// Bounds that do not move while a test runs.
fn limits(per_address: i64, per_account: i64) -> Choice {
    let bound = |burst| Bound { burst, every_ms: 3_600_000 };
    let limits = LoginLimits {
        per_address: bound(per_address),
        per_account: bound(per_account),
        ..LoginLimits::default()
    };
    Choice { limits: Some(limits), ..Choice::default() }
}

async fn guess(world: &World, email: &str, from: &str, password: &str) -> reqwest::Response {
    let asked = serde_json::json!({"email": email, "password": password});
    let login = world.post("/api/v1/auth/login").header("x-forwarded-for", from).json(&asked);
    login.send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_a_bound_over_all_networks_that_says_nothing_of_it() {
    let world = World::start_with(Database::sqlite(), limits(100, 3)).await;
    let ana = Person::join(&world, "ana").await;
    for host in 1..=3 {
        body(401, guess(&world, &ana.email, &format!("192.0.{host}.1"), "wrong guess").await).await;
    }
    // From yet another network: not even with the right password, and told like any wrong one.
    let closed = guess(&world, &ana.email, "192.0.99.1", PASSWORD).await;
    assert!(!closed.headers().contains_key("retry-after"));
    assert_eq!(body(401, closed).await["code"], "wrong_password");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_host_is_closed_even_for_many_accounts() {
    let world = World::start_with(Database::sqlite(), limits(3, 100)).await;
    for name in ["a", "b", "c"] {
        body(401, guess(&world, &format!("{name}@dumont.local"), "192.0.2.1", "wrong guess").await)
            .await;
    }
    let closed = guess(&world, "d@dumont.local", "192.0.2.1", "wrong guess").await;
    let wait: u64 =
        closed.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=3_600).contains(&wait), "{wait}");
    assert_eq!(body(429, closed).await["code"], "too_many");
    body(401, guess(&world, "d@dumont.local", "192.0.2.2", "wrong guess").await).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_is_told_like_a_wrong_password() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    let mut wrong = body(401, guess(&world, &ana.email, "192.0.2.1", "wrong guess").await).await;
    let mut unknown =
        body(401, guess(&world, "nobody@dumont.local", "192.0.2.1", "wrong guess").await).await;
    for told in [&mut wrong, &mut unknown] {
        told["request_id"].take();
    }
    assert_eq!(wrong, unknown);
    world.end().await;
}
