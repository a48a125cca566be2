//! Figures for the notes; run by hand: `cargo test -p engine --test data -- --ignored --nocapture`.

use std::time::Instant;

use engine::data;

use super::rig::{Rig, WORKSPACE};

#[tokio::test]
#[ignore = "measures; run by hand"]
async fn many_files() {
    let rig = Rig::new().await;
    for number in 0..20_000 {
        rig.gpu.write(
            format!("{WORKSPACE}/{}/{number}", number % 200),
            format!("{number}").repeat(20),
        );
    }
    let timed =
        |what: &'static str, start: Instant| println!("{what}: {} ms", start.elapsed().as_millis());
    let start = Instant::now();
    rig.synced("1").await;
    timed("first sync of 20,000 files", start);
    for cycle in ["2", "3"] {
        let start = Instant::now();
        rig.synced(cycle).await;
        timed("sync with nothing to do", start);
    }
    rig.gpu.write(format!("{WORKSPACE}/one"), "x");
    let start = Instant::now();
    rig.synced("4").await;
    timed("sync of one file", start);
    let start = Instant::now();
    let pinned = data::rehearse(&rig.standby.shell, &rig.workspace, "d").await.expect("pinned");
    timed("pinning", start);
    let gpu = rig.new_gpu("new").await;
    let start = Instant::now();
    rig.restore(&pinned.source, &gpu).await;
    timed("restore", start);
    let start = Instant::now();
    let proof = data::verify(&rig.standby.shell, &pinned.source, &gpu.shell, WORKSPACE)
        .await
        .expect("compared");
    timed("proof", start);
    assert_eq!((proof.verified, proof.mismatched_count), (20_001, 0));
    let start = Instant::now();
    data::takeover(&rig.standby.shell, WORKSPACE, super::rig::EPOCH.next())
        .await
        .expect("taken over");
    timed("takeover", start);
}
