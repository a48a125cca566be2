//! Starting and stopping a sandbox.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::account::{Credentials, FIRST_CREDIT_MICRO, KeyError};
use crate::gcp::Gcp;
use crate::host::{HostError, Hosts};
use crate::options::{Disks, Options};
use crate::snapshot::{self, SnapshotError};
use crate::vast::Vast;
use crate::world::World;
use crate::{admin, console};

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder can't be made or written.
    #[error("the data folder {path}")]
    Data {
        /// Which folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The address is taken or not ours.
    #[error("listening on {address}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The earlier state is unreadable.
    #[error("the saved state is unreadable")]
    State(#[from] SnapshotError),
    /// The first account could not be made.
    #[error("the first account could not be made")]
    Account(#[from] KeyError),
    /// Hosts can't run on this machine.
    #[error("hosts can't run on this machine")]
    Hosts(#[from] HostError),
}

/// The way to start one.
#[derive(Debug, Clone, Copy)]
pub struct Sandbox;

/// A sandbox that is serving. Dropping it stops it without waiting; call
/// [`Running::stop`] to have the state saved and every host gone.
pub struct Running {
    /// Where it listens, without a slash at the end.
    pub url: String,
    /// Everything in it.
    pub world: World,
    /// The first account's secrets.
    pub credentials: Credentials,
    server: JoinHandle<()>,
    _guards: [DropGuard; 2],
}

impl Sandbox {
    /// Starts serving; returns when requests are answered and the hosts of an
    /// earlier run are being booted again.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let token = CancellationToken::new();
        make_folder(&options.data)?;
        let address = options.listen;
        let listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let url = format!("http://{}", listener.local_addr().map_err(listen)?);

        let program = host_program(&options)?;
        let folder = options.data.join("hosts");
        let hosts_token = CancellationToken::new();
        let hosts = Hosts::new(folder, program, options.standby_port, hosts_token.clone())?;
        if options.disks == Disks::Own && !hosts.can_have_disks() {
            let why = "disks of their own need root".to_owned();
            return Err(StartError::Hosts(HostError::Unable(why)));
        }
        let world = World::new(options, hosts, token.clone());
        world.set_url(url.clone());
        snapshot::load(&world).await?;
        let credentials = first_account(&world).await?;
        Vast::resume(&world).await;
        Gcp::resume(&world).await;
        for armed in world.faults().armed(world.now_ms()) {
            if armed.name.acts_on_host() {
                admin::act::carry_out(&world, &armed).await;
            }
        }
        world.spawn(snapshot::keep(world.clone()));
        snapshot::store(&world)?;
        let server = tokio::spawn(serve(listener, router(world.clone()), token.clone()));
        let guards = [token.drop_guard(), hosts_token.drop_guard()];
        Ok(Running { url, world, credentials, server, _guards: guards })
    }
}

impl Running {
    /// Ends when the sandbox stops by itself, which it only does on an error.
    pub async fn ended(&mut self) {
        let _ = (&mut self.server).await;
    }

    /// Stops serving, saves the state and ends every host; files are kept.
    pub async fn stop(self) {
        self.world.token().cancel();
        self.world.tracker().close();
        self.world.tracker().wait().await;
        if let Err(error) = snapshot::store(&self.world) {
            tracing::error!(%error, "the state is not saved");
        }
        self.world.hosts().end_all().await;
        self.server.abort();
        let _ = self.server.await;
    }
}

fn router(world: World) -> Router {
    Router::new()
        .merge(Vast::router())
        .merge(Gcp::router())
        .nest("/_sandbox", admin::router())
        .merge(console::router())
        .with_state(world)
}

async fn serve(listener: TcpListener, router: Router, token: CancellationToken) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service)
        .with_graceful_shutdown(async move { token.cancelled().await });
    if let Err(error) = serving.await {
        tracing::error!(%error, "serving ended");
    }
}

/// The first account's secrets, made now if this is the first start.
async fn first_account(world: &World) -> Result<Credentials, StartError> {
    let path = world.options().data.join("credentials.json");
    let fail = |source| StartError::Data { path: path.clone(), source };
    let earlier = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let known = |found: &Credentials| world.accounts().by_id(found.account_id).is_some();
    let mut credentials = match earlier.filter(known) {
        Some(found) => found,
        None => {
            let copy = world.clone();
            let make = move || copy.accounts().create(None, FIRST_CREDIT_MICRO, copy.url());
            let made = tokio::task::spawn_blocking(make).await;
            made.map_err(|error| fail(std::io::Error::other(error)))??.1
        }
    };
    credentials.aim_at(world.url());
    let text = serde_json::to_vec_pretty(&credentials).map_err(|error| fail(error.into()))?;
    snapshot::replace(&path, &text).map_err(fail)?;
    Ok(credentials)
}

fn make_folder(path: &Path) -> Result<(), StartError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| StartError::Data { path: path.to_owned(), source })
}

/// The binary that runs inside each host: as told, or this one, or the one
/// that was built beside this one (for tests).
fn host_program(options: &Options) -> Result<PathBuf, StartError> {
    const NAME: &str = "dumont-sandbox";
    if let Some(program) = &options.host_program {
        return Ok(program.clone());
    }
    let fail = |source| StartError::Data { path: PathBuf::from(NAME), source };
    let own = std::env::current_exe().map_err(fail)?;
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join(NAME));
    let found = beside.into_iter().find(|path| path.is_file());
    found.ok_or_else(|| fail(std::io::ErrorKind::NotFound.into()))
}
