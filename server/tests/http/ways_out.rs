//! The ways out of a machine's trouble: deletions accepted as they were shown, and only where a copy is
//! frozen; a pause of a failover ended; back to a GPU by any name of the machine; all of it given up.

use domain::association::{AssociationState, Serving};
use domain::failover::{FailoverState, Outcome, StepName};
use domain::frozen::{Decision, Deletion, Deletions, Loss};
use domain::id::{FailoverId, GpuId};
use domain::notification;
use serde_json::{Value, json};
use store::Finish;

use crate::people::Person;
use crate::seed::{self, GPU};
use crate::world::{World, body};

async fn deletions_are_decided_on_as_shown_and_resuming_decides_nothing(world: World) {
    let ana = Person::join(&world, "ana").await;
    let bob = Person::join(&world, "bob").await;
    let tie = seed::association(&ana.id, &world);
    let associations = world.dumont.store.associations();
    associations.create(&tie).await.expect("an association");
    let post = async |who: &Person, act: &str, with: Option<Value>, status: u16| {
        let ask = who.signs(world.post(&format!("/api/v1/standby/associations/{GPU}/{act}")));
        let ask = match with {
            Some(with) => ask.json(&with),
            None => ask,
        };
        body(status, ask.send().await.expect("an answer")).await
    };
    let decide = async |who: &Person, act: &str, digest: Value, status: u16| {
        post(who, act, Some(json!({ "digest": digest })), status).await
    };
    let review = async |who: &Person, status: u16| {
        let path = format!("/api/v1/standby/associations/{GPU}/deletions");
        body(status, who.signs(world.get(&path)).send().await.expect("an answer")).await
    };
    let state = async || associations.get(&ana.id, &tie.id).await.expect("read").state;
    assert_eq!(review(&ana, 200).await["digest"], json!(null), "nothing is held back");
    for act in ["accept-deletions", "restore-deletions"] {
        assert_eq!(decide(&ana, act, json!("d1"), 409).await["code"], "not_frozen");
    }
    let why = Loss { would_delete: 27, of: 30 }.words();
    let held = Deletions {
        digest: "d1".repeat(32),
        files: 27,
        folders: 0,
        bytes: Some(5_400),
        listed: vec![Deletion { path: "a/b".into(), bytes: Some(200) }],
    };
    let freeze = async |held: Option<&Deletions>| {
        let at = world.dumont.now();
        let news = notification::frozen(&tie, Some((27, 30)), at, true);
        associations.freeze(&tie.id, tie.epoch, &why, held, &news, at).await.expect("frozen");
    };
    freeze(Some(&held)).await;
    let told = review(&ana, 200).await;
    let wanted = json!([27, 0, 5_400, 26, held.digest, [{"path": "a/b", "bytes": 200}], null]);
    let seen = json!([
        told["files"],
        told["folders"],
        told["bytes"],
        told["more"],
        told["digest"],
        told["listed"],
        told["decision"],
    ]);
    assert_eq!(seen, wanted);
    review(&bob, 404).await;
    post(&ana, "start-sync", None, 409).await;
    post(&ana, "stop-sync", None, 200).await;
    post(&ana, "start-sync", None, 200).await;
    assert_eq!(state().await, AssociationState::Frozen, "a pause accepts nothing");
    post(&ana, "accept-deletions", None, 400).await;
    for act in ["accept-deletions", "restore-deletions"] {
        let other = json!("d2".repeat(32));
        assert_eq!(decide(&ana, act, other, 409).await["code"], "other_deletions");
        decide(&bob, act, json!(held.digest), 404).await;
    }
    // That nothing was shown accepts nothing where something is held back.
    assert_eq!(decide(&ana, "accept-deletions", json!(null), 409).await["code"], "other_deletions");
    assert_eq!(state().await, AssociationState::Frozen);
    decide(&ana, "restore-deletions", json!(held.digest), 202).await;
    assert_eq!(state().await, AssociationState::Frozen, "until the files are there");
    assert_eq!(review(&ana, 200).await["decision"], "restore");
    decide(&ana, "accept-deletions", json!(held.digest), 200).await;
    assert_eq!(state().await, AssociationState::Following);
    let kept = associations.held_deletions(&tie.id).await.expect("read").expect("kept");
    assert_eq!(kept.decision, Some(Decision::Accept), "for whichever process goes on");
    // Frozen for another reason: it is looked at anew, and what was accepted before is not any more.
    freeze(None).await;
    assert_eq!(review(&ana, 200).await["digest"], json!(null));
    assert_eq!(
        decide(&ana, "accept-deletions", json!(held.digest), 409).await["code"],
        "other_deletions"
    );
    decide(&ana, "accept-deletions", json!(null), 200).await;
    assert_eq!(state().await, AssociationState::Following);
    assert_eq!(associations.held_deletions(&tie.id).await.expect("read"), None);
    world.end().await;
}

async fn a_pause_of_a_failover_is_ended_by_its_owner(world: World) {
    let ana = Person::join(&world, "ana").await;
    seed::machine(&world, &ana.id).await;
    let (steps, id) = (world.dumont.store.steps(), FailoverId::new("owners-failover-2"));
    let path = format!("/api/v1/standby/failover/{id}/retry");
    let ask = async |who: &Person, status: u16| {
        body(status, who.signs(world.post(&path)).send().await.expect("an answer")).await
    };
    assert_eq!(ask(&ana, 409).await["code"], "nothing_waits");
    let now = world.dumont.now();
    let row = steps.begin(&id, StepName::Search, 0, now).await.expect("begun");
    let end = Finish {
        ended_at: now,
        outcome: Outcome::Retry,
        retry_at: Some(now.plus(600_000)),
        provider_ms: 0,
        output: json!(null),
        error: Some("no offer fits".into()),
    };
    steps.finish(&id, row.seq, &end).await.expect("finished");
    let bob = Person::join(&world, "bob").await;
    ask(&bob, 404).await;
    ask(&ana, 200).await;
    let rows = steps.list(&id).await.expect("rows");
    assert!(rows.iter().all(|row| row.retry_at.is_none_or(|at| at < now.plus(600_000))));
    ask(&ana, 409).await;
    world.end().await;
}

async fn the_way_back_is_open_only_on_the_standby_and_by_each_name(world: World) {
    let ana = Person::join(&world, "ana").await;
    let bob = Person::join(&world, "bob").await;
    let mut tie = seed::association(&ana.id, &world);
    tie.serving = Serving::Gpu;
    world.dumont.store.associations().create(&tie).await.expect("an association");
    for name in [GPU.to_string(), tie.id.to_string()] {
        let path = format!("/api/v1/standby/associations/{name}/back-to-gpu");
        let ask = async |who: &Person| who.signs(world.post(&path)).send().await;
        let told = body(409, ask(&ana).await.expect("an answer")).await;
        assert_eq!(told["code"], "not_on_standby", "{name}");
        body(404, ask(&bob).await.expect("an answer")).await;
    }
    world.end().await;
}

async fn a_machine_is_given_up_by_its_owner_who_names_it(world: World) {
    let ana = Person::join(&world, "ana").await;
    let bob = Person::join(&world, "bob").await;
    seed::machine(&world, &ana.id).await;
    let store = &world.dumont.store;
    let path = format!("/api/v1/standby/associations/{GPU}/discard");
    let ask = async |who: &Person, with: Value, status: u16| {
        let asked = who.signs(world.post(&path)).json(&with).send().await.expect("an answer");
        body(status, asked).await
    };
    for wrong in ["", "owners", "Owners-Machine", "another"] {
        let told = ask(&ana, json!({ "name": wrong }), 422).await;
        assert_eq!(told["errors"][0]["code"], "not_its_name", "{told:#}");
    }
    ask(&ana, json!({}), 422).await;
    ask(&bob, json!({ "name": "owners-machine" }), 404).await;
    assert!(store.disposals().pending(&ana.id).await.expect("disposals").is_empty());
    ask(&ana, json!({ "name": " owners-machine " }), 202).await;
    ask(&ana, json!({ "name": "owners-machine" }), 202).await;
    let tie = store.associations().by_gpu(&ana.id, GpuId(GPU)).await.expect("read").expect("there");
    assert_eq!((tie.state, tie.want_running), (AssociationState::Deleting, false));
    let gone = store.disposals().pending(&ana.id).await.expect("disposals");
    assert_eq!(gone.len(), 1, "{gone:?}");
    let active = FailoverId::new("owners-failover-2");
    let state = store.failovers().find(&active).await.expect("the failover").state;
    assert_eq!(state, FailoverState::Cancelling);
    world.end().await;
}

async fn sync_counts_as_on_only_while_the_standby_follows(world: World) {
    let ana = Person::join(&world, "ana").await;
    let associations = world.dumont.store.associations();
    for (number, state) in AssociationState::ALL.iter().enumerate() {
        for on in [true, false] {
            // A machine each: answers are remembered for a while.
            let mut tie = seed::association(&ana.id, &world);
            let gpu = 1_000 + 2 * i64::try_from(number).expect("few") + i64::from(on);
            tie.id = domain::id::AssociationId::new(format!("machine-{gpu}"));
            (tie.gpu, tie.state, tie.sync_enabled) = (GpuId(gpu), *state, on);
            tie.standby = None;
            associations.create(&tie).await.expect("an association");
            let path = format!("/api/v1/failover/readiness/{gpu}");
            let told =
                body(200, ana.signs(world.get(&path)).send().await.expect("an answer")).await;
            // What older clients read.
            assert_eq!(told["machine_id"], json!(tie.id), "{told:#}");
            assert_eq!((&told["ready"], &told["overall_ready"]), (&json!(false), &json!(false)));
            assert_eq!(told["cpu_standby_ready"], false, "there is none: {told:#}");
            assert_eq!(told["effective_strategy"], "none", "{told:#}");
            let checks = told["checks"].as_array().expect("checks");
            let check = checks.iter().find(|check| check["key"] == "sync_on").expect("told");
            let follows = on && *state == AssociationState::Following;
            assert_eq!(check["ok"], follows, "{state}, sync_enabled {on}: {check}");
        }
    }
    world.end().await;
}

on_both!(
    sync_counts_as_on_only_while_the_standby_follows,
    a_machine_is_given_up_by_its_owner_who_names_it,
    deletions_are_decided_on_as_shown_and_resuming_decides_nothing,
    a_pause_of_a_failover_is_ended_by_its_owner,
    the_way_back_is_open_only_on_the_standby_and_by_each_name,
);
