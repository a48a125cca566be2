//! What the pages ask of passkeys.

use async_trait::async_trait;
use domain::view::access::{RemoveSecondFactor, SecondFactor};
use domain::view::passkey::{AddedPasskey, AssertionCredential, NewPasskey, Passkeys};

use super::Answer;

/// An account's passkeys, and a login that waits for one.
#[async_trait]
pub trait WithPasskeys: Send + Sync {
    /// What is asked for beside the password of the login that waits in this browser.
    async fn asked_for(&self) -> Answer<SecondFactor>;
    /// Begins the session of a login that waits, with a passkey.
    async fn log_in_with_passkey(&self, used: AssertionCredential) -> Answer<()>;
    /// The account's passkeys, and whether this address can have any.
    async fn passkeys(&self) -> Answer<Passkeys>;
    /// Adds one that the browser has just made.
    async fn add_passkey(&self, wanted: NewPasskey) -> Answer<AddedPasskey>;
    /// Gives one another name.
    async fn rename_passkey(&self, id: &str, name: String) -> Answer<()>;
    /// Removes one.
    async fn remove_passkey(&self, id: &str, wanted: RemoveSecondFactor) -> Answer<()>;
}
