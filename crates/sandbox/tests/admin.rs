//! The admin API, the console and restarts, with an instance rented as any
//! customer of Vast.ai would.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod rig;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use rig::{Rig, eventually, rig};
use sandbox::host::Endpoint;
use sandbox::{Options, Running, Sandbox};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

/// A browser and API client of one sandbox.
struct Client {
    url: String,
    key: String,
    http: reqwest::Client,
}

impl Client {
    fn new(url: &str, key: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { url: url.to_owned(), key: key.to_owned(), http }
    }

    fn of(running: &Running) -> Self {
        Self::new(&running.url, &running.credentials.vast_api_key)
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.bearer_auth(&self.key).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
    }

    async fn good(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.send(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    async fn get(&self, path: &str) -> Value {
        self.good("GET", path, Value::Null).await
    }

    async fn page(&self) -> String {
        self.http.get(&self.url).send().await.unwrap().text().await.unwrap()
    }

    /// Rents a GPU that the rig's key may log in to, and waits until it is up.
    async fn rent(&self, rig: &Rig, label: &str) -> String {
        self.good("POST", "/api/v0/ssh/", json!({"ssh_key": rig.key_line.trim()})).await;
        let found = self
            .good("POST", "/api/v0/bundles/", json!({"rentable": {"eq": true}, "limit": 1}))
            .await;
        let offer = found["offers"][0]["id"].as_u64().unwrap();
        let body = json!({"image": "ubuntu:22.04", "disk": 20, "label": label, "runtype": "ssh_direc ssh_proxy"});
        let made = self.good("PUT", &format!("/api/v0/asks/{offer}/"), body).await;
        let id = made["new_contract"].to_string();
        self.until(&id, "process", "up").await;
        id
    }

    async fn host(&self, id: &str) -> Value {
        let state = self.get("/_sandbox/state").await;
        state["hosts"]
            .as_array()
            .unwrap()
            .iter()
            .find(|host| host["id"] == id)
            .cloned()
            .unwrap_or_default()
    }

    async fn until(&self, id: &str, field: &str, value: &str) {
        eventually(&format!("{id}: {field} is {value}"), async || {
            let host = self.host(id).await;
            host[field] == value || host["status"][field] == value
        })
        .await;
    }

    async fn endpoint(&self, id: &str) -> Endpoint {
        serde_json::from_value(self.host(id).await["endpoint"].clone()).unwrap()
    }
}

async fn start(data: &Path) -> Running {
    let mut options = Options::in_dir(data);
    options.host_program = Some(env!("CARGO_BIN_EXE_dumont-sandbox").into());
    Sandbox::start(options).await.unwrap()
}

#[tokio::test]
async fn accounts_have_secrets_and_credit() {
    let data = tempfile::tempdir().unwrap();
    let running = start(data.path()).await;
    let client = Client::of(&running);
    let file = data.path().join("credentials.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let secrets: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let service = &secrets["gcp_service_account"];
    assert_eq!(service["token_uri"], format!("{}/token", running.url));
    assert!(service["private_key"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));

    let other = client
        .good("POST", "/_sandbox/accounts", json!({"email": "b@example.test", "credit": 5}))
        .await;
    assert_ne!(other["vast_api_key"], secrets["vast_api_key"]);
    let second = Client::new(&running.url, other["vast_api_key"].as_str().unwrap());
    assert_eq!(second.get("/api/v0/users/current/").await["credit"], 5.0);
    let id = other["account_id"].as_u64().unwrap();
    let changed =
        client.good("PATCH", &format!("/_sandbox/accounts/{id}"), json!({"credit": 0.25})).await;
    assert_eq!(changed["credit_usd"], 0.25);
    assert_eq!(second.get("/api/v0/users/current/").await["credit"], 0.25);
    let unknown = client.send("PATCH", "/_sandbox/accounts/1", json!({"credit": 1})).await;
    assert_eq!(unknown.0, 404);
    assert_eq!(client.send("PATCH", &format!("/_sandbox/accounts/{id}"), json!({})).await.0, 422);
    let state = client.get("/_sandbox/state").await.to_string();
    let key = secrets["vast_api_key"].as_str().unwrap();
    assert!(!state.contains(key) && !client.page().await.contains(key), "a secret is shown");
    running.stop().await;
}

#[tokio::test]
async fn a_plug_is_pulled_and_put_back() {
    let (rig, data) = (rig(), tempfile::tempdir().unwrap());
    let running = start(data.path()).await;
    let client = Client::of(&running);
    let id = client.rent(&rig, "mine").await;
    let at = client.endpoint(&id).await;
    rig.run(at, "echo kept > /workspace/file").await;

    let act = async |action: &str, body: Value| {
        client.send("POST", &format!("/_sandbox/hosts/{id}/{action}"), body).await
    };
    let (status, answer) = act("kill", json!({})).await;
    assert_eq!((status, &answer["host"]["process"]), (200, &json!("dead")));
    assert_eq!(answer["host"]["usage"]["processes"], 0);
    assert_eq!(answer["host"]["status"]["actual_status"], "running", "Vast.ai has not noticed yet");
    assert_eq!(act("freeze", json!({})).await.0, 409);
    client.until(&id, "actual_status", "offline").await;
    assert_eq!(act("heal", json!({})).await.0, 200);
    client.until(&id, "actual_status", "running").await;
    assert_eq!(rig.run(client.endpoint(&id).await, "cat /workspace/file").await, "kept\n");

    assert_eq!(act("freeze", json!({})).await.1["host"]["process"], "frozen");
    assert_eq!(act("thaw", json!({})).await.1["host"]["process"], "up");
    assert_eq!(act("cut", json!({})).await.1["host"]["process"], "cut");
    assert_eq!(act("heal", json!({})).await.1["host"]["process"], "up");
    assert_eq!(act("explode", json!({})).await.0, 404);
    assert_eq!(act("kill", json!({"provider_says": "goodbye"})).await.0, 422);
    assert_eq!(client.send("POST", "/_sandbox/hosts/999/kill", json!({})).await.0, 404);
    running.stop().await;
}

#[tokio::test]
async fn faults_are_listed_armed_carried_out_and_cleared() {
    let (rig, data) = (rig(), tempfile::tempdir().unwrap());
    let running = start(data.path()).await;
    let client = Client::of(&running);
    let listed = client.get("/_sandbox/faults").await;
    let names: Vec<&str> = listed["catalogue"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["name"].as_str().unwrap())
        .collect();
    for name in [
        "host_dies",
        "outbid",
        "create_500_but_created",
        "list_empty_200",
        "zone_exhausted",
        "latency_ms",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    let arm = async |body: Value| client.send("POST", "/_sandbox/faults", body).await;
    assert_eq!(arm(json!({"name": "nonsense"})).await.0, 422);
    assert_eq!(arm(json!({"name": "host_dies"})).await.0, 422, "it needs a target");
    assert_eq!(arm(json!({"name": "host_dies", "target": "999"})).await.0, 404);
    assert_eq!(arm(json!({"name": "outbid", "count": 0})).await.0, 422);
    assert_eq!(arm(json!({"name": "outbid", "params": 3})).await.0, 422);

    let id = client.rent(&rig, "mine").await;
    let number: u64 = id.parse().unwrap();
    let cut = json!({"name": "network_cut", "target": number, "params": {"seconds": 0.5}});
    assert_eq!(arm(cut).await.0, 201);
    client.until(&id, "process", "cut").await;
    client.until(&id, "process", "up").await;
    let later = json!({"name": "host_frozen", "target": id, "params": {"after_s": 3600}});
    assert_eq!(arm(later).await.0, 201);
    assert_eq!(arm(json!({"name": "vast_api_down", "count": 1})).await.0, 201);
    assert_eq!(client.get("/_sandbox/faults").await["armed"].as_array().unwrap().len(), 2);
    assert_eq!(client.send("GET", "/api/v0/users/current/", Value::Null).await.0, 503);
    assert_eq!(client.send("GET", "/api/v0/users/current/", Value::Null).await.0, 200);
    assert_eq!(
        client.good("DELETE", "/_sandbox/faults/host_frozen", Value::Null).await["cleared"],
        1
    );
    assert_eq!(client.send("DELETE", "/_sandbox/faults/nonsense", Value::Null).await.0, 422);
    assert_eq!(arm(json!({"name": "host_dies", "target": id})).await.0, 201);
    client.until(&id, "process", "dead").await;
    running.stop().await;
}

#[tokio::test]
async fn the_console_shows_what_is_there_and_its_buttons_work() {
    let (rig, data) = (rig(), tempfile::tempdir().unwrap());
    let running = start(data.path()).await;
    let client = Client::of(&running);
    assert!(client.page().await.contains("Nothing is rented yet"));
    let id = client.rent(&rig, "<script>alert(1)</script>").await;
    let page = client.page().await;
    assert!(page.contains("1 host is up") && page.contains("&lt;script&gt;alert(1)"));
    assert!(!page.contains("<script>alert"));

    let press = async |path: &str, form: &[(&str, &str)], origin: Option<&str>| {
        let request = client.http.post(format!("{}{path}", running.url)).form(form);
        let request = match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        (answer.status().as_u16(), to.unwrap_or_default())
    };
    let kill = format!("/console/hosts/{id}/kill");
    assert_eq!(press(&kill, &[], Some("http://evil.example")).await.0, 403);
    assert_eq!(client.host(&id).await["process"], "up");
    assert_eq!(press(&kill, &[], Some(&running.url)).await, (303, "/".to_owned()));
    assert!(client.page().await.contains("✕ dead"));
    let (status, to) = press(&kill.replace("kill", "freeze"), &[], None).await;
    assert!(status == 303 && to.starts_with("/?error=host%20"), "{status} {to}");
    assert!(
        client
            .http
            .get(format!("{}{to}", running.url))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .contains("Not done.")
    );

    let form =
        [("name", "no_credit"), ("target", ""), ("count", "2"), ("seconds", "60"), ("params", "")];
    assert_eq!(press("/console/faults", &form, None).await.0, 303);
    let armed = client.get("/_sandbox/faults").await["armed"][0].clone();
    assert_eq!((&armed["name"], &armed["count"]), (&json!("no_credit"), &json!(2)));
    let number = armed["id"].to_string();
    assert_eq!(press("/console/faults/clear", &[("id", &number)], None).await.0, 303);
    assert!(client.page().await.contains("No fault is armed"));
    running.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_hosts_keys_and_bills_but_not_the_time_between() {
    let (rig, data) = (rig(), tempfile::tempdir().unwrap());
    let running = start(data.path()).await;
    let key = running.credentials.vast_api_key.clone();
    let client = Client::of(&running);
    let id = client.rent(&rig, "mine").await;
    let at = client.endpoint(&id).await;
    rig.run(at, "echo kept > /workspace/file").await;
    client
        .good("POST", "/_sandbox/faults", json!({"name": "price_jump", "params": {"factor": 2}}))
        .await;
    running.stop().await;
    let refused = tokio::net::TcpStream::connect((at.addr, at.port)).await;
    assert!(refused.is_err(), "the host outlived the sandbox");

    let running = start(data.path()).await;
    assert_eq!(running.credentials.vast_api_key, key);
    let client = Client::of(&running);
    client.until(&id, "process", "up").await;
    assert_eq!(rig.run(client.endpoint(&id).await, "cat /workspace/file").await, "kept\n");
    assert_eq!(client.get("/_sandbox/faults").await["armed"][0]["name"], "price_jump");
    let ledger = client.get("/_sandbox/ledger").await;
    let row = &ledger["rows"][0];
    assert_eq!((&row["external_id"], &row["live"]), (&json!(id), &json!(true)));
    let segments = row["segments"].as_array().unwrap();
    let (last, earlier) = segments.split_last().unwrap();
    assert!(
        last["to_ms"].is_null() && earlier.iter().all(|segment| segment["to_ms"].is_number()),
        "{row}"
    );
    assert_eq!(ledger["live"], json!([id]));
    running.stop().await;
}

#[tokio::test]
async fn a_killed_sandbox_takes_its_hosts_along_and_finds_them_again() {
    let (rig, data) = (rig(), tempfile::tempdir().unwrap());
    let begin = async || {
        let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_dumont-sandbox"))
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line =
            tokio::time::timeout(rig::DEADLINE, lines.next_line()).await.unwrap().unwrap().unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let file = std::fs::read(ready["credentials"].as_str().unwrap()).unwrap();
        let secrets: Value = serde_json::from_slice(&file).unwrap();
        (
            child,
            Client::new(ready["url"].as_str().unwrap(), secrets["vast_api_key"].as_str().unwrap()),
        )
    };
    let (mut child, client) = begin().await;
    let id = client.rent(&rig, "mine").await;
    let at = client.endpoint(&id).await;
    let mark = format!("dumont-orphan-{}", std::process::id());
    rig.run(at, &format!("echo kept > /workspace/file; nohup bash -c 'exec -a {mark} sleep 600' >/dev/null 2>&1 &")).await;
    let runs = async || {
        let mut look = tokio::process::Command::new("pgrep");
        rig::output(look.args(["-f", &mark])).await.status.success()
    };
    eventually("the job runs", async || runs().await).await;
    let saved = data.path().join("state.json");
    eventually("the state is saved", async || {
        std::fs::read_to_string(&saved)
            .is_ok_and(|text| text.contains(&id) && text.contains("\"up\""))
    })
    .await;
    child.kill().await.unwrap();
    eventually("every process of the host is gone", async || !runs().await).await;

    let (mut child, client) = begin().await;
    client.until(&id, "process", "up").await;
    assert_eq!(rig.run(client.endpoint(&id).await, "cat /workspace/file").await, "kept\n");
    let pid = nix::unistd::Pid::from_raw(child.id().unwrap().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let status = tokio::time::timeout(rig::DEADLINE, child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
}
