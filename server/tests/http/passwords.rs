//! Passwords that are guessed first are refused, wherever a password is chosen.

use serde_json::json;

use crate::people::{PASSWORD, Person};
use crate::world::{World, body};

async fn a_password_that_is_tried_first_is_refused(world: World) {
    let create = |name: &'static str, password: &'static str| {
        let email = format!("{name}@loom-mill.example");
        let dumont = world.dumont.clone();
        async move {
            server::service::account::create(&dumont, &email, name, password.into(), false).await
        }
    };
    for password in [
        "1234567890",
        "password123",
        "qwertyuiop",
        "Passw0rd2024",
        "aaaaaaaaaa",
        "dumont1234",
        "anastasia-lee",
        "Anastasia1!",
        "loom-mill.1",
    ] {
        let refused = create("anastasia-lee", password).await.expect_err(password);
        let told = refused.problem("r").errors.expect("fields");
        assert_eq!((told[0].field.as_str(), told[0].code.as_str()), ("password", "guessable"));
    }
    create("anastasia-lee", PASSWORD).await.expect("an account");
    let ana = Person::join(&world, "ana").await;
    let change = json!({"current_password": PASSWORD, "new_password": "1234567890"});
    let answer = ana.signs(world.post("/api/v1/auth/password")).json(&change).send().await;
    let told = body(422, answer.expect("an answer")).await;
    let wrong = &told["errors"][0];
    assert_eq!((&wrong["field"], &wrong["code"]), (&json!("new_password"), &json!("guessable")));
    // On the page, in the reader's language.
    let session = world.session(&ana.email).await;
    for (lang, says) in [("en", "an attacker would try"), ("pt-BR", "que um atacante tentaria")] {
        let form = [("current_password", PASSWORD), ("new_password", "1234567890")];
        let sent = world.post("/app/settings/account/password").header("cookie", &session);
        let sent = sent.header("accept-language", lang).form(&form).send().await;
        let sent = sent.expect("an answer");
        assert_eq!(sent.status(), 422);
        let page = sent.text().await.expect("a page");
        assert!(page.contains(says), "{lang}");
    }
    world.end().await;
}

on_both!(a_password_that_is_tried_first_is_refused);
