//! Mass deletion stops at the standby, and what was deleted within bounds is kept.

use std::fs;

use engine::data::{self, CycleOutcome, CycleRequest};

use super::rig::Rig;

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
        assert_eq!(report.outcome, CycleOutcome::Frozen { would_delete: 5, of: 5 });
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
    assert_eq!(report.outcome, CycleOutcome::Frozen { would_delete: 30, of: 70 });
    assert_eq!(rig.standby.tree("/workspace"), before, "not one byte is applied");
    // The files come back: all goes on by itself.
    for number in 30..60 {
        rig.gpu.write(format!("/workspace/{number}"), "x");
    }
    rig.synced("4").await;
    rig.assert_same();
}
