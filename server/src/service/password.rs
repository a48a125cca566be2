//! Hashing and checking passwords with Argon2id, off the runtime's threads and a few at a time.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::Fault;
use crate::service::guess;

/// Least length, characters.
pub const LEAST: usize = 10;
/// Most length, characters.
pub const MOST: usize = 256;

/// Each check takes 19 MiB and tens of milliseconds of a core: more at once would only be slower.
const AT_ONCE: usize = 2;

/// Hashes and checks.
#[derive(Debug, Clone)]
pub struct Passwords {
    gate: Arc<Semaphore>,
    nobody: Arc<str>,
}

impl Passwords {
    /// Ready to check; hashes once, for those who name an account that does not exist.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn new() -> Result<Self, Fault> {
        let nobody = hash(&SecretString::from(Uuid::new_v4().to_string()))?;
        Ok(Self { gate: Arc::new(Semaphore::new(AT_ONCE)), nobody: nobody.into() })
    }

    /// The hash of a new password, in PHC form.
    ///
    /// # Errors
    /// Too short, too long or easily guessed, as the field `name`. `about` is what is known of its
    /// owner, and so no secret.
    pub async fn hash(
        &self,
        name: &str,
        password: SecretString,
        about: &[&str],
    ) -> Result<String, Fault> {
        let length = password.expose_secret().chars().count();
        if !(LEAST..=MOST).contains(&length) {
            return Err(Fault::field(
                name,
                "out_of_range",
                format!("must have {LEAST} to {MOST} characters"),
            ));
        }
        let product = std::iter::once(&"dumont");
        let about: Vec<String> =
            about.iter().chain(product).map(|word| (*word).to_owned()).collect();
        let made = self.work(move || {
            let about: Vec<&str> = about.iter().map(String::as_str).collect();
            let secret = !guess::is_guessable(password.expose_secret(), &about);
            secret.then(|| hash(&password))
        });
        made.await?.unwrap_or_else(|| {
            let why = "is among the first that an attacker would try: a common password or word, a \
                       row of keys, or the account's own name";
            Err(Fault::field(name, "guessable", why))
        })
    }

    /// Whether a password fits a stored hash. `None` (no such account) takes as long and never fits.
    ///
    /// # Errors
    /// The runtime is ending.
    pub async fn fits(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, Fault> {
        let known = stored.is_some();
        let against = stored.unwrap_or_else(|| self.nobody.to_string());
        let fits = self.work(move || verify(&password, &against)).await?;
        Ok(fits && known)
    }

    async fn work<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let ending = |_| Fault::Internal("the runtime is ending".into());
        let _turn = self
            .gate
            .acquire()
            .await
            .map_err(|_| Fault::Internal("the runtime is ending".into()))?;
        tokio::task::spawn_blocking(task).await.map_err(ending)
    }
}

fn hash(password: &SecretString) -> Result<String, Fault> {
    Argon2::default()
        .hash_password(password.expose_secret().as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Fault::Internal(format!("argon2: {error}")))
}

fn verify(password: &SecretString, stored: &str) -> bool {
    let Ok(parsed) = argon2::password_hash::phc::PasswordHash::new(stored) else { return false };
    Argon2::default().verify_password(password.expose_secret().as_bytes(), &parsed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_an_account_that_exists_fits() {
        let passwords = Passwords::new().expect("random");
        let stored = passwords.hash("password", "correct horse".into(), &[]).await.expect("hashed");
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert!(
            passwords.fits("correct horse".into(), Some(stored.clone())).await.expect("checked")
        );
        assert!(!passwords.fits("correct horsf".into(), Some(stored)).await.expect("checked"));
        assert!(!passwords.fits("correct horse".into(), None).await.expect("checked"));
        assert!(!passwords.fits("x".into(), Some("not a hash".into())).await.expect("checked"));
    }

    #[tokio::test]
    async fn a_short_password_is_refused_by_name() {
        let passwords = Passwords::new().expect("random");
        let refused =
            passwords.hash("new_password", "short".into(), &[]).await.expect_err("refused");
        assert_eq!(refused.problem("r").errors.expect("named")[0].field, "new_password");
    }
}
