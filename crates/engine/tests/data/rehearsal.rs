//! A drill's copy is its own, though it shares what did not change.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use engine::data;

use super::rig::{Rig, assert_same, chmod, nasty_names};

#[tokio::test]
async fn later_syncs_do_not_show_through() {
    let rig = Rig::new().await;
    for name in nasty_names() {
        rig.gpu.write(std::path::Path::new("/workspace").join(name), "one");
    }
    rig.gpu.write("/workspace/d/same", "same");
    let report = rig.synced("1").await;
    let before = rig.standby.tree("/workspace");
    let pinned =
        data::rehearse(&rig.standby.shell, &rig.workspace, "drill-1").await.expect("pinned");
    assert_eq!((pinned.files, pinned.bytes), (report.files_total, report.bytes_total));
    assert_same(&before, &rig.standby.tree(&pinned.source));
    let inode = |path: &str| fs::metadata(rig.standby.path(path)).expect("there").ino();
    assert_eq!(
        inode("/workspace/d/same"),
        inode(&format!("{}/d/same", pinned.source)),
        "unchanged files are shared"
    );

    // Contents, an append in place, rights alone, names, deletions.
    for name in nasty_names().iter().take(5) {
        rig.gpu.write(std::path::Path::new("/workspace").join(name), "two");
    }
    for name in nasty_names().iter().skip(5).take(9) {
        chmod(&rig.gpu.path("/workspace").join(name), 0o700);
    }
    fs::remove_file(rig.gpu.path("/workspace").join("....")).expect("removed");
    rig.synced("2").await;
    rig.assert_same();
    assert_same(&before, &rig.standby.tree(&pinned.source));
    let again =
        data::rehearse(&rig.standby.shell, &rig.workspace, "drill-1").await.expect("the same");
    assert_eq!(again, pinned);

    let gpu = rig.new_gpu("new").await;
    rig.restore(&pinned.source, &gpu).await;
    let proof = data::verify(&rig.standby.shell, &pinned.source, &gpu.shell, &rig.workspace)
        .await
        .expect("compared");
    assert_eq!(
        (proof.mismatched_count, proof.verified, proof.bytes),
        (0, pinned.files, pinned.bytes)
    );
    data::forget_rehearsal(&rig.standby.shell, "drill-1").await.expect("removed");
    data::forget_rehearsal(&rig.standby.shell, "drill-1").await.expect("fine again");
    assert!(!rig.standby.path(&pinned.source).exists());
    rig.assert_same();
}
