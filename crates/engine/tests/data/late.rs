//! What only a GPU that was left has is saved beside the copy.

use engine::data::{self, Hold};

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

/// Two that write in ways of their own: one keeps its file open, one opens a new one each time and has nothing
/// to do with the workspace in between.
const WRITERS: &str = "cd /root; setsid nohup bash -c 'exec 5>/workspace/open; while :; do date +%s%N >&5; sleep 0.02; done' >/dev/null 2>&1 & \
    setsid nohup bash -c 'while :; do date +%s%N > /workspace/each; sleep 0.02; done' >/dev/null 2>&1 & sleep 0.3; echo begun";

async fn hold(rig: &Rig, what: Hold) -> bool {
    data::hold_left(&rig.gpu.shell, &rig.workspace, "f-1", what).await.expect("it answers")
}

async fn fetch(rig: &Rig) -> data::Late {
    let key = rig.gpu.shell.host_key();
    let late = data::fetch_late(&rig.standby.shell, &rig.workspace, "f-1", &rig.gpu.at, key);
    late.await.expect("fetched")
}

#[tokio::test]
async fn nothing_is_written_after_what_runs_is_held_and_what_was_is_saved() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/same", "same");
    rig.synced("1").await;
    data::takeover(&rig.standby.shell, &rig.workspace, EPOCH.next()).await.expect("taken over");
    rig.gpu.run(WRITERS).await;
    assert!(!hold(&rig, Hold::Look).await, "nothing is marked yet");
    let held = rig.gpu.tree("/workspace");
    assert!(!held[&b"open"[..]].content.is_empty() && !held[&b"each"[..]].content.is_empty());
    assert!(!hold(&rig, Hold::Mark).await, "a mark alone says nothing");
    let late = fetch(&rig).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(hold(&rig, Hold::Look).await, "all is saved, and nothing was written since");
    assert_eq!(rig.gpu.tree("/workspace"), held, "nothing was written since it was held");
    let saved = rig.standby.tree(&late.path);
    for name in [&b"open"[..], b"each"] {
        assert_eq!(saved[name], held[name]);
    }
    // The way in is still there, and what was held is only held.
    assert_eq!(rig.gpu.run("pgrep -cf '[e]xec 5>/workspace'").await, "1");
}

#[tokio::test]
async fn one_that_writes_after_it_was_marked_is_fetched_from_again() {
    let rig = Rig::new().await;
    rig.synced("1").await;
    data::takeover(&rig.standby.shell, &rig.workspace, EPOCH.next()).await.expect("taken over");
    hold(&rig, Hold::Mark).await;
    assert_eq!(fetch(&rig).await.files, 0);
    assert!(hold(&rig, Hold::Look).await);
    for change in
        ["echo 1 > /workspace/new", "mkdir /workspace/folder", "mv /workspace/new /workspace/other"]
    {
        let script = providers::ssh::Script::bash("eval \"$1\"").arg(change);
        let ran = rig.gpu.shell.run(&script, None, super::rig::DEADLINE).await.expect("it runs");
        assert!(ran.exit.success(), "{change}");
        assert!(!hold(&rig, Hold::Look).await, "{change}");
        hold(&rig, Hold::Mark).await;
        fetch(&rig).await;
        assert!(hold(&rig, Hold::Look).await, "{change}");
    }
    // A transfer under way is let go on, and so is whoever asks at the same time.
    let (one, other) = tokio::join!(hold(&rig, Hold::Look), hold(&rig, Hold::Look));
    assert!(one && other);
}
