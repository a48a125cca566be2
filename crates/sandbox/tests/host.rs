//! What people do on a rented machine, with the programs they do it with.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod rig;

use std::process::Stdio;

use rig::{fill, output, rig};
use sandbox::host::HostError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn a_command_gives_its_output_its_errors_and_its_status() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    let done = output(rig.ssh(at).arg("echo out; echo err >&2; exit 7")).await;
    assert_eq!(done.status.code(), Some(7));
    assert_eq!(String::from_utf8_lossy(&done.stdout), "out\n");
    assert_eq!(String::from_utf8_lossy(&done.stderr), "err\n");

    assert_eq!(rig.run(at, "id -u; hostname; pwd; echo $HOME").await, "0\ngpu-1\n/root\n/root\n");
    rig.run(at, "for d in /workspace /root /home /opt /etc /; do touch $d/mine || exit 1; done")
        .await;
    let killed = output(rig.ssh(at).arg("kill -KILL $$")).await;
    assert_eq!(killed.status.code(), Some(255), "ssh says so for a signal");
    let any_user = output(rig.ssh(at).args(["-l", "ubuntu", "id -un"])).await;
    assert_eq!(String::from_utf8_lossy(&any_user.stdout), "root\n");
}

#[tokio::test]
async fn the_machine_around_a_host_is_out_of_reach() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    let secret = rig.folder.join("secret");
    std::fs::write(&secret, "x").unwrap();
    let refused = [
        format!("cat {}", secret.display()),
        "touch /usr/bin/mine".to_owned(),
        format!("kill -0 {}", std::process::id()),
        "grep -v -e ^root: -e ^nobody: /etc/passwd".to_owned(),
    ];
    for script in refused {
        let done = output(rig.ssh(at).arg(&script)).await;
        assert!(!done.status.success(), "{script} worked");
    }
}

#[tokio::test]
async fn only_the_keys_of_the_host_log_in() {
    let rig = rig();
    let mut spec = rig.spec("gpu-1");
    let mine = std::mem::take(&mut spec.keys);
    rig.hosts.create(spec).await.unwrap();
    let at = rig.hosts.boot("gpu-1").await.unwrap();
    let done = output(rig.ssh(at).arg("true")).await;
    assert_eq!(done.status.code(), Some(255));
    assert!(String::from_utf8_lossy(&done.stderr).contains("Permission denied (publickey)"));

    rig.hosts.set_keys("gpu-1", mine.clone()).await.unwrap();
    rig.run(at, "mkdir -p .ssh && cat > .ssh/authorized_keys < /run/host/authorized_keys").await;
    rig.hosts.set_keys("gpu-1", vec![]).await.unwrap();
    rig.run(at, "rm .ssh/authorized_keys").await;
    let done = output(rig.ssh(at).arg("true")).await;
    assert_eq!(done.status.code(), Some(255), "no key is left");
}

#[tokio::test]
async fn what_goes_in_comes_out_however_much_it_is() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    let data: Vec<u8> =
        (0..24_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut child =
        rig.ssh(at).arg("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut back) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let sent = data.clone();
    let writing = tokio::spawn(async move { input.write_all(&sent).await });
    let mut received = Vec::new();
    tokio::time::timeout(rig::DEADLINE, back.read_to_end(&mut received)).await.unwrap().unwrap();
    writing.await.unwrap().unwrap();
    assert!(received == data, "{} of {} bytes", received.len(), data.len());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_terminal_is_one() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    let script = "test -t 0 && test -t 1 && tty && ps -o tty= -p $$ && echo $TERM";
    let done = output(rig.ssh(at).env("TERM", "vt100").args(["-tt", script])).await;
    assert!(done.status.success(), "{done:?}");
    let text = String::from_utf8_lossy(&done.stdout).replace('\r', "");
    assert_eq!(text, "/dev/pts/0\npts/0\nvt100\n");
    let shell = "printf 'echo $((40+2)); exit 3\\n' | ";
    let line =
        format!("{shell} ssh {} -tt -p {} root@{}", rig.options().join(" "), at.port, at.addr);
    let done = output(tokio::process::Command::new("bash").args(["-c", &line])).await;
    assert_eq!(done.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&done.stdout).contains("42"));
}

#[tokio::test]
async fn scp_sftp_and_rsync_copy_files_both_ways() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    let (there, back) = (rig.folder.join("there"), rig.folder.join("back"));
    fill(&there, 40, 100_000);
    let remote = |path: &str| format!("root@{}:{path}", at.addr);
    let same = async |what: &str| {
        let done =
            output(tokio::process::Command::new("diff").args(["-r"]).args([&there, &back])).await;
        assert!(done.status.success(), "{what}: {}", String::from_utf8_lossy(&done.stdout));
        std::fs::remove_dir_all(&back).unwrap();
    };
    for old in [&["-s"][..], &["-O"][..]] {
        for (from, to) in [
            (there.display().to_string(), remote("/workspace/scp")),
            (remote("/workspace/scp"), back.display().to_string()),
        ] {
            let mut scp = tokio::process::Command::new("scp");
            scp.args(rig.options())
                .args(["-P", &at.port.to_string(), "-rq"])
                .args(old)
                .args([from, to]);
            let done = output(&mut scp).await;
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
        same("scp").await;
        rig.run(at, "rm -r /workspace/scp").await;
    }
    for (from, to) in [
        (format!("{}/", there.display()), remote("/workspace/rsync/")),
        (remote("/workspace/rsync/"), format!("{}/", back.display())),
    ] {
        let mut rsync = tokio::process::Command::new("rsync");
        rsync.args(["-a", "--checksum", "-e", &rig.rsync_shell(at)]).args([from, to]);
        let done = output(&mut rsync).await;
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    same("rsync").await;
}

#[tokio::test]
async fn ports_are_forwarded_both_ways() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all).await;
            all.reverse();
            let _ = stream.write_all(&all).await;
        }
    });

    let mut through = rig
        .ssh(at)
        .args(["-W", &format!("127.0.0.1:{port}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    through.stdin.take().unwrap().write_all(b"abc").await.unwrap();
    let mut back = String::new();
    let reading = through.stdout.as_mut().unwrap().read_to_string(&mut back);
    tokio::time::timeout(rig::DEADLINE, reading).await.unwrap().unwrap();
    assert_eq!(back, "cba");

    let mut remote = rig
        .ssh_with(at, &["-o", "LogLevel=INFO"])
        .args(["-N", "-R", &format!("0:127.0.0.1:{port}")])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let errors = remote.stderr.take().unwrap();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(errors));
    let bound: u16 = loop {
        let line =
            tokio::time::timeout(rig::DEADLINE, lines.next_line()).await.unwrap().unwrap().unwrap();
        if let Some(rest) = line.strip_prefix("Allocated port ") {
            break rest.split(' ').next().unwrap().parse().unwrap();
        }
    };
    let mut stream = TcpStream::connect(("127.0.0.1", bound)).await.unwrap();
    stream.write_all(b"xyz").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut back = String::new();
    tokio::time::timeout(rig::DEADLINE, stream.read_to_string(&mut back)).await.unwrap().unwrap();
    assert_eq!(back, "zyx");
}

#[tokio::test]
async fn the_environment_and_the_boot_script_are_the_instances_own() {
    let rig = rig();
    let mut spec = rig.spec("gpu-1");
    spec.env = vec![("MODEL".into(), "llama 3".into()), ("BAD=NAME".into(), "x".into())];
    spec.boot_script = Some("echo \"$MODEL\" >> /workspace/booted; echo said".into());
    rig.hosts.create(spec).await.unwrap();
    let at = rig.hosts.boot("gpu-1").await.unwrap();
    assert_eq!(rig.run(at, "echo $MODEL").await, "llama 3\n");
    let booted = async |times: usize| {
        rig::eventually("the boot script has run", async || {
            rig.run(at, "cat /workspace/booted 2>/dev/null || true").await
                == "llama 3\n".repeat(times)
        })
        .await;
    };
    booted(1).await;
    rig.hosts.halt("gpu-1").await.unwrap();
    rig.hosts.boot("gpu-1").await.unwrap();
    booted(2).await;
    assert!(rig.hosts.console("gpu-1").await.unwrap().contains("said"));
    assert!(matches!(rig.hosts.boot("gpu-2").await, Err(HostError::Unknown(_))));
}
