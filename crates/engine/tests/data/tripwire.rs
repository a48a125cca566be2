//! Mass deletion stops at the standby, and what was deleted within bounds is kept.

use std::fs;

use engine::data::{self, CycleOutcome, CycleRequest};

use domain::frozen::Deletions;
use engine::data::CycleReport;

use super::rig::{EPOCH, Rig, START_UP, nasty_names};

/// What a sync was stopped for: how many of how many, and which.
fn stopped(report: &CycleReport) -> ((i64, i64), &Deletions) {
    match &report.outcome {
        CycleOutcome::Frozen { would_delete, of, deletions } => {
            ((*would_delete, *of), deletions.as_ref().expect("they are known by name"))
        }
        other => panic!("not stopped: {other:?}"),
    }
}

fn accepting(rig: &Rig, cycle: &str, digest: &str) -> CycleRequest {
    CycleRequest { accepted_deletions: Some(digest.to_owned()), ..rig.request(cycle) }
}

/// A copy whose GPU lost all that is below `runs`, whatever it is called, and what stopped its sync.
async fn lost_its_runs(rig: &Rig) -> Deletions {
    for name in nasty_names() {
        rig.gpu.write(std::path::Path::new("/workspace/runs").join(&name), "precious");
        rig.gpu.write(std::path::Path::new("/workspace").join(&name), "kept");
    }
    for number in 0..10 {
        rig.gpu.write(format!("/workspace/runs/deep [1]*/{number}"), "precious");
    }
    rig.gpu.write("/workspace/runs/deep [1]x/not meant by a pattern", "precious");
    rig.synced("1").await;
    fs::rename(rig.gpu.path("/workspace/runs"), rig.gpu.path("/root/runs")).expect("moved");
    let report = rig.cycle("2").await.expect("a report");
    let (count, held) = stopped(&report);
    assert_eq!(count, (27, 43));
    held.clone()
}

#[tokio::test]
async fn what_stopped_a_sync_is_told_by_name_whatever_it_is_called() {
    let rig = Rig::new().await;
    let held = lost_its_runs(&rig).await;
    assert_eq!((held.files, held.folders, held.bytes), (27, 3, Some(27 * 8)));
    let told: std::collections::BTreeSet<String> =
        held.listed.iter().map(|one| one.path.clone()).collect();
    for name in nasty_names() {
        let path = format!("runs/{}", name.to_string_lossy());
        assert!(told.contains(&path), "{path:?} in {told:?}");
    }
    assert_eq!(held.listed.len(), 30);
    let folders = held.listed.iter().filter(|one| one.bytes.is_none());
    assert!(folders.clone().count() == 3 && folders.clone().all(|one| one.path.ends_with('/')));
    let again = rig.cycle("3").await.expect("a report");
    assert_eq!(stopped(&again).1.digest, held.digest, "the same set has the same digest");
    fs::remove_file(rig.gpu.path("/workspace/plain.txt")).expect("removed");
    let more = rig.cycle("4").await.expect("a report");
    assert_ne!(stopped(&more).1.digest, held.digest);
}

#[tokio::test]
async fn what_was_accepted_is_deleted_and_nothing_else() {
    let rig = Rig::new().await;
    let held = lost_its_runs(&rig).await;
    let before = rig.standby.tree("/workspace");
    let sync = async |cycle: &str, digest: &str| {
        let request = accepting(&rig, cycle, digest);
        data::cycle(&rig.standby.shell, &request).await.expect("a report")
    };
    // Another list was accepted, or one that the standby never had.
    stopped(&sync("3", &"0".repeat(64)).await);
    assert_eq!(rig.standby.tree("/workspace"), before);
    // One of them is there again, one more is gone.
    rig.gpu.write("/workspace/runs/plain.txt", "made anew");
    fs::remove_file(rig.gpu.path("/workspace/plain.txt")).expect("removed");
    let report = sync("4", &held.digest).await;
    assert_eq!(report.outcome, CycleOutcome::Ok);
    assert_eq!(report.files_deleted, 26);
    let runs: Vec<_> = rig.standby.tree("/workspace/runs").into_keys().collect();
    assert_eq!(runs, [b"plain.txt".to_vec()]);
    assert!(rig.standby.path("/workspace/plain.txt").exists(), "nobody accepted that");
    // The next sync judges it as any other.
    assert_eq!(rig.synced("5").await.files_deleted, 1);
    rig.assert_same();
}

#[tokio::test]
async fn what_was_accepted_is_shown_again_where_too_much_else_went_meanwhile() {
    let rig = Rig::new().await;
    for number in 0..60 {
        rig.gpu.write(format!("/workspace/kept/{number}"), "x");
    }
    for number in 0..40 {
        rig.gpu.write(format!("/workspace/gone/{number}"), "x");
    }
    rig.synced("1").await;
    fs::remove_dir_all(rig.gpu.path("/workspace/gone")).expect("removed");
    let report = rig.cycle("2").await.expect("a report");
    let held = stopped(&report).1.clone();
    let before = rig.standby.tree("/workspace");
    fs::remove_dir_all(rig.gpu.path("/workspace/kept")).expect("removed");
    let request = accepting(&rig, "3", &held.digest);
    let report = data::cycle(&rig.standby.shell, &request).await.expect("a report");
    let (count, now) = stopped(&report);
    assert_eq!((count, now.files), ((100, 100), 100));
    assert_ne!(now.digest, held.digest);
    assert_eq!(rig.standby.tree("/workspace"), before, "and none of either was deleted");
}

#[tokio::test]
async fn what_goes_while_an_accepted_sync_is_made_stays_on_the_standby() {
    let rig = Rig::new().await;
    let held = lost_its_runs(&rig).await;
    // Between the look and the sync: the second time that the GPU is asked, one more has gone.
    let script = r#"rsync() {
        local n; n=$(cat /root/calls 2>/dev/null || echo 0); echo $((n + 1)) >/root/calls
        [ "$n" -lt 1 ] || rm -f /workspace/plain.txt
        command rsync "$@"
    }"#;
    rig.gpu.write(START_UP, script);
    let request = accepting(&rig, "5", &held.digest);
    let report = data::cycle(&rig.standby.shell, &request).await.expect("a report");
    assert_eq!(report.outcome, CycleOutcome::Ok);
    assert!(!rig.gpu.path("/workspace/plain.txt").exists(), "it went meanwhile");
    assert!(rig.standby.path("/workspace/plain.txt").exists(), "nobody accepted that");
    assert!(!rig.standby.path("/workspace/runs").exists());
}

#[tokio::test]
async fn what_was_deleted_comes_back_and_what_is_there_is_not_touched() {
    let rig = Rig::new().await;
    let before = {
        let rig = &rig;
        let held = lost_its_runs(rig).await;
        let before = rig.standby.tree("/workspace");
        // Made anew meanwhile, and of another kind.
        rig.gpu.write("/workspace/runs/plain.txt", "newer work");
        rig.gpu.write("/workspace/runs/deep [1]*", "a file where a folder was");
        let bring = async |digest: &str, epoch| {
            let standby = &rig.standby.shell;
            data::bring_back(standby, &rig.gpu.at, &rig.workspace, epoch, digest).await
        };
        bring(&"0".repeat(64), EPOCH).await.expect_err("another list");
        assert!(matches!(
            bring(&held.digest, domain::id::Epoch(EPOCH.0 - 1)).await,
            Err(data::DataError::StaleEpoch { .. })
        ));
        assert!(!rig.gpu.path("/workspace/runs/-rf").exists());
        // What stands in the way of a folder is told, and stays.
        let _ = bring(&held.digest, EPOCH).await;
        before
    };
    assert_eq!(fs::read(rig.gpu.path("/workspace/runs/plain.txt")).expect("read"), b"newer work");
    assert!(rig.gpu.path("/workspace/runs/deep [1]*").is_file());
    assert_eq!(rig.standby.tree("/workspace"), before, "the copy is as it was");
    for name in nasty_names().iter().filter(|name| name.to_str() != Some("plain.txt")) {
        let inside = std::path::Path::new("/workspace/runs").join(name);
        assert_eq!(fs::read(rig.gpu.path(&inside)).expect("it is back"), b"precious", "{name:?}");
    }
    assert!(rig.gpu.path("/workspace/runs/deep [1]x/not meant by a pattern").exists());
}

#[tokio::test]
async fn an_emptied_workspace_leaves_the_copy_whole() {
    let rig = Rig::new().await;
    for number in 0..5 {
        rig.gpu.write(format!("/workspace/dir/{number}"), "precious");
    }
    rig.synced("1").await;
    let before = rig.standby.tree("/workspace");
    fs::remove_dir_all(rig.gpu.path("/workspace/dir")).expect("removed");
    for cycle in ["2", "3"] {
        let report = rig.cycle(cycle).await.expect("a report");
        assert_eq!(stopped(&report).0, (5, 5));
        assert_eq!((report.files_sent, report.files_deleted), (0, 0));
        assert_eq!(rig.standby.tree("/workspace"), before);
    }
    // Its user says that it was meant: the files go, and are kept as versions.
    let meant = CycleRequest { max_delete_percent: 100, ..rig.request("4") };
    let report = data::cycle(&rig.standby.shell, &meant).await.expect("a report");
    assert_eq!(report.outcome, CycleOutcome::Ok);
    rig.assert_same();
    assert_eq!(rig.standby.tree(report.versions_path.expect("versions")).len(), 6);
}

#[tokio::test]
async fn the_share_decides_and_changes_wait_with_the_deletions() {
    let rig = Rig::new().await;
    for number in 0..100 {
        rig.gpu.write(format!("/workspace/{number}"), "x");
    }
    rig.synced("1").await;
    for number in 0..30 {
        fs::remove_file(rig.gpu.path(format!("/workspace/{number}"))).expect("removed");
    }
    assert_eq!(rig.synced("2").await.files_deleted, 30);
    rig.assert_same();

    let before = rig.standby.tree("/workspace");
    for number in 30..60 {
        fs::remove_file(rig.gpu.path(format!("/workspace/{number}"))).expect("removed");
    }
    rig.gpu.write("/workspace/99", "changed meanwhile");
    let report = rig.cycle("3").await.expect("a report");
    assert_eq!(stopped(&report).0, (30, 70));
    assert_eq!(rig.standby.tree("/workspace"), before, "not one byte is applied");
    // The files come back: all goes on by itself.
    for number in 30..60 {
        rig.gpu.write(format!("/workspace/{number}"), "x");
    }
    rig.synced("4").await;
    rig.assert_same();
}
