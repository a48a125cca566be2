//! What users are told: with the change that it tells of, once, and to nobody else.

use domain::association::{AssociationState, SyncStatus};
use domain::failover::{FailoverState, Kind, Outcome, StepName};
use domain::id::NotificationId;
use domain::notification::{self, NewsKind, Notification, Wait};
use domain::provider::Provider;
use domain::standby::StandbyState;
use domain::verdict::Cause;
use secrecy::SecretString;
use serde_json::{Value, json};
use store::{
    CredentialKind, CredentialStatus, Finish, NewCredential, NotificationPage, Store, StoreError,
};

use crate::fixtures::{NOW, failover, machine, standby, user, vm};
use crate::world::World;

on_both! {
    a_failover_tells_its_beginning_its_takeover_its_waits_and_its_end_once,
    what_fails_is_not_told,
    drills_and_cancelled_ones_are_told_as_such,
    two_processes_tell_a_fact_once,
    a_standing_fact_is_told_anew_only_after_its_end,
    a_standby_is_back_only_after_it_was_away,
    a_freeze_is_told_with_its_state_or_not_at_all,
    a_refused_key_is_told_once_until_it_is_taken_again,
    pages_go_back_in_time_and_reading_is_counted,
    a_failover_is_read_as_a_whole,
    each_is_rung_under_its_own_number,
    nobody_else_sees_or_reads_them,
    old_ones_are_forgotten,
}

const ALL: NotificationPage = NotificationPage { unread: false, before: None, limit: 100 };

async fn told(store: &Store, of: &domain::id::UserId) -> Vec<Notification> {
    store.notifications().list(of, ALL).await.expect("read")
}

fn kinds(told: &[Notification]) -> Vec<NewsKind> {
    told.iter().rev().map(|one| one.news.kind).collect()
}

fn end(outcome: Outcome, at: i64, output: Value) -> Finish {
    Finish { ended_at: NOW.plus(at), outcome, retry_at: None, provider_ms: 0, output, error: None }
}

async fn a_failover_tells_its_beginning_its_takeover_its_waits_and_its_end_once(world: &World) {
    let store = &world.store;
    let one = machine(store, "ana").await;
    let of = failover(&one, "fo-1");
    let (failovers, steps) = (store.failovers(), store.steps());
    let sync = SyncStatus { complete_to: Some(NOW.plus(-28_000)), ..one.sync.clone() };
    store
        .associations()
        .set_sync(&one.id, one.epoch, &standby("intent-standby").intent, &sync)
        .await
        .expect("synced");
    failovers.open(&of).await.expect("begun");
    let search = steps.begin(&of.id, StepName::Search, 0, NOW.plus(900)).await.expect("begun");
    let retry = end(Outcome::Retry, 950, Value::Null);
    steps.finish(&of.id, search.seq, &retry).await.expect("ended");
    for _ in 0..2 {
        failovers
            .wait_for(&of.id, Wait::Offer, Some("none fits"), NOW.plus(960))
            .await
            .expect("waits");
    }
    failovers.wait_for(&of.id, Wait::Pace, Some("slower"), NOW.plus(965)).await.expect("waits");
    assert_eq!(failovers.find(&of.id).await.expect("there").state, FailoverState::Waiting);
    let first = steps.begin(&of.id, StepName::Takeover, 0, NOW.plus(970)).await.expect("begun");
    steps.finish(&of.id, first.seq, &end(Outcome::Retry, 980, Value::Null)).await.expect("ended");
    let again = steps.begin(&of.id, StepName::Takeover, 0, NOW.plus(990)).await.expect("begun");
    let point = json!({"recovery_point": NOW.plus(-1_500)});
    steps.finish(&of.id, again.seq, &end(Outcome::Ok, 2_900, point)).await.expect("ended");
    failovers
        .wait_for(&of.id, Wait::Credit, Some("none left"), NOW.plus(3_000))
        .await
        .expect("waits");
    failovers.set_state(&of.id, FailoverState::Running, None).await.expect("goes on");
    let proof = steps.begin(&of.id, StepName::Verify, 0, NOW.plus(4_000)).await.expect("begun");
    let proven = json!({"verified": 12, "bytes": 345});
    steps.finish(&of.id, proof.seq, &end(Outcome::Ok, 5_000, proven)).await.expect("ended");
    let home = steps.begin(&of.id, StepName::Switch, 0, NOW.plus(5_000)).await.expect("begun");
    steps.finish(&of.id, home.seq, &end(Outcome::Ok, 6_000, Value::Null)).await.expect("ended");
    failovers.close(&of.id, FailoverState::Complete, NOW.plus(7_000), None).await.expect("closed");
    let twice = failovers.close(&of.id, FailoverState::Complete, NOW.plus(8_000), None).await;
    assert!(matches!(twice, Err(StoreError::Stale { .. })));

    let told = told(store, &one.user).await;
    assert_eq!(
        kinds(&told),
        [
            NewsKind::FailoverStarted,
            NewsKind::FailoverWaiting,
            NewsKind::OnStandby,
            NewsKind::FailoverWaiting,
            NewsKind::FailoverComplete,
        ]
    );
    let news = |n: usize| &told[told.len() - 1 - n].news;
    assert_eq!(news(0).figures.cause, Some(Cause::HostOffline));
    assert_eq!(news(0).figures.copy_age_ms, Some(28_000));
    assert_eq!(news(1).figures.wait, Some(Wait::Offer));
    assert_eq!(news(2).figures.time_to_cpu_ms, Some(2_900));
    assert_eq!(news(3).figures.wait, Some(Wait::Credit));
    let ended = &news(4).figures;
    assert_eq!((ended.time_to_cpu_ms, ended.total_time_ms), (Some(2_900), Some(6_000)));
    assert_eq!((ended.rpo_ms, ended.files_verified), (Some(4_400), Some(12)));
    for one in &told {
        assert_eq!(one.news.failover.as_ref(), Some(&of.id));
        assert_eq!(one.news.association.as_ref(), Some(&of.association));
        assert_eq!(
            (one.news.gpu, one.news.machine_name.as_deref()),
            (Some(of.gpu), Some("trainer é"))
        );
        assert_eq!((one.news.sandbox, one.read_at), (true, None));
    }
}

async fn what_fails_is_not_told(world: &World) {
    let store = &world.store;
    let one = machine(store, "ana").await;
    let of = failover(&one, "fo-1");
    store.failovers().open(&of).await.expect("begun");
    store.failovers().open(&failover(&one, "fo-2")).await.expect_err("one at a time");
    let row = store.steps().begin(&of.id, StepName::Takeover, 0, NOW).await.expect("begun");
    store.steps().interrupt_open(&of.id, NOW).await.expect("taken over");
    let late = store.steps().finish(&of.id, row.seq, &end(Outcome::Ok, 5, Value::Null)).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })));
    store.failovers().request_cancel(&one.user, &of.id).await.expect("asked");
    store.failovers().wait_for(&of.id, Wait::Offer, None, NOW).await.expect_err("cancelling");
    assert_eq!(kinds(&told(store, &one.user).await), [NewsKind::FailoverStarted]);
}

async fn drills_and_cancelled_ones_are_told_as_such(world: &World) {
    let store = &world.store;
    let one = machine(store, "ana").await;
    for (n, kind, state) in [
        (1, Kind::Drill, FailoverState::Complete),
        (2, Kind::Drill, FailoverState::Failed),
        (3, Kind::Planned, FailoverState::Complete),
        (4, Kind::Planned, FailoverState::Cancelled),
        (5, Kind::Real, FailoverState::Failed),
    ] {
        let of = domain::failover::Failover { kind, ..failover(&one, &format!("fo-{n}")) };
        store.failovers().open(&of).await.expect("begun");
        let row = store.steps().begin(&of.id, StepName::Takeover, 0, NOW).await.expect("begun");
        let done = end(Outcome::Ok, n, Value::Null);
        store.steps().finish(&of.id, row.seq, &done).await.expect("ended");
        store.failovers().close(&of.id, state, NOW.plus(n), Some("why")).await.expect("closed");
    }
    assert_eq!(
        kinds(&told(store, &one.user).await),
        [
            NewsKind::DrillPassed,
            NewsKind::DrillFailed,
            NewsKind::MoveComplete,
            NewsKind::FailoverStarted,
            NewsKind::OnStandby,
            NewsKind::FailoverFailed,
        ]
    );
}

async fn two_processes_tell_a_fact_once(world: &World) {
    let ana = user(&world.store, "ana").await;
    let beside = world.beside().await;
    let news = notification::credentials_refused(&ana, Provider::Vast, NOW, false);
    let tries = (0..8).map(|n| {
        let store = if n % 2 == 0 { &world.store } else { &beside }.clone();
        let news = news.clone();
        tokio::spawn(async move { store.notifications().tell(&news).await.expect("asked") })
    });
    let mut first = 0;
    for one in tries.collect::<Vec<_>>() {
        first += usize::from(one.await.expect("ran"));
    }
    assert_eq!(first, 1);
    assert_eq!(told(&world.store, &ana).await.len(), 1);
    let bells = world.store.events().after(&ana, 0, 99).await.expect("read");
    assert_eq!(bells.len(), 1, "and rung once");
    beside.close().await;
}

async fn a_standing_fact_is_told_anew_only_after_its_end(world: &World) {
    let ana = user(&world.store, "ana").await;
    let notifications = world.store.notifications();
    let news = notification::credentials_refused(&ana, Provider::Gcp, NOW, false);
    assert!(!notifications.end(&ana, &news.fact).await.expect("asked"));
    for _ in 0..2 {
        assert!(notifications.tell(&news).await.expect("told"));
        assert!(notifications.stands(&ana, &news.fact).await.expect("asked"));
        assert!(!notifications.tell(&news).await.expect("asked"));
        assert!(notifications.end(&ana, &news.fact).await.expect("ended"));
        assert!(!notifications.stands(&ana, &news.fact).await.expect("asked"));
    }
    assert_eq!(told(&world.store, &ana).await.len(), 2);
}

async fn a_standby_is_back_only_after_it_was_away(world: &World) {
    let store = &world.store;
    let one = machine(store, "ana").await;
    let (id, epoch) = (&one.id, one.epoch);
    let present = standby("intent-standby");
    let associations = store.associations();
    let come = async |state: Option<StandbyState>, at: i64| {
        let news = notification::standby(&one, state, NOW.plus(at), true);
        let kept = match state {
            Some(state) => {
                let now = domain::standby::Standby { state, ..present.clone() };
                associations.set_standby_and_tell(id, epoch, &now, news.as_ref()).await
            }
            None => {
                associations.lose_standby(id, epoch, &present.intent, None, news.as_ref()).await
            }
        };
        kept.expect("kept");
    };
    come(Some(StandbyState::Ready), 1).await;
    assert_eq!(told(store, &one.user).await, [], "it comes up for the first time");
    come(Some(StandbyState::Preempted), 2).await;
    come(Some(StandbyState::Preempted), 3).await;
    come(Some(StandbyState::Booting), 4).await;
    come(Some(StandbyState::Ready), 5).await;
    come(Some(StandbyState::Ready), 6).await;
    come(None, 7).await;
    for at in 8..11 {
        let next = format!("intent-{at}");
        let purchase = vm(&one, &next);
        let news = notification::standby(&one, Some(StandbyState::Failed), NOW.plus(at), true);
        let failed = domain::standby::Standby { state: StandbyState::Failed, ..standby(&next) };
        associations.begin_standby(&purchase, &failed, news.as_ref()).await.expect("asked for");
        store.intents().refuse(&purchase.id, "no capacity", NOW.plus(at)).await.expect("refused");
    }
    let last = standby("intent-10");
    for (state, at) in [(StandbyState::Ready, 12), (StandbyState::Preempted, 13)] {
        let news = notification::standby(&one, Some(state), NOW.plus(at), true);
        let now = domain::standby::Standby { state, ..last.clone() };
        associations.set_standby_and_tell(id, epoch, &now, news.as_ref()).await.expect("kept");
    }
    assert_eq!(
        kinds(&told(store, &one.user).await),
        [
            NewsKind::StandbyPreempted,
            NewsKind::StandbyBack,
            NewsKind::StandbyLost,
            NewsKind::StandbyDegraded,
            NewsKind::StandbyBack,
            NewsKind::StandbyPreempted,
        ]
    );
}

async fn a_freeze_is_told_with_its_state_or_not_at_all(world: &World) {
    let store = &world.store;
    let one = machine(store, "ana").await;
    let news = notification::frozen(&one, Some((30, 40)), NOW, true);
    let freeze = async |epoch| {
        let state = AssociationState::Frozen;
        store.associations().set_state_and_tell(&one.id, epoch, state, Some("why"), &news).await
    };
    let stale = freeze(one.epoch.next()).await;
    assert!(matches!(stale, Err(StoreError::Stale { .. })), "{stale:?}");
    assert_eq!(told(store, &one.user).await, []);
    freeze(one.epoch).await.expect("frozen");
    let now = store.associations().get(&one.user, &one.id).await.expect("there");
    assert_eq!(now.state, AssociationState::Frozen);
    let told = told(store, &one.user).await;
    assert_eq!((told.len(), told[0].news.figures.would_delete), (1, Some(30)));
}

async fn a_refused_key_is_told_once_until_it_is_taken_again(world: &World) {
    let store = &world.store;
    let ana = user(store, "ana").await;
    let credentials = store.credentials();
    let kind = CredentialKind::VastApiKey;
    let secret = SecretString::from("a key");
    let key = NewCredential {
        kind,
        secret: &secret,
        hint: json!({}),
        status: CredentialStatus::Ok,
        status_word: None,
        checked_at: Some(NOW),
    };
    assert!(
        !credentials.refuse(&ana, kind, "no", NOW, false).await.expect("asked"),
        "none is stored"
    );
    credentials.put(&ana, &key, NOW).await.expect("kept");
    assert!(credentials.refuse(&ana, kind, "no", NOW.plus(1), false).await.expect("noted"));
    assert!(!credentials.refuse(&ana, kind, "no", NOW.plus(2), false).await.expect("noted"));
    let now = credentials.describe(&ana, kind).await.expect("read").expect("there");
    assert_eq!((now.status, now.status_word.as_deref()), (CredentialStatus::Refused, Some("no")));
    assert!(credentials.restore(&ana, kind, NOW.plus(3)).await.expect("noted"));
    assert!(!credentials.restore(&ana, kind, NOW.plus(4)).await.expect("noted"));
    assert!(credentials.refuse(&ana, kind, "no", NOW.plus(5), false).await.expect("noted"));
    credentials.put(&ana, &key, NOW.plus(6)).await.expect("replaced");
    assert!(credentials.refuse(&ana, kind, "no", NOW.plus(7), false).await.expect("noted"));
    assert_eq!(kinds(&told(store, &ana).await), [NewsKind::CredentialsRefused; 3]);
}

async fn pages_go_back_in_time_and_reading_is_counted(world: &World) {
    let store = &world.store;
    let one = machine(store, "ana").await;
    let notifications = store.notifications();
    for at in 0..5 {
        let news = notification::frozen(&one, None, NOW.plus(at), true);
        assert!(notifications.tell(&news).await.expect("told"));
    }
    let page = |unread, before, limit| {
        notifications.list(&one.user, NotificationPage { unread, before, limit })
    };
    let newest = page(false, None, 2).await.expect("read");
    assert_eq!(
        newest.iter().map(|one| one.news.at).collect::<Vec<_>>(),
        [NOW.plus(4), NOW.plus(3)]
    );
    let older = page(false, Some(newest[1].id), 9).await.expect("read");
    assert_eq!(older.len(), 3);
    assert!(older.iter().all(|one| one.id < newest[1].id));
    assert_eq!(notifications.unread(&one.user).await.expect("counted"), 5);

    let id = newest[0].id;
    assert!(notifications.mark_read(&one.user, id, NOW.plus(9)).await.expect("read"));
    assert!(!notifications.mark_read(&one.user, id, NOW.plus(10)).await.expect("was read"));
    let read = notifications.get(&one.user, id).await.expect("there");
    assert_eq!(read.read_at, Some(NOW.plus(9)), "the first time counts");
    assert_eq!(page(true, None, 9).await.expect("read").len(), 4);
    assert_eq!(notifications.mark_all_read(&one.user, NOW.plus(11)).await.expect("read"), 4);
    assert_eq!(notifications.mark_all_read(&one.user, NOW.plus(12)).await.expect("read"), 0);
    assert_eq!(notifications.unread(&one.user).await.expect("counted"), 0);
    let missing = notifications.mark_read(&one.user, NotificationId(9_999), NOW).await;
    assert!(matches!(missing, Err(StoreError::NotFound("notification"))));
}

async fn a_failover_is_read_as_a_whole(world: &World) {
    let store = &world.store;
    let one = machine(store, "ana").await;
    let notifications = store.notifications();
    let of = failover(&one, "fo-1");
    store.failovers().open(&of).await.expect("begun");
    store.failovers().close(&of.id, FailoverState::Failed, NOW, None).await.expect("closed");
    notifications.tell(&notification::frozen(&one, None, NOW, true)).await.expect("told");
    let read =
        async || notifications.mark_failover_read(&one.user, &of.id, NOW).await.expect("read");
    assert_eq!(read().await, 2);
    let bells = store.events().newest().await.expect("read");
    assert_eq!(read().await, 0);
    assert_eq!(store.events().newest().await.expect("read"), bells, "nothing new, nothing rung");
    assert_eq!(notifications.unread(&one.user).await.expect("counted"), 1);
}

async fn each_is_rung_under_its_own_number(world: &World) {
    let store = &world.store;
    let one = machine(store, "ana").await;
    let mut bells = store.doorbells();
    store.events().append(&one.user, "other", "x", NOW).await.expect("rung");
    store.failovers().open(&failover(&one, "fo-1")).await.expect("begun");
    assert_eq!(bells.try_recv().expect("heard").kind, "other");
    let bell = bells.try_recv().expect("heard");
    let told = told(store, &one.user).await;
    assert_eq!((bell.kind.as_str(), bell.seq), (store::NOTIFICATION_DOORBELL, told[0].id.0));
    assert_eq!(bell.id, told[0].id.to_string());
    store.notifications().mark_all_read(&one.user, NOW).await.expect("read");
    let bell = bells.try_recv().expect("heard");
    assert_eq!((bell.kind.as_str(), bell.id.as_str()), (store::NOTIFICATION_DOORBELL, ""));
}

async fn nobody_else_sees_or_reads_them(world: &World) {
    let store = &world.store;
    let one = machine(store, "ana").await;
    let of = failover(&one, "fo-1");
    store.failovers().open(&of).await.expect("begun");
    let bob = &user(store, "bob").await;
    let id = told(store, &one.user).await[0].id;
    let notifications = store.notifications();
    assert_eq!(told(store, bob).await, []);
    assert_eq!(notifications.unread(bob).await.expect("counted"), 0);
    assert!(matches!(notifications.get(bob, id).await, Err(StoreError::NotFound("notification"))));
    let theirs = notifications.mark_read(bob, id, NOW).await;
    assert!(matches!(theirs, Err(StoreError::NotFound("notification"))));
    assert_eq!(notifications.mark_failover_read(bob, &of.id, NOW).await.expect("asked"), 0);
    assert_eq!(notifications.mark_all_read(bob, NOW).await.expect("asked"), 0);
    let fact = told(store, &one.user).await[0].news.fact.clone();
    assert!(!notifications.end(bob, &fact).await.expect("asked"));
    assert_eq!(notifications.unread(&one.user).await.expect("counted"), 1);
}

async fn old_ones_are_forgotten(world: &World) {
    let store = &world.store;
    let one = machine(store, "ana").await;
    for at in [0, 10] {
        let news = notification::frozen(&one, None, NOW.plus(at), true);
        store.notifications().tell(&news).await.expect("told");
    }
    assert_eq!(store.notifications().prune(NOW.plus(10)).await.expect("pruned"), 1);
    assert_eq!(told(store, &one.user).await[0].news.at, NOW.plus(10));
}
