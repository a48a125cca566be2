//! Logins as sshd has them: what a session is told, what its shell reads, how many there may be.

use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{host, says};
use crate::rig::{DEADLINE, QUIET, output, rig};

#[tokio::test]
async fn a_session_is_told_who_it_talks_to() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    let said = rig.run(at, "echo \"$SSH_CONNECTION|$SSH_CLIENT|$SSH_TTY\"").await;
    let (connection, rest) = said.trim().split_once('|').unwrap();
    let words: Vec<&str> = connection.split(' ').collect();
    assert_eq!((words[0], words[2]), ("127.0.0.1", at.addr.to_string().as_str()), "{said}");
    assert_eq!(words[3], at.port.to_string());
    assert_eq!(rest, format!("{} {} {}|", words[0], words[1], words[3]));
    let terminal = output(rig.ssh(at).args(["-tt", "echo $SSH_TTY"])).await;
    assert_eq!(String::from_utf8_lossy(&terminal.stdout).trim(), "/dev/pts/0");
}

#[tokio::test]
async fn what_a_login_shell_prints_is_in_the_answer() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    rig.run(at, "echo 'echo welcome to this image' >>.bashrc").await;
    assert_eq!(rig.run(at, "echo answer").await, "welcome to this image\nanswer\n");
    // Which breaks SFTP, as it does on a real machine.
    let batch = rig.folder.join("batch");
    std::fs::write(&batch, "ls /\n").unwrap();
    let mut sftp = tokio::process::Command::new("sftp");
    sftp.args(rig.options()).args(["-P", &at.port.to_string(), "-b"]).arg(&batch);
    let done = output(sftp.arg(format!("root@{}", at.addr))).await;
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(errors.contains("Received message too long"), "{errors}");
    // A test of interactivity at its head, as Debian's own has, keeps it silent.
    rig.run(at, "sed -i '1i case $- in *i*) ;; *) return;; esac' .bashrc").await;
    assert_eq!(rig.run(at, "echo answer").await, "answer\n");
}

#[tokio::test]
async fn a_shell_that_becomes_another_never_starts_the_command() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    rig.run(at, "echo 'exec sh' >>.bashrc").await;
    let mut child = rig
        .ssh(at)
        .arg("echo started")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 1];
    let reading = child.stdout.as_mut().unwrap().read(&mut said);
    assert!(tokio::time::timeout(QUIET, reading).await.is_err(), "it waits for what it never gets");
    drop(child.stdin.take());
    let mut rest = String::new();
    let reading = child.stdout.as_mut().unwrap().read_to_string(&mut rest);
    tokio::time::timeout(DEADLINE, reading).await.unwrap().unwrap();
    assert_eq!(rest, "");
}

#[tokio::test]
async fn the_shell_is_the_one_that_the_user_has_chosen() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    rig.run(at, "sed -i 's|^\\(root:.*:\\)/bin/bash|\\1/bin/sh|' /etc/passwd").await;
    assert_eq!(rig.run(at, "echo $SHELL $0").await, "/bin/sh /bin/sh\n");
    rig.run(at, "sed -i 's|^\\(root:.*:\\)/bin/sh|\\1/bin/nosuch|' /etc/passwd").await;
    let said = says(&rig, at, "true").await;
    assert!(said.contains("can't be started"), "{said}");
}

#[tokio::test]
async fn logins_beyond_what_sshd_allows_are_dropped() {
    let rig = rig();
    let at = host(&rig, "gpu-1", "dumont-sandbox/host:startups-2").await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect((at.addr, at.port)).await.unwrap();
        let mut banner = [0; 4];
        tokio::time::timeout(DEADLINE, stream.read_exact(&mut banner)).await.unwrap().unwrap();
        assert_eq!(&banner, b"SSH-");
        held.push(stream);
    }
    let mut over = TcpStream::connect((at.addr, at.port)).await.unwrap();
    let _ = over.write_all(b"SSH-2.0-client\r\n").await;
    let mut said = Vec::new();
    let read = tokio::time::timeout(DEADLINE, over.read_to_end(&mut said)).await.unwrap();
    assert!(read.is_err() || said.starts_with(b"Exceeded MaxStartups"), "{said:?}");
    let refused = output(rig.ssh(at).arg("true")).await;
    assert_eq!(refused.status.code(), Some(255));
    drop(held);
    crate::rig::eventually("there is room again", async || {
        output(rig.ssh(at).arg("true")).await.status.success()
    })
    .await;
    // Those that are logged in count no more.
    let mut echoes = Vec::new();
    for _ in 0..4 {
        echoes.push(rig.echo(at).await);
    }
}

#[tokio::test]
async fn one_connection_has_as_many_sessions_as_sshd_allows() {
    let rig = rig();
    for (id, image, most) in
        [("gpu-1", "dumont-sandbox/host:sessions-2", 2), ("gpu-2", "ubuntu:22.04", 10)]
    {
        let at = host(&rig, id, image).await;
        std::fs::remove_file(rig.folder.join("known_hosts")).ok();
        let control = rig.folder.join(id).display().to_string();
        let shared = ["-o", &format!("ControlPath={control}")].map(str::to_owned);
        let mut master = rig.ssh_with(at, &["-M", "-N", "-S", &control]).spawn().unwrap();
        crate::rig::eventually("the connection is shared", async || {
            std::path::Path::new(&control).exists()
        })
        .await;
        let mut open = Vec::new();
        for _ in 0..most {
            let mut child = rig
                .ssh_with(at, &shared.each_ref().map(String::as_str))
                .arg("echo open; sleep 60")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut line = [0; 5];
            let reading = child.stdout.as_mut().unwrap().read_exact(&mut line);
            tokio::time::timeout(DEADLINE, reading).await.unwrap().unwrap();
            open.push(child);
        }
        let over = output(rig.ssh_with(at, &shared.each_ref().map(String::as_str)).args([
            "-o",
            "ControlMaster=no",
            "-o",
            "ProxyCommand=false",
            "echo open",
        ]))
        .await;
        assert!(!over.status.success(), "{image}: {over:?}");
        open.clear();
        let _ = master.kill().await;
    }
}
