//! What becomes of a host and of those who talk to it when things go wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod rig;

use rig::{DEADLINE, QUIET, output, rig};
use sandbox::host::{Endpoint, HostError, HostKind, Life, Net, Usage};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// A new connection is accepted and never answered.
async fn black_hole(at: Endpoint) -> TcpStream {
    let mut stream = TcpStream::connect((at.addr, at.port)).await.unwrap();
    let mut byte = [0];
    let heard = tokio::time::timeout(QUIET, stream.read(&mut byte)).await;
    assert!(heard.is_err(), "expected silence, got {heard:?}");
    stream
}

async fn refused(at: Endpoint) -> bool {
    let error = TcpStream::connect((at.addr, at.port)).await.err();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
}

async fn banner(stream: &mut TcpStream) -> String {
    let mut banner = [0; 4];
    tokio::time::timeout(DEADLINE, stream.read_exact(&mut banner)).await.unwrap().unwrap();
    String::from_utf8_lossy(&banner).into_owned()
}

#[tokio::test]
async fn a_frozen_host_says_nothing_and_goes_on_where_it_was() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    let mut echo = rig.echo(at).await;
    rig.hosts.freeze("gpu-1").await.unwrap();
    assert_eq!(rig.hosts.life("gpu-1"), Some(Life::Frozen));
    echo.send("still there?").await;
    echo.assert_silent().await;
    let mut waiting = black_hole(at).await;
    rig.hosts.thaw("gpu-1").await.unwrap();
    assert_eq!(echo.hear().await, "still there?");
    assert_eq!(banner(&mut waiting).await, "SSH-");
}

#[tokio::test]
async fn a_cut_network_loses_nothing_and_tells_nobody() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    let mut echo = rig.echo(at).await;
    rig.hosts.net("gpu-1", Net::Cut).await.unwrap();
    echo.send("still there?").await;
    echo.assert_silent().await;
    let mut waiting = black_hole(at).await;
    assert!(rig.hosts.usage("gpu-1").await.processes >= 3, "it runs on");
    rig.hosts.net("gpu-1", Net::Up).await.unwrap();
    assert_eq!(echo.hear().await, "still there?");
    assert_eq!(banner(&mut waiting).await, "SSH-");
}

#[tokio::test]
async fn a_killed_host_is_a_black_hole_and_boots_with_its_files_and_key() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    rig.run(at, "echo kept > /workspace/file; echo lost > /tmp/file; sync").await;
    let mut echo = rig.echo(at).await;
    rig.hosts.kill("gpu-1").await.unwrap();
    assert_eq!(rig.hosts.life("gpu-1"), Some(Life::Dead));
    assert_eq!(rig.hosts.usage("gpu-1").await.processes, 0);
    echo.send("still there?").await;
    echo.assert_silent().await;
    black_hole(at).await;
    let up = rig.hosts.net("gpu-1", Net::Up).await;
    assert!(matches!(up, Err(HostError::NotRunning(_))), "{up:?}");

    assert_eq!(rig.hosts.boot("gpu-1").await.unwrap(), at);
    echo.assert_ends().await;
    assert_eq!(rig.run(at, "cat /workspace/file; ls /tmp").await, "kept\n");
}

#[tokio::test]
async fn a_tree_that_dies_by_itself_is_a_dead_host() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    let mut killer = rig.ssh(at).arg("kill -KILL $PPID").spawn().unwrap();
    rig::eventually("it is dead", async || rig.hosts.life("gpu-1") == Some(Life::Dead)).await;
    killer.kill().await.unwrap();
    black_hole(at).await;
}

#[tokio::test]
async fn a_halted_host_refuses_and_keeps_its_files_but_not_its_port() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    rig.run(at, "echo kept > /workspace/file").await;
    let echo = rig.echo(at).await;
    let still = rig.hosts.remap("gpu-1").await;
    assert!(matches!(still, Err(HostError::StillRunning(_))), "{still:?}");
    rig.hosts.halt("gpu-1").await.unwrap();
    echo.assert_ends().await;
    assert!(refused(at).await);
    rig.hosts.halt("gpu-1").await.unwrap();

    rig.hosts.remap("gpu-1").await.unwrap();
    let moved = rig.hosts.boot("gpu-1").await.unwrap();
    assert_eq!(moved.addr, at.addr);
    assert_ne!(moved.port, at.port);
    assert!(refused(at).await);
    assert_eq!(
        rig.run(moved, "cat /workspace/file").await,
        "kept\n",
        "same host key, or ssh refuses"
    );
    assert_eq!(rig.hosts.boot("gpu-1").await.unwrap(), moved, "a second boot does nothing");
}

#[tokio::test]
async fn a_dead_ssh_server_refuses_and_the_host_runs_on() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    let echo = rig.echo(at).await;
    rig.hosts.net("gpu-1", Net::Refuse).await.unwrap();
    echo.assert_ends().await;
    assert!(refused(at).await);
    assert_eq!(rig.hosts.life("gpu-1"), Some(Life::Up));
    rig.hosts.net("gpu-1", Net::Up).await.unwrap();
    rig.run(at, "true").await;
}

#[tokio::test]
async fn a_destroyed_host_leaves_nothing() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    rig.run(at, "mkdir -p /workspace/a && echo x > /workspace/a/b && chmod 000 /workspace/a").await;
    let marker = rig.folder.join("hosts/gpu-1");
    assert!(marker.exists());
    let echo = rig.echo(at).await;
    let mark = format!("dumont-mark-{}", std::process::id());
    rig.run(at, &format!("nohup bash -c 'exec -a {mark} sleep 600' >/dev/null 2>&1 &")).await;
    let running = async || {
        output(tokio::process::Command::new("pgrep").args(["-f", &mark])).await.status.success()
    };
    rig::eventually("the background job runs", async || running().await).await;
    rig.hosts.destroy("gpu-1").await.unwrap();
    assert!(!running().await, "a process is left");
    assert!(!marker.exists(), "files are left");
    echo.assert_ends().await;
    assert!(refused(at).await);
    assert_eq!(rig.hosts.usage("gpu-1").await, Usage::default());
    assert_eq!(rig.hosts.endpoint("gpu-1"), None);
    rig.hosts.destroy("gpu-1").await.unwrap();
}

#[tokio::test]
async fn hosts_are_of_two_networks_and_apart() {
    let rig = rig();
    let gpu = rig.host("gpu-1").await;
    let mut spec = rig.spec("standby-1");
    spec.kind = HostKind::Standby;
    rig.hosts.create(spec.clone()).await.unwrap();
    let standby = rig.hosts.boot("standby-1").await.unwrap();
    assert_eq!(&gpu.addr.octets()[..2], &[127, 78]);
    assert_eq!(&standby.addr.octets()[..2], &[127, 77]);
    assert_eq!(standby.port, 2222);
    rig.run(gpu, "echo gpu > /workspace/who; touch /tmp/gpu").await;
    assert_eq!(rig.run_as(standby, "other", "ls /workspace /tmp").await, "/tmp:\n\n/workspace:\n");
    let processes = rig.run_as(standby, "other", "ps -eo comm= | sort -u").await;
    assert_eq!(processes, "bash\nbwrap\ndumont-host\nps\nsort\n", "its own and no other");
    assert!(matches!(rig.hosts.create(spec).await, Err(HostError::Exists(_))));
    let bad = rig.hosts.create(rig.spec("../up")).await;
    assert!(matches!(bad, Err(HostError::BadId(_))), "{bad:?}");
}

/// The same as an ordinary user, where this runs as root.
#[tokio::test]
async fn an_ordinary_user_can_run_hosts() {
    if !nix_is_root() || std::env::var_os("DUMONT_TEST_INNER").is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let own = folder.path().join("test");
    let program = folder.path().join("dumont-sandbox");
    std::fs::copy(std::env::current_exe().unwrap(), &own).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_dumont-sandbox"), &program).unwrap();
    let mut again = tokio::process::Command::new("setpriv");
    again
        .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"])
        .arg(&own)
        .arg("--test-threads=2");
    again.env("DUMONT_TEST_INNER", "1").env("DUMONT_SANDBOX_BIN", &program);
    again.env("HOME", folder.path()).env("TMPDIR", folder.path()).current_dir(folder.path());
    let done = output(&mut again).await;
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && text.contains("test result: ok"), "{text}");
}

fn nix_is_root() -> bool {
    std::fs::metadata("/proc/self")
        .is_ok_and(|about| std::os::unix::fs::MetadataExt::uid(&about) == 0)
}
