//! Machines that accounts share: who reaches what, from when, until when, and what each side is told.

use domain::audit::{Action, Credential};
use domain::failover::{FailoverState, Outcome, StepName};
use domain::grant::GrantLevel;
use domain::id::{AssociationId, FailoverId, GpuId, GrantId};
use domain::time::DAY_MS;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use server::api::table::{Access, Shared};
use store::{AuditRow, Finish, NewGrant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::authorization::{self as table, Row, Things};
use crate::people::{PASSWORD, Person};
use crate::seed::{self, GPU, MARKS};
use crate::world::{DEADLINE, World, body};

const MACHINE: &str = "owners-machine-id";
const SECOND: &str = "owners-second-id";
const SECOND_GPU: i64 = 424_243;

/// Offers everything to a name.
pub(crate) async fn offer(world: &World, owner: &Person, to: &str) -> GrantId {
    give(world, owner, to, GrantLevel::Read, None).await
}

async fn give(
    world: &World,
    owner: &Person,
    to: &str,
    level: GrantLevel,
    machines: Option<&[&str]>,
) -> GrantId {
    let now = world.dumont.now();
    let new = NewGrant {
        id: GrantId::new(uuid::Uuid::now_v7().to_string()),
        owner: owner.id.clone(),
        named: to.into(),
        level,
        machines: machines.map(|all| all.iter().map(|id| AssociationId::new(*id)).collect()),
        accept_by: now.plus(DAY_MS),
        expires_at: None,
        given_by: None,
    };
    world.dumont.store.grants().offer(&new, now).await.expect("offered");
    new.id
}

/// A grant of the seeded machine alone that was accepted.
async fn share(world: &World, owner: &Person, with: &Person, level: GrantLevel) -> GrantId {
    let id = give(world, owner, &with.email, level, Some(&[MACHINE])).await;
    world.dumont.store.grants().accept(&with.id, &id, world.dumont.now()).await.expect("accepted");
    id
}

/// A second machine of the owner's, with a failover, that is shared with nobody.
async fn second(world: &World, owner: &Person) -> String {
    let mut tie = seed::association(&owner.id, world);
    tie.id = AssociationId::new(SECOND);
    tie.gpu = GpuId(SECOND_GPU);
    tie.name = "owners-other-machine".into();
    tie.standby = None;
    world.dumont.store.associations().create(&tie).await.expect("a machine");
    let failover = seed::failover(world, &tie, "owners-other-failover");
    world.dumont.store.failovers().open(&failover).await.expect("opened");
    failover.id.to_string()
}

async fn send(
    world: &World,
    who: &Person,
    method: Method,
    path: &str,
    sent: Option<Value>,
) -> Response {
    let mut request = who.signs(world.ask(method, path));
    if let Some(sent) = sent {
        request = request.json(&sent);
    }
    request.send().await.expect("an answer")
}

async fn get(world: &World, who: &Person, path: &str) -> Response {
    send(world, who, Method::GET, path, None).await
}

async fn post(world: &World, who: &Person, path: &str) -> Response {
    send(world, who, Method::POST, path, None).await
}

/// The row without what an owner's thing is called in it.
fn plain(row: &Row, text: &str, things: &Things) -> String {
    text.replace(&row.path, "").replace(&things.gpu, "").replace(&things.failover, "")
}

async fn walk(world: World, level: GrantLevel) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    let things = table::things(&world, &owner).await;
    table::give_credentials(&world, &owner).await;
    table::give_credentials(&world, &other).await;
    share(&world, &owner, &other, level).await;
    let mut reached = 0;
    for row in table::rows(&things) {
        let what = format!("{} {} with a grant to {level}", row.method, row.path);
        if row.path == "/events" {
            continue;
        }
        let before = table::holdings(&world, &owner).await;
        let token = other.new_token(&world).await;
        let answer = table::ask(&world, "/api/v1", &row, Some(&token)).await;
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        match (row.shared, row.access) {
            (Some(_), Access::Operate) if level == GrantLevel::Read => {
                assert!(status == 403 && text.contains("grant_needed"), "{what}: {status} {text}");
            }
            (Some(_), _) => {
                reached += 1;
                // The seeded machine is not in the provider's list.
                let listed = !row.path.starts_with("/instances");
                assert!(!matches!(status, 401 | 403) && status < 500, "{what}: {status} {text}");
                assert!(status != 404 || !listed, "{what}: {text}");
            }
            (None, Access::Install) => assert_eq!(status, 403, "{what}"),
            (None, _) if row.owned => assert_eq!(status, 404, "{what}: {text}"),
            (None, Access::Public) => {}
            (None, _) => assert!(!matches!(status, 401 | 403 | 500), "{what}: {status}"),
        }
        let acted = row.shared.is_some() && level == GrantLevel::Operate;
        if !acted {
            assert_eq!(table::holdings(&world, &owner).await, before, "{what} changed something");
        }
        // What is shared tells of the machine; their own log and news tell what they did.
        let tells = row.shared.is_some()
            || ["/shared", "/audit", "/notifications"]
                .iter()
                .any(|path| row.path.starts_with(path));
        if !tells {
            let told = plain(&row, &text, &things);
            for mark in MARKS.iter().chain(&[owner.email.as_str(), owner.id.as_str()]) {
                assert!(!told.contains(mark), "{what} tells {mark}: {text}");
            }
        }
        // Their log holds what they named in vain.
        let logged = row.path.starts_with("/audit");
        for secret in ["owners-token", owner.email.as_str(), owner.id.as_str()] {
            assert!(
                logged || !plain(&row, &text, &things).contains(secret),
                "{what} tells {secret}: {text}"
            );
        }
    }
    assert!(reached >= 4, "{reached}");
    world.end().await;
}

async fn a_reader_looks_at_what_was_granted_and_acts_on_nothing(world: World) {
    walk(world, GrantLevel::Read).await;
}

async fn an_operator_acts_on_what_was_granted_and_on_nothing_else(world: World) {
    walk(world, GrantLevel::Operate).await;
}

async fn a_machine_that_was_not_granted_is_not_there(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    let mut things = table::things(&world, &owner).await;
    let failover = second(&world, &owner).await;
    table::give_credentials(&world, &other).await;
    share(&world, &owner, &other, GrantLevel::Operate).await;
    let before = table::holdings(&world, &owner).await;
    things.failover = failover;
    for named in [SECOND_GPU.to_string(), SECOND.to_owned()] {
        things.gpu = named;
        for row in table::rows(&things).into_iter().filter(|row| row.shared.is_some()) {
            if row.shared == Some(Shared::Machine)
                && row.path.starts_with("/instances")
                && things.gpu == SECOND
            {
                continue;
            }
            let token = other.new_token(&world).await;
            let answer = table::ask(&world, "/api/v1", &row, Some(&token)).await;
            assert_eq!(answer.status().as_u16(), 404, "{} {}", row.method, row.path);
        }
    }
    assert_eq!(table::holdings(&world, &owner).await, before);
    let told = get(&world, &other, "/api/v1/shared").await.text().await.expect("a body");
    assert!(told.contains("owners-machine") && !told.contains("owners-other"), "{told}");
    world.end().await;
}

async fn an_offer_tells_its_owner_nothing_of_the_name(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    seed::machine(&world, &owner.id).await;
    let mut told = Vec::new();
    for to in ["other@dumont.local", "nobody@dumont.local"] {
        let sent = json!({"to": to, "level": "read", "all_machines": false, "machines": [MACHINE]});
        let made = send(&world, &owner, Method::POST, "/api/v1/grants", Some(sent)).await;
        let mut made = body(201, made).await;
        assert_eq!((&made["state"], &made["accepted_by"]), (&json!("offered"), &json!(null)));
        for differs in ["id", "to", "created_at", "accept_by"] {
            made[differs] = json!(null);
        }
        told.push(made);
    }
    assert_eq!(told[0], told[1]);
    let listed = body(200, get(&world, &owner, "/api/v1/grants").await).await;
    assert!(!listed.to_string().contains("\"other\""), "the user name is not told: {listed}");
    // It is there for whoever it is for, counts once accepted, and then the name is told.
    let shared = body(200, get(&world, &other, "/api/v1/shared").await).await;
    let id = shared["grants"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(shared["machines"], json!([]));
    let path = format!("/api/v1/standby/associations/{GPU}");
    assert_eq!(get(&world, &other, &path).await.status(), 404);
    body(200, post(&world, &other, &format!("/api/v1/shared/{id}/accept")).await).await;
    let seen = body(200, get(&world, &other, &path).await).await;
    assert_eq!(seen["name"], "owners-machine");
    let listed = body(200, get(&world, &owner, "/api/v1/grants").await).await;
    assert!(listed.to_string().contains("\"accepted_by\":\"other\""), "{listed}");
    world.end().await;
}

async fn what_can_not_be_given_is_refused(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    seed::machine(&world, &owner.id).await;
    share(&world, &owner, &other, GrantLevel::Operate).await;
    let refused = async |who: &Person, sent: Value, field: &str| {
        let answer = send(&world, who, Method::POST, "/api/v1/grants", Some(sent.clone())).await;
        let problem = body(422, answer).await;
        assert_eq!(problem["errors"][0]["field"], field, "{sent}: {problem}");
    };
    // What was given to oneself is not one's own to give, alone or beside others.
    refused(
        &other,
        json!({"to": "owner", "level": "read", "all_machines": false, "machines": [MACHINE]}),
        "machines",
    )
    .await;
    refused(
        &owner,
        json!({"to": "other", "level": "read", "all_machines": false, "machines": [MACHINE, "none"]}),
        "machines",
    )
    .await;
    refused(&owner, json!({"to": "other", "level": "read", "all_machines": false}), "machines")
        .await;
    refused(
        &owner,
        json!({"to": "other", "level": "read", "machines": [MACHINE], "all_machines": true}),
        "machines",
    )
    .await;
    refused(&owner, json!({"to": "OWNER", "level": "read", "all_machines": true}), "to").await;
    refused(&owner, json!({"to": " ", "level": "read", "all_machines": true}), "to").await;
    refused(
        &owner,
        json!({"to": "other", "level": "read", "all_machines": true, "days": 366}),
        "days",
    )
    .await;
    assert_eq!(world.dumont.store.grants().given(&other.id, 9).await.expect("asked"), []);
    // A login of long ago has to say again who it is.
    world.clock.pass(700_000);
    let sent = json!({"to": "other", "level": "read", "all_machines": true});
    let answer = send(&world, &owner, Method::POST, "/api/v1/grants", Some(sent)).await;
    assert_eq!(body(403, answer).await["code"], "confirmation_needed");
    world.end().await;
}

async fn it_ends_when_it_is_taken_back_given_up_or_over(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    seed::machine(&world, &owner.id).await;
    let beside = world.beside().await;
    let path = format!("/api/v1/standby/associations/{GPU}");
    let seen = async |status: u16| {
        assert_eq!(get(&world, &other, &path).await.status(), status);
        let there = other.signs(world.client.get(format!("{beside}{path}")));
        assert_eq!(there.send().await.expect("an answer").status(), status, "another process");
    };
    let id = share(&world, &owner, &other, GrantLevel::Operate).await;
    seen(200).await;
    let own = format!("/api/v1/grants/{id}");
    for (who, path) in [(&other, &own), (&owner, &format!("/api/v1/shared/{id}"))] {
        assert_eq!(send(&world, who, Method::DELETE, path, None).await.status(), 404, "{path}");
    }
    // Acts go on while it is taken back; none that is sent after has an effect.
    let acting = async {
        for _ in 0..20 {
            let answer = post(&world, &other, &format!("{path}/stop-sync")).await;
            assert!(matches!(answer.status().as_u16(), 200 | 404 | 409), "{}", answer.status());
        }
    };
    let revoking = send(&world, &owner, Method::DELETE, &own, None);
    let ((), revoked) = tokio::join!(acting, revoking);
    body(200, revoked).await;
    seen(404).await;
    let before = table::holdings(&world, &owner).await;
    assert_eq!(post(&world, &other, &format!("{path}/start-sync")).await.status(), 404);
    assert_eq!(table::holdings(&world, &owner).await, before);
    let id = share(&world, &owner, &other, GrantLevel::Read).await;
    seen(200).await;
    let up = send(&world, &other, Method::DELETE, &format!("/api/v1/shared/{id}"), None).await;
    body(200, up).await;
    seen(404).await;
    // For a day.
    let sent = json!({"to": "other", "level": "read", "all_machines": true, "days": 1});
    let made = send(&world, &owner, Method::POST, "/api/v1/grants", Some(sent)).await;
    let id = body(201, made).await["id"].as_str().expect("an id").to_owned();
    body(200, post(&world, &other, &format!("/api/v1/shared/{id}/accept")).await).await;
    seen(200).await;
    world.clock.pass(DAY_MS);
    seen(404).await;
    world.end().await;
}

async fn a_token_reaches_as_far_as_its_scope_and_the_grant(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    seed::machine(&world, &owner.id).await;
    let token = async |scope: &str| {
        let sent = json!({"name": scope, "scope": scope});
        let made = send(&world, &other, Method::POST, "/api/v1/auth/tokens", Some(sent)).await;
        body(201, made).await["token"].as_str().expect("a token").to_owned()
    };
    let (read, operate) = (token("read").await, token("operate").await);
    let stop = format!("/api/v1/standby/associations/{MACHINE}/stop-sync");
    let code = async |token: &str| {
        let answer = world.post(&stop).bearer_auth(token).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let told: Value = answer.json().await.expect("json");
        (status, told["code"].as_str().unwrap_or_default().to_owned())
    };
    let id = share(&world, &owner, &other, GrantLevel::Read).await;
    assert_eq!(code(&operate).await, (403, "grant_needed".into()));
    assert_eq!(code(&read).await, (403, "scope_needed".into()));
    world.dumont.store.grants().revoke(&owner.id, &id, world.dumont.now()).await.expect("ended");
    share(&world, &owner, &other, GrantLevel::Operate).await;
    assert_eq!(code(&read).await, (403, "scope_needed".into()));
    assert_eq!(code(&operate).await.0, 200);
    world.end().await;
}

async fn what_is_done_with_a_grant_is_in_the_logs_of_both(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    seed::machine(&world, &owner.id).await;
    let id = share(&world, &owner, &other, GrantLevel::Read).await;
    let stop = format!("/api/v1/standby/associations/{GPU}/stop-sync");
    assert_eq!(post(&world, &other, &stop).await.status(), 403);
    world.dumont.store.grants().revoke(&owner.id, &id, world.dumont.now()).await.expect("ended");
    share(&world, &owner, &other, GrantLevel::Operate).await;
    assert_eq!(post(&world, &other, &stop).await.status(), 200);
    // By a form as well.
    let session = world.session(&other.email).await;
    let form = world.post(&format!("/app/machines/{GPU}/resume-sync")).header("cookie", &session);
    assert_eq!(
        form.header("sec-fetch-site", "same-origin")
            .form(&[("", "")])
            .send()
            .await
            .expect("sent")
            .status(),
        303
    );
    let log = async |who: &Person| {
        let log = body(200, get(&world, who, "/api/v1/audit?area=machines").await).await;
        let rows: Vec<String> = log["entries"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| {
                format!(
                    "{} {} {} {} {}",
                    row["action"], row["object"], row["actor"], row["outcome"], row["code"]
                )
                .replace('"', "")
            })
            .collect();
        rows
    };
    assert_eq!(
        log(&owner).await,
        [
            format!("start_sync {GPU} other done null"),
            format!("stop_sync {GPU} other done null"),
            format!("stop_sync {GPU} other refused grant_needed"),
        ]
    );
    assert_eq!(
        log(&other).await,
        [
            format!("start_sync owner/{GPU} null done null"),
            format!("stop_sync owner/{GPU} null done null"),
            format!("stop_sync owner/{GPU} null refused grant_needed"),
        ]
    );
    world.end().await;
}

/// Reads until the text is there.
async fn until(answer: &mut Response, text: &str) -> String {
    let mut heard = String::new();
    let reading = async {
        while !heard.contains(text) {
            let chunk = answer.chunk().await.expect("readable").expect("it goes on");
            heard.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    tokio::time::timeout(DEADLINE, reading).await.unwrap_or_else(|_| panic!("not heard: {text}"));
    heard
}

async fn an_open_page_hears_of_shared_machines_until_that_ends(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    seed::machine(&world, &owner.id).await;
    second(&world, &owner).await;
    let mut live = get(&world, &other, "/api/v1/events").await;
    until(&mut live, "listening").await;
    let ring = async |who: &Person, kind: &str, id: &str| {
        world
            .dumont
            .store
            .events()
            .append(&who.id, kind, id, world.dumont.now())
            .await
            .expect("rung")
    };
    // Granted while the page is open.
    let id = share(&world, &owner, &other, GrantLevel::Read).await;
    ring(&owner, "association", SECOND).await;
    ring(&owner, "failover", "owners-other-failover").await;
    ring(&owner, "settings", "credentials").await;
    ring(&owner, "failover", "owners-failover-1").await;
    let seq = ring(&owner, "association", MACHINE).await;
    let heard = until(&mut live, MACHINE).await;
    assert!(heard.contains("owners-failover-1"), "{heard}");
    for not in [SECOND, "owners-other-failover", "credentials"] {
        assert!(!heard.contains(not), "{not}: {heard}");
    }
    // One that was away gets what it missed of these alone.
    ring(&owner, "association", SECOND).await;
    ring(&owner, "verdict", MACHINE).await;
    let back = other.signs(world.get("/api/v1/events")).header("last-event-id", seq.to_string());
    let mut back = back.send().await.expect("an answer");
    let heard = until(&mut back, "verdict").await;
    assert!(!heard.contains(SECOND), "{heard}");
    until(&mut live, "verdict").await;
    // Taken back: open streams hear of it, and of nothing after.
    world.dumont.store.grants().revoke(&owner.id, &id, world.dumont.now()).await.expect("ended");
    ring(&owner, "association", MACHINE).await;
    ring(&other, "association", "own-thing").await;
    for stream in [&mut live, &mut back] {
        let heard = until(stream, "own-thing").await;
        assert!(heard.contains("grant") && !heard.contains(MACHINE), "{heard}");
    }
    world.end().await;
}

async fn pages_show_what_is_shared_and_stop_at_once(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    table::give_credentials(&world, &other).await;
    let failover = seed::machine(&world, &owner.id).await;
    second(&world, &owner).await;
    let session = world.session(&other.email).await;
    let page = async |path: &str| {
        let answer = world.get(path).header("cookie", &session).header("accept-language", "en");
        let answer = answer.send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a page"))
    };
    let offered = give(&world, &owner, "other", GrantLevel::Read, Some(&[MACHINE])).await;
    assert!(page("/app").await.1.contains("offers to share"));
    let form = async |path: &str, id: &GrantId| {
        let sent = world.post(path).header("cookie", &session).form(&[("id", id.as_str())]);
        sent.header("sec-fetch-site", "same-origin").send().await.expect("sent").status().as_u16()
    };
    assert_eq!(form("/app/settings/sharing/accept", &offered).await, 303);
    let (_, list) = page("/app").await;
    assert!(list.contains("Shared with you") && list.contains("owners-machine"), "{list}");
    assert!(!list.contains("owners-other"), "{list}");
    let machine = format!("/app/machines/{GPU}");
    let (status, text) = page(&machine).await;
    assert!(status == 200 && text.contains("Shared by owner"), "{text}");
    for act in ["drill", "failover", "pause-sync", "destroy", "discard", "unprotect"] {
        assert!(!text.contains(&format!("{machine}/{act}\"")), "{act} is shown to a reader");
    }
    let (status, text) = page(&format!("/app/failovers/{failover}")).await;
    assert!(status == 200 && text.contains("Shared by owner"));
    assert_eq!(page(&format!("/app/machines/{SECOND_GPU}")).await.0, 404);
    assert_eq!(page("/app/failovers/owners-other-failover").await.0, 404);
    let stop = world.post(&format!("{machine}/pause-sync")).header("cookie", &session);
    let stop =
        stop.header("sec-fetch-site", "same-origin").form(&[("", "")]).send().await.expect("sent");
    assert_eq!(stop.status(), 403);
    world
        .dumont
        .store
        .grants()
        .revoke(&owner.id, &offered, world.dumont.now())
        .await
        .expect("ended");
    assert!(!page("/app").await.1.contains("owners-machine"));
    assert_eq!(page(&machine).await.0, 404);
    assert_eq!(page(&format!("/app/failovers/{failover}")).await.0, 404);
    // An operator has the acts, and none that end the machine.
    share(&world, &owner, &other, GrantLevel::Operate).await;
    let (_, text) = page(&machine).await;
    for ends in ["destroy", "discard", "unprotect"] {
        assert!(!text.contains(&format!("{machine}/{ends}\"")), "{ends}");
    }
    for ends in ["destroy", "discard", "unprotect"] {
        let sent = world.post(&format!("{machine}/{ends}")).header("cookie", &session);
        let sent = sent.header("sec-fetch-site", "same-origin").form(&[("name", "owners-machine")]);
        assert_eq!(sent.send().await.expect("sent").status(), 404, "{ends}");
    }
    let tie = world.dumont.store.associations().get(&owner.id, &AssociationId::new(MACHINE)).await;
    assert!(tie.is_ok_and(|tie| tie.state != domain::association::AssociationState::Deleting));
    world.end().await;
}

async fn what_is_its_owners_alone_is_not_shown_with_a_machine(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    let mut tie = seed::association(&owner.id, &world);
    tie.hooks.on_gpu = Some("export SECRET=of-the-owner".into());
    tie.gpu_host_key = Some("ssh-ed25519 AAAAsame".into());
    world.dumont.store.associations().create(&tie).await.expect("a machine");
    tie.id = AssociationId::new(SECOND);
    tie.gpu = GpuId(SECOND_GPU);
    tie.name = "owners-other-machine".into();
    tie.standby = None;
    world.dumont.store.associations().create(&tie).await.expect("a machine");
    share(&world, &owner, &other, GrantLevel::Operate).await;
    let own = get(&world, &owner, &format!("/api/v1/standby/associations/{GPU}")).await;
    let own = own.text().await.expect("a body");
    assert!(own.contains("of-the-owner") && own.contains("owners-other-machine"), "{own}");
    let session = world.session(&other.email).await;
    for path in [
        format!("/api/v1/standby/associations/{GPU}"),
        "/api/v1/shared".to_owned(),
        format!("/api/v1/failover/readiness/{GPU}"),
    ] {
        let told = get(&world, &other, &path).await.text().await.expect("a body");
        assert!(!told.contains("of-the-owner") && !told.contains("owners-other"), "{path}: {told}");
        assert!(!told.contains('$'), "how much credit there is: {told}");
    }
    let page = world.get(&format!("/app/machines/{GPU}")).header("cookie", &session);
    let page = page.send().await.expect("an answer").text().await.expect("a page");
    assert!(page.contains("owners-machine") && !page.contains("owners-other"), "{page}");
    world.end().await;
}

/// Lets the failover that goes on wait for this, in these words.
async fn waiting(world: &World, wait: &str, output: Value) {
    let id = FailoverId::new("owners-failover-2");
    let steps = world.dumont.store.steps();
    let now = world.dumont.now();
    let row = steps.begin(&id, StepName::Buy, 0, now).await.expect("begun");
    let mut output = output;
    output["waits_for"] = json!(wait);
    let end = Finish {
        ended_at: now,
        outcome: Outcome::Retry,
        retry_at: Some(now.plus(DAY_MS)),
        provider_ms: 0,
        output,
        error: Some(format!("{SUM} {WORDS}")),
    };
    steps.finish(&id, row.seq, &end).await.expect("ended");
    let words = Some(format!("{SUM} {WORDS}"));
    let state = FailoverState::Waiting;
    world.dumont.store.failovers().set_state(&id, state, words.as_deref()).await.expect("waits");
}

async fn to_buy_beyond_the_limits_is_its_owners_word_alone(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    table::give_credentials(&world, &other).await;
    seed::machine(&world, &owner.id).await;
    share(&world, &owner, &other, GrantLevel::Operate).await;
    let path = "/api/v1/standby/failover/owners-failover-2/retry";
    let session = world.session(&other.email).await;
    let own = world.session(&owner.email).await;
    let waits = async || {
        let rows = world.dumont.store.steps().list(&FailoverId::new("owners-failover-2")).await;
        let last = rows.expect("rows").pop().expect("a row");
        last.retry_at.is_some_and(|at| at > world.dumont.now())
    };
    for wait in ["limit", "preparation"] {
        waiting(&world, wait, json!({})).await;
        let refused = post(&world, &other, path).await;
        assert_eq!(body(403, refused).await["code"], "owners_word_needed", "{wait}");
        let form = world.post("/app/failovers/owners-failover-2/retry").header("cookie", &session);
        let form = form.header("sec-fetch-site", "same-origin").form(&[("", "")]).send().await;
        assert_eq!(form.expect("sent").status(), 403);
        assert!(waits().await, "{wait}: nothing was ended");
        for page in [format!("/app/machines/{GPU}"), "/app/failovers/owners-failover-2".into()] {
            let shown = world.get(&page).header("cookie", &session).send().await.expect("sent");
            let shown = shown.text().await.expect("a page");
            assert!(
                shown.contains("Shared by owner") && !shown.contains("/retry"),
                "{wait} {page}"
            );
        }
        // The owner's page was shown before: there it waited for an offer, and nothing was agreed to.
        for shown in ["offer", "", "no word"] {
            let old = world.post("/app/failovers/owners-failover-2/retry").header("cookie", &own);
            let old = old.header("sec-fetch-site", "same-origin").form(&[("waits_for", shown)]);
            assert_eq!(old.send().await.expect("sent").status(), 409, "{wait} {shown}");
            assert!(waits().await, "{wait} {shown}: nothing was ended");
        }
        let seen = world.post("/app/failovers/owners-failover-2/retry").header("cookie", &own);
        let seen = seen.header("sec-fetch-site", "same-origin").form(&[("waits_for", wait)]);
        assert_eq!(seen.send().await.expect("sent").status(), 303, "{wait}");
        assert!(!waits().await, "{wait}: its owner's word");
        waiting(&world, wait, json!({})).await;
        body(200, post(&world, &owner, path).await).await;
        assert!(!waits().await, "{wait}: its owner's word");
    }
    // What waits for anything else is tried again by whoever may operate it.
    waiting(&world, "offer", json!({})).await;
    body(200, post(&world, &other, path).await).await;
    assert!(!waits().await);
    world.end().await;
}

async fn refusals_over_and_over_fill_no_log_of_the_owner(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    seed::machine(&world, &owner.id).await;
    share(&world, &owner, &other, GrantLevel::Read).await;
    let row = |n: i64, actor: Option<&str>, action: Action| AuditRow {
        at: world.dumont.now(),
        action,
        object: Some(n.to_string()),
        credential: Credential::Session,
        credential_name: None,
        actor: actor.map(str::to_owned),
        ip: None,
        user_agent: None,
        outcome: domain::audit::Outcome::Done,
        code: None,
    };
    let audit = world.dumont.store.audit();
    let mut id = 0;
    let mut add = async |actor: Option<&str>, action: Action| {
        id += 1;
        audit.add(&owner.id, &format!("0-{id:09}"), &row(id, actor, action)).await.expect("noted");
    };
    for _ in 0..5 {
        add(None, Action::Pause).await;
    }
    add(Some("other"), Action::FailOver).await;
    for _ in 0..30 {
        add(Some("other"), Action::StartSync).await;
        add(Some("other"), Action::StopSync).await;
    }
    let stop = format!("/api/v1/standby/associations/{GPU}/stop-sync");
    for _ in 0..30 {
        assert_eq!(post(&world, &other, &stop).await.status(), 403);
    }
    let count = async |action: Action, actor: Option<&str>| {
        let page = store::AuditPage { area: None, before: None, limit: 500 };
        let rows = audit.list(&owner.id, &page).await.expect("a log");
        rows.iter().filter(|(_, row)| row.action == action && row.actor.as_deref() == actor).count()
    };
    assert_eq!(count(Action::StopSync, Some("other")).await, 31, "one refusal is told once");
    audit.prune(domain::time::Millis(0), 10, 5).await.expect("shortened");
    assert_eq!(count(Action::Pause, None).await, 5, "what the owner did stays");
    assert_eq!(count(Action::FailOver, Some("other")).await, 1, "what the operator did stays");
    assert_eq!(count(Action::StartSync, Some("other")).await, 10);
    world.clock.pass(60_000);
    assert_eq!(post(&world, &other, &stop).await.status(), 403);
    world.end().await;
}

/// Sends a request whose body begins and, once `meanwhile` is over, ends; the answer's first line.
async fn drip(
    world: &World,
    who: &Person,
    path: &str,
    key: Option<&str>,
    meanwhile: impl Future<Output = ()>,
) -> String {
    let address = world.url.strip_prefix("http://").expect("an address");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
    let key = key.map(|key| format!("Idempotency-Key: {key}\r\n")).unwrap_or_default();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n{key}\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
         1\r\n{{\r\n",
        who.token
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    // Long enough for whoever looks at the request when it begins, and far less than a body may take.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    meanwhile.await;
    stream.write_all(b"1\r\n}\r\n0\r\n\r\n").await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer.lines().next().unwrap_or_default().to_owned()
}

async fn a_request_that_drips_has_the_rights_of_its_end(world: World) {
    let owner = Person::join(&world, "owner").await;
    let mut other = Person::join(&world, "other").await;
    seed::machine(&world, &owner.id).await;
    let path = format!("/api/v1/standby/failover/start/{GPU}");
    for key in [None, Some("a-key-of-a-request")] {
        let id = share(&world, &owner, &other, GrantLevel::Operate).await;
        let taken_back = async {
            let own = format!("/api/v1/grants/{id}");
            body(200, send(&world, &owner, Method::DELETE, &own, None).await).await;
        };
        let answer = drip(&world, &other, &path, key, taken_back).await;
        assert!(answer.contains(" 404 "), "{key:?}: {answer}");
    }
    // As with one's own login.
    other.token = owner.new_token(&world).await;
    let gone = async {
        let out = send(&world, &other, Method::POST, "/api/v1/auth/logout", None).await;
        assert!(out.status().is_success(), "{}", out.status());
    };
    let answer = drip(&world, &other, &path, None, gone).await;
    assert!(answer.contains(" 401 "), "{answer}");
    world.end().await;
}

/// What nobody but the owner is to read.
const SUM: &str = "the credit of $12.34 does not pay";
const WORDS: &str = "robot@project-of-the-owner.iam.gserviceaccount.com";

async fn sums_limits_and_providers_words_are_its_owners_alone(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    table::give_credentials(&world, &other).await;
    let mut tie = seed::association(&owner.id, &world);
    tie.state = domain::association::AssociationState::OnStandby;
    tie.reason = Some(WORDS.into());
    tie.sync.problem = Some(WORDS.into());
    if let Some(vm) = &mut tie.standby {
        vm.reason = Some(WORDS.into());
    }
    world.dumont.store.associations().create(&tie).await.expect("a machine");
    let failover = seed::failover(&world, &tie, "owners-failover-2");
    world.dumont.store.failovers().open(&failover).await.expect("opened");
    let on_standby = domain::association::Serving::Standby;
    let associations = world.dumont.store.associations();
    associations.set_serving(&tie.id, tie.epoch, on_standby).await.expect("taken over");
    share(&world, &owner, &other, GrantLevel::Read).await;
    let full =
        json!({"full": {"usd_per_day": {"bought": 12_340_000, "price": 1, "most": 43_210_000}}});
    let (mine, theirs) = (world.session(&owner.email).await, world.session(&other.email).await);
    for (wait, output) in [("credit", json!({})), ("limit", full), ("capacity", json!({}))] {
        waiting(&world, wait, output).await;
        let mut owner_reads = String::new();
        for path in [
            "/api/v1/shared".to_owned(),
            format!("/api/v1/standby/associations/{GPU}"),
            format!("/api/v1/failover/readiness/{GPU}"),
            "/api/v1/standby/failover/status/owners-failover-2".to_owned(),
            "/app".to_owned(),
            format!("/app/machines/{GPU}"),
            "/app/failovers/owners-failover-2".to_owned(),
        ] {
            let read = async |who: &Person, session: &str| {
                let request = who.signs(world.get(&path));
                let page = path.starts_with("/app");
                let request =
                    if page { world.get(&path).header("cookie", session) } else { request };
                request.send().await.expect("an answer").text().await.expect("a body")
            };
            owner_reads += &read(&owner, &mine).await;
            let told = read(&other, &theirs).await;
            for secret in ["12.34", "12340000", "43.21", "43210000", WORDS] {
                assert!(!told.contains(secret), "{wait} {path} tells {secret}: {told}");
            }
        }
        assert!(owner_reads.contains("12.34") && owner_reads.contains(WORDS), "its owner is told");
    }
    world.end().await;
}

async fn a_grant_ends_with_the_login_that_gave_it(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    seed::machine(&world, &owner.id).await;
    let path = format!("/api/v1/standby/associations/{GPU}");
    // Somebody else has the password, too.
    let thief = Person { token: owner.new_token(&world).await, ..owner.clone() };
    let grant = async |who: &Person| {
        let sent = json!({"to": "other", "level": "operate", "all_machines": true});
        let confirmed = json!({"password": PASSWORD});
        let confirm =
            send(&world, who, Method::POST, "/api/v1/auth/confirm", Some(confirmed)).await;
        assert!(confirm.status().is_success(), "{}", confirm.status());
        let made = send(&world, who, Method::POST, "/api/v1/grants", Some(sent)).await;
        let id = body(201, made).await["id"].as_str().expect("an id").to_owned();
        body(200, post(&world, &other, &format!("/api/v1/shared/{id}/accept")).await).await;
        id
    };
    let password = async |old: &str, new: &str| {
        let sent = json!({"current_password": old, "new_password": new});
        let answer = send(&world, &owner, Method::POST, "/api/v1/auth/password", Some(sent)).await;
        assert!(answer.status().is_success(), "{}", answer.text().await.expect("a body"));
    };
    grant(&thief).await;
    assert_eq!(get(&world, &other, &path).await.status(), 200);
    password(PASSWORD, "another long enough password").await;
    assert_eq!(get(&world, &other, &path).await.status(), 404, "given by a login that has ended");
    password("another long enough password", PASSWORD).await;
    grant(&owner).await;
    password(PASSWORD, "another long enough password").await;
    assert_eq!(get(&world, &other, &path).await.status(), 200, "given by the login that stays");
    world.end().await;
}

async fn a_refusal_is_told_to_nobody(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    seed::machine(&world, &owner.id).await;
    let id = offer(&world, &owner, &other.email).await;
    let nobody = offer(&world, &owner, "nobody").await;
    let path = format!("/api/v1/shared/{id}");
    body(200, send(&world, &other, Method::DELETE, &path, None).await).await;
    let listed = body(200, get(&world, &owner, "/api/v1/grants").await).await;
    let states: Vec<&Value> =
        listed["grants"].as_array().expect("grants").iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["offered", "offered"], "{listed:#}");
    let log = body(200, get(&world, &owner, "/api/v1/audit").await).await;
    assert!(!log.to_string().contains("decline"), "{log:#}");
    for id in [id, nobody] {
        let path = format!("/api/v1/grants/{id}");
        body(200, send(&world, &owner, Method::DELETE, &path, None).await).await;
    }
    world.end().await;
}

async fn who_begins_a_drill_or_a_move_is_kept_with_it(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    world
        .dumont
        .store
        .associations()
        .create(&seed::association(&owner.id, &world))
        .await
        .expect("a machine");
    share(&world, &owner, &other, GrantLevel::Operate).await;
    let failovers = world.dumont.store.failovers();
    for (who, by_grantee) in [(&owner, false), (&other, true)] {
        for act in ["simulate", "start"] {
            let path = format!("/api/v1/standby/failover/{act}/{GPU}");
            let begun = body(200, post(&world, who, &path).await).await;
            let id = FailoverId::new(begun["failover_id"].as_str().expect("an id"));
            let found = failovers.find(&id).await.expect("the failover");
            assert_eq!(found.options.by_grantee, by_grantee, "{act}");
            let now = world.dumont.now();
            failovers.close(&id, FailoverState::Cancelled, now, None).await.expect("closed");
        }
    }
    // And by a page.
    let session = world.session(&other.email).await;
    let form = world.post(&format!("/app/machines/{GPU}/drill")).header("cookie", &session);
    let sent = form.header("sec-fetch-site", "same-origin").form(&[("reason", "try")]).send().await;
    let sent = sent.expect("sent");
    let to = sent.headers().get("location").and_then(|to| to.to_str().ok()).expect("a failover");
    let id = FailoverId::new(to.rsplit('/').next().expect("an id"));
    assert!(failovers.find(&id).await.expect("the failover").options.by_grantee);
    world.end().await;
}

async fn the_market_is_not_asked_for_one_who_may_only_look(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    seed::machine(&world, &owner.id).await;
    let id = share(&world, &owner, &other, GrantLevel::Read).await;
    let estimate = async || {
        let path = format!("/app/machines/{GPU}/drill?estimate=1");
        let page = other.signs(world.get(&path)).header("accept-language", "en").send().await;
        page.expect("a page").text().await.expect("text")
    };
    let refusal = "Its owner lets you look at this machine, not act on it.";
    let told = estimate().await;
    assert!(told.contains(refusal), "{told}");
    world.dumont.store.grants().revoke(&owner.id, &id, world.dumont.now()).await.expect("ended");
    share(&world, &owner, &other, GrantLevel::Operate).await;
    let told = estimate().await;
    assert!(!told.contains(refusal) && told.contains("estimate-told"), "{told}");
    world.end().await;
}

async fn what_hosts_and_providers_said_is_their_owners(world: World) {
    let owner = Person::join(&world, "owner").await;
    let other = Person::join(&world, "other").await;
    let said = "connect to owners-project.example: refused for ana@owners.example";
    let tie = seed::association(&owner.id, &world);
    let (ties, now) = (world.dumont.store.associations(), world.dumont.now());
    ties.create(&tie).await.expect("a machine");
    let held = domain::frozen::Deletions {
        digest: "d1".repeat(32),
        files: 1,
        folders: 0,
        bytes: None,
        listed: Vec::new(),
    };
    let news = domain::notification::frozen(&tie, Some((1, 30)), now, true);
    ties.freeze(&tie.id, tie.epoch, "lost files", Some(&held), &news, now).await.expect("frozen");
    let decision = domain::frozen::Decision::Restore;
    let (id, epoch, digest) = (&tie.id, tie.epoch, held.digest.as_str());
    ties.decide_deletions(&owner.id, id, epoch, digest, decision).await.expect("decided");
    ties.deletions_restored(&owner.id, id, epoch, digest, Err(said)).await.expect("recorded");
    let mut seen = domain::verdict::Observations::default();
    seen.ssh.word = Some(said.into());
    seen.provider.error = Some(said.into());
    seen.standby.word = Some("ok".into());
    let failover = seed::failover(&world, &tie, "owners-failover-9");
    world.dumont.store.failovers().open(&failover).await.expect("opened");
    seed::step(&world, &failover, StepName::Detect, json!({ "evidence": seen })).await;
    share(&world, &owner, &other, GrantLevel::Operate).await;
    let paths = [
        format!("/app/machines/{GPU}"),
        format!("/app/failovers/{}", failover.id),
        format!("/api/v1/failover/readiness/{GPU}"),
        format!("/api/v1/standby/associations/{GPU}/deletions"),
    ];
    for path in &paths {
        let told = get(&world, &other, path).await.text().await.expect("text");
        assert!(!told.contains("owners-project"), "{path}: {told}");
    }
    for path in [&paths[1], &paths[3]] {
        let own = get(&world, &owner, path).await.text().await.expect("text");
        assert!(own.contains("owners-project"), "its owner is told: {path}: {own}");
    }
    world.end().await;
}

on_both!(
    a_refusal_is_told_to_nobody,
    who_begins_a_drill_or_a_move_is_kept_with_it,
    the_market_is_not_asked_for_one_who_may_only_look,
    what_hosts_and_providers_said_is_their_owners,
    a_reader_looks_at_what_was_granted_and_acts_on_nothing,
    an_operator_acts_on_what_was_granted_and_on_nothing_else,
    a_machine_that_was_not_granted_is_not_there,
    an_offer_tells_its_owner_nothing_of_the_name,
    what_can_not_be_given_is_refused,
    it_ends_when_it_is_taken_back_given_up_or_over,
    a_token_reaches_as_far_as_its_scope_and_the_grant,
    what_is_done_with_a_grant_is_in_the_logs_of_both,
    an_open_page_hears_of_shared_machines_until_that_ends,
    pages_show_what_is_shared_and_stop_at_once,
    what_is_its_owners_alone_is_not_shown_with_a_machine,
    to_buy_beyond_the_limits_is_its_owners_word_alone,
    refusals_over_and_over_fill_no_log_of_the_owner,
    a_request_that_drips_has_the_rights_of_its_end,
    sums_limits_and_providers_words_are_its_owners_alone,
    a_grant_ends_with_the_login_that_gave_it,
);
