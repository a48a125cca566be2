//! The people who are customers of both simulated providers.
//!
//! An account has a Vast.ai API key with credit and a GCP project with one
//! service account. The private key of the service account is handed out once
//! and not kept here, as at the real provider.

use std::sync::{Arc, PoisonError, RwLock};

use rsa::PrivateKey;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Credit of a new account, in micro-dollars.
pub const FIRST_CREDIT_MICRO: i64 = 100 * crate::money::MICRO_PER_USD;

/// One customer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// The user id at Vast.ai.
    pub id: u64,
    /// Address of the person.
    pub email: String,
    /// The bearer key for Vast.ai.
    pub vast_api_key: String,
    /// All that was ever paid in, micro-dollars; what is left is
    /// [`crate::World::balance_micro`].
    pub credit_micro: i64,
    /// The GCP project id.
    pub gcp_project: String,
    /// The service account's address.
    pub sa_email: String,
    /// The id of its key (`kid` in a signed token).
    pub sa_key_id: String,
    /// Its public key, SPKI PEM.
    pub sa_public_key_pem: String,
}

/// An account's secrets, in the shape that `credentials.json` has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Credentials {
    /// The account's id.
    pub account_id: u64,
    /// Its address.
    pub email: String,
    /// The bearer key for Vast.ai.
    pub vast_api_key: String,
    /// A service-account key file as Google hands it out.
    pub gcp_service_account: Value,
}

impl Credentials {
    /// Points the service account's `token_uri` at this sandbox, whose port
    /// may have changed since the key was made.
    pub fn aim_at(&mut self, url: &str) {
        if let Some(fields) = self.gcp_service_account.as_object_mut() {
            fields.insert("token_uri".into(), format!("{url}/token").into());
        }
    }
}

/// A key pair could not be made or written down.
#[derive(Debug, thiserror::Error)]
#[error("making a service-account key failed: {0}")]
pub struct KeyError(String);

/// All accounts.
#[derive(Debug, Default)]
pub struct Accounts(RwLock<Vec<Arc<Account>>>);

impl Accounts {
    /// Makes an account with a key pair of its own. Takes up to seconds: RSA.
    ///
    /// # Errors
    /// When the key pair can't be made.
    pub fn create(
        &self,
        email: Option<String>,
        credit_micro: i64,
        url: &str,
    ) -> Result<(Arc<Account>, Credentials), KeyError> {
        let key = PrivateKey::new(&mut rand::rng(), 2048).map_err(failed)?;
        let private_pem = key.to_pkcs8_pem(LineEnding::LF).map_err(failed)?;
        let public_pem = key.to_public_key().to_public_key_pem(LineEnding::LF).map_err(failed)?;
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let id = all.iter().map(|account| account.id).max().unwrap_or(100_000) + 1;
        let project = format!("sandbox-{id}");
        let account = Arc::new(Account {
            id,
            email: email.unwrap_or_else(|| format!("user-{id}@sandbox.test")),
            vast_api_key: hex(&rand::random::<[u8; 32]>()),
            credit_micro,
            sa_email: format!("dumont@{project}.iam.gserviceaccount.com"),
            sa_key_id: hex(Sha256::digest(&public_pem).get(..20).unwrap_or_default()),
            gcp_project: project,
            sa_public_key_pem: public_pem,
        });
        all.push(Arc::clone(&account));
        drop(all);
        let credentials = credentials(&account, &private_pem, url);
        Ok((account, credentials))
    }

    /// The account with this Vast.ai key.
    #[must_use]
    pub fn by_vast_key(&self, key: &str) -> Option<Arc<Account>> {
        self.find(|account| account.vast_api_key == key)
    }

    /// The account with this service account.
    #[must_use]
    pub fn by_sa_email(&self, email: &str) -> Option<Arc<Account>> {
        self.find(|account| account.sa_email == email)
    }

    /// The account that owns this GCP project.
    #[must_use]
    pub fn by_project(&self, project: &str) -> Option<Arc<Account>> {
        self.find(|account| account.gcp_project == project)
    }

    /// The account with this id.
    #[must_use]
    pub fn by_id(&self, id: u64) -> Option<Arc<Account>> {
        self.find(|account| account.id == id)
    }

    /// Every account, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Account>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets all that was ever paid in. False when there is no such account.
    pub(crate) fn set_paid_in(&self, id: u64, credit_micro: i64) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(account) = all.iter_mut().find(|account| account.id == id) else { return false };
        Arc::make_mut(account).credit_micro = credit_micro;
        true
    }

    pub(crate) fn load(&self, accounts: Vec<Account>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) =
            accounts.into_iter().map(Arc::new).collect();
    }

    fn find(&self, wanted: impl Fn(&Account) -> bool) -> Option<Arc<Account>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|account| wanted(account)).cloned()
    }
}

fn credentials(account: &Account, private_pem: &str, url: &str) -> Credentials {
    Credentials {
        account_id: account.id,
        email: account.email.clone(),
        vast_api_key: account.vast_api_key.clone(),
        gcp_service_account: json!({
            "type": "service_account",
            "project_id": account.gcp_project,
            "private_key_id": account.sa_key_id,
            "private_key": private_pem,
            "client_email": account.sa_email,
            "client_id": format!("1{:020}", account.id),
            "token_uri": format!("{url}/token"),
            "universe_domain": "googleapis.com",
        }),
    }
}

fn failed(error: impl std::fmt::Display) -> KeyError {
    KeyError(error.to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
