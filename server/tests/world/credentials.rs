//! What one process stores, a running one uses.

use serde_json::json;

use crate::stack::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stored_by_the_command_line_reaches_the_running_server() {
    let stack = Stack::start().await;
    let account = async |stack: &Stack| stack.get("/balance").await["email"].clone();
    let before = account(&stack).await;
    let other = stack.sandbox(reqwest::Method::POST, "/accounts", json!({})).await;
    let file = stack.dir.path().join("other.key");
    std::fs::write(&file, other["vast_api_key"].as_str().unwrap()).unwrap();
    stack.run_with_input(
        &[
            "credentials",
            "set",
            "--email",
            "first@example.org",
            "--vast-key-file",
            file.to_str().unwrap(),
        ],
        "",
    );
    assert_ne!(before, other["email"]);
    stack
        .eventually("the server to use the other account's key", async |stack| {
            (account(stack).await == other["email"]).then_some(())
        })
        .await;
}
