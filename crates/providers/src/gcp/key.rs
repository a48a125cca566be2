//! A service-account key file: what has to be in it, and what may be shown of it.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// What a key file says that is no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Project that pays.
    pub project: String,
    /// The service account's address.
    pub email: String,
    /// Which of its keys this is.
    pub key_id: String,
}

/// Why a text is not a usable key file. Says what to do and repeats nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Not JSON at all.
    #[error("this is not JSON; paste the whole key file that Google Cloud gave you")]
    NotJson,
    /// JSON of another kind.
    #[error("this is not a service account key: its \"type\" must be \"service_account\"")]
    NotServiceAccount,
    /// A field is absent, empty or no text.
    #[error("the key file has no \"{0}\"")]
    Missing(&'static str),
    /// The private key is damaged.
    #[error("the private key in the file can't be read; download a new key")]
    PrivateKey,
}

impl ServiceAccount {
    /// Reads a key file.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(json: &SecretString) -> Result<Self, KeyProblem> {
        Self::with_value(json).map(|(account, _)| account)
    }

    /// Reads a key file and hands its JSON on to whoever signs with it.
    pub(super) fn with_value(json: &SecretString) -> Result<(Self, Value), KeyProblem> {
        let value: Value =
            serde_json::from_str(json.expose_secret()).map_err(|_| KeyProblem::NotJson)?;
        if value.get("type").and_then(Value::as_str) != Some("service_account") {
            return Err(KeyProblem::NotServiceAccount);
        }
        let field = |name: &'static str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .ok_or(KeyProblem::Missing(name))
        };
        let account = Self {
            project: field("project_id")?,
            email: field("client_email")?,
            key_id: field("private_key_id")?,
        };
        if !field("private_key")?.contains("PRIVATE KEY-----") {
            return Err(KeyProblem::PrivateKey);
        }
        Ok((account, value))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(value: &Value) -> KeyProblem {
        ServiceAccount::parse(&value.to_string().into()).expect_err("a problem")
    }

    #[test]
    fn each_flaw_of_a_key_file_is_named_and_nothing_of_it_is_repeated() {
        let good = json!({"type": "service_account", "project_id": "p", "client_email": "sa@p", "private_key_id": "k",
            "private_key": "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n"});
        let read = ServiceAccount::parse(&good.to_string().into()).expect("good");
        assert_eq!(
            (read.project.as_str(), read.email.as_str(), read.key_id.as_str()),
            ("p", "sa@p", "k")
        );
        assert_eq!(ServiceAccount::parse(&"not json".to_owned().into()), Err(KeyProblem::NotJson));
        assert_eq!(problem(&json!({"type": "authorized_user"})), KeyProblem::NotServiceAccount);
        for name in ["project_id", "client_email", "private_key_id", "private_key"] {
            let mut bad = good.clone();
            bad[name] = json!("  ");
            assert_eq!(problem(&bad), KeyProblem::Missing(name));
        }
        let mut bad = good;
        bad["private_key"] = json!("hunter2");
        assert_eq!(problem(&bad), KeyProblem::PrivateKey);
        assert!(!problem(&bad).to_string().contains("hunter2"));
    }
}
