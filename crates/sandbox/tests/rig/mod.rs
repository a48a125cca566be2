//! Hosts to try things on, and the machine's own SSH programs to try them with.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use sandbox::host::{Endpoint, HostKind, HostSpec, Hosts};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::sync::{CancellationToken, DropGuard};

/// For things that must happen; long, because the machine may be busy.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// For things that must not happen.
pub const QUIET: Duration = Duration::from_millis(300);

/// Hosts in a folder of their own, and a key that may log in.
pub struct Rig {
    pub hosts: Hosts,
    pub folder: PathBuf,
    pub key_line: String,
    _folder: tempfile::TempDir,
    _guard: DropGuard,
}

pub fn rig() -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let token = CancellationToken::new();
    let program = std::env::var_os("DUMONT_SANDBOX_BIN")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_dumont-sandbox")), PathBuf::from);
    let hosts = Hosts::new(folder.path().join("hosts"), program, 2222, token.clone()).unwrap();
    let key = folder.path().join("key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status()
        .unwrap();
    assert!(made.success());
    Rig {
        hosts,
        folder: folder.path().to_owned(),
        key_line: std::fs::read_to_string(key.with_extension("pub")).unwrap(),
        _folder: folder,
        _guard: token.drop_guard(),
    }
}

impl Rig {
    pub fn spec(&self, id: &str) -> HostSpec {
        let keys = vec![self.key_line.trim().to_owned()];
        HostSpec { keys, ..HostSpec::new(id, HostKind::Gpu) }
    }

    /// A host that is up.
    pub async fn host(&self, id: &str) -> Endpoint {
        self.hosts.create(self.spec(id)).await.unwrap();
        self.hosts.boot(id).await.unwrap()
    }

    /// The same for a host that has another key than the first.
    pub async fn run_as(&self, at: Endpoint, alias: &str, script: &str) -> String {
        let alias = format!("HostKeyAlias={alias}");
        let output = output(self.ssh_with(at, &["-o", &alias]).arg(script)).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {:?} {errors}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Options for ssh, scp and sftp. Host keys are recorded, so a changed
    /// one is an error.
    pub fn options(&self) -> Vec<String> {
        let pairs = [
            ("StrictHostKeyChecking", "accept-new".to_owned()),
            ("UserKnownHostsFile", self.folder.join("known_hosts").display().to_string()),
            ("IdentitiesOnly", "yes".to_owned()),
            ("IdentityFile", self.folder.join("key").display().to_string()),
            ("BatchMode", "yes".to_owned()),
            ("LogLevel", "ERROR".to_owned()),
            ("HostKeyAlias", "the-host".to_owned()),
        ];
        let none = ["-F".to_owned(), "/dev/null".to_owned()];
        let options = pairs
            .into_iter()
            .flat_map(|(name, value)| ["-o".to_owned(), format!("{name}={value}")]);
        none.into_iter().chain(options).collect()
    }

    pub fn ssh(&self, at: Endpoint) -> Command {
        self.ssh_with(at, &[])
    }

    /// With options that win over ours.
    pub fn ssh_with(&self, at: Endpoint, first: &[&str]) -> Command {
        let mut command = Command::new("ssh");
        command.args(first).args(self.options()).arg("-p").arg(at.port.to_string());
        command.arg(format!("root@{}", at.addr)).kill_on_drop(true);
        command
    }

    /// Runs a command and gives what it printed; it must succeed.
    pub async fn run(&self, at: Endpoint, script: &str) -> String {
        let output = output(self.ssh(at).arg(script)).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {:?} {errors}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// `ssh -p … -i …` as rsync wants it.
    pub fn rsync_shell(&self, at: Endpoint) -> String {
        format!("ssh {} -p {}", self.options().join(" "), at.port)
    }

    /// A session with a process that gives back each line.
    pub async fn echo(&self, at: Endpoint) -> Echo {
        let mut child = self
            .ssh(at)
            .arg("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut echo = Echo { child, input, output };
        assert_eq!(echo.say("hello").await, "hello");
        echo
    }
}

/// One open connection.
pub struct Echo {
    pub child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Echo {
    /// Sends a line without waiting.
    pub async fn send(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        self.input.flush().await.unwrap();
    }

    /// Waits for a line.
    pub async fn hear(&mut self) -> String {
        let line = tokio::time::timeout(DEADLINE, self.output.next_line()).await;
        line.expect("an answer in time").unwrap().expect("an answer")
    }

    pub async fn say(&mut self, line: &str) -> String {
        self.send(line).await;
        self.hear().await
    }

    /// Neither an answer nor an end comes.
    pub async fn assert_silent(&mut self) {
        let heard = tokio::time::timeout(QUIET, self.output.next_line()).await;
        assert!(heard.is_err(), "expected silence, got {heard:?}");
        assert!(self.child.try_wait().unwrap().is_none(), "the connection ended");
    }

    /// The connection ends.
    pub async fn assert_ends(mut self) {
        let status = tokio::time::timeout(DEADLINE, self.child.wait()).await;
        assert!(!status.expect("an end in time").unwrap().success());
    }
}

pub async fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).kill_on_drop(true);
    tokio::time::timeout(DEADLINE, command.output()).await.expect("an end in time").unwrap()
}

/// Polls until it is so.
pub async fn eventually(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let end = tokio::time::Instant::now() + DEADLINE;
    while !so().await {
        assert!(tokio::time::Instant::now() < end, "it never was so: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Files with contents that no two share.
pub fn fill(folder: &Path, files: u32, size: usize) {
    std::fs::create_dir_all(folder.join("deep/er")).unwrap();
    for number in 0..files {
        let place = if number % 2 == 0 { "deep/er" } else { "." };
        let seed = number.to_le_bytes();
        let content: Vec<u8> = (0..size)
            .map(|at| (at as u8).wrapping_mul(31) ^ seed[at % 4] ^ (at >> 8) as u8)
            .collect();
        std::fs::write(folder.join(place).join(format!("file {number}.bin")), content).unwrap();
    }
}
