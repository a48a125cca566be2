//! A service-account key file: what has to be in it, and what may be shown of it.

use rustls::SignatureScheme;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
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
        let (account, private_key) = Self::fields(&value)?;
        if can_sign(private_key) { Ok((account, value)) } else { Err(KeyProblem::PrivateKey) }
    }

    /// What is in the file, and the private key, not yet looked at.
    fn fields(value: &Value) -> Result<(Self, &str), KeyProblem> {
        if value.get("type").and_then(Value::as_str) != Some("service_account") {
            return Err(KeyProblem::NotServiceAccount);
        }
        let field = |name: &'static str| {
            let text = value.get(name).and_then(Value::as_str).map(str::trim);
            text.filter(|text| !text.is_empty()).ok_or(KeyProblem::Missing(name))
        };
        let account = Self {
            project: field("project_id")?.to_owned(),
            email: field("client_email")?.to_owned(),
            key_id: field("private_key_id")?.to_owned(),
        };
        Ok((account, field("private_key")?))
    }
}

/// Whether a PEM is an RSA key that can sign as Google wants it. The SDK would find out at the first
/// call only, and then take it for a connection that failed.
fn can_sign(pem: &str) -> bool {
    PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .ok()
        .and_then(|der| {
            rustls::crypto::ring::default_provider().key_provider.load_private_key(der).ok()
        })
        .is_some_and(|key| key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_flaw_of_a_key_file_is_named() {
        let good = json!({"type": "service_account", "project_id": "p", "client_email": "sa@p",
            "private_key_id": "k", "private_key": "pem"});
        let (account, pem) = ServiceAccount::fields(&good).expect("good");
        assert_eq!((account.project.as_str(), account.email.as_str()), ("p", "sa@p"));
        assert_eq!((account.key_id.as_str(), pem), ("k", "pem"));
        for name in ["project_id", "client_email", "private_key_id", "private_key"] {
            let mut bad = good.clone();
            bad[name] = json!("  ");
            assert_eq!(ServiceAccount::fields(&bad), Err(KeyProblem::Missing(name)));
        }
        let user = json!({"type": "authorized_user"});
        assert_eq!(ServiceAccount::fields(&user), Err(KeyProblem::NotServiceAccount));
        assert_eq!(ServiceAccount::parse(&"not json".into()), Err(KeyProblem::NotJson));
    }

    #[test]
    fn what_cannot_sign_is_no_key_and_is_not_repeated() {
        let file = json!({"type": "service_account", "project_id": "p", "client_email": "sa@p",
            "private_key_id": "k", "private_key": "hunter2"});
        let problem = ServiceAccount::parse(&file.to_string().into()).expect_err("no key");
        assert_eq!(problem, KeyProblem::PrivateKey);
        assert!(!problem.to_string().contains("hunter2"));
        assert!(!can_sign("-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n"));
    }
}
