//! Google's own client library for Rust, used as the product uses it.

use std::time::Duration;

use google_cloud_auth::credentials::service_account;
use google_cloud_compute_v1::{
    client::{Instances, MachineTypes, ZoneOperations, Zones},
    model,
};
use google_cloud_gax::{
    exponential_backoff::ExponentialBackoffBuilder, options::RequestOptionsBuilder,
    paginator::ItemPaginator,
};
use google_cloud_lro::Poller;
use serde_json::json;

use crate::cloud::{Cloud, ZONE, spot};

struct Sdk<'a> {
    cloud: &'a Cloud,
    instances: Instances,
}

impl<'a> Sdk<'a> {
    async fn new(cloud: &'a Cloud) -> Self {
        let credentials = service_account::Builder::new(cloud.key.clone()).build().unwrap();
        let backoff = ExponentialBackoffBuilder::new()
            .with_initial_delay(Duration::from_millis(20))
            .with_maximum_delay(Duration::from_millis(200))
            .build()
            .unwrap();
        let instances = Instances::builder()
            .with_endpoint(cloud.running.url.clone())
            .with_credentials(credentials)
            .with_polling_backoff_policy(backoff)
            .build()
            .await
            .unwrap();
        Self { cloud, instances }
    }

    fn body(name: &str) -> model::Instance {
        serde_json::from_value(spot(name, &[("ssh-keys", "user:ssh-ed25519 AAAA user")])).unwrap()
    }

    async fn insert(&self, name: &str, request: uuid::Uuid) -> model::Operation {
        self.instances
            .insert()
            .set_project(&self.cloud.project)
            .set_zone(ZONE)
            .set_request_id(request.to_string())
            .set_body(Self::body(name))
            .with_idempotency(true)
            .poller()
            .until_done()
            .await
            .unwrap()
    }

    async fn get(&self, name: &str) -> Result<model::Instance, google_cloud_gax::error::Error> {
        let call = self.instances.get().set_project(&self.cloud.project).set_zone(ZONE);
        call.set_instance(name).send().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_drives_a_vm_through_its_life() {
    let cloud = Cloud::start().await;
    let sdk = Sdk::new(&cloud).await;
    let request = uuid::Uuid::new_v4();
    let op = sdk.insert("vm1", request).await;
    let name = op.name.clone();
    op.to_result().expect("the insert succeeded");
    let repeat = sdk.insert("vm1", request).await;
    assert_eq!(repeat.name, name, "the same request gives the same operation");

    let vm = sdk.get("vm1").await.unwrap();
    assert_eq!(vm.status, Some(model::instance::Status::Running));
    let access = &vm.network_interfaces[0].access_configs[0];
    assert!(access.nat_ip.as_deref().unwrap().starts_with("127.77."));
    assert!(vm.label_fingerprint.as_ref().is_some_and(|bytes| bytes.len() == 8));
    assert_eq!(
        vm.scheduling.as_ref().unwrap().provisioning_model,
        Some(model::scheduling::ProvisioningModel::Spot)
    );

    let labels = model::InstancesSetLabelsRequest::new()
        .set_labels([("role", "standby")])
        .set_label_fingerprint(vm.label_fingerprint.clone().unwrap());
    let call = sdk.instances.set_labels().set_project(&cloud.project).set_zone(ZONE);
    let op = call.set_instance("vm1").set_body(labels).poller().until_done().await.unwrap();
    op.to_result().unwrap();

    let call = sdk.instances.stop().set_project(&cloud.project).set_zone(ZONE);
    let op = call.set_instance("vm1").poller().until_done().await.unwrap();
    op.to_result().unwrap();
    let vm = sdk.get("vm1").await.unwrap();
    assert_eq!(vm.status, Some(model::instance::Status::Terminated));
    assert_eq!(vm.labels.get("role").map(String::as_str), Some("standby"));
    assert_eq!(vm.network_interfaces[0].access_configs[0].nat_ip, None);

    let call = sdk.instances.start().set_project(&cloud.project).set_zone(ZONE);
    let op = call.set_instance("vm1").poller().until_done().await.unwrap();
    op.to_result().unwrap();
    assert_eq!(sdk.get("vm1").await.unwrap().status, Some(model::instance::Status::Running));

    let call = sdk.instances.delete().set_project(&cloud.project).set_zone(ZONE);
    let op = call.set_instance("vm1").poller().until_done().await.unwrap();
    op.to_result().unwrap();
    let gone = sdk.get("vm1").await.unwrap_err();
    assert_eq!(gone.http_status_code(), Some(404));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_out_is_only_seen_in_the_result_of_the_operation() {
    let cloud = Cloud::start().await;
    let sdk = Sdk::new(&cloud).await;
    cloud.arm("zone_exhausted", None, json!({"with_details": true}), Some(1)).await;
    let op = sdk.insert("vm1", uuid::Uuid::new_v4()).await;
    assert_eq!(op.status, Some(model::operation::Status::Done));
    let failure = op.to_result().unwrap_err();
    let text = format!("{failure:?}");
    assert!(text.contains("ZONE_RESOURCE_POOL_EXHAUSTED"), "{text}");
    let gone = sdk.get("vm1").await.unwrap_err();
    assert_eq!(gone.http_status_code(), Some(404));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_ridden_out_by_the_client_s_own_retries() {
    let cloud = Cloud::start().await;
    let sdk = Sdk::new(&cloud).await;
    cloud.arm("gcp_api_down", None, json!({}), Some(1)).await;
    sdk.insert("vm1", uuid::Uuid::new_v4()).await.to_result().unwrap();
    cloud
        .arm("permission_denied", None, json!({"permission": "compute.instances.get"}), Some(1))
        .await;
    let refused = sdk.get("vm1").await.unwrap_err();
    assert_eq!(refused.http_status_code(), Some(403));
    cloud.arm("key_refused", None, json!({}), Some(1)).await;
    let refused = sdk.get("vm1").await.unwrap_err();
    assert_eq!(refused.http_status_code(), Some(401));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_services_of_the_client_read_their_lists() {
    let cloud = Cloud::start().await;
    let sdk = Sdk::new(&cloud).await;
    sdk.insert("vm1", uuid::Uuid::new_v4()).await.to_result().unwrap();
    let credentials = || service_account::Builder::new(cloud.key.clone()).build().unwrap();
    let endpoint = cloud.running.url.clone();

    let zones = Zones::builder().with_endpoint(endpoint.clone()).with_credentials(credentials());
    let zones = zones.build().await.unwrap();
    let list = zones.list().set_project(&cloud.project).send().await.unwrap();
    assert!(list.items.iter().any(|zone| zone.name.as_deref() == Some("us-central1-a")));

    let types =
        MachineTypes::builder().with_endpoint(endpoint.clone()).with_credentials(credentials());
    let types = types.build().await.unwrap();
    let call = types.get().set_project(&cloud.project).set_zone(ZONE);
    let medium = call.set_machine_type("e2-medium").send().await.unwrap();
    assert_eq!((medium.guest_cpus, medium.memory_mb), (Some(2), Some(4096)));

    let operations =
        ZoneOperations::builder().with_endpoint(endpoint).with_credentials(credentials());
    let operations = operations.build().await.unwrap();
    let list = operations
        .list()
        .set_project(&cloud.project)
        .set_zone(ZONE)
        .set_filter(r#"operationType="insert""#)
        .send()
        .await
        .unwrap();
    assert_eq!(list.items.len(), 1);

    let everything =
        sdk.instances.aggregated_list().set_project(&cloud.project).send().await.unwrap();
    let scope = &everything.items[&format!("zones/{ZONE}")];
    assert_eq!(scope.instances.len(), 1);
    let mut paged = sdk
        .instances
        .list()
        .set_project(&cloud.project)
        .set_zone(ZONE)
        .set_max_results(1_u32)
        .by_item();
    assert_eq!(paged.next().await.unwrap().unwrap().name.as_deref(), Some("vm1"));
    assert!(paged.next().await.is_none());
    cloud.running.stop().await;
}
