//! What an image lacks is not there, and the rest works.

use sandbox::host::{Gpus, HostError, HostSpec};
use tokio::process::Command;

use super::{host, says};
use crate::rig::{output, rig};

#[tokio::test]
async fn a_program_that_an_image_lacks_is_not_there_at_all() {
    let rig = rig();
    let at = host(&rig, "gpu-1", "dumont-sandbox/host:no-rsync.no-python.no-apt.no-perl").await;
    let looked = "for p in rsync python3 apt-get apt perl; do command -v $p || ls /usr/bin/$p || ls /usr/local/bin/$p; done 2>&1 | grep -v 'No such file' ; rsync --version; echo $?";
    let said = says(&rig, at, looked).await;
    assert!(said.ends_with("127\n") || said.contains("127\n"), "{said}");
    assert!(!said.contains("/usr/bin/"), "{said}");
    assert_eq!(
        rig.run(at, "command -v ssh bash tar").await,
        "/usr/bin/ssh\n/usr/bin/bash\n/usr/bin/tar\n"
    );
    let refused = says(&rig, at, "touch /usr/bin/rsync && echo made").await;
    assert!(refused.contains("Read-only"), "{refused}");
    // It is so after a boot too.
    rig.hosts.halt("gpu-1").await.unwrap();
    let at = rig.hosts.boot("gpu-1").await.unwrap();
    assert_eq!(rig.run(at, "command -v rsync; ls /usr/bin | grep -c '^rsync$'; true").await, "0\n");
}

#[tokio::test]
async fn without_bash_the_login_shell_is_sh() {
    let rig = rig();
    let mut spec = HostSpec { image: "dumont-sandbox/host:no-bash".into(), ..rig.spec("gpu-1") };
    spec.boot_script = Some("echo booted by $0 >/workspace/booted".into());
    rig.hosts.create(spec).await.unwrap();
    let at = rig.hosts.boot("gpu-1").await.unwrap();
    assert_eq!(
        rig.run(at, "echo $SHELL; test -n \"$BASH_VERSION\" || echo no bash").await,
        "/bin/sh\nno bash\n"
    );
    crate::rig::eventually("the boot script has run", async || {
        rig.run(at, "cat /workspace/booted 2>/dev/null || true").await.starts_with("booted by")
    })
    .await;
    let done = output(rig.ssh(at).arg("/bin/bash -c true")).await;
    assert_eq!(done.status.code(), Some(127), "{done:?}");
}

#[tokio::test]
async fn an_old_rsync_is_the_one_that_is_found() {
    let rig = rig();
    let at = host(&rig, "gpu-1", "dumont-sandbox/host:old-rsync").await;
    assert!(rig.run(at, "rsync --version").await.contains("version 3.2.7"));
}

#[tokio::test]
async fn a_system_comes_with_its_own_rsync() {
    let standbys = [
        ("projects/ubuntu-os-cloud/global/images/family/ubuntu-2204-lts", true),
        ("projects/debian-cloud/global/images/family/debian-12", true),
        ("nvidia/cuda:12.4.1-devel-ubuntu22.04", true),
        ("projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-amd64", false),
        ("scratch", false),
    ];
    for (image, old) in standbys {
        let rig = rig();
        let at = host(&rig, "host-1", image).await;
        let said = rig.run(at, "rsync --version").await;
        assert_eq!(said.contains("version 3.2.7"), old, "{image}: {said}");
    }
}

#[tokio::test]
async fn busybox_is_all_that_the_smallest_image_has() {
    let rig = rig();
    let at = host(&rig, "gpu-1", "dumont-sandbox/busybox:1").await;
    assert_eq!(
        rig.run(
            at,
            "echo $SHELL; ls /usr/bin /lib /lib64 2>/dev/null | grep -v : ; readlink /bin/sh"
        )
        .await,
        "/bin/sh\n\nbusybox\n"
    );
    let missing = "for p in rsync bash perl python3 apt-get sftp-server; do command -v $p && echo found $p; done; true";
    assert_eq!(rig.run(at, missing).await, "");
    assert_eq!(
        rig.run(at, "cd /workspace && echo a >f && mv f g && cat g && stat -c %a g").await,
        "a\n644\n"
    );
    // What is linked with the machine's libraries does not run: they are not there.
    let program = std::fs::read("/bin/true").unwrap();
    std::fs::write(rig.hosts.files("gpu-1").await.unwrap().join("workspace/true"), program)
        .unwrap();
    let said =
        says(&rig, at, "chmod +x /workspace/true; /workspace/true || echo did not run").await;
    assert!(said.contains("did not run"), "{said}");
    // A terminal works, SFTP does not.
    let tty = output(rig.ssh(at).args(["-tt", "tty"])).await;
    assert_eq!(String::from_utf8_lossy(&tty.stdout).trim(), "/dev/pts/0");
    assert!(!sftp(&rig, at).await, "there is no SFTP server");
    let put = "cat >/tmp/got && chmod 755 /tmp/got && /tmp/got";
    let line = format!(
        "printf '#!/bin/sh\\necho it runs\\n' | {} root@{} '{put}'",
        rig.rsync_shell(at),
        at.addr
    );
    let done = output(Command::new("bash").args(["-c", &line])).await;
    assert_eq!(String::from_utf8_lossy(&done.stdout), "it runs\n", "{done:?}");
}

#[tokio::test]
async fn sftp_is_there_where_the_image_says_so() {
    let rig = rig();
    for (id, image, there) in [
        ("gpu-1", "dumont-sandbox/busybox:sftp", true),
        ("gpu-2", "dumont-sandbox/host:no-sftp", false),
        ("gpu-3", "ubuntu:22.04", true),
    ] {
        let at = host(&rig, id, image).await;
        std::fs::remove_file(rig.folder.join("known_hosts")).ok();
        assert_eq!(sftp(&rig, at).await, there, "{image}");
    }
}

/// Whether a file can be put there by SFTP.
async fn sftp(rig: &crate::rig::Rig, at: sandbox::host::Endpoint) -> bool {
    let (there, batch) = (rig.folder.join("there"), rig.folder.join("batch"));
    std::fs::write(&there, "by sftp").unwrap();
    std::fs::write(&batch, format!("put {} /workspace/put\n", there.display())).unwrap();
    let mut sftp = Command::new("sftp");
    sftp.args(rig.options()).args(["-P", &at.port.to_string(), "-b"]).arg(&batch);
    let done = output(sftp.arg(format!("root@{}", at.addr))).await;
    done.status.success() && rig.run(at, "cat /workspace/put").await == "by sftp"
}

#[tokio::test]
async fn a_read_only_root_has_a_few_places_to_write() {
    let rig = rig();
    let at = host(&rig, "gpu-1", "dumont-sandbox/host:read-only").await;
    let script = "for d in / /root /etc /opt /var/lib /var/tmp /home /usr /tmp /workspace /dev/shm; do touch $d/t 2>/dev/null && echo $d; done; true";
    assert_eq!(rig.run(at, script).await, "/tmp\n/workspace\n/dev/shm\n");
    let other = host(&rig, "gpu-2", "dumont-sandbox/busybox:no-tmp").await;
    std::fs::remove_file(rig.folder.join("known_hosts")).unwrap();
    assert_eq!(rig.run(other, script).await, "/workspace\n/dev/shm\n");
}

#[tokio::test]
async fn nothing_in_tmp_runs_where_it_may_not() {
    let rig = rig();
    for (id, image) in [
        ("gpu-1", "dumont-sandbox/host:noexec-tmp"),
        ("gpu-2", "dumont-sandbox/busybox:noexec-tmp"),
    ] {
        let at = host(&rig, id, image).await;
        std::fs::remove_file(rig.folder.join("known_hosts")).ok();
        let make = "printf '#!/bin/sh\\necho ran in '$d'\\n' >$d/p; chmod 755 $d/p; $d/p; echo $?";
        let said = says(&rig, at, &format!("for d in /tmp /workspace; do {make}; done")).await;
        assert!(said.contains("126\nran in /workspace\n0\n"), "{image}: {said}");
    }
}

#[tokio::test]
async fn the_system_and_the_gpus_are_told_as_the_image_and_the_offer_say() {
    let rig = rig();
    let gpus = Gpus {
        name: "RTX 4090".into(),
        count: 2,
        memory_mib: 24_564,
        driver: "535.86.05".into(),
        cuda: "12.2".into(),
        watts: 450,
        compute: "8.9".into(),
        machine: 7,
    };
    for (id, image, system) in [
        ("gpu-1", "nvidia/cuda:12.4.1-devel-ubuntu22.04", "Ubuntu 22.04 LTS"),
        ("gpu-2", "debian:12", "Debian GNU/Linux 12 (bookworm)"),
        ("gpu-3", "dumont-sandbox/busybox:1", "Buildroot"),
    ] {
        let spec = HostSpec { image: image.into(), gpus: Some(gpus.clone()), ..rig.spec(id) };
        rig.hosts.create(spec).await.unwrap();
        let at = rig.hosts.boot(id).await.unwrap();
        std::fs::remove_file(rig.folder.join("known_hosts")).ok();
        assert_eq!(rig.run(at, ". /etc/os-release; echo $PRETTY_NAME").await.trim(), system);
        assert_eq!(
            rig.run(at, "nvidia-smi --query-gpu=index,name,memory.total,driver_version --format=csv,noheader").await,
            "0, NVIDIA GeForce RTX 4090, 24564 MiB, 535.86.05\n1, NVIDIA GeForce RTX 4090, 24564 MiB, 535.86.05\n",
            "{image}"
        );
        assert_eq!(
            rig.run(at, "nvidia-smi -L | wc -l; command -v nvidia-smi").await,
            "2\n/usr/bin/nvidia-smi\n"
        );
        let unknown = output(rig.ssh(at).arg("nvidia-smi --query-gpu=colour --format=csv")).await;
        assert_eq!(unknown.status.code(), Some(2));
    }
    let plain = rig.host("standby").await;
    std::fs::remove_file(rig.folder.join("known_hosts")).unwrap();
    assert_eq!(rig.run(plain, "command -v nvidia-smi || echo none").await, "none\n");
}

#[tokio::test]
async fn an_image_that_is_none_makes_no_host() {
    let rig = rig();
    let spec = HostSpec { image: "dumont-sandbox/host:fast".into(), ..rig.spec("gpu-1") };
    let error = rig.hosts.create(spec).await.unwrap_err();
    assert!(matches!(error, HostError::Image(_)), "{error:?}");
    assert!(error.to_string().contains("manifest unknown"), "{error}");
    assert_eq!(rig.hosts.endpoint("gpu-1"), None);
}
