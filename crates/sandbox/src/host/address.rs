//! Loopback addresses for hosts: 127.78.x.y for GPUs, 127.77.x.y for standbys.
//!
//! An address is held by a bound socket that does not listen: nobody else can
//! take it, and who connects is refused.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use tokio::net::TcpSocket;

use super::{Endpoint, HostKind};

/// How many addresses are tried before giving up.
const TRIES: u32 = 200;

/// Takes a free address at random. A GPU's port is the system's choice, a
/// standby's is `standby_port`.
pub(crate) fn take(kind: HostKind, standby_port: u16) -> io::Result<(Endpoint, TcpSocket)> {
    let port = match kind {
        HostKind::Gpu => 0,
        HostKind::Standby => standby_port,
    };
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES {
        let endpoint = Endpoint { addr: random_address(kind), port };
        match hold(endpoint) {
            Ok(held) => return Ok(held),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// Binds an address without listening on it.
pub(crate) fn hold(endpoint: Endpoint) -> io::Result<(Endpoint, TcpSocket)> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::V4(SocketAddrV4::new(endpoint.addr, endpoint.port)))?;
    let port = socket.local_addr()?.port();
    Ok((Endpoint { addr: endpoint.addr, port }, socket))
}

fn random_address(kind: HostKind) -> Ipv4Addr {
    let net = match kind {
        HostKind::Gpu => 78,
        HostKind::Standby => 77,
    };
    let [third, fourth] = rand::random::<u16>().to_be_bytes();
    Ipv4Addr::new(127, net, third, fourth.clamp(1, 254))
}
