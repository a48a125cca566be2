//! What is simply there: regions, networks, images, disk types.

use serde_json::{Value, json};

use crate::cloud::{Cloud, ZONE, spot};

fn reason(body: &Value) -> &str {
    body["error"]["errors"][0]["reason"].as_str().unwrap_or_default()
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item["name"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_name_their_zones_and_what_is_used_in_them() {
    let cloud = Cloud::start().await;
    cloud.insert(spot("vm1", &[])).await;
    let (_, list) = cloud.get("/regions").await;
    assert_eq!(list["kind"], "compute#regionList");
    assert!(names(&list).contains(&"southamerica-east1"), "{list}");
    let (status, region) = cloud.get("/regions/europe-west1").await;
    assert_eq!(status, 200);
    let zones = region["zones"].as_array().unwrap();
    assert!(zones.iter().any(|zone| zone.as_str().unwrap().ends_with(ZONE)), "{region}");
    let quota = |metric: &str| {
        let quotas = region["quotas"].as_array().unwrap();
        quotas.iter().find(|quota| quota["metric"] == metric).unwrap()["usage"].clone()
    };
    assert_eq!((quota("CPUS"), quota("INSTANCES")), (json!(2), json!(1)));
    let (status, body) = cloud.get("/regions/mars-1").await;
    assert_eq!((status, reason(&body)), (404, "notFound"));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_is_in_the_subnetwork_of_its_region() {
    let cloud = Cloud::start().await;
    let (_, list) = cloud.get("/global/networks").await;
    assert_eq!(names(&list), ["default"]);
    assert_eq!(cloud.get("/global/networks/other").await.0, 404);
    let (_, parts) = cloud.get("/aggregated/subnetworks").await;
    let scope = &parts["items"]["regions/europe-west1"]["subnetworks"][0];
    let (_, subnetwork) = cloud.get("/regions/europe-west1/subnetworks/default").await;
    assert_eq!(scope["selfLink"], subnetwork["selfLink"]);
    let cidr = subnetwork["ipCidrRange"].as_str().unwrap();
    let mut body = spot("vm1", &[]);
    body["networkInterfaces"][0] =
        json!({"subnetwork": "regions/europe-west1/subnetworks/default"});
    let vm = cloud.insert(body).await;
    let nic = &vm["networkInterfaces"][0];
    assert_eq!(nic["subnetwork"], subnetwork["selfLink"]);
    let prefix = cidr.rsplit_once('.').unwrap().0.rsplit_once('.').unwrap().0;
    assert!(nic["networkIP"].as_str().unwrap().starts_with(prefix), "{nic} in {cidr}");

    for (field, value) in [
        ("subnetwork", "regions/us-central1/subnetworks/default"),
        ("subnetwork", "regions/europe-west1/subnetworks/mine"),
        ("network", "global/networks/mine"),
    ] {
        let mut body = spot("vm2", &[]);
        body["networkInterfaces"][0] = json!({ field: value });
        let (status, body) = cloud.post(&cloud.zone("/instances"), body).await;
        assert_eq!((status, reason(&body)), (400, "invalid"), "{value}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains(field) && message.contains("cannot be found"), "{message}");
    }
    assert_eq!(cloud.vm("vm2").await.0, 404);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_disk_is_made_from_an_image_that_is_there() {
    let cloud = Cloud::start().await;
    let public = |path: &str| {
        let url = format!("{}/compute/v1/projects/{path}", cloud.running.url);
        let request = cloud.http.get(url).bearer_auth(cloud.token());
        async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        }
    };
    let family = "ubuntu-os-cloud/global/images/family/ubuntu-2204-lts";
    let (status, image) = public(family).await;
    assert_eq!(
        (status, &image["family"], &image["status"]),
        (200, &json!("ubuntu-2204-lts"), &json!("READY"))
    );
    let name = image["name"].as_str().unwrap();
    assert_eq!(public(&format!("ubuntu-os-cloud/global/images/{name}")).await.1, image);
    let (_, view) = public("ubuntu-os-cloud/zones/-/imageFamilyViews/ubuntu-2204-lts").await;
    assert_eq!(view["image"], image);
    assert!(names(&public("debian-cloud/global/images").await.1).len() > 1);
    let (status, body) = public("ubuntu-os-cloud/global/images/family/ubuntu-1204-lts").await;
    assert_eq!((status, reason(&body)), (404, "notFound"));
    let (status, body) = public("nobody/global/images").await;
    assert_eq!((status, reason(&body)), (403, "forbidden"));

    let mut body = spot("vm1", &[]);
    body["disks"][0]["initializeParams"]["sourceImage"] = image["selfLink"].clone();
    cloud.insert(body).await;
    for missing in
        ["projects/ubuntu-os-cloud/global/images/family/ubuntu-1204-lts", "ubuntu-2204-lts"]
    {
        let mut body = spot("vm2", &[]);
        body["disks"][0]["initializeParams"]["sourceImage"] = missing.into();
        let (status, body) = cloud.post(&cloud.zone("/instances"), body).await;
        assert_eq!((status, reason(&body)), (400, "invalid"));
        assert_eq!(
            body["error"]["message"],
            format!(
                "Invalid value for field 'resource.disks[0].initializeParams.sourceImage': '{missing}'. The referenced image resource cannot be found."
            )
        );
    }
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disk_types_are_sold_and_accelerators_are_not() {
    let cloud = Cloud::start().await;
    let (_, list) = cloud.get(&cloud.zone("/diskTypes")).await;
    assert_eq!(names(&list), ["pd-balanced", "pd-ssd", "pd-standard"]);
    let (_, ssd) = cloud.get(&cloud.zone("/diskTypes/pd-ssd")).await;
    assert_eq!(ssd["selfLink"], list["items"][1]["selfLink"]);
    assert_eq!(cloud.get(&cloud.zone("/diskTypes/pd-extreme")).await.0, 404);
    let (_, everywhere) = cloud.get("/aggregated/diskTypes").await;
    let here = &everywhere["items"][format!("zones/{ZONE}")]["diskTypes"];
    assert_eq!(here.as_array().unwrap().len(), 3);

    let (_, none) = cloud.get(&cloud.zone("/acceleratorTypes")).await;
    assert!(none.get("items").is_none(), "{none}");
    let mut body = spot("vm1", &[]);
    body["guestAccelerators"] = json!([{
        "acceleratorType": format!("zones/{ZONE}/acceleratorTypes/nvidia-tesla-t4"), "acceleratorCount": 1,
    }]);
    let (status, body) = cloud.post(&cloud.zone("/instances"), body).await;
    assert_eq!((status, reason(&body)), (404, "notFound"));
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.contains("acceleratorTypes/nvidia-tesla-t4' was not found"), "{message}");
    assert_eq!(cloud.vm("vm1").await.0, 404);
    cloud.running.stop().await;
}
