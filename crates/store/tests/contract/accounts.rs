//! Accounts and settings.

use domain::buying::Limits;
use domain::id::UserId;
use domain::money::MicroUsd;
use domain::policy::{FailoverSettings, GpuClass};
use store::{NewUser, StoreError};

use crate::fixtures::{NOW, user};
use crate::world::World;

on_both! {
    a_login_is_found_by_address_or_name_in_any_case,
    names_and_addresses_are_taken_in_any_case,
    of_many_first_accounts_one_is_made,
    an_account_changes_its_password_language_and_theme,
    settings_are_the_defaults_until_they_are_saved,
    a_stamp_moves_with_own_changes_and_own_doorbells,
}

fn new(name: &str) -> NewUser {
    NewUser {
        id: UserId::new(name),
        email: format!("{name}@example.org"),
        username: name.into(),
        password_hash: "hash".into(),
    }
}

async fn a_login_is_found_by_address_or_name_in_any_case(world: &World) {
    let users = world.store.users();
    let made = users.create(&new("Ana"), false, NOW).await.expect("made");
    for name in ["Ana@Example.org", " ana@example.org ", "ANA"] {
        let login = users.by_login(name).await.expect("asked").expect(name);
        assert_eq!((&login.user, login.password_hash.as_str()), (&made, "hash"));
    }
    assert!(users.by_login("bob").await.expect("asked").is_none());
    assert_eq!(users.get(&made.id).await.expect("known"), made);
    assert_eq!(users.all().await.expect("all"), [made]);
}

async fn names_and_addresses_are_taken_in_any_case(world: &World) {
    let users = world.store.users();
    users.create(&new("ana"), false, NOW).await.expect("made");
    let mut second = new("second");
    second.email = "ANA@example.org".into();
    let refused = users.create(&second, false, NOW).await;
    assert!(matches!(refused, Err(StoreError::Conflict("email is taken"))));
    let mut third = new("third");
    third.username = "Ana".into();
    let refused = users.create(&third, false, NOW).await;
    assert!(matches!(refused, Err(StoreError::Conflict("username is taken"))));
    assert_eq!(users.count().await.expect("counted"), 1);
}

async fn of_many_first_accounts_one_is_made(world: &World) {
    let beside = world.beside().await;
    let tries = (0..8).map(|n| {
        let store = if n % 2 == 0 { &world.store } else { &beside }.clone();
        tokio::spawn(
            async move { store.users().create(&new(&format!("first{n}")), true, NOW).await },
        )
    });
    let mut made = 0;
    for task in tries.collect::<Vec<_>>() {
        match task.await.expect("ran") {
            Ok(_) => made += 1,
            Err(StoreError::Conflict("an account exists")) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(made, 1);
    assert_eq!(world.store.users().count().await.expect("counted"), 1);
}

async fn an_account_changes_its_password_language_and_theme(world: &World) {
    let users = world.store.users();
    let ana = user(&world.store, "ana").await;
    let bob = user(&world.store, "bob").await;
    users.set_password(&ana, "other", None, NOW).await.expect("set");
    users.set_locale(&ana, Some("pt-BR")).await.expect("set");
    users.set_theme(&ana, Some("dark")).await.expect("set");
    let login = users.login(&ana).await.expect("known");
    assert_eq!(login.password_hash, "other");
    assert_eq!(login.user.locale.as_deref(), Some("pt-BR"));
    assert_eq!(login.user.theme.as_deref(), Some("dark"));
    let untouched = users.login(&bob).await.expect("known");
    assert_eq!((untouched.user.locale, untouched.user.theme), (None, None));
    assert_ne!(untouched.password_hash, "other");
    let nobody = users.set_password(&UserId::new("nobody"), "x", None, NOW).await;
    assert!(matches!(nobody, Err(StoreError::NotFound("user"))));
}

async fn settings_are_the_defaults_until_they_are_saved(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let settings = world.store.settings();
    assert_eq!(settings.get(&ana).await.expect("read"), FailoverSettings::default());
    assert!(settings.saved(&ana).await.expect("read").is_none());
    let chosen = FailoverSettings {
        auto_standby: true,
        gcp_zone: "us-central1-a".into(),
        gcp_machine_type: "e2-small".into(),
        gcp_disk_gb: 200,
        gcp_spot: false,
        sync_interval_s: 7,
        auto_failover: false,
        auto_recovery: false,
        gpu_class: GpuClass::Same,
        max_usd_per_hour: Some(MicroUsd(1_234_567)),
        min_reliability: 0.975,
        countries: vec!["US".into(), "BR".into()],
        max_delete_percent: 12,
        silence_s: 45,
        keep_lost_min: 90,
        limits: Limits {
            per_failover: 2,
            usd_per_failover: MicroUsd(3),
            per_day: 4,
            usd_per_day: MicroUsd(5),
        },
    };
    let fallback = FailoverSettings::default();
    let mut before = None;
    for (save, at) in [(&chosen, NOW), (&fallback, NOW.plus(1)), (&chosen, NOW.plus(2))] {
        settings.put(&ana, save, before, at).await.expect("saved");
        let read = settings.saved(&ana).await.expect("read");
        assert_eq!(read, Some((save.clone(), at)));
        before = Some(at);
    }
    // Of two who chose from the same, also at the same moment, one saves.
    let (read, now) = (before, NOW.plus(2));
    settings.put(&ana, &fallback, read, now).await.expect("saved");
    for stale in [read, None] {
        let late = settings.put(&ana, &chosen, stale, now).await;
        assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    }
    assert_eq!(settings.get(&ana).await.expect("read"), fallback);
    assert_eq!(settings.get(&bob).await.expect("read"), fallback);
    let nobody = settings.put(&UserId::new("nobody"), &chosen, None, NOW).await;
    assert!(matches!(nobody, Err(StoreError::NotFound(_))));
}

async fn a_stamp_moves_with_own_changes_and_own_doorbells(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let (users, events) = (world.store.users(), world.store.events());
    let stamp = async |id: &UserId| users.seen(id).await.expect("known").1;
    let (read, first) = users.seen(&ana).await.expect("known");
    assert_eq!(read, users.get(&ana).await.expect("known"));
    assert_eq!((first.changes, first.newest), (0, 0));
    users.changed(&bob).await.expect("noted");
    events.append(&bob, "failover", "x", NOW).await.expect("rung");
    assert_eq!(stamp(&ana).await, first);

    let beside = world.beside().await;
    beside.users().changed(&ana).await.expect("noted");
    let changed = stamp(&ana).await;
    assert_eq!((changed.changes, changed.newest), (1, 0));
    let seq = events.append(&ana, "failover", "y", NOW).await.expect("rung");
    assert_eq!(stamp(&ana).await.newest, seq);
    users.changed(&UserId::new("nobody")).await.expect("nothing happens");
    let unknown = users.seen(&UserId::new("nobody")).await;
    assert!(matches!(unknown, Err(StoreError::NotFound("user"))));
    beside.close().await;
}
