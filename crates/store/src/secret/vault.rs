//! Sealing and opening single values with XChaCha20-Poly1305.
//!
//! A sealed value is `v1.<key id>.<nonce>.<ciphertext>` (base64 parts) and is bound to the row that
//! it stands in: moved to another row, column or table it does not open.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};

use crate::error::KeyError;
use crate::secret::keyring::{Keyring, MasterKey};

const VERSION: &str = "v1";
const NONCE_BYTES: usize = 24;

/// Where a sealed value stands.
#[derive(Debug, Clone)]
pub(crate) struct Place(String);

impl Place {
    /// `row` is the row's whole key.
    pub(crate) fn new(table: &str, column: &str, row: &[&str]) -> Self {
        Self(format!("{table}/{column}/{}", row.join("/")))
    }
}

/// The keys in use.
pub(crate) struct Vault {
    ring: RwLock<Arc<Keyring>>,
}

impl Vault {
    pub(crate) fn new(ring: Keyring) -> Self {
        Self { ring: RwLock::new(Arc::new(ring)) }
    }

    /// The present keys; read again where the key file was replaced (a rotation by another process).
    pub(crate) fn ring(&self) -> Result<Arc<Keyring>, KeyError> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner).clone();
        match ring.if_changed()? {
            None => Ok(ring),
            Some(changed) => Ok(self.replace(changed)),
        }
    }

    /// Uses other keys from now on.
    pub(crate) fn replace(&self, ring: Keyring) -> Arc<Keyring> {
        let ring = Arc::new(ring);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring.clone();
        ring
    }

    pub(crate) fn seal(&self, plain: &SecretString, place: &Place) -> Result<String, KeyError> {
        seal(&*self.ring()?, plain, place)
    }

    pub(crate) fn open(&self, sealed: &str, place: &Place) -> Result<SecretString, KeyError> {
        open(&*self.ring()?, sealed, place)
    }
}

/// Seals under the newest key.
pub(crate) fn seal(
    ring: &Keyring,
    plain: &SecretString,
    place: &Place,
) -> Result<String, KeyError> {
    let key = ring.newest();
    let nonce: [u8; NONCE_BYTES] = rand::random();
    let payload = Payload { msg: plain.expose_secret().as_bytes(), aad: place.0.as_bytes() };
    let cipher =
        cipher(key)?.encrypt(&XNonce::from(nonce), payload).map_err(|_| KeyError::Malformed)?;
    Ok(format!(
        "{VERSION}.{}.{}.{}",
        key.id(),
        STANDARD_NO_PAD.encode(nonce),
        STANDARD_NO_PAD.encode(cipher)
    ))
}

/// Opens with the key that the value names.
pub(crate) fn open(ring: &Keyring, sealed: &str, place: &Place) -> Result<SecretString, KeyError> {
    let mut parts = sealed.split('.');
    let (Some(VERSION), Some(key), Some(nonce), Some(cipher_text), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(KeyError::Forged);
    };
    let key = ring.key(key).ok_or_else(|| KeyError::UnknownKey(key.to_owned()))?;
    let nonce: [u8; NONCE_BYTES] = decode(nonce)?.try_into().map_err(|_| KeyError::Forged)?;
    let payload = Payload { msg: &decode(cipher_text)?, aad: place.0.as_bytes() };
    let plain =
        cipher(key)?.decrypt(&XNonce::from(nonce), payload).map_err(|_| KeyError::Forged)?;
    String::from_utf8(plain).map(SecretString::from).map_err(|_| KeyError::Forged)
}

/// The id of the key that a value is sealed under.
pub(crate) fn key_id(sealed: &str) -> Option<&str> {
    sealed.split('.').nth(1)
}

fn cipher(key: &MasterKey) -> Result<XChaCha20Poly1305, KeyError> {
    XChaCha20Poly1305::new_from_slice(key.bytes()).map_err(|_| KeyError::Malformed)
}

fn decode(text: &str) -> Result<Vec<u8>, KeyError> {
    STANDARD_NO_PAD.decode(text).map_err(|_| KeyError::Forged)
}
