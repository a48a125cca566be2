//! Ports for servers that are told of one before they start.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// One that nobody listens at, below the range that outgoing connections are given: one of those may be
/// taken before the server that is told of it starts.
pub(crate) fn free_port() -> u32 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    loop {
        let tried = TRIED.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + std::process::id().wrapping_mul(97).wrapping_add(tried) % 12_000;
        if TcpListener::bind(format!("127.0.0.1:{port}")).is_ok() {
            return port;
        }
    }
}
