//! A host's folder: its own root file system, and its seat.
//!
//! ```text
//! <hosts>/<id>/root/      everything the host can write: /, /root, /workspace …
//! <hosts>/<id>/disk.img   the same, for a host with a disk of its own; mounted on root/ while it runs
//! <hosts>/<id>/seat/      host_key, authorized_keys, boot.sh, env, gpus.json, plan.json, ssh.sock
//! <hosts>/<id>/layer/     what its image has over the machine's /usr
//! <hosts>/<id>/filter     the seccomp program of its image
//! <hosts>/<id>/console.log
//! ```
//! The seat is mounted at `/run/host` inside, which keeps the socket's path
//! short whatever the data folder is called.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{Algorithm, PrivateKey};
use sha2::{Digest as _, Sha256};

use super::container::inside;
use super::image::Image;
use super::{disk, filter, layer, rootfs};
use crate::inside::{GPUS_FILE, Gpus, PLAN_FILE, Plan};

/// Longest piece of the console that is given out, bytes.
const CONSOLE_TAIL: u64 = 64 * 1024;

/// One host's folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn new(hosts: &Path, id: &str) -> Self {
        Self { path: hosts.join(id) }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path.join("root")
    }

    pub(crate) fn seat(&self) -> PathBuf {
        self.path.join("seat")
    }

    pub(crate) fn console_path(&self) -> PathBuf {
        self.path.join("console.log")
    }

    /// The file with its disk, if it has one of its own.
    pub(crate) fn disk(&self) -> PathBuf {
        self.path.join("disk.img")
    }

    /// What its image has over the machine's `/usr`.
    pub(crate) fn layer(&self) -> PathBuf {
        self.path.join("layer")
    }

    /// The seccomp program of its image.
    pub(crate) fn filter(&self) -> PathBuf {
        self.path.join("filter")
    }

    /// Makes the folder with a host key of its own.
    pub(crate) fn make(&self, id: &str, image: &Image, disk: Option<u64>) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.seat())?;
        rootfs::make(&self.root(), id, image)?;
        if image.busybox && self.gpus().exists() {
            let text = layer::nvidia_smi(&inside::by_loader(inside::PROGRAM));
            rootfs::write_program(&self.root().join("usr/bin/nvidia-smi"), &text)?;
        }
        if let Some(bytes) = disk {
            disk::make(&self.disk(), bytes, &self.root())?;
            force_remove(&self.root())?;
            fs::create_dir(self.root())?;
        }
        self.make_key()
    }

    /// Makes the root file system and the host key anew; what is in the seat besides is kept.
    pub(crate) fn renew(&self, id: &str, image: &Image, disk: Option<u64>) -> io::Result<()> {
        force_remove(&self.root())?;
        self.make(id, image, disk)
    }

    fn gpus(&self) -> PathBuf {
        self.seat().join(GPUS_FILE)
    }

    /// Writes down which GPUs it has.
    pub(crate) fn write_gpus(&self, gpus: Option<&Gpus>) -> io::Result<()> {
        let Some(gpus) = gpus else { return Ok(()) };
        DirBuilder::new().recursive(true).mode(0o700).create(self.seat())?;
        write_private(&self.gpus(), &serde_json::to_vec(gpus)?)
    }

    /// Makes what a boot needs, and takes away what a machine loses when it is switched off.
    pub(crate) fn make_ready(&self, image: &Image, own_disk: bool) -> io::Result<()> {
        if !own_disk {
            self.clear_volatile()?;
        }
        self.clear_socket()?;
        force_remove(&self.layer())?;
        let layer = layer::make(&self.layer(), image, self.gpus().exists())?;
        if let Some(refusal) = image.refusal {
            fs::write(self.filter(), filter::program(refusal))?;
        }
        let plan = Plan {
            usr: layer.then(|| inside::LAYER.to_owned()),
            noexec: if image.noexec_tmp { vec!["/tmp".to_owned()] } else { Vec::new() },
            startups: image.startups,
            sessions: image.sessions,
        };
        write_private(&self.seat().join(PLAN_FILE), &serde_json::to_vec(&plan)?)
    }

    fn make_key(&self) -> io::Result<()> {
        let key =
            PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).map_err(io::Error::other)?;
        self.write_host_key(&key)
    }

    /// Gives it the host key that an image brings along: the same for each host made from it.
    pub(crate) fn bake_key(&self, image: &str) -> io::Result<()> {
        let seed: [u8; 32] = Sha256::digest(image.as_bytes()).into();
        self.write_host_key(&PrivateKey::from(Ed25519Keypair::from_seed(&seed)))
    }

    fn write_host_key(&self, key: &PrivateKey) -> io::Result<()> {
        let text = key.to_openssh(LineEnding::LF).map_err(io::Error::other)?;
        write_private(&self.seat().join("host_key"), text.as_bytes())
    }

    /// Takes away what a machine loses when it is switched off. On a disk of its own the first process
    /// of a boot does that.
    fn clear_volatile(&self) -> io::Result<()> {
        for name in ["run", "tmp"] {
            let path = self.root().join(name);
            force_remove(&path)?;
            fs::create_dir_all(&path)?;
        }
        fs::set_permissions(self.root().join("tmp"), Permissions::from_mode(0o1777))
    }

    fn clear_socket(&self) -> io::Result<()> {
        match fs::remove_file(self.seat().join("ssh.sock")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) fn write_keys(&self, keys: &[String]) -> io::Result<()> {
        let mut text = keys.join("\n");
        text.push('\n');
        write_private(&self.seat().join("authorized_keys"), text.as_bytes())
    }

    pub(crate) fn write_boot_script(&self, script: Option<&str>) -> io::Result<()> {
        let path = self.seat().join("boot.sh");
        match script {
            Some(script) => write_private(&path, script.as_bytes()),
            None => match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    pub(crate) fn write_env(&self, env: &[(String, String)]) -> io::Result<()> {
        let text = serde_json::to_vec(env)?;
        write_private(&self.seat().join("env"), &text)
    }

    pub(crate) fn open_console(&self) -> io::Result<fs::File> {
        OpenOptions::new().create(true).append(true).mode(0o600).open(self.console_path())
    }

    /// The end of the console.
    pub(crate) fn console(&self) -> io::Result<String> {
        let mut file = fs::File::open(self.console_path())?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(CONSOLE_TAIL)))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Bytes on disk of all that the host has written.
    pub(crate) fn disk_bytes(&self) -> u64 {
        if self.disk().exists() { disk::used(&self.disk()) } else { disk_bytes(&self.root()) }
    }

    /// Erases everything. What is gone already is fine.
    pub(crate) fn erase(&self) -> io::Result<()> {
        force_remove(&self.path)
    }
}

fn disk_bytes(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    entries
        .flatten()
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)))
        .map(|(path, about)| {
            about.blocks() * 512 + if about.is_dir() { disk_bytes(&path) } else { 0 }
        })
        .sum()
}

/// Removes a tree even where the host has taken permissions away.
fn force_remove(path: &Path) -> io::Result<()> {
    let removed = match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path);
            fs::remove_dir_all(path)
        }
        other => other,
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn open_up(path: &Path) {
    let _ = fs::set_permissions(path, Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_emptied_and_erased() {
        let hosts = tempfile::tempdir().unwrap();
        let folder = Folder::new(hosts.path(), "h-1");
        let image = Image::named("").unwrap();
        folder.make("h-1", &image, None).unwrap();
        assert!(folder.seat().join("host_key").exists());
        fs::write(folder.root().join("tmp/gone"), "x").unwrap();
        fs::write(folder.root().join("workspace/kept"), vec![7; 9000]).unwrap();
        folder.make_ready(&image, false).unwrap();
        assert!(!folder.root().join("tmp/gone").exists());
        assert!(folder.root().join("workspace/kept").exists());
        assert!(folder.disk_bytes() >= 9000);

        let closed = folder.root().join("workspace/closed");
        fs::create_dir_all(closed.join("deep")).unwrap();
        fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
        folder.erase().unwrap();
        assert!(!hosts.path().join("h-1").exists());
        folder.erase().unwrap();
    }
}
