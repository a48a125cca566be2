//! Invitations and reset links: who may make them, what they open, and where their codes do not show.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use store::{AuditPage, AuditRow};

use crate::database::Database;
use crate::people::{PASSWORD, Person};
use crate::world::{World, body, cookie};

const OTHER: &str = "quite another sentence";

async fn post(world: &World, person: &Person, path: &str, what: Value) -> Response {
    let asked = person.signs(world.post(&format!("/api/v1{path}"))).json(&what);
    asked.send().await.expect("an answer")
}

async fn open(world: &World, path: &str, what: Value) -> Response {
    world.post(&format!("/api/v1{path}")).json(&what).send().await.expect("an answer")
}

async fn get(world: &World, person: &Person, path: &str) -> Value {
    let asked = person.signs(world.get(&format!("/api/v1{path}")));
    body(200, asked.send().await.expect("an answer")).await
}

async fn newest(world: &World, person: &Person) -> AuditRow {
    let one = AuditPage { area: None, before: None, limit: 1 };
    let rows = world.dumont.store.audit().list(&person.id, &one).await.expect("a log");
    rows.into_iter().next().expect("a row").1
}

fn joining(code: &str, name: &str) -> Value {
    let email = format!("{name}@dumont.local");
    json!({"code": code, "email": email, "username": name, "password": PASSWORD})
}

async fn an_invitation_makes_one_account_by_the_api(world: World) {
    let ana = Person::join(&world, "ana").await;
    let made =
        body(201, post(&world, &ana, "/invitations", json!({"note": "for bob"})).await).await;
    let code = made["code"].as_str().expect("a code").to_owned();
    assert_eq!(made["link"], json!(format!("{}/join#{code}", world.url)));
    assert!(code.len() >= 43, "256 bits: {code}");
    let row = newest(&world, &ana).await;
    assert_eq!((row.action.as_str(), row.object.as_deref()), ("invite", made["id"].as_str()));

    let refused = body(422, open(&world, "/auth/join", joining(&code[1..], "bob")).await).await;
    assert_eq!(refused["errors"][0]["code"], "no_link");
    // What is refused for another reason leaves the link as it was.
    let taken = body(422, open(&world, "/auth/join", joining(&code, "ana")).await).await;
    assert_eq!(taken["errors"][0]["code"], "taken");
    let mut weak = joining(&code, "bob");
    weak["password"] = json!("1234567890");
    let weak = body(422, open(&world, "/auth/join", weak).await).await;
    assert_eq!(weak["errors"][0]["code"], "guessable");

    let joined = body(201, open(&world, "/auth/join", joining(&code, "bob")).await).await;
    assert_eq!(
        (&joined["user"]["username"], &joined["user"]["role"]),
        (&json!("bob"), &json!("member"))
    );
    body(200, world.log_in("bob@dumont.local", PASSWORD).await).await;
    let again = body(422, open(&world, "/auth/join", joining(&code, "eve")).await).await;
    assert_eq!(again["errors"][0]["code"], "no_link", "once");
    assert_eq!(world.dumont.store.users().count().await.expect("a count"), 2);
    let listed = get(&world, &ana, "/invitations").await;
    let listed = &listed["invitations"][0];
    assert_eq!(
        (&listed["state"], &listed["accepted_by"], &listed["made_by"], &listed["note"]),
        (&json!("accepted"), &json!("bob"), &json!("ana"), &json!("for bob"))
    );
    assert!(!listed.to_string().contains(&code));

    // One that was taken back opens nothing.
    let made = body(201, post(&world, &ana, "/invitations", json!({})).await).await;
    let path = format!("/api/v1/invitations/{}", made["id"].as_str().expect("an id"));
    let back = || ana.signs(world.ask(Method::DELETE, &path)).send();
    body(200, back().await.expect("an answer")).await;
    body(404, back().await.expect("an answer")).await;
    let late = open(&world, "/auth/join", joining(made["code"].as_str().expect("a code"), "eve"));
    assert_eq!(body(422, late.await).await["errors"][0]["code"], "no_link");
    world.end().await;
}

async fn only_the_administrator_invites_and_only_with_the_password_of_a_moment_ago(world: World) {
    let ana = Person::join(&world, "ana").await;
    let bob = Person::join(&world, "bob").await;
    let accounts = get(&world, &ana, "/accounts").await;
    let roles: Vec<&Value> =
        accounts["accounts"].as_array().expect("a list").iter().map(|one| &one["role"]).collect();
    assert_eq!(roles, [&json!("administrator"), &json!("member")]);
    let reset = format!("/accounts/{}/reset-link", ana.id);
    for (method, path) in [
        (Method::GET, "/accounts"),
        (Method::GET, "/invitations"),
        (Method::POST, "/invitations"),
        (Method::DELETE, "/invitations/any"),
        (Method::POST, reset.as_str()),
    ] {
        let asked = bob.signs(world.ask(method, &format!("/api/v1{path}"))).send().await;
        let told = body(403, asked.expect("an answer")).await;
        assert_eq!(told["code"], "not_administrator", "{path}");
    }
    let session = world.session(&bob.email).await;
    let page = world.get("/app/settings/people").header("cookie", &session).send().await;
    assert_eq!(page.expect("an answer").status(), 403);
    let sent =
        world.post("/app/settings/people/invite").header("cookie", &session).form(&[("days", "7")]);
    assert_eq!(sent.send().await.expect("an answer").status(), 403);
    assert_eq!(get(&world, &ana, "/invitations").await["count"], 0);

    // A token that was not confirmed, of the administrator's own.
    let made = post(&world, &ana, "/auth/tokens", json!({"name": "x", "scope": "admin"})).await;
    let token = body(201, made).await["token"].as_str().expect("a token").to_owned();
    for path in ["/invitations", &format!("/accounts/{}/reset-link", bob.id)] {
        let asked = world.post(&format!("/api/v1{path}")).bearer_auth(&token).send().await;
        let told = body(403, asked.expect("an answer")).await;
        assert_eq!(told["code"], "confirmation_needed", "{path}");
    }
    world.end().await;
}

async fn a_reset_link_ends_every_login_and_logs_nobody_in(world: World) {
    let ana = Person::join(&world, "ana").await;
    let bob = Person::join(&world, "bob").await;
    let session = world.session(&bob.email).await;
    let made = post(&world, &ana, &format!("/accounts/{}/reset-link", bob.id), json!({})).await;
    let made = body(201, made).await;
    let code = made["code"].as_str().expect("a code").to_owned();
    assert_eq!(made["link"], json!(format!("{}/reset#{code}", world.url)));
    // Bob is told, with the name of who did it; and ana's own log has it too.
    let told = newest(&world, &bob).await;
    assert_eq!((told.action.as_str(), told.actor.as_deref()), ("make_reset_link", Some("ana")));
    let own = newest(&world, &ana).await;
    assert_eq!(
        (own.action.as_str(), own.actor, own.object),
        ("make_reset_link", None, Some(bob.id.to_string()))
    );
    let shown = get(&world, &bob, "/audit").await;
    assert_eq!(shown["entries"][0]["actor"], "ana");

    let change = |password: &str| json!({"code": code, "new_password": password});
    let weak = body(422, open(&world, "/auth/reset", change("bob1234567")).await).await;
    assert_eq!(weak["errors"][0]["code"], "guessable", "the account's own name is known here too");
    get(&world, &bob, "/auth/me").await;

    // On the page, as a browser without scripts does it.
    let form = [("code", code.as_str()), ("new_password", OTHER)];
    let sent = world.post("/reset").form(&form).send().await.expect("an answer");
    assert_eq!(sent.headers()["location"], "/login?said=reset");
    assert_eq!(cookie(&sent), None, "nobody is logged in");
    let asked = bob.signs(world.get("/api/v1/auth/me")).send().await.expect("an answer");
    body(401, asked).await;
    let page = world.get("/app").header("cookie", &session).send().await.expect("an answer");
    assert_eq!(page.headers()["location"], "/login");
    body(401, world.log_in(&bob.email, PASSWORD).await).await;
    body(200, world.log_in(&bob.email, OTHER).await).await;
    let again = body(422, open(&world, "/auth/reset", change("a third long sentence")).await).await;
    assert_eq!(again["errors"][0]["code"], "no_link");
    get(&world, &ana, "/auth/me").await;
    world.end().await;
}

on_both!(
    an_invitation_makes_one_account_by_the_api,
    only_the_administrator_invites_and_only_with_the_password_of_a_moment_ago,
    a_reset_link_ends_every_login_and_logs_nobody_in
);

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_comes_in_by_the_page_and_no_code_is_in_an_address() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    let session = world.session(&ana.email).await;
    let form = [("note", "bob"), ("days", "7")];
    let sent = world.post("/app/settings/people/invite").header("cookie", &session).form(&form);
    let page = sent.send().await.expect("an answer").text().await.expect("a page");
    let begin = page.find("/join#").expect("the link") + "/join#".len();
    let code: String = page[begin..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .collect();
    assert!(page.contains(&format!("{}/join#{code}", world.url)));

    // The page takes its code from the form alone: what stands in an address gets into no page.
    let shown = world.get(&format!("/join?code={code}")).send().await.expect("an answer");
    assert_eq!(shown.headers()["referrer-policy"], "same-origin");
    assert_eq!(shown.headers()["cache-control"], "no-store");
    assert!(!shown.text().await.expect("a page").contains(&code));

    let form = [
        ("code", code.as_str()),
        ("email", "bob@dumont.local"),
        ("username", "bob"),
        ("password", PASSWORD),
    ];
    let foreign = world.post("/join").header("sec-fetch-site", "cross-site").form(&form);
    assert_eq!(foreign.send().await.expect("an answer").status(), 403);
    let sent = world.post("/join").header("sec-fetch-site", "same-origin").form(&form);
    let sent = sent.send().await.expect("an answer");
    assert_eq!(sent.headers()["location"], "/app/settings/credentials");
    let entered = cookie(&sent).expect("a session");
    let page = world.get("/app/settings/account").header("cookie", entered).send().await;
    assert!(page.expect("an answer").text().await.expect("a page").contains("bob@dumont.local"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tries_codes_is_slowed_down_and_nobody_else_is() {
    let world = World::start(Database::sqlite()).await;
    Person::join(&world, "ana").await;
    let attempt = async |from: &str, path: &str| {
        let mut asked = joining("not-a-code", "eve");
        if path == "/auth/reset" {
            asked = json!({"code": "not-a-code", "new_password": PASSWORD});
        }
        let sent =
            world.post(&format!("/api/v1{path}")).header("x-forwarded-for", from).json(&asked);
        let answer = sent.send().await.expect("an answer");
        (answer.status().as_u16(), answer.headers().contains_key("retry-after"))
    };
    let mut slowed = 0;
    for n in 0..40 {
        let path = if n % 2 == 0 { "/auth/join" } else { "/auth/reset" };
        match attempt("192.0.2.1", path).await {
            (429, true) => slowed += 1,
            (status, _) => assert_eq!(status, 422),
        }
    }
    assert!(slowed > 0);
    assert_eq!(attempt("192.0.2.2", "/auth/join").await.0, 422);
    world.end().await;
}
