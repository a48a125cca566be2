//! A sandbox that is stopped and started again.

use serde_json::json;

use crate::cloud::{Cloud, nat_ip, options, spot};

#[tokio::test(flavor = "multi_thread")]
async fn vms_operations_and_tokens_outlive_the_process() {
    let cloud = Cloud::start().await;
    cloud.insert(spot("up", &[])).await;
    cloud.insert(spot("down", &[])).await;
    let stop = cloud.act("down", "stop", json!({})).await;
    let Cloud { running, dir, .. } = cloud;
    running.stop().await;

    let again = options(dir.path());
    let cloud = Cloud::on(dir, again).await;
    let up = cloud.until("up", |_, vm| nat_ip(vm).is_some()).await;
    assert_eq!(up["status"], "RUNNING");
    assert_eq!(cloud.vm("down").await.1["status"], "TERMINATED");
    let path = cloud.zone(&format!("/operations/{}", stop["name"].as_str().unwrap()));
    assert_eq!(cloud.get(&path).await.1["status"], "DONE");
    let rows = cloud.running.world.ledger().rows();
    assert_eq!(rows.iter().filter(|row| row.live()).count(), 2);
    assert_eq!(rows.len(), 2, "{rows:?}");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_was_under_way_goes_on() {
    let slow = |options: &mut sandbox::Options| {
        options.profile = sandbox::profile::ProfileName::Typical;
        options.scale = 1.0;
    };
    let cloud = Cloud::start_with(slow).await;
    let (_, insert) = cloud.post(&cloud.zone("/instances"), spot("vm1", &[])).await;
    assert_eq!(insert["status"], "RUNNING");
    let Cloud { running, dir, .. } = cloud;
    running.stop().await;

    let quick = options(dir.path());
    let cloud = Cloud::on(dir, quick).await;
    let op = cloud.finish((200, insert)).await;
    assert!(op.get("error").is_none(), "{op}");
    assert_eq!(cloud.vm("vm1").await.1["status"], "RUNNING");
    assert_eq!(cloud.running.world.ledger().rows().len(), 1);
    cloud.running.stop().await;
}
