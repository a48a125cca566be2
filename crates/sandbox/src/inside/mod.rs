//! What runs inside a host: an SSH server on a unix socket.
//!
//! It is the same binary as the sandbox, started by bubblewrap as
//! `dumont-sandbox host <seat>`. It knows nothing of providers, money or the
//! sandbox around it; it never touches the network except to forward ports
//! that a client asks for.

mod forward;
mod inlet;
mod keys;
mod login;
mod mounts;
mod nvidia;
mod plan;
mod pty;
mod server;
mod session;
mod startups;

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::PrivateKey;
use russh::{MethodKind, MethodSet, SshId, server as ssh};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use self::login::Environment;
pub(crate) use self::login::{SFTP_SERVERS, sftp_server};
pub use self::nvidia::{Gpus, Said};
pub(crate) use self::plan::{FILE as PLAN_FILE, Plan};
use self::server::{Client, Peer};
use self::startups::Startups;

/// The file in the seat that says which GPUs the host has.
pub(crate) const GPUS_FILE: &str = "gpus.json";
/// Sessions of one connection, as sshd has it unless told otherwise.
const MAX_SESSIONS: usize = 10;
/// Longest line that says who connects, bytes.
const PEER_MOST: usize = 128;
/// How long that line may take: it comes from the sandbox itself.
const PEER_DEADLINE: Duration = Duration::from_secs(10);

/// Why a host can't serve.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct ServeError {
    what: &'static str,
    #[source]
    source: io::Error,
}

/// Serves on `seat/ssh.sock` until the process is killed, or the sandbox that holds its standard
/// input is gone.
///
/// # Errors
/// When the seat is not as the sandbox makes it.
pub fn run(seat: &Path) -> Result<(), ServeError> {
    let failed = |what| move |source| ServeError { what, source };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed("the runtime"))?;
    std::thread::Builder::new()
        .name("lifeline".into())
        .spawn(end_with_the_sandbox)
        .map_err(failed("the lifeline"))?;
    runtime.block_on(serve(seat.to_owned()))
}

/// Answers `nvidia-smi`, with the GPUs that the seat names.
///
/// # Errors
/// When the seat has none.
pub fn nvidia_smi(seat: &Path, args: &[String]) -> io::Result<Said> {
    let gpus: Gpus = serde_json::from_slice(&std::fs::read(seat.join(GPUS_FILE))?)?;
    Ok(gpus.answer(args))
}

/// Ends this process, and so the host, when nobody holds the other end of its standard input.
fn end_with_the_sandbox() {
    let mut input = io::stdin().lock();
    let mut byte = [0; 1];
    loop {
        match io::Read::read(&mut input, &mut byte) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => std::process::exit(0),
        }
    }
}

async fn serve(seat: PathBuf) -> Result<(), ServeError> {
    let failed = |what| move |source| ServeError { what, source };
    let key = std::fs::read_to_string(seat.join("host_key")).map_err(failed("the host key"))?;
    let key =
        PrivateKey::from_openssh(&key).map_err(io::Error::other).map_err(failed("the host key"))?;
    let environment = Arc::new(Environment::read(&seat).map_err(failed("the environment"))?);
    let plan = Plan::read(&seat).map_err(failed("the plan"))?;
    mounts::make(&plan).map_err(failed("the image's mounts"))?;
    let startups = Startups::new(plan.startups);
    let listener = UnixListener::bind(seat.join("ssh.sock")).map_err(failed("the socket"))?;
    let config = Arc::new(config(key));
    run_boot_script(&seat, &environment);
    loop {
        let (mut stream, _) = listener.accept().await.map_err(failed("accepting"))?;
        let (seat, environment) = (seat.clone(), Arc::clone(&environment));
        let (config, startup) = (Arc::clone(&config), startups.begin());
        let most = plan.sessions.unwrap_or(MAX_SESSIONS);
        tokio::spawn(async move {
            let Ok(Some(peer)) = tokio::time::timeout(PEER_DEADLINE, peer(&mut stream)).await
            else {
                return;
            };
            let Some(startup) = startup else {
                let _ = stream.write_all(b"Exceeded MaxStartups\r\n").await;
                return;
            };
            let client = Client::new(seat, environment, peer, startup, most);
            if let Ok(session) = ssh::run_stream(config, stream, client).await {
                let _ = session.await;
            }
        });
    }
}

/// Reads the line that says who connects; nothing of what follows it.
async fn peer(stream: &mut UnixStream) -> Option<Peer> {
    let mut line = Vec::new();
    while line.len() < PEER_MOST {
        match stream.read_u8().await.ok()? {
            b'\n' => return Peer::parse(&String::from_utf8(line).ok()?),
            byte => line.push(byte),
        }
    }
    None
}

fn config(key: PrivateKey) -> ssh::Config {
    ssh::Config {
        server_id: SshId::Standard("SSH-2.0-dumont-sandbox".into()),
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        auth_rejection_time: Duration::from_millis(50),
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![key],
        inactivity_timeout: None,
        event_buffer_size: 64,
        ..ssh::Config::default()
    }
}

/// Runs the boot script by itself; what it prints goes to the console.
fn run_boot_script(seat: &Path, environment: &Environment) {
    let script = seat.join("boot.sh");
    if !script.exists() {
        return;
    }
    let bash = "/bin/bash";
    let shell = if Path::new(bash).exists() { bash } else { "/bin/sh" };
    let mut command = environment.command(shell);
    command.arg(&script).stdin(Stdio::null()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    match command.spawn() {
        Ok(mut child) => {
            tokio::spawn(async move {
                if let Ok(status) = child.wait().await {
                    note(&format!("boot script: {status}"));
                }
            });
        }
        Err(error) => note(&format!("boot script: {error}")),
    }
}

/// A line for the console, which standard error is.
fn note(line: &str) {
    use std::io::Write;
    if let Ok(mut console) = OpenOptions::new().append(true).open("/proc/self/fd/2") {
        let _ = writeln!(console, "{line}");
    }
}
