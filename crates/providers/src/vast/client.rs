//! The connection to Vast: one HTTP pool and one set of rate limits for the program, one client per
//! account on top.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use domain::provider::{ErrorClass, Provider, ProviderError};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::endpoint::{Endpoint, Gates, Limits};
use super::error::{self, Asked, Purchase, Reply};
use super::names::Names;
use crate::limiter::{Gate, NotYet};
use crate::measured::measured;
use crate::{message, retry};

/// Longest wait for the turn under the rate limits.
const TURN: Duration = Duration::from_secs(30);
/// Longest time that an endpoint is left alone after a 429, whatever it says.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// Longest time to connect.
const CONNECT: Duration = Duration::from_secs(5);
/// Largest reply that is read, bytes.
const LARGEST_REPLY: usize = 16 * 1024 * 1024;
/// How many accounts' limits are kept before those that nobody uses are forgotten.
const MOST_ACCOUNTS: usize = 1024;

/// The connections of this process, by address: Vast counts calls by key and by address, whichever
/// part of the program makes them.
static SHARED: LazyLock<Mutex<HashMap<String, Vast>>> = LazyLock::new(Mutex::default);

/// Vast.ai as this program sees it. Keep one: what it knows about rate limits is worth keeping.
#[derive(Debug, Clone)]
pub struct Vast(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    http: reqwest::Client,
    base: Url,
    limits: Limits,
    /// Searching is limited by address, so all accounts share this one.
    search: Gate,
    /// The models that there are.
    names: Names,
    /// By the hash of the key.
    accounts: Mutex<HashMap<[u8; 32], Arc<Gates>>>,
}

/// Vast.ai for one account. Cheap to clone.
#[derive(Debug, Clone)]
pub struct VastClient {
    vast: Vast,
    key: Arc<SecretString>,
    gates: Arc<Gates>,
}

impl Vast {
    /// Prepares the connection; nothing is sent. `base_url` is [`super::BASE_URL`] or a sandbox's.
    ///
    /// # Errors
    /// `Invalid` when the address is not an http(s) URL or TLS can't be set up.
    pub fn new(base_url: &str, limits: Limits) -> Result<Self, ProviderError> {
        let refused = |message: String| failure("connect", ErrorClass::Invalid, message);
        let base = Url::parse(base_url.trim_end_matches('/'))
            .map_err(|error| refused(error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(refused("the address of Vast.ai must be an http or https URL".into()));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("dumont/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| refused(message::causes(&error)))?;
        Ok(Self(Arc::new(Shared {
            http,
            base,
            limits,
            search: limits.gate(Endpoint::Search),
            names: Names::default(),
            accounts: Mutex::default(),
        })))
    }

    /// The client of the account that this key belongs to. Clients with the same key wait for each
    /// other under its rate limits.
    #[must_use]
    pub fn account(&self, key: SecretString) -> VastClient {
        let id: [u8; 32] = Sha256::digest(key.expose_secret().as_bytes()).into();
        let mut accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= MOST_ACCOUNTS {
            accounts.retain(|_, gates| Arc::strong_count(gates) > 1);
        }
        let gates =
            Arc::clone(accounts.entry(id).or_insert_with(|| Arc::new(Gates::new(self.0.limits))));
        VastClient { vast: self.clone(), key: Arc::new(key), gates }
    }
}

/// One call, ready to be sent.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) operation: &'static str,
    pub(super) endpoint: Endpoint,
    pub(super) method: Method,
    /// From `/api/` on.
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    /// Longest time for all tries together, once the turn has come.
    pub(super) total: Duration,
    /// Calls of the endpoint's allowance that it leaves to others.
    pub(super) kept: usize,
    pub(super) purchase: Option<Purchase>,
}

impl Call {
    pub(super) fn new(
        operation: &'static str,
        endpoint: Endpoint,
        method: Method,
        path: impl Into<String>,
    ) -> Self {
        Self {
            operation,
            endpoint,
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            total: Duration::from_secs(20),
            kept: 0,
            purchase: None,
        }
    }

    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

impl VastClient {
    /// The client of the account that this key belongs to, under Vast's published limits. All such
    /// clients of one process with the same key share these; with the same address, the connections.
    ///
    /// # Errors
    /// As [`Vast::new`].
    pub fn new(base_url: &str, key: SecretString) -> Result<Self, ProviderError> {
        let base_url = base_url.trim_end_matches('/');
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(vast) = shared.get(base_url) {
            return Ok(vast.account(key));
        }
        let vast = Vast::new(base_url, Limits::published())?;
        shared.insert(base_url.to_owned(), vast.clone());
        Ok(vast.account(key))
    }

    /// Sends a call that may be sent again, up to three times.
    pub(super) async fn ask(&self, call: &Call) -> Result<Value, ProviderError> {
        let all = retry::idempotent(|| self.send(call, call.total / 2));
        timeout(TURN + call.total, all)
            .await
            .unwrap_or_else(|_| Err(no_answer(call.operation, TURN + call.total)))
    }

    /// Sends a call exactly once, whatever becomes of it.
    pub(super) async fn ask_once(&self, call: &Call) -> Result<Value, ProviderError> {
        self.send(call, call.total).await
    }

    /// Whether a search that leaves so many calls of the allowance to others would be sent at once.
    #[must_use]
    pub fn can_search_leaving(&self, kept: usize) -> bool {
        self.gates.share.is_open_leaving(0) && self.vast.0.search.is_open_leaving(kept)
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.vast.0.http
    }

    pub(super) fn names(&self) -> &Names {
        &self.vast.0.names
    }

    fn gate(&self, endpoint: Endpoint) -> &Gate {
        self.gates.of(endpoint).unwrap_or(&self.vast.0.search)
    }

    /// Waits for the turn. A search that can wait first needs one of its own account's share, so that
    /// however much one account asks for, it stands in nobody else's way.
    async fn turn(&self, endpoint: Endpoint, kept: usize) -> Result<(), NotYet> {
        let deadline = Instant::now() + TURN;
        if kept == 0 {
            return self.gate(endpoint).pass(deadline).await;
        }
        if endpoint == Endpoint::Search {
            self.gates.share.pass(deadline).await?;
        }
        self.gate(endpoint).pass_leaving(kept, deadline).await
    }

    async fn send(&self, call: &Call, longest: Duration) -> Result<Value, ProviderError> {
        let span =
            tracing::info_span!("provider_call", provider = "vast.ai", operation = call.operation);
        async {
            let gate = self.gate(call.endpoint);
            let turn = self.turn(call.endpoint, call.kept).await;
            turn.map_err(|not_yet| {
                let after_ms = i64::try_from(not_yet.wait.as_millis()).unwrap_or(i64::MAX);
                failure(call.operation, ErrorClass::RateLimited { after_ms }, not_yet.to_string())
            })?;
            let answer = async {
                timeout(longest, self.exchange(call))
                    .await
                    .unwrap_or_else(|_| Err(no_answer(call.operation, longest)))
            };
            let result = measured(Provider::Vast, call.operation, answer).await;
            if let Err(ProviderError { class: ErrorClass::RateLimited { after_ms }, .. }) = &result
            {
                let pause = Duration::from_millis(u64::try_from(*after_ms).unwrap_or(0));
                gate.close_for(pause.min(LONGEST_PAUSE));
            }
            result
        }
        .instrument(span)
        .await
        .map_err(|error| self.without_key(error))
    }

    async fn exchange(&self, call: &Call) -> Result<Value, ProviderError> {
        let shared = &self.vast.0;
        let mut url = shared.base.clone();
        url.set_path(&format!("{}{}", shared.base.path().trim_end_matches('/'), call.path));
        let mut request =
            shared.http.request(call.method.clone(), url).bearer_auth(self.key.expose_secret());
        if !call.query.is_empty() {
            request = request.query(&call.query);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let started = Instant::now();
        let mut response = request.send().await.map_err(|error| cut(call.operation, error))?;
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| cut(call.operation, error))?
        {
            if body.len() + chunk.len() > LARGEST_REPLY {
                return Err(failure(
                    call.operation,
                    ErrorClass::Unexpected,
                    "the reply is too large".into(),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        let status = response.status().as_u16();
        tracing::debug!(
            status,
            bytes = body.len(),
            elapsed_ms = started.elapsed().as_millis(),
            "answered"
        );
        let asked = Asked {
            operation: call.operation,
            penalty_ms: i64::try_from(call.endpoint.penalty().as_millis()).unwrap_or(i64::MAX),
            purchase: call.purchase,
        };
        let reply = Reply { status, headers: response.headers(), body: &body };
        error::read(asked, &reply)
    }

    /// A provider may repeat the key in its own words; nobody else does.
    fn without_key(&self, mut error: ProviderError) -> ProviderError {
        let key = self.key.expose_secret();
        if !key.is_empty() && error.message.contains(key) {
            error.message = error.message.replace(key, "[redacted]");
        }
        error
    }
}

/// A failure without a reply.
pub(super) fn failure(
    operation: &'static str,
    class: ErrorClass,
    message: String,
) -> ProviderError {
    ProviderError {
        provider: Provider::Vast,
        operation: operation.into(),
        class,
        message,
        http_status: None,
        created: None,
    }
}

/// A reply that is JSON and speaks of success, but is not what was asked for.
pub(super) fn unexpected(operation: &'static str, message: impl Into<String>) -> ProviderError {
    ProviderError {
        http_status: Some(200),
        ..failure(operation, ErrorClass::Unexpected, message.into())
    }
}

fn no_answer(operation: &'static str, after: Duration) -> ProviderError {
    failure(operation, ErrorClass::Transient, format!("no answer within {} s", after.as_secs()))
}

fn cut(operation: &'static str, error: reqwest::Error) -> ProviderError {
    let class = if error.is_builder() { ErrorClass::Invalid } else { ErrorClass::Transient };
    failure(operation, class, message::causes(&error.without_url()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn forty_rentals_of_one_account_keep_neither_another_nor_a_failover_waiting() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let vast = Vast::new("http://127.0.0.1:9", Limits::published()).expect("an address");
        let greedy = vast.account(SecretString::from("of one"));
        let other = vast.account(SecretString::from("of another"));
        let began = Instant::now();
        let mut rentals = tokio::task::JoinSet::new();
        for _ in 0..40 {
            let greedy = greedy.clone();
            rentals.spawn(async move { greedy.turn(Endpoint::Search, 2).await });
        }
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        other.turn(Endpoint::Search, 2).await.expect("another account looks");
        greedy.turn(Endpoint::Search, 0).await.expect("a failover of the same account");
        other.turn(Endpoint::Search, 0).await.expect("a failover of another");
        assert_eq!(began.elapsed(), Duration::ZERO);
        let through = rentals.join_all().await.into_iter().filter(Result::is_ok).count();
        assert_eq!(through, 6, "an account's share, and the rest is told when to come back");
    }
}
