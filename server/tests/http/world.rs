//! A running server, and ways to talk to it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use domain::time::{Clock, Millis};
use engine::{Engine, EngineConfig};
use reqwest::{Client, Method, RequestBuilder, Response};
use sandbox::account::Credentials;
use sandbox::{Options, Running, Sandbox};
use serde_json::{Value, json};
use server::clock::SystemClock;
use server::dumont::{Dumont, Parts, Site};
use server::http::limit::{LoginLimiter, LoginLimits};
use server::http::link_limit::LinkLimiter;
use server::http::listener::{self, Bounds};
use server::http::router::application;
use server::kept::Kept;
use server::service::password::Passwords;
use server::service::readiness::Recent;
use server::service::setup::SetupToken;
use server::web;
use store::{Keyring, Store};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::database::Database;

/// How long anything may take before a test gives up on it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// What a test can choose.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choice {
    pub(crate) limits: Option<LoginLimits>,
    pub(crate) public_url: Option<String>,
    pub(crate) site: Option<PathBuf>,
    /// Nothing of `X-Forwarded-For` is believed.
    pub(crate) no_proxy: bool,
}

/// A clock that stands still and goes on as far as it is told to: what a bound lets through, and what has
/// ended by now, is then the same however slow the machine is that a test runs on.
#[derive(Debug)]
pub(crate) struct TestClock {
    shown: AtomicI64,
}

impl TestClock {
    /// Shows the present time, for good.
    fn still() -> Self {
        Self { shown: AtomicI64::new(SystemClock.now().0) }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, ms: i64) {
        self.shown.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        Millis(self.shown.load(Ordering::SeqCst))
    }
}

/// One running server.
pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) dumont: Dumont,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) sandbox: Running,
    pub(crate) database: Database,
    pub(crate) client: Client,
}

impl World {
    pub(crate) async fn start(database: Database) -> Self {
        Self::start_with(database, Choice::default()).await
    }

    pub(crate) async fn start_with(database: Database, choice: Choice) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let mut options = Options::in_dir(database.folder.path().join("sandbox"));
        // These tests rent nothing, so that no host ever runs.
        options.host_program = std::env::current_exe().ok();
        let sandbox = Sandbox::start(options).await.expect("a sandbox");

        let store = Store::open(&database.url, Keyring::random()).await.expect("a store");
        let clock = Arc::new(TestClock::still());
        let config = EngineConfig {
            vast_url: sandbox.url.clone(),
            gcp_endpoint: Some(sandbox.url.clone()),
            sandbox: true,
            ..EngineConfig::default()
        };
        let secure = choice.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
        let dumont = Dumont::new(Parts {
            engine: Engine::new(store.clone(), config, clock.clone()),
            store,
            clock: clock.clone(),
            site: Site {
                public_url: choice.public_url,
                secure,
                sandbox: true,
                setup: SetupToken::random(),
                hosts: vec!["known.example".into()],
                trust_proxy: !choice.no_proxy,
            },
            limiter: LoginLimiter::new(choice.limits.unwrap_or_default()),
            link_limiter: LinkLimiter::default(),
            passwords: Passwords::new().expect("random"),
            recent: Recent::default(),
            kept: Kept::default(),
            soft: CancellationToken::new(),
        });
        let root = choice.site.unwrap_or_else(|| database.folder.path().join("no-site"));
        let url = serve(&dumont, root).await;
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(DEADLINE)
            .build()
            .expect("a client");
        Self { url, dumont, clock, sandbox, database, client }
    }

    /// The address of another process on the same database, with nothing in common but that.
    pub(crate) async fn beside(&self) -> String {
        let beside = Dumont::new(Parts {
            engine: self.dumont.engine.clone(),
            store: self.dumont.store.clone(),
            clock: self.dumont.clock.clone(),
            site: self.dumont.site.clone(),
            limiter: LoginLimiter::new(LoginLimits::default()),
            link_limiter: LinkLimiter::default(),
            passwords: Passwords::new().expect("random"),
            recent: Recent::default(),
            kept: Kept::default(),
            soft: CancellationToken::new(),
        });
        serve(&beside, self.database.folder.path().join("no-site")).await
    }

    /// Logs a person in by the form; the cookie of the session.
    pub(crate) async fn session(&self, email: &str) -> String {
        let form = [("username", email), ("password", crate::people::PASSWORD)];
        let answer = self.post("/login").form(&form).send().await.expect("an answer");
        cookie(&answer).expect("a session")
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.ask(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.ask(Method::POST, path)
    }

    pub(crate) async fn log_in(&self, email: &str, password: &str) -> Response {
        let body = json!({"email": email, "password": password});
        self.post("/api/v1/auth/login").json(&body).send().await.expect("an answer")
    }

    /// Another customer of the sandbox.
    pub(crate) async fn customer(&self) -> Credentials {
        let answer =
            self.client.post(format!("{}/_sandbox/accounts", self.sandbox.url)).send().await;
        answer.expect("an answer").json().await.expect("credentials")
    }

    pub(crate) async fn end(self) {
        self.dumont.engine.stop().await;
        self.dumont.store.close().await;
        self.sandbox.stop().await;
        self.database.end().await;
    }
}

async fn serve(dumont: &Dumont, root: PathBuf) -> String {
    let app = application(dumont, &web::Site { root });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(listener::serve(listener, app, Bounds::of(4_096, true), dumont.soft.clone()));
    url
}

/// The JSON of an answer with an expected status.
pub(crate) async fn body(status: u16, answer: Response) -> Value {
    let got = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    assert_eq!(got, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The session cookie that an answer sets: `dumont_session=…`.
pub(crate) fn cookie(answer: &Response) -> Option<String> {
    let set = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let own = set
        .filter(|line| line.starts_with("dumont_session="))
        .map(|line| line.split(';').next().unwrap_or_default().to_owned());
    own.collect::<Vec<_>>().pop()
}

/// The cookie by which a browser is known that an answer sets: `dumont_browser=…`.
pub(crate) fn browser_cookie(answer: &Response) -> Option<String> {
    let set = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let mut own = set.filter(|line| line.starts_with("dumont_browser="));
    own.next().map(|line| line.split(';').next().unwrap_or_default().to_owned())
}

/// Runs each test on both databases.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::world::World::start(crate::database::Database::sqlite()).await).await;
            }
        )+ }
        mod postgres { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some(database) = crate::database::Database::postgres().await {
                    super::$test(crate::world::World::start(database).await).await;
                }
            }
        )+ }
    };
}
