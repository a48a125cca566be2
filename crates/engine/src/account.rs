//! A user's clients: Vast.ai, Google Cloud, and the SSH key of this install for their machines.
//!
//! Made from the stored credentials at first use and kept until these change. No secret leaves this
//! file but inside a client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::UserId;
use domain::provider::{Provider, ProviderError};
use domain::time::Clock;
use secrecy::SecretString;
use store::{CredentialKind, CredentialStatus, NewCredential, Store};

use crate::error::EngineError;
use crate::ports::{Gpus, Hosts, Outside, Ports, Vms};

/// The way to a user's hosts, and their public key line.
type Way = (Arc<dyn Hosts>, String);

/// The clients of every user that was served.
pub struct Accounts {
    store: Store,
    outside: Arc<dyn Outside>,
    clock: Arc<dyn Clock>,
    vast: Mutex<HashMap<UserId, Arc<dyn Gpus>>>,
    gcp: Mutex<HashMap<UserId, Arc<dyn Vms>>>,
    ssh: Mutex<HashMap<UserId, Way>>,
    making_key: tokio::sync::Mutex<()>,
}

impl Accounts {
    /// No clients yet.
    #[must_use]
    pub fn new(store: Store, ports: &Ports) -> Self {
        Self {
            store,
            outside: Arc::clone(&ports.outside),
            clock: Arc::clone(&ports.clock),
            vast: Mutex::default(),
            gcp: Mutex::default(),
            ssh: Mutex::default(),
            making_key: tokio::sync::Mutex::default(),
        }
    }

    /// Forgets a user's provider clients, so that the next use reads the credentials again.
    pub fn forget(&self, user: &UserId) {
        lock(&self.vast).remove(user);
        lock(&self.gcp).remove(user);
    }

    /// The same for every user.
    pub fn forget_all(&self) {
        lock(&self.vast).clear();
        lock(&self.gcp).clear();
    }

    /// The user's Vast client.
    ///
    /// # Errors
    /// No key stored, or the database failed.
    pub async fn vast(&self, user: &UserId) -> Result<Arc<dyn Gpus>, EngineError> {
        if let Some(client) = lock(&self.vast).get(user) {
            return Ok(Arc::clone(client));
        }
        let key = self.secret(user, CredentialKind::VastApiKey).await?;
        let client = self.vast_with(&key)?;
        lock(&self.vast).insert(user.clone(), Arc::clone(&client));
        Ok(client)
    }

    /// A Vast client for a key that is not stored.
    ///
    /// # Errors
    /// The configured address is unusable.
    pub fn vast_with(&self, key: &SecretString) -> Result<Arc<dyn Gpus>, ProviderError> {
        self.outside.gpus(key)
    }

    /// The user's Google Compute client.
    ///
    /// # Errors
    /// No service account stored, an unusable one, or the database failed.
    pub async fn gcp(&self, user: &UserId) -> Result<Arc<dyn Vms>, EngineError> {
        if let Some(client) = lock(&self.gcp).get(user) {
            return Ok(Arc::clone(client));
        }
        let json = self.secret(user, CredentialKind::GcpServiceAccount).await?;
        let client = self.gcp_with(&json).await?;
        lock(&self.gcp).insert(user.clone(), Arc::clone(&client));
        Ok(client)
    }

    /// A Google Compute client for a service account that is not stored.
    ///
    /// # Errors
    /// The JSON is not a usable service-account key.
    pub async fn gcp_with(&self, json: &SecretString) -> Result<Arc<dyn Vms>, ProviderError> {
        self.outside.vms(json).await
    }

    /// The way to the user's hosts and its public key line; the key is made at first use.
    ///
    /// # Errors
    /// The database failed, or the stored key can't be read.
    pub async fn ssh(&self, user: &UserId) -> Result<Way, EngineError> {
        if let Some(known) = lock(&self.ssh).get(user) {
            return Ok(known.clone());
        }
        let _one_maker = self.making_key.lock().await;
        let stored = self.store.credentials().secret(user, CredentialKind::SshKey).await?;
        let known = match stored {
            Some(text) => {
                self.outside.hosts(&text).map_err(|error| unusable_key(&error.to_string()))?
            }
            None => self.make_key(user).await?,
        };
        lock(&self.ssh).insert(user.clone(), known.clone());
        Ok(known)
    }

    async fn make_key(&self, user: &UserId) -> Result<Way, EngineError> {
        let unusable = |error: providers::ssh::SshError| unusable_key(&error.to_string());
        let text = self.outside.new_key().map_err(unusable)?;
        let (hosts, public) = self.outside.hosts(&text).map_err(unusable)?;
        let now = self.clock.now();
        let new = NewCredential {
            kind: CredentialKind::SshKey,
            secret: &text,
            hint: serde_json::json!({ "public_key": public }),
            status: CredentialStatus::Ok,
            status_word: None,
            checked_at: Some(now),
        };
        self.store.credentials().put(user, &new, now).await?;
        Ok((hosts, public))
    }

    async fn secret(
        &self,
        user: &UserId,
        kind: CredentialKind,
    ) -> Result<SecretString, EngineError> {
        let (provider, words) = match kind {
            CredentialKind::VastApiKey => (
                Provider::Vast,
                "no Vast.ai key is stored; add one in Settings → APIs & Credentials",
            ),
            _ => (
                Provider::Gcp,
                "no Google Cloud service account is stored; add one in Settings → APIs & Credentials",
            ),
        };
        self.store.credentials().secret(user, kind).await?.ok_or_else(|| EngineError::Credentials {
            provider,
            code: "missing",
            message: words.into(),
        })
    }
}

fn unusable_key(word: &str) -> EngineError {
    EngineError::conflict(
        "ssh_key_unusable",
        format!("this account's SSH key can't be used: {word}"),
    )
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
