//! A standby and a GPU, prepared for each other, and their files as seen from outside.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use domain::gpu::Endpoint;
use domain::id::Epoch;
use engine::data::{self, CycleOutcome, CycleReport, CycleRequest, DataError};
use providers::ssh::{Dialer, HostKey, KeyPair, Script, Shell};
use sandbox::host::{HostKind, HostSpec, Hosts};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

/// For things that must happen; long, because the machine may be busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// The workspace of all tests but those that choose another.
pub(crate) const WORKSPACE: &str = "/workspace";
/// Read by every shell on a host before it does anything; not there unless a test writes it.
pub(crate) const START_UP: &str = "/opt/start-up";
pub(crate) const EPOCH: Epoch = Epoch(3);

/// One host.
pub(crate) struct Host {
    pub(crate) id: String,
    pub(crate) at: Endpoint,
    pub(crate) shell: Shell,
    root: PathBuf,
}

impl Host {
    /// A path of the host's, seen from outside.
    pub(crate) fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        let inside = inside.as_ref();
        self.root.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    pub(crate) fn write(&self, inside: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path(inside);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, content).expect("written");
    }

    /// All that is in a folder: path, and what it is.
    pub(crate) fn tree(&self, inside: impl AsRef<Path>) -> BTreeMap<Vec<u8>, Entry> {
        let root = self.path(inside);
        let mut found = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let (path, meta) = (entry.path(), entry.metadata().expect("metadata"));
                let name =
                    path.strip_prefix(&root).expect("inside").as_os_str().as_bytes().to_vec();
                let content = if meta.is_dir() {
                    folders.push(path);
                    Vec::new()
                } else if meta.is_symlink() {
                    std::fs::read_link(&path).expect("a target").into_os_string().into_vec()
                } else {
                    std::fs::read(&path).expect("a content")
                };
                let time = if meta.is_file() { (meta.mtime(), meta.mtime_nsec()) } else { (0, 0) };
                found.insert(name, Entry { mode: meta.mode(), time, content });
            }
        }
        found
    }

    /// Runs something there that must work.
    pub(crate) async fn run(&self, script: &'static str) -> String {
        let output = self.shell.run(&Script::bash(script), None, DEADLINE).await.expect("it runs");
        assert!(output.exit.success(), "{script}: {} {}", output.text(), output.stderr);
        output.text().trim().to_owned()
    }
}

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) mode: u32,
    pub(crate) time: (i64, i64),
    pub(crate) content: Vec<u8>,
}

/// A standby that follows a GPU.
pub(crate) struct Rig {
    pub(crate) hosts: Hosts,
    pub(crate) standby: Host,
    pub(crate) gpu: Host,
    pub(crate) workspace: String,
    standby_key: String,
    key: KeyPair,
    _folder: TempDir,
    _guard: DropGuard,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::at(WORKSPACE).await
    }

    /// With another workspace.
    pub(crate) async fn at(workspace: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let token = CancellationToken::new();
        let hosts = Hosts::new(folder.path().join("hosts"), host_program(), 2222, token.clone())
            .expect("hosts");
        let key = KeyPair::generate().expect("a key");
        let standby = boot(&hosts, &key, "standby", HostKind::Standby).await;
        let gpu = boot(&hosts, &key, "gpu", HostKind::Gpu).await;
        let facts = data::prepare_standby(&standby.shell).await.expect("the standby is prepared");
        let rig = Self {
            hosts,
            standby,
            gpu,
            workspace: workspace.into(),
            standby_key: facts.public_key,
            key,
            _folder: folder,
            _guard: token.drop_guard(),
        };
        rig.prepare(&rig.gpu).await;
        rig.trust(&rig.gpu, EPOCH).await.expect("the GPU is trusted");
        rig
    }

    async fn prepare(&self, gpu: &Host) {
        data::prepare_gpu(&gpu.shell, &self.standby_key, Some(&self.workspace))
            .await
            .expect("the GPU is prepared");
    }

    /// Another GPU, ready to receive.
    pub(crate) async fn new_gpu(&self, id: &str) -> Host {
        let gpu = boot(&self.hosts, &self.key, id, HostKind::Gpu).await;
        self.prepare(&gpu).await;
        gpu
    }

    pub(crate) async fn trust(&self, gpu: &Host, epoch: Epoch) -> Result<(), DataError> {
        data::trust_gpu(&self.standby.shell, &gpu.at, gpu.shell.host_key(), epoch).await
    }

    pub(crate) fn request(&self, cycle: &str) -> CycleRequest {
        CycleRequest {
            workspace: self.workspace.clone(),
            endpoint: self.gpu.at.clone(),
            epoch: EPOCH,
            cycle: cycle.into(),
            max_delete_percent: 30,
            accepted_deletions: None,
        }
    }

    pub(crate) async fn cycle(&self, cycle: &str) -> Result<CycleReport, DataError> {
        data::cycle(&self.standby.shell, &self.request(cycle)).await
    }

    /// A sync that must be whole.
    pub(crate) async fn synced(&self, cycle: &str) -> CycleReport {
        let report = self.cycle(cycle).await.expect("a report");
        assert_eq!(report.outcome, CycleOutcome::Ok);
        report
    }

    pub(crate) fn assert_same(&self) {
        assert_same(&self.gpu.tree(&self.workspace), &self.standby.tree(&self.workspace));
    }

    pub(crate) async fn restore(
        &self,
        source: &str,
        gpu: &Host,
    ) -> domain::failover::RestoreOutput {
        data::restore(&self.standby.shell, source, &gpu.at, gpu.shell.host_key(), &self.workspace)
            .await
            .expect("it is restored")
    }
}

async fn boot(hosts: &Hosts, key: &KeyPair, id: &str, kind: HostKind) -> Host {
    let spec = HostSpec {
        keys: vec![key.public_line()],
        env: vec![("BASH_ENV".into(), START_UP.into())],
        ..HostSpec::new(id, kind)
    };
    hosts.create(spec).await.expect("a host");
    // bash that an SSH server runs reads this and not what BASH_ENV names.
    let root = hosts.root_folder(id).expect("a folder");
    let line = format!("[ ! -r {START_UP} ] || . {START_UP}\n");
    std::fs::write(root.join("root/.bashrc"), line).expect("written");
    let at = hosts.boot(id).await.expect("it boots");
    let at = Endpoint { host: at.addr.to_string(), port: at.port };
    let dialer = Dialer::new(key.clone());
    let shell = dialer.connect(&at, "root", HostKey::Learn, DEADLINE).await.expect("a shell");
    Host { id: id.into(), at, shell, root }
}

/// Says where two trees differ instead of printing both.
pub(crate) fn assert_same(a: &BTreeMap<Vec<u8>, Entry>, b: &BTreeMap<Vec<u8>, Entry>) {
    let names: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
    let differ: Vec<String> = names
        .into_iter()
        .filter(|name| a.get(*name) != b.get(*name))
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    assert!(differ.is_empty(), "{} of {} differ: {differ:?}", differ.len(), a.len());
}

/// Polls until it is so.
pub(crate) async fn eventually(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !so().await {
        assert!(start.elapsed() < DEADLINE, "it never was so: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Names that have broken tools before, all of them allowed.
pub(crate) fn nasty_names() -> Vec<PathBuf> {
    let names: [&[u8]; 16] = [
        b"plain.txt",
        b" lead and trail ",
        b"two\nlines\n",
        b"it's \"quoted\"",
        b"-rf",
        b"--delete",
        b"*?[a-z]",
        b"$(touch x)`id`;&|<>",
        b"back\\slash\\n",
        b"\\#012 looks escaped",
        b"tab\tand\x01control\x1b[31m",
        "ação 🚀 日本語".as_bytes(),
        b"not utf-8 \xff\xfe",
        b"outcome=ok",
        b"Number of files: 7",
        b"....",
    ];
    names.iter().map(|name| PathBuf::from(OsStr::from_bytes(name))).collect()
}

/// Sets the rights of a file.
pub(crate) fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("rights");
}

/// The sandbox's binary: the one that is named, or the one that the workspace's tests have built, or
/// one built now.
fn host_program() -> PathBuf {
    if let Some(program) = std::env::var_os("DUMONT_SANDBOX_BIN") {
        return program.into();
    }
    let own = std::env::current_exe().expect("a path");
    let program = own.ancestors().nth(2).expect("target/debug/deps/test").join("dumont-sandbox");
    if !program.is_file() {
        let built = std::process::Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "sandbox", "--bin", "dumont-sandbox"])
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the sandbox can't be built");
    }
    program
}
