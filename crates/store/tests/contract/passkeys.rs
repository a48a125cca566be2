//! Passkeys, their challenges, and the recovery codes that they share with codes.

use domain::id::UserId;
use domain::time::Millis;
use secrecy::SecretString;
use store::{ChallengeOf, Factors, MOST_PASSKEYS, NewPasskey, Proved, StoreError};

use crate::fixtures::{NOW, user};
use crate::world::World;

on_both! {
    a_passkey_is_one_accounts_alone,
    a_challenge_is_taken_once_by_whom_and_for_what_it_was_given_out,
    a_counter_that_does_not_go_on_is_told,
    recovery_codes_come_with_the_first_factor_and_go_with_the_last,
}

fn new<'a>(id: &'a str, credential_id: &'a str, codes: &'a [String]) -> NewPasskey<'a> {
    NewPasskey {
        id,
        rp_id: "localhost",
        credential_id,
        public_key: "key",
        counter: 0,
        name: "laptop",
        codes,
        keep: "none",
    }
}

async fn a_passkey_is_one_accounts_alone(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let passkeys = world.store.passkeys();
    assert!(passkeys.add(&ana, &new("1", "one", &[]), NOW).await.expect("added"), "the first");
    assert!(!passkeys.add(&ana, &new("2", "two", &[]), NOW.plus(1)).await.expect("added"));
    for who in [&ana, &bob] {
        let twice = passkeys.add(who, &new("3", "one", &[]), NOW).await;
        assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
    }
    assert_eq!(passkeys.list(&bob).await.expect("listed"), []);
    assert!(matches!(passkeys.rename(&bob, "1", "mine").await, Err(StoreError::NotFound(_))));
    assert!(matches!(passkeys.remove(&bob, "1").await, Err(StoreError::NotFound(_))));
    assert!(!passkeys.used(&bob, "1", 1, NOW).await.expect("asked"));
    passkeys.rename(&ana, "1", "phone").await.expect("renamed");
    assert!(passkeys.used(&ana, "1", 0, NOW.plus(5)).await.expect("used"));
    let listed = passkeys.list(&ana).await.expect("listed");
    let told: Vec<_> = listed.iter().map(|one| (one.name.as_str(), one.last_used_at)).collect();
    assert_eq!(told, [("phone", Some(NOW.plus(5))), ("laptop", None)]);
    let most = usize::try_from(MOST_PASSKEYS).expect("few");
    for n in 2..most {
        let id = format!("more {n}");
        passkeys.add(&ana, &new(&id, &id, &[]), NOW).await.expect("added");
    }
    assert!(passkeys.add(&ana, &new("over", "over", &[]), NOW).await.is_err());
}

async fn a_challenge_is_taken_once_by_whom_and_for_what_it_was_given_out(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let passkeys = world.store.passkeys();
    let of = ChallengeOf { user: &ana, holder: "session", purpose: "confirm" };
    passkeys.give_out(&of, b"challenge", NOW.plus(1_000)).await.expect("given out");
    for (other, challenge, at) in [
        (ChallengeOf { user: &bob, ..of }, &b"challenge"[..], NOW),
        (ChallengeOf { holder: "another", ..of }, b"challenge", NOW),
        (ChallengeOf { purpose: "log_in", ..of }, b"challenge", NOW),
        (of, b"another", NOW),
        (of, b"challenge", NOW.plus(1_000)),
    ] {
        assert!(!passkeys.take(&other, challenge, at).await.expect("asked"), "{other:?} {at:?}");
    }
    let asked = (0..10).map(|_| {
        let (store, ana) = (world.store.clone(), ana.clone());
        tokio::spawn(async move {
            let of = ChallengeOf { user: &ana, holder: "session", purpose: "confirm" };
            store.passkeys().take(&of, b"challenge", NOW.plus(999)).await
        })
    });
    let mut taken = 0;
    for one in asked.collect::<Vec<_>>() {
        taken += i32::from(one.await.expect("ran").expect("asked"));
    }
    assert_eq!(taken, 1);
    // A newer one takes the place of the one before.
    passkeys.give_out(&of, b"first", NOW.plus(1_000)).await.expect("given out");
    passkeys.give_out(&of, b"second", NOW.plus(2_000)).await.expect("given out");
    assert!(!passkeys.take(&of, b"first", NOW).await.expect("asked"));
    assert_eq!(passkeys.prune(NOW.plus(1_999)).await.expect("pruned"), 0);
    assert_eq!(passkeys.prune(NOW.plus(2_000)).await.expect("pruned"), 1);
}

async fn a_counter_that_does_not_go_on_is_told(world: &World) {
    let ana = user(&world.store, "ana").await;
    let passkeys = world.store.passkeys();
    passkeys.add(&ana, &new("1", "one", &[]), NOW).await.expect("added");
    for (counter, fine) in
        [(0, true), (0, true), (7, true), (7, false), (6, false), (0, false), (8, true)]
    {
        assert_eq!(passkeys.used(&ana, "1", counter, NOW).await.expect("asked"), fine, "{counter}");
    }
    assert!(passkeys.used(&ana, "1", u32::MAX, NOW).await.expect("asked"));
}

async fn of(world: &World, user: &UserId) -> Factors {
    world.store.second_factors().of(user).await.expect("asked")
}

async fn prove(world: &World, user: &UserId, codes: &[String], at: Millis) -> bool {
    let factors = world.store.second_factors();
    factors.begin(user, &SecretString::from("secret"), at).await.expect("begun");
    let proved = Proved { created_at: at, step: 1, codes, keep: "none" };
    factors.activate(user, &proved, at).await.expect("active")
}

async fn recovery_codes_come_with_the_first_factor_and_go_with_the_last(world: &World) {
    let (ana, bob) = (user(&world.store, "ana").await, user(&world.store, "bob").await);
    let (factors, passkeys) = (world.store.second_factors(), world.store.passkeys());
    let (early, late) = (["a".to_owned(), "b".to_owned()], ["c".to_owned()]);
    assert!(passkeys.add(&ana, &new("1", "one", &early), NOW).await.expect("added"));
    assert!(!prove(world, &ana, &late, NOW.plus(1)).await, "codes stay as they are");
    let both = Factors {
        app_since: Some(NOW.plus(1)),
        passkeys: 1,
        passkeys_since: Some(NOW),
        codes_left: 2,
    };
    assert_eq!(of(world, &ana).await, both);
    factors.remove(&ana).await.expect("removed");
    assert_eq!((of(world, &ana).await.is_on(), of(world, &ana).await.codes_left), (true, 2));
    assert!(factors.take_code(&ana, "a", NOW).await.expect("asked"), "beside a passkey alone");
    factors.replace_codes(&ana, &late).await.expect("replaced");
    passkeys.remove(&ana, "1").await.expect("removed");
    assert_eq!(of(world, &ana).await, Factors::default());
    assert!(!factors.take_code(&ana, "c", NOW).await.expect("asked"));
    assert!(factors.replace_codes(&ana, &late).await.is_err());
    // The other way round, and all at once.
    assert!(prove(world, &bob, &early, NOW).await);
    assert!(!passkeys.add(&bob, &new("2", "two", &late), NOW).await.expect("added"));
    passkeys.remove(&bob, "2").await.expect("removed");
    assert_eq!(of(world, &bob).await.codes_left, 2);
    passkeys.add(&bob, &new("2", "two", &late), NOW).await.expect("added");
    factors.remove_all(&bob).await.expect("removed");
    assert_eq!(of(world, &bob).await, Factors::default());
    assert!(matches!(factors.remove_all(&bob).await, Err(StoreError::NotFound(_))));
}
