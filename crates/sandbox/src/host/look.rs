//! What can be asked of a host without changing it.

use std::path::PathBuf;
use std::sync::Arc;

use super::one::{Host, io};
use super::table::Table;
use super::{Endpoint, HostError, Hosts, Life, Net, Published, Usage, Usages};

impl Hosts {
    /// What it publishes, and where.
    #[must_use]
    pub fn ports(&self, id: &str) -> Vec<Published> {
        self.get(id).map(|host| host.record().ports).unwrap_or_default()
    }

    /// Where the host is, or was last, reached.
    #[must_use]
    pub fn endpoint(&self, id: &str) -> Option<Endpoint> {
        Some(self.get(id).ok()?.record().endpoint)
    }

    /// How its processes are.
    #[must_use]
    pub fn life(&self, id: &str) -> Option<Life> {
        Some(self.get(id).ok()?.record().life)
    }

    /// How its network is.
    #[must_use]
    pub fn net_of(&self, id: &str) -> Option<Net> {
        Some(self.get(id).ok()?.record().net)
    }

    /// What it uses now; all zero for one that does not exist.
    pub async fn usage(&self, id: &str) -> Usage {
        let Ok(host) = self.get(id) else { return Usage::default() };
        let folder = host.folder().clone();
        let usage = host.usage(&Table::read()).await;
        let disk_bytes = self.blocking(move || Ok(folder.disk_bytes())).await.ok();
        Usage { disk_bytes, ..usage }
    }

    /// What every host uses now, with one look at the process table. The disk
    /// is only looked at when asked for: that reads every folder.
    pub async fn usages(&self, with_disk: bool) -> Usages {
        let hosts: Vec<(String, Arc<Host>)> =
            self.lock().iter().map(|(id, host)| (id.clone(), Arc::clone(host))).collect();
        let table = Table::read();
        let mut usages = Usages::new();
        for (id, host) in hosts {
            let mut usage = host.usage(&table).await;
            if with_disk {
                let folder = host.folder().clone();
                usage.disk_bytes = self.blocking(move || Ok(folder.disk_bytes())).await.ok();
            }
            usages.insert(id, usage);
        }
        usages
    }

    /// The end of what the host and its boot script printed.
    ///
    /// # Errors
    /// [`HostError::Unknown`], or the file system's.
    pub async fn console(&self, id: &str) -> Result<String, HostError> {
        let folder = self.get(id)?.folder().clone();
        self.blocking(move || folder.console()).await.map_err(io("reading a host's console"))
    }

    /// The folder of a host's own files, as seen from outside: what it has at
    /// `/workspace` is at `workspace` in here. For a host with a disk of its own this is
    /// [`Self::files`].
    ///
    /// # Errors
    /// [`HostError::Unknown`].
    pub fn root_folder(&self, id: &str) -> Result<PathBuf, HostError> {
        Ok(self.get(id)?.folder().root())
    }

    /// A running host's files as seen from outside, wherever they are.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::NotRunning`] for a disk of its own that is not mounted.
    pub async fn files(&self, id: &str) -> Result<PathBuf, HostError> {
        self.get(id)?.files().await
    }
}
