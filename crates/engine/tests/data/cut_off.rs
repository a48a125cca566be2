//! Syncs that break in the middle: the copy stays consistent, and the next sync mends it.

use std::time::{Duration, Instant};

use engine::data;

use super::rig::{Rig, eventually};

/// Makes the GPU's side of rsync slow enough to be caught in the middle.
pub(crate) fn slow_down(rig: &Rig) {
    let throttle = "$| = 1; while (sysread STDIN, $b, 65536) { syswrite STDOUT, $b; select undef, undef, undef, 0.02 }";
    rig.gpu.write(
        "/opt/bin/rsync",
        format!("#!/bin/bash\n/usr/bin/rsync \"$@\" | perl -e '{throttle}'\n"),
    );
    super::rig::chmod(&rig.gpu.path("/opt/bin/rsync"), 0o755);
    rig.gpu.write(super::rig::START_UP, "PATH=/opt/bin:$PATH\n");
}

/// Lets it be fast again.
fn speed_up(rig: &Rig) {
    std::fs::remove_file(rig.gpu.path("/opt/bin/rsync")).expect("removed");
}

/// Waits until a file's data is coming in.
pub(crate) async fn until_receiving(rig: &Rig) {
    let incoming = rig.standby.path("/var/lib/dumont/incoming");
    eventually("data is coming in", async || {
        std::fs::read_dir(&incoming).is_ok_and(|mut files| files.next().is_some())
    })
    .await;
}

#[tokio::test]
async fn a_killed_rsync_is_mended_by_the_next_sync() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/big", vec![1; 64 << 20]);
    rig.gpu.write("/workspace/old", "old");
    slow_down(&rig);
    let (shell, request) = (rig.standby.shell.clone(), rig.request("1"));
    let cycle = tokio::spawn(async move { data::cycle(&shell, &request).await });
    until_receiving(&rig).await;
    rig.standby.run("pkill -KILL -x rsync").await;
    let cut = cycle.await.expect("no panic");
    assert!(cut.is_err(), "{cut:?}");
    assert!(!rig.standby.path("/workspace/big").exists(), "no half file is in its place");
    speed_up(&rig);
    rig.synced("2").await;
    rig.assert_same();
}

#[tokio::test]
async fn a_gpu_that_falls_silent_ends_the_sync_and_leaves_the_copy_as_it_was() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/big", vec![1; 1 << 20]);
    rig.gpu.write("/workspace/small", "one");
    rig.synced("1").await;
    let before = rig.standby.tree("/workspace");
    rig.gpu.write("/workspace/big", vec![2; 64 << 20]);
    rig.gpu.write("/workspace/small", "two");
    slow_down(&rig);
    let (shell, request) = (rig.standby.shell.clone(), rig.request("2"));
    let cycle = tokio::spawn(async move { data::cycle(&shell, &request).await });
    until_receiving(&rig).await;
    rig.hosts.kill(&rig.gpu.id).await.expect("killed");
    let start = Instant::now();
    let cut = cycle.await.expect("no panic");
    assert!(cut.is_err(), "{cut:?}");
    assert!(start.elapsed() < Duration::from_secs(40), "{:?}", start.elapsed());
    let mut after = rig.standby.tree("/workspace");
    after.retain(|name, _| !name.starts_with(b".dumont-"));
    super::rig::assert_same(&before, &after);

    let taken = data::takeover(&rig.standby.shell, &rig.workspace, super::rig::EPOCH.next())
        .await
        .expect("taken over");
    assert_eq!(
        (taken.files, taken.last_cycle.as_deref(), taken.cut_off.as_deref()),
        (2, Some("3-1"), Some("3-2"))
    );
    super::rig::assert_same(&before, &rig.standby.tree("/workspace"));
}

#[tokio::test]
async fn a_sync_that_nobody_waits_for_ends() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/big", vec![1; 64 << 20]);
    slow_down(&rig);
    let (shell, request) = (rig.standby.shell.clone(), rig.request("1"));
    let cycle = tokio::spawn(async move { data::cycle(&shell, &request).await });
    until_receiving(&rig).await;
    cycle.abort();
    eventually("rsync has ended", async || {
        rig.standby.run("pgrep -x rsync || echo none").await == "none"
    })
    .await;
    speed_up(&rig);
    rig.synced("2").await;
    rig.assert_same();
}
