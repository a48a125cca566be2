//! A session channel: one command, shell or SFTP server, from its request to
//! its exit status.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use russh::server::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::process::Child;
use tokio::task::JoinSet;

use super::inlet::Inlet;
use super::login::{self, Environment};
use super::pty::{self, Control, Size};
use super::server::Peer;

/// Largest piece of output that is read at once, bytes.
const PIECE: usize = 128 * 1024;
/// The SSH number of standard error.
const STDERR: u32 = 1;
/// How long a terminal is read after its process has ended, for the rest of
/// the output; another process may keep it open for ever.
const TERMINAL_REST: Duration = Duration::from_millis(200);

/// What is to be run.
enum Job {
    Shell,
    Command(String),
    Sftp,
}

/// What came before it.
#[derive(Default)]
struct Setting {
    variables: Vec<(String, String)>,
    terminal: Option<(String, Size)>,
}

/// A process that was started, with its ends.
struct Started {
    child: Child,
    input: Box<dyn AsyncWrite + Send + Unpin>,
    outputs: Vec<(Option<u32>, Box<dyn AsyncRead + Send + Unpin>)>,
    terminal: Option<Control>,
}

/// Serves a channel to its end.
pub(crate) async fn run(
    channel: Channel<Msg>,
    client: Handle,
    environment: Arc<Environment>,
    peer: &Peer,
) {
    let (mut requests, out) = channel.split();
    let out = Arc::new(out);
    let Some((job, setting)) = listen(&mut requests).await else { return };
    match start(&job, &setting, &environment, peer) {
        Ok(started) => attend(started, &mut requests, &client, &out).await,
        Err(error) => {
            let text = format!("the command can't be started: {error}\n");
            let _ = out.extended_data_bytes(STDERR, text.into_bytes()).await;
            let _ = out.exit_status(126).await;
        }
    }
    let _ = out.eof().await;
    let _ = out.close().await;
}

/// Collects requests until one says what to run.
async fn listen(requests: &mut ChannelReadHalf) -> Option<(Job, Setting)> {
    let mut setting = Setting::default();
    loop {
        match requests.wait().await? {
            ChannelMsg::SetEnv { variable_name, variable_value, .. } => {
                setting.variables.push((variable_name, variable_value));
            }
            ChannelMsg::RequestPty {
                term, col_width, row_height, pix_width, pix_height, ..
            } => {
                let size = Size {
                    columns: col_width,
                    rows: row_height,
                    width: pix_width,
                    height: pix_height,
                };
                setting.terminal = Some((term, size));
            }
            ChannelMsg::RequestShell { .. } => return Some((Job::Shell, setting)),
            ChannelMsg::Exec { command, .. } => {
                let command = String::from_utf8_lossy(&command).into_owned();
                return Some((Job::Command(command), setting));
            }
            ChannelMsg::RequestSubsystem { name, .. } if name == "sftp" => {
                return Some((Job::Sftp, setting));
            }
            ChannelMsg::Close => return None,
            _ => {}
        }
    }
}

/// Starts it as sshd does: by the user's own shell, the SFTP server too. bash then reads its start-up
/// file, because it sees that it is run by an SSH server, and what that prints is part of the answer.
fn start(
    job: &Job,
    setting: &Setting,
    environment: &Environment,
    peer: &Peer,
) -> io::Result<Started> {
    let shell = login::shell();
    let mut words = match job {
        Job::Shell => vec![shell.as_str(), "-l"],
        Job::Command(command) => vec![shell.as_str(), "-c", command],
        Job::Sftp => {
            let server = login::sftp_server().ok_or(io::ErrorKind::NotFound)?;
            vec![shell.as_str(), "-c", server]
        }
    };
    if setting.terminal.is_some() {
        // Makes the terminal the controlling one of a new session; `-c` is what busybox calls it too.
        words.splice(0..0, ["setsid", "-c"]);
    }
    let (program, rest) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = environment.command(program);
    command.args(rest).env("SHELL", &shell).envs(peer.variables());
    for (name, value) in
        setting.variables.iter().filter(|(name, value)| login::settable(name, value))
    {
        command.env(name, value);
    }
    if let Some((term, size)) = &setting.terminal {
        let (ours, slave) = pty::open(*size)?;
        command.env("TERM", term);
        if let Some(name) = pty::name(&slave) {
            command.env("SSH_TTY", name);
        }
        command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
        let child = command.spawn()?;
        return Ok(Started {
            child,
            input: Box::new(ours.writer),
            outputs: vec![(None, Box::new(ours.reader))],
            terminal: Some(ours.control),
        });
    }
    command.process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
    Ok(Started {
        input: Box::new(child.stdin.take().ok_or_else(missing)?),
        outputs: vec![
            (None, Box::new(child.stdout.take().ok_or_else(missing)?)),
            (Some(STDERR), Box::new(child.stderr.take().ok_or_else(missing)?)),
        ],
        child,
        terminal: None,
    })
}

/// Carries data and signals until the process has ended and all its output is
/// sent, or the client has gone. A process whose client has gone runs on, as
/// with any SSH server; one on a terminal is hung up.
async fn attend(
    started: Started,
    requests: &mut ChannelReadHalf,
    client: &Handle,
    out: &Arc<ChannelWriteHalf<Msg>>,
) {
    let Started { mut child, input, outputs, terminal } = started;
    let group = child.id().and_then(|pid| i32::try_from(pid).ok());
    let mut inlet = Inlet::new(input);
    let mut sending = JoinSet::new();
    for (kind, output) in outputs {
        sending.spawn(send(output, kind, Arc::clone(out)));
    }
    let mut exited = false;
    let rest = tokio::time::sleep(Duration::MAX);
    tokio::pin!(rest);
    while !(exited && sending.is_empty()) {
        let room = inlet.room();
        tokio::select! {
            message = async { room.await; requests.wait().await } => match message {
                Some(ChannelMsg::Data { data }) => inlet.push(data),
                Some(ChannelMsg::Eof) => inlet.finish(),
                Some(ChannelMsg::Signal { signal }) => pass_on(group, &signal),
                Some(ChannelMsg::WindowChange { col_width, row_height, pix_width, pix_height }) => {
                    let size = Size { columns: col_width, rows: row_height, width: pix_width, height: pix_height };
                    if let Some(terminal) = &terminal {
                        let _ = terminal.resize(size);
                    }
                }
                Some(ChannelMsg::Close) | None => {
                    tokio::spawn(async move { inlet.drain().await });
                    return;
                }
                Some(_) => {}
            },
            () = inlet.write_some() => {}
            Some(_) = sending.join_next() => {}
            status = child.wait(), if !exited => {
                exited = true;
                if let Ok(status) = status {
                    report(status, client, out).await;
                }
                if terminal.is_some() {
                    rest.as_mut().reset(tokio::time::Instant::now() + TERMINAL_REST);
                }
            }
            () = &mut rest, if exited && terminal.is_some() => return,
        }
    }
}

async fn send(
    mut output: Box<dyn AsyncRead + Send + Unpin>,
    kind: Option<u32>,
    out: Arc<ChannelWriteHalf<Msg>>,
) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(PIECE);
        if !matches!(output.read_buf(&mut buffer).await, Ok(1..)) {
            return;
        }
        let piece = buffer.split().freeze();
        let sent = match kind {
            None => out.data_bytes(piece).await,
            Some(kind) => out.extended_data_bytes(kind, piece).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn report(status: ExitStatus, client: &Handle, out: &ChannelWriteHalf<Msg>) {
    match (status.code(), status.signal()) {
        (Some(code), _) => {
            let _ = out.exit_status(code.cast_unsigned()).await;
        }
        (None, Some(signal)) => {
            let name = Signal::try_from(signal).map_or("TERM", Signal::as_str);
            let signal = Sig::Custom(name.trim_start_matches("SIG").to_owned());
            let core = status.core_dumped();
            let _ = client
                .exit_signal_request(out.id(), signal, core, String::new(), String::new())
                .await;
        }
        (None, None) => {}
    }
}

/// Sends a signal to the whole process group of the command.
fn pass_on(group: Option<i32>, signal: &Sig) {
    let name = match signal {
        Sig::Custom(name) => format!("SIG{name}"),
        known => format!("SIG{known:?}"),
    };
    if let (Some(group), Ok(signal)) = (group, name.parse::<Signal>()) {
        let _ = killpg(Pid::from_raw(group), signal);
    }
}
