//! The audit log: everything that may change something leaves its row, and nobody else sees it.

use domain::access::Scope;
use domain::view::account::NewToken;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use server::api::table::{Access, table};
use server::service::auth;
use store::{AuditPage, AuditRow};

use crate::people::{PASSWORD, Person};
use crate::seed::{self, GPU};
use crate::world::{World, body};

/// Where a form goes, what is in it, and the act and object that its row names.
type Form<'f> = (String, Vec<(&'f str, &'f str)>, &'f str, Option<&'f str>);

async fn rows(world: &World, person: &Person) -> Vec<AuditRow> {
    let all = AuditPage { area: None, before: None, limit: 500 };
    let rows = world.dumont.store.audit().list(&person.id, &all).await.expect("a log");
    rows.into_iter().map(|(_, row)| row).collect()
}

async fn token(world: &World, person: &Person, name: &str, scope: Scope) -> String {
    let new = NewToken { name: name.into(), scope, expires_at: None, never_expires: false };
    auth::create_token(&world.dumont, &person.id, new, None).await.expect("a token").token
}

async fn every_route_that_may_change_something_leaves_its_row(world: World) {
    let ana = Person::join(&world, "ana").await;
    let bob = Person::join(&world, "bob").await;
    let failover = seed::machine(&world, &ana.id).await.to_string();
    let mut walked = 0;
    for route in table() {
        let (method, template) = route.method_and_path().expect("described");
        if method == axum::http::Method::GET || route.access == Access::Public {
            continue;
        }
        let action = route.action.expect("a name").to_string();
        let (gpu, other) = (GPU.to_string(), "nobodys".to_owned());
        let names = [
            ("{gpu_id}", &gpu),
            ("{machine_id}", &gpu),
            ("{point_id}", &gpu),
            ("{failover_id}", &failover),
            ("{notification_id}", &gpu),
            ("{token_id}", &other),
            ("{session_id}", &other),
            ("{browser_id}", &other),
            ("{passkey_id}", &other),
            ("{account_id}", &other),
            ("{invitation_id}", &other),
        ];
        let mut path = template.clone();
        let mut object = None;
        for (name, value) in names {
            if path.contains(name) {
                object = Some(value.clone());
                path = path.replace(name, value);
            }
        }
        // As one who may, and as one who may not.
        for (scope, name) in [(Scope::Admin, "the owner's"), (Scope::Read, "the reader's")] {
            let token = token(&world, &ana, name, scope).await;
            let before = rows(&world, &ana).await.len();
            let asked = Method::from_bytes(method.as_str().as_bytes()).expect("a method");
            let mut asked = world.ask(asked, &format!("/api/v1{path}")).bearer_auth(&token);
            asked = asked.header("user-agent", "walker/1");
            asked = asked.header("x-forwarded-for", "192.0.2.77");
            if let Some(example) = route.example {
                asked = asked.header("content-type", "application/json").body(example);
            }
            let answer = asked.send().await.expect("an answer");
            let status = answer.status().as_u16();
            let told: Value = answer.json().await.expect("JSON");
            let now = rows(&world, &ana).await;
            let what = format!("{method} {path} with {scope}: {status}");
            assert_eq!(now.len(), before + 1, "{what}");
            let row = now.first().expect("the newest");
            assert_eq!(row.action.to_string(), action, "{what}");
            assert_eq!(row.credential.as_str(), "api_token", "{what}");
            assert_eq!(row.credential_name.as_deref(), Some(name), "{what}");
            assert_eq!(row.ip.as_deref(), Some("192.0.2.77"), "{what}");
            assert_eq!(row.user_agent.as_deref(), Some("walker/1"), "{what}");
            if object.is_some() {
                assert_eq!(row.object, object, "{what}");
            }
            let refused = status >= 400;
            assert_eq!(row.outcome.as_str() == "refused", refused, "{what}");
            let code = refused.then(|| told["code"].as_str().expect("a code").to_owned());
            assert_eq!(row.code, code, "{what}");
            if scope == Scope::Read && route.access != Access::Read {
                assert_eq!(row.code.as_deref(), Some("scope_needed"), "{what}");
            }
        }
        walked += 1;
    }
    assert!(walked > 15, "{walked}");
    assert_eq!(rows(&world, &bob).await, [], "of another account");
    let seen = bob.signs(world.get("/api/v1/audit")).send().await.expect("an answer");
    assert_eq!(body(200, seen).await["entries"], json!([]));
    world.end().await;
}

async fn logins_and_forms_leave_their_rows_and_no_secret(world: World) {
    let ana = Person::join(&world, "ana").await;
    let newest = async || {
        let row = rows(&world, &ana).await.into_iter().next().expect("a row");
        let word = |row: &AuditRow| format!("{} {} {}", row.action, row.credential, row.outcome);
        (word(&row), row.object, row.code)
    };
    world.log_in(&ana.email, "not the password at all").await;
    let refused = "log_in login refused".to_owned();
    assert_eq!(newest().await, (refused, None, Some("wrong_password".into())));
    world.log_in("nobody@dumont.local", "not the password at all").await;
    assert_eq!(rows(&world, &ana).await.len(), 1, "a name that nobody has is nobody's row");
    world.log_in(&ana.email, PASSWORD).await;
    assert_eq!(newest().await.0, "log_in login done");
    let session = world.session(&ana.email).await;
    assert_eq!(newest().await.0, "log_in session done");

    let failover = seed::machine(&world, &ana.id).await.to_string();
    let gpu = GPU.to_string();
    let send = async |path: &str, form: &[(&str, &str)]| -> Response {
        let sent = world.post(path).header("cookie", &session).form(form);
        sent.send().await.expect("an answer")
    };
    let machine = |act: &str| format!("/app/machines/{GPU}/{act}");
    let secret = "a vast key that is a secret";
    let forms: Vec<Form<'_>> = vec![
        ("/prefs".into(), vec![("lang", "en")], "change_settings", Some("locale")),
        (
            "/app/settings/credentials".into(),
            vec![("vast_api_key", secret)],
            "change_settings",
            Some("vast_api_key"),
        ),
        (
            "/app/settings/account/tokens".into(),
            vec![("name", ""), ("days", "30")],
            "create_token",
            None,
        ),
        (
            "/app/settings/account/tokens/revoke".into(),
            vec![("id", "none")],
            "revoke_token",
            Some("none"),
        ),
        (
            "/app/settings/account/sessions/revoke".into(),
            vec![("id", "none")],
            "revoke_session",
            Some("none"),
        ),
        (
            "/app/settings/account/browsers/forget".into(),
            vec![("id", "none")],
            "forget_browser",
            Some("none"),
        ),
        (
            "/app/settings/account/password".into(),
            vec![("current_password", secret), ("new_password", "x")],
            "change_password",
            None,
        ),
        ("/app/settings/confirm".into(), vec![("password", PASSWORD)], "confirm", None),
        ("/app/notifications/read-all".into(), vec![], "read_notifications", None),
        (machine("pause-sync"), vec![], "stop_sync", Some(&gpu)),
        (machine("resume-sync"), vec![], "start_sync", Some(&gpu)),
        (machine("drill"), vec![], "drill", Some(&gpu)),
        (machine("failover"), vec![], "fail_over", Some(&gpu)),
        (format!("/app/failovers/{failover}/cancel"), vec![], "cancel", Some(&failover)),
        (format!("/app/failovers/{failover}/failback"), vec![], "fail_back", Some(&failover)),
    ];
    for (path, form, action, object) in forms {
        let before = rows(&world, &ana).await.len();
        let status = send(&path, &form).await.status().as_u16();
        let now = rows(&world, &ana).await;
        assert_eq!(now.len(), before + 1, "{path}: {status}");
        let row = now.first().expect("the newest");
        assert_eq!((row.action.as_str(), row.object.as_deref()), (action, object), "{path}");
        assert_eq!(row.credential.as_str(), "session", "{path}");
        assert_eq!(row.outcome.as_str() == "refused", status >= 400, "{path}: {status}");
    }
    send("/logout", &[]).await;
    assert_eq!(newest().await.0, "log_out session done");
    let log = format!("{:?}", rows(&world, &ana).await);
    for hidden in [secret, PASSWORD, "not the password at all"] {
        assert!(!log.contains(hidden), "{hidden} is in the log");
    }
    world.end().await;
}

async fn the_log_comes_in_pages_by_kind_and_as_a_file(world: World) {
    let ana = Person::join(&world, "ana").await;
    let drill = format!("/api/v1/standby/failover/simulate/{GPU}");
    for _ in 0..3 {
        ana.signs(world.post(&drill)).send().await.expect("an answer");
    }
    world.log_in(&ana.email, PASSWORD).await;
    let ask = async |query: &str| {
        let asked = ana.signs(world.get(&format!("/api/v1/audit{query}")));
        asked.send().await.expect("an answer")
    };
    let actions = |log: &Value| -> Vec<String> {
        let all = log["entries"].as_array().expect("a list").iter();
        all.map(|one| one["action"].as_str().expect("a word").to_owned()).collect()
    };
    let first = body(200, ask("?limit=2").await).await;
    assert_eq!(actions(&first), ["log_in", "drill"]);
    let before = first["next_before"].as_str().expect("there are older ones");
    let second = body(200, ask(&format!("?limit=2&before={before}")).await).await;
    assert_eq!((actions(&second).len(), &second["next_before"]), (2, &json!(null)));
    let drills = body(200, ask("?area=failovers").await).await;
    assert_eq!(actions(&drills), ["drill", "drill", "drill"]);
    for (wrong, status) in
        [("?area=x", 422), ("?limit=0", 422), ("?limit=201", 422), ("?format=x", 422)]
    {
        assert_eq!(ask(wrong).await.status(), status, "{wrong}");
    }
    let file = ask("?format=csv").await;
    assert!(file.headers()["content-disposition"].to_str().expect("text").contains("audit.csv"));
    let text = file.text().await.expect("text");
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(text.starts_with("at,action,area,object,"), "{text}");

    // Strangers' tries push nothing else out.
    let store = world.dumont.store.audit();
    for _ in 0..4 {
        world.log_in(&ana.email, "not the password at all").await;
    }
    store.prune(domain::time::Millis(0), 1, 100).await.expect("shortened");
    let left = body(200, ask("").await).await;
    assert_eq!(actions(&left), ["log_in", "log_in", "drill", "drill", "drill"]);
    store.prune(domain::time::Millis(0), 1, 2).await.expect("shortened");
    let left = body(200, ask("").await).await;
    assert_eq!(actions(&left).len(), 3);
    store.prune(world.dumont.now().plus(1_000), 1, 2).await.expect("shortened");
    assert_eq!(actions(&body(200, ask("").await).await).len(), 0);
    world.end().await;
}

on_both!(
    every_route_that_may_change_something_leaves_its_row,
    logins_and_forms_leave_their_rows_and_no_secret,
    the_log_comes_in_pages_by_kind_and_as_a_file,
);
