//! The registry of hosts: everything that a provider may do with one.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::files::Folder;
use super::ground::Ground;
use super::image::Image;
use super::launcher::Launcher;
use super::one::{Host, io};
use super::{Endpoint, HostError, HostRecord, HostSpec, Life, Net, Published, address, copy, disk};

/// How often the files of a host that nobody knows are erased, a tenth of a second apart.
const ERASE_TRIES: usize = 50;

/// All hosts of one sandbox; cheap to clone.
#[derive(Debug, Clone)]
pub struct Hosts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    standby_port: u16,
    launcher: Launcher,
    all: Mutex<HashMap<String, Arc<Host>>>,
    /// Work on files, which goes on to its end when the request for it is given up.
    files: TaskTracker,
}

impl Hosts {
    /// Makes ready to run hosts in `folder`, with `program` (this crate's
    /// binary) inside each. They all end on the token.
    ///
    /// # Errors
    /// When hosts can't run on this machine.
    pub fn new(
        folder: PathBuf,
        program: PathBuf,
        standby_port: u16,
        token: CancellationToken,
    ) -> Result<Self, HostError> {
        std::fs::create_dir_all(&folder).map_err(io("making the folder of the hosts"))?;
        let folder = folder.canonicalize().map_err(io("making the folder of the hosts"))?;
        let launcher = Launcher::start(program, token)?;
        raise_file_limit();
        Ok(Self(Arc::new(Inner {
            folder,
            standby_port,
            launcher,
            all: Mutex::default(),
            files: TaskTracker::new(),
        })))
    }

    /// Makes a host's files and address. It is not running yet, and its
    /// address refuses.
    ///
    /// # Errors
    /// [`HostError::Exists`], [`HostError::BadId`], [`HostError::Image`], [`HostError::Unable`] for a disk
    /// that can't be had here, or the file system's.
    pub async fn create(&self, spec: HostSpec) -> Result<Endpoint, HostError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if spec.id.is_empty() || spec.id.len() > 64 || !spec.id.bytes().all(allowed) {
            return Err(HostError::BadId(spec.id));
        }
        if self.lock().contains_key(&spec.id) {
            return Err(HostError::Exists(spec.id));
        }
        let id = spec.id.clone();
        let image = Image::named(&spec.image)?;
        let disk_bytes = spec.disk_bytes.map(|bytes| bytes.max(disk::SMALLEST));
        if disk_bytes.is_some() && !Ground::can_mount() {
            return Err(HostError::Unable("a disk of its own needs root".into()));
        }
        let folder = Folder::new(&self.0.folder, &id);
        let held =
            address::take(spec.kind, self.0.standby_port).map_err(io("taking an address"))?;
        let record = HostRecord {
            id: id.clone(),
            kind: spec.kind,
            endpoint: held.0,
            life: Life::Halted,
            net: Net::Refuse,
            image: spec.image,
            disk_bytes,
            ports: spec.ports.iter().map(|port| Published { inside: *port, outside: 0 }).collect(),
        };
        let make = move || {
            folder.erase()?;
            folder.write_gpus(spec.gpus.as_ref())?;
            folder.make(&spec.id, &image, disk_bytes)?;
            folder.write_keys(&spec.keys)?;
            folder.write_boot_script(spec.boot_script.as_deref())?;
            folder.write_env(&spec.env)
        };
        self.blocking(make).await.map_err(io("making a host's files"))?;
        let host = Host::open(&self.0.folder, record, held)?;
        let endpoint = host.record().endpoint;
        match self.lock().entry(id) {
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(host),
            std::collections::hash_map::Entry::Occupied(entry) => {
                return Err(HostError::Exists(entry.key().clone()));
            }
        };
        Ok(endpoint)
    }

    /// Starts a host unless it runs already, and waits until its SSH server
    /// answers (tens of milliseconds). The boot script then runs by itself.
    /// The network is up afterwards.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::Silent`], or a process' or file's.
    pub async fn boot(&self, id: &str) -> Result<Endpoint, HostError> {
        self.get(id)?.boot(&self.0.launcher).await
    }

    /// Shuts a host down in order: the tree is killed, files are kept,
    /// connections are reset and its address refuses. Does nothing to one
    /// that does not run.
    ///
    /// # Errors
    /// [`HostError::Unknown`], or the network's.
    pub async fn halt(&self, id: &str) -> Result<(), HostError> {
        self.get(id)?.halt().await
    }

    /// Kills a host as a power cut does: first its network is a black hole,
    /// then the tree is gone. Files are kept.
    ///
    /// # Errors
    /// [`HostError::Unknown`], or the network's.
    pub async fn kill(&self, id: &str) -> Result<(), HostError> {
        self.get(id)?.kill().await
    }

    /// Kills a host and erases its files. Fine when there is none.
    ///
    /// # Errors
    /// When its files can't be erased.
    pub async fn destroy(&self, id: &str) -> Result<(), HostError> {
        let Some(host) = self.lock().remove(id) else { return Ok(()) };
        host.finish().await;
        let folder = host.folder().clone();
        self.blocking(move || folder.erase()).await.map_err(io("erasing a host's files"))
    }

    /// Replaces the keys that may log in, from the next login on.
    ///
    /// # Errors
    /// [`HostError::Unknown`], or the file system's.
    pub async fn set_keys(&self, id: &str, keys: Vec<String>) -> Result<(), HostError> {
        let folder = self.get(id)?.folder().clone();
        self.blocking(move || folder.write_keys(&keys)).await.map_err(io("writing a host's keys"))
    }

    /// Replaces the script that runs at every boot.
    ///
    /// # Errors
    /// [`HostError::Unknown`], or the file system's.
    pub async fn set_boot_script(&self, id: &str, script: Option<String>) -> Result<(), HostError> {
        let folder = self.get(id)?.folder().clone();
        self.blocking(move || folder.write_boot_script(script.as_deref()))
            .await
            .map_err(io("writing a host's boot script"))
    }

    /// Replaces the environment, from the next boot on.
    ///
    /// # Errors
    /// [`HostError::Unknown`], or the file system's.
    pub async fn set_env(&self, id: &str, env: Vec<(String, String)>) -> Result<(), HostError> {
        let folder = self.get(id)?.folder().clone();
        self.blocking(move || folder.write_env(&env)).await.map_err(io("writing an environment"))
    }

    /// Fills a running host's own disk until `left` bytes are free.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::NotRunning`], [`HostError::SharedDisk`], or the file
    /// system's.
    pub async fn fill_disk(&self, id: &str, left: u64) -> Result<(), HostError> {
        self.get(id)?.fill(Some(left)).await
    }

    /// Gives the room back.
    ///
    /// # Errors
    /// As for [`Self::fill_disk`].
    pub async fn empty_disk(&self, id: &str) -> Result<(), HostError> {
        self.get(id)?.fill(None).await
    }

    /// Whether files in hosts can belong to others than their root, on this machine.
    #[must_use]
    pub fn have_users(&self) -> bool {
        self.0.launcher.ground().has_users()
    }

    /// Whether hosts can have disks of their own, on this machine.
    #[must_use]
    pub fn can_have_disks(&self) -> bool {
        Ground::can_mount()
    }

    /// Sets what the network lets through.
    ///
    /// # Errors
    /// [`HostError::Unknown`]; [`HostError::NotRunning`] for [`Net::Up`] to a
    /// host that does not run.
    pub async fn net(&self, id: &str, net: Net) -> Result<(), HostError> {
        self.get(id)?.net(net).await
    }

    /// Stops every process where it is; the network stays as it is.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::NotRunning`].
    pub async fn freeze(&self, id: &str) -> Result<(), HostError> {
        self.get(id)?.freeze(true).await
    }

    /// Lets a frozen host go on.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::NotRunning`].
    pub async fn thaw(&self, id: &str) -> Result<(), HostError> {
        self.get(id)?.freeze(false).await
    }

    /// Gives a host that does not run a new port (GPU) or a new address
    /// (standby), as the providers do between a stop and a start.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::StillRunning`], or the network's.
    pub async fn remap(&self, id: &str) -> Result<(), HostError> {
        self.get(id)?.remap(self.0.standby_port).await
    }

    /// Ends every host at once, for good in this process; files are kept. What is still being done to
    /// any is waited for, so that whoever comes after finds them at rest.
    pub(crate) async fn end_all(&self) {
        let hosts: Vec<Arc<Host>> = self.lock().drain().map(|(_, host)| host).collect();
        futures::future::join_all(hosts.iter().map(|host| host.finish())).await;
        self.0.launcher.close().await;
        self.0.files.close();
        self.0.files.wait().await;
    }

    pub(crate) fn save(&self) -> Vec<HostRecord> {
        self.lock().values().map(|host| host.record()).collect()
    }

    /// Takes over the hosts of an earlier run. None is running; a host keeps
    /// its address if it is still free. Files of unknown hosts are erased.
    pub(crate) async fn load(&self, records: Vec<HostRecord>) -> Result<(), HostError> {
        for mut record in records {
            let held = address::hold(record.endpoint)
                .or_else(|_| address::take(record.kind, self.0.standby_port))
                .map_err(io("taking an address"))?;
            let was_dead = record.life == Life::Dead;
            record.life = Life::Halted;
            let id = record.id.clone();
            let host = Host::open(&self.0.folder, record, held)?;
            if was_dead {
                host.kill().await?;
            }
            self.lock().insert(id, host);
        }
        let entries = std::fs::read_dir(&self.0.folder).map_err(io("reading the hosts' folder"))?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !self.lock().contains_key(&name) {
                let folder = Folder::new(&self.0.folder, &name);
                erase_lost(&folder).await.map_err(io("erasing a lost host"))?;
            }
        }
        Ok(())
    }

    /// Runs one program with the host's files before it, beside the host and whether that runs or
    /// not; gives what it printed, bounded in time and size.
    ///
    /// # Errors
    /// [`HostError::Unknown`], or the process's.
    pub async fn run(&self, id: &str, words: Vec<String>) -> Result<String, HostError> {
        let host = self.get(id)?;
        self.0.launcher.run(&host, words).await
    }

    /// Copies what is at `path` in one host into the folder `into` of another, as rsync's `-a` does: with
    /// a slash at its end only what is in the folder. Neither needs to run.
    ///
    /// # Errors
    /// [`HostError::Unknown`], or what the programs said.
    pub async fn copy(
        &self,
        from: &str,
        path: &str,
        to: &str,
        into: &str,
    ) -> Result<(), HostError> {
        let (from, to) = (self.get(from)?, self.get(to)?);
        let out = copy::Side { host: &from, path };
        self.0.launcher.copy(out, copy::Side { host: &to, path: into }).await
    }

    /// Makes the files of a host anew, its keys and boot script kept, as when its container is made
    /// again from its image. It must not be running.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::StillRunning`], or the file system's.
    pub async fn renew(&self, id: &str) -> Result<(), HostError> {
        let host = self.get(id)?;
        if matches!(host.record().life, Life::Up | Life::Frozen) {
            return Err(HostError::StillRunning(id.to_owned()));
        }
        let (folder, id) = (host.folder().clone(), id.to_owned());
        let (image, disk_bytes) = (host.image().clone(), host.record().disk_bytes);
        let renew = move || folder.renew(&id, &image, disk_bytes);
        self.blocking(renew).await.map_err(io("making a host's files anew"))
    }

    /// Gives a host that does not run the host key that an image brings along.
    ///
    /// # Errors
    /// [`HostError::Unknown`], or the file system's.
    pub async fn bake_key(&self, id: &str, image: &str) -> Result<(), HostError> {
        let (folder, image) = (self.get(id)?.folder().clone(), image.to_owned());
        self.blocking(move || folder.bake_key(&image)).await.map_err(io("baking a host's key"))
    }

    /// Work on files, beside the runtime's threads.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> std::io::Result<T> {
        self.0.files.spawn_blocking(work).await.map_err(std::io::Error::other)?
    }

    /// One of them.
    pub(super) fn get(&self, id: &str) -> Result<Arc<Host>, HostError> {
        self.lock().get(id).cloned().ok_or_else(|| HostError::Unknown(id.to_owned()))
    }

    /// All of them.
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Host>>> {
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A host takes about five open files here and each connection two, which is
/// soon more than the usual 1024. What can't be raised is left.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit on open files is not raised");
    }
}

/// Erases a host's files, again while a process of it that is still ending leaves some behind.
async fn erase_lost(folder: &Folder) -> std::io::Result<()> {
    for _ in 0..ERASE_TRIES {
        match folder.erase() {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            ended => return ended,
        }
    }
    folder.erase()
}
