//! Passkeys: what makes one, what it opens, and that nothing else passes for one.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use store::AuditPage;

use crate::authenticator::{Authenticator, MADE, PRESENT, Said, base64url};
use crate::database::Database;
use crate::people::{PASSWORD, Person};
use crate::world::{Choice, World, body, cookie};

/// The address of the server under a name that has passkeys.
fn origin(world: &World) -> String {
    world.url.replace("127.0.0.1", "localhost")
}

/// A request as a browser at that address sends it.
fn ask(world: &World, method: Method, path: &str) -> RequestBuilder {
    let host = origin(world).replace("http://", "");
    world.ask(method, path).header("host", host)
}

async fn send(asked: RequestBuilder) -> Response {
    asked.send().await.expect("an answer")
}

async fn by(world: &World, session: &str, path: &str, what: Value) -> Response {
    let asked = ask(world, Method::POST, &format!("/api/v1/auth{path}"));
    send(asked.header("cookie", session).json(&what)).await
}

async fn begin(world: &World, session: &str) -> Value {
    body(200, by(world, session, "/passkeys/begin", json!({})).await).await
}

async fn challenge(world: &World, session: &str, purpose: &str) -> Value {
    let asked = json!({"purpose": purpose});
    body(200, by(world, session, "/passkeys/challenge", asked).await).await
}

/// Somebody who is logged in and has a passkey.
struct Armed {
    person: Person,
    session: String,
    key: Authenticator,
    recovery: Vec<String>,
}

async fn arm(world: &World, name: &str) -> Armed {
    let person = Person::join(world, name).await;
    let session = world.session(&person.email).await;
    let key = Authenticator::new(name);
    let made = key.make(&key.says(&begin(world, &session).await, &origin(world), 0));
    let added = by(world, &session, "/passkeys", json!({"name": "laptop", "credential": made}));
    let added = body(201, added.await).await;
    let codes = added["recovery_codes"].as_array().expect("a list").iter();
    let recovery = codes.map(|code| code.as_str().expect("a code").to_owned()).collect();
    Armed { person, session, key, recovery }
}

/// The code of what is wrong with the field `passkey`.
async fn wrong(answer: Response) -> (String, String) {
    let told = body(422, answer).await;
    let told = &told["errors"][0];
    assert_eq!(told["field"], "passkey");
    let text = |name: &str| told[name].as_str().expect("text").to_owned();
    (text("code"), text("message"))
}

async fn confirm(world: &World, ana: &Armed, session: &str, used: Value) -> Response {
    let _ = ana;
    by(world, session, "/confirm", json!({"password": PASSWORD, "passkey": used})).await
}

/// The first step of a login by the form; the session that waits.
async fn half_way(world: &World, email: &str) -> String {
    let form = [("username", email), ("password", PASSWORD)];
    let answer = send(ask(world, Method::POST, "/login").form(&form)).await;
    assert_eq!(answer.status(), 303);
    assert!(answer.headers()["location"].to_str().expect("text").starts_with("/login/code"));
    cookie(&answer).expect("a session")
}

async fn finish(world: &World, half: &str, used: &Value) -> Response {
    let form = [("passkey", used.to_string()), ("code", String::new())];
    send(ask(world, Method::POST, "/login/code").header("cookie", half).form(&form)).await
}

async fn me(world: &World, session: &str) -> u16 {
    send(world.get("/api/v1/auth/me").header("cookie", session)).await.status().as_u16()
}

async fn it_is_made_and_is_the_second_step_of_a_login(world: World) {
    let bystander = Person::join(&world, "bob").await;
    let other = {
        let ana = Person::join(&world, "ana").await;
        world.session(&ana.email).await
    };
    // Another login of hers, let in by the password alone.
    let session = world.session("ana@dumont.local").await;
    let key = Authenticator::new("ana");
    let made = key.make(&key.says(&begin(&world, &session).await, &origin(&world), 0));
    let added = by(&world, &session, "/passkeys", json!({"name": " laptop ", "credential": made}));
    let added = body(201, added.await).await;
    assert_eq!(added["recovery_codes"].as_array().expect("a list").len(), 10);
    assert_eq!((me(&world, &session).await, me(&world, &other).await), (200, 401));
    let asked = ask(&world, Method::GET, "/api/v1/auth/passkeys").header("cookie", &session);
    let list = body(200, send(asked).await).await;
    assert_eq!((&list["count"], &list["site"]), (&json!(1), &json!("localhost")));
    let listed = &list["passkeys"][0];
    assert_eq!((&listed["name"], &listed["last_used_at"]), (&json!("laptop"), &json!(null)));

    // The password alone opens nothing any more; a program sends a recovery code.
    let told = body(401, world.log_in("ana@dumont.local", PASSWORD).await).await;
    assert_eq!(told["code"], "code_needed");
    let code = added["recovery_codes"][0].as_str().expect("a code");
    let login = json!({"email": "ana@dumont.local", "password": PASSWORD, "code": code});
    body(200, send(world.post("/api/v1/auth/login").json(&login)).await).await;

    let half = half_way(&world, "ana@dumont.local").await;
    assert_eq!(me(&world, &half).await, 401);
    let page = send(ask(&world, Method::GET, "/login/code").header("cookie", &half)).await;
    let page = page.text().await.expect("a page");
    assert!(page.contains("data-options=\"/api/v1/auth/login/passkey\""), "{page}");
    let options = body(200, by(&world, &half, "/login/passkey", json!({})).await).await;
    assert_eq!(options["allowCredentials"][0]["id"], base64url(&key.id));
    let used = key.used(&key.says(&options, &origin(&world), 0));
    let entered = finish(&world, &half, &used).await;
    assert_eq!(entered.status(), 303);
    let entered = cookie(&entered).expect("a session");
    assert_eq!(me(&world, &entered).await, 200);
    let user =
        world.dumont.store.users().by_login("ana").await.expect("asked").expect("her").user.id;
    let log = AuditPage { area: None, before: None, limit: 50 };
    let log = world.dumont.store.audit().list(&user, &log).await.expect("a log");
    let log: Vec<_> =
        log.iter().map(|(_, row)| (row.action.as_str(), row.object.clone())).collect();
    assert_eq!(log[0], ("log_in", Some("passkey".into())));
    for action in ["begin_passkey", "add_passkey"] {
        assert!(log.iter().any(|(found, _)| *found == action), "{log:?}");
    }
    // Nobody without a login that waits is given anything to sign.
    for session in ["", &entered, &world.session(&bystander.email).await] {
        assert_eq!(by(&world, session, "/login/passkey", json!({})).await.status(), 401);
    }
    world.end().await;
}

async fn each_part_that_is_wrong_is_refused_where_one_is_made(world: World) {
    let ana = Person::join(&world, "ana").await;
    let session = world.session(&ana.email).await;
    let (key, other) = (Authenticator::new("ana"), Authenticator::new("other"));
    type Change = fn(&mut Said);
    let cases: [(&str, Change, &str); 11] = [
        ("kind", |said| said.kind = "webauthn.get".into(), "of another ceremony"),
        ("origin", |said| said.origin = "http://localhost:1".into(), "at another address"),
        (
            "scheme",
            |said| said.origin = said.origin.replace("http:", "https:"),
            "at another address",
        ),
        ("frame", |said| said.cross_origin = true, "another site's"),
        ("name", |said| said.rp_id = "localhost.evil.example".into(), "another name"),
        ("present", |said| said.flags = MADE, "nobody was there"),
        ("copied", |said| said.flags |= 1 << 4, "can't be read"),
        ("credential", |said| said.flags = PRESENT, "can't be read"),
        ("behind", |said| said.more = vec![0], "can't be read"),
        ("format", |said| said.format = "fido-u2f".into(), "attestation"),
        ("algorithm", |said| said.algorithm = 0x2f, "public key"),
    ];
    for (what, change, why) in cases {
        let mut said = key.says(&begin(&world, &session).await, &origin(&world), 0);
        change(&mut said);
        let sent = json!({"name": "x", "credential": key.make(&said)});
        let (code, told) = wrong(by(&world, &session, "/passkeys", sent).await).await;
        assert!(code == "wrong_passkey" && told.contains(why), "{what}: {code} {told}");
    }
    // What stands around it.
    let options = begin(&world, &session).await;
    let good = key.make(&key.says(&options, &origin(&world), 0));
    for (what, change) in [
        ("id", json!({"id": base64url(&other.id)})),
        ("both ids", json!({"id": base64url(&other.id), "rawId": base64url(&other.id)})),
        ("type", json!({"type": "password"})),
        ("no base64", json!({"id": "a b", "rawId": "a b"})),
        ("no data", json!({"response": {"clientDataJSON": "", "attestationObject": ""}})),
        (
            "long",
            json!({"response": {"clientDataJSON": "A".repeat(8_000), "attestationObject": "AA"}}),
        ),
    ] {
        let mut sent = good.clone();
        let fields = change.as_object().expect("fields").clone();
        sent.as_object_mut().expect("fields").extend(fields);
        let sent = json!({"name": "x", "credential": sent});
        let answer = by(&world, &session, "/passkeys", sent).await;
        assert_eq!(answer.status(), 422, "{what}");
    }
    // A challenge goes with the first thing that is sent of it, good or bad; another one was never given out.
    let mut made_up = key.says(&begin(&world, &session).await, &origin(&world), 0);
    made_up.challenge = base64url(&[7; 32]);
    let sent = json!({"name": "x", "credential": key.make(&made_up)});
    let (code, _) = wrong(by(&world, &session, "/passkeys", sent).await).await;
    assert_eq!(code, "passkey_expired");
    let asked = ask(&world, Method::GET, "/api/v1/auth/passkeys").header("cookie", &session);
    assert_eq!(body(200, send(asked).await).await["count"], 0);
    // Nor is it made by whoever has a login and not the password, nor by a program.
    world.clock.pass(600_000);
    let late = by(&world, &session, "/passkeys/begin", json!({})).await;
    assert_eq!(body(403, late).await["code"], "confirmation_needed");
    let login = body(200, world.log_in(&ana.email, PASSWORD).await).await;
    let login = login["token"].as_str().expect("a token");
    let asked = ask(&world, Method::POST, "/api/v1/auth/passkeys/begin").bearer_auth(login);
    assert_eq!(body(409, send(asked).await).await["code"], "browser_needed");
    world.end().await;
}

async fn each_part_that_is_wrong_is_refused_where_one_is_used(world: World) {
    let ana = arm(&world, "ana").await;
    let (key, session) = (&ana.key, &ana.session);
    type Change = fn(&mut Said);
    let cases: [(&str, Change, &str); 10] = [
        ("kind", |said| said.kind = "webauthn.create".into(), "of another ceremony"),
        ("origin", |said| said.origin = "https://evil.example".into(), "at another address"),
        ("frame", |said| said.cross_origin = true, "another site's"),
        ("name", |said| said.rp_id = "evil.example".into(), "another name"),
        ("present", |said| said.flags = 0, "nobody was there"),
        ("copied", |said| said.flags |= 1 << 4, "can't be read"),
        ("a credential", |said| said.flags |= MADE, "can't be read"),
        ("behind", |said| said.more = vec![0xa0], "can't be read"),
        ("signature", |said| said.spoilt = true, "signature"),
        ("handle", |said| said.user_handle = Some(base64url(b"bob")), "another account"),
    ];
    for (what, change, why) in cases {
        let mut said = key.says(&challenge(&world, session, "confirm").await, &origin(&world), 0);
        change(&mut said);
        let (code, told) = wrong(confirm(&world, &ana, session, key.used(&said)).await).await;
        assert!(code == "wrong_passkey" && told.contains(why), "{what}: {code} {told}");
        // They count like codes, and one that is right ends the count.
        let good = key.says(&challenge(&world, session, "confirm").await, &origin(&world), 0);
        body(200, confirm(&world, &ana, session, key.used(&good)).await).await;
    }
    // Another authenticator that says to be this one.
    let mut thief = Authenticator::new("ana");
    thief.id.clone_from(&key.id);
    let said = thief.says(&challenge(&world, session, "confirm").await, &origin(&world), 0);
    let (_, told) = wrong(confirm(&world, &ana, session, thief.used(&said)).await).await;
    assert!(told.contains("signature"), "{told}");
    let stranger = Authenticator::new("stranger");
    let said = stranger.says(&challenge(&world, session, "confirm").await, &origin(&world), 0);
    let (_, told) = wrong(confirm(&world, &ana, session, stranger.used(&said)).await).await;
    assert!(told.contains("no such passkey"), "{told}");
    // The password is asked for beside it.
    let said = key.says(&challenge(&world, session, "confirm").await, &origin(&world), 0);
    let sent = json!({"password": "not the password", "passkey": key.used(&said)});
    let told = body(422, by(&world, session, "/confirm", sent).await).await;
    assert_eq!(told["errors"][0]["code"], "wrong_password");
    world.end().await;
}

async fn a_challenge_is_good_once_for_one_account_session_purpose_and_a_short_while(world: World) {
    let ana = arm(&world, "ana").await;
    let (key, session, at) = (&ana.key, &ana.session, origin(&world));
    // Of two logins of hers.
    let half = half_way(&world, &ana.person.email).await;
    let options = body(200, by(&world, &half, "/login/passkey", json!({})).await).await;
    let used = key.used(&key.says(&options, &at, 0));
    let there = cookie(&finish(&world, &half, &used).await).expect("in");
    let expired = async |session: &str, used: Value| {
        wrong(confirm(&world, &ana, session, used).await).await.0 == "passkey_expired"
    };
    // Once; also of two at the same time.
    assert!(expired(session, used.clone()).await, "it was a login's");
    let used = key.used(&key.says(&challenge(&world, session, "confirm").await, &at, 0));
    let asked = (0..6).map(|_| confirm(&world, &ana, session, used.clone()));
    let told = futures::future::join_all(asked).await;
    assert_eq!(told.iter().filter(|answer| answer.status() == 200).count(), 1);
    assert!(expired(session, used).await);
    // In its session.
    let used = key.used(&key.says(&challenge(&world, session, "confirm").await, &at, 0));
    assert!(expired(&there, used.clone()).await);
    body(200, confirm(&world, &ana, session, used).await).await;
    // For its purpose.
    for purpose in ["change_password", "remove_factor"] {
        let used = key.used(&key.says(&challenge(&world, session, purpose).await, &at, 0));
        assert!(expired(session, used).await, "{purpose}");
    }
    let used = key.used(&key.says(&challenge(&world, session, "confirm").await, &at, 0));
    let change = json!({"current_password": PASSWORD, "new_password": "quite another sentence", "passkey": used});
    assert_eq!(wrong(by(&world, session, "/password", change).await).await.0, "passkey_expired");
    // A newer one takes its place.
    let first = key.used(&key.says(&challenge(&world, session, "confirm").await, &at, 0));
    challenge(&world, session, "confirm").await;
    assert!(expired(session, first).await);
    // For five minutes.
    let used = key.used(&key.says(&challenge(&world, session, "confirm").await, &at, 0));
    world.clock.pass(299_999);
    body(200, confirm(&world, &ana, session, used).await).await;
    let used = key.used(&key.says(&challenge(&world, session, "confirm").await, &at, 0));
    world.clock.pass(300_000);
    assert!(expired(session, used).await);
    // For its account.
    let bob = arm(&world, "bob").await;
    let used = key.used(&key.says(&challenge(&world, session, "confirm").await, &at, 0));
    let told = wrong(confirm(&world, &bob, &bob.session, used).await).await;
    assert!(told.1.contains("no such passkey"), "{told:?}");
    world.end().await;
}

async fn a_copy_is_found_out_and_a_credential_is_one_accounts(world: World) {
    let ana = arm(&world, "ana").await;
    let (key, session, at) = (&ana.key, &ana.session, origin(&world));
    for (counter, fine) in [(0, true), (5, true), (5, false), (4, false), (0, false), (6, true)] {
        let said = key.says(&challenge(&world, session, "confirm").await, &at, counter);
        let answer = confirm(&world, &ana, session, key.used(&said)).await;
        if fine {
            body(200, answer).await;
        } else {
            assert_eq!(wrong(answer).await.0, "passkey_copied", "{counter}");
        }
    }
    let options = begin(&world, session).await;
    assert_eq!(options["excludeCredentials"][0]["id"], base64url(&key.id));
    let bob = Person::join(&world, "bob").await;
    let bobs = world.session(&bob.email).await;
    for (whose, options) in [(session, options), (&bobs, begin(&world, &bobs).await)] {
        let sent = json!({"name": "mine", "credential": key.make(&key.says(&options, &at, 0))});
        let told = body(409, by(&world, whose, "/passkeys", sent).await).await;
        assert_eq!(told["code"], "passkey_known");
    }
    body(200, world.log_in(&bob.email, PASSWORD).await).await;
    world.end().await;
}

async fn several_have_names_and_the_last_goes_with_its_codes(world: World) {
    let ana = arm(&world, "ana").await;
    let (session, at) = (&ana.session, origin(&world));
    let second = Authenticator::new("second");
    let made = second.make(&second.says(&begin(&world, session).await, &at, 0));
    let added = by(&world, session, "/passkeys", json!({"name": "key ring", "credential": made}));
    let added = body(201, added.await).await;
    assert_eq!(added["recovery_codes"], json!([]), "those that there are stay");
    let id = added["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/auth/passkeys/{id}");
    let rename = async |session: &str, name: &str| {
        let asked = ask(&world, Method::PUT, &path).header("cookie", session);
        send(asked.json(&json!({"name": name}))).await
    };
    body(200, rename(session, "Key ring, blue").await).await;
    body(422, rename(session, "\u{202e}gnir").await).await;
    let bob = arm(&world, "bob").await;
    assert_eq!(rename(&bob.session, "mine").await.status(), 404);
    let remove = async |session: &str, id: &str, sent: Value| {
        by(&world, session, &format!("/passkeys/{id}/remove"), sent).await
    };
    let told = body(422, remove(session, &id, json!({"password": PASSWORD})).await).await;
    assert_eq!(told["errors"][0]["code"], "code_needed");
    let with = |key: &Authenticator, options: &Value| json!({"password": PASSWORD, "passkey": key.used(&key.says(options, &at, 0))});
    let options = challenge(&world, &bob.session, "remove_factor").await;
    assert_eq!(remove(&bob.session, &id, with(&bob.key, &options)).await.status(), 404);
    let options = challenge(&world, session, "remove_factor").await;
    body(200, remove(session, &id, with(&ana.key, &options)).await).await;
    // What was removed opens nothing.
    let options = challenge(&world, session, "confirm").await;
    let gone = confirm(&world, &ana, session, second.used(&second.says(&options, &at, 0))).await;
    assert!(wrong(gone).await.1.contains("no such passkey"));
    let state = async || {
        let asked = ask(&world, Method::GET, "/api/v1/auth/second-factor");
        body(200, send(asked.header("cookie", session)).await).await
    };
    let before = state().await;
    assert_eq!((&before["enabled"], &before["recovery_codes_left"]), (&json!(true), &json!(10)));
    assert_eq!((&before["passkeys"], &before["app_since"]), (&json!(1), &json!(null)));
    // The last one by a recovery code.
    let asked = ask(&world, Method::GET, "/api/v1/auth/passkeys").header("cookie", session);
    let list = body(200, send(asked).await).await;
    let last = list["passkeys"][0]["id"].as_str().expect("an id").to_owned();
    let sent = json!({"password": PASSWORD, "code": ana.recovery[3]});
    body(200, remove(session, &last, sent).await).await;
    let after = state().await;
    assert_eq!((&after["enabled"], &after["recovery_codes_left"]), (&json!(false), &json!(0)));
    body(200, world.log_in(&ana.person.email, PASSWORD).await).await;
    world.end().await;
}

async fn it_is_asked_for_again_before_money_keys_and_tokens(world: World) {
    let ana = arm(&world, "ana").await;
    let (key, session, at) = (&ana.key, &ana.session, origin(&world));
    world.clock.pass(600_000);
    let rent = json!({"offer_id": 1, "image": "ubuntu:24.04", "disk_size": 20});
    let rent = async || {
        let asked = ask(&world, Method::POST, "/api/v1/instances").header("cookie", session);
        send(asked.json(&rent)).await
    };
    let token = async || by(&world, session, "/tokens", json!({"name": "more"})).await;
    for answer in [rent().await, token().await] {
        assert_eq!(body(403, answer).await["code"], "confirmation_needed");
    }
    let used = key.used(&key.says(&challenge(&world, session, "confirm").await, &at, 0));
    body(200, confirm(&world, &ana, session, used).await).await;
    // There is no key to rent with.
    assert_eq!(rent().await.status(), 424);
    body(201, token().await).await;
    // Another password, with a passkey used for that.
    let used = key.used(&key.says(&challenge(&world, session, "change_password").await, &at, 0));
    let change = json!({"current_password": PASSWORD, "new_password": "quite another sentence", "passkey": used});
    body(200, by(&world, session, "/password", change).await).await;
    world.end().await;
}

on_both!(
    it_is_made_and_is_the_second_step_of_a_login,
    each_part_that_is_wrong_is_refused_where_one_is_made,
    each_part_that_is_wrong_is_refused_where_one_is_used,
    a_challenge_is_good_once_for_one_account_session_purpose_and_a_short_while,
    a_copy_is_found_out_and_a_credential_is_one_accounts,
    several_have_names_and_the_last_goes_with_its_codes,
    it_is_asked_for_again_before_money_keys_and_tokens,
);

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_none_and_its_page_says_why() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    let session = world.session(&ana.email).await;
    let asked = world.get("/api/v1/auth/passkeys").header("cookie", &session);
    assert_eq!(body(200, send(asked).await).await["site"], json!(null));
    let asked = world.post("/api/v1/auth/passkeys/begin").header("cookie", &session);
    assert_eq!(body(409, send(asked).await).await["code"], "no_passkeys_here");
    let page = world.get("/app/settings/account/second-factor").header("cookie", &session);
    let page = send(page).await.text().await.expect("a page");
    assert!(page.contains("DUMONT_PUBLIC_URL") && !page.contains("data-ceremony"), "{page}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_address_counts_whatever_a_proxy_calls_the_server() {
    let choice = Choice { public_url: Some("https://Known.example/".into()), ..Choice::default() };
    let world = World::start_with(Database::sqlite(), choice).await;
    let ana = Person::join(&world, "ana").await;
    let session = world.session(&ana.email).await;
    let key = Authenticator::new("ana");
    for host in ["127.0.0.1", "localhost:8420", "known.example"] {
        let asked = world.post("/api/v1/auth/passkeys/begin").header("host", host);
        let options = body(200, send(asked.header("cookie", &session)).await).await;
        assert_eq!(options["rp"]["id"], "known.example");
        let mut said = key.says(&options, "https://known.example", 0);
        said.origin = format!("http://{host}");
        let sent = json!({"name": "x", "credential": key.make(&said)});
        let asked = world.post("/api/v1/auth/passkeys").header("host", host).json(&sent);
        let told = wrong(send(asked.header("cookie", &session)).await).await;
        assert!(told.1.contains("another address"), "{told:?}");
    }
    world.end().await;
}
