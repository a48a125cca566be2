//! Provider credentials: tried live before they are kept, sealed at rest, never shown again.

use domain::id::UserId;
use domain::pricing;
use domain::provider::{ErrorClass, Provider, ProviderError};
use domain::view::Time;
use domain::view::settings::{SecretState, SecretStatus};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize as _;
use serde_json::{Value, json};
use store::{Credential, CredentialKind, CredentialStatus, NewCredential, StoreError};

use super::owner;
use crate::{Dumont, Fault};

/// What a credential may be shown by, once its provider has taken it.
#[derive(Debug)]
pub struct Tried {
    kind: CredentialKind,
    secret: SecretString,
    hint: Value,
    /// Whose it is at the provider: the account's number, the project's name.
    owner: Option<String>,
}

impl Tried {
    pub(super) const fn kind(&self) -> CredentialKind {
        self.kind
    }

    pub(super) fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }
}

/// Tries a Vast.ai key.
///
/// # Errors
/// Empty, refused by Vast.ai, or Vast.ai does not answer.
pub async fn try_vast(dumont: &Dumont, key: &str) -> Result<Tried, Fault> {
    let key = key.trim();
    if key.is_empty() || key.len() > 512 || key.chars().any(|c| c.is_control() || c.is_whitespace())
    {
        return Err(Fault::field("vast_api_key", "not_a_key", "must be one key without spaces"));
    }
    let secret = SecretString::from(key.to_owned());
    let account = dumont.engine.check_vast(&secret).await?;
    let owner = account.id.map(|id| id.to_string());
    let hint = json!({ "last4": last4(key), "account": account.email, "owner": owner });
    Ok(Tried { kind: CredentialKind::VastApiKey, secret, hint, owner })
}

/// Tries a service-account key: its shape first, then all that a standby needs.
///
/// # Errors
/// Not a service-account key, refused by Google, or Google does not answer.
pub async fn try_gcp(dumont: &Dumont, text: &str) -> Result<Tried, Fault> {
    let key_id = service_account_key_id(text)?;
    let secret = SecretString::from(text.to_owned());
    let account = dumont.engine.check_gcp(&secret).await?;
    let hint = json!({
        "last4": last4(&key_id), "account": account.project, "email": account.email,
        "zones": account.zones,
    });
    let owner = Some(account.project);
    Ok(Tried { kind: CredentialKind::GcpServiceAccount, secret, hint, owner })
}

/// Keeps what was tried.
///
/// # Errors
/// It is of another account than what Dumont still has to do with; the database.
pub async fn keep(dumont: &Dumont, user: &UserId, tried: &Tried) -> Result<(), Fault> {
    owner::check(dumont, user, tried).await?;
    let now = dumont.now();
    let new = NewCredential {
        kind: tried.kind,
        secret: &tried.secret,
        hint: tried.hint.clone(),
        status: CredentialStatus::Ok,
        status_word: None,
        checked_at: Some(now),
    };
    dumont.store.credentials().put(user, &new, now).await?;
    changed(dumont, user).await;
    Ok(())
}

/// Forgets a credential; nothing happens where there is none.
///
/// # Errors
/// The database.
pub async fn remove(dumont: &Dumont, user: &UserId, kind: CredentialKind) -> Result<(), Fault> {
    match dumont.store.credentials().delete(user, kind).await {
        Ok(()) => changed(dumont, user).await,
        Err(StoreError::NotFound(_)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

pub(super) async fn changed(dumont: &Dumont, user: &UserId) {
    dumont.engine.credentials_changed(user);
    dumont.doorbell(user, "settings", "credentials").await;
}

/// A stored credential without its value.
///
/// # Errors
/// The database.
pub async fn status(
    dumont: &Dumont,
    user: &UserId,
    kind: CredentialKind,
) -> Result<SecretStatus, Fault> {
    let found = dumont.store.credentials().describe(user, kind).await?;
    Ok(found.as_ref().map_or_else(SecretStatus::missing, view))
}

/// Zones that a standby can be put in: those that the stored service account's project has and whose
/// prices are known, else all of which that is known.
///
/// # Errors
/// The database.
pub async fn zones(dumont: &Dumont, user: &UserId) -> Result<Vec<String>, Fault> {
    let kind = CredentialKind::GcpServiceAccount;
    let stored = dumont.store.credentials().describe(user, kind).await?;
    let own = stored.and_then(|stored| Vec::<String>::deserialize(stored.hint.get("zones")?).ok());
    let mut zones = own.unwrap_or_default();
    zones.retain(|zone| pricing::knows(zone));
    if zones.is_empty() {
        zones.extend(pricing::ZONES.iter().map(|&zone| zone.to_owned()));
    }
    Ok(zones)
}

/// Names of the credentials that are missing or refused, as the settings spell them.
///
/// # Errors
/// The database.
pub async fn lacking(dumont: &Dumont, user: &UserId) -> Result<Vec<String>, Fault> {
    let stored = dumont.store.credentials().list(user).await?;
    let works =
        |kind| stored.iter().any(|one| one.kind == kind && one.status != CredentialStatus::Refused);
    let wanted = [
        (CredentialKind::VastApiKey, "vast_api_key"),
        (CredentialKind::GcpServiceAccount, "gcp_credentials"),
    ];
    Ok(wanted
        .into_iter()
        .filter(|(kind, _)| !works(*kind))
        .map(|(_, name)| name.to_owned())
        .collect())
}

/// Makes sure that the stored service account works now, and notes what Google said.
///
/// # Errors
/// None stored, refused, or Google does not answer.
pub async fn require_gcp(dumont: &Dumont, user: &UserId) -> Result<(), Fault> {
    let kind = CredentialKind::GcpServiceAccount;
    let Some(secret) = dumont.store.credentials().secret(user, kind).await? else {
        return Err(Fault::missing(Provider::Gcp));
    };
    let outcome = dumont.engine.check_gcp(&secret).await;
    note(dumont, user, kind, outcome.as_ref().err()).await?;
    outcome?;
    Ok(())
}

/// Tries every service account that Google refused, and notes those that it takes again. A Vast.ai
/// key needs no such trial: each list tries it.
///
/// # Errors
/// The database.
pub async fn try_refused(dumont: &Dumont) -> Result<(), Fault> {
    let kind = CredentialKind::GcpServiceAccount;
    for user in dumont.store.credentials().holders(kind).await? {
        let stored = dumont.store.credentials().describe(&user, kind).await?;
        if stored.is_none_or(|stored| stored.status != CredentialStatus::Refused) {
            continue;
        }
        match require_gcp(dumont, &user).await {
            Ok(()) => {
                tracing::info!(%user, "Google takes the service account again");
                dumont.doorbell(&user, "settings", "credentials").await;
            }
            Err(error) => tracing::debug!(%user, %error, "the service account is still refused"),
        }
    }
    Ok(())
}

async fn note(
    dumont: &Dumont,
    user: &UserId,
    kind: CredentialKind,
    error: Option<&ProviderError>,
) -> Result<(), Fault> {
    let credentials = dumont.store.credentials();
    let now = dumont.now();
    // A change is told to the user; then the newest word and time are kept.
    let (status, word) = match error {
        None => {
            credentials.restore(user, kind, now).await?;
            (CredentialStatus::Ok, None)
        }
        Some(error) if error.class == ErrorClass::Auth => {
            credentials.refuse(user, kind, &error.message, now, dumont.site.sandbox).await?;
            (CredentialStatus::Refused, Some(error.message.as_str()))
        }
        // No answer says nothing about the credential.
        Some(_) => return Ok(()),
    };
    Ok(credentials.mark(user, kind, status, word, now).await?)
}

fn view(stored: &Credential) -> SecretStatus {
    let text = |key: &str| stored.hint.get(key).and_then(Value::as_str).map(str::to_owned);
    SecretStatus {
        is_set: true,
        last4: text("last4"),
        checked_at: stored.checked_at.map(Time),
        status: match stored.status {
            CredentialStatus::Ok => SecretState::Ok,
            CredentialStatus::Refused => SecretState::Refused,
            CredentialStatus::Unchecked => SecretState::Unchecked,
        },
        message: stored.status_word.clone(),
        account: text("account"),
        from_environment: text("source").as_deref() == Some("environment"),
    }
}

/// The id of the key in a service-account file.
fn service_account_key_id(text: &str) -> Result<String, Fault> {
    let wrong = |message: &str| Fault::field("gcp_credentials", "not_a_service_account", message);
    let file: Value = serde_json::from_str(text)
        .map_err(|_| wrong("must be the JSON file of a service-account key"))?;
    let field =
        |name: &str| file.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
    if field("type") != Some("service_account") {
        return Err(wrong("must be a service-account key (\"type\": \"service_account\")"));
    }
    for name in ["project_id", "private_key", "client_email"] {
        if field(name).is_none() {
            return Err(wrong(&format!("has no {name}")));
        }
    }
    Ok(field("private_key_id").unwrap_or_default().to_owned())
}

fn last4(text: &str) -> Option<String> {
    let count = text.chars().count();
    // A short value would be shown whole.
    (count >= 12).then(|| text.chars().skip(count - 4).collect())
}

impl Tried {
    /// Marks it as read from the environment of a single-user install.
    #[must_use]
    pub fn from_environment(mut self) -> Self {
        if let Some(hint) = self.hint.as_object_mut() {
            hint.insert("source".into(), "environment".into());
        }
        self
    }

    /// Whether this is the secret that was tried.
    #[must_use]
    pub fn is(&self, other: &SecretString) -> bool {
        self.secret.expose_secret() == other.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_service_account_key_says_what_it_lacks() {
        let word =
            |text: &str| service_account_key_id(text).expect_err("refused").problem("r").detail;
        assert!(word("{").contains("JSON"));
        assert!(word(r#"{"type":"authorized_user"}"#).contains("service-account"));
        let half = r#"{"type":"service_account","project_id":"p","private_key":"hush"}"#;
        assert!(word(half).contains("client_email"));
        assert!(!word(half).contains("hush"));
    }

    #[test]
    fn the_end_of_a_short_secret_is_not_shown() {
        assert_eq!(last4("abcdefgh"), None);
        assert_eq!(last4("abcdefghijkl").as_deref(), Some("ijkl"));
    }
}
