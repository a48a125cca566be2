//! Opening a connection: TCP, the server's key, our login. All within one deadline.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::gpu::Endpoint;
use russh::client::{self, Config, Handler};
use russh::keys::{PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{KeyPair, Shell, SshError};

/// Longest line of a host key, bytes; that of the largest RSA key in use has 2.8 KB.
const KEY: usize = 4 * 1024;

/// Which key the server must show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKey {
    /// This one: type and key in one line, without a comment.
    Pinned(String),
    /// Any, at first contact; [`Shell::host_key`] then says which it was.
    Learn,
}

/// Opens connections with one key; cheap to clone.
#[derive(Debug, Clone)]
pub struct Dialer {
    key: KeyPair,
    config: Arc<Config>,
}

impl Dialer {
    /// A dialer that logs in with this key.
    #[must_use]
    pub fn new(key: KeyPair) -> Self {
        let config = Config {
            nodelay: true,
            // A connection that nobody pings still ends when the other side is gone.
            keepalive_interval: Some(Duration::from_secs(15)),
            keepalive_max: 3,
            ..Config::default()
        };
        Self { key, config: Arc::new(config) }
    }

    /// Connects and logs in.
    ///
    /// # Errors
    /// [`SshError`], each as it says. [`SshError::TimedOut`] after `deadline`, for the whole of it.
    pub async fn connect(
        &self,
        endpoint: &Endpoint,
        user: &str,
        host_key: HostKey,
        deadline: Duration,
    ) -> Result<Shell, SshError> {
        tokio::time::timeout(deadline, self.log_in(endpoint, user, host_key))
            .await
            .unwrap_or(Err(SshError::TimedOut("connecting")))
    }

    async fn log_in(
        &self,
        endpoint: &Endpoint,
        user: &str,
        host_key: HostKey,
    ) -> Result<Shell, SshError> {
        let unreachable = |error: std::io::Error| SshError::Unreachable(error.to_string());
        let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port))
            .await
            .map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let shown = Arc::new(Mutex::new(None));
        let over = CancellationToken::new();
        let client = Client {
            expected: host_key.clone(),
            shown: Arc::clone(&shown),
            _over: over.clone().drop_guard(),
        };
        let connected = client::connect_stream(Arc::clone(&self.config), stream, client).await;
        let shown = shown.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (HostKey::Pinned(expected), Some(got)) = (&host_key, &shown)
            && expected != got
        {
            return Err(SshError::HostKeyChanged { expected: expected.clone(), got: got.clone() });
        }
        let mut handle = connected.map_err(before_login)?;
        let key = PrivateKeyWithHashAlg::new(self.key.private(), None);
        let answer = handle.authenticate_publickey(user, key).await.map_err(before_login)?;
        if !answer.success() {
            return Err(SshError::AuthRefused);
        }
        let host_key =
            shown.ok_or_else(|| SshError::Protocol("the server showed no key".into()))?;
        Ok(Shell::new(handle, host_key, over, self.clone(), endpoint.clone(), user.to_owned()))
    }
}

/// A server that hangs up before we are in is one that can't be reached.
fn before_login(error: russh::Error) -> SshError {
    match SshError::from(error) {
        SshError::Closed => SshError::Unreachable("the server hung up".into()),
        other => other,
    }
}

/// Our side of a connection: accepts the expected key and nothing else.
pub(super) struct Client {
    expected: HostKey,
    shown: Arc<Mutex<Option<String>>>,
    /// Dropped with the connection's task; tells [`Shell::closed`].
    _over: DropGuard,
}

impl Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        // Certificates are not pinned by anyone and not accepted.
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        let mut key = key.clone();
        key.set_comment("");
        let line =
            key.to_openssh().map_err(|error| russh::Error::Keys(error.into()))?.trim().to_owned();
        if line.len() > KEY {
            return Ok(false);
        }
        let accepted = match &self.expected {
            HostKey::Pinned(expected) => *expected == line,
            HostKey::Learn => true,
        };
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
        Ok(accepted)
    }
}
