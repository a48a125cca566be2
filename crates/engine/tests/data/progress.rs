//! How far a transfer is, as real hosts tell it.

use std::sync::Mutex;

use engine::data::{self, Progress};

use super::rig::{Rig, WORKSPACE};

#[tokio::test]
async fn a_restore_tells_all_there_is_then_goes_forward_to_what_it_moved() {
    let rig = Rig::new().await;
    for number in 0..80_usize {
        let content: Vec<u8> = (0..1_500_000).map(|at: usize| (at * 7 + number) as u8).collect();
        rig.standby.write(format!("{WORKSPACE}/{}/{number}", number % 9), content);
    }
    std::os::unix::fs::symlink("../0/0", rig.standby.path(format!("{WORKSPACE}/1/link")))
        .expect("a link");
    let gpu = rig.new_gpu("new").await;
    let (mut whole, mut seen) = (Vec::new(), Vec::new());
    let restore = async |whole: &mut Vec<Progress>, seen: &mut Vec<Progress>, counted: bool| {
        let all: &mut (dyn FnMut(Progress) + Send) = &mut |all| whole.push(all);
        data::restore_with(
            &rig.standby.shell,
            WORKSPACE,
            &gpu.at,
            gpu.shell.host_key(),
            WORKSPACE,
            counted.then_some(all),
            &mut |now| seen.push(now),
        )
        .await
        .expect("it is restored")
    };
    let output = restore(&mut whole, &mut seen, true).await;
    let moved = Progress { files: output.files, bytes: output.bytes };
    assert_eq!(moved, Progress { files: 80, bytes: 80 * 1_500_000 });
    assert_eq!(whole, [moved], "links do not count");
    assert!(seen.len() > 1, "{seen:?}");
    assert!(seen.is_sorted_by_key(|now| now.files) && seen.is_sorted_by_key(|now| now.bytes));
    assert_eq!(seen.last(), Some(&moved));

    rig.standby.write(format!("{WORKSPACE}/0/0"), "changed");
    let (mut whole, mut seen) = (Vec::new(), Vec::new());
    let output = restore(&mut whole, &mut seen, false).await;
    assert_eq!((output.files, output.bytes, whole.len()), (1, 7, 0));
    assert_eq!(seen.last(), Some(&Progress { files: 1, bytes: 7 }));
}

#[tokio::test]
async fn a_proof_tells_how_many_files_both_sides_have_read() {
    let rig = Rig::new().await;
    for host in [&rig.standby, &rig.gpu] {
        for number in 0..3 {
            let path = format!("{WORKSPACE}/{number}");
            host.write(&path, "");
            // Nothing on the disk, and long to read.
            let file = std::fs::OpenOptions::new().write(true).open(host.path(&path));
            file.expect("a file").set_len(200_000_000).expect("long");
        }
    }
    let seen = Mutex::new(Vec::new());
    let told = |files, of| seen.lock().expect("alone").push((files, of));
    let proof = data::verify_with(&rig.standby.shell, WORKSPACE, &rig.gpu.shell, WORKSPACE, &told)
        .await
        .expect("compared");
    assert_eq!((proof.verified, proof.mismatched_count), (3, 0));
    let seen = seen.into_inner().expect("alone");
    assert!(seen.len() > 1, "{seen:?}");
    assert!(seen.is_sorted_by_key(|(files, _)| *files), "{seen:?}");
    assert_eq!(seen.first().map(|(_, of)| *of), Some(Some(3)));
    assert_eq!(seen.last(), Some(&(3, None)));
}
