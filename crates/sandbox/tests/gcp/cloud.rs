//! A sandbox in this process, and a caller that signs its own tokens.

use std::{
    path::Path,
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use rsa::{
    PrivateKey,
    pkcs1v15::SigningKey,
    pkcs8::DecodePrivateKey,
    sha2::Sha256,
    signature::{SignatureEncoding, Signer},
};
use sandbox::{HostEvent, Options, ProviderSays, Running, Sandbox, gcp::Gcp};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take before a test gives up.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// The zone that tests use.
pub(crate) const ZONE: &str = "europe-west1-b";

static RING: LazyLock<()> = LazyLock::new(|| {
    // Another test of this binary may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
});

/// A running sandbox with its first account.
pub(crate) struct Cloud {
    pub(crate) running: Running,
    pub(crate) project: String,
    pub(crate) key: Value,
    pub(crate) http: reqwest::Client,
    pub(crate) dir: TempDir,
}

pub(crate) fn options(dir: &Path) -> Options {
    let mut options = Options::in_dir(dir.join("data"));
    options.host_program = Some(env!("CARGO_BIN_EXE_dumont-sandbox").into());
    options
}

impl Cloud {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = options(dir.path());
        change(&mut options);
        Self::on(dir, options).await
    }

    pub(crate) async fn on(dir: TempDir, options: Options) -> Self {
        LazyLock::force(&RING);
        let running = Sandbox::start(options).await.expect("the sandbox starts");
        let key = running.credentials.gcp_service_account.clone();
        let project = key["project_id"].as_str().unwrap().to_owned();
        Self { running, project, key, http: reqwest::Client::new(), dir }
    }

    /// A token as the Rust and Python clients sign it, valid for an hour.
    pub(crate) fn token(&self) -> String {
        sign(&self.key, json!({"scope": "https://www.googleapis.com/auth/cloud-platform"}))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/compute/v1/projects/{}{path}", self.running.url, self.project)
    }

    pub(crate) fn zone(&self, path: &str) -> String {
        format!("/zones/{ZONE}{path}")
    }

    /// One call; gives the status and the JSON.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let mut request = self.http.request(method, self.url(path)).bearer_auth(self.token());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Makes a call that starts an operation, and waits for its end.
    pub(crate) async fn finish(&self, answer: (u16, Value)) -> Value {
        let (status, op) = answer;
        assert_eq!(status, 200, "{op}");
        let name = op["name"].as_str().unwrap();
        let path = self.zone(&format!("/operations/{name}/wait"));
        let (status, op) = self.post(&path, json!({})).await;
        assert_eq!((status, op["status"].as_str()), (200, Some("DONE")), "{op}");
        op
    }

    /// Makes a VM and waits until it is RUNNING.
    pub(crate) async fn insert(&self, body: Value) -> Value {
        let name = body["name"].as_str().unwrap().to_owned();
        let op = self.finish(self.post(&self.zone("/instances"), body).await).await;
        assert!(op.get("error").is_none(), "{op}");
        self.vm(&name).await.1
    }

    pub(crate) async fn vm(&self, name: &str) -> (u16, Value) {
        self.get(&self.zone(&format!("/instances/{name}"))).await
    }

    /// Calls a verb of a VM and waits for its end.
    pub(crate) async fn act(&self, name: &str, verb: &str, body: Value) -> Value {
        let path = self.zone(&format!("/instances/{name}/{verb}"));
        self.finish(self.post(&path, body).await).await
    }

    pub(crate) async fn delete(&self, name: &str) -> Value {
        let path = self.zone(&format!("/instances/{name}"));
        self.finish(self.call(Method::DELETE, &path, None).await).await
    }

    /// Looks at a VM until it is as wanted.
    pub(crate) async fn until(&self, name: &str, wanted: impl Fn(u16, &Value) -> bool) -> Value {
        let mut last = Value::Null;
        let found = tokio::time::timeout(DEADLINE, async {
            loop {
                let (status, vm) = self.vm(name).await;
                if wanted(status, &vm) {
                    return vm;
                }
                last = vm;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("{name} never became as wanted: {last}"))
    }

    /// Arms a fault, as the admin API does; one that acts at once does.
    pub(crate) async fn arm(
        &self,
        fault: &str,
        target: Option<&str>,
        params: Value,
        count: Option<u32>,
    ) {
        let world = &self.running.world;
        let name = fault.parse().unwrap();
        let target = target.map(str::to_owned);
        let armed = world.faults().arm(name, target, params, count, world.now_ms());
        Gcp::on_fault(world, &armed).await;
    }

    /// Pulls a host's plug, as the admin API does.
    pub(crate) async fn kill(&self, name: &str, says: ProviderSays) {
        let world = &self.running.world;
        let row = world.gcp().rows(world).into_iter().find(|row| row.id == name).unwrap();
        world.hosts().kill(&row.host).await.unwrap();
        Gcp::on_host(world, name, HostEvent::Killed(says)).await;
    }

    /// Makes another account; gives its service-account key.
    pub(crate) async fn stranger(&self) -> Value {
        let world = self.running.world.clone();
        let make = move || world.accounts().create(None, 0, world.url()).unwrap().1;
        tokio::task::spawn_blocking(make).await.unwrap().gcp_service_account
    }
}

/// Signs claims with a service-account key.
pub(crate) fn sign(key: &Value, extra: Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut claims = json!({
        "iss": key["client_email"], "sub": key["client_email"], "iat": now - 10, "exp": now + 3590,
    });
    for (name, value) in extra.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": key["private_key_id"]});
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&header), encode(&claims));
    let private = PrivateKey::from_pkcs8_pem(key["private_key"].as_str().unwrap()).unwrap();
    let signature = SigningKey::<Sha256>::new(private).sign(signed.as_bytes()).to_vec();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The body of a Spot VM with these metadata.
pub(crate) fn spot(name: &str, metadata: &[(&str, &str)]) -> Value {
    let items: Vec<Value> =
        metadata.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    json!({
        "name": name,
        "machineType": format!("zones/{ZONE}/machineTypes/e2-medium"),
        "disks": [{"boot": true, "autoDelete": true, "initializeParams": {
            "sourceImage": "projects/ubuntu-os-cloud/global/images/family/ubuntu-2204-lts",
            "diskType": format!("zones/{ZONE}/diskTypes/pd-standard"), "diskSizeGb": "100"}}],
        "networkInterfaces": [{"network": "global/networks/default",
            "accessConfigs": [{"name": "External NAT", "type": "ONE_TO_ONE_NAT"}]}],
        "metadata": {"items": items},
        "labels": {"managed-by": "test"},
        "scheduling": {"provisioningModel": "SPOT", "instanceTerminationAction": "STOP",
            "onHostMaintenance": "TERMINATE", "automaticRestart": false},
    })
}

pub(crate) fn nat_ip(vm: &Value) -> Option<&str> {
    vm["networkInterfaces"][0]["accessConfigs"][0]["natIP"].as_str()
}
