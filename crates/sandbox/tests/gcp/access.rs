//! Who gets in.

use serde_json::{Value, json};

use crate::cloud::{Cloud, ZONE, sign, spot};

async fn with_token(cloud: &Cloud, token: &str) -> (u16, Value) {
    let url = cloud.url(&cloud.zone("/instances"));
    let answer = cloud.http.get(url).bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_token_signed_by_the_account_s_own_key_opens_the_api() {
    let cloud = Cloud::start().await;
    let (status, _) = with_token(&cloud, &cloud.token()).await;
    assert_eq!(status, 200);

    let none = cloud.http.get(cloud.url("/zones")).send().await.unwrap();
    assert_eq!(none.status(), 401);
    let body: Value = none.json().await.unwrap();
    assert_eq!(body["error"]["status"], "UNAUTHENTICATED");

    let expired = sign(&cloud.key, json!({"scope": "x", "iat": 1_000, "exp": 4_600}));
    let mut stranger = cloud.key.clone();
    stranger["client_email"] = json!("nobody@elsewhere.iam.gserviceaccount.com");
    let mut old_key = cloud.key.clone();
    old_key["private_key_id"] = json!("0000");
    for bad in [
        "nonsense".to_owned(),
        expired,
        sign(&stranger, json!({"scope": "x"})),
        sign(&old_key, json!({"scope": "x"})),
        sign(&cloud.key, json!({})),
    ] {
        let (status, body) = with_token(&cloud, &bad).await;
        assert_eq!((status, &body["error"]["status"]), (401, &json!("UNAUTHENTICATED")), "{bad}");
    }
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_grant_is_traded_for_an_access_token() {
    let cloud = Cloud::start().await;
    let url = cloud.key["token_uri"].as_str().unwrap();
    let trade = async |assertion: String| {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()),
            ("assertion", assertion),
        ];
        let answer = cloud.http.post(url).form(&form).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, answer) = trade(sign(&cloud.key, json!({"aud": url, "scope": "x"}))).await;
    assert_eq!((status, answer["token_type"].as_str()), (200, Some("Bearer")), "{answer}");
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(with_token(&cloud, token).await.0, 200);
    assert_eq!(with_token(&cloud, &format!("{token}x")).await.0, 401);
    let (status, answer) = trade("a.b.c".into()).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_sees_and_touches_nothing() {
    let cloud = Cloud::start().await;
    cloud.insert(spot("mine", &[])).await;
    let key = &cloud.stranger().await;
    let token = sign(key, json!({"scope": "x"}));
    let (status, body) = with_token(&cloud, &token).await;
    assert_eq!((status, body["error"]["errors"][0]["reason"].as_str()), (403, Some("forbidden")));
    assert_eq!(
        body["error"]["message"],
        format!(
            "Required 'compute.instances.list' permission for 'projects/{}/zones/{ZONE}'",
            cloud.project
        )
    );
    let path = cloud.zone("/instances/mine");
    let stolen = cloud.http.delete(cloud.url(&path)).bearer_auth(&token).send().await.unwrap();
    assert_eq!(stolen.status(), 403);
    let url = format!(
        "{}/compute/v1/projects/{}/aggregated/instances",
        cloud.running.url,
        key["project_id"].as_str().unwrap()
    );
    let own = cloud.http.get(url).bearer_auth(&token).send().await.unwrap().text().await.unwrap();
    assert!(!own.contains("mine"), "{own}");
    assert_eq!(cloud.vm("mine").await.1["status"], "RUNNING");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_a_missing_permission_and_a_dead_api_read_like_google_s() {
    let cloud = Cloud::start().await;
    cloud.arm("key_refused", None, json!({}), Some(1)).await;
    assert_eq!(cloud.get("/zones").await.0, 401);
    assert_eq!(cloud.get("/zones").await.0, 200);

    let params = json!({"permission": "compute.instances.create"});
    cloud.arm("permission_denied", None, params, Some(1)).await;
    assert_eq!(cloud.get("/zones").await.0, 200, "another permission is not taken away");
    let (status, body) = cloud.post(&cloud.zone("/instances"), spot("vm1", &[])).await;
    let message = format!(
        "Required 'compute.instances.create' permission for 'projects/{}/zones/{ZONE}/instances/vm1'",
        cloud.project
    );
    assert_eq!(
        (status, body),
        (
            403,
            json!({"error": {"code": 403, "message": message, "errors": [
            {"message": message, "domain": "global", "reason": "forbidden"}]}})
        )
    );

    let asks = json!({"permissions": ["compute.instances.create", "compute.zones.list"]});
    let url = format!("{}/v1/projects/{}:testIamPermissions", cloud.running.url, cloud.project);
    let token = cloud.token();
    let held = || async {
        let asked = cloud.http.post(&url).bearer_auth(&token).json(&asks).send().await.unwrap();
        (asked.status().as_u16(), asked.json::<serde_json::Value>().await.unwrap())
    };
    assert_eq!(held().await, (200, asks.clone()));
    let params = json!({"permission": "compute.instances.create"});
    cloud.arm("permission_denied", None, params, Some(1)).await;
    for _ in 0..2 {
        assert_eq!(held().await, (200, json!({"permissions": ["compute.zones.list"]})));
    }
    assert_eq!(cloud.post(&cloud.zone("/instances"), spot("vm1", &[])).await.0, 403);
    cloud.arm("permission_denied", None, json!({}), Some(1)).await;
    assert_eq!(held().await, (200, json!({})), "Google leaves an empty list away");
    assert_eq!(cloud.get("/zones").await.0, 403);

    cloud.arm("gcp_api_down", None, json!({}), Some(2)).await;
    let (status, body) = cloud.get("/zones").await;
    assert_eq!((status, body["error"]["status"].as_str()), (503, Some("UNAVAILABLE")));
    assert_eq!(cloud.post(&cloud.zone("/instances"), spot("vm1", &[])).await.0, 503);
    assert_eq!(cloud.vm("vm1").await.0, 404, "a call that was not answered did nothing");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_limit_answers_as_google_s_does() {
    let cloud = Cloud::start_with(|options| options.rate_limits = true).await;
    let url = cloud.url("/zones/nowhere");
    let token = cloud.token();
    // 1500 a minute are allowed, so this is soon met, at the latest in the second minute.
    for _ in 0..6_000 {
        let answer = cloud.http.get(&url).bearer_auth(&token).send().await.unwrap();
        if answer.status() != 404 {
            assert_eq!(answer.status(), 403);
            let body: Value = answer.json().await.unwrap();
            assert_eq!(body["error"]["errors"][0]["reason"], "rateLimitExceeded");
            cloud.running.stop().await;
            return;
        }
    }
    panic!("no call met the limit");
}
