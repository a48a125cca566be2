//! What a credential reaches, how long, and what ends with it.

use std::time::Duration;

use domain::access::Scope;
use domain::id::{TokenId, UserId};
use domain::time::{DAY_MS, Millis};
use domain::view::account::NewToken;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use server::api::table::{Access, table};
use server::service::auth;
use store::DbSessions;
use tower_sessions::SessionStore as _;
use tower_sessions::session::{Id, Record};

use crate::people::{PASSWORD, Person};
use crate::seed::{self, GPU};
use crate::world::{World, body, cookie};

/// Less than a stream waits before it looks by itself whether its credential still stands.
const AT_ONCE: Duration = Duration::from_secs(10);

async fn api_token(world: &World, person: &Person, scope: Scope) -> (String, String) {
    let new = NewToken { name: scope.to_string(), scope, expires_at: None, never_expires: false };
    let made = auth::create_token(&world.dumont, &person.id, new, None).await.expect("a token");
    (made.token, made.info.id)
}

async fn with(world: &World, token: &str, method: Method, path: &str, what: Value) -> Response {
    let asked = world.ask(method, &format!("/api/v1{path}")).bearer_auth(token).json(&what);
    asked.send().await.expect("an answer")
}

async fn look(world: &World, token: &str, path: &str) -> Response {
    world.get(&format!("/api/v1{path}")).bearer_auth(token).send().await.expect("an answer")
}

async fn a_login_over_the_api_is_one_credential_that_can_be_seen_and_ended(world: World) {
    let ana = Person::join(&world, "ana").await;
    let entered = world.log_in(&ana.email, PASSWORD).await;
    assert_eq!(cookie(&entered), None, "no second credential");
    let token = body(200, entered).await["token"].as_str().expect("a token").to_owned();
    let own = |list: &Value| {
        let all = list["sessions"].as_array().expect("a list").clone();
        let mut own = all.into_iter().filter(|one| one["current"] == true);
        let found = own.next().expect("this login");
        assert_eq!(own.next(), None);
        found
    };
    let here = own(&body(200, look(&world, &token, "/auth/sessions").await).await);
    assert_eq!((&here["kind"], &here["ip"]), (&json!("api"), &json!("127.0.0.1")));
    assert!(!here.to_string().contains(&token[12..]), "the list shows no token");

    body(200, with(&world, &token, Method::POST, "/auth/logout", json!({})).await).await;
    body(401, look(&world, &token, "/auth/me").await).await;
    let left = body(200, look(&world, &ana.token, "/auth/sessions").await).await;
    assert!(!left.to_string().contains(here["id"].as_str().expect("an id")), "{left}");

    // And another login ends it from afar, on the page's list as well.
    let other = body(200, world.log_in(&ana.email, PASSWORD).await).await;
    let other = other["token"].as_str().expect("a token").to_owned();
    let there = own(&body(200, look(&world, &other, "/auth/sessions").await).await);
    let session = world.session(&ana.email).await;
    let form = [("id", there["id"].as_str().expect("an id"))];
    let ended = world.post("/app/settings/account/sessions/revoke").header("cookie", session);
    let ended = ended.form(&form).send().await.expect("an answer");
    assert_eq!(ended.status(), 303);
    body(401, look(&world, &other, "/auth/me").await).await;
    world.end().await;
}

async fn each_route_asks_for_its_scope_and_no_more(world: World) {
    let ana = Person::join(&world, "ana").await;
    let failover = seed::machine(&world, &ana.id).await.to_string();
    for route in table() {
        let Some(needed) = route.access.scope() else {
            assert_eq!(route.access, Access::Public);
            continue;
        };
        let (method, template) = route.method_and_path().expect("described");
        let method = Method::from_bytes(method.as_str().as_bytes()).expect("a method");
        let path = template
            .replace("{gpu_id}", &GPU.to_string())
            .replace("{machine_id}", &GPU.to_string())
            .replace("{point_id}", "7")
            .replace("{failover_id}", &failover)
            .replace("{notification_id}", "1")
            .replace("{token_id}", "nobodys")
            .replace("{session_id}", "nobodys")
            .replace("{account_id}", "nobodys")
            .replace("{invitation_id}", "nobodys");
        for mount in ["/api/v1", "/api"] {
            for scope in Scope::ALL {
                let (token, _) = api_token(&world, &ana, *scope).await;
                let mut asked = world.ask(method.clone(), &format!("{mount}{path}"));
                asked = asked.bearer_auth(&token);
                if let Some(example) = route.example {
                    asked = asked.header("content-type", "application/json").body(example);
                }
                let what = format!("{method} {mount}{path} with {scope}");
                let answer = asked.send().await.expect("an answer");
                if path == "/events" {
                    assert_eq!(answer.status(), 200, "{what}");
                    continue;
                }
                let status = answer.status().as_u16();
                let text = answer.text().await.expect("a body");
                let refused = status == 403 && text.contains("scope_needed");
                assert_eq!(refused, !scope.covers(needed), "{what}: {status} {text}");
            }
        }
    }
    // Pages act with all of the account.
    for (scope, status) in [(Scope::Read, 403), (Scope::Operate, 403), (Scope::Admin, 200)] {
        let (token, _) = api_token(&world, &ana, scope).await;
        let page = world.get("/app/settings/account").bearer_auth(&token).send().await;
        assert_eq!(page.expect("an answer").status(), status, "{scope}");
        let form = [("locale", "en")];
        let sent = world.post("/prefs").bearer_auth(&token).form(&form).send().await;
        assert_eq!(sent.expect("an answer").status() == 403, status == 403, "{scope}");
    }
    world.end().await;
}

async fn a_token_ends_by_itself_unless_for_ever_was_chosen(world: World) {
    let ana = Person::join(&world, "ana").await;
    let make = |what: Value| with(&world, &ana.token, Method::POST, "/auth/tokens", what);
    let before = world.dumont.now();
    let made = body(201, make(json!({"name": "plain"})).await).await;
    assert_eq!(made["info"]["scope"], "read", "nothing more was asked for");
    let ends = made["info"]["expires_at"].as_str().and_then(Millis::parse_rfc3339).expect("an end");
    assert!((0..DAY_MS).contains(&ends.since(before.plus(90 * DAY_MS))), "{made}");
    let asked = json!({"name": "for ever", "scope": "operate", "never_expires": true});
    let made = body(201, make(asked).await).await;
    assert_eq!(
        (&made["info"]["expires_at"], &made["info"]["scope"]),
        (&json!(null), &json!("operate"))
    );
    let both = json!({"name": "both", "never_expires": true, "expires_at": "2099-01-01T00:00:00Z"});
    assert_eq!(body(422, make(both).await).await["errors"][0]["field"], "never_expires");
    assert_eq!(make(json!({"name": "x", "scope": "all"})).await.status(), 422);
    world.end().await;
}

/// What may not be done without the password, and whether it was.
async fn tries(world: &World, token: &str) -> (Response, Response) {
    let mint = with(world, token, Method::POST, "/auth/tokens", json!({"name": "more"})).await;
    let put = json!({"vast_api_key": null});
    (mint, with(world, token, Method::PUT, "/settings", put).await)
}

async fn what_outlives_a_credential_needs_the_password_again(world: World) {
    let ana = Person::join(&world, "ana").await;
    let customer = world.customer().await;
    let put = json!({"vast_api_key": customer.vast_api_key});
    body(200, with(&world, &ana.token, Method::PUT, "/settings", put).await).await;
    let confirm = |token: String, password: &'static str| {
        let asked = json!({"password": password});
        let world = &world;
        async move { with(world, &token, Method::POST, "/auth/confirm", asked).await }
    };

    // An old login, and an API token that may do everything else.
    let old = body(200, world.log_in(&ana.email, PASSWORD).await).await;
    let old = old["token"].as_str().expect("a token").to_owned();
    let tokens = world.dumont.store.tokens();
    let row = tokens.find(&old, world.dumont.now()).await.expect("asked").expect("there");
    tokens.confirm(&ana.id, &row.id, world.dumont.now().plus(-600_000)).await.expect("noted");
    let (admin, admin_id) = api_token(&world, &ana, Scope::Admin).await;
    for token in [&old, &admin] {
        let (mint, put) = tries(&world, token).await;
        for refused in [mint, put] {
            let told = body(403, refused).await;
            assert_eq!(told["code"], "confirmation_needed");
            assert!(told["detail"].as_str().expect("words").contains("/auth/confirm"), "{told}");
        }
        let kept = body(200, look(&world, token, "/settings").await).await;
        assert_eq!(kept["vast_api_key"]["is_set"], true, "nothing was taken away");
        body(200, with(&world, token, Method::PUT, "/settings", json!({"theme": "dark"})).await)
            .await;
        let wrong = body(422, confirm(token.clone(), "not the password").await).await;
        assert_eq!(wrong["errors"][0]["field"], "password");
        assert_eq!(tries(&world, token).await.0.status(), 403);
        body(200, confirm(token.clone(), PASSWORD).await).await;
        let more = json!({"name": "more"});
        body(201, with(&world, token, Method::POST, "/auth/tokens", more).await).await;
    }
    let (_, put) = tries(&world, &admin).await;
    assert_eq!(body(200, put).await["vast_api_key"]["is_set"], false);
    // A confirmation is of one credential and ends.
    let (another, _) = api_token(&world, &ana, Scope::Admin).await;
    assert_eq!(tries(&world, &another).await.0.status(), 403);
    let id = TokenId::new(admin_id);
    tokens.confirm(&ana.id, &id, world.dumont.now().plus(-600_000)).await.expect("noted");
    assert_eq!(tries(&world, &admin).await.0.status(), 403);
    world.end().await;
}

/// The cookie of a login that was not confirmed lately: made before confirmations were noted.
async fn old_session(world: &World, user: &UserId) -> String {
    let mut record = Record {
        id: Id::default(),
        data: [("user".to_owned(), json!(user.as_str()))].into(),
        expiry_date: time::OffsetDateTime::now_utc() + time::Duration::days(1),
    };
    let sessions = DbSessions::new(world.dumont.store.clone(), world.dumont.clock.clone());
    sessions.create(&mut record).await.expect("made");
    format!("dumont_session={}", record.id)
}

async fn pages_ask_for_the_password_before_they_show_such_a_form(world: World) {
    let ana = Person::join(&world, "ana").await;
    let session = old_session(&world, &ana.id).await;
    let page = async |path: &str| {
        let asked = world.get(path).header("cookie", &session).send().await.expect("an answer");
        asked.text().await.expect("a page")
    };
    let send = async |path: &str, form: &[(&str, &str)]| {
        let sent = world.post(path).header("cookie", &session).form(form).send().await;
        sent.expect("an answer")
    };
    let places = [
        ("/app/settings/account", "action=\"/app/settings/account/tokens\""),
        ("/app/settings/credentials", "name=\"vast_api_key\""),
    ];
    for (path, form) in places {
        let shown = page(path).await;
        assert!(
            shown.contains("action=\"/app/settings/confirm\"") && !shown.contains(form),
            "{path}"
        );
    }
    let refused = send("/app/settings/account/tokens", &[("name", "x"), ("days", "30")]).await;
    assert_eq!(refused.status(), 403);
    let key = [("vast_api_key", "a key of somebody else's")];
    assert_eq!(send("/app/settings/credentials", &key).await.status(), 403);
    let wrong = [("password", "not the password"), ("next", "/app/settings/credentials")];
    assert_eq!(send("/app/settings/confirm", &wrong).await.status(), 422);
    let right = [("password", PASSWORD), ("next", "/app/settings/credentials")];
    let led = send("/app/settings/confirm", &right).await;
    assert_eq!(
        (led.status().as_u16(), &led.headers()["location"]),
        (303, &"/app/settings/credentials".parse().expect("a value"))
    );
    for (path, form) in places {
        let shown = page(path).await;
        assert!(
            !shown.contains("action=\"/app/settings/confirm\"") && shown.contains(form),
            "{path}"
        );
    }
    let made = send("/app/settings/account/tokens", &[("name", "x"), ("days", "30")]).await;
    assert_eq!(made.status(), 200);
    world.end().await;
}

/// Reads a stream to its end; false when it does not end.
async fn ends(mut stream: Response) -> bool {
    let reading = async { while stream.chunk().await.is_ok_and(|chunk| chunk.is_some()) {} };
    tokio::time::timeout(AT_ONCE, reading).await.is_ok()
}

async fn what_a_credential_keeps_open_ends_with_it(world: World) {
    let ana = Person::join(&world, "ana").await;
    let listen = async |name: &str, value: &str| {
        let asked = world.get("/api/v1/events").header(name, value);
        let mut stream = asked.send().await.expect("an answer");
        let begun = stream.chunk().await.expect("readable").expect("a beginning");
        assert!(String::from_utf8_lossy(&begun).contains("listening"));
        stream
    };
    let bearer = |token: &str| format!("Bearer {token}");
    let new = async || ana.new_token(&world).await;

    // Revoked, one by one; whoever did not end hears on.
    let (api, id) = api_token(&world, &ana, Scope::Read).await;
    let login = new().await;
    let browser = world.session(&ana.email).await;
    let (of_api, of_login, of_browser) = (
        listen("authorization", &bearer(&api)).await,
        listen("authorization", &bearer(&login)).await,
        listen("cookie", &browser).await,
    );
    let mut stays = listen("authorization", &bearer(&ana.token)).await;
    body(
        200,
        with(&world, &ana.token, Method::DELETE, &format!("/auth/tokens/{id}"), json!({})).await,
    )
    .await;
    assert!(ends(of_api).await, "a revoked token's stream");
    body(200, with(&world, &login, Method::POST, "/auth/logout", json!({})).await).await;
    assert!(ends(of_login).await, "a stream after its logout");
    let nothing: [(&str, &str); 0] = [];
    let out = world
        .post("/logout")
        .header("cookie", &browser)
        .form(&nothing)
        .send()
        .await
        .expect("an answer");
    assert_eq!(out.status(), 303);
    assert!(ends(of_browser).await, "a browser's stream after its logout");

    // A new password, by whichever process, ends all others.
    let of_other = listen("authorization", &bearer(&new().await)).await;
    let of_browser = listen("cookie", &world.session(&ana.email).await).await;
    let asked = json!({"current_password": PASSWORD, "new_password": "quite another sentence"});
    body(200, with(&world, &ana.token, Method::POST, "/auth/password", asked).await).await;
    assert!(ends(of_other).await && ends(of_browser).await, "streams of other logins");
    world.dumont.doorbell(&ana.id, "settings", "last-bell").await;
    let mut heard = String::new();
    while !heard.contains("last-bell") {
        let chunk = stays.chunk().await.expect("readable").expect("the one that stays open");
        heard.push_str(&String::from_utf8_lossy(&chunk));
    }
    world.end().await;
}

on_both!(
    a_login_over_the_api_is_one_credential_that_can_be_seen_and_ended,
    each_route_asks_for_its_scope_and_no_more,
    a_token_ends_by_itself_unless_for_ever_was_chosen,
    what_outlives_a_credential_needs_the_password_again,
    pages_ask_for_the_password_before_they_show_such_a_form,
    what_a_credential_keeps_open_ends_with_it,
);
