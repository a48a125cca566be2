//! A sandbox of one's own for each test, and short words for calling it.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Once;
use std::time::{Duration, Instant};

use reqwest::Method;
use sandbox::fault::Fault;
use sandbox::vast::Vast;
use sandbox::world::{HostEvent, ProviderSays};
use sandbox::{Options, Running, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The longest that anything in these tests may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// A running sandbox and a client with its first account's key.
pub(crate) struct Bench {
    pub(crate) running: Running,
    pub(crate) key: String,
    pub(crate) folder: TempDir,
    http: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(set: impl FnOnce(&mut Options)) -> Self {
        static RING: Once = Once::new();
        RING.call_once(|| {
            rustls::crypto::ring::default_provider()
                .install_default()
                .expect("ring is the first provider");
        });
        let folder = TempDir::new().expect("a folder");
        let mut options = options(folder.path());
        set(&mut options);
        let running = Sandbox::start(options).await.expect("a sandbox");
        let key = running.credentials.vast_api_key.clone();
        Self { running, key, folder, http: reqwest::Client::new() }
    }

    /// Stops the sandbox and starts it again on the same data.
    pub(crate) async fn restart(self) -> Self {
        let Self { running, folder, http, .. } = self;
        running.stop().await;
        let running = Sandbox::start(options(folder.path())).await.expect("the sandbox again");
        let key = running.credentials.vast_api_key.clone();
        Self { running, key, folder, http }
    }

    /// Another account's key.
    pub(crate) fn another_key(&self) -> String {
        let url = self.running.url.clone();
        let accounts = self.running.world.accounts();
        accounts.create(None, 10_000_000, &url).expect("an account").1.vast_api_key
    }

    pub(crate) async fn call(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Reply, reqwest::Error> {
        let mut request = self.http.request(method, format!("{}{path}", self.running.url));
        if !key.is_empty() {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let reply = request.send().await?;
        let status = reply.status().as_u16();
        let content_type = reply
            .headers()
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
            .to_owned();
        let text = reply.text().await?;
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Reply { status, content_type, text, json })
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(&self.key, Method::GET, path, None).await.expect("an answer")
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.call(&self.key, Method::PUT, path, Some(body)).await.expect("an answer")
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(&self.key, Method::POST, path, Some(body)).await.expect("an answer")
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.call(&self.key, Method::DELETE, path, Some(json!({}))).await.expect("an answer")
    }

    /// The cheapest verified offer of one RTX 4090.
    pub(crate) async fn offer(&self) -> Value {
        let body = json!({"gpu_name": {"eq": "RTX 4090"}, "num_gpus": {"eq": "1"}, "verified": {"eq": true}, "order": [["dph_total", "asc"]]});
        let found = self.post("/api/v0/bundles/", body).await;
        found.json["offers"][0].clone()
    }

    /// Rents the cheapest offer with extra fields in the body.
    pub(crate) async fn create(&self, extra: Value) -> Reply {
        let offer = self.offer().await["id"].as_u64().expect("an offer");
        self.put(&format!("/api/v0/asks/{offer}/"), body(extra)).await
    }

    /// Rents, expecting success, and gives the new instance's id.
    pub(crate) async fn rent(&self, extra: Value) -> u64 {
        let reply = self.create(extra).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json["new_contract"].as_u64().expect("a contract")
    }

    /// Rents and waits until it runs.
    pub(crate) async fn rent_running(&self, extra: Value) -> u64 {
        let id = self.rent(extra).await;
        self.until(id, "running", |row| {
            row["actual_status"] == "running" && !row["ports"].is_null()
        })
        .await;
        id
    }

    pub(crate) async fn row(&self, id: u64) -> Value {
        self.get(&format!("/api/v0/instances/{id}/?owner=me")).await.json["instances"].clone()
    }

    /// The ids in the list.
    pub(crate) async fn list(&self) -> Vec<u64> {
        let page = self.get("/api/v1/instances/").await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.json["instances"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| row["id"].as_u64().expect("an id"))
            .collect()
    }

    /// Reads an instance until it is as wanted.
    pub(crate) async fn until(
        &self,
        id: u64,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let start = Instant::now();
        loop {
            let row = self.row(id).await;
            if wanted(&row) {
                return row;
            }
            assert!(
                start.elapsed() < DEADLINE,
                "{id} is not {what}: {} {}",
                words(&row),
                row["status_msg"]
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Arms a fault as the admin API does.
    pub(crate) async fn arm(
        &self,
        name: Fault,
        target: Option<u64>,
        params: Value,
        count: Option<u32>,
    ) {
        let world = &self.running.world;
        let armed = world.faults().arm(
            name,
            target.map(|id| id.to_string()),
            params,
            count,
            world.now_ms(),
        );
        Vast::on_fault(world, &armed).await;
    }

    /// Kills an instance's host as the admin API does.
    pub(crate) async fn kill(&self, id: u64, says: ProviderSays) {
        let world = &self.running.world;
        world.hosts().kill(&format!("vast-{id}")).await.expect("killed");
        Vast::on_host(world, &id.to_string(), HostEvent::Killed(says)).await;
    }

    /// Heals an instance's host as the admin API does.
    pub(crate) async fn heal(&self, id: u64) {
        let world = &self.running.world;
        world.hosts().boot(&format!("vast-{id}")).await.expect("booted");
        Vast::on_host(world, &id.to_string(), HostEvent::Healed).await;
    }

    /// The ledger's rate for an instance, micro-dollars per hour; none when
    /// its bill is closed.
    pub(crate) fn rate(&self, id: u64) -> Option<i64> {
        let rows = self.running.world.ledger().rows();
        rows.iter()
            .find(|row| row.external_id == id.to_string() && row.live())
            .map(sandbox::ledger::Row::rate_micro)
    }

    /// A fresh key pair; gives the private file and the public line.
    pub(crate) fn ssh_key(&self, name: &str) -> (PathBuf, String) {
        let file = self.folder.path().join(name);
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&file)
            .status()
            .expect("ssh-keygen");
        assert!(made.success());
        let line = std::fs::read_to_string(file.with_extension("pub")).expect("the public key");
        (file, line.trim().to_owned())
    }
}

/// Logs in to a row's `ports["22/tcp"]` and runs a command.
pub(crate) async fn ssh(row: &Value, key: &Path, command: &str) -> Output {
    let port = row["ports"]["22/tcp"][0]["HostPort"].as_str().expect("a port in text");
    let address = row["public_ipaddr"].as_str().expect("an address");
    tokio::process::Command::new("ssh")
        .args([
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "LogLevel=ERROR",
        ])
        .args([
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=5",
            "-p",
            port,
            "-i",
        ])
        .arg(key)
        .arg(format!("root@{address}"))
        .arg(command)
        .kill_on_drop(true)
        .output()
        .await
        .expect("ssh runs")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The body of a create, with extra fields.
pub(crate) fn body(extra: Value) -> Value {
    let mut body = json!({"client_id": "me", "image": "ubuntu:22.04", "disk": 20.0, "runtype": "ssh_direc ssh_proxy"});
    if let (Some(fields), Some(extra)) = (body.as_object_mut(), extra.as_object()) {
        fields.extend(extra.clone());
    }
    body
}

/// The four words of a row, in the order of the wire notes.
pub(crate) fn words(row: &Value) -> String {
    ["actual_status", "intended_status", "cur_state", "next_state"]
        .map(|name| row[name].as_str().unwrap_or("null").to_owned())
        .join(" ")
}

fn options(folder: &Path) -> Options {
    let mut options = Options::in_dir(folder.join("data"));
    options.host_program = Some(PathBuf::from(env!("CARGO_BIN_EXE_dumont-sandbox")));
    options
}
