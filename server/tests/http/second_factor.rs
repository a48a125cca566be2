//! The second factor: what it takes to turn it on, what a login is without it, and what does not get
//! around it.

use domain::id::UserId;
use domain::time::Clock as _;
use reqwest::{Method, RequestBuilder, Response};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use server::api::table::{Access, table};
use server::service::people;
use store::AuditPage;

use crate::database::Database;
use crate::people::{PASSWORD, Person};
use crate::totp::{App, STEP_MS};
use crate::world::{World, body, browser_cookie, cookie};

const OTHER: &str = "quite another sentence";

/// Somebody with an app.
struct Armed {
    person: Person,
    /// A browser of theirs, logged in.
    session: String,
    app: App,
    recovery: Vec<String>,
}

/// The next code that was not used yet.
fn fresh(world: &World, app: &App) -> String {
    world.clock.pass(STEP_MS);
    code(world, app, 0)
}

/// The code of so many steps from now.
fn code(world: &World, app: &App, ahead: i64) -> String {
    app.code(world.clock.now().0 / STEP_MS + ahead)
}

/// One that is none.
fn wrong(world: &World, app: &App) -> String {
    let near: Vec<String> = (-2..=2).map(|ahead| code(world, app, ahead)).collect();
    let any = (0..).map(|n| format!("{n:06}")).find(|code| !near.contains(code));
    any.expect("a code")
}

async fn send(asked: RequestBuilder) -> Response {
    asked.send().await.expect("an answer")
}

async fn by(world: &World, session: &str, path: &str, what: Value) -> Response {
    send(world.post(&format!("/api/v1{path}")).header("cookie", session).json(&what)).await
}

async fn login(world: &World, email: &str, code: Option<&str>, from: &str) -> Response {
    let mut asked = json!({"email": email, "password": PASSWORD});
    if let Some(code) = code {
        asked["code"] = json!(code);
    }
    let login = world.post("/api/v1/auth/login").header("x-forwarded-for", from);
    send(login.json(&asked)).await
}

/// The form's first step; the answer leads to the second.
async fn half_way(world: &World, email: &str) -> String {
    let form = [("username", email), ("password", PASSWORD), ("next", "/app/failovers")];
    let answer = send(world.post("/login").form(&form)).await;
    assert_eq!(answer.status(), 303);
    let place = answer.headers()["location"].to_str().expect("text");
    assert_eq!(place, "/login/code?next=%2Fapp%2Ffailovers");
    assert!(browser_cookie(&answer).is_none(), "no browser is known before the code");
    cookie(&answer).expect("a session")
}

async fn send_code(world: &World, session: &str, code: &str) -> Response {
    let form = [("code", code), ("next", "/app/failovers")];
    send(world.post("/login/code").header("cookie", session).form(&form)).await
}

async fn me(world: &World, name: &str, value: &str) -> u16 {
    send(world.get("/api/v1/auth/me").header(name, value)).await.status().as_u16()
}

async fn arm(world: &World, name: &str) -> Armed {
    let person = Person::join(world, name).await;
    let session = world.session(&person.email).await;
    let begun = body(200, by(world, &session, "/auth/second-factor", json!({})).await).await;
    let app = App::of(begun["secret"].as_str().expect("a secret"));
    let code = json!({"code": code(world, &app, 0)});
    let on = body(200, by(world, &session, "/auth/second-factor/activate", code).await).await;
    let codes = on["recovery_codes"].as_array().expect("a list").iter();
    let recovery = codes.map(|code| code.as_str().expect("a code").to_owned()).collect();
    Armed { person, session, app, recovery }
}

async fn log_of(world: &World, user: &UserId) -> Vec<(String, Option<String>, Option<String>)> {
    let page = AuditPage { area: None, before: None, limit: 50 };
    let rows = world.dumont.store.audit().list(user, &page).await.expect("a log");
    let told =
        rows.into_iter().map(|(_, row)| (row.action.as_str().to_owned(), row.object, row.code));
    told.collect()
}

/// A failover that waits for a person's word to buy on.
async fn at_a_limit(world: &World, user: &UserId) {
    crate::seed::machine(world, user).await;
    let steps = world.dumont.store.steps();
    let id = domain::id::FailoverId::new("owners-failover-2");
    let now = world.dumont.now();
    let name = domain::failover::StepName::Search;
    let row = steps.begin(&id, name, 0, now).await.expect("begun");
    let end = store::Finish {
        ended_at: now,
        outcome: domain::failover::Outcome::Retry,
        retry_at: Some(now.plus(3_600_000)),
        provider_ms: 0,
        output: json!({"waits_for": "limit"}),
        error: None,
    };
    steps.finish(&id, row.seq, &end).await.expect("finished");
}

async fn it_is_on_once_a_right_code_was_sent_and_ends_what_the_password_alone_let_in(world: World) {
    let ana = Person::join(&world, "ana").await;
    let here = world.session(&ana.email).await;
    let there = world.session(&ana.email).await;
    let path = "/auth/second-factor";
    let state = async |session: &str| {
        let asked = world.get(&format!("/api/v1{path}")).header("cookie", session);
        body(200, send(asked).await).await
    };
    assert_eq!(state(&here).await["enabled"], false);
    // Neither begun nor proved by whoever has a login and not the password.
    world.clock.pass(600_001);
    for path in [path, "/auth/second-factor/activate"] {
        let told = body(403, by(&world, &here, path, json!({"code": "000000"})).await).await;
        assert_eq!(told["code"], "confirmation_needed", "{path}");
    }
    body(200, by(&world, &here, "/auth/confirm", json!({"password": PASSWORD})).await).await;
    let activate = "/auth/second-factor/activate";
    let early = body(409, by(&world, &here, activate, json!({"code": "000000"})).await).await;
    assert_eq!(early["code"], "second_factor_not_begun");
    let begun = body(200, by(&world, &here, path, json!({})).await).await;
    let secret = begun["secret"].as_str().expect("a secret").to_owned();
    let uri = begun["uri"].as_str().expect("an address");
    assert!(uri.starts_with("otpauth://totp/Dumont:ana%40dumont.local?"), "{uri}");
    assert!(secret.len() == 32 && uri.contains(&secret), "{uri}");
    let app = App::of(&secret);
    let refused = by(&world, &here, activate, json!({"code": wrong(&world, &app)})).await;
    assert_eq!(body(422, refused).await["errors"][0]["code"], "wrong_code");
    // Still not asked for.
    assert_eq!(state(&here).await["enabled"], false);
    body(200, login(&world, &ana.email, None, "192.0.2.1").await).await;
    assert_eq!(me(&world, "cookie", &there).await, 200);

    let proving = code(&world, &app, 0);
    let on = body(200, by(&world, &here, activate, json!({"code": proving})).await).await;
    assert_eq!(on["recovery_codes"].as_array().expect("a list").len(), 10);
    let state = state(&here).await;
    assert_eq!((&state["enabled"], &state["recovery_codes_left"]), (&json!(true), &json!(10)));
    assert_eq!((me(&world, "cookie", &here).await, me(&world, "cookie", &there).await), (200, 401));
    assert_eq!(me(&world, "authorization", &format!("Bearer {}", ana.token)).await, 401);
    // The code that proved it opens nothing more.
    let again = login(&world, &ana.email, Some(&proving), "192.0.2.1").await;
    assert_eq!(body(401, again).await["code"], "wrong_code");
    let twice = body(409, by(&world, &here, path, json!({})).await).await;
    assert_eq!(twice["code"], "second_factor_on");
    let log = log_of(&world, &ana.id).await;
    for action in ["begin_second_factor", "add_second_factor"] {
        assert!(log.contains(&(action.into(), None, None)), "{log:?}");
    }
    // No answer and no page tells the secret again.
    let page = world.get("/app/settings/account/second-factor").header("cookie", &here);
    let page = send(page).await.text().await.expect("a page");
    assert!(!page.contains(&secret[..4]) && !page.contains("class=\"qr\""), "{page}");
    world.end().await;
}

async fn a_code_opens_once_and_only_around_its_time(world: World) {
    let ana = arm(&world, "ana").await;
    let enter =
        async |code: Option<&str>| login(&world, &ana.person.email, code, "192.0.2.1").await;
    let needed = body(401, enter(None).await).await;
    assert_eq!(needed["code"], "code_needed");
    // That the password was right is in the log, and no refusal.
    let begun = ("begin_log_in".to_owned(), None, None);
    assert_eq!(log_of(&world, &ana.person.id).await[0], begun);
    assert_eq!(body(401, enter(Some("")).await).await["code"], "code_needed");
    world.clock.pass(10 * STEP_MS);
    for ahead in [-2, 2] {
        let code = code(&world, &ana.app, ahead);
        assert_eq!(body(401, enter(Some(&code)).await).await["code"], "wrong_code", "{ahead}");
    }
    // One step behind, and typed as some apps show it.
    let late = code(&world, &ana.app, -1);
    let typed = format!(" {} {} ", &late[..3], &late[3..]);
    body(200, enter(Some(&typed)).await).await;
    for code in [&late, &code(&world, &ana.app, -2)] {
        assert_eq!(body(401, enter(Some(code)).await).await["code"], "wrong_code", "{code}");
    }
    // One step ahead; with it go those before, and it itself within its own step.
    let early = code(&world, &ana.app, 1);
    body(200, enter(Some(&early)).await).await;
    for ahead in [0, 1] {
        let code = code(&world, &ana.app, ahead);
        assert_eq!(body(401, enter(Some(&code)).await).await["code"], "wrong_code", "{ahead}");
    }
    world.clock.pass(STEP_MS);
    assert_eq!(body(401, enter(Some(&early)).await).await["code"], "wrong_code");
    // Of many at once with one code one gets in.
    let code = fresh(&world, &ana.app);
    let asked = (0..8).map(|_| enter(Some(&code)));
    let told = futures::future::join_all(asked).await;
    let let_in = told.iter().filter(|answer| answer.status() == 200).count();
    assert_eq!(let_in, 1);
    world.end().await;
}

async fn a_recovery_code_opens_once_also_of_two_at_the_same_time(world: World) {
    let ana = arm(&world, "ana").await;
    let enter = async |code: &str| login(&world, &ana.person.email, Some(code), "192.0.2.1").await;
    let first = &ana.recovery[0];
    let told = futures::future::join_all((0..8).map(|_| enter(first))).await;
    assert_eq!(told.iter().filter(|answer| answer.status() == 200).count(), 1);
    assert_eq!(body(401, enter(first).await).await["code"], "wrong_code");
    // However it is typed.
    let second = ana.recovery[1].to_uppercase().replace('-', " ");
    body(200, enter(&second).await).await;
    let state = world.get("/api/v1/auth/second-factor").header("cookie", &ana.session);
    assert_eq!(body(200, send(state).await).await["recovery_codes_left"], 8);
    let used = ("log_in".to_owned(), Some("recovery_code".to_owned()), None);
    assert_eq!(log_of(&world, &ana.person.id).await.iter().filter(|row| **row == used).count(), 2);
    // Somebody else's opens nothing here.
    let bob = arm(&world, "bob").await;
    assert_eq!(body(401, enter(&bob.recovery[0]).await).await["code"], "wrong_code");
    // Others take the place of those that are left.
    let made = by(&world, &ana.session, "/auth/second-factor/recovery-codes", json!({})).await;
    let made = body(200, made).await;
    assert_eq!(body(401, enter(&ana.recovery[2]).await).await["code"], "wrong_code");
    body(200, enter(made["recovery_codes"][0].as_str().expect("a code")).await).await;
    world.end().await;
}

async fn before_its_code_a_login_may_nothing(world: World) {
    let ana = arm(&world, "ana").await;
    let half = half_way(&world, &ana.person.email).await;
    for route in table() {
        let (method, path) = route.method_and_path().expect("described");
        if route.access == Access::Public {
            continue;
        }
        let path = path.replace(['{', '}'], "");
        let asked = world.ask(
            Method::from_bytes(method.as_str().as_bytes()).expect("a method"),
            &format!("/api/v1{path}"),
        );
        let mut asked = asked.header("cookie", &half);
        if let Some(example) = route.example {
            asked = asked.header("content-type", "application/json").body(example);
        }
        let told = body(401, send(asked).await).await;
        assert_eq!(told["code"], "unauthorized", "{method} {path}");
    }
    for path in ["/app", "/app/settings/account", "/app/settings/account/second-factor"] {
        for method in [Method::GET, Method::POST] {
            let asked = world.ask(method, path).header("cookie", &half).form(&[("act", "begin")]);
            let answer = send(asked).await;
            let place = answer.headers()["location"].to_str().expect("text");
            assert!(answer.status() == 303 && place.starts_with("/login"), "{path}: {place}");
        }
    }
    // A wrong code leaves it as it is; a right one makes another session of it.
    let wrong = send_code(&world, &half, &wrong(&world, &ana.app)).await;
    assert_eq!((wrong.status().as_u16(), cookie(&wrong)), (401, None));
    let right = send_code(&world, &half, &fresh(&world, &ana.app)).await;
    assert_eq!(
        (right.status().as_u16(), right.headers()["location"].to_str().expect("text")),
        (303, "/app/failovers")
    );
    assert!(browser_cookie(&right).is_some());
    let whole = cookie(&right).expect("a session");
    assert_ne!(whole, half);
    assert_eq!((me(&world, "cookie", &half).await, me(&world, "cookie", &whole).await), (401, 200));
    // What was half-way opens nothing afterwards, with whatever code.
    let again = send_code(&world, &half, &fresh(&world, &ana.app)).await;
    assert_eq!(again.headers()["location"], "/login?next=%2Fapp%2Ffailovers");
    // Nobody gets in by the code alone.
    let alone = send_code(&world, "", &fresh(&world, &ana.app)).await;
    assert_eq!(
        (alone.headers()["location"].to_str().expect("text"), cookie(&alone)),
        ("/login?next=%2Fapp%2Ffailovers", None)
    );
    world.end().await;
}

async fn a_login_waits_for_its_code_five_minutes_and_for_its_own_password(world: World) {
    let ana = arm(&world, "ana").await;
    let email = &ana.person.email;
    let late = half_way(&world, email).await;
    world.clock.pass(300_000);
    assert_eq!(
        send_code(&world, &late, &fresh(&world, &ana.app)).await.headers()["location"],
        "/login?next=%2Fapp%2Ffailovers"
    );
    let early = half_way(&world, email).await;
    let asked = json!({"current_password": PASSWORD, "new_password": OTHER, "code": fresh(&world, &ana.app)});
    body(200, by(&world, &ana.session, "/auth/password", asked).await).await;
    assert_eq!(
        send_code(&world, &early, &fresh(&world, &ana.app)).await.headers()["location"],
        "/login?next=%2Fapp%2Ffailovers"
    );
    // A login of another account in the same browser is not made into this one's: it ends, so that nobody
    // gets a new count of codes by logging in again over a login.
    let bob = Person::join(&world, "bob").await;
    let bobs = world.session(&bob.email).await;
    let form = [("username", email.as_str()), ("password", OTHER)];
    let both =
        send(world.post("/login?next=%2Fapp%2Ffailovers").header("cookie", &bobs).form(&form))
            .await;
    let both = cookie(&both).unwrap_or(bobs);
    body(401, send(world.get("/api/v1/auth/me").header("cookie", &both)).await).await;
    world.end().await;
}

async fn six_digits_are_not_guessed(world: World) {
    let ana = arm(&world, "ana").await;
    let email = &ana.person.email;
    // A browser that she has used before.
    let known = send(
        world
            .post("/login/code")
            .header("cookie", half_way(&world, email).await)
            .form(&[("code", fresh(&world, &ana.app))]),
    )
    .await;
    let known = browser_cookie(&known).expect("known");
    let wrong = wrong(&world, &ana.app);
    let mut told = Vec::new();
    for _ in 0..12 {
        told.push(login(&world, email, Some(&wrong), "198.51.100.7").await.status().as_u16());
    }
    assert_eq!((told[0], told[9], told[10], told[11]), (401, 401, 429, 429), "{told:?}");
    // Neither does the right one get in from there, nor a recovery code; from elsewhere it does.
    for code in [&fresh(&world, &ana.app), &ana.recovery[0]] {
        let answer = login(&world, email, Some(code), "198.51.100.8").await;
        assert!(answer.headers().contains_key("retry-after"));
        assert_eq!(answer.status(), 429);
    }
    body(200, login(&world, email, Some(&fresh(&world, &ana.app)), "192.0.2.1").await).await;
    // From many networks it is bounded too.
    let mut heard = 0;
    for network in 0..30 {
        let from = format!("10.0.{network}.1");
        for _ in 0..3 {
            heard += usize::from(login(&world, email, Some(&wrong), &from).await.status() == 401);
        }
    }
    assert!((15..=22).contains(&heard), "{heard} of 90 guesses were looked at");
    let elsewhere = login(&world, email, Some(&fresh(&world, &ana.app)), "192.0.2.9").await;
    assert_eq!(elsewhere.status(), 429);
    // Her browser gets in all the same, with a code, and so does whoever is logged in.
    let form = [("username", email.as_str()), ("password", PASSWORD)];
    let half = send(world.post("/login").header("cookie", &known).form(&form)).await;
    let half = format!("{known}; {}", cookie(&half).expect("a session"));
    let none = send_code(&world, &half, "").await;
    assert_eq!(none.status(), 401, "a known browser is asked for a code too");
    let right = send_code(&world, &half, &fresh(&world, &ana.app)).await;
    assert_eq!(right.status(), 303);
    let again = json!({"password": PASSWORD, "code": fresh(&world, &ana.app)});
    body(200, by(&world, &ana.session, "/auth/confirm", again).await).await;
    world.end().await;
}

async fn it_is_asked_for_again_before_money_keys_and_tokens(world: World) {
    let ana = arm(&world, "ana").await;
    let by = async |path: &str, what: Value| by(&world, &ana.session, path, what).await;
    let made =
        body(201, by("/auth/tokens", json!({"name": "job", "scope": "operate"})).await).await;
    let program = format!("Bearer {}", made["token"].as_str().expect("a token"));
    let login = login(&world, &ana.person.email, Some(&fresh(&world, &ana.app)), "192.0.2.1").await;
    let login = format!("Bearer {}", body(200, login).await["token"].as_str().expect("a token"));
    world.clock.pass(600_000);
    let rent = json!({"offer_id": 1, "image": "ubuntu:24.04", "disk_size": 20});
    let keys = json!({"vast_api_key": "0123456789012345678901234567890123456789"});
    let settings = world.ask(Method::PUT, "/api/v1/settings").header("cookie", &ana.session);
    for (what, answer) in [
        ("a token", by("/auth/tokens", json!({"name": "more"})).await),
        ("a key", send(settings.json(&keys)).await),
        ("money", by("/instances", rent.clone()).await),
        ("other codes", by("/auth/second-factor/recovery-codes", json!({})).await),
        (
            "money",
            send(world.post("/api/v1/instances").header("authorization", &login).json(&rent)).await,
        ),
    ] {
        assert_eq!(body(403, answer).await["code"], "confirmation_needed", "{what}");
    }
    // A program's token may rent: that was decided when it was made. There is no key to rent with.
    let rented =
        send(world.post("/api/v1/instances").header("authorization", &program).json(&rent)).await;
    assert_eq!(rented.status(), 424);
    // The page asks for it in the place of the offer's form, and the password is not enough.
    // So may what lets more be bought than before not be changed, and a limit not be passed.
    let more = json!({"enabled": false, "max_gpus_per_failover": 50});
    let less = json!({"enabled": false, "max_gpus_per_failover": 2});
    assert_eq!(
        body(403, by("/standby/configure", more.clone()).await).await["code"],
        "confirmation_needed"
    );
    body(200, by("/standby/configure", less).await).await;
    at_a_limit(&world, &ana.person.id).await;
    let retry = "/standby/failover/owners-failover-2/retry";
    assert_eq!(body(403, by(retry, json!({})).await).await["code"], "confirmation_needed");
    for (asked, field) in [
        (json!({"password": PASSWORD}), "code_needed"),
        (json!({"password": PASSWORD, "code": wrong(&world, &ana.app)}), "wrong_code"),
        (
            json!({"password": "not the password", "code": fresh(&world, &ana.app)}),
            "wrong_password",
        ),
    ] {
        let told = body(422, by("/auth/confirm", asked).await).await;
        assert_eq!(told["errors"][0]["code"], field);
    }
    assert_eq!(
        body(403, by("/instances", rent.clone()).await).await["code"],
        "confirmation_needed"
    );
    let right = json!({"password": PASSWORD, "code": fresh(&world, &ana.app)});
    body(200, by("/auth/confirm", right).await).await;
    assert_eq!(by("/instances", rent.clone()).await.status(), 424);
    body(200, by("/standby/configure", more).await).await;
    body(200, by(retry, json!({})).await).await;
    // Without a second factor nothing more is asked for than before.
    let bob = Person::join(&world, "bob").await;
    let bobs = world.session(&bob.email).await;
    world.clock.pass(600_000);
    let rented = world.post("/api/v1/instances").header("cookie", &bobs).json(&rent);
    assert_eq!(send(rented).await.status(), 424);
    world.end().await;
}

async fn it_goes_with_password_and_code_alone_and_a_new_password_needs_it_too(world: World) {
    let ana = arm(&world, "ana").await;
    let remove =
        async |what: Value| by(&world, &ana.session, "/auth/second-factor/remove", what).await;
    for (asked, field, code) in [
        (json!({"password": PASSWORD}), "code", "code_needed"),
        (json!({"password": PASSWORD, "code": " "}), "code", "code_needed"),
        (json!({"password": PASSWORD, "code": wrong(&world, &ana.app)}), "code", "wrong_code"),
        (
            json!({"password": "not the password", "code": fresh(&world, &ana.app)}),
            "password",
            "wrong_password",
        ),
    ] {
        let told = body(422, remove(asked).await).await;
        let told = &told["errors"][0];
        assert_eq!((&told["field"], &told["code"]), (&json!(field), &json!(code)));
    }
    let change = json!({"current_password": PASSWORD, "new_password": OTHER});
    let told = body(422, by(&world, &ana.session, "/auth/password", change).await).await;
    assert_eq!(told["errors"][0]["code"], "code_needed");
    body(401, login(&world, &ana.person.email, None, "192.0.2.1").await).await;
    // A recovery code does as well.
    body(200, remove(json!({"password": PASSWORD, "code": ana.recovery[3]})).await).await;
    body(200, login(&world, &ana.person.email, None, "192.0.2.1").await).await;
    // Its codes are gone with it.
    let gone = by(&world, &ana.session, "/auth/second-factor/recovery-codes", json!({})).await;
    assert_eq!(body(409, gone).await["code"], "second_factor_off");
    world.end().await;
}

async fn a_reset_link_and_an_invitation_do_not_get_around_it(world: World) {
    let admin = Person::join(&world, "admin").await;
    let ana = arm(&world, "ana").await;
    let email = &ana.person.email;
    let reset = people::make_reset_link(&world.dumont, Some(&admin.id), &ana.person.id, "").await;
    let used = json!({"code": reset.expect("a link").code, "new_password": OTHER});
    let answer = send(world.post("/api/v1/auth/reset").json(&used)).await;
    assert!(answer.headers().get("set-cookie").is_none());
    body(200, answer).await;
    assert_eq!(me(&world, "cookie", &ana.session).await, 401);
    let asked = json!({"email": email, "password": OTHER});
    let enter = async |asked: Value| send(world.post("/api/v1/auth/login").json(&asked)).await;
    assert_eq!(body(401, enter(asked.clone()).await).await["code"], "code_needed");
    // The page's form leads to the login and logs nobody in.
    let reset = people::make_reset_link(&world.dumont, None, &ana.person.id, "").await;
    let code = reset.expect("a link").code;
    let form = [("code", code.as_str()), ("new_password", "a third long sentence")];
    let answer = send(world.post("/reset").form(&form)).await;
    let place = answer.headers()["location"].to_str().expect("text").to_owned();
    assert!(place.starts_with("/login"), "{place}");
    if let Some(session) = cookie(&answer) {
        assert_eq!(me(&world, "cookie", &session).await, 401);
    }
    let with = json!({"email": email, "password": "a third long sentence", "code": fresh(&world, &ana.app)});
    body(200, enter(with).await).await;
    // An invitation takes no account that there is.
    let invited = people::make_invitation(&world.dumont, None, Default::default(), "").await;
    let joining = json!({"code": invited.expect("a link").code, "email": email, "username": "ana", "password": OTHER});
    let told = body(422, send(world.post("/api/v1/auth/join").json(&joining)).await).await;
    assert_eq!(told["errors"][0]["code"], "taken");
    assert_eq!(
        body(401, login(&world, email, None, "192.0.2.1").await).await["code"],
        "wrong_password"
    );
    world.end().await;
}

on_both!(
    it_is_on_once_a_right_code_was_sent_and_ends_what_the_password_alone_let_in,
    a_code_opens_once_and_only_around_its_time,
    a_recovery_code_opens_once_also_of_two_at_the_same_time,
    before_its_code_a_login_may_nothing,
    a_login_waits_for_its_code_five_minutes_and_for_its_own_password,
    six_digits_are_not_guessed,
    it_is_asked_for_again_before_money_keys_and_tokens,
    it_goes_with_password_and_code_alone_and_a_new_password_needs_it_too,
    a_reset_link_and_an_invitation_do_not_get_around_it,
);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_it_stands_in_the_database_as_it_is_typed() {
    let world = World::start(Database::sqlite()).await;
    let ana = arm(&world, "ana").await;
    half_way(&world, &ana.person.email).await;
    let secret = world.dumont.store.second_factors().secret(&ana.person.id).await.expect("asked");
    let secret = secret.expect("one").expose_secret().to_owned();
    let bytes = world.database.bytes();
    let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds(ana.person.id.as_str()), "rows are there");
    assert!(!holds(&secret), "the secret");
    for code in &ana.recovery {
        assert!(!holds(code) && !holds(&code.replace('-', "")), "a recovery code");
    }
    world.end().await;
}
