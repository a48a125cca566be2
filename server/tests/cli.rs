//! The real program's command line, against a sandbox and a database file.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use domain::time::Clock as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox::{Options, Running, Sandbox};
use serde_json::json;
use server::clock::SystemClock;
use tempfile::TempDir;

use crate::port::free_port;
use crate::totp::{App, STEP_MS};

#[path = "support/port.rs"]
mod port;
#[path = "support/totp.rs"]
mod totp;

const DEADLINE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "a long enough password";

struct World {
    folder: TempDir,
    sandbox: Running,
    vast: PathBuf,
    gcp: PathBuf,
}

impl World {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let mut options = Options::in_dir(folder.path().join("sandbox"));
        // Nothing is rented here, so that no host ever runs.
        options.host_program = std::env::current_exe().ok();
        let sandbox = Sandbox::start(options).await.expect("a sandbox");
        let (vast, gcp) = (folder.path().join("vast.key"), folder.path().join("gcp.json"));
        std::fs::write(&vast, format!("{}\n", sandbox.credentials.vast_api_key)).expect("written");
        std::fs::write(&gcp, sandbox.credentials.gcp_service_account.to_string()).expect("written");
        Self { folder, sandbox, vast, gcp }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dumont"));
        for name in
            ["VAST_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS", "DUMONT_MASTER_KEY", "RUST_LOG"]
        {
            command.env_remove(name);
        }
        command
            .args(args)
            .env("DUMONT_DATA_DIR", self.folder.path().join("data"))
            .env(
                "DUMONT_DATABASE_URL",
                format!("sqlite://{}", self.folder.path().join("data/dumont.db").display()),
            )
            .env("DUMONT_MASTER_KEY_FILE", self.folder.path().join("data/master.key"))
            .env("DUMONT_VAST_URL", &self.sandbox.url)
            .env("DUMONT_GCP_ENDPOINT", &self.sandbox.url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    async fn run(&self, args: &[&str], input: &str) -> Output {
        let mut child = self.command(args).spawn().expect("starts");
        // A program that reads nothing may be gone already.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        tokio::task::spawn_blocking(move || child.wait_with_output())
            .await
            .expect("joined")
            .expect("ends")
    }

    /// What it prints when it succeeds.
    async fn ok(&self, args: &[&str], input: &str) -> String {
        let output = self.run(args, input).await;
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    /// What it says when it fails.
    async fn fails(&self, args: &[&str], input: &str) -> String {
        let output = self.run(args, input).await;
        assert!(!output.status.success(), "{args:?} succeeded");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    async fn first_account(&self) {
        let create = [
            "user",
            "create",
            "--email",
            "ana@dumont.local",
            "--username",
            "ana",
            "--password-stdin",
        ];
        self.ok(&create, PASSWORD).await;
    }
}

/// A server that is ended by its test.
struct Server {
    child: Child,
    url: String,
    log: PathBuf,
}

impl Server {
    async fn start(world: &World) -> Self {
        Self::start_as(world, world.command(&["serve"])).await
    }

    async fn start_as(world: &World, mut command: Command) -> Self {
        let port = free_port();
        let log = world.folder.path().join("server.log");
        command
            .env("DUMONT_LISTEN", format!("127.0.0.1:{port}"))
            .env("DUMONT_ADMIN_LISTEN", "127.0.0.1:0")
            .env("RUST_LOG", "debug,hyper=info,sqlx=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).expect("a log"));
        let mut server = Self {
            child: command.spawn().expect("starts"),
            url: format!("http://127.0.0.1:{port}"),
            log,
        };
        let until = Instant::now() + DEADLINE;
        while !server.answers("/readyz").await {
            let ended = server.child.try_wait().expect("a state");
            assert!(ended.is_none() && Instant::now() < until, "not ready: {}", server.logged());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        server
    }

    async fn answers(&self, path: &str) -> bool {
        let answer = reqwest::get(format!("{}{path}", self.url)).await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    fn logged(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to stop and waits until it has; whether it ended well.
    async fn stop(mut self) -> bool {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"));
        kill(pid, Signal::SIGTERM).expect("asked");
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a state") {
                return status.success();
            }
            assert!(Instant::now() < until, "does not stop: {}", self.logged());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_made_listed_and_given_other_passwords() {
    let world = World::start().await;
    world.first_account().await;
    let again =
        ["user", "create", "--email", "ANA@dumont.local", "--username", "bob", "--password-stdin"];
    assert!(world.fails(&again, PASSWORD).await.contains("email is taken"));
    let short =
        ["user", "create", "--email", "bob@dumont.local", "--username", "bob", "--password-stdin"];
    assert!(world.fails(&short, "short").await.contains("10 to 256"));
    assert!(
        world
            .fails(&["user", "create", "--email", "e@f.g", "--username", "eve"], PASSWORD)
            .await
            .contains("password-stdin")
    );
    let list = world.ok(&["user", "list"], "").await;
    assert_eq!(list.lines().count(), 1);
    assert!(list.starts_with("ana@dumont.local\tana\t"), "{list}");
    let replace = ["user", "set-password", "--email", "ana@dumont.local", "--password-stdin"];
    assert!(world.fails(&replace, "1234567890").await.contains("an attacker would try"));
    world.ok(&replace, "another long sentence").await;
    assert!(
        world
            .fails(&["token", "create", "--email", "bob@dumont.local", "--name", "x"], "")
            .await
            .contains("no account")
    );
    world.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_phone_and_codes_gets_back_in_by_the_command_line() {
    let world = World::start().await;
    world.first_account().await;
    let remove = ["user", "remove-second-factor", "--email", "ana@dumont.local"];
    assert!(world.fails(&remove, "").await.contains("no second factor"));
    let server = Server::start(&world).await;
    let ana = reqwest::Client::new();
    let post = async |path: &str, token: &str, what: serde_json::Value| {
        let asked = ana.post(format!("{}/api/v1/auth/{path}", server.url)).bearer_auth(token);
        let answer = asked.json(&what).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<serde_json::Value>().await.expect("JSON"))
    };
    let enter = async || {
        let asked = ana.post(format!("{}/api/v1/auth/login", server.url));
        let asked = asked.json(&json!({"username": "ana", "password": PASSWORD}));
        let answer = asked.send().await.expect("an answer");
        answer.json::<serde_json::Value>().await.expect("JSON")
    };
    let token = enter().await["token"].as_str().expect("a token").to_owned();
    let (_, begun) = post("second-factor", &token, json!({})).await;
    let app = App::of(begun["secret"].as_str().expect("a secret"));
    let code = app.code(SystemClock.now().0 / STEP_MS);
    let (status, told) = post("second-factor/activate", &token, json!({"code": code})).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(enter().await["code"], "code_needed");

    let said = world.ok(&remove, "").await;
    assert!(said.contains("ana@dumont.local"), "{said}");
    let token = enter().await["token"].as_str().expect("a token").to_owned();
    let log = ana.get(format!("{}/api/v1/audit", server.url)).bearer_auth(&token).send().await;
    let log: serde_json::Value = log.expect("an answer").json().await.expect("JSON");
    let row = log["entries"].as_array().expect("a list").iter();
    let row = row.clone().find(|row| row["action"] == "remove_second_factor").expect("noted");
    assert_eq!(row["credential"], "command_line");
    assert!(server.stop().await);
    world.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_command_line_stores_the_server_uses_and_nothing_secret_is_logged() {
    let world = World::start().await;
    assert!(world.run(&["doctor"], "").await.status.code() != Some(0), "nothing is there yet");
    assert!(!world.folder.path().join("data/dumont.db").exists(), "a doctor makes nothing");
    world.first_account().await;
    let token =
        world.ok(&["token", "create", "--email", "ana@dumont.local", "--name", "ci"], "").await;
    assert!(token.starts_with("dumont_sk_") && !token.contains('\n'), "{token}");
    let (vast, gcp) = (world.vast.to_str().expect("text"), world.gcp.to_str().expect("text"));
    let said = world
        .ok(
            &[
                "credentials",
                "set",
                "--email",
                "ana@dumont.local",
                "--vast-key-file",
                vast,
                "--gcp-file",
                gcp,
            ],
            "",
        )
        .await;
    assert!(said.contains("vast_api_key: ok") && said.contains("gcp_credentials: ok"), "{said}");
    world.ok(&["doctor"], "").await;
    let key = world.folder.path().join("data/master.key");
    let aside = world.folder.path().join("aside.key");
    std::fs::rename(&key, &aside).expect("put aside");
    assert!(world.run(&["doctor"], "").await.status.code() != Some(0), "the key is missing");
    assert!(!key.exists(), "a doctor makes no key either");
    std::fs::rename(&aside, &key).expect("put back");
    assert!(world.ok(&["rotate-key"], "").await.contains('2'));

    let site = "https://dumont.example/";
    let invited = world.ok(&["user", "invite", "--note", "bob", "--site", site], "").await;
    let joining = invited.strip_prefix("https://dumont.example/join#").expect("a link").to_owned();
    let who = ["user", "reset-link", "--email", "ana@dumont.local", "--site", site];
    let reset = world.ok(&who, "").await;
    let reset = reset.strip_prefix("https://dumont.example/reset#").expect("a link").to_owned();

    let server = Server::start(&world).await;
    let http = reqwest::Client::new();
    let without = reqwest::redirect::Policy::none();
    let browser = reqwest::Client::builder().redirect(without).build().expect("a client");
    // What a browser asks for when such a link is opened, and what comes of it.
    let opened = http.get(format!("{}/join#{joining}", server.url)).send().await;
    assert_eq!(opened.expect("an answer").status(), 200);
    let bob = [
        ("code", joining.as_str()),
        ("email", "bob@dumont.local"),
        ("username", "bob"),
        ("password", PASSWORD),
    ];
    let joined = browser.post(format!("{}/join", server.url)).form(&bob).send().await;
    assert_eq!(joined.expect("an answer").headers()["location"], "/app/settings/credentials");
    let get = async |path: &str| {
        let answer = http
            .get(format!("{}/api/v1{path}", server.url))
            .bearer_auth(&token)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.json::<serde_json::Value>().await.expect("JSON")
    };
    assert_eq!(get("/auth/me").await["user"]["email"], "ana@dumont.local");
    assert_eq!(get("/balance").await["credit"], 100.0);
    assert_eq!(get("/settings").await["gcp_credentials"]["status"], "ok");
    let login = serde_json::json!({"email": "ana@dumont.local", "password": PASSWORD});
    let login = http
        .post(format!("{}/api/v1/auth/login", server.url))
        .json(&login)
        .send()
        .await
        .expect("an answer");
    assert_eq!(login.status(), 200);
    let form = [("username", "ana@dumont.local"), ("password", PASSWORD)];
    let entered = browser.post(format!("{}/login", server.url)).form(&form).send().await;
    let session = entered.expect("an answer").headers()["set-cookie"]
        .to_str()
        .expect("text")
        .split(['=', ';'])
        .nth(1)
        .expect("a value")
        .to_owned();
    let login: serde_json::Value = login.json().await.expect("JSON");

    let change = [("code", reset.as_str()), ("new_password", "another long sentence")];
    let replaced = browser.post(format!("{}/reset", server.url)).form(&change).send().await;
    assert_eq!(replaced.expect("an answer").headers()["location"], "/login?said=reset");

    let logged = server.logged();
    let private =
        world.sandbox.credentials.gcp_service_account["private_key"].as_str().expect("a key");
    let secrets = [
        world.sandbox.credentials.vast_api_key.as_str(),
        private.lines().nth(3).expect("a line"),
        PASSWORD,
        token.as_str(),
        session.as_str(),
        login["token"].as_str().expect("a token"),
        "$argon2",
        joining.as_str(),
        reset.as_str(),
    ];
    for secret in secrets {
        assert!(
            !logged.contains(secret),
            "a secret is in the log: {:?}",
            logged.lines().find(|line| line.contains(secret))
        );
    }
    assert!(logged.contains("request_id"), "requests are logged");
    assert!(server.stop().await, "it stops well");
    world.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_are_not_stored() {
    let world = World::start().await;
    world.first_account().await;
    let bad = world.folder.path().join("bad.key");
    std::fs::write(&bad, "0123456789abcdef0123456789abcdef").expect("written");
    let said = world
        .fails(
            &[
                "credentials",
                "set",
                "--email",
                "ana@dumont.local",
                "--vast-key-file",
                bad.to_str().expect("text"),
            ],
            "",
        )
        .await;
    assert!(said.contains("Vast.ai refused"), "{said}");
    let doctor = world.run(&["doctor"], "").await;
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("no key is stored"));
    world.sandbox.stop().await;
}

/// Keys are in its memory and may be in its environment: neither leaves it by way of another process
/// of its user's, or of a dump. Root sees everything, so this is seen as somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn another_process_of_its_user_reads_nothing_of_it_and_no_core_is_dumped() {
    const NOBODY: u32 = 65_534;
    let world = World::start().await;
    let home = tempfile::tempdir().expect("a folder");
    let program = home.path().join("dumont");
    let built = env!("CARGO_BIN_EXE_dumont");
    std::fs::hard_link(built, &program)
        .or_else(|_| std::fs::copy(built, &program).map(drop))
        .expect("a program that anyone may run");
    let root = nix::unistd::geteuid().is_root();
    let lowered = |mut command: Command| {
        if root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    };
    if root {
        for folder in [home.path(), world.folder.path()] {
            std::os::unix::fs::chown(folder, Some(NOBODY), Some(NOBODY)).expect("given away");
        }
    }
    let mut command = Command::new(&program);
    command
        .arg("serve")
        .env("DUMONT_DATA_DIR", home.path().join("data"))
        .env("DUMONT_VAST_URL", &world.sandbox.url)
        .env("DUMONT_GCP_ENDPOINT", &world.sandbox.url)
        .env("DUMONT_MASTER_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
    let server = Server::start_as(&world, lowered(command)).await;

    let pid = server.child.id();
    for file in ["environ", "mem", "maps"] {
        let mut look = Command::new("head");
        look.args(["-c", "1"]).arg(format!("/proc/{pid}/{file}"));
        let seen = lowered(look).output().expect("head runs");
        let words = String::from_utf8_lossy(&seen.stderr);
        assert!(!seen.status.success() && words.contains("denied"), "{file} was read: {words}");
    }
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("anyone's");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("told");
    let figures: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(figures, ["0", "0"], "{core}");
    assert!(server.stop().await, "it stops well");
    world.sandbox.stop().await;
}
