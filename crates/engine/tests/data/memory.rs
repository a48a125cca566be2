//! A host that floods: what it sends is not kept, however much of it there is.
//!
//! Measured on a process of its own, since the others of this program run beside: the peak of what it
//! held, before and after.

use std::sync::Arc;
use std::time::Duration;

use domain::time::{Clock, Millis};
use engine::data::{self, FollowPlan, Follower, Shells, Sources};
use engine::ports::SystemChance;
use engine::ports::watch;
use tokio_util::sync::CancellationToken;

use super::rig::{EPOCH, Host, Rig, START_UP, chmod, eventually};

/// How many records of a MiB come from the watch.
const RECORDS: usize = 400;
/// What the process may hold more for it, KiB.
const GROWTH_KIB: u64 = 48 * 1024;
/// What tells the figure from all else that is printed.
const MARK: &str = "held more, KiB: ";

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Millis {
        Millis(1)
    }
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("told");
    line.split_whitespace().next().and_then(|figure| figure.parse().ok()).expect("a figure")
}

fn install(host: &Host, name: &str, content: &str) {
    let path = format!("/opt/bin/{name}");
    host.write(&path, content);
    chmod(&host.path(&path), 0o755);
    host.write(START_UP, "PATH=/opt/bin:$PATH\n");
}

/// Says that it watches, then names changes of paths of 1 MiB, and notes when all were taken from it.
const WATCHER: &str = r#"#!/bin/bash
[ "$1" = --help ] && { echo "inotifywait 3.22.6.0"; exit; }
echo "Watches established." >&2
for number in $(seq 400); do
  printf 'CLOSE_WRITE /workspace/%s' "$number"
  head -c 1048576 /dev/zero | tr '\0' a
  printf '\0'
done
echo done >/opt/flooded
sleep 600
"#;

/// Lists entries with names of 1 MiB in place of what there is.
const LISTER: &str = r#"#!/bin/bash
case $1 in */tree) ;; *) exec /usr/bin/cat "$@" ;; esac
for number in $(seq 400); do
  printf '%s' "$number"
  head -c 1048576 /dev/zero | tr '\0' a
  printf '//f//644//1\0'
done
"#;

#[tokio::test]
#[ignore = "measured by the test below, in a process of its own"]
async fn flooded() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/file", "x");
    rig.synced("1").await;
    data::verify(&rig.standby.shell, &rig.workspace, &rig.gpu.shell, &rig.workspace)
        .await
        .expect("compared");
    let before = peak_kib();

    install(&rig.gpu, "inotifywait", WATCHER);
    let gpu = watch::Sender::new(Some(rig.gpu.shell.clone()));
    let standby = watch::Sender::new(None);
    let plan = FollowPlan {
        workspace: rig.workspace.clone(),
        endpoint: rig.gpu.at.clone(),
        host_key: rig.gpu.shell.host_key().to_owned(),
        epoch: EPOCH,
        interval: Duration::from_secs(3_600),
        max_delete_percent: 30,
        accepted_deletions: None,
        agents: None,
    };
    let sources = Sources { clock: Arc::new(Stopped), chance: Arc::new(SystemChance) };
    let shells = Shells { gpu: gpu.subscribe(), standby: standby.subscribe() };
    let (follower, _events) = Follower::start(plan, shells, sources, &CancellationToken::new());
    let taken = rig.gpu.path("/opt/flooded");
    eventually("the flood of changes is over", async || taken.exists()).await;
    assert!(follower.dirty().overflowed(), "that there was more is known");
    follower.stop().await;

    install(&rig.gpu, "cat", LISTER);
    let lied = data::verify(&rig.standby.shell, &rig.workspace, &rig.gpu.shell, &rig.workspace);
    assert!(lied.await.is_err(), "a list like that proves nothing");
    eprintln!("{MARK}{}", peak_kib() - before);
}

#[tokio::test]
async fn a_host_that_floods_fills_nobodys_memory() {
    let program = std::env::current_exe().expect("this program");
    let run = tokio::process::Command::new(program)
        .args(["--exact", "memory::flooded", "--ignored", "--nocapture", "--test-threads=1"])
        .kill_on_drop(true)
        .output();
    let output = run.await.expect("it runs");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words} {}", String::from_utf8_lossy(&output.stdout));
    let figure = words.split(MARK).nth(1).and_then(|rest| rest.split_whitespace().next());
    let grown: u64 = figure.and_then(|figure| figure.parse().ok()).expect("a figure");
    assert!(grown < GROWTH_KIB, "{RECORDS} MiB were sent; it held {grown} KiB more");
}
