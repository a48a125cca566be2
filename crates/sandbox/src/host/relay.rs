//! The network in front of a host: a listener on the host's address, and what
//! it does with connections while the network is up, cut or refusing.
//!
//! The listener belongs to this process and not to the host, so that a host
//! that dies leaves a silent black hole, as a machine without power does,
//! instead of connections that end politely.

use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::carry::{self, Gate, Target};
use super::{Endpoint, Net, address};

/// Longest queue of connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// The network in front of one host.
#[derive(Debug)]
pub(crate) struct Relay {
    gate: watch::Sender<Gate>,
    target: Target,
    door: Mutex<Door>,
}

#[derive(Debug)]
struct Door {
    endpoint: Endpoint,
    state: DoorState,
}

#[derive(Debug)]
enum DoorState {
    /// Bound and not listening: who connects is refused.
    Shut(TcpSocket),
    /// Accepting; with a second handle on the listening socket.
    Open(JoinHandle<()>, OwnedFd),
    /// Not even bound, after a failure or at the end.
    Gone,
}

impl Relay {
    /// A relay that refuses, at an address that is held already.
    pub(crate) fn new(endpoint: Endpoint, socket: TcpSocket, target: Target) -> Self {
        Self {
            gate: watch::Sender::new(Gate { net: Net::Refuse, boot: 0 }),
            target,
            door: Mutex::new(Door { endpoint, state: DoorState::Shut(socket) }),
        }
    }

    /// Changes what it does. Connections of an earlier `boot` are reset.
    pub(crate) async fn set(&self, net: Net, boot: u64) -> io::Result<()> {
        let mut door = self.door.lock().await;
        self.gate.send_replace(Gate { net, boot });
        match (net, &door.state) {
            (Net::Refuse, DoorState::Shut(_)) | (Net::Up | Net::Cut, DoorState::Open(..)) => Ok(()),
            (Net::Refuse, _) => door.shut().await,
            (Net::Up | Net::Cut, _) => {
                door.shut().await?;
                door.open(self.gate.subscribe(), self.target.clone())
            }
        }
    }

    /// Moves a relay that refuses to another address.
    pub(crate) async fn move_to(&self, endpoint: Endpoint, socket: TcpSocket) {
        let mut door = self.door.lock().await;
        door.close().await;
        *door = Door { endpoint, state: DoorState::Shut(socket) };
    }

    /// Resets every connection and gives the address back.
    pub(crate) async fn end(&self) {
        self.gate.send_modify(|gate| *gate = Gate { net: Net::Refuse, boot: gate.boot + 1 });
        self.door.lock().await.close().await;
    }
}

impl Door {
    async fn close(&mut self) {
        if let DoorState::Open(task, socket) = std::mem::replace(&mut self.state, DoorState::Gone) {
            // Dropping it is not enough: a process that is being started just
            // now has the socket too until it runs its program.
            let _ = std::net::TcpStream::from(socket).shutdown(Shutdown::Both);
            task.abort();
            let _ = task.await;
        }
    }

    async fn shut(&mut self) -> io::Result<()> {
        self.close().await;
        let (_, socket) = address::hold(self.endpoint)?;
        self.state = DoorState::Shut(socket);
        Ok(())
    }

    fn open(&mut self, gate: watch::Receiver<Gate>, target: Target) -> io::Result<()> {
        let DoorState::Shut(socket) = std::mem::replace(&mut self.state, DoorState::Gone) else {
            return Err(io::Error::other("the address is not held"));
        };
        let listener = socket.listen(BACKLOG)?;
        let socket = listener.as_fd().try_clone_to_owned()?;
        self.state = DoorState::Open(tokio::spawn(accept(listener, gate, target)), socket);
        Ok(())
    }
}

async fn accept(listener: TcpListener, gate: watch::Receiver<Gate>, target: Target) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                tokio::spawn(carry::connection(client, gate.clone(), target.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a host's address does not accept");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}
