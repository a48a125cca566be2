//! A program that a test started, ended with the test whatever happens.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub struct Process {
    child: Child,
    pub log: PathBuf,
}

impl Process {
    /// Starts a program; both its outputs go to a file.
    pub fn start(program: &Path, log: &Path, arrange: impl FnOnce(&mut Command)) -> Self {
        let out = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        arrange(&mut command);
        let child =
            command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        Self { child, log: log.to_owned() }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(id), signal).unwrap();
    }

    /// As the power cord does it.
    pub fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end and waits, not forever.
    pub fn stop(&mut self) {
        if self.child.try_wait().unwrap().is_some() {
            return;
        }
        self.signal(Signal::SIGTERM);
        for _ in 0..300 {
            if self.child.try_wait().unwrap().is_some() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
        self.kill9();
    }

    pub fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            println!("--- end of {} ---\n{}", self.log.display(), self.tail());
        }
    }
}

/// The binary beside ours, or where the environment says.
pub fn sandbox_program() -> PathBuf {
    if let Some(path) = std::env::var_os("DUMONT_SANDBOX_BIN") {
        return path.into();
    }
    let beside = Path::new(env!("CARGO_BIN_EXE_dumont")).with_file_name("dumont-sandbox");
    assert!(
        beside.exists(),
        "build the sandbox first: cargo build -p sandbox (looked for {})",
        beside.display()
    );
    beside
}

/// The program that is put on hosts: the one that is named, else the static one, else the one of the tests.
pub fn agent_program() -> PathBuf {
    if let Some(path) = std::env::var_os("DUMONT_AGENT_PROGRAM") {
        return path.into();
    }
    let beside = Path::new(env!("CARGO_BIN_EXE_dumont")).with_file_name("dumont-agent");
    assert!(beside.exists(), "build dumont-agent first (looked for {})", beside.display());
    beside
}
