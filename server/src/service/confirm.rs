//! That whoever holds a credential knows the password too: asked for again before what would outlive
//! the credential or reach beyond it.
//!
//! A stolen cookie or token must not become a new token, and must not put other provider keys in the
//! place of the owner's. A login counts, for ten minutes; after that the password is asked for again.
//! So it is for API tokens, whatever their scope.

use domain::time::Millis;
use domain::view::account::Confirm;
use secrecy::SecretString;

use crate::http::client::Client;
use crate::http::identity::{Identity, Via};
use crate::service::attempts;
use crate::{Dumont, Fault};

/// How long a confirmation is good for, ms.
pub const GOOD_FOR_MS: i64 = 600_000;

/// Whether a credential was confirmed a short while ago.
#[must_use]
pub fn is_recent(who: &Identity, now: Millis) -> bool {
    who.confirmed_at.is_some_and(|at| (0..GOOD_FOR_MS).contains(&now.since(at)))
}

/// Refuses a credential that was not confirmed a short while ago.
///
/// # Errors
/// `Forbidden` with what to do.
pub fn require(dumont: &Dumont, who: &Identity) -> Result<(), Fault> {
    if is_recent(who, dumont.now()) {
        return Ok(());
    }
    let message = "confirm first that it is you: send the password to POST /api/v1/auth/confirm, and ask again within ten minutes";
    Err(Fault::Forbidden { code: "confirmation_needed", message })
}

/// Checks the password of someone who is logged in.
///
/// # Errors
/// It is wrong (told under the name `field`), or there were too many attempts.
pub async fn check(
    dumont: &Dumont,
    who: &Identity,
    field: &str,
    password: SecretString,
    client: &Client,
) -> Result<(), Fault> {
    let user = &who.user;
    let login = dumont.store.users().login(user).await?;
    // By what asks, so that nobody else can keep its holder from it.
    let name = format!("confirm/{}", who.via.handle());
    let bucket = dumont.limiter.limits.per_credential.bucket(name);
    attempts::spend(dumont, &bucket).await?;
    if dumont.passwords.fits(password, Some(login.password_hash)).await? {
        dumont.store.attempts().forget(&bucket.name).await?;
        return Ok(());
    }
    tracing::info!(address = ?client.address, %user, "confirmation refused");
    Err(Fault::field(field, "wrong_password", "is wrong"))
}

/// Confirms a token. A session is confirmed where its data is.
///
/// # Errors
/// As [`check`].
pub async fn confirm(
    dumont: &Dumont,
    who: &Identity,
    asked: Confirm,
    client: &Client,
) -> Result<Millis, Fault> {
    check(dumont, who, "password", asked.password.into(), client).await?;
    let now = dumont.now();
    if let Via::Token(id, _) = &who.via {
        dumont.store.tokens().confirm(&who.user, id, now).await?;
    }
    Ok(now)
}
