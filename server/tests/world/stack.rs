//! A sandbox, a server and one account, driven in plain words.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::port::free_port;
use crate::process::{Process, agent_program, sandbox_program};

/// For things that must happen; long, because the machine may be busy.
pub const DEADLINE: Duration = Duration::from_secs(120);

pub struct Stack {
    pub dir: tempfile::TempDir,
    sandbox: Process,
    server: Option<Process>,
    pub sandbox_url: String,
    pub url: String,
    listen: String,
    admin: String,
    pub token: String,
    database: String,
    descriptors: Option<(u32, u32)>,
    follow_by: String,
    http: reqwest::Client,
}

/// How a stack is made.
pub struct Plan {
    pub profile: &'static str,
    pub scale: &'static str,
    pub database: Option<String>,
    /// How many files and connections the server begins with and how many it may have open, where that
    /// is not the system's.
    pub descriptors: Option<(u32, u32)>,
    /// By which means standbys follow.
    pub follow_by: String,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            profile: "instant",
            scale: "1",
            database: None,
            descriptors: None,
            follow_by: follow_by(),
        }
    }
}

impl Plan {
    /// With standbys that follow by this.
    pub fn by(means: &str) -> Self {
        Self { follow_by: means.into(), ..Self::default() }
    }
}

/// By which means standbys follow where a test does not say: all of them can be run over either.
pub fn follow_by() -> String {
    std::env::var("DUMONT_TEST_FOLLOW_BY").unwrap_or_else(|_| "rsync".into())
}

impl Stack {
    pub async fn start() -> Self {
        Self::with(Plan::default()).await
    }

    pub async fn with(plan: Plan) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let sandbox_listen = free_address();
        let sandbox =
            Process::start(&sandbox_program(), &dir.path().join("sandbox.log"), |command| {
                command.args([
                    "--listen",
                    &sandbox_listen,
                    "--profile",
                    plan.profile,
                    "--scale",
                    plan.scale,
                ]);
                command.arg("--data").arg(dir.path().join("sandbox"));
            });
        let sandbox_url = format!("http://{sandbox_listen}");
        let database = plan
            .database
            .unwrap_or_else(|| format!("sqlite://{}", dir.path().join("dumont.db").display()));
        let listen = free_address();
        let mut stack = Self {
            url: format!("http://{listen}"),
            dir,
            sandbox,
            server: None,
            sandbox_url,
            listen,
            admin: free_address(),
            token: String::new(),
            database,
            descriptors: plan.descriptors,
            follow_by: plan.follow_by,
            http: reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap(),
        };
        let state = format!("{}/_sandbox/state", stack.sandbox_url);
        stack
            .eventually("the sandbox to answer", async |stack| {
                stack.http.get(&state).send().await.ok()
            })
            .await;
        stack.account();
        stack.start_server().await;
        stack
            .post(
                "/standby/configure",
                // Impatient, so that tests end soon: see `silence` for what is usual.
                json!({
                    "enabled": true, "sync_interval": 2, "gcp_spot": true,
                    "silence_seconds": 5, "keep_lost_minutes": 0,
                }),
            )
            .await;
        stack
    }

    /// The first account, its credentials and a token, through the command line.
    fn account(&mut self) {
        let path = self.dir.path().join("sandbox/credentials.json");
        let secrets: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let vast = self.dir.path().join("vast.key");
        let gcp = self.dir.path().join("gcp.json");
        std::fs::write(&vast, secrets["vast_api_key"].as_str().unwrap()).unwrap();
        std::fs::write(&gcp, secrets["gcp_service_account"].to_string()).unwrap();
        let mail = "first@example.org";
        self.run_with_input(
            &["user", "create", "--email", mail, "--username", "first", "--password-stdin"],
            "correct horse battery",
        );
        let files = [vast.to_str().unwrap(), gcp.to_str().unwrap()];
        self.run_with_input(
            &[
                "credentials",
                "set",
                "--email",
                mail,
                "--vast-key-file",
                files[0],
                "--gcp-file",
                files[1],
            ],
            "",
        );
        self.token = self
            .run_with_input(
                &["token", "create", "--email", mail, "--name", "test", "--scope", "admin"],
                "",
            )
            .trim()
            .to_owned();
    }

    /// Runs the command line and gives what it printed.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> String {
        use std::io::Write as _;
        let mut command = Command::new(env!("CARGO_BIN_EXE_dumont"));
        self.arrange(&mut command);
        let mut child = command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "dumont {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn arrange(&self, command: &mut Command) {
        command
            .current_dir(self.dir.path())
            .env("DUMONT_DATABASE_URL", &self.database)
            .env("DUMONT_MASTER_KEY_FILE", self.dir.path().join("master.key"))
            .env("DUMONT_LISTEN", &self.listen)
            .env("DUMONT_ADMIN_LISTEN", &self.admin)
            .env("DUMONT_VAST_URL", &self.sandbox_url)
            .env("DUMONT_GCP_ENDPOINT", &self.sandbox_url)
            .env("DUMONT_STANDBY_SSH_PORT", "2222")
            .env("DUMONT_VAST_LIMITS", "false")
            .env("DUMONT_FOLLOW_BY", &self.follow_by)
            .env("DUMONT_AGENT_PROGRAM", agent_program())
            .env("RUST_LOG", "info,engine=debug");
    }

    pub async fn start_server(&mut self) {
        let log = self.dir.path().join("server.log");
        let dumont = Path::new(env!("CARGO_BIN_EXE_dumont"));
        let server = match self.descriptors {
            // Becomes the server, so that its process is the server's.
            Some((soft, hard)) => Process::start(Path::new("prlimit"), &log, |command| {
                self.arrange(command);
                command.arg(format!("--nofile={soft}:{hard}")).arg(dumont).arg("serve");
            }),
            None => Process::start(dumont, &log, |command| {
                self.arrange(command);
                command.arg("serve");
            }),
        };
        self.server = Some(server);
        let ready = format!("{}/readyz", self.url);
        self.eventually("the server to be ready", async |stack| {
            stack.http.get(&ready).send().await.ok().filter(|answer| answer.status().is_success())
        })
        .await;
    }

    /// A second server on the same database, and its address.
    pub async fn start_beside(&self) -> (Process, String) {
        let listen = free_address();
        let log = self.dir.path().join("beside.log");
        let server = Process::start(Path::new(env!("CARGO_BIN_EXE_dumont")), &log, |command| {
            self.arrange(command);
            command.env("DUMONT_LISTEN", &listen).env_remove("DUMONT_ADMIN_LISTEN").arg("serve");
        });
        let url = format!("http://{listen}");
        let ready = format!("{url}/readyz");
        self.eventually("the second server to be ready", async |stack| {
            stack.http.get(&ready).send().await.ok().filter(|answer| answer.status().is_success())
        })
        .await;
        (server, url)
    }

    pub fn kill9_server(&mut self) {
        self.server.take().unwrap().kill9();
    }

    pub fn signal_server(&self, signal: Signal) {
        self.server.as_ref().unwrap().signal(signal);
    }

    /// How many files and connections the system lets the server have open.
    pub fn descriptors_of_server(&self) -> u32 {
        let id = self.server.as_ref().unwrap().id();
        let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    pub fn database_file(&self) -> PathBuf {
        self.dir.path().join("dumont.db")
    }

    /// Waits until something is so; the test fails by name when it never is.
    pub async fn eventually<T>(&self, what: &str, look: impl AsyncFn(&Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look(self).await {
                return found;
            }
            assert!(
                begun.elapsed() < DEADLINE,
                "waited in vain for {what}\n{}",
                self.server_tail()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn server_tail(&self) -> String {
        self.server.as_ref().map(Process::tail).unwrap_or_default() + &self.sandbox.tail()
    }

    // ---- the product's API ----

    pub async fn get(&self, path: &str) -> Value {
        self.try_get(path).await.unwrap_or_else(|| panic!("GET {path} failed"))
    }

    /// What monitoring is told.
    pub async fn metrics(&self) -> String {
        let answer = self.http.get(format!("http://{}/metrics", self.admin)).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.text().await.unwrap()
    }

    /// A page, as whoever has the token is shown it.
    pub async fn page(&self, path: &str) -> String {
        let asked = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let answer = asked.header("accept-language", "en").send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.text().await.unwrap()
    }

    pub async fn try_get(&self, path: &str) -> Option<Value> {
        let answer = self
            .http
            .get(format!("{}/api/v1{path}", self.url))
            .bearer_auth(&self.token)
            .send()
            .await
            .ok()?;
        if !answer.status().is_success() {
            return None;
        }
        answer.json().await.ok()
    }

    pub async fn call(&self, method: reqwest::Method, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/api/v1{path}", self.url);
        let answer = self
            .http
            .request(method, url)
            .bearer_auth(&self.token)
            .json(&body)
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(reqwest::Method::POST, path, body).await;
        assert!((200..300).contains(&status), "POST {path}: {status} {answer}");
        answer
    }

    // ---- the sandbox ----

    pub async fn sandbox(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let url = format!("{}/_sandbox{path}", self.sandbox_url);
        let answer = self.http.request(method.clone(), url).json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub async fn fault(&self, body: Value) {
        self.sandbox(reqwest::Method::POST, "/faults", body).await;
    }

    pub async fn clear_faults(&self) {
        self.sandbox(reqwest::Method::DELETE, "/faults", Value::Null).await;
    }

    pub async fn pull_plug(&self, gpu: i64) {
        self.sandbox(reqwest::Method::POST, &format!("/hosts/{gpu}/kill"), json!({})).await;
    }

    /// What bills now: provider and id.
    pub async fn billing(&self) -> Vec<(String, String)> {
        let ledger = self.sandbox(reqwest::Method::GET, "/ledger", Value::Null).await;
        let rows = ledger["rows"].as_array().unwrap();
        rows.iter()
            .filter(|row| row["live"] == true)
            .map(|row| (text(&row["provider"]), text(&row["external_id"])))
            .collect()
    }

    pub async fn billing_gpus(&self) -> Vec<i64> {
        let live = self.billing().await;
        let mut gpus: Vec<i64> = live
            .iter()
            .filter(|(provider, _)| provider == "vast.ai")
            .map(|(_, id)| id.parse().unwrap())
            .collect();
        gpus.sort_unstable();
        gpus
    }

    /// How many GPUs were ever rented.
    pub async fn rented_gpus(&self) -> usize {
        let ledger = self.sandbox(reqwest::Method::GET, "/ledger", Value::Null).await;
        ledger["rows"].as_array().unwrap().iter().filter(|row| row["provider"] == "vast.ai").count()
    }

    // ---- machines ----

    /// Rents the cheapest fitting offer, with a job that keeps writing, protected by auto-standby.
    pub async fn rent(&self) -> i64 {
        self.rent_with(JOB, json!({ "on_gpu": JOB, "on_standby": null, "before_switch": null }))
            .await
    }

    /// The same with commands of its own.
    pub async fn rent_with(&self, onstart: &str, hooks: Value) -> i64 {
        let offers = self.get("/instances/offers?num_gpus=1&limit=64").await;
        for offer in offers["offers"].as_array().unwrap() {
            let body = json!({
                "offer_id": offer["id"], "image": "nvidia/cuda:12.4.1-runtime-ubuntu22.04", "disk_size": 20, "label": "job",
                "onstart": onstart, "hooks": hooks,
            });
            let (status, answer) = self.call(reqwest::Method::POST, "/instances", body).await;
            if status == 201 {
                return answer["id"].as_i64().unwrap();
            }
            assert!(status == 409 || status == 422, "rent: {status} {answer}");
        }
        panic!("no offer could be rented");
    }

    /// A machine rented outside Dumont, for a bid, then protected by hand.
    pub async fn protected_bid(&self) -> i64 {
        let key = std::fs::read_to_string(self.dir.path().join("vast.key")).unwrap();
        let vast = |method, path: &str| {
            self.http.request(method, format!("{}{path}", self.sandbox_url)).bearer_auth(&key)
        };
        let query = json!({ "type": "bid", "rentable": { "eq": true }, "num_gpus": { "eq": "1" }, "order": [["dph_total", "asc"]] });
        let offers: Value = vast(reqwest::Method::POST, "/api/v0/bundles/")
            .json(&query)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let offer = &offers["offers"][0];
        let body = json!({
            "client_id": "me", "image": "nvidia/cuda:12.4.1-runtime-ubuntu22.04", "disk": 20.0, "runtype": "ssh_direc ssh_proxy",
            "price": offer["min_bid"].as_f64().unwrap() * 1.2, "onstart": JOB,
        });
        let path = format!("/api/v0/asks/{}/", offer["id"]);
        let made: Value = vast(reqwest::Method::PUT, &path)
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let gpu = made["new_contract"].as_i64().unwrap_or_else(|| panic!("{made}"));
        self.eventually("Dumont to see the machine", async |stack| {
            stack
                .try_get(&format!("/instances/{gpu}"))
                .await
                .filter(|one| one["status"] == "running")
        })
        .await;
        // Auto-standby may have been quicker.
        let (status, answer) =
            self.call(reqwest::Method::POST, &format!("/standby/provision/{gpu}"), json!({})).await;
        assert!(status == 202 || status == 409, "provision: {status} {answer}");
        self.until_following(gpu).await;
        gpu
    }

    /// A machine that its standby follows, with some of the job's files on it.
    pub async fn protected(&self) -> i64 {
        let gpu = self.rent().await;
        self.until_following(gpu).await;
        gpu
    }

    pub async fn until_following(&self, gpu: i64) -> Value {
        self.eventually(&format!("{gpu} to be followed"), async |stack| {
            let one = stack.try_get(&format!("/standby/associations/{gpu}")).await?;
            let followed = one["state"] == "following"
                && one["sync_count"].as_i64() >= Some(2)
                && one["files"].as_i64() > Some(3);
            if followed {
                assert_eq!(one["follows_by"], stack.follow_by.as_str(), "{one:#}");
            }
            followed.then_some(one)
        })
        .await
    }

    pub async fn failovers_of(&self, gpu: i64) -> Vec<Value> {
        let report = self.get("/standby/failover/report?days=1&kind=real").await;
        report["history"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["gpu_instance_id"] == gpu)
            .cloned()
            .collect()
    }

    /// The failover of a machine, once there is one.
    pub async fn failover_of(&self, gpu: i64) -> String {
        self.eventually(&format!("a failover of {gpu}"), async |stack| {
            let active = stack.try_get("/standby/failover/active").await?;
            let active = active["failovers"].as_array()?.clone();
            let mine =
                active.iter().find(|one| one["gpu_instance_id"] == gpu && one["kind"] == "real");
            if let Some(one) = mine {
                return one["failover_id"].as_str().map(str::to_owned);
            }
            stack
                .failovers_of(gpu)
                .await
                .first()
                .and_then(|one| one["failover_id"].as_str().map(str::to_owned))
        })
        .await
    }

    pub async fn status(&self, failover: &str) -> Value {
        self.get(&format!("/standby/failover/status/{failover}")).await
    }

    /// A failover's status once it is over.
    pub async fn ended(&self, failover: &str) -> Value {
        self.eventually(&format!("the end of failover {failover}"), async |stack| {
            let status = stack.try_get(&format!("/standby/failover/status/{failover}")).await?;
            (!status["completed_at"].is_null()).then_some(status)
        })
        .await
    }

    /// Waits until nothing but these GPUs bills at Vast.
    pub async fn only_bills(&self, mut gpus: Vec<i64>) {
        gpus.sort_unstable();
        self.eventually(&format!("only {gpus:?} to bill"), async |stack| {
            (stack.billing_gpus().await == gpus).then_some(())
        })
        .await;
    }

    /// The files of the only standby's host, seen from outside.
    pub fn standby_root(&self) -> PathBuf {
        self.host_workspace("vm-").parent().unwrap().to_owned()
    }

    /// Runs a command on a GPU with the host's files beside it: what a user would see over SSH.
    pub fn host_workspace(&self, host: &str) -> PathBuf {
        let folder = self.host_folder(host);
        let plain = folder.join("workspace");
        if plain.exists() { plain } else { folder.join("root/workspace") }
    }

    /// Where the sandbox keeps a host.
    pub fn host_folder(&self, host: &str) -> PathBuf {
        let hosts = self.dir.path().join("sandbox/hosts");
        let found =
            std::fs::read_dir(&hosts).unwrap().filter_map(Result::ok).map(|entry| entry.path());
        let mut named: Vec<PathBuf> = found
            .filter(|path| {
                path.file_name().is_some_and(|name| name.to_string_lossy().contains(host))
            })
            .collect();
        let folder = named.pop();
        assert!(named.is_empty(), "several hosts of {host}: {folder:?} and {named:?}");
        folder.unwrap_or_else(|| panic!("no folder of host {host} in {}", hosts.display()))
    }
}

/// A job in the style of a training run: small files often, one growing log. One at a time.
pub const JOB: &str = r#"
mkdir -p /workspace/ckpt
cat > /workspace/job.sh <<'JOB'
n=$(cat /workspace/step 2>/dev/null || echo 0)
while :; do
  n=$((n + 1))
  echo "step $n" >> /workspace/train.log
  head -c 2000 /dev/urandom > "/workspace/ckpt/$((n % 50)).part" && mv "/workspace/ckpt/$((n % 50)).part" "/workspace/ckpt/$((n % 50)).bin"
  echo $n > /workspace/step.part && mv /workspace/step.part /workspace/step
  sleep 0.2
done
JOB
pgrep -f '^bash /workspace/job.sh$' >/dev/null || setsid bash /workspace/job.sh </dev/null >/dev/null 2>&1 &
"#;

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// An address that nobody listens at.
fn free_address() -> String {
    format!("127.0.0.1:{}", free_port())
}
