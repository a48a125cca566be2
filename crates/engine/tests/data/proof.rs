//! A new GPU gets everything, and nothing that differs goes unseen.

use std::fs;
use std::os::unix::fs::symlink;

use domain::failover::VerifyOutput;
use engine::data;

use super::rig::{Host, Rig, assert_same, chmod, nasty_names};

async fn filled() -> Rig {
    let rig = Rig::at("/data/my work").await;
    let root = std::path::Path::new("/data/my work");
    for name in nasty_names() {
        rig.gpu.write(root.join(&name), "content");
        rig.gpu.write(root.join("deep").join(&name), vec![3; 3000]);
    }
    fs::create_dir_all(rig.gpu.path(root.join("empty"))).expect("made");
    symlink("plain.txt", rig.gpu.path(root.join("link"))).expect("made");
    rig.synced("1").await;
    rig
}

async fn compared(rig: &Rig, gpu: &Host) -> VerifyOutput {
    data::verify(&rig.standby.shell, &rig.workspace, &gpu.shell, &rig.workspace)
        .await
        .expect("compared")
}

#[tokio::test]
async fn what_is_restored_is_proven_and_again_sends_nothing() {
    let rig = filled().await;
    let gpu = rig.new_gpu("new").await;
    gpu.write("/data/my work/of the image", "goes");
    let before = rig.standby.tree(&rig.workspace);
    let sent = rig.restore(&rig.workspace, &gpu).await;
    let files = i64::try_from(2 * nasty_names().len()).expect("few");
    assert_eq!((sent.files, sent.frozen_at), (files, None));
    assert_same(&before, &gpu.tree(&rig.workspace));
    assert_same(&before, &rig.standby.tree(&rig.workspace));
    let proof = compared(&rig, &gpu).await;
    assert_eq!((proof.verified, proof.mismatched_count), (files + 1, 0));
    // "plain.txt" is the target of the link; a link's own bytes are not content.
    assert_eq!(proof.bytes, sent.bytes);
    assert_eq!(rig.restore(&rig.workspace, &gpu).await.files, 0);
}

#[tokio::test]
async fn whatever_differs_is_named_and_repaired() {
    let rig = filled().await;
    let gpu = rig.new_gpu("new").await;
    rig.restore(&rig.workspace, &gpu).await;
    let at = |name: &str| gpu.path("/data/my work").join(name);
    // One flipped bit, with size and time as they were.
    let time = fs::metadata(at("plain.txt")).and_then(|meta| meta.modified()).expect("a time");
    fs::write(at("plain.txt"), "cnntent").expect("written");
    fs::File::options()
        .write(true)
        .open(at("plain.txt"))
        .and_then(|file| file.set_modified(time))
        .expect("time set");
    fs::write(at("-rf"), "cont").expect("truncated");
    fs::remove_file(at("....")).expect("removed");
    fs::write(at("extra"), "x").expect("written");
    chmod(&at("two\nlines\n"), 0o777);
    fs::remove_file(at("link")).expect("removed");
    symlink("elsewhere", at("link")).expect("made");
    fs::remove_dir(at("empty")).expect("removed");
    fs::remove_file(at("deep/plain.txt")).expect("removed");
    fs::create_dir(at("deep/plain.txt")).expect("made");

    let proof = compared(&rig, &gpu).await;
    let mut named: Vec<&str> = proof.mismatched.iter().map(String::as_str).collect();
    named.sort_unstable();
    assert_eq!(
        named,
        ["-rf", "....", "deep/plain.txt", "empty", "extra", "link", "plain.txt", "two\nlines\n"]
    );
    assert_eq!(proof.mismatched_count, 8);
    let files = i64::try_from(2 * nasty_names().len()).expect("few");
    assert_eq!(
        proof.verified,
        files + 1 - 6,
        "all but the six that the standby has as files or links"
    );

    data::repair(&rig.standby.shell, &rig.workspace, &gpu.at, &rig.workspace)
        .await
        .expect("repaired");
    let proof = compared(&rig, &gpu).await;
    assert_eq!((proof.verified, proof.mismatched_count), (files + 1, 0));
}

#[tokio::test]
async fn a_side_that_ends_early_proves_nothing() {
    let rig = filled().await;
    let gpu = rig.new_gpu("new").await;
    fs::remove_dir_all(gpu.path("/data/my work")).expect("removed");
    let failed = data::verify(&rig.standby.shell, &rig.workspace, &gpu.shell, &rig.workspace).await;
    assert!(failed.is_err(), "{failed:?}");
    let unknown = data::repair(&rig.standby.shell, &rig.workspace, &gpu.at, &rig.workspace).await;
    assert!(matches!(unknown, Err(data::DataError::Untrusted(_))), "{unknown:?}");
}

#[tokio::test]
async fn many_files_are_all_proven() {
    let rig = Rig::new().await;
    let name = |number: u32| format!("/workspace/{}/{number} {}", number % 7, "n".repeat(60));
    for number in 0..3_000 {
        rig.gpu.write(name(number), number.to_string());
    }
    rig.synced("1").await;
    let gpu = rig.new_gpu("new").await;
    rig.restore(&rig.workspace, &gpu).await;
    gpu.write(name(1234), "4321");
    let proof = compared(&rig, &gpu).await;
    assert_eq!(proof.mismatched, [name(1234).trim_start_matches("/workspace/")]);
    assert_eq!((proof.verified, proof.mismatched_count), (2_999, 1));
    let bytes = (0..3_000_u32)
        .filter(|number| *number != 1234)
        .map(|number| number.to_string().len())
        .sum::<usize>();
    assert_eq!(usize::try_from(proof.bytes).expect("positive"), bytes);
}
