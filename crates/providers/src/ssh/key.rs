//! The key with which we log in. Its private half is shown to nobody: `Debug` prints the public one.

use std::sync::Arc;

use russh::keys::ssh_key::{Algorithm, LineEnding, PrivateKey};
use secrecy::{ExposeSecret, SecretString};

use super::SshError;

/// An Ed25519 key pair.
#[derive(Clone)]
pub struct KeyPair(Arc<PrivateKey>);

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("KeyPair").field(&self.public_line()).finish()
    }
}

impl KeyPair {
    /// Draws a new key.
    ///
    /// # Errors
    /// [`SshError::Protocol`] when the key can't be made.
    pub fn generate() -> Result<Self, SshError> {
        let mut key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).map_err(unusable)?;
        key.set_comment("dumont");
        Ok(Self(Arc::new(key)))
    }

    /// Reads the text of an unencrypted OpenSSH private key.
    ///
    /// # Errors
    /// [`SshError::Protocol`] when it is none.
    pub fn from_openssh(text: &SecretString) -> Result<Self, SshError> {
        let key = PrivateKey::from_openssh(text.expose_secret()).map_err(unusable)?;
        if key.is_encrypted() {
            return Err(SshError::Protocol("the private key is encrypted".into()));
        }
        Ok(Self(Arc::new(key)))
    }

    /// The private key as OpenSSH text.
    ///
    /// # Errors
    /// [`SshError::Protocol`] when it can't be written.
    pub fn to_openssh(&self) -> Result<SecretString, SshError> {
        let text = self.0.to_openssh(LineEnding::LF).map_err(unusable)?;
        Ok(SecretString::from(text.as_str().to_owned()))
    }

    /// The public key as one line: type, key, comment.
    #[must_use]
    pub fn public_line(&self) -> String {
        self.0.public_key().to_openssh().unwrap_or_default()
    }

    pub(super) fn private(&self) -> Arc<PrivateKey> {
        Arc::clone(&self.0)
    }
}

fn unusable(error: impl std::fmt::Display) -> SshError {
    SshError::Protocol(format!("the SSH key can't be used: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_and_keeps_its_secret() {
        let pair = KeyPair::generate().unwrap();
        let text = pair.to_openssh().unwrap();
        let again = KeyPair::from_openssh(&text).unwrap();
        assert_eq!(pair.public_line(), again.public_line());
        assert!(pair.public_line().starts_with("ssh-ed25519 AAAA"));
        assert_ne!(pair.public_line(), KeyPair::generate().unwrap().public_line());
        let inside = text.expose_secret().lines().nth(1).unwrap().to_owned();
        assert!(!format!("{pair:?}").contains(&inside));
        assert!(KeyPair::from_openssh(&SecretString::from("no key")).is_err());
    }
}
