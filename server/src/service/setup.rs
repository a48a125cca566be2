//! Who may make the first account: whoever can read what this process printed at its start.
//!
//! Reaching the page is not enough. Another site's page, another user of the machine, or a stranger
//! who is quicker than the owner reach it as well, and the first account gets the keys of the
//! environment.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A token for the first account; good until there is one.
#[derive(Debug, Clone)]
pub struct SetupToken(Arc<SecretString>);

impl SetupToken {
    /// A new one, of this process.
    #[must_use]
    pub fn random() -> Self {
        Self(Arc::new(SecretString::from(Uuid::new_v4().simple().to_string())))
    }

    /// Whether this is it. Takes as long wherever the first difference is.
    #[must_use]
    pub fn fits(&self, given: &str) -> bool {
        let [own, other] =
            [self.reveal(), given.trim()].map(|text| Sha256::digest(text.as_bytes()));
        own.iter().zip(&other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }

    /// The token itself, to be shown to whoever runs the process.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// The address that leads to the first account. The token stands behind the `#`, which a browser
    /// sends to nobody: it is in no log of ours or of a proxy, and the page takes it out of the address.
    #[must_use]
    pub fn address(&self, site: &str) -> String {
        format!("{}/setup#{}", site.trim_end_matches('/'), self.reveal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_fits() {
        let token = SetupToken::random();
        assert!(token.fits(token.reveal()) && token.fits(&format!(" {}\n", token.reveal())));
        assert!(!token.fits("") && !token.fits(&token.reveal()[1..]));
        assert!(!token.fits(SetupToken::random().reveal()));
        assert!(!format!("{token:?}").contains(token.reveal()));
    }
}
