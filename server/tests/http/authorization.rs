//! Every route of the table for three people: nobody, another account, the owner. Made from the
//! table itself, so that a route that is added is tested too.

use domain::view::account::NewToken;
use domain::view::people::NewInvitation;
use reqwest::{Method, Response};
use serde_json::json;
use server::api::table::{Access, Shared, table};
use server::service::{auth, people};

use crate::people::Person;
use crate::seed::{self, GPU, MARKS};
use crate::sharing;
use crate::world::{World, body};

const ALL_NEWS: store::NotificationPage =
    store::NotificationPage { unread: false, before: None, limit: 100 };

/// A route as it is asked for in these tests.
pub(crate) struct Row {
    pub(crate) access: Access,
    pub(crate) shared: Option<Shared>,
    pub(crate) method: Method,
    /// With the owner's things in place of parameters.
    pub(crate) path: String,
    /// Whether the path names something that belongs to somebody.
    pub(crate) owned: bool,
    example: Option<&'static str>,
}

pub(crate) fn rows(owners: &Things) -> Vec<Row> {
    table()
        .iter()
        .map(|route| {
            let (method, template) = route.method_and_path().expect("described");
            let path = template
                .replace("{gpu_id}", &owners.gpu)
                .replace("{machine_id}", &owners.gpu)
                .replace("{point_id}", "7")
                .replace("{failover_id}", &owners.failover)
                .replace("{notification_id}", &owners.notification)
                .replace("{token_id}", &owners.token)
                .replace("{session_id}", &owners.session)
                .replace("{browser_id}", &owners.browser)
                // One would turn the second factor on; whose they are is in `passkeys`.
                .replace("{passkey_id}", "nobodys-passkey")
                .replace("{account_id}", &owners.account)
                .replace("{invitation_id}", &owners.invitation)
                .replace("{grant_id}", &owners.grant);
            assert!(!path.contains('{'), "a parameter that this test does not know: {path}");
            let method = Method::from_bytes(method.as_str().as_bytes()).expect("a method");
            Row {
                access: route.access,
                shared: route.shared,
                method,
                owned: path != template,
                path,
                example: route.example,
            }
        })
        .collect()
}

/// What the owner has that a path can name.
pub(crate) struct Things {
    pub(crate) gpu: String,
    pub(crate) failover: String,
    notification: String,
    token: String,
    session: String,
    browser: String,
    account: String,
    invitation: String,
    grant: String,
}

pub(crate) async fn things(world: &World, owner: &Person) -> Things {
    let failover = seed::machine(world, &owner.id).await;
    let new = NewToken {
        name: "owners-token".into(),
        scope: domain::access::Scope::Admin,
        expires_at: None,
        never_expires: false,
    };
    let token = auth::create_token(&world.dumont, &owner.id, new, None).await.expect("a token");
    world.session(&owner.email).await;
    let sessions =
        world.dumont.store.sessions().list(&owner.id, world.dumont.now()).await.expect("sessions");
    let browsers =
        world.dumont.store.browsers().list(&owner.id, world.dumont.now()).await.expect("browsers");
    // Of the failovers that were opened.
    let told = world.dumont.store.notifications().list(&owner.id, ALL_NEWS).await.expect("told");
    let wanted = NewInvitation::default();
    let invited = people::make_invitation(&world.dumont, Some(&owner.id), wanted, "");
    // To an account that is in none of these tests.
    let grant = sharing::offer(world, owner, "somebody-else").await;
    Things {
        gpu: GPU.to_string(),
        grant: grant.to_string(),
        account: owner.id.to_string(),
        invitation: invited.await.expect("an invitation").id,
        failover: failover.to_string(),
        notification: told[0].id.to_string(),
        token: token.info.id,
        session: sessions[0].id.clone(),
        browser: browsers[0].id.clone(),
    }
}

pub(crate) async fn ask(world: &World, mount: &str, row: &Row, token: Option<&str>) -> Response {
    let mut request = world.ask(row.method.clone(), &format!("{mount}{}", row.path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(example) = row.example {
        request = request.header("content-type", "application/json").body(example);
    }
    request.send().await.expect("an answer")
}

/// What the database holds of a person, in words.
pub(crate) async fn holdings(world: &World, person: &Person) -> String {
    let store = &world.dumont.store;
    let user = store.users().login(&person.id).await.expect("an account");
    let mut tokens = store.tokens().list(&person.id).await.expect("tokens");
    tokens.retain(|token| token.kind == store::TokenKind::Api);
    let sessions = store.sessions().list(&person.id, world.dumont.now()).await.expect("sessions");
    let sessions: Vec<String> = sessions.into_iter().map(|session| session.id).collect();
    let query = store::FailoverQuery::default();
    format!(
        "{user:?} {tokens:?} {sessions:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        store.browsers().list(&person.id, world.dumont.now()).await.expect("browsers"),
        store.grants().given(&person.id, 100).await.expect("grants"),
        store.settings().get(&person.id).await.expect("settings"),
        store.credentials().list(&person.id).await.expect("credentials"),
        store.associations().list(&person.id).await.expect("associations"),
        store.failovers().list(&person.id, &query).await.expect("failovers"),
        store.notifications().list(&person.id, ALL_NEWS).await.expect("notifications"),
    )
}

pub(crate) async fn give_credentials(world: &World, person: &Person) {
    let customer = world.customer().await;
    let wanted = json!({"vast_api_key": customer.vast_api_key, "gcp_credentials": customer.gcp_service_account});
    let put = world.ask(Method::PUT, "/api/v1/settings").json(&wanted);
    body(200, person.signs(put).send().await.expect("an answer")).await;
}

async fn nobody_gets_nothing(world: World) {
    let owner = Person::join(&world, "owner").await;
    let things = things(&world, &owner).await;
    let before = holdings(&world, &owner).await;
    for mount in ["/api/v1", "/api"] {
        for row in rows(&things) {
            for token in [None, Some("dumont_sk_0000000000000000000000000000000000000000000")] {
                let what = format!("{} {mount}{} as nobody", row.method, row.path);
                let answer = ask(&world, mount, &row, token).await;
                match row.access {
                    Access::Read | Access::Operate | Access::Admin | Access::Install => {
                        let problem = body(401, answer).await;
                        assert_eq!(problem["code"], "unauthorized", "{what}");
                    }
                    Access::Public => assert_ne!(answer.status().as_u16(), 500, "{what}"),
                }
            }
        }
    }
    assert_eq!(holdings(&world, &owner).await, before);
    world.end().await;
}

async fn another_account_sees_and_touches_nothing(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    let things = things(&world, &owner).await;
    give_credentials(&world, &owner).await;
    give_credentials(&world, &other).await;
    let before = holdings(&world, &owner).await;
    for row in rows(&things) {
        let what = format!("{} {} as another account", row.method, row.path);
        let token = other.new_token(&world).await;
        let mut answer = ask(&world, "/api/v1", &row, Some(&token)).await;
        let status = answer.status().as_u16();
        if row.access == Access::Install {
            // The owner made the first account here, and so runs the install.
            assert_eq!(status, 403, "{what}");
        } else if row.owned {
            assert_eq!(status, 404, "{what}");
        } else if row.access != Access::Public {
            assert!(!matches!(status, 401 | 403 | 500), "{what}: {status}");
        }
        let text = if row.path == "/events" {
            let begin = answer.chunk().await.expect("a beginning").unwrap_or_default();
            String::from_utf8_lossy(&begin).into_owned()
        } else {
            answer.text().await.expect("a body")
        };
        // An address that names something of the owner's may be told back, and nothing else.
        let mut told = text.replace(&row.path, "");
        if row.path.starts_with("/audit") {
            // Nor are the names in their own log, of what they tried in vain a moment ago.
            for name in [
                &GPU.to_string(),
                &things.failover,
                &things.token,
                &things.session,
                &things.browser,
                &things.account,
                &things.invitation,
                &things.grant,
            ] {
                told = told.replace(name.as_str(), "");
            }
        }
        for mark in MARKS.iter().chain(&[owner.email.as_str(), owner.id.as_str()]) {
            assert!(!told.contains(mark), "{what} tells {mark}: {text}");
        }
        assert_eq!(
            holdings(&world, &owner).await,
            before,
            "{what} changed something of the owner's"
        );
    }
    world.end().await;
}

async fn the_owner_may_use_every_route(world: World) {
    let owner = Person::join(&world, "owner").await;
    let things = things(&world, &owner).await;
    give_credentials(&world, &owner).await;
    for row in rows(&things).into_iter().filter(|row| row.access != Access::Public) {
        let what = format!("{} {} as the owner", row.method, row.path);
        let token = owner.new_token(&world).await;
        let answer = ask(&world, "/api/v1", &row, Some(&token)).await;
        let status = answer.status().as_u16();
        if row.path == "/events" {
            assert_eq!(status, 200, "{what}");
            continue;
        }
        let text = answer.text().await.expect("a body");
        assert!(!matches!(status, 401 | 403) && status < 500, "{what}: {status} {text}");
        // The seeded machine is not at the provider, and no standby of it answers, which alone knows its
        // recovery points; all else that can be read is there.
        let listed = !row.path.starts_with("/instances/4") && !row.path.contains("/points/");
        if row.method == Method::GET && listed {
            assert_eq!(status, 200, "{what}: {text}");
        }
    }
    world.end().await;
}

on_both!(
    nobody_gets_nothing,
    another_account_sees_and_touches_nothing,
    the_owner_may_use_every_route
);
