//! The loop that follows: on change, on time, on demand, and what it knows of what is not synced.

use std::sync::Arc;
use std::time::Duration;

use domain::time::{Clock, Millis};
use engine::data::{
    self, CycleOutcome, CycleReport, DataError, FollowEvent, FollowPlan, Follower, Shells, Sources,
};
use engine::ports::SystemChance;
use engine::ports::watch;
use store::CycleSource;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::rig::{DEADLINE, EPOCH, Rig, eventually};

#[derive(Debug)]
struct Wall;

impl Clock for Wall {
    fn now(&self) -> Millis {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        Millis(i64::try_from(since.as_millis()).expect("in range"))
    }
}

struct Loop {
    follower: Follower,
    events: mpsc::Receiver<FollowEvent>,
    gpu: watch::Sender<Option<providers::ssh::Shell>>,
    // Kept, so that the loop has a shell.
    standby: watch::Sender<Option<providers::ssh::Shell>>,
}

fn follow(rig: &Rig, interval: Duration) -> Loop {
    follow_accepting(rig, interval, None)
}

fn follow_accepting(rig: &Rig, interval: Duration, accepted: Option<String>) -> Loop {
    let gpu = watch::Sender::new(Some(rig.gpu.shell.clone()));
    let standby = watch::Sender::new(Some(rig.standby.shell.clone()));
    let plan = FollowPlan {
        workspace: rig.workspace.clone(),
        endpoint: rig.gpu.at.clone(),
        host_key: rig.gpu.shell.host_key().to_owned(),
        epoch: EPOCH,
        interval,
        max_delete_percent: 30,
        accepted_deletions: accepted,
        agents: None,
    };
    let sources = Sources { clock: Arc::new(Wall), chance: Arc::new(SystemChance) };
    let shells = Shells { gpu: gpu.subscribe(), standby: standby.subscribe() };
    let (follower, events) = Follower::start(plan, shells, sources, &CancellationToken::new());
    Loop { follower, events, gpu, standby }
}

impl Loop {
    async fn ended(&mut self) -> (CycleSource, Result<CycleReport, DataError>) {
        loop {
            let event = tokio::time::timeout(DEADLINE, self.events.recv())
                .await
                .expect("in time")
                .expect("an event");
            if let FollowEvent::Ended { source, result, started_at, ended_at } = event {
                assert!(started_at <= ended_at);
                return (source, result);
            }
        }
    }

    async fn ok(&mut self) -> CycleSource {
        let (source, result) = self.ended().await;
        assert_eq!(result.expect("a report").outcome, CycleOutcome::Ok);
        source
    }
}

/// Long enough that nothing in a test happens because it was time.
const NEVER: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_change_is_followed_soon_and_names_are_known_until_then() {
    let rig = Rig::new().await;
    let mut follow = follow(&rig, NEVER);
    assert_eq!(follow.ok().await, CycleSource::Interval);
    let dirty = follow.follower.dirty();
    // The watch's beginning is followed by a sync, after which changes are known by name.
    eventually("changes are known", async || {
        while follow.events.try_recv().is_ok() {}
        dirty.names().is_some_and(|names| names.is_empty())
    })
    .await;
    rig.gpu.write("/workspace/new", "x");
    while !rig.standby.path("/workspace/new").exists() {
        assert_eq!(follow.ok().await, CycleSource::Change);
    }
    rig.assert_same();

    // Held: changes gather, by name, and go over when it goes on.
    follow.follower.pause(true);
    eventually("it is at rest", async || {
        while follow.events.try_recv().is_ok() {}
        dirty.names().is_some_and(|names| names.is_empty())
    })
    .await;
    rig.gpu.write("/workspace/a b", "x");
    rig.gpu.run("mkdir /workspace/folder; echo y > '/workspace/two\nlines'").await;
    let expected = ["a b", "folder/", "two\nlines"];
    eventually("all are named", async || dirty.names().is_some_and(|names| names == expected))
        .await;
    follow.follower.pause(false);
    while dirty.count() != Some(0) {
        follow.ok().await;
    }
    rig.assert_same();
    follow.follower.stop().await;
    assert_eq!(
        rig.gpu.run("sleep 0.2; pgrep -x inotifywait || echo none").await,
        "none",
        "the watch ends with it"
    );
}

#[tokio::test]
async fn on_demand_and_by_the_interval() {
    let rig = Rig::new().await;
    let mut by_hand = follow(&rig, NEVER);
    // Without a shell to the GPU there is no watch: only what is asked for happens.
    by_hand.gpu.send_replace(None);
    by_hand.ok().await;
    rig.gpu.write("/workspace/asked for", "x");
    while !rig.standby.path("/workspace/asked for").exists() {
        by_hand.follower.sync_now();
        by_hand.ended().await.1.expect("a report");
    }
    assert_eq!(by_hand.follower.dirty().names(), None, "nobody saw the changes");
    by_hand.follower.stop().await;

    let mut by_time = follow(&rig, Duration::from_secs(1));
    by_time.gpu.send_replace(None);
    for _ in 0..3 {
        assert_eq!(by_time.ended().await.0, CycleSource::Interval);
    }
}

#[tokio::test]
async fn what_was_accepted_is_used_up_by_the_sync_that_makes_it() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/a", "x");
    rig.synced("1").await;
    std::fs::remove_file(rig.gpu.path("/workspace/a")).expect("removed");
    let digest = match rig.cycle("2").await.expect("a report").outcome {
        CycleOutcome::Frozen { would_delete: 1, of: 1, deletions } => {
            deletions.expect("named").digest
        }
        other => panic!("{other:?}"),
    };
    let mut follow = follow_accepting(&rig, NEVER, Some(digest));
    follow.ok().await;
    assert!(!rig.standby.path("/workspace/a").exists());
    // The same set again was not accepted again.
    rig.gpu.write("/workspace/a", "x");
    while !rig.standby.path("/workspace/a").exists() {
        follow.follower.sync_now();
        follow.ok().await;
    }
    std::fs::remove_file(rig.gpu.path("/workspace/a")).expect("removed");
    loop {
        follow.follower.sync_now();
        let outcome = follow.ended().await.1.expect("a report").outcome;
        if matches!(outcome, CycleOutcome::Frozen { would_delete: 1, of: 1, .. }) {
            break;
        }
    }
    assert!(rig.standby.path("/workspace/a").exists());
}

#[tokio::test]
async fn after_a_takeover_the_loop_of_before_gets_nowhere() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/a", "x");
    let mut follow = follow(&rig, Duration::from_secs(1));
    follow.ok().await;
    data::takeover(&rig.standby.shell, &rig.workspace, EPOCH.next()).await.expect("taken over");
    rig.gpu.write("/workspace/a", "zombie");
    let mut refused = 0;
    while refused < 2 {
        match follow.ended().await.1 {
            Err(DataError::StaleEpoch { .. }) => refused += 1,
            other => assert_eq!(refused, 0, "{other:?}"),
        }
    }
    assert_eq!(std::fs::read(rig.standby.path("/workspace/a")).expect("there"), b"x");
}

#[tokio::test]
async fn a_lost_gpu_leaves_the_names_of_what_was_lost() {
    let rig = Rig::new().await;
    let mut follow = follow(&rig, NEVER);
    let dirty = follow.follower.dirty();
    eventually("changes are known", async || {
        while follow.events.try_recv().is_ok() {}
        dirty.names().is_some()
    })
    .await;
    follow.follower.pause(true);
    rig.gpu.write("/workspace/lost", "x");
    eventually("it is named", async || dirty.names().is_some_and(|names| names == ["lost"])).await;
    rig.hosts.kill(&rig.gpu.id).await.expect("killed");
    follow.gpu.send_replace(None);
    tokio::task::yield_now().await;
    assert_eq!(dirty.names().expect("known"), ["lost"]);
    assert!(follow.standby.borrow().is_some());
}
