//! Sync cycles, verdicts and the providers' last answers.

use domain::id::AssociationId;
use domain::verdict::{Cause, Contact, Observations, ProviderSays, Verdict};
use serde_json::json;
use store::{
    CycleOutcome, CycleSource, Heard, NewestVerdict, ProviderState, StateKind, StoreError,
    SyncCycle, VerdictRow,
};

use crate::fixtures::{NOW, association, machine, user};
use crate::world::World;

on_both! {
    cycles_are_read_newest_first_and_pruned_by_age,
    verdicts_are_read_newest_first_and_the_newest_is_never_pruned,
    the_newest_verdicts_of_a_user_come_by_one_question,
    an_answer_is_kept_over_a_failure,
    an_older_answer_does_not_replace_a_newer,
    an_answer_that_is_known_comes_without_its_payload,
    what_is_gone_is_kept_beside_the_list,
}

async fn cycles_are_read_newest_first_and_pruned_by_age(world: &World) {
    let one = machine(&world.store, "ana").await;
    let cycles = world.store.sync_cycles();
    let full = SyncCycle {
        id: "c1".into(),
        association: one.id.clone(),
        epoch: one.epoch,
        started_at: NOW,
        ended_at: NOW.plus(20),
        source: CycleSource::Change,
        outcome: CycleOutcome::Ok,
        files_total: Some(10),
        bytes_total: Some(1 << 40),
        files_sent: 2,
        bytes_sent: 2_000,
        files_deleted: 1,
        versions_path: Some("/var/lib/dumont/versions/3-c1".into()),
        error: None,
    };
    let failed = SyncCycle {
        id: "c2".into(),
        started_at: NOW.plus(30),
        outcome: CycleOutcome::Failed,
        files_total: None,
        bytes_total: None,
        versions_path: None,
        error: Some("connection closed".into()),
        ..full.clone()
    };
    cycles.insert(&full).await.expect("recorded");
    cycles.insert(&failed).await.expect("recorded");
    let twice = cycles.insert(&full).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))));
    assert_eq!(cycles.recent(&one.id, 9).await.expect("read"), [failed.clone(), full]);
    assert_eq!(cycles.recent(&one.id, 1).await.expect("read"), [failed.clone()]);
    assert_eq!(cycles.prune(NOW.plus(30)).await.expect("pruned"), 1);
    assert_eq!(cycles.recent(&one.id, 9).await.expect("read"), [failed]);
}

async fn verdicts_are_read_newest_first_and_the_newest_is_never_pruned(world: &World) {
    let one = machine(&world.store, "ana").await;
    let verdicts = world.store.verdicts();
    assert_eq!(verdicts.latest(&one.id).await.expect("read"), None);
    let healthy = VerdictRow {
        association: one.id.clone(),
        epoch: one.epoch,
        at: NOW,
        verdict: Verdict::Healthy,
        cause: None,
        evidence: Observations::default(),
    };
    let mut evidence = Observations {
        ssh: Contact {
            able: true,
            last_ok: Some(NOW),
            failing_since: Some(NOW.plus(1)),
            word: Some("timed out".into()),
        },
        want_running: true,
        ..Observations::default()
    };
    evidence.provider.says = Some(ProviderSays::HostLost);
    let lost = VerdictRow {
        verdict: Verdict::ConfirmedLost,
        cause: Some(Cause::HostOffline),
        evidence,
        ..healthy.clone()
    };
    // Both within one millisecond: the order is that of recording.
    verdicts.insert(&healthy).await.expect("recorded");
    verdicts.insert(&lost).await.expect("recorded");
    assert_eq!(verdicts.latest(&one.id).await.expect("read"), Some(lost.clone()));
    let all = verdicts.recent(&one.id, 9).await.expect("read");
    assert_eq!(all, [lost.clone(), healthy]);
    assert_eq!(verdicts.prune(NOW.plus(1)).await.expect("pruned"), 1);
    assert_eq!(verdicts.recent(&one.id, 9).await.expect("read"), [lost]);
    let other = AssociationId::new("other");
    assert_eq!(verdicts.recent(&other, 9).await.expect("read"), []);
}

async fn the_newest_verdicts_of_a_user_come_by_one_question(world: &World) {
    let one = machine(&world.store, "ana").await;
    let two = association(&one.user, "two", 1_002);
    let none = association(&one.user, "none", 1_003);
    let other = machine(&world.store, "bob").await;
    let (ties, verdicts) = (world.store.associations(), world.store.verdicts());
    for tie in [&two, &none] {
        ties.create(tie).await.expect("a machine");
    }
    let row = |of: &AssociationId, verdict| VerdictRow {
        association: of.clone(),
        epoch: one.epoch,
        at: NOW,
        verdict,
        cause: None,
        evidence: Observations::default(),
    };
    for (of, verdict) in [
        (&one.id, Verdict::Healthy),
        (&one.id, Verdict::Suspect),
        (&two.id, Verdict::Paused),
        (&other.id, Verdict::ConfirmedLost),
    ] {
        verdicts.insert(&row(of, verdict)).await.expect("recorded");
    }
    let heard = Heard { gpu: two.gpu, at: NOW.plus(5) };
    ties.set_heard(&two.id, two.epoch, Some(heard)).await.expect("heard");
    let mut newest = verdicts.newest(&one.user).await.expect("read");
    newest.sort_by_key(|newest| newest.association.clone());
    let mut wanted = vec![
        NewestVerdict {
            association: one.id.clone(),
            epoch: one.epoch,
            verdict: Verdict::Suspect,
            heard: None,
        },
        NewestVerdict {
            association: two.id.clone(),
            epoch: two.epoch,
            verdict: Verdict::Paused,
            heard: Some(heard),
        },
    ];
    wanted.sort_by_key(|newest| newest.association.clone());
    assert_eq!(newest, wanted);
}

async fn an_answer_is_kept_over_a_failure(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let states = world.store.provider_states();
    let kind = StateKind::VastBalance;
    assert_eq!(states.get(&ana, kind).await.expect("read"), None);
    states.put_error(&ana, kind, "503", NOW).await.expect("kept");
    let never = ProviderState {
        gone: Vec::new(),
        fetched_at: None,
        complete: false,
        payload: None,
        tried_at: NOW,
        error: Some("503".into()),
    };
    assert_eq!(states.get(&ana, kind).await.expect("read"), Some(never));
    let balance = json!({"credit": 12.5});
    states.put(&ana, kind, &balance, true, NOW.plus(1)).await.expect("kept");
    states.put_error(&ana, kind, "429", NOW.plus(2)).await.expect("kept");
    let stale = ProviderState {
        gone: Vec::new(),
        fetched_at: Some(NOW.plus(1)),
        complete: true,
        payload: Some(balance.clone()),
        tried_at: NOW.plus(2),
        error: Some("429".into()),
    };
    assert_eq!(states.get(&ana, kind).await.expect("read"), Some(stale));
    states.put(&ana, kind, &balance, false, NOW.plus(3)).await.expect("kept");
    let read = states.get(&ana, kind).await.expect("read").expect("there");
    assert_eq!((read.error, read.complete), (None, false));
    assert_eq!(states.get(&bob, kind).await.expect("read"), None);
    let other = states.get(&ana, StateKind::VastInstances).await;
    assert_eq!(other.expect("read"), None);
    states.forget(&ana, kind).await.expect("forgotten");
    assert_eq!(states.get(&ana, kind).await.expect("read"), None);
}

async fn an_older_answer_does_not_replace_a_newer(world: &World) {
    let ana = user(&world.store, "ana").await;
    let states = world.store.provider_states();
    let kind = StateKind::VastInstances;
    states.put(&ana, kind, &json!([1, 2]), true, NOW).await.expect("kept");
    states.put(&ana, kind, &json!([]), true, NOW.plus(-1)).await.expect("ignored");
    states.put_error(&ana, kind, "late", NOW.plus(-1)).await.expect("ignored");
    let read = states.get(&ana, kind).await.expect("read").expect("there");
    assert_eq!(read.payload, Some(json!([1, 2])));
    assert_eq!((read.error, read.fetched_at), (None, Some(NOW)));
}

async fn what_is_gone_is_kept_beside_the_list(world: &World) {
    let ana = user(&world.store, "ana").await;
    let states = world.store.provider_states();
    let kind = StateKind::VastInstances;
    states.put_instances(&ana, &json!([1]), &[7, 8], true, NOW).await.expect("kept");
    let read = states.get_newer(&ana, kind, None).await.expect("read").expect("there");
    assert_eq!((read.payload, read.gone), (Some(json!([1])), vec![7, 8]));
    states.put_error(&ana, kind, "503", NOW.plus(1)).await.expect("kept");
    assert_eq!(states.get(&ana, kind).await.expect("read").expect("there").gone, [7, 8]);
    states.put_instances(&ana, &json!([1]), &[], true, NOW.plus(2)).await.expect("kept");
    assert_eq!(states.get(&ana, kind).await.expect("read").expect("there").gone, [0; 0]);
    states.put_instances(&ana, &json!([1]), &[9], true, NOW.plus(1)).await.expect("ignored");
    assert_eq!(states.get(&ana, kind).await.expect("read").expect("there").gone, [0; 0]);
}

async fn an_answer_that_is_known_comes_without_its_payload(world: &World) {
    let ana = user(&world.store, "ana").await;
    let states = world.store.provider_states();
    let kind = StateKind::VastInstances;
    assert_eq!(states.get_newer(&ana, kind, None).await.expect("read"), None);
    states.put(&ana, kind, &json!([1, 2]), true, NOW).await.expect("kept");
    states.put_error(&ana, kind, "late", NOW.plus(5)).await.expect("kept");
    let whole = states.get(&ana, kind).await.expect("read").expect("there");
    for known in [None, Some(NOW.plus(-1))] {
        let read = states.get_newer(&ana, kind, known).await.expect("read");
        assert_eq!(read, Some(whole.clone()), "{known:?}");
    }
    let read = states.get_newer(&ana, kind, Some(NOW)).await.expect("read");
    assert_eq!(read, Some(ProviderState { payload: None, ..whole }));
    states.put(&ana, kind, &json!([3]), true, NOW.plus(9)).await.expect("kept");
    let read = states.get_newer(&ana, kind, Some(NOW)).await.expect("read").expect("there");
    assert_eq!((read.payload, read.fetched_at), (Some(json!([3])), Some(NOW.plus(9))));
}
