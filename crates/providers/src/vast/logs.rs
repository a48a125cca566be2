//! The container's log. Vast writes it to a file store and says where; the file comes a little later.

use std::time::Duration;

use domain::id::GpuId;
use domain::provider::{ErrorClass, ProviderError};
use reqwest::{Method, Url};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::client::{Call, VastClient, failure, unexpected};
use super::endpoint::Endpoint;
use super::row::Row;

const OPERATION: &str = "request logs";
/// Lines asked for.
const TAIL: &str = "1000";
/// Longest wait for the file.
const PATIENCE: Duration = Duration::from_secs(15);
/// Most of the file that is read, bytes.
const LARGEST: usize = 1024 * 1024;

impl VastClient {
    /// The last lines of the container's log.
    ///
    /// # Errors
    /// `NotFound` when there is no such instance; `Transient` when the file does not appear.
    pub async fn logs(&self, id: GpuId) -> Result<String, ProviderError> {
        let path = format!("/api/v0/instances/request_logs/{id}/");
        let call =
            Call::new(OPERATION, Endpoint::Logs, Method::PUT, path).body(json!({"tail": TAIL}));
        let reply = self.ask(&call).await?;
        let url = Row(&reply)
            .text("result_url")
            .and_then(|url| Url::parse(&url).ok())
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| unexpected(OPERATION, "the reply does not say where the log is"))?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(Some(text)) = timeout(PATIENCE, self.fetch(url.clone())).await {
                return Ok(text);
            }
            sleep(Duration::from_millis(300)).await;
        }
        Err(failure(OPERATION, ErrorClass::Transient, "the log did not appear in time".into()))
    }

    /// The file, without the key: the store is not Vast's API. `None` while it is not there.
    async fn fetch(&self, url: Url) -> Option<String> {
        let mut response = self.http().get(url).send().await.ok()?;
        if response.status().as_u16() != 200 {
            return None;
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.ok()? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                break;
            }
        }
        body.truncate(LARGEST);
        Some(String::from_utf8_lossy(&body).into_owned())
    }
}
