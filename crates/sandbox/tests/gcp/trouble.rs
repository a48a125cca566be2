//! Trouble that is not the machine's: quotas, policies, a project that is not set up, a wrong clock, and
//! operations that don't tell the truth.

use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::{Cloud, sign, spot};

fn error(answer: &(u16, Value)) -> (u16, &str, &str) {
    let error = &answer.1["error"];
    let reason = error["errors"][0]["reason"].as_str().unwrap_or_default();
    (answer.0, reason, error["message"].as_str().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_quota_fails_the_operation_or_the_call() {
    let cloud = Cloud::start().await;
    let path = cloud.zone("/instances");
    cloud.arm("quota_exceeded", Some("vm1"), json!({"limit": 8}), Some(1)).await;
    let op = cloud.finish(cloud.post(&path, spot("vm1", &[])).await).await;
    assert_eq!(
        (&op["error"]["errors"][0], &op["httpErrorStatusCode"], &op["httpErrorMessage"]),
        (
            &json!({"code": "QUOTA_EXCEEDED",
                "message": "Quota 'CPUS' exceeded.  Limit: 8.0 in region europe-west1."}),
            &json!(403),
            &json!("FORBIDDEN")
        )
    );
    assert_eq!(cloud.vm("vm1").await.0, 404);
    let everywhere = json!({"metric": "CPUS_ALL_REGIONS", "limit": 12, "at_once": true});
    cloud.arm("quota_exceeded", None, everywhere, Some(1)).await;
    assert_eq!(
        error(&cloud.post(&path, spot("vm1", &[])).await),
        (403, "quotaExceeded", "Quota 'CPUS_ALL_REGIONS' exceeded.  Limit: 12.0 globally.")
    );
    assert!(cloud.running.world.ledger().rows().is_empty(), "nothing was bought");
    cloud.insert(spot("vm1", &[])).await;
    cloud.act("vm1", "stop", json!({})).await;
    cloud.arm("quota_exceeded", None, json!({}), Some(1)).await;
    let op = cloud.act("vm1", "start", json!({})).await;
    assert_eq!(op["error"]["errors"][0]["code"], "QUOTA_EXCEEDED");
    assert_eq!(cloud.vm("vm1").await.1["status"], "TERMINATED");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_the_organisation_refuses_external_addresses_or_everything() {
    let cloud = Cloud::start().await;
    let path = cloud.zone("/instances");
    cloud.arm("org_policy", Some(&cloud.project), json!({}), None).await;
    let answer = cloud.post(&path, spot("vm1", &[])).await;
    let (status, reason, message) = error(&answer);
    assert_eq!((status, reason), (412, "conditionNotMet"));
    let begins = "Constraint constraints/compute.vmExternalIpAccess violated for project ";
    let ends = format!(
        ". Add instance projects/{}/zones/europe-west1-b/instances/vm1 to the constraint to use external IP with it.",
        cloud.project
    );
    assert!(message.starts_with(begins) && message.ends_with(&ends), "{message}");
    let mut inside = spot("vm1", &[]);
    inside["networkInterfaces"][0].as_object_mut().unwrap().remove("accessConfigs");
    cloud.insert(inside.clone()).await;
    inside["name"] = "vm2".into();
    cloud.arm("org_policy", None, json!({"constraint": "gcp.resourceLocations"}), None).await;
    cloud.running.world.faults().clear_one(1);
    let answer = cloud.post(&path, inside).await;
    assert_eq!(error(&answer).0, 412);
    assert!(error(&answer).2.contains("constraints/gcp.resourceLocations violated"), "{answer:?}");
    assert_eq!(cloud.vm("vm2").await.0, 404);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_the_api_is_told_how_to_enable_it() {
    let cloud = Cloud::start().await;
    cloud.insert(spot("vm1", &[])).await;
    cloud.arm("api_disabled", Some(&cloud.project), json!({}), None).await;
    for path in ["", "/zones", "/aggregated/instances", "/zones/europe-west1-b/instances/vm1"] {
        let answer = cloud.get(path).await;
        let (status, reason, message) = error(&answer);
        assert_eq!((status, reason), (403, "accessNotConfigured"), "{path}");
        assert!(message.contains("has not been used in project") && message.contains("?project="));
        let body = &answer.1["error"];
        assert_eq!(body["status"], "PERMISSION_DENIED");
        assert_eq!(body["errors"][0]["domain"], "usageLimits");
        assert_eq!(body["details"][1]["reason"], "SERVICE_DISABLED");
    }
    cloud.running.world.faults().clear(None);
    assert_eq!(cloud.vm("vm1").await.0, 200);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_clock_that_is_wrong_is_told_at_the_token_and_refused_at_the_api() {
    let cloud = Cloud::start().await;
    let grant = async || {
        let assertion = sign(&cloud.key, json!({"scope": "x"}));
        let form = format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}"
        );
        let request = cloud.http.post(format!("{}/token", cloud.running.url));
        let kind = "application/x-www-form-urlencoded";
        let answer = request.header("content-type", kind).body(form).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (_, minted) = grant().await;
    for ahead_s in [600, -3700] {
        cloud.arm("clock_skew", None, json!({"ahead_s": ahead_s}), None).await;
        let (status, body) = grant().await;
        assert_eq!((status, body["error"].as_str()), (400, Some("invalid_grant")));
        assert!(
            body["error_description"].as_str().unwrap().contains("reasonable timeframe"),
            "{body}"
        );
        let answer = cloud.get("/zones").await;
        assert_eq!(
            (answer.0, answer.1["error"]["status"].as_str()),
            (401, Some("UNAUTHENTICATED"))
        );
        // A token that Google gave out has Google's own time.
        let bearer = minted["access_token"].as_str().unwrap();
        let answer = cloud.http.get(cloud.url("/zones")).bearer_auth(bearer).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        cloud.running.world.faults().clear(None);
    }
    cloud.arm("clock_skew", None, json!({"ahead_s": 30}), None).await;
    assert_eq!(cloud.get("/zones").await.0, 200, "half a minute is nothing");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_can_say_that_it_failed_with_the_vm_there() {
    let cloud = Cloud::start().await;
    cloud.arm("operation_fails", Some("vm1"), json!({}), Some(1)).await;
    let op = cloud.finish(cloud.post(&cloud.zone("/instances"), spot("vm1", &[])).await).await;
    assert_eq!(op["error"]["errors"][0]["code"], "INTERNAL_ERROR");
    assert_eq!(op["httpErrorStatusCode"], 500);
    let (_, vm) = cloud.vm("vm1").await;
    assert_eq!(vm["status"], "RUNNING", "it is there");
    assert!(cloud.running.world.ledger().rows()[0].live(), "and bills");

    cloud.arm("operation_fails", Some("vm1"), json!({"operation": "delete"}), Some(1)).await;
    let op = cloud.delete("vm1").await;
    assert_eq!(op["error"]["errors"][0]["code"], "INTERNAL_ERROR");
    assert_eq!(cloud.vm("vm1").await.1["status"], "RUNNING", "nothing was deleted");
    cloud.arm("operation_fails", Some("vm1"), json!({"operation": "start"}), Some(1)).await;
    cloud.act("vm1", "stop", json!({})).await;
    let op = cloud.act("vm1", "start", json!({})).await;
    assert!(op.get("error").is_some(), "{op}");
    assert_eq!(cloud.vm("vm1").await.1["status"], "RUNNING");
    let (status, _) = cloud.call(Method::DELETE, &cloud.zone("/instances/vm1"), None).await;
    assert_eq!(status, 200);
    cloud.running.stop().await;
}
