//! The settings page: credentials, language and look.

use domain::id::UserId;
use domain::view::configure::StandbyConfig;
use domain::view::settings::{Settings, SettingsUpdate};
use serde_json::Value;
use store::CredentialKind;

use super::{confirm, credentials};
use crate::http::identity::Identity;
use crate::{Dumont, Fault};

/// Languages that the interface is written in.
pub const LOCALES: &[&str] = &["pt-BR", "en"];
/// Looks that the interface has.
pub const THEMES: &[&str] = &["light", "dark"];

/// What is saved, without any secret.
///
/// # Errors
/// The database.
pub async fn get(dumont: &Dumont, user: &UserId) -> Result<Settings, Fault> {
    let account = dumont.store.users().get(user).await?;
    let chosen = dumont.store.settings().get(user).await?;
    Ok(Settings {
        vast_api_key: credentials::status(dumont, user, CredentialKind::VastApiKey).await?,
        gcp_credentials: credentials::status(dumont, user, CredentialKind::GcpServiceAccount)
            .await?,
        locale: account.locale,
        theme: account.theme,
        standby: StandbyConfig::from(&chosen),
        gcp_zones: credentials::zones(dumont, user).await?,
    })
}

/// The names of the fields that an update changes, for the audit log; never what is in them.
#[must_use]
pub fn subject(asked: &SettingsUpdate) -> String {
    let named = [
        ("vast_api_key", asked.vast_api_key.is_some()),
        ("gcp_credentials", asked.gcp_credentials.is_some()),
        ("locale", asked.locale.is_some()),
        ("theme", asked.theme.is_some()),
    ];
    let names: Vec<&str> =
        named.into_iter().filter_map(|(name, changed)| changed.then_some(name)).collect();
    names.join(", ")
}

/// Saves what is given, for someone who is logged in: to put other provider keys in the place of
/// these, or take them away, needs a confirmation.
///
/// # Errors
/// As [`put`], and a credential that was not confirmed.
pub async fn change(
    dumont: &Dumont,
    who: &Identity,
    asked: SettingsUpdate,
) -> Result<Settings, Fault> {
    if asked.vast_api_key.is_some() || asked.gcp_credentials.is_some() {
        confirm::require(dumont, who)?;
    }
    put(dumont, &who.user, asked).await
}

/// Saves what is given. Everything is checked and every credential tried before anything is kept.
///
/// # Errors
/// Fields that can't be accepted, or a credential that its provider does not take.
pub async fn put(dumont: &Dumont, user: &UserId, asked: SettingsUpdate) -> Result<Settings, Fault> {
    one_of("locale", asked.locale.as_ref(), LOCALES)?;
    one_of("theme", asked.theme.as_ref(), THEMES)?;
    let vast = match asked.vast_api_key.as_ref() {
        Some(Some(key)) => Some(credentials::try_vast(dumont, key).await?),
        _ => None,
    };
    let gcp = match asked.gcp_credentials.as_ref() {
        Some(Some(Value::String(text))) => Some(credentials::try_gcp(dumont, text).await?),
        Some(Some(file)) => Some(credentials::try_gcp(dumont, &file.to_string()).await?),
        _ => None,
    };
    for tried in vast.iter().chain(gcp.iter()) {
        credentials::keep(dumont, user, tried).await?;
    }
    if asked.vast_api_key == Some(None) {
        credentials::remove(dumont, user, CredentialKind::VastApiKey).await?;
    }
    if asked.gcp_credentials == Some(None) {
        credentials::remove(dumont, user, CredentialKind::GcpServiceAccount).await?;
    }
    if let Some(locale) = &asked.locale {
        dumont.store.users().set_locale(user, locale.as_deref()).await?;
    }
    if let Some(theme) = &asked.theme {
        dumont.store.users().set_theme(user, theme.as_deref()).await?;
    }
    get(dumont, user).await
}

fn one_of(field: &str, value: Option<&Option<String>>, known: &[&str]) -> Result<(), Fault> {
    match value {
        Some(Some(word)) if !known.contains(&word.as_str()) => {
            Err(Fault::field(field, "unknown", format!("must be one of {}", known.join(", "))))
        }
        _ => Ok(()),
    }
}
