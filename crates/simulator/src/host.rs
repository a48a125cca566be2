//! The hosts: what the engine's scripts do there, by their names. What each refuses, the real one refuses:
//! above all an epoch that is over, and a GPU that the standby does not follow.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::gpu::Endpoint;
use engine::ports::Hosts;
use providers::ssh::{Exit, HostKey, Line, RemoteProcess, Script, Shell, SshError};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::outside::Reach;
use crate::world::{Content, Host, World};

/// The way to hosts of one process.
#[derive(Debug, Clone)]
pub(crate) struct Ways(pub(crate) Reach);

#[async_trait]
impl Hosts for Ways {
    async fn connect(
        &self,
        endpoint: &Endpoint,
        _user: &str,
        _host_key: HostKey,
        deadline: Duration,
    ) -> Result<Shell, SshError> {
        let Reach { world, fate } = &self.0;
        fate.before().await;
        if !fate.has_hosts() {
            tokio::time::sleep(deadline).await;
            return Err(SshError::TimedOut("connecting"));
        }
        let ms = world.dice().between(10, 60);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        let name = endpoint.host.clone();
        let host = world.state().hosts.get(&name).cloned();
        let Some(host) = host.filter(|host| !host.down) else {
            return Err(SshError::Unreachable("refused".into()));
        };
        if !host.answers(world.now()) {
            tokio::time::sleep(deadline).await;
            return Err(SshError::TimedOut("connecting"));
        }
        let key = format!("ssh-ed25519 key-of-{name}");
        let (endpoint, boot) = (endpoint.clone(), host.boot);
        Ok(Shell::over(Arc::new(Wire { ways: self.clone(), endpoint, key, boot })))
    }
}

/// A connection.
#[derive(Debug)]
struct Wire {
    ways: Ways,
    endpoint: Endpoint,
    key: String,
    boot: u64,
}

impl Wire {
    fn host(&self) -> Option<Host> {
        let host = self.ways.0.world.state().hosts.get(&self.endpoint.host).cloned();
        host.filter(|host| !host.down && host.boot == self.boot)
    }
}

#[async_trait]
impl Line for Wire {
    fn host_key(&self) -> &str {
        &self.key
    }

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn is_closed(&self) -> bool {
        self.host().is_none()
    }

    async fn closed(&self) {
        while self.host().is_some() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn again(&self, deadline: Duration) -> Result<Shell, SshError> {
        self.ways.connect(&self.endpoint, "root", HostKey::Learn, deadline).await
    }

    async fn ping(&self, deadline: Duration) -> Result<(), SshError> {
        let Reach { world, fate } = &self.ways.0;
        tokio::time::sleep(Duration::from_millis(10)).await;
        let Some(host) = self.host() else { return Err(SshError::Closed) };
        if !host.answers(world.now()) || !fate.has_hosts() {
            tokio::time::sleep(deadline).await;
            return Err(SshError::TimedOut("a sign of life"));
        }
        Ok(())
    }

    async fn start(&self, script: &Script) -> Result<RemoteProcess, SshError> {
        let Reach { world, fate } = self.ways.0.clone();
        fate.before().await;
        let name = script.name();
        let args: Vec<String> = script.args().map(|arg| arg.into_owned()).collect();
        let (output, chunks) = mpsc::channel(64);
        let (input, fed) = mpsc::channel(64);
        let (ended, exit) = oneshot::channel();
        let stop = CancellationToken::new();
        let run = Running {
            world,
            host: self.endpoint.host.clone(),
            boot: self.boot,
            process: fate.number,
            cut: Arc::clone(&fate),
            name,
            args,
            output,
            fed,
        };
        let ends = stop.clone();
        // On the host: it goes on while the process that asked for it stands still.
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = ends.cancelled() => {}
                () = run.run() => {
                    let _ = ended.send(Ok(Exit { status: Some(0), signal: None }));
                }
            }
        });
        Ok(RemoteProcess::of(chunks, input, exit, stop))
    }
}

/// A script on its host.
struct Running {
    world: World,
    host: String,
    boot: u64,
    process: usize,
    cut: Arc<crate::process::Fate>,
    name: &'static str,
    args: Vec<String>,
    output: mpsc::Sender<Bytes>,
    fed: mpsc::Receiver<Bytes>,
}

impl Running {
    fn arg(&self, index: usize) -> &str {
        self.args.get(index).map_or("", String::as_str)
    }

    fn epoch(&self, index: usize) -> i64 {
        self.arg(index).parse().unwrap_or(0)
    }

    async fn say(&self, text: impl Into<String>) {
        // Its reader may be gone.
        let _ = self.output.send(Bytes::from(text.into().into_bytes())).await;
    }

    fn note(&self, words: &str) {
        self.world.note(&format!("p{} {} {} {words}", self.process, self.host, self.name));
    }

    /// Changes this host, where it is still the one that was connected to.
    fn here<T>(&self, change: impl FnOnce(&mut Host) -> T) -> Option<T> {
        let mut state = self.world.state();
        let host = state.hosts.get_mut(&self.host).filter(|host| host.boot == self.boot);
        host.filter(|host| !host.down).map(change)
    }

    async fn pause(&self, low: u64, high: u64) {
        let ms = self.world.dice().between(low, high);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        // Nothing comes through while it is silent, or while the process can't reach it.
        loop {
            let host = self.world.state().hosts.get(&self.host).cloned();
            let silent = host.is_some_and(|host| !host.down && !host.answers(self.world.now()));
            if !silent && self.cut.has_hosts() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Whether another host answers, seen from here, and what it holds.
    fn there(&self, host: &str) -> Option<Content> {
        let now = self.world.now();
        let state = self.world.state();
        state.hosts.get(host).filter(|host| host.answers(now)).map(|host| host.content.clone())
    }

    async fn run(mut self) {
        match self.name {
            "standby_view" => self.view().await,
            "watch" => {
                self.say("READY inotify\0").await;
                self.last().await;
            }
            "cycle" => self.cycle().await,
            "digest" => self.digest().await,
            _ => self.simple().await,
        }
        self.cut.after().await;
    }

    /// Until the host is not the same any more.
    async fn last(&self) {
        while self.here(|_| ()).is_some() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn view(&self) {
        loop {
            self.pause(0, 0).await;
            if self.here(|_| ()).is_none() {
                return;
            }
            let up = self.there(self.arg(0)).is_some();
            self.say(if up { "ok\n" } else { "no greeting\n" }).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn simple(&self) {
        self.pause(20, 200).await;
        let boot = self.boot;
        let text = match self.name {
            "prepare_standby" => Some("public_key=ssh-ed25519 AAAA standby\noutcome=ok\n".into()),
            "prepare_gpu" | "reach" => Some("outcome=ok\n".into()),
            "trust" => self.here(|host| {
                if self.epoch(0) < host.epoch {
                    return format!("recorded={}\noutcome=stale\n", host.epoch);
                }
                host.epoch = self.epoch(0);
                host.trusted = Some(self.arg(1).to_owned());
                "outcome=ok\n".into()
            }),
            "takeover" => self.here(|host| {
                if self.epoch(1) < host.epoch {
                    return format!("recorded={}\noutcome=stale\n", host.epoch);
                }
                host.epoch = self.epoch(1);
                host.trusted = None;
                let files = host.content.len();
                format!("last=1-1\nfiles={files}\nbytes={files}\noutcome=ok\n")
            }),
            "job" => self.here(|host| {
                match self.arg(0) {
                    "freeze" => host.held = true,
                    "thaw" => host.held = false,
                    _ => {
                        host.writes = false;
                        host.held = false;
                    }
                }
                "processes=1\noutcome=ok\n".into()
            }),
            "hook" => self.here(|host| self.hook(host, boot)),
            "rehearse" => self.here(|host| {
                let pinned = host.content.clone();
                let files = pinned.len();
                host.drills.insert(self.arg(1).to_owned(), pinned);
                let source = format!("drill-{}", self.arg(1));
                format!("source={source}\nfiles={files}\nbytes={files}\noutcome=ok\n")
            }),
            "forget" => self.here(|host| {
                host.drills.remove(self.arg(0));
                "outcome=ok\n".into()
            }),
            "restore" => self.restore(),
            "late" => self.late(),
            "left" => self.here(|host| {
                host.held = true;
                let now = (host.boot, host.content.clone());
                let quiet = self.arg(0) == "look" && host.marked.as_ref() == Some(&now);
                if self.arg(0) == "mark" {
                    host.marked = Some(now);
                }
                format!("held=1\nquiet={}\noutcome=ok\n", i64::from(quiet))
            }),
            _ => Some("outcome=failed\nword=no such script here\n".into()),
        };
        let end = text.as_deref().and_then(|text| text.split("\n\n").next());
        let end = end.unwrap_or("closed").replace('\n', " ");
        self.note(&format!("{} -> {end}", self.arg(0).get(..24).unwrap_or(self.arg(0))));
        if let Some(text) = text {
            self.say(text).await;
        }
    }

    fn hook(&self, host: &mut Host, boot: u64) -> String {
        let command = self.arg(1);
        // One that is claimed begins once for each start of the host.
        if let Some(at) = command.find("begun/") {
            let rest = command.get(at..).unwrap_or_default();
            let claim = rest.lines().next().unwrap_or_default().to_owned();
            let again = command.starts_with("ls -d");
            let known = host.begun.iter().any(|one| one.ends_with(&claim));
            if (again && !known) || !host.begun.insert(format!("{boot} {claim}")) {
                return "status=0\noutcome=ok\n\nit ran before".into();
            }
            host.writes = true;
            host.held = false;
        }
        "status=0\noutcome=ok\n\n".into()
    }

    fn source(&self, from: &str) -> Option<Content> {
        self.here(|host| match from.strip_prefix("drill-") {
            Some(drill) => host.drills.get(drill).cloned().unwrap_or_default(),
            None => host.content.clone(),
        })
    }

    fn restore(&self) -> Option<String> {
        let content = self.source(self.arg(0))?;
        let target = self.arg(3).to_owned();
        if self.there(&target).is_none() {
            return Some("outcome=failed\nword=the GPU does not answer\n".into());
        }
        let files = content.len();
        let mut state = self.world.state();
        if let Some(host) = state.hosts.get_mut(&target) {
            host.content = content;
        }
        let figures =
            "Number of regular files transferred: 1\nTotal transferred file size: 1 bytes";
        Some(format!(
            "count_files={files}\ncount_bytes={files}\ncount=ready\n{figures}\noutcome=ok\n"
        ))
    }

    fn late(&self) -> Option<String> {
        let Some(theirs) = self.there(self.arg(2)) else {
            return Some("outcome=failed\nword=the GPU does not answer\n".into());
        };
        self.here(|host| {
            let files = theirs.difference(&host.content).count();
            host.late.extend(theirs);
            format!("files={files}\nbytes={files}\npath=/late\noutcome=ok\n")
        })
    }

    async fn cycle(&mut self) {
        self.pause(50, 300).await;
        let (epoch, from) = (self.epoch(1), self.arg(3).to_owned());
        let refused = self.here(|host| {
            if epoch < host.epoch {
                return Some(format!("recorded={}\noutcome=stale\n", host.epoch));
            }
            if host.trusted.as_deref() != Some(&from) {
                return Some("outcome=untrusted\nword=it follows another\n".into());
            }
            None
        });
        let Some(refused) = refused else { return };
        if let Some(refused) = refused {
            self.note(&format!("epoch={epoch} from={from} -> {}", refused.replace('\n', " ")));
            return self.say(refused).await;
        }
        let Some(theirs) = self.there(&from) else {
            self.note(&format!("epoch={epoch} from={from} -> unreachable"));
            return self.say("outcome=failed\nword=the GPU does not answer\n").await;
        };
        let count = theirs.len();
        let plan = format!(
            "Number of files: {count}\nTotal file size: {count} bytes\n\
             Number of regular files transferred: 1\nTotal transferred file size: 1 bytes\n\
             changes=1\ndeletes=0\ndeletes_folders=0\ncreates=1\nplan=ready\n"
        );
        self.say(plan).await;
        let Some(word) = self.fed.recv().await else { return };
        if !word.starts_with(b"go ") {
            return;
        }
        self.pause(50, 500).await;
        // Under the lock, which a takeover ends it for.
        let done = self.here(|host| {
            if epoch < host.epoch || host.trusted.as_deref() != Some(&from) {
                return false;
            }
            host.content.clone_from(&theirs);
            true
        });
        self.note(&format!("epoch={epoch} from={from} -> {count} done={done:?}"));
        if done == Some(true) {
            if self.here(|host| host.writes).unwrap_or(false) {
                self.world.wrong("a sync came over a copy in which work goes on".into());
            }
            self.say("outcome=ok\n").await;
        }
    }

    async fn digest(&self) {
        self.pause(50, 300).await;
        let Some(content) = self.source(self.arg(0)) else { return };
        let mut text = String::new();
        for write in &content {
            text.push_str(&format!("w{write:08}//f//644//1\0"));
        }
        text.push_str("=contents\0");
        for write in &content {
            text.push_str(&format!("w{write:08}//{write:064}\0"));
        }
        text.push_str("=end\0");
        self.note(&format!("{} -> {}", self.arg(0), content.len()));
        self.say(text).await;
    }
}
