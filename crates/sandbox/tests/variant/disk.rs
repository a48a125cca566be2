//! Disks that end.

use sandbox::host::{HostError, HostSpec};

use super::says;
use crate::rig::{Rig, output, rig};

const MIB: u64 = 1024 * 1024;

async fn host_with(rig: &Rig, id: &str, bytes: u64) -> sandbox::host::Endpoint {
    let spec = HostSpec { disk_bytes: Some(bytes), ..rig.spec(id) };
    rig.hosts.create(spec).await.unwrap();
    rig.hosts.boot(id).await.unwrap()
}

/// Whether disks of their own can be had here; said aloud where not, since the rest is then not tried.
#[expect(clippy::print_stderr, reason = "says what is not tried")]
async fn unable(rig: &Rig) -> bool {
    if rig.hosts.can_have_disks() {
        return false;
    }
    let spec = HostSpec { disk_bytes: Some(MIB), ..rig.spec("gpu-1") };
    let error = rig.hosts.create(spec).await.unwrap_err();
    assert!(matches!(error, HostError::Unable(_)), "{error:?}");
    eprintln!("disks of their own need root: refused, and not tried further");
    true
}

#[tokio::test]
async fn a_disk_is_as_large_as_was_asked_for_and_then_full() {
    let rig = rig();
    if unable(&rig).await {
        return;
    }
    let at = host_with(&rig, "gpu-1", 64 * MIB).await;
    let size: u64 = rig.run(at, "df -B1 --output=size / | tail -1").await.trim().parse().unwrap();
    assert!((48 * MIB..=64 * MIB).contains(&size), "{size}");
    for folder in ["/workspace", "/var/lib", "/root", "/tmp"] {
        let script = format!(
            "mkdir -p {folder}; head -c 80M /dev/zero >{folder}/big; echo $?; rm {folder}/big"
        );
        let said = says(&rig, at, &script).await;
        assert!(
            said.contains("No space left on device") && said.contains("1\n"),
            "{folder}: {said}"
        );
    }
    // What fits is kept over a stop, an end of power, and neither costs the machine what is free.
    rig.run(at, "head -c 20M /dev/urandom >/workspace/kept; echo x >/tmp/gone; sync").await;
    let sum = rig.run(at, "sha256sum </workspace/kept").await;
    for end in ["halt", "kill"] {
        match end {
            "halt" => rig.hosts.halt("gpu-1").await.unwrap(),
            _ => rig.hosts.kill("gpu-1").await.unwrap(),
        }
        let at = rig.hosts.boot("gpu-1").await.unwrap();
        assert_eq!(rig.run(at, "sha256sum </workspace/kept").await, sum, "{end}");
        assert_eq!(says(&rig, at, "ls -A /tmp").await, "", "{end}");
    }
    let used = rig.hosts.usage("gpu-1").await.disk_bytes.unwrap();
    assert!((20 * MIB..40 * MIB).contains(&used), "{used}");
}

#[tokio::test]
async fn a_fault_fills_a_disk_and_gives_the_room_back() {
    let rig = rig();
    if unable(&rig).await {
        return;
    }
    let at = host_with(&rig, "gpu-1", 20_000 * MIB).await;
    rig.hosts.fill_disk("gpu-1", 5 * MIB).await.unwrap();
    let free = "df -B1 --output=avail / | tail -1";
    let left: u64 = rig.run(at, free).await.trim().parse().unwrap();
    assert!((4 * MIB..=5 * MIB).contains(&left), "{left}");
    let put = "head -c 3M /dev/zero >/workspace/small && head -c 9M /dev/zero >/workspace/large";
    let done = output(rig.ssh(at).arg(put)).await;
    assert!(String::from_utf8_lossy(&done.stderr).contains("No space left"), "{done:?}");
    let used = rig.hosts.usage("gpu-1").await.disk_bytes.unwrap();
    assert!(used < 200 * MIB, "a full disk is not full on the machine: {used}");
    rig.run(at, "rm /workspace/*").await;
    rig.hosts.fill_disk("gpu-1", 0).await.unwrap();
    let said = says(&rig, at, "echo x >/workspace/x && cat /workspace/x").await;
    assert!(said.contains("No space left"), "{said}");
    rig.hosts.empty_disk("gpu-1").await.unwrap();
    rig.run(at, "head -c 9M /dev/zero >/workspace/large").await;
    let shared = rig.hosts.create(rig.spec("gpu-2")).await;
    shared.unwrap();
    rig.hosts.boot("gpu-2").await.unwrap();
    let error = rig.hosts.fill_disk("gpu-2", 0).await.unwrap_err();
    assert!(matches!(error, HostError::SharedDisk(_)), "{error:?}");
}

#[tokio::test]
async fn no_mount_and_no_loop_device_outlives_a_host() {
    let rig = rig();
    if unable(&rig).await {
        return;
    }
    let at = host_with(&rig, "gpu-1", 64 * MIB).await;
    rig.run(at, "echo x >/workspace/x; sleep 100 >/dev/null 2>&1 & true").await;
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let folder = rig.folder.display().to_string();
    assert!(!mounts.contains(&folder), "the machine has none of it mounted");
    let files = rig.hosts.files("gpu-1").await.unwrap();
    assert_eq!(std::fs::read_to_string(files.join("workspace/x")).unwrap(), "x\n");
    rig.hosts.destroy("gpu-1").await.unwrap();
    crate::rig::eventually("no loop device is left", async || {
        let listed = output(tokio::process::Command::new("losetup").arg("-a")).await;
        !String::from_utf8_lossy(&listed.stdout).contains(&folder)
    })
    .await;
}

#[tokio::test]
async fn recycling_and_a_program_beside_see_the_same_disk() {
    let rig = rig();
    if unable(&rig).await {
        return;
    }
    let at = host_with(&rig, "gpu-1", 64 * MIB).await;
    rig.run(at, "echo x >/workspace/x; sync").await;
    rig.hosts.halt("gpu-1").await.unwrap();
    let words = ["ls", "/workspace"].map(str::to_owned).to_vec();
    assert_eq!(rig.hosts.run("gpu-1", words.clone()).await.unwrap(), "x\n");
    rig.hosts.renew("gpu-1").await.unwrap();
    assert_eq!(rig.hosts.run("gpu-1", words).await.unwrap(), "");
    rig.hosts.boot("gpu-1").await.unwrap();
}
