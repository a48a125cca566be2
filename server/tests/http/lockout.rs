//! A stranger who guesses keeps himself out, and nobody else; and he learns nothing by it.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::database::Database;
use crate::people::{PASSWORD, Person};
use crate::world::{Choice, World, body, browser_cookie, cookie};

/// More wrong tries than any bound lets through from one network.
const MANY: usize = 25;

async fn ask(world: &World, url: &str, name: &str, from: &str, password: &str) -> Response {
    let asked = json!({"username": name, "password": password});
    let login = world.client.post(format!("{url}/api/v1/auth/login"));
    let login = login.header("x-forwarded-for", from).json(&asked);
    login.send().await.expect("an answer")
}

async fn guess(world: &World, name: &str, from: &str, password: &str) -> Response {
    ask(world, &world.url, name, from, password).await
}

async fn by_form(world: &World, name: &str, from: &str, password: &str, had: &str) -> Response {
    let form = [("username", name), ("password", password)];
    let login = world.post("/login").header("x-forwarded-for", from).header("cookie", had);
    login.form(&form).send().await.expect("an answer")
}

/// What answers to wrong tries said, in order.
async fn siege(world: &World, name: &str, from: &str) -> Vec<u16> {
    let mut told = Vec::new();
    for _ in 0..MANY {
        told.push(guess(world, name, from, "wrong guess").await.status().as_u16());
    }
    told
}

async fn a_stranger_keeps_himself_out_and_not_the_owner(world: World) {
    let ana = Person::join(&world, "ana").await;
    let told = siege(&world, "ana", "198.51.100.7").await;
    assert_eq!((told[0], told[MANY - 1]), (401, 429), "{told:?}");
    // Neither does his neighbour in the same network get in, even with the right password.
    let inside = guess(&world, "ana", "198.51.100.200", PASSWORD).await;
    assert_eq!(inside.status(), 429);
    body(200, guess(&world, "ana", "192.0.2.1", PASSWORD).await).await;
    body(200, guess(&world, &ana.email, "2001:db8:7::1", PASSWORD).await).await;
    world.end().await;
}

async fn the_user_name_and_the_e_mail_are_one_account(world: World) {
    let ana = Person::join(&world, "ana").await;
    Person::join(&world, "bob").await;
    let from = "198.51.100.7";
    siege(&world, "ana", from).await;
    // Not opened by her e-mail, told like a wrong password: nothing says that both are one.
    let told = guess(&world, &ana.email, from, PASSWORD).await;
    assert!(!told.headers().contains_key("retry-after"));
    let mut hers = body(401, told).await;
    let mut nobodys = body(401, guess(&world, "x@dumont.local", from, PASSWORD).await).await;
    hers["request_id"].take();
    nobodys["request_id"].take();
    assert_eq!(hers, nobodys);
    // Another process on the same database counts with this one.
    let beside = world.beside().await;
    for name in ["ana", ana.email.as_str()] {
        body(401, ask(&world, &beside, name, from, PASSWORD).await).await;
    }
    // Somebody else gets in from there.
    body(200, guess(&world, "bob", from, PASSWORD).await).await;
    world.end().await;
}

async fn a_known_browser_gets_in_from_the_network_of_the_siege(world: World) {
    Person::join(&world, "ana").await;
    Person::join(&world, "bob").await;
    let from = "198.51.100.7";
    let first = by_form(&world, "ana", from, PASSWORD, "").await;
    assert_eq!((first.status().as_u16(), cookie(&first).is_some()), (303, true));
    let set = first.headers().get_all("set-cookie").iter().map(|line| line.to_str().expect("text"));
    let set = set.into_iter().find(|line| line.starts_with("dumont_browser=")).expect("a cookie");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"] {
        assert!(set.contains(part), "{set}");
    }
    let known = browser_cookie(&first).expect("a cookie");
    // More than any bound but the browser's own, from everywhere.
    for network in 0..12 {
        siege(&world, "ana", &format!("10.0.{network}.1")).await;
    }
    siege(&world, "ana", from).await;
    let made_up = "dumont_browser=0123456789012345678901234567890123456789012";
    for (name, had) in [("ana", ""), ("ana", made_up), ("bob", known.as_str())] {
        let told = by_form(&world, name, from, "wrong guess", had).await;
        assert!(matches!(told.status().as_u16(), 401 | 429), "{name} {had}");
    }
    let stranger = by_form(&world, "ana", from, PASSWORD, made_up).await;
    assert!(cookie(&stranger).is_none());
    // The owner's browser opens nothing by itself, and gets in by either name.
    let me = world.get("/api/v1/auth/me").header("cookie", &known).send().await;
    assert_eq!(me.expect("an answer").status(), 401);
    let owner = by_form(&world, "ana", from, PASSWORD, &known).await;
    assert_eq!(owner.status(), 303);
    let newer = browser_cookie(&owner).expect("another cookie");
    assert_ne!(newer, known);
    assert_eq!(by_form(&world, "ana@dumont.local", from, PASSWORD, &newer).await.status(), 303);
    // Whoever stole the one before has a stranger's cookie.
    let thief = by_form(&world, "ana", from, PASSWORD, &known).await;
    assert!(cookie(&thief).is_none());
    world.end().await;
}

async fn a_known_browser_has_a_bound_of_its_own(world: World) {
    Person::join(&world, "ana").await;
    let from = "198.51.100.7";
    let first = by_form(&world, "ana", from, PASSWORD, "").await;
    let known = browser_cookie(&first).expect("a cookie");
    let mut told = Vec::new();
    for network in 0..MANY {
        let from = format!("10.1.{network}.1");
        told.push(by_form(&world, "ana", &from, "wrong guess", &known).await.status().as_u16());
    }
    assert_eq!((told[0], told[MANY - 1]), (401, 429), "{told:?}");
    // What it tried takes nothing from the others.
    body(200, guess(&world, "ana", from, PASSWORD).await).await;
    world.end().await;
}

async fn a_browser_is_forgotten_by_its_owner_and_by_a_new_password(world: World) {
    let ana = Person::join(&world, "ana").await;
    let first = by_form(&world, "ana", "192.0.2.1", PASSWORD, "").await;
    let (session, one) = (cookie(&first).expect("in"), browser_cookie(&first).expect("known"));
    let other = browser_cookie(&by_form(&world, "ana", "192.0.2.1", PASSWORD, "").await);
    let other = other.expect("known");
    let here = format!("{session}; {one}");
    let list = async |cookie: &str| -> Value {
        let asked = world.get("/api/v1/auth/browsers").header("cookie", cookie).send().await;
        body(200, asked.expect("an answer")).await
    };
    let all = list(&here).await;
    assert_eq!(all["count"], 2);
    let text = all.to_string();
    assert!(!text.contains(one.split('=').nth(1).expect("a value")), "no cookie is told");
    let theirs = all["browsers"].as_array().expect("a list").iter();
    let theirs = theirs.filter(|one| one["current"] == false).collect::<Vec<_>>();
    assert_eq!(theirs.len(), 1);
    let path = format!("/api/v1/auth/browsers/{}", theirs[0]["id"].as_str().expect("an id"));
    let gone = world.ask(Method::DELETE, &path).header("cookie", &here).send().await;
    body(200, gone.expect("an answer")).await;
    siege(&world, "ana", "198.51.100.7").await;
    let forgotten = by_form(&world, "ana", "198.51.100.7", PASSWORD, &other).await;
    assert!(cookie(&forgotten).is_none());

    // A new password: the browser that sets it is known by another cookie, and no other is.
    let third = by_form(&world, "ana", "192.0.2.1", PASSWORD, "").await;
    let third = browser_cookie(&third).expect("known");
    let form = [("current_password", PASSWORD), ("new_password", "another long password")];
    let path = "/app/settings/account/password";
    let changed = world.post(path).header("cookie", &here).form(&form).send().await;
    let changed = changed.expect("an answer");
    assert_eq!(changed.status(), 303);
    let newer = browser_cookie(&changed).expect("another cookie");
    for (had, inside) in [(&one, false), (&third, false), (&newer, true)] {
        let told = by_form(&world, "ana", "198.51.100.7", "another long password", had).await;
        assert_eq!(cookie(&told).is_some(), inside);
    }
    let left = world.dumont.store.browsers().list(&ana.id, world.dumont.now()).await;
    assert_eq!(left.expect("listed").len(), 1);
    world.end().await;
}

async fn names_that_nobody_has_take_no_room(world: World) {
    for n in 0..400 {
        let from = format!("10.{}.{}.1", n / 200, n % 200);
        body(401, guess(&world, &format!("name {n}"), &from, "wrong guess").await).await;
    }
    // Not one row of a name; see `limit` for a hundred thousand of them in memory.
    let rows = world.dumont.store.attempts().count().await.expect("a count");
    assert!(rows <= 400 + 256, "{rows}");
    let later = world.dumont.now().plus(60_001);
    world.dumont.store.attempts().prune(later).await.expect("pruned");
    assert_eq!(world.dumont.store.attempts().count().await.expect("a count"), 0);
    world.end().await;
}

on_both!(
    a_stranger_keeps_himself_out_and_not_the_owner,
    the_user_name_and_the_e_mail_are_one_account,
    a_known_browser_gets_in_from_the_network_of_the_siege,
    a_known_browser_has_a_bound_of_its_own,
    a_browser_is_forgotten_by_its_owner_and_by_a_new_password,
    names_that_nobody_has_take_no_room,
);

#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_not_chosen_by_a_header_where_no_proxy_is_trusted() {
    let choice = Choice { no_proxy: true, ..Choice::default() };
    let world = World::start_with(Database::sqlite(), choice).await;
    Person::join(&world, "ana").await;
    let mut told = Vec::new();
    for network in 0..MANY {
        let from = format!("10.1.{network}.1");
        told.push(guess(&world, "ana", &from, "wrong guess").await.status().as_u16());
    }
    assert_eq!((told[9], told[MANY - 1]), (401, 429), "{told:?}");
    world.end().await;
}
