//! Every word of every enum that is stored passes the schema's own list.

use domain::association::{AssociationState, Serving};
use domain::failover::{FailoverState, IntentState, Kind, Outcome, Role, StepName, Wish};
use domain::frozen::Decision;
use domain::notification::NewsKind;
use domain::point::ReturnState;
use domain::policy::GpuClass;
use domain::standby::StandbyState;
use domain::verdict::{Cause, Verdict};
use sqlx::AssertSqlSafe;
use store::{CredentialKind, CredentialStatus, CycleOutcome, CycleSource, StateKind, TokenKind};

use crate::fixtures::{NOW, disposal, failover, intent, machine};
use crate::world::World;

on_both! {
    every_word_is_allowed_and_no_other,
}

async fn every_word_is_allowed_and_no_other(world: &World) {
    let one = machine(&world.store, "ana").await;
    let of = failover(&one, "fo-1");
    world.store.failovers().open(&of).await.expect("begun");
    let bought = intent(&of, "in-1", one.epoch);
    world.store.intents().open(&bought).await.expect("recorded");
    let wish = disposal(&one.user, "di-1", "7", Wish::Stop);
    world.store.disposals().request(&wish).await.expect("asked");
    let steps = world.store.steps();
    steps.begin(&of.id, StepName::Detect, 0, NOW).await.expect("begun");
    let raw = world.raw().await;
    let fill = [
        "INSERT INTO api_tokens (id, user_id, name, kind, token_hash, last4, created_at) SELECT 't', id, 'n', 'api', 'h', 'l', 0 FROM users",
        "INSERT INTO credentials (user_id, kind, secret, hint, status, created_at) SELECT id, 'ssh_key', '', '{}', 'ok', 0 FROM users",
        "INSERT INTO provider_state (user_id, kind, complete, tried_at) SELECT id, 'vast_balance', 0, 0 FROM users",
        "INSERT INTO sync_cycles (id, association_id, epoch, started_at, ended_at, source, outcome, files_sent, bytes_sent, files_deleted) SELECT 'c', id, 0, 0, 0, 'final', 'ok', 0, 0, 0 FROM associations",
        "INSERT INTO held_deletions (association_id, epoch, digest, files, folders, listed, seen_at) SELECT id, 0, 'd', 0, 0, '[]', 0 FROM associations",
        "INSERT INTO returns (association_id, epoch, point, path, serving, asked_at, state) SELECT id, 0, 1, '', 'gpu', 0, 'asked' FROM associations",
        "INSERT INTO verdicts (association_id, seq, epoch, at, verdict, evidence) SELECT id, 1, 0, 0, 'paused', '{}' FROM associations",
    ];
    for statement in fill {
        sqlx::query(statement).execute(&raw).await.expect("a row");
    }
    let settings = world.store.settings();
    settings
        .put(&one.user, &domain::policy::FailoverSettings::default(), None, NOW)
        .await
        .expect("saved");

    let words = [
        ("associations", "state", list(AssociationState::ALL)),
        ("associations", "serving", list(Serving::ALL)),
        ("held_deletions", "decision", list(Decision::ALL)),
        ("returns", "serving", vec!["gpu".into(), "standby".into()]),
        ("returns", "state", list(ReturnState::ALL)),
        ("standbys", "state", list(StandbyState::ALL)),
        ("failovers", "kind", list(Kind::ALL)),
        ("failovers", "cause", list(Cause::ALL)),
        ("failovers", "state", list(FailoverState::ALL)),
        ("failover_steps", "name", list(StepName::ALL)),
        ("failover_steps", "outcome", list(Outcome::ALL)),
        ("intents", "provider", vec!["vast.ai".into(), "gcp".into()]),
        ("intents", "state", list(IntentState::ALL)),
        ("disposals", "provider", vec!["vast.ai".into(), "gcp".into()]),
        ("disposals", "role", list(Role::ALL)),
        ("disposals", "wish", list(Wish::ALL)),
        ("verdicts", "verdict", list(Verdict::ALL)),
        ("verdicts", "cause", list(Cause::ALL)),
        ("settings", "gpu_class", list(GpuClass::ALL)),
        ("api_tokens", "kind", list(TokenKind::ALL)),
        ("credentials", "kind", list(CredentialKind::ALL)),
        ("credentials", "status", list(CredentialStatus::ALL)),
        ("provider_state", "kind", list(StateKind::ALL)),
        ("sync_cycles", "source", list(CycleSource::ALL)),
        ("sync_cycles", "outcome", list(CycleOutcome::ALL)),
        ("notifications", "kind", list(NewsKind::ALL)),
    ];
    for (table, column, allowed) in words {
        for word in &allowed {
            let set = set(&raw, table, column, word).await;
            assert_eq!(set.expect(word), 1, "{table}.{column} = {word}");
        }
        let other = set(&raw, table, column, "nonsense").await;
        assert!(other.is_err(), "{table}.{column}");
    }
    raw.close().await;
}

fn list<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

async fn set(
    raw: &sqlx::AnyPool,
    table: &str,
    column: &str,
    word: &str,
) -> Result<u64, sqlx::Error> {
    let statement = AssertSqlSafe(format!("UPDATE {table} SET {column} = $1"));
    let done = sqlx::query(statement).bind(word).execute(raw).await?;
    Ok(done.rows_affected())
}
