//! What the service account may do, as Google's Resource Manager tells it: the one way to know that a
//! VM could be made without making one.

use std::time::Duration;

use domain::provider::{ErrorClass, ProviderError};
use domain::standby::PERMISSIONS;
use google_cloud_auth::credentials::{CacheableResource, Credentials};
use serde::{Deserialize, Serialize};

use super::error::failure;
use crate::message;

/// Google's address of the Resource Manager.
const ENDPOINT: &str = "https://cloudresourcemanager.googleapis.com";
const OPERATION: &str = "test permissions";
/// Longest time for an answer.
const WITHIN: Duration = Duration::from_secs(10);

/// The question and its answer have the same shape: the answer holds what is granted.
#[derive(Debug, Serialize, Deserialize)]
struct Permissions {
    #[serde(default)]
    permissions: Vec<String>,
}

/// Asks what a service account may do in its project.
#[derive(Debug, Clone)]
pub(super) struct PermissionTest {
    http: reqwest::Client,
    url: String,
    credentials: Credentials,
}

impl PermissionTest {
    /// Prepares the question; nothing is sent. `endpoint` is a sandbox's address, or none for Google's.
    pub(super) fn new(
        endpoint: Option<&str>,
        project: &str,
        credentials: Credentials,
    ) -> Result<Self, ProviderError> {
        let http = reqwest::Client::builder()
            .timeout(WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("dumont/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| failure(OPERATION, ErrorClass::Invalid, message::causes(&error)))?;
        let base = endpoint.unwrap_or(ENDPOINT).trim_end_matches('/');
        let url = format!("{base}/v1/projects/{project}:testIamPermissions");
        Ok(Self { http, url, credentials })
    }

    /// Those of [`PERMISSIONS`] that are not granted, in their order.
    ///
    /// # Errors
    /// Google does not tell, for example because that API is switched off in the project. That says
    /// nothing about the service account.
    pub(super) async fn lacking(&self) -> Result<Vec<&'static str>, ProviderError> {
        let untold = |words: String| failure(OPERATION, ErrorClass::Unexpected, words);
        let headers = match self.credentials.headers(http::Extensions::new()).await {
            Ok(CacheableResource::New { data, .. }) => data,
            Ok(CacheableResource::NotModified) => return Err(untold("no token was made".into())),
            Err(error) => return Err(untold(message::causes(&error))),
        };
        let wanted =
            Permissions { permissions: PERMISSIONS.iter().map(|&one| one.into()).collect() };
        let reply = self
            .http
            .post(&self.url)
            .headers(headers)
            .json(&wanted)
            .send()
            .await
            .map_err(|error| untold(message::causes(&error)))?;
        let status = reply.status();
        if !status.is_success() {
            return Err(untold(format!("answered with status {}", status.as_u16())));
        }
        let granted: Permissions =
            reply.json().await.map_err(|error| untold(message::causes(&error)))?;
        let has = |name: &str| granted.permissions.iter().any(|one| one == name);
        Ok(PERMISSIONS.iter().copied().filter(|name| !has(name)).collect())
    }
}
