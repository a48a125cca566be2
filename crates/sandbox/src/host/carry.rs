//! One connection between a client and a host's SSH server, or a port that the host publishes.
//!
//! While the network is cut nothing moves and nobody is told. When the host
//! has been booted again, or refuses, the client's connection is reset.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;

use super::Net;

const BUFFER: usize = 64 * 1024;

/// What a relay does now, and for which boot of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gate {
    /// What is let through.
    pub(crate) net: Net,
    /// Rises with every boot.
    pub(crate) boot: u64,
}

/// Where connections lead.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// To the SSH server on the socket in a host's seat.
    Seat(Arc<File>),
    /// To what listens on a port.
    Port(SocketAddr),
}

/// The connection is over: its host was booted again or refuses.
#[derive(Debug)]
struct Over;

/// Carries a connection to its end.
pub(crate) async fn connection(
    mut client: TcpStream,
    mut gate: watch::Receiver<Gate>,
    target: Target,
) {
    let boot = gate.borrow().boot;
    let _ = client.set_nodelay(true);
    if through(&mut client, &mut gate, boot, &target).await.is_err() {
        let _ = client.set_zero_linger();
    }
}

async fn through(
    client: &mut TcpStream,
    gate: &mut watch::Receiver<Gate>,
    boot: u64,
    target: &Target,
) -> Result<(), Over> {
    let early = hold_until_up(client, gate, boot).await?;
    match target {
        Target::Seat(seat) => {
            let line = who(client).map_err(|_| Over)?;
            let mut host = connect(seat).await.map_err(|_| Over)?;
            host.write_all(line.as_bytes()).await.map_err(|_| Over)?;
            host.write_all(&early).await.map_err(|_| Over)?;
            drop(early);
            let (from_host, to_host) = host.split();
            both_ways(client, from_host, to_host, gate, boot).await
        }
        Target::Port(at) => {
            let mut host = TcpStream::connect(at).await.map_err(|_| Over)?;
            let _ = host.set_nodelay(true);
            host.write_all(&early).await.map_err(|_| Over)?;
            drop(early);
            let (from_host, to_host) = host.split();
            both_ways(client, from_host, to_host, gate, boot).await
        }
    }
}

async fn both_ways(
    client: &mut TcpStream,
    mut from_host: impl AsyncRead + Unpin,
    mut to_host: impl AsyncWrite + Unpin,
    gate: &mut watch::Receiver<Gate>,
    boot: u64,
) -> Result<(), Over> {
    let (mut from_client, mut to_client) = client.split();
    let mut other = gate.clone();
    tokio::try_join!(
        pump(&mut from_client, &mut to_host, gate, boot),
        pump(&mut from_host, &mut to_client, &mut other, boot),
    )?;
    Ok(())
}

/// The line that tells an SSH server whom it talks to, as its `SSH_CONNECTION` has it.
fn who(client: &TcpStream) -> io::Result<String> {
    let (from, to) = (client.peer_addr()?, client.local_addr()?);
    Ok(format!("{} {} {} {}\n", from.ip(), from.port(), to.ip(), to.port()))
}

/// Keeps a new client of a cut host waiting, with what it says meanwhile. A
/// client that gives up is let go.
async fn hold_until_up(
    client: &mut TcpStream,
    gate: &mut watch::Receiver<Gate>,
    boot: u64,
) -> Result<Vec<u8>, Over> {
    let mut early = Vec::new();
    while state(gate, boot)? == Net::Cut {
        let room = early.len() < BUFFER;
        tokio::select! {
            changed = gate.changed() => changed.map_err(|_| Over)?,
            read = client.read_buf(&mut early), if room => {
                if !matches!(read, Ok(1..)) {
                    return Err(Over);
                }
            }
        }
    }
    Ok(early)
}

/// Moves bytes one way until the end, standing still while the network is cut.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    gate: &mut watch::Receiver<Gate>,
    boot: u64,
) -> Result<(), Over> {
    let mut buffer = vec![0; BUFFER];
    loop {
        up(gate, boot).await?;
        let read = tokio::select! {
            biased;
            changed = gate.changed() => { changed.map_err(|_| Over)?; continue }
            read = from.read(&mut buffer) => read.map_err(|_| Over)?,
        };
        if read == 0 {
            let _ = to.shutdown().await;
            return Ok(());
        }
        let mut rest = buffer.get(..read).unwrap_or_default();
        while !rest.is_empty() {
            up(gate, boot).await?;
            let written = tokio::select! {
                biased;
                changed = gate.changed() => { changed.map_err(|_| Over)?; continue }
                written = to.write(rest) => written.map_err(|_| Over)?,
            };
            rest = rest.get(written..).unwrap_or_default();
        }
    }
}

/// Waits until the network is up.
async fn up(gate: &mut watch::Receiver<Gate>, boot: u64) -> Result<(), Over> {
    while state(gate, boot)? != Net::Up {
        gate.changed().await.map_err(|_| Over)?;
    }
    Ok(())
}

fn state(gate: &mut watch::Receiver<Gate>, boot: u64) -> Result<Net, Over> {
    let now = *gate.borrow_and_update();
    if now.boot != boot || now.net == Net::Refuse { Err(Over) } else { Ok(now.net) }
}

/// Connects to the host's socket through the open folder, because the path of
/// a socket may be no longer than 107 bytes.
async fn connect(seat: &File) -> io::Result<UnixStream> {
    UnixStream::connect(format!("/proc/self/fd/{}/ssh.sock", seat.as_raw_fd())).await
}

/// Whether the host's SSH server answers on its socket.
pub(crate) async fn answers(seat: &File) -> bool {
    let Ok(mut host) = connect(seat).await else { return false };
    if host.write_all(b"127.0.0.1 0 127.0.0.1 0\n").await.is_err() {
        return false;
    }
    let mut banner = [0; 4];
    host.read_exact(&mut banner).await.is_ok() && &banner == b"SSH-"
}
