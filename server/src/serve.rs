//! The server's life: open, listen, act, and end so that the next start goes on.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use domain::time::Clock as _;
use engine::Engine;
use store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::clock::SystemClock;
use crate::config::{Common, Serving};
use crate::dumont::{Dumont, Parts, Site};
use crate::http::limit::{LoginLimiter, LoginLimits};
use crate::http::link_limit::LinkLimiter;
use crate::http::listener::{self, Bounds};
use crate::http::router;
use crate::kept::Kept;
use crate::lifecycle::Shutdown;
use crate::service::environment::{self, Environment};
use crate::service::password::Passwords;
use crate::service::readiness::Recent;
use crate::service::setup::SetupToken;
use crate::{descriptors, housekeeping, telemetry, web};

/// Opens the database and puts a control plane together; nothing acts yet.
///
/// # Errors
/// The key or the database can't be used.
pub async fn open(common: &Common, site: Site, soft: CancellationToken) -> anyhow::Result<Dumont> {
    let url = common.database_url();
    if let Some(path) = url.strip_prefix("sqlite:") {
        crate::config::make_parent(std::path::Path::new(path.trim_start_matches("//")))
            .context("the folder of the database can't be made")?;
    }
    let keyring = common.keyring().context("the master key can't be used")?;
    let store = Store::open(&url, keyring).await.context("the database can't be opened")?;
    assemble(common, site, soft, store)
}

/// The same on a database that is there, without changing it.
///
/// # Errors
/// As [`open`], and when the schema is not this program's.
pub async fn look(common: &Common, site: Site) -> anyhow::Result<Dumont> {
    let keyring = common.keyring().context("the master key can't be used")?;
    let store = Store::open_unchanged(&common.database_url(), keyring)
        .await
        .context("the database can't be opened")?;
    assemble(common, site, CancellationToken::new(), store)
}

fn assemble(
    common: &Common,
    site: Site,
    soft: CancellationToken,
    store: Store,
) -> anyhow::Result<Dumont> {
    let clock = Arc::new(SystemClock);
    let engine = Engine::new(store.clone(), common.engine(holder())?, clock.clone());
    Ok(Dumont::new(Parts {
        store,
        engine,
        clock,
        site,
        limiter: LoginLimiter::new(LoginLimits::default()),
        link_limiter: LinkLimiter::default(),
        passwords: Passwords::new()?,
        recent: Recent::default(),
        kept: Kept::default(),
        soft,
    }))
}

/// Runs until a signal ends it.
///
/// # Errors
/// It can't open its database or listen.
pub async fn run(common: Common, serving: Serving) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals().context("signals can't be listened for")?;
    let site = Site {
        public_url: serving.public_url.clone(),
        secure: serving.secure(),
        sandbox: common.sandbox(),
        setup: SetupToken::random(),
        hosts: serving.allowed_hosts.clone(),
        trust_proxy: serving.trust_proxy,
    };
    let bounds = Bounds::of(descriptors::raise(), serving.trust_proxy);
    let dumont = open(&common, site, shutdown.soft.clone()).await?;
    let listener = TcpListener::bind(serving.listen)
        .await
        .with_context(|| format!("can't listen on {}", serving.listen))?;
    let address = listener.local_addr()?;
    let tracker = TaskTracker::new();
    if let Some(admin) = serving.admin_listen {
        listen_for_admin(admin, &dumont.store, &tracker, &shutdown.soft).await?;
    }
    housekeeping::start(&dumont, &tracker, &shutdown.soft);
    let held = Environment {
        vast_api_key: serving.vast_api_key.clone(),
        gcp_file: serving.gcp_file.clone(),
    };
    tracker.spawn(take_environment(dumont.clone(), held, shutdown.soft.clone()));
    dumont.engine.start();
    let application = router::application(&dumont, &web::Site { root: serving.site_root() });
    tracing::info!(%address, sandbox = dumont.site.sandbox, install = dumont.store.install_id(), connections = bounds.total, "listening");

    invite(&dumont, address).await?;
    let served = listener::serve(listener, application, bounds, shutdown.soft.clone());
    tokio::select! {
        () = served => {}
        () = shutdown.hard.cancelled() => {}
    }
    shutdown.soft.cancel();
    tracker.close();
    let rest = async {
        dumont.engine.stop().await;
        tracker.wait().await;
        dumont.store.close().await;
    };
    tokio::select! {
        () = rest => tracing::info!("stopped"),
        () = shutdown.hard.cancelled() => tracing::warn!("stopped at once; the next start continues what was under way"),
    }
    Ok(())
}

/// While there is no account, says where the first one is made: on the standard output, which only
/// whoever runs this process reads.
async fn invite(dumont: &Dumont, address: SocketAddr) -> anyhow::Result<()> {
    if dumont.store.users().count().await? > 0 {
        return Ok(());
    }
    let site = dumont.site.public_url.clone().unwrap_or_else(|| {
        let reached = if address.ip().is_unspecified() {
            SocketAddr::from(([127, 0, 0, 1], address.port()))
        } else {
            address
        };
        format!("http://{reached}")
    });
    // A server whose output nobody takes serves all the same.
    let mut out = std::io::stdout();
    let _ = writeln!(out, "make the first account at {}", dumont.site.setup.address(&site));
    let _ = out.flush();
    Ok(())
}

/// Takes the credentials of the environment at start, and again after each change of accounts.
async fn take_environment(dumont: Dumont, held: Environment, token: CancellationToken) {
    if held.vast_api_key.is_none() && held.gcp_file.is_none() {
        return;
    }
    loop {
        match environment::adopt(&dumont, &held).await {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "credentials of the environment not taken"),
        }
        let accounts = dumont.store.users().count().await.unwrap_or(0);
        if accounts > 0 {
            return;
        }
        tokio::select! {
            () = token.cancelled() => return,
            () = tokio::time::sleep(std::time::Duration::from_secs(1)) => {}
        }
    }
}

/// Metrics on a listener of their own, which is not for the public.
async fn listen_for_admin(
    address: SocketAddr,
    store: &Store,
    tracker: &TaskTracker,
    token: &CancellationToken,
) -> anyhow::Result<()> {
    let handle = telemetry::metrics()?;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("can't listen on {address} for metrics"))?;
    tracing::info!(address = %listener.local_addr()?, "metrics");
    let upkeep = handle.clone();
    let ending = token.clone();
    tracker.spawn(async move {
        while !ending.is_cancelled() {
            upkeep.run_upkeep();
            tokio::select! {
                () = ending.cancelled() => {}
                () = tokio::time::sleep(std::time::Duration::from_secs(5)) => {}
            }
        }
    });
    let store = store.clone();
    let told = move || async move { telemetry::told(&handle, &store, SystemClock.now()).await };
    let routes =
        Router::new().route("/metrics", get(told)).route("/healthz", get(|| async { "ok" }));
    let ending = token.clone();
    tracker.spawn(async move {
        if let Err(error) =
            axum::serve(listener, routes).with_graceful_shutdown(ending.cancelled_owned()).await
        {
            tracing::error!(%error, "metrics listener");
        }
    });
    Ok(())
}

/// This process among those that share a database.
fn holder() -> String {
    format!("{}-{}", std::process::id(), Uuid::new_v4().simple())
}
