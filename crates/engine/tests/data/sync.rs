//! What is on the GPU comes to the standby, whatever it is and however it changes.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::SystemTime;

use engine::data::{self, CycleOutcome, Progress};

use super::rig::{Rig, chmod, nasty_names};

#[tokio::test]
async fn any_name_and_any_kind_of_entry_arrives() {
    let rig = Rig::at("/work's place/ação").await;
    let root = std::path::PathBuf::from(&rig.workspace);
    for (number, name) in nasty_names().into_iter().enumerate() {
        rig.gpu.write(root.join(&name), number.to_string());
        rig.gpu.write(root.join("deep").join(&name).join(&name), number.to_string());
    }
    let at = |name: &str| rig.gpu.path(root.join(name));
    fs::create_dir_all(at("empty/folder")).expect("made");
    symlink("plain.txt", at("link")).expect("made");
    symlink("/nowhere/at all\n", at("dangling")).expect("made");
    fs::write(at("secret"), "x").expect("written");
    chmod(&at("secret"), 0o400);
    fs::write(at("program"), "x").expect("written");
    chmod(&at("program"), 0o755);
    chmod(&at("empty"), 0o700);
    fs::File::create(at("sparse")).and_then(|file| file.set_len(5_000_000)).expect("made");

    let report = rig.synced("1").await;
    rig.assert_same();
    let names = i64::try_from(nasty_names().len()).expect("few");
    assert_eq!(report.files_total, 2 * names + 5);
    assert_eq!(report.files_sent, 2 * names + 3);
    assert_eq!(report.files_deleted, 0);
    assert!(report.bytes_total >= 5_000_000);
    assert_eq!(report.versions_path, None, "nothing was replaced");

    let again = rig.synced("2").await;
    assert_eq!((again.files_sent, again.bytes_sent, again.files_deleted), (0, 0, 0));
    assert_eq!(again.files_total, report.files_total);
    assert_eq!(again.bytes_total, report.bytes_total);
}

#[tokio::test]
async fn changes_of_every_kind_follow_and_what_was_is_kept() {
    let rig = Rig::new().await;
    let (gpu, standby) = (&rig.gpu, &rig.standby);
    for name in
        ["changed", "deleted", "renamed", "mode", "becomes a folder", "d/in a folder", "d/e/deeper"]
    {
        gpu.write(format!("/workspace/{name}"), format!("{name} 1"));
    }
    symlink("old", gpu.path("/workspace/link")).expect("made");
    rig.synced("1").await;
    rig.assert_same();

    gpu.write("/workspace/changed", "changed 2");
    fs::remove_file(gpu.path("/workspace/deleted")).expect("removed");
    fs::rename(gpu.path("/workspace/renamed"), gpu.path("/workspace/new name")).expect("renamed");
    chmod(&gpu.path("/workspace/mode"), 0o751);
    fs::remove_file(gpu.path("/workspace/becomes a folder")).expect("removed");
    gpu.write("/workspace/becomes a folder/file", "x");
    fs::rename(gpu.path("/workspace/d"), gpu.path("/workspace/moved")).expect("renamed");
    fs::remove_file(gpu.path("/workspace/link")).expect("removed");
    symlink("new", gpu.path("/workspace/link")).expect("made");
    let report = rig.synced("2").await;
    rig.assert_same();
    assert_eq!(report.files_total, 7);
    assert!(report.files_deleted >= 4, "{report:?}");

    let versions = report.versions_path.expect("something was replaced");
    assert_eq!(versions, "/var/lib/dumont/versions/3-2");
    let kept = standby.tree(&versions);
    for name in ["changed", "deleted", "renamed", "becomes a folder", "d/in a folder", "d/e/deeper"]
    {
        let was = kept.get(name.as_bytes()).unwrap_or_else(|| panic!("{name} is kept"));
        assert_eq!(was.content, format!("{name} 1").into_bytes());
    }
}

#[tokio::test]
async fn a_rewrite_in_the_same_second_with_the_same_size_is_seen() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/state", "step 1");
    let path = rig.gpu.path("/workspace/state");
    let second = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    let at = |nanos| second + std::time::Duration::from_nanos(nanos);
    fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(at(1_000)))
        .expect("time set");
    rig.synced("1").await;
    rig.gpu.write("/workspace/state", "step 2");
    fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(at(2_000)))
        .expect("time set");
    rig.synced("2").await;
    rig.assert_same();
}

#[tokio::test]
async fn pending_and_progress_are_told() {
    let rig = Rig::new().await;
    for number in 0..20 {
        rig.gpu.write(format!("/workspace/{number}"), vec![7; 100_000]);
    }
    let (mut pending, mut sent) = (Vec::new(), Vec::new());
    let request = rig.request("1");
    let report =
        data::cycle_with(&rig.standby.shell, &request, &mut |now| pending.push(now), &mut |now| {
            sent.push(now)
        })
        .await
        .expect("a report");
    assert_eq!(report.outcome, CycleOutcome::Ok);
    assert_eq!(pending, [Progress { files: 20, bytes: 2_000_000 }]);
    assert_eq!(sent.last().map(|now| now.bytes), Some(2_000_000), "{sent:?}");
}

#[tokio::test]
async fn a_missing_workspace_is_told_and_nothing_is_lost() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/file", "x");
    rig.synced("1").await;
    let before = rig.standby.tree("/workspace");
    fs::remove_dir_all(rig.gpu.path("/workspace")).expect("removed");
    let report = rig.cycle("2").await.expect("a report");
    assert_eq!(report.outcome, CycleOutcome::SourceMissing);
    assert_eq!(rig.standby.tree("/workspace"), before);
}

#[tokio::test]
async fn preparing_again_changes_nothing() {
    let rig = Rig::new().await;
    let keys = fs::read_to_string(rig.gpu.path("/root/.ssh/authorized_keys")).expect("keys");
    let facts = data::prepare_standby(&rig.standby.shell).await.expect("prepared");
    assert!(facts.public_key.starts_with("ssh-ed25519 "));
    data::prepare_gpu(&rig.gpu.shell, &facts.public_key, Some(&rig.workspace))
        .await
        .expect("prepared");
    assert_eq!(fs::read_to_string(rig.gpu.path("/root/.ssh/authorized_keys")).expect("keys"), keys);
    assert_eq!(keys.lines().count(), 1);
    assert!(rig.gpu.path("/root/.no_auto_tmux").exists());
    assert!(
        !rig.gpu
            .run("cat /var/lib/dumont/id_ed25519 ~/.ssh/id_* 2>/dev/null || echo none")
            .await
            .contains("PRIVATE")
    );
    rig.synced("1").await;
}
