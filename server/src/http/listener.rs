//! The listener that strangers reach: how many connections there may be, and how long each may say
//! nothing.
//!
//! Descriptors are shared by everything that this process does: the database, the hosts, the
//! providers. So that no number of connections takes the engine's, there is a bound for all, one for
//! each address, and the process asks for as many descriptors as the system gives it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::limit::network;
use super::quiet::Quiet;

/// Longest wait for the head of a request, the first one of a connection and each later one.
const HEAD: Duration = Duration::from_secs(20);
/// Longest time in which neither side gets a byte across. Longer than any answer takes; a stream of
/// events says something every few seconds.
const SILENCE: Duration = Duration::from_secs(180);
/// Largest head of a request, bytes.
const HEAD_BYTES: usize = 64 * 1024;
/// Pause after the system could not give a connection.
const BREATH: Duration = Duration::from_millis(50);
/// Most connections at once, however many descriptors there are.
const MOST: usize = 8_192;
/// Most connections of one address at once: a browser opens six, an office of people some hundred.
const MOST_OF_ONE: usize = 256;

/// How many connections there may be at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// In all.
    pub total: usize,
    /// From one address; an IPv6 /64 counts as one.
    pub of_one: usize,
}

impl Bounds {
    /// Half of the descriptors; the other half is kept for the database and the engine. Of that half
    /// one address gets half at most. Behind a proxy every connection comes from the proxy, which
    /// then is the one to bound addresses.
    #[must_use]
    pub fn of(descriptors: usize, behind_proxy: bool) -> Self {
        let total = (descriptors / 2).clamp(1, MOST);
        let of_one = if behind_proxy { total } else { (total / 2).clamp(1, MOST_OF_ONE) };
        Self { total, of_one }
    }
}

/// Who is connected now.
#[derive(Debug)]
struct Doorman {
    bounds: Bounds,
    here: Mutex<Here>,
}

#[derive(Debug, Default)]
struct Here {
    total: usize,
    of_one: HashMap<IpAddr, usize>,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
struct Place {
    doorman: Arc<Doorman>,
    address: IpAddr,
}

impl Doorman {
    fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = here.of_one.get(&address).copied().unwrap_or(0);
        if here.total >= self.bounds.total || of_one >= self.bounds.of_one {
            return None;
        }
        here.total += 1;
        here.of_one.insert(address, of_one + 1);
        drop(here);
        Some(Place { doorman: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut here = self.doorman.here.lock().unwrap_or_else(PoisonError::into_inner);
        here.total = here.total.saturating_sub(1);
        match here.of_one.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                here.of_one.remove(&self.address);
            }
        }
    }
}

/// Serves until the token ends it, then brings what is under way to its end. HTTP/1.1 only: nothing
/// here needs more, and each protocol more has ways of its own to be kept busy.
pub async fn serve(listener: TcpListener, app: Router, bounds: Bounds, soft: CancellationToken) {
    let doorman = Arc::new(Doorman { bounds, here: Mutex::default() });
    let tracker = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = soft.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        // Closed at once: whoever has too many learns it, and nobody else waits behind them.
        let Some(place) = doorman.admit(peer.ip()) else {
            metrics::counter!("dumont_connections_refused_total").increment(1);
            tracing::debug!(%peer, "too many connections");
            continue;
        };
        // The end of an answer does not wait until its beginning is acknowledged.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection sends with delay");
        }
        tracker.spawn(connection(stream, peer, app.clone(), place, soft.clone()));
    }
    drop(listener);
    tracker.close();
    tracker.wait().await;
}

async fn connection<S>(
    stream: S,
    peer: SocketAddr,
    app: Router,
    place: Place,
    soft: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().oneshot(request)
    });
    let io = TokioIo::new(Quiet::new(stream, SILENCE));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(io, service);
    let mut served = std::pin::pin!(served);
    let outcome = tokio::select! {
        outcome = served.as_mut() => outcome,
        () = soft.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%peer, %error, "a connection ended");
    }
    drop(place);
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use futures::stream;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::time::{Instant, timeout};

    use super::*;

    /// A client's end of a connection, and its place at the door.
    struct Client {
        far: DuplexStream,
        doorman: Arc<Doorman>,
        served: tokio::task::JoinHandle<()>,
    }

    impl Client {
        /// Connects to something that answers, and at `/endless` without end.
        fn connect() -> Self {
            let endless = || async {
                let parts = stream::repeat_with(|| Ok::<_, std::io::Error>("more ".repeat(1_000)));
                Body::from_stream(parts)
            };
            let app =
                Router::new().route("/", get(|| async { "well" })).route("/endless", get(endless));
            let bounds = Bounds { total: 1, of_one: 1 };
            let doorman = Arc::new(Doorman { bounds, here: Mutex::default() });
            let peer = SocketAddr::from(([192, 0, 2, 1], 1_024));
            let place = doorman.admit(peer.ip()).expect("a place");
            let (near, far) = tokio::io::duplex(1_024);
            let soft = CancellationToken::new();
            let served = tokio::spawn(connection(near, peer, app, place, soft));
            Self { far, doorman, served }
        }

        async fn say(&mut self, words: &str) {
            self.far.write_all(words.as_bytes()).await.expect("written");
        }

        /// The answer to a whole request.
        async fn ask(&mut self) -> String {
            self.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
            let mut answer = String::new();
            while !answer.ends_with("well") {
                let mut part = [0; 256];
                let count = self.far.read(&mut part).await.expect("an answer");
                assert_ne!(count, 0, "closed after {answer:?}");
                answer.push_str(&String::from_utf8_lossy(&part[..count]));
            }
            answer
        }

        /// How long it stays open from now on, while the client says nothing more.
        async fn stays(&mut self) -> Duration {
            let began = Instant::now();
            let mut rest = Vec::new();
            let end = timeout(Duration::from_secs(3_600), self.far.read_to_end(&mut rest)).await;
            end.expect("it is closed some time").expect("read");
            began.elapsed()
        }

        async fn ends(self) {
            self.served.await.expect("it ended well");
            assert_eq!(self.doorman.here.lock().expect("not poisoned").total, 0, "its place");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_head_is_waited_for_so_long_also_that_of_a_later_request() {
        let mut first = Client::connect();
        first.say("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ").await;
        assert_eq!(first.stays().await, HEAD);
        first.ends().await;

        // One that drips gets no more time than one that says nothing.
        let mut later = Client::connect();
        assert!(later.ask().await.starts_with("HTTP/1.1 200"));
        later.say("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ").await;
        let began = Instant::now();
        while timeout(Duration::from_secs(1), later.far.read(&mut [0; 64])).await.is_err() {
            assert!(began.elapsed() <= HEAD, "it is open after {:?}", began.elapsed());
            later.say("x").await;
        }
        assert_eq!(began.elapsed(), HEAD);
        later.ends().await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_never_reads_the_answer_is_not_waited_for_without_end() {
        let mut client = Client::connect();
        client.say("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let began = Instant::now();
        let end = timeout(Duration::from_secs(3_600), &mut client.served).await;
        end.expect("it ends some time").expect("it ended well");
        assert_eq!(began.elapsed(), SILENCE);
        assert_eq!(client.doorman.here.lock().expect("not poisoned").total, 0, "its place");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_gets_to_speak_http_2() {
        let mut client = Client::connect();
        client.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        // An empty SETTINGS frame, as a client sends at once.
        client.far.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.expect("written");
        let mut answer = Vec::new();
        let end = timeout(HEAD, client.far.read_to_end(&mut answer)).await;
        end.expect("it is closed").expect("read");
        assert!(!answer.starts_with(&[0, 0]), "a frame: {answer:?}");
        let answer = String::from_utf8(answer).expect("HTTP/1.1");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        client.ends().await;

        let mut client = Client::connect();
        client
            .say("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
            .await;
        let mut head = [0; 12];
        client.far.read_exact(&mut head).await.expect("an answer");
        assert_eq!(&head, b"HTTP/1.1 200", "answered as if nothing had been said of it");
    }

    #[test]
    fn half_of_the_descriptors_is_kept_and_no_address_gets_all_of_the_rest() {
        assert_eq!(Bounds::of(1_024, false), Bounds { total: 512, of_one: 256 });
        assert_eq!(Bounds::of(256, false), Bounds { total: 128, of_one: 64 });
        assert_eq!(Bounds::of(1_048_576, false), Bounds { total: MOST, of_one: MOST_OF_ONE });
        let proxied = Bounds::of(1_024, true);
        assert_eq!(proxied.of_one, proxied.total, "everybody comes from the proxy");
    }

    #[test]
    fn a_full_address_keeps_nobody_else_out_and_places_come_back() {
        let doorman =
            Arc::new(Doorman { bounds: Bounds { total: 3, of_one: 2 }, here: Mutex::default() });
        let [one, two]: [IpAddr; 2] = [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
        let first = doorman.admit(one).expect("a place");
        let _second = doorman.admit(one).expect("a place");
        assert!(doorman.admit(one).is_none(), "one address has its share");
        let other = doorman.admit(two).expect("another address has a place");
        assert!(doorman.admit(two).is_none(), "all places are taken");
        drop(first);
        drop(other);
        let _again = doorman.admit(one).expect("a place that was given back");
        let _other = doorman.admit(two).expect("a place that was given back");
        assert_eq!(doorman.here.lock().expect("not poisoned").of_one.len(), 2);
    }
}
