//! Browser sessions, through the session layer's own trait.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::id::UserId;
use domain::time::{Clock, Millis};
use serde_json::json;
use sqlx::Row as _;
use store::{DbSessions, SESSION_IP, SESSION_USER, SESSION_USER_AGENT, StoreError, session_handle};
use time::OffsetDateTime;
use tower_sessions::SessionStore as _;
use tower_sessions::session::{Id, Record};

use crate::fixtures::{NOW, user};
use crate::world::World;

on_both! {
    a_session_is_kept_until_it_expires,
    a_revoked_session_stays_revoked,
    a_drawn_id_that_is_taken_is_drawn_again,
    a_user_sees_and_ends_own_sessions_only,
    the_cookies_value_is_not_stored,
    use_is_noted_once_a_minute,
}

#[derive(Debug)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::SeqCst))
    }
}

fn sessions(world: &World) -> (DbSessions, Arc<SetClock>) {
    let clock = Arc::new(SetClock(AtomicI64::new(NOW.0)));
    (DbSessions::new(world.store.clone(), clock.clone()), clock)
}

fn record(user: Option<&UserId>, lasts_ms: i64) -> Record {
    let mut data = std::collections::HashMap::new();
    if let Some(user) = user {
        data.insert(SESSION_USER.to_owned(), json!(user.as_str()));
        data.insert(SESSION_USER_AGENT.to_owned(), json!("Browser/1"));
        data.insert(SESSION_IP.to_owned(), json!("192.0.2.1"));
    }
    data.insert("cart".to_owned(), json!({"n": [1, 2]}));
    let nanos = i128::from(NOW.plus(lasts_ms).0) * 1_000_000;
    Record {
        id: Id::default(),
        data,
        expiry_date: OffsetDateTime::from_unix_timestamp_nanos(nanos).expect("a time"),
    }
}

async fn a_session_is_kept_until_it_expires(world: &World) {
    let ana = user(&world.store, "ana").await;
    let (sessions, clock) = sessions(world);
    let mut first = record(Some(&ana), 1_000);
    sessions.create(&mut first).await.expect("made");
    assert_eq!(sessions.load(&first.id).await.expect("read"), Some(first.clone()));
    first.data.insert("cart".into(), json!(null));
    sessions.save(&first).await.expect("saved");
    assert_eq!(sessions.load(&first.id).await.expect("read"), Some(first.clone()));
    clock.0.store(NOW.plus(1_000).0, Ordering::SeqCst);
    assert_eq!(sessions.load(&first.id).await.expect("read"), None);
    let rows = world.store.sessions();
    assert_eq!(rows.delete_expired(NOW.plus(999)).await.expect("swept"), 0);
    assert_eq!(rows.delete_expired(NOW.plus(1_000)).await.expect("swept"), 1);
    assert_eq!(sessions.load(&Id::default()).await.expect("read"), None);
}

async fn a_revoked_session_stays_revoked(world: &World) {
    let ana = user(&world.store, "ana").await;
    let (sessions, _) = sessions(world);
    let mut open = record(Some(&ana), 60_000);
    sessions.create(&mut open).await.expect("made");
    let handle = session_handle(&open.id);
    world.store.sessions().revoke(&ana, &handle).await.expect("revoked");
    // A request that was under way when it was revoked.
    sessions.save(&open).await.expect("no error");
    assert_eq!(sessions.load(&open.id).await.expect("read"), None);
}

async fn a_drawn_id_that_is_taken_is_drawn_again(world: &World) {
    let (sessions, _) = sessions(world);
    let mut first = record(None, 60_000);
    sessions.create(&mut first).await.expect("made");
    let mut second = record(None, 60_000);
    second.id = first.id;
    second.data.clear();
    sessions.create(&mut second).await.expect("made");
    assert_ne!(second.id, first.id);
    assert_eq!(sessions.load(&first.id).await.expect("read"), Some(first));
}

async fn a_user_sees_and_ends_own_sessions_only(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let (sessions, _) = sessions(world);
    let mut open = [
        record(Some(&ana), 60_000),
        record(Some(&ana), 60_000),
        record(Some(&bob), 60_000),
        record(None, 60_000),
    ];
    for one in &mut open {
        sessions.create(one).await.expect("made");
    }
    let rows = world.store.sessions();
    let listed = rows.list(&ana, NOW).await.expect("listed");
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].user_agent.as_deref(), Some("Browser/1"));
    assert_eq!(listed[0].ip.as_deref(), Some("192.0.2.1"));
    assert_eq!(rows.list(&ana, NOW.plus(60_000)).await.expect("listed"), []);

    let bobs = session_handle(&open[2].id);
    let foreign = rows.revoke(&ana, &bobs).await;
    assert!(matches!(foreign, Err(StoreError::NotFound("session"))));
    let keep = session_handle(&open[0].id);
    let users = world.store.users();
    users.set_password(&ana, "hash", Some(&keep), NOW).await.expect("set");
    let mut left = Vec::new();
    for one in &open {
        left.push(sessions.load(&one.id).await.expect("read").is_some());
    }
    assert_eq!(left, [true, false, true, true]);
    assert!(rows.stands(&ana, &keep, NOW).await.expect("asked"));
    assert!(!rows.stands(&bob, &keep, NOW).await.expect("asked"));
    users.set_password(&ana, "hash", None, NOW).await.expect("set");
    assert!(!rows.stands(&ana, &keep, NOW).await.expect("asked"));
}

async fn the_cookies_value_is_not_stored(world: &World) {
    let (sessions, _) = sessions(world);
    let mut open = record(None, 60_000);
    sessions.create(&mut open).await.expect("made");
    let raw = world.raw().await;
    let row = sqlx::query("SELECT id, data FROM sessions").fetch_one(&raw).await.expect("a row");
    let stored = format!("{} {}", row.get::<String, _>("id"), row.get::<String, _>("data"));
    assert!(!stored.contains(&open.id.to_string()));
    assert!(!stored.contains(&open.id.0.to_string()));
    raw.close().await;
}

async fn use_is_noted_once_a_minute(world: &World) {
    let ana = user(&world.store, "ana").await;
    let (sessions, _) = sessions(world);
    let mut open = record(Some(&ana), 600_000);
    sessions.create(&mut open).await.expect("made");
    let handle = session_handle(&open.id);
    let rows = world.store.sessions();
    for (at, seen) in [(59_999, 0), (60_000, 60_000), (119_999, 60_000)] {
        rows.touch(&ana, &handle, NOW.plus(at)).await.expect("noted");
        let listed = rows.list(&ana, NOW).await.expect("listed");
        assert_eq!(listed[0].last_seen_at, NOW.plus(seen), "after {at} ms");
    }
}
