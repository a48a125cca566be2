//! Credentials from the environment of a single-user install.
//!
//! `VAST_API_KEY` and `GOOGLE_APPLICATION_CREDENTIALS` are taken for the only account when it has
//! stored none of its own: tried, sealed and kept like any other, marked with where they came from.
//! With several accounts they belong to nobody.

use std::path::PathBuf;

use domain::id::UserId;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use store::CredentialKind;

use super::credentials::{self, Tried};
use crate::{Dumont, Fault};

/// What the environment holds.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Vast.ai key.
    pub vast_api_key: Option<SecretString>,
    /// Service-account file.
    pub gcp_file: Option<PathBuf>,
}

/// Takes what the environment holds for the only account. A credential that its provider does not
/// take is logged and left out; the settings page says what is missing.
///
/// # Errors
/// The database.
pub async fn adopt(dumont: &Dumont, held: &Environment) -> Result<(), Fault> {
    let users = dumont.store.users().all().await?;
    let [only] = users.as_slice() else { return Ok(()) };
    if let Some(key) = &held.vast_api_key
        && wanted(dumont, &only.id, CredentialKind::VastApiKey, key).await?
    {
        keep(
            dumont,
            &only.id,
            "VAST_API_KEY",
            credentials::try_vast(dumont, key.expose_secret()).await,
        )
        .await?;
    }
    if let Some(path) = &held.gcp_file {
        match tokio::fs::read_to_string(path).await {
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "GOOGLE_APPLICATION_CREDENTIALS can't be read")
            }
            Ok(text) => {
                let secret = SecretString::from(text);
                if wanted(dumont, &only.id, CredentialKind::GcpServiceAccount, &secret).await? {
                    let tried = credentials::try_gcp(dumont, secret.expose_secret()).await;
                    keep(dumont, &only.id, "GOOGLE_APPLICATION_CREDENTIALS", tried).await?;
                }
            }
        }
    }
    Ok(())
}

/// Whether the account has none of its own, or an older one from the environment.
async fn wanted(
    dumont: &Dumont,
    user: &UserId,
    kind: CredentialKind,
    held: &SecretString,
) -> Result<bool, Fault> {
    let Some(stored) = dumont.store.credentials().describe(user, kind).await? else {
        return Ok(true);
    };
    if stored.hint.get("source").and_then(Value::as_str) != Some("environment") {
        return Ok(false);
    }
    let kept = dumont.store.credentials().secret(user, kind).await?;
    Ok(kept.is_none_or(|kept| kept.expose_secret().trim() != held.expose_secret().trim()))
}

async fn keep(
    dumont: &Dumont,
    user: &UserId,
    variable: &str,
    tried: Result<Tried, Fault>,
) -> Result<(), Fault> {
    match tried {
        Ok(tried) => credentials::keep(dumont, user, &tried.from_environment()).await,
        Err(fault) => {
            tracing::warn!(variable, error = %fault, "credential of the environment not taken");
            Ok(())
        }
    }
}
