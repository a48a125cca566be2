//! Settings and credentials. A secret goes in and never comes out.

use serde::{Deserialize, Serialize};

use super::{Time, configure::StandbyConfig, present};

crate::text_enum! {
    /// What is known of a stored credential.
    pub enum SecretState ("secret state") {
        /// None is stored.
        Missing = "missing",
        /// The provider took it at `checked_at`.
        Ok = "ok",
        /// The provider refused it.
        Refused = "refused",
        /// Stored, but the provider has not answered yet.
        Unchecked = "unchecked",
    }
}

/// A stored credential, described without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecretStatus {
    /// Whether one is stored.
    pub is_set: bool,
    /// The last four characters of a key, or of a key's id.
    pub last4: Option<String>,
    /// When the provider was last asked about it.
    pub checked_at: Option<Time>,
    /// What the provider said.
    pub status: SecretState,
    /// The provider's words when it refused.
    pub message: Option<String>,
    /// The account or project behind it, as the provider named it.
    pub account: Option<String>,
    /// Whether it came from the environment of a single-user install and is not stored.
    #[serde(default)]
    pub from_environment: bool,
}

impl SecretStatus {
    /// None is stored.
    #[must_use]
    pub const fn missing() -> Self {
        Self {
            is_set: false,
            last4: None,
            checked_at: None,
            status: SecretState::Missing,
            message: None,
            account: None,
            from_environment: false,
        }
    }
}

/// `GET /settings`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settings {
    /// Key of the Vast.ai account.
    pub vast_api_key: SecretStatus,
    /// Service account of the Google Cloud project.
    pub gcp_credentials: SecretStatus,
    /// `pt-BR` or `en`; none: as the browser asks.
    pub locale: Option<String>,
    /// `light` or `dark`; none: as the system is set.
    pub theme: Option<String>,
    /// The CPU Failover settings.
    pub standby: StandbyConfig,
    /// Zones that can be chosen: the account's where they are known.
    pub gcp_zones: Vec<String>,
}

/// `PUT /settings`. An absent field stays as it is; `null` removes what is stored.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingsUpdate {
    /// Key of a Vast.ai account; tried before it is stored.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required = false, min_length = 1, max_length = 512))]
    pub vast_api_key: Option<Option<String>>,
    /// Service-account JSON, as an object or as its text; tried before it is stored.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(schema_with = service_account_schema, required = false))]
    pub gcp_credentials: Option<Option<serde_json::Value>>,
    /// `pt-BR` or `en`.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required = false, pattern = "^(pt-BR|en)$"))]
    pub locale: Option<Option<String>>,
    /// `light` or `dark`.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required = false, pattern = "^(light|dark)$"))]
    pub theme: Option<Option<String>>,
}

#[cfg(feature = "openapi")]
fn service_account_schema() -> utoipa::openapi::schema::Schema {
    use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Type};
    OneOfBuilder::new()
        .description(Some(
            "Service-account JSON, as an object or as its text; tried before it is stored. `null` removes it.",
        ))
        .item(ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(true))))
        .item(ObjectBuilder::new().schema_type(Type::String))
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .build()
        .into()
}

impl std::fmt::Debug for SettingsUpdate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SettingsUpdate")
            .field("vast_api_key", &self.vast_api_key.is_some())
            .field("gcp_credentials", &self.gcp_credentials.is_some())
            .field("locale", &self.locale)
            .field("theme", &self.theme)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_null_and_a_value_are_three_things() {
        let read = |text| serde_json::from_str::<SettingsUpdate>(text).expect("an update");
        assert_eq!(read("{}").vast_api_key, None);
        assert_eq!(read(r#"{"vast_api_key":null}"#).vast_api_key, Some(None));
        assert_eq!(read(r#"{"vast_api_key":"k"}"#).vast_api_key, Some(Some("k".into())));
        assert!(serde_json::from_str::<SettingsUpdate>(r#"{"vast_key":"k"}"#).is_err());
        let shown = format!("{:?}", read(r#"{"vast_api_key":"sesame"}"#));
        assert!(!shown.contains("sesame"), "{shown}");
    }
}
