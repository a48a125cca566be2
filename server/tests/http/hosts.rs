//! Names under which an install may be asked: a page that has its own name lead here gets nothing.

use crate::database::Database;
use crate::world::{World, body};

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_ours_gets_no_page_no_answer_and_no_account() {
    let world = World::start(Database::sqlite()).await;
    let asked = |path: &str, host: &str| world.get(path).header("host", host).send();
    for path in [
        "/",
        "/setup",
        "/login",
        "/docs",
        "/api/v1/auth/sdk/config",
        "/api/v1/events",
        "/api/v1/openapi.json",
    ] {
        for host in [
            "evil.example",
            "evil.example:8420",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
        ] {
            let answer = asked(path, host).await.expect("an answer");
            assert_eq!(answer.status(), 421, "{path} as {host}");
        }
    }
    let told = body(421, asked("/setup", "evil.example").await.expect("an answer")).await;
    assert_eq!(told["code"], "unknown_host");
    assert!(told["detail"].as_str().expect("words").contains("DUMONT_ALLOWED_HOSTS"), "{told}");

    let fields = [
        ("email", "eve@evil.example"),
        ("username", "eve"),
        ("password", "a long enough password"),
    ];
    let made =
        world.post("/setup").header("host", "evil.example").header("sec-fetch-site", "same-origin");
    assert_eq!(made.form(&fields).send().await.expect("an answer").status(), 421);
    assert_eq!(world.dumont.store.users().count().await.expect("a count"), 0);

    for host in ["localhost:8420", "127.0.0.1", "[::1]:8420", "10.1.2.3", "Known.Example:443"] {
        let answer = asked("/setup", host).await.expect("an answer");
        assert_eq!(answer.status(), 200, "{host}");
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(asked(path, "10.0.0.1.nip.example").await.expect("an answer").status(), 200);
    }
    world.end().await;
}
