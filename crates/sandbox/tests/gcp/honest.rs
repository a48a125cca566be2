//! What is not played is refused in Compute's own shape, never as if a VM were gone.

use reqwest::Method;

use crate::cloud::{Cloud, ZONE, spot};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_not_played_says_so_and_never_that_something_is_gone() {
    let cloud = Cloud::start().await;
    cloud.insert(spot("vm1", &[])).await;
    let vm = format!("/zones/{ZONE}/instances/vm1");
    for (method, path) in [
        (Method::POST, format!("{vm}/suspend")),
        (Method::GET, format!("{vm}/guestAttributes")),
        (Method::PATCH, vm.clone()),
        (Method::PUT, "/zones".to_owned()),
        (Method::GET, "/global/snapshots".to_owned()),
        (Method::GET, format!("/zones/{ZONE}/disks/vm1")),
    ] {
        let (status, body) = cloud.call(method.clone(), &path, None).await;
        assert_eq!(status, 501, "{method} {path}: {body}");
        assert_eq!(body["error"]["status"], "UNIMPLEMENTED", "{method} {path}: {body}");
        assert_eq!(body["error"]["errors"][0]["reason"], "notImplemented", "{method} {path}");
    }
    for path in ["/compute/beta/projects/p/zones", "/compute/v1/nothing", "/v1/services"] {
        let url = format!("{}{path}", cloud.running.url);
        let answer = cloud.http.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 501, "{path}");
    }
    assert_eq!(cloud.vm("vm1").await.0, 200);
    cloud.running.stop().await;
}
