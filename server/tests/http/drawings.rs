//! Pages are drawn once for a moment. Nobody sees another's, and nobody sees what was before their
//! own form, a doorbell or the end of their login.

use domain::association::AssociationState;
use reqwest::Response;

use crate::people::Person;
use crate::seed::{GPU, association};
use crate::world::World;

on_both! {
    nobody_sees_the_page_of_another_however_many_ask_at_once,
    after_an_own_form_a_page_is_never_the_one_before,
    a_form_sent_to_one_process_is_seen_at_another_at_once,
    after_a_doorbell_a_page_tells_what_changed,
    a_login_that_has_ended_is_shown_nothing_that_was_drawn_for_it,
    times_on_a_page_move_on,
}

async fn page(world: &World, url: &str, path: &str, session: &str) -> Response {
    let asked = world.client.get(format!("{url}{path}")).header("cookie", session);
    asked.header("accept-language", "en").send().await.expect("an answer")
}

async fn shown(world: &World, path: &str, session: &str) -> String {
    let answer = page(world, &world.url, path, session).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.expect("a page")
}

async fn send(world: &World, path: &str, session: &str, form: &[(&str, &str)]) {
    let asked = world.post(path).header("cookie", session).form(form);
    let answer = asked.send().await.expect("an answer");
    assert!(answer.status().as_u16() < 400, "{path}: {}", answer.status());
}

async fn nobody_sees_the_page_of_another_however_many_ask_at_once(world: World) {
    let mut people = Vec::new();
    for name in ["ana", "bob", "cleo", "dora"] {
        let person = Person::join(&world, name).await;
        // Each twice, from two browsers.
        for _ in 0..2 {
            people.push((name, world.session(&person.email).await));
        }
    }
    let mut asked = Vec::new();
    for round in 0..20 {
        for (name, session) in &people {
            let path = ["/app", "/app/failovers", "/app/settings/account"][round % 3];
            let (url, client) = (format!("{}{path}", world.url), world.client.clone());
            let (name, session) = (*name, session.clone());
            asked.push(tokio::spawn(async move {
                let answer = client.get(url).header("cookie", session).send().await;
                (name, answer.expect("an answer").text().await.expect("a page"))
            }));
        }
    }
    for one in asked {
        let (own, html) = one.await.expect("asked");
        for name in ["ana", "bob", "cleo", "dora"] {
            assert_eq!(html.contains(&format!(">{name}<")), name == own, "{own} sees {name}");
        }
    }
    // Each of two browsers of one person is told which of the logins is its own.
    let (first, second) = (&people[0].1, &people[1].1);
    let here = shown(&world, "/app/settings/account", first).await;
    let there = shown(&world, "/app/settings/account", second).await;
    assert_ne!(here, there);
    world.end().await;
}

async fn after_an_own_form_a_page_is_never_the_one_before(world: World) {
    let ana = Person::join(&world, "ana").await;
    let session = world.session(&ana.email).await;
    for (theme, lang) in [("dark", "pt-BR"), ("light", "en"), ("dark", "en"), ("light", "pt-BR")] {
        // Drawn, and asked for again within the moment that a drawing is shown.
        shown(&world, "/app", &session).await;
        send(&world, "/prefs", &session, &[("theme", theme), ("back", "/app")]).await;
        send(&world, "/prefs", &session, &[("lang", lang), ("back", "/app")]).await;
        let html = shown(&world, "/app", &session).await;
        assert!(html.contains(&format!("data-theme=\"{theme}\"")), "{theme}");
        assert!(html.contains(&format!("<html lang=\"{lang}\"")), "{lang}");
    }
    for name in ["nightly-export", "laptop-of-ana", "build-farm"] {
        let before = shown(&world, "/app/settings/account", &session).await;
        assert!(!before.contains(name));
        let form = [("name", name), ("days", "30")];
        send(&world, "/app/settings/account/tokens", &session, &form).await;
        assert!(shown(&world, "/app/settings/account", &session).await.contains(name), "{name}");
    }
    for disk in ["77", "88", "99"] {
        shown(&world, "/app/settings", &session).await;
        let form = [
            ("gcp_zone", "europe-west1-b"),
            ("gcp_machine_type", "e2-medium"),
            ("gcp_disk_size", disk),
            ("sync_interval", "30"),
            ("max_delete_percent", "30"),
            ("silence_seconds", "20"),
            ("keep_lost_minutes", "30"),
            ("max_gpus_per_failover", "5"),
            ("max_usd_per_failover", "50"),
            ("max_gpus_per_day", "100"),
            ("max_usd_per_day", "300"),
            ("gpu_class", "at_least"),
            ("min_reliability", "90"),
        ];
        send(&world, "/app/settings", &session, &form).await;
        let html = shown(&world, "/app/settings", &session).await;
        assert!(html.contains(&format!("value=\"{disk}\"")), "{disk}");
    }
    // What a program of hers changes counts as her own.
    let body = serde_json::json!({"enabled": false, "gcp_disk_size": 123});
    let asked = ana.signs(world.post("/api/v1/standby/configure")).json(&body);
    assert_eq!(asked.send().await.expect("an answer").status(), 200);
    assert!(shown(&world, "/app/settings", &session).await.contains("value=\"123\""));
    world.end().await;
}

async fn a_form_sent_to_one_process_is_seen_at_another_at_once(world: World) {
    let ana = Person::join(&world, "ana").await;
    let session = world.session(&ana.email).await;
    let beside = world.beside().await;
    for theme in ["dark", "light", "dark", "light"] {
        assert_eq!(page(&world, &beside, "/app", &session).await.status(), 200);
        send(&world, "/prefs", &session, &[("theme", theme), ("back", "/app")]).await;
        let html = page(&world, &beside, "/app", &session).await.text().await.expect("a page");
        assert!(html.contains(&format!("data-theme=\"{theme}\"")), "{theme}");
    }
    world.end().await;
}

async fn after_a_doorbell_a_page_tells_what_changed(world: World) {
    let ana = Person::join(&world, "ana").await;
    let session = world.session(&ana.email).await;
    let tie = association(&ana.id, &world);
    let (store, now) = (&world.dumont.store, world.dumont.now());
    assert!(!shown(&world, "/app", &session).await.contains(&tie.name));
    store.associations().create(&tie).await.expect("made");
    store.events().append(&ana.id, "association", tie.id.as_str(), now).await.expect("rung");
    assert!(shown(&world, "/app", &session).await.contains(&tie.name));

    let reason = "frozen by the test";
    let associations = store.associations();
    let froze = associations.set_state(&tie.id, tie.epoch, AssociationState::Frozen, Some(reason));
    froze.await.expect("set");
    store.events().append(&ana.id, "association", tie.id.as_str(), now).await.expect("rung");
    let machine = shown(&world, &format!("/app/machines/{GPU}"), &session).await;
    assert!(machine.contains(reason), "{machine}");
    world.end().await;
}

async fn a_login_that_has_ended_is_shown_nothing_that_was_drawn_for_it(world: World) {
    let ana = Person::join(&world, "ana").await;
    let (gone, kept) = (world.session(&ana.email).await, world.session(&ana.email).await);
    shown(&world, "/app", &gone).await;
    let form = [
        ("current_password", crate::people::PASSWORD),
        ("new_password", "another long enough password"),
    ];
    send(&world, "/app/settings/account/password", &kept, &form).await;
    let refused = page(&world, &world.url, "/app", &gone).await;
    assert_eq!(refused.status(), 303);
    let place = refused.headers()["location"].to_str().expect("text");
    assert!(place.starts_with("/login"), "{place}");
    shown(&world, "/app", &kept).await;
    world.end().await;
}

async fn times_on_a_page_move_on(world: World) {
    let ana = Person::join(&world, "ana").await;
    let session = world.session(&ana.email).await;
    let mut tie = association(&ana.id, &world);
    tie.sync.complete_to = Some(world.dumont.now().plus(-10_000));
    world.dumont.store.associations().create(&tie).await.expect("made");
    let stamp = tie.sync.complete_to.expect("set");
    let said = |html: String| {
        let mark = format!("datetime=\"{}\"", stamp.rfc3339());
        let rest = html.split_once(&mark).expect("the time").1.to_owned();
        let text = rest.split_once('>').expect("its text").1;
        text.split_once('<').expect("its end").0.to_owned()
    };
    let spoken = |ms: i64| format!("is {} s old", (ms + 999) / 1_000);
    let mut different = std::collections::BTreeSet::new();
    let deadline = world.dumont.now().plus(3_000);
    while world.dumont.now() < deadline {
        let before = world.dumont.now().since(stamp);
        let told = said(shown(&world, "/app", &session).await);
        let after = world.dumont.now().since(stamp);
        // Drawn at most a quarter of a second ago.
        let right: Vec<String> = (before - 250..=after).map(spoken).collect();
        assert!(right.contains(&told), "{told} between {before} and {after}");
        different.insert(told);
        world.clock.pass(20);
    }
    assert!(different.len() >= 3, "{different:?}");
    world.end().await;
}
