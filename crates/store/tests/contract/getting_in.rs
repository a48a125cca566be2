//! Counts of tries, known browsers, second factors.

use domain::time::{DAY_MS, Millis};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::Row as _;
use store::{Attempt, BrowserVisit, Bucket, Proved, Store, StoreError};

use crate::fixtures::{NOW, user};
use crate::world::World;

on_both! {
    a_bucket_lets_so_many_through_and_then_one_in_a_while,
    of_two_buckets_one_that_is_full_leaves_the_other_as_it_was,
    tries_of_several_processes_are_counted_together,
    a_clock_that_was_set_back_closes_nothing_for_long,
    a_browsers_cookie_is_another_one_after_each_login,
    one_browser_may_be_known_to_several_accounts,
    a_browser_is_forgotten_by_its_owner_by_time_and_by_a_new_password,
    a_second_factor_is_asked_for_once_it_was_proved,
    a_code_is_taken_once,
    a_second_factors_secret_is_sealed_and_rotated,
}

fn bucket(name: &str) -> Bucket {
    Bucket { name: name.into(), burst: 3, every_ms: 1_000 }
}

async fn a_bucket_lets_so_many_through_and_then_one_in_a_while(world: &World) {
    let attempts = world.store.attempts();
    let one = [bucket("one")];
    let at = async |ms: i64| attempts.take(&one, NOW.plus(ms)).await.expect("counted");
    for ms in [0, 1, 2] {
        assert_eq!(at(ms).await, Attempt::Through, "{ms}");
    }
    assert_eq!(at(3).await, Attempt::Wait(997));
    assert_eq!(at(3).await, Attempt::Wait(997), "what is refused is not counted");
    assert_eq!(at(1_000).await, Attempt::Through);
    assert_eq!(at(1_001).await, Attempt::Wait(999));
    attempts.give_back(&one[0]).await.expect("given back");
    assert_eq!(at(1_001).await, Attempt::Through);
    attempts.forget("one").await.expect("forgotten");
    assert_eq!(at(1_001).await, Attempt::Through);
    assert_eq!(attempts.prune(NOW.plus(2_000)).await.expect("pruned"), 0);
    assert_eq!(attempts.prune(NOW.plus(2_001)).await.expect("pruned"), 1);
    assert_eq!(attempts.count().await.expect("a count"), 0);
}

async fn of_two_buckets_one_that_is_full_leaves_the_other_as_it_was(world: &World) {
    let attempts = world.store.attempts();
    let (one, other) = (bucket("one"), bucket("other"));
    for _ in 0..3 {
        attempts.take(&[other.clone()], NOW).await.expect("counted");
    }
    for _ in 0..9 {
        let both = [one.clone(), other.clone()];
        assert_eq!(attempts.take(&both, NOW).await.expect("asked"), Attempt::Wait(1_000));
    }
    for _ in 0..3 {
        assert_eq!(attempts.take(&[one.clone()], NOW).await.expect("asked"), Attempt::Through);
    }
}

async fn tries_of_several_processes_are_counted_together(world: &World) {
    let beside = world.beside().await;
    let stores = [&world.store, &beside];
    let asked = (0..20).map(|n| {
        let store: Store = stores[n % 2].clone();
        tokio::spawn(async move { store.attempts().take(&[bucket("one")], NOW).await })
    });
    let mut through = 0;
    for one in asked.collect::<Vec<_>>() {
        let told = one.await.expect("ran").expect("counted");
        through += i32::from(told == Attempt::Through);
    }
    assert_eq!(through, 3);
    beside.close().await;
}

async fn a_clock_that_was_set_back_closes_nothing_for_long(world: &World) {
    let attempts = world.store.attempts();
    let one = [bucket("one")];
    for _ in 0..3 {
        attempts.take(&one, NOW.plus(DAY_MS)).await.expect("counted");
    }
    assert_eq!(attempts.take(&one, NOW).await.expect("counted"), Attempt::Through);
}

async fn remember(
    store: &Store,
    user: &domain::id::UserId,
    had: Option<&str>,
    at: Millis,
) -> String {
    let visit = BrowserVisit { had, user_agent: Some("Browser/1"), ip: Some("192.0.2.1".into()) };
    let made = store.browsers().remember(user, &visit, at.plus(DAY_MS), at).await;
    made.expect("remembered").expose_secret().to_owned()
}

async fn known(store: &Store, plain: &str, at: Millis) -> Vec<String> {
    let found = store.browsers().find(plain, at).await.expect("asked");
    let mut users: Vec<String> = found.into_iter().map(|row| row.user.to_string()).collect();
    users.sort();
    users
}

async fn a_browsers_cookie_is_another_one_after_each_login(world: &World) {
    let ana = user(&world.store, "ana").await;
    let first = remember(&world.store, &ana, None, NOW).await;
    assert_eq!(first.len(), 43);
    assert_eq!(known(&world.store, &first, NOW).await, [ana.to_string()]);
    let second = remember(&world.store, &ana, Some(&first), NOW.plus(1)).await;
    assert_eq!(known(&world.store, &first, NOW).await, Vec::<String>::new());
    assert_eq!(known(&world.store, &second, NOW).await, [ana.to_string()]);
    let list = world.store.browsers().list(&ana, NOW).await.expect("listed");
    assert_eq!((list.len(), list[0].last_used_at), (1, NOW.plus(1)));
    // A value that was never given out makes nothing known by itself.
    let third = remember(&world.store, &ana, Some("planted by somebody"), NOW).await;
    assert_eq!(known(&world.store, "planted by somebody", NOW).await, Vec::<String>::new());
    assert_ne!(third, "planted by somebody");
    let raw = world.raw().await;
    let rows = sqlx::query("SELECT token_hash FROM browsers").fetch_all(&raw).await.expect("rows");
    assert_eq!(rows.len(), 2);
    for row in rows {
        let hash: String = row.get("token_hash");
        assert!(hash.len() == 64 && hash != second && hash != third);
    }
    raw.close().await;
}

async fn one_browser_may_be_known_to_several_accounts(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let first = remember(&world.store, &ana, None, NOW).await;
    let both = remember(&world.store, &bob, Some(&first), NOW).await;
    let mut users = vec![ana.to_string(), bob.to_string()];
    users.sort();
    assert_eq!(known(&world.store, &both, NOW).await, users);
    for (owner, other) in [(&ana, &bob), (&bob, &ana)] {
        let list = world.store.browsers().list(owner, NOW).await.expect("listed");
        assert_eq!(list.len(), 1);
        let refused = world.store.browsers().forget(other, &list[0].id).await;
        assert!(matches!(refused, Err(StoreError::NotFound("browser"))));
    }
}

async fn a_browser_is_forgotten_by_its_owner_by_time_and_by_a_new_password(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let browsers = world.store.browsers();
    let plain = remember(&world.store, &ana, None, NOW).await;
    assert_eq!(known(&world.store, &plain, NOW.plus(DAY_MS - 1)).await.len(), 1);
    assert_eq!(known(&world.store, &plain, NOW.plus(DAY_MS)).await.len(), 0);
    assert_eq!(browsers.delete_expired(NOW.plus(DAY_MS)).await.expect("swept"), 1);

    let plain = remember(&world.store, &ana, None, NOW).await;
    let id = browsers.list(&ana, NOW).await.expect("listed")[0].id.clone();
    browsers.forget(&ana, &id).await.expect("forgotten");
    assert_eq!(known(&world.store, &plain, NOW).await.len(), 0);

    for at in 0..25 {
        remember(&world.store, &ana, None, NOW.plus(at)).await;
    }
    let left = browsers.list(&ana, NOW).await.expect("listed");
    assert_eq!((left.len(), left[19].last_used_at), (20, NOW.plus(5)));
    let bobs = remember(&world.store, &bob, None, NOW).await;
    world.store.users().set_password(&ana, "another hash", None, NOW).await.expect("changed");
    assert_eq!(browsers.list(&ana, NOW).await.expect("listed"), []);
    assert_eq!(known(&world.store, &bobs, NOW).await.len(), 1);
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

fn hashes(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn proved(created_at: Millis, codes: &[String]) -> Proved<'_> {
    Proved { created_at, step: 7, codes, keep: "none" }
}

async fn a_second_factor_is_asked_for_once_it_was_proved(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let factors = world.store.second_factors();
    assert_eq!(factors.get(&ana).await.expect("asked"), None);
    factors.begin(&ana, &secret("first"), NOW).await.expect("begun");
    factors.begin(&ana, &secret("second"), NOW.plus(1)).await.expect("begun anew");
    let begun = factors.get(&ana).await.expect("asked").expect("one");
    assert_eq!((begun.active_since, begun.created_at), (None, NOW.plus(1)));
    assert!(!factors.of(&ana).await.expect("asked").is_on());
    assert!(!factors.take_step(&ana, 5).await.expect("asked"), "it is not asked for yet");
    let old = factors.activate(&ana, &proved(NOW, &hashes(&["a"])), NOW).await;
    assert!(matches!(old, Err(StoreError::Stale { .. })), "of the first secret");
    factors.activate(&ana, &proved(NOW.plus(1), &hashes(&["a", "b"])), NOW).await.expect("active");
    let active = factors.of(&ana).await.expect("asked");
    assert_eq!((active.app_since, active.codes_left, active.is_on()), (Some(NOW), 2, true));
    let over = factors.begin(&ana, &secret("third"), NOW).await;
    assert!(matches!(over, Err(StoreError::Conflict(_))));
    let kept = factors.secret(&ana).await.expect("opens").expect("one");
    assert_eq!(kept.expose_secret(), "second");
    assert_eq!(factors.get(&bob).await.expect("asked"), None);
    assert!(factors.remove(&bob).await.is_err());
    factors.remove(&ana).await.expect("removed");
    assert_eq!(factors.get(&ana).await.expect("asked"), None);
    assert!(!factors.take_code(&ana, "a", NOW).await.expect("asked"), "its codes are gone too");
}

async fn a_code_is_taken_once(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let factors = world.store.second_factors();
    factors.begin(&ana, &secret("s"), NOW).await.expect("begun");
    assert!(factors.replace_codes(&ana, &hashes(&["x"])).await.is_err(), "not active yet");
    factors.activate(&ana, &proved(NOW, &hashes(&["a", "b"])), NOW).await.expect("active");
    for (step, taken) in [(7, false), (6, false), (8, true), (8, false), (7, false), (9, true)] {
        assert_eq!(factors.take_step(&ana, step).await.expect("asked"), taken, "{step}");
    }
    assert!(!factors.take_code(&bob, "a", NOW).await.expect("asked"));
    for (code, taken) in [("a", true), ("a", false), ("c", false)] {
        assert_eq!(factors.take_code(&ana, code, NOW).await.expect("asked"), taken, "{code}");
    }
    assert_eq!(factors.of(&ana).await.expect("asked").codes_left, 1);
    factors.replace_codes(&ana, &hashes(&["c", "d", "e"])).await.expect("replaced");
    assert_eq!(factors.of(&ana).await.expect("asked").codes_left, 3);
    assert!(!factors.take_code(&ana, "b", NOW).await.expect("asked"));
    // Of many at once one is let in.
    let asked: Vec<_> = (0..10)
        .map(|_| {
            let (store, ana) = (world.store.clone(), ana.clone());
            tokio::spawn(async move { store.second_factors().take_code(&ana, "c", NOW).await })
        })
        .collect();
    let mut taken = 0;
    for one in asked {
        taken += i32::from(one.await.expect("ran").expect("asked"));
    }
    assert_eq!(taken, 1);
}

async fn a_second_factors_secret_is_sealed_and_rotated(world: &World) {
    const PLAIN: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    world.store.second_factors().begin(&ana, &secret(PLAIN), NOW).await.expect("begun");
    world.store.second_factors().begin(&bob, &secret("bobs"), NOW).await.expect("begun");
    let raw = world.raw().await;
    let sealed: String = sqlx::query("SELECT secret FROM second_factors WHERE user_id = $1")
        .bind(ana.as_str())
        .fetch_one(&raw)
        .await
        .expect("a row")
        .get("secret");
    assert!(sealed.starts_with("v1.") && !sealed.contains(PLAIN), "{sealed}");
    let both = world.keys.with_new_key();
    assert_eq!(world.store.rotate(both.clone()).await.expect("rotated"), 2);
    let new = Store::open(&world.url, both.newest_only()).await.expect("opens");
    let opened = new.second_factors().secret(&ana).await.expect("opens").expect("one");
    assert_eq!(opened.expose_secret(), PLAIN);
    new.close().await;
    // In another account's row it does not open.
    sqlx::query("UPDATE second_factors SET secret = (SELECT secret FROM second_factors WHERE user_id = $1) WHERE user_id = $2")
        .bind(ana.as_str())
        .bind(bob.as_str())
        .execute(&raw)
        .await
        .expect("moved");
    assert!(matches!(world.store.second_factors().secret(&bob).await, Err(StoreError::Key(_))));
    raw.close().await;
}
