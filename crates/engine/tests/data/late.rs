//! What only a GPU that was left has is saved beside the copy.

use engine::data;

use super::rig::{EPOCH, Rig};

#[tokio::test]
async fn what_the_copy_lacks_is_saved_and_the_copy_is_as_it_was() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/same", "same");
    rig.gpu.write("/workspace/folder/changed", "before");
    rig.synced("1").await;
    data::takeover(&rig.standby.shell, &rig.workspace, EPOCH.next()).await.expect("taken over");
    rig.gpu.write("/workspace/folder/changed", "after it was cut off");
    rig.gpu.write("/workspace/folder/new", "new");
    // Root's own programs must not come from a GPU.
    let bits = std::os::unix::fs::PermissionsExt::from_mode(0o6755);
    std::fs::set_permissions(rig.gpu.path("/workspace/folder/new"), bits).expect("set");
    rig.standby.write("/workspace/work", "done on the standby");
    let before = rig.standby.tree("/workspace");
    let fetch = async || {
        let key = rig.gpu.shell.host_key();
        data::fetch_late(&rig.standby.shell, &rig.workspace, "f-1", &rig.gpu.at, key).await
    };
    let late = fetch().await.expect("fetched");
    assert_eq!((late.files, late.bytes), (2, 23));
    let saved = rig.standby.tree(&late.path);
    assert_eq!(saved[&b"folder/changed"[..]].content, b"after it was cut off");
    assert_eq!(saved[&b"folder/new"[..]].content, b"new");
    assert_eq!(saved[&b"folder/new"[..]].mode & 0o7777, 0o755);
    assert_eq!(rig.standby.tree("/workspace"), before);
    // Cut off and asked again: the same.
    assert_eq!(fetch().await.expect("fetched again"), late);
}

#[tokio::test]
async fn a_host_with_another_key_is_not_talked_with() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/file", "x");
    rig.synced("1").await;
    let other = rig.new_gpu("other").await;
    let key = rig.gpu.shell.host_key();
    let refused = data::fetch_late(&rig.standby.shell, &rig.workspace, "f-1", &other.at, key).await;
    assert!(refused.is_err(), "{refused:?}");
}
