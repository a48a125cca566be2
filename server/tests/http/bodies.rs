//! Bodies of every route that takes one: objects, with known fields, and nothing else. Made from the
//! table and the description, so that a route that is added is tested too.

use reqwest::Method;
use serde_json::{Value, json};
use server::api::table::{Access, table};

use crate::database::Database;
use crate::people::Person;
use crate::seed::{self, GPU};
use crate::world::{World, body};

/// A route with a body: method, address, schema, and a body that it takes.
struct Row {
    method: Method,
    path: String,
    schema: String,
    needed: bool,
    example: Value,
}

async fn rows(world: &World) -> (Value, Vec<Row>) {
    let openapi = world.get("/api/v1/openapi.json").send().await.expect("an answer");
    let openapi = body(200, openapi).await;
    let mut rows = Vec::new();
    for route in table() {
        let (method, template) = route.method_and_path().expect("described");
        let operation = &openapi["paths"][&template][method.as_str().to_lowercase()];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let Some(schema) = schema.as_str() else {
            assert!(route.example.is_none(), "{template} has an example and no described body");
            continue;
        };
        let example = route.example.unwrap_or_else(|| panic!("{template} has no example"));
        rows.push(Row {
            method: Method::from_bytes(method.as_str().as_bytes()).expect("a method"),
            path: template
                .replace("{gpu_id}", &GPU.to_string())
                .replace("{machine_id}", &GPU.to_string())
                .replace("{point_id}", "7")
                .replace("{passkey_id}", "nothing")
                .replace("{failover_id}", "owners-failover-1"),
            needed: operation["requestBody"]["required"] == true,
            schema: schema.rsplit('/').next().expect("a name").to_owned(),
            example: serde_json::from_str(example).expect("JSON"),
        });
    }
    assert!(rows.len() >= 8, "too few routes with a body: {}", rows.len());
    (openapi, rows)
}

async fn held(world: &World, person: &Person) -> String {
    let store = &world.dumont.store;
    format!(
        "{:?} {:?} {:?} {:?}",
        store.settings().get(&person.id).await.expect("settings"),
        store.credentials().list(&person.id).await.expect("credentials"),
        store.users().get(&person.id).await.expect("an account"),
        store.associations().list(&person.id).await.expect("associations"),
    )
}

async fn send(world: &World, token: &str, row: &Row, text: String) -> (u16, Value) {
    let request = world.ask(row.method.clone(), &format!("/api/v1{}", row.path));
    let request = request.bearer_auth(token).header("content-type", "application/json").body(text);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_an_object_with_known_fields_on_every_route() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    seed::machine(&world, &ana.id).await;
    let customer = world.customer().await;
    let keys = json!({"vast_api_key": customer.vast_api_key, "gcp_credentials": customer.gcp_service_account});
    let put = ana.signs(world.ask(Method::PUT, "/api/v1/settings")).json(&keys);
    body(200, put.send().await.expect("an answer")).await;
    let (openapi, rows) = rows(&world).await;
    for row in &rows {
        let what = format!("{} {}", row.method, row.path);
        let before = held(&world, &ana).await;
        for bad in ["[]", "[null,null]", "[true]", "null", "\"text\"", "7", "true", " [ ] "] {
            let (status, told) = send(&world, &ana.token, row, bad.to_owned()).await;
            assert_eq!(status, 400, "{what} takes {bad}: {told}");
            let detail = told["detail"].as_str().expect("words");
            assert!(detail.contains("object"), "{what}: {detail}");
        }
        assert_eq!(held(&world, &ana).await, before, "{what}: a refused body changed something");
        let mut more = row.example.clone();
        more["no_such_field"] = json!(1);
        let (status, told) = send(&world, &ana.token, row, more.to_string()).await;
        assert_eq!(
            (status, told["errors"][0]["field"].as_str(), told["errors"][0]["code"].as_str()),
            (422, Some("no_such_field"), Some("unknown_field")),
            "{what}: {told}"
        );
        // What the description says of a body that is left out is so.
        let request = ana.signs(world.ask(row.method.clone(), &format!("/api/v1{}", row.path)));
        let without = request.send().await.expect("an answer").status().as_u16();
        assert_eq!(without == 400, row.needed, "{what} without a body: {without}");
        // What is described as needed is, and nothing else.
        let schema = &openapi["components"]["schemas"][&row.schema];
        for field in schema["properties"].as_object().expect("fields").keys() {
            let needed =
                schema["required"].as_array().is_some_and(|all| all.contains(&json!(field)));
            let mut less = row.example.clone();
            less.as_object_mut().expect("an object").remove(field);
            let (status, told) = send(&world, &ana.token, row, less.to_string()).await;
            let said = status == 422 && told["errors"][0]["code"] == "required";
            let either = row.schema == "LoginRequest" && field == "email";
            assert!(said == needed || either, "{what} without {field}: {status} {told}");
        }
        // A part that is an object of its own is none by position either.
        let fields = &openapi["components"]["schemas"][&row.schema]["properties"];
        for (field, schema) in fields.as_object().expect("fields") {
            if is_object(&openapi, schema) {
                let mut list = row.example.clone();
                list[field] = json!(["a", "b", "c"]);
                let (status, told) = send(&world, &ana.token, row, list.to_string()).await;
                assert_eq!(status, 422, "{what} takes a list for {field}: {told}");
                assert!(
                    told["errors"][0]["field"].as_str().expect("named").contains(field.as_str())
                );
            }
        }
    }
    world.end().await;
}

/// Whether a field's schema is, or may be, an object that is described.
fn is_object(openapi: &Value, schema: &Value) -> bool {
    let any = schema.get("oneOf").or_else(|| schema.get("anyOf")).or_else(|| schema.get("allOf"));
    if let Some(choices) = any.and_then(Value::as_array) {
        return choices.iter().any(|one| is_object(openapi, one));
    }
    let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) else {
        return false;
    };
    openapi["components"]["schemas"][name]["type"] == "object"
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_absent_stays_and_null_clears_only_where_it_says_so() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    let customer = world.customer().await;
    let keys = json!({"vast_api_key": customer.vast_api_key, "gcp_credentials": customer.gcp_service_account, "theme": "dark"});
    let put = async |wanted: &Value, status| {
        let put = ana.signs(world.ask(Method::PUT, "/api/v1/settings")).json(wanted);
        body(status, put.send().await.expect("an answer")).await
    };
    put(&keys, 200).await;
    let kept = put(&json!({}), 200).await;
    assert_eq!(
        (
            kept["vast_api_key"]["is_set"].as_bool(),
            kept["gcp_credentials"]["is_set"].as_bool(),
            kept["theme"].as_str()
        ),
        (Some(true), Some(true), Some("dark"))
    );
    let configure = async |wanted: Value, status| {
        let post = ana.signs(world.post("/api/v1/standby/configure")).json(&wanted);
        body(status, post.send().await.expect("an answer")).await
    };
    // Switching on has to be said.
    let empty = ana.signs(world.post("/api/v1/standby/configure")).send().await.expect("an answer");
    body(400, empty).await;
    let none = configure(json!({}), 422).await;
    assert_eq!(none["errors"][0]["field"], "enabled");
    let first = configure(json!({"enabled": true, "sync_interval": 7}), 200).await;
    assert_eq!(
        (first["config"]["sync_interval"].as_i64(), first["config"]["gcp_disk_size"].as_i64()),
        (Some(7), Some(100))
    );
    configure(json!({"enabled": true, "auto_failover": false, "max_price": 1.5}), 200).await;
    let second = configure(json!({"enabled": false}), 200).await;
    let config = &second["config"];
    assert_eq!(
        (
            config["sync_interval"].as_i64(),
            config["auto_failover"].as_bool(),
            config["max_price"].as_f64()
        ),
        (Some(7), Some(false), Some(1.5))
    );
    for field in ["gcp_zone", "sync_interval", "auto_failover", "countries", "gpu_class"] {
        let mut wanted = json!({"enabled": false});
        wanted[field] = Value::Null;
        let told = configure(wanted, 422).await;
        assert_eq!(told["errors"][0]["field"], field, "{told}");
    }
    let cleared = configure(json!({"enabled": false, "max_price": null}), 200).await;
    assert!(cleared["config"]["max_price"].is_null());
    world.end().await;
}

/// Junk in every place where a request can hold some.
async fn nothing_that_is_sent_tells_of_the_inside(world: World) {
    let ana = Person::join(&world, "ana").await;
    seed::machine(&world, &ana.id).await;
    let customer = world.customer().await;
    let keys = json!({"vast_api_key": customer.vast_api_key, "gcp_credentials": customer.gcp_service_account});
    let put = ana.signs(world.ask(Method::PUT, "/api/v1/settings")).json(&keys);
    body(200, put.send().await.expect("an answer")).await;
    let openapi = world.get("/api/v1/openapi.json").send().await.expect("an answer");
    let openapi = body(200, openapi).await;
    let paths = [
        "-1",
        "0",
        "1.5",
        "seven",
        "99999999999999999999",
        "%00",
        "%ff",
        "%2e%2e%2e",
        "a%20b",
        "1%2f2",
        "%E2%80%AE",
    ];
    let values =
        ["", "-1", "many", "1e999", "NaN", "%00", "%ff", "99999999999999999999", "null", "%5B%5D"];
    let bodies = [
        json!(null),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!("text"),
        json!("a\u{0}b"),
        json!(true),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"a": {"b": []}}),
        json!("x".repeat(5_000)),
        json!("\u{202e}"),
    ];
    for route in table() {
        let (method, template) = route.method_and_path().expect("described");
        if template == "/events" || template.starts_with("/auth/log") {
            continue;
        }
        let operation = &openapi["paths"][&template][method.as_str().to_lowercase()];
        let method = Method::from_bytes(method.as_str().as_bytes()).expect("a method");
        let ask = async |path: &str, text: Option<String>| {
            let mut request = ana.signs(world.ask(method.clone(), &format!("/api/v1{path}")));
            if let Some(text) = text {
                request = request.header("content-type", "application/json").body(text);
            }
            let what = format!("{method} {path}");
            let answer = request.send().await.expect("an answer");
            let status = answer.status().as_u16();
            let text = answer.text().await.expect("a body");
            assert!(status < 500, "{what}: {status} {text}");
            if status >= 400 {
                for inside in [
                    "struct",
                    "serde",
                    "::",
                    "axum",
                    "sqlx",
                    "deserial",
                    "reqwest",
                    "url parse",
                    "digit found",
                    "variant",
                ] {
                    assert!(
                        !text.to_lowercase().contains(inside),
                        "{what} tells {inside:?}: {text}"
                    );
                }
            }
            status
        };
        if template.contains('{') {
            for junk in paths {
                let begin = template.find('{').expect("a parameter");
                let end = template.find('}').expect("its end");
                let path = format!("{}{junk}{}", &template[..begin], &template[end + 1..]);
                let status = ask(&path, route.example.map(str::to_owned)).await;
                assert!(matches!(status, 400 | 404 | 405), "{method} {path}: {status}");
            }
        }
        let plain = template
            .replace("{gpu_id}", "7")
            .replace("{machine_id}", "7")
            .replace("{point_id}", "7")
            .replace("{failover_id}", "nothing")
            .replace("{notification_id}", "7")
            .replace("{token_id}", "nothing")
            .replace("{session_id}", "nothing")
            .replace("{passkey_id}", "nothing")
            .replace("{account_id}", "nothing")
            .replace("{invitation_id}", "nothing");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "query" {
                let name = parameter["name"].as_str().expect("a name");
                for junk in values {
                    ask(&format!("{plain}?{name}={junk}"), None).await;
                }
                ask(&format!("{plain}?{name}=1&{name}=2"), None).await;
            }
        }
        let Some(example) = route.example else { continue };
        if template == "/auth/password" {
            continue;
        }
        let example: Value = serde_json::from_str(example).expect("JSON");
        let schema =
            operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
        let schema = schema.and_then(|path| path.rsplit('/').next()).expect("a schema");
        let fields =
            openapi["components"]["schemas"][schema]["properties"].as_object().expect("fields");
        for field in fields.keys() {
            for junk in &bodies {
                let mut wanted = example.clone();
                wanted[field] = junk.clone();
                // What would really be done is not junk.
                let buys = template == "/instances"
                    && wanted["offer_id"].as_i64().is_some_and(|id| id > 1);
                if !buys {
                    ask(&plain, Some(wanted.to_string())).await;
                }
            }
        }
        ask(&plain, Some("{".repeat(400))).await;
        ask(&plain, Some(format!("{{\"a\":{}1{}}}", "[".repeat(400), "]".repeat(400)))).await;
    }
    let gone = ana
        .signs(world.ask(Method::DELETE, "/api/v1/instances/-1"))
        .send()
        .await
        .expect("an answer");
    let told = body(400, gone).await;
    assert!(told["detail"].as_str().expect("words").contains("whole number"), "{told}");
    world.end().await;
}

on_both!(nothing_that_is_sent_tells_of_the_inside);

#[test]
fn what_is_open_to_anyone_has_bodies_too() {
    assert!(table().iter().any(|route| route.access == Access::Public && route.example.is_some()));
}
