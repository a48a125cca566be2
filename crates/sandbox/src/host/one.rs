//! One host: its folder, its network and, while it runs, its container.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::OFlag;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::carry::Target;
use super::files::Folder;
use super::image::Image;
use super::launcher::{Container, Launcher};
use super::relay::Relay;
use super::table::Table;
use super::{
    Endpoint, HostError, HostKind, HostRecord, Life, Net, Published, Usage, address, carry, disk,
};

/// How long a host may take from its start to an answer of its SSH server.
const BOOT_DEADLINE: Duration = Duration::from_secs(30);
const BOOT_POLL: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(crate) struct Host {
    id: String,
    kind: HostKind,
    folder: Folder,
    image: Image,
    own_disk: bool,
    seat: Arc<File>,
    /// The SSH server's first, then those of the published ports in their order.
    relays: Vec<Relay>,
    /// What can be asked without waiting for an operation under way.
    about: std::sync::Mutex<HostRecord>,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    container: Option<Container>,
    boots: u64,
    watcher: Option<JoinHandle<()>>,
}

impl Host {
    /// A host on an existing folder. It is not running.
    pub(crate) fn open(
        hosts: &Path,
        mut record: HostRecord,
        held: (Endpoint, tokio::net::TcpSocket),
    ) -> Result<Arc<Self>, HostError> {
        let folder = Folder::new(hosts, &record.id);
        let seat = open_folder(&folder.seat()).map_err(io("opening a host's folder"))?;
        let seat = Arc::new(seat);
        record.endpoint = held.0;
        record.net = Net::Refuse;
        let mut relays = vec![Relay::new(held.0, held.1, Target::Seat(Arc::clone(&seat)))];
        for port in &mut record.ports {
            let (at, socket) = hold_port(held.0, port.outside)?;
            port.outside = at.port;
            let inside = SocketAddr::from((held.0.addr, port.inside));
            relays.push(Relay::new(at, socket, Target::Port(inside)));
        }
        Ok(Arc::new(Self {
            id: record.id.clone(),
            kind: record.kind,
            image: Image::named(&record.image)?,
            own_disk: record.disk_bytes.is_some(),
            relays,
            folder,
            seat,
            about: std::sync::Mutex::new(record),
            running: Mutex::default(),
        }))
    }

    pub(crate) fn record(&self) -> HostRecord {
        self.about.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn image(&self) -> &Image {
        &self.image
    }

    pub(crate) fn own_disk(&self) -> bool {
        self.own_disk
    }

    /// Sets what every relay does.
    async fn relay(&self, net: Net, boot: u64) -> std::io::Result<()> {
        for relay in &self.relays {
            relay.set(net, boot).await?;
        }
        Ok(())
    }

    /// Its files as seen from outside. Those on a disk of its own are seen while it runs.
    pub(crate) async fn files(&self) -> Result<PathBuf, HostError> {
        if !self.own_disk {
            return Ok(self.folder.root());
        }
        let running = self.running.lock().await;
        let container = running.container.as_ref().filter(|one| !one.has_ended());
        let files = container.and_then(Container::files);
        files.ok_or_else(|| HostError::NotRunning(self.id.clone()))
    }

    /// Fills its own disk until so many bytes are free, or gives the room back.
    pub(crate) async fn fill(&self, left: Option<u64>) -> Result<(), HostError> {
        if !self.own_disk {
            return Err(HostError::SharedDisk(self.id.clone()));
        }
        let root = self.files().await?;
        let work = move || match left {
            Some(left) => disk::fill(&root, left),
            None => disk::empty(&root),
        };
        let done = tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other);
        done.and_then(|done| done).map_err(io("filling a host's disk"))
    }

    fn set(&self, change: impl FnOnce(&mut HostRecord)) {
        change(&mut self.about.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    pub(crate) async fn boot(self: &Arc<Self>, launcher: &Launcher) -> Result<Endpoint, HostError> {
        let mut running = self.running.lock().await;
        if running.container.as_ref().is_some_and(|container| !container.has_ended()) {
            return Ok(self.record().endpoint);
        }
        self.end(&mut running).await;
        let ready = self.folder.make_ready(&self.image, self.own_disk);
        ready.map_err(io("making a host ready to boot"))?;
        let mut container =
            launcher.launch(&self.id, &self.folder, &self.image, self.own_disk).await?;
        if let Err(error) = self.wait_for_answer(&container).await {
            container.kill().await;
            return Err(error);
        }
        running.boots += 1;
        let boot = running.boots;
        self.relay(Net::Up, boot).await.map_err(io("opening a host's address"))?;
        self.set(|about| (about.life, about.net) = (Life::Up, Net::Up));
        running.watcher = Some(tokio::spawn(Arc::clone(self).note_end(container.watch(), boot)));
        running.container = Some(container);
        Ok(self.record().endpoint)
    }

    async fn wait_for_answer(&self, container: &Container) -> Result<(), HostError> {
        let silent = || HostError::Silent {
            id: self.id.clone(),
            log: self.folder.console().unwrap_or_default(),
        };
        let answer = async {
            while !container.has_ended() {
                if carry::answers(&self.seat).await {
                    return Ok(());
                }
                tokio::time::sleep(BOOT_POLL).await;
            }
            Err(silent())
        };
        tokio::time::timeout(BOOT_DEADLINE, answer).await.unwrap_or_else(|_| Err(silent()))
    }

    /// If the tree ends by itself, the host is dead and the network silent.
    async fn note_end(self: Arc<Self>, mut ended: tokio::sync::watch::Receiver<bool>, boot: u64) {
        let _ = ended.wait_for(|ended| *ended).await;
        let running = self.running.lock().await;
        if running.boots == boot && matches!(self.record().life, Life::Up | Life::Frozen) {
            tracing::info!(host = %self.id, "a host died");
            let _ = self.relay(Net::Cut, boot).await;
            self.set(|about| (about.life, about.net) = (Life::Dead, Net::Cut));
        }
    }

    /// Ends the container, whatever the network says.
    async fn end(&self, running: &mut Running) {
        if let Some(watcher) = running.watcher.take() {
            watcher.abort();
        }
        if let Some(mut container) = running.container.take() {
            container.kill().await;
        }
    }

    pub(crate) async fn halt(&self) -> Result<(), HostError> {
        let mut running = self.running.lock().await;
        let boot = running.boots;
        self.end(&mut running).await;
        self.relay(Net::Refuse, boot).await.map_err(io("closing a host's address"))?;
        self.set(|about| (about.life, about.net) = (Life::Halted, Net::Refuse));
        Ok(())
    }

    /// First the network is a black hole, then the tree is gone.
    pub(crate) async fn kill(&self) -> Result<(), HostError> {
        let mut running = self.running.lock().await;
        let boot = running.boots;
        self.relay(Net::Cut, boot).await.map_err(io("cutting a host's network"))?;
        self.set(|about| (about.life, about.net) = (Life::Dead, Net::Cut));
        self.end(&mut running).await;
        Ok(())
    }

    pub(crate) async fn net(&self, net: Net) -> Result<(), HostError> {
        let running = self.running.lock().await;
        let life = self.record().life;
        if net == Net::Up && matches!(life, Life::Dead | Life::Halted) {
            return Err(HostError::NotRunning(self.id.clone()));
        }
        self.relay(net, running.boots).await.map_err(io("changing a host's network"))?;
        self.set(|about| about.net = net);
        Ok(())
    }

    pub(crate) async fn freeze(&self, frozen: bool) -> Result<(), HostError> {
        let running = self.running.lock().await;
        let Some(container) = running.container.as_ref().filter(|one| !one.has_ended()) else {
            return Err(HostError::NotRunning(self.id.clone()));
        };
        if frozen {
            container.freeze();
        } else {
            container.thaw();
        }
        self.set(|about| about.life = if frozen { Life::Frozen } else { Life::Up });
        Ok(())
    }

    /// A new port (GPU) or a new address (standby). A running host keeps its
    /// old one until it has been halted.
    pub(crate) async fn remap(&self, standby_port: u16) -> Result<(), HostError> {
        let running = self.running.lock().await;
        if running.container.as_ref().is_some_and(|container| !container.has_ended()) {
            return Err(HostError::StillRunning(self.id.clone()));
        }
        let now = self.record().endpoint;
        let held = match self.kind {
            HostKind::Gpu => address::hold(Endpoint { port: 0, ..now }),
            HostKind::Standby => address::take(self.kind, standby_port),
        };
        let (endpoint, socket) = held.map_err(io("taking a new address"))?;
        let mut relays = self.relays.iter();
        if let Some(relay) = relays.next() {
            relay.move_to(endpoint, socket).await;
        }
        let mut ports = self.record().ports;
        for (relay, port) in relays.zip(&mut ports) {
            let (at, socket) = hold_port(endpoint, 0)?;
            relay.move_to(at, socket).await;
            *port = Published { outside: at.port, ..*port };
        }
        self.set(|about| {
            (about.endpoint, about.net, about.ports) = (endpoint, Net::Refuse, ports);
        });
        Ok(())
    }

    /// Ends everything; the folder is left to the caller.
    pub(crate) async fn finish(&self) {
        let mut running = self.running.lock().await;
        self.set(|about| (about.life, about.net) = (Life::Halted, Net::Refuse));
        self.end(&mut running).await;
        for relay in &self.relays {
            relay.end().await;
        }
    }

    /// Processes and memory now; the disk is not looked at.
    pub(crate) async fn usage(&self, table: &Table) -> Usage {
        let running = self.running.lock().await;
        let Some(container) = running.container.as_ref().filter(|one| !one.has_ended()) else {
            return Usage::default();
        };
        let pids = container.processes(table);
        Usage {
            processes: u32::try_from(pids.len()).unwrap_or(u32::MAX),
            rss_bytes: pids.iter().map(|pid| table.rss_bytes(*pid)).sum(),
            disk_bytes: None,
        }
    }
}

/// Takes a port for one that a host publishes: the one from before if it is still free.
fn hold_port(host: Endpoint, before: u16) -> Result<(Endpoint, tokio::net::TcpSocket), HostError> {
    address::hold(Endpoint { port: before, ..host })
        .or_else(|_| address::hold(Endpoint { port: 0, ..host }))
        .map_err(io("taking a port"))
}

/// Opens a folder to reach what is in it, without reading it.
fn open_folder(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
    std::fs::OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

/// Says what was tried.
pub(crate) fn io(what: &'static str) -> impl Fn(std::io::Error) -> HostError {
    move |source| HostError::Io { what: what.to_owned(), source }
}
