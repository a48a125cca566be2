//! Who was fenced off changes no byte of the copy.

use domain::id::Epoch;
use engine::data::{self, CycleRequest, DataError};

use super::rig::{EPOCH, Rig};

#[tokio::test]
async fn a_cycle_of_an_older_epoch_is_refused_on_the_standby() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/file", "good");
    let synced = rig.synced("1").await;
    let taken =
        data::takeover(&rig.standby.shell, &rig.workspace, EPOCH.next()).await.expect("taken over");
    assert_eq!((taken.files, taken.bytes), (synced.files_total, synced.bytes_total));
    assert_eq!((taken.last_cycle.as_deref(), taken.cut_off), (Some("3-1"), None));

    rig.standby.write("/workspace/file", "work on the standby");
    rig.gpu.write("/workspace/file", "written by a zombie");
    let before = rig.standby.tree("/");
    let stale = rig.cycle("2").await;
    assert!(
        matches!(stale, Err(DataError::StaleEpoch { asked: EPOCH, recorded: Epoch(4) })),
        "{stale:?}"
    );
    let stale = rig.trust(&rig.gpu, EPOCH).await;
    assert!(matches!(stale, Err(DataError::StaleEpoch { .. })), "{stale:?}");
    let stale = data::takeover(&rig.standby.shell, &rig.workspace, EPOCH).await;
    assert!(matches!(stale, Err(DataError::StaleEpoch { .. })), "{stale:?}");

    // Not even in the new epoch, as long as nobody said which GPU is followed now.
    let early = CycleRequest { epoch: EPOCH.next(), ..rig.request("3") };
    let refused = data::cycle(&rig.standby.shell, &early).await;
    assert!(matches!(refused, Err(DataError::Untrusted(_))), "{refused:?}");
    let after = rig.standby.tree("/");
    let changed: Vec<_> = after
        .iter()
        .filter(|(path, entry)| before.get(*path) != Some(*entry) && !path.starts_with(b"proc"))
        .map(|(path, _)| String::from_utf8_lossy(path).into_owned())
        .filter(|path| !path.ends_with("dumont/cycle.pid"))
        .collect();
    assert_eq!(changed, Vec::<String>::new());

    // Taking over again is the same.
    data::takeover(&rig.standby.shell, &rig.workspace, EPOCH.next()).await.expect("again");
}

#[tokio::test]
async fn only_the_gpu_that_is_trusted_is_followed_and_only_by_its_key() {
    let rig = Rig::new().await;
    let other = rig.new_gpu("other").await;
    rig.gpu.write("/workspace/mine", "x");
    other.write("/workspace/other", "x");
    rig.synced("1").await;
    let wrong = CycleRequest { endpoint: other.at.clone(), ..rig.request("2") };
    let refused = data::cycle(&rig.standby.shell, &wrong).await;
    assert!(matches!(refused, Err(DataError::Untrusted(_))), "{refused:?}");

    // Another machine at the trusted address: it has another key.
    data::trust_gpu(&rig.standby.shell, &other.at, rig.gpu.shell.host_key(), EPOCH)
        .await
        .expect("recorded");
    let refused = data::cycle(&rig.standby.shell, &wrong).await;
    assert!(matches!(refused, Err(DataError::Failed { .. })), "{refused:?}");
    assert!(!rig.standby.path("/workspace/other").exists());

    rig.trust(&other, EPOCH.next()).await.expect("trusted");
    let right =
        CycleRequest { endpoint: other.at.clone(), epoch: EPOCH.next(), ..rig.request("3") };
    data::cycle(&rig.standby.shell, &right).await.expect("it is followed");
    assert!(rig.standby.path("/workspace/other").exists());
    assert!(matches!(rig.cycle("4").await, Err(DataError::StaleEpoch { .. })));
}

#[tokio::test]
async fn taking_over_ends_a_cycle_that_is_under_way() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/small", "x");
    rig.synced("1").await;
    rig.gpu.write("/workspace/big", vec![1; 64 << 20]);
    super::cut_off::slow_down(&rig);
    let shell = rig.standby.shell.clone();
    let request = rig.request("2");
    let cycle = tokio::spawn(async move { data::cycle(&shell, &request).await });
    super::cut_off::until_receiving(&rig).await;
    let taken =
        data::takeover(&rig.standby.shell, &rig.workspace, EPOCH.next()).await.expect("taken over");
    assert_eq!(taken.files, 1);
    assert_eq!(taken.cut_off.as_deref(), Some("3-2"));
    let cut = cycle.await.expect("no panic");
    assert!(cut.is_err(), "{cut:?}");
    assert_eq!(rig.standby.tree("/workspace").len(), 1, "nothing half is left");
    assert_eq!(rig.standby.run("pgrep -x rsync || echo none").await, "none");
}
