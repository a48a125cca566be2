//! A stranger opens connections and says half a sentence on each.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use crate::stack::{Plan, Stack};

/// So many descriptors may the server have: fewer than the stranger has connections.
const DESCRIPTORS: u32 = 256;
/// So many it begins with, as most systems give far fewer than they would.
const AT_FIRST: u32 = 64;
const CONNECTIONS: usize = 400;
/// Nobody else's address on this machine.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));

/// Connections that are opened again whenever they are closed; all end with it.
struct Flood {
    turned_away: Arc<AtomicUsize>,
    _all: JoinSet<()>,
}

impl Flood {
    fn begin(to: SocketAddr) -> Self {
        let turned_away = Arc::new(AtomicUsize::new(0));
        let mut all = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let turned_away = Arc::clone(&turned_away);
            all.spawn(async move {
                loop {
                    let _ = half_open(to).await;
                    turned_away.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            });
        }
        Self { turned_away, _all: all }
    }
}

/// Opens one, says half a head, and stays until it is closed.
async fn half_open(to: SocketAddr) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((STRANGER, 0).into())?;
    let mut stream = socket.connect(to).await?;
    stream.write_all(b"GET /login HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await?;
    stream.read(&mut [0; 64]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_completes_while_a_stranger_holds_every_connection_that_it_can() {
    let stack =
        Stack::with(Plan { descriptors: Some((AT_FIRST, DESCRIPTORS)), ..Plan::default() }).await;
    assert_eq!(stack.descriptors_of_server(), DESCRIPTORS, "it asks for all that it may have");
    let gpu = stack.protected().await;
    let flood = Flood::begin(stack.url.trim_start_matches("http://").parse().unwrap());
    stack
        .eventually("the stranger to be turned away", async |_| {
            (flood.turned_away.load(Ordering::Relaxed) > 0).then_some(())
        })
        .await;
    // Everything below comes from another address, and is served.
    stack.pull_plug(gpu).await;
    let failover = stack.failover_of(gpu).await;
    let status = stack.ended(&failover).await;
    assert_eq!(status["success"], true, "{status:#}");
    let new_gpu = status["new_gpu_id"].as_i64().unwrap();
    stack.only_bills(vec![new_gpu]).await;
    let ready: serde_json::Value =
        reqwest::get(format!("{}/readyz", stack.url)).await.unwrap().json().await.unwrap();
    assert_eq!(ready["ready"], true, "{ready}");
    assert!(ready["leases"].as_i64() >= Some(1), "the engine's lease goes on: {ready}");
    let log = std::fs::read_to_string(stack.dir.path().join("server.log")).unwrap();
    for word in ["Too many open files", "could not be taken", "unable to open database"] {
        assert!(!log.contains(word), "{word}");
    }
}
