//! The ways out of a machine's trouble: deletions accepted as they were shown, and only where a copy is
//! frozen; a pause of a failover ended; back to a GPU by any name of the machine.

use domain::association::{AssociationState, Serving};
use domain::failover::{Outcome, StepName};
use domain::frozen::Loss;
use domain::id::FailoverId;
use serde_json::{Value, json};
use store::Finish;

use crate::people::Person;
use crate::seed::{self, GPU};
use crate::world::{World, body};

async fn deletions_are_accepted_as_shown_and_resuming_accepts_none(world: World) {
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
    let accept = async |who: &Person, seen: i64, status: u16| {
        post(who, "accept-deletions", Some(json!({"deletions": seen})), status).await
    };
    let state = async || associations.get(&ana.id, &tie.id).await.expect("read").state;
    let shown = async || {
        let path = format!("/api/v1/standby/associations/{}", tie.id);
        body(200, ana.signs(world.get(&path)).send().await.expect("an answer")).await["deletions"]
            .clone()
    };
    assert_eq!(accept(&ana, 27, 409).await["code"], "not_frozen");
    assert_eq!(shown().await, Value::Null);
    let why = Loss { would_delete: 27, of: 30 }.words();
    associations
        .set_state(&tie.id, tie.epoch, AssociationState::Frozen, Some(&why))
        .await
        .expect("frozen");
    assert_eq!(shown().await, 27);
    post(&ana, "start-sync", None, 409).await;
    post(&ana, "stop-sync", None, 200).await;
    post(&ana, "start-sync", None, 200).await;
    assert_eq!(state().await, AssociationState::Frozen, "a pause accepts nothing");
    post(&ana, "accept-deletions", None, 400).await;
    assert_eq!(accept(&ana, 26, 409).await["code"], "more_deletions");
    accept(&bob, 27, 404).await;
    assert_eq!(state().await, AssociationState::Frozen);
    accept(&ana, 27, 200).await;
    assert_eq!(state().await, AssociationState::Following);
    assert_eq!(shown().await, Value::Null);
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

on_both!(
    deletions_are_accepted_as_shown_and_resuming_accepts_none,
    a_pause_of_a_failover_is_ended_by_its_owner,
    the_way_back_is_open_only_on_the_standby_and_by_each_name,
);
