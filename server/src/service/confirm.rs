//! That whoever holds a credential knows the password too: asked for again before what would outlive
//! the credential or reach beyond it.
//!
//! A stolen cookie or token must not become a new token, and must not put other provider keys in the
//! place of the owner's. A login counts, for ten minutes; after that the password is asked for again.
//! So it is for API tokens, whatever their scope.

use domain::time::Millis;
use domain::view::account::Confirm;
use domain::view::passkey::PasskeyUse;
use secrecy::SecretString;
use store::TokenKind;

use crate::http::client::Client;
use crate::http::identity::{Identity, Via};
use crate::service::second_factor::Proof;
use crate::service::{attempts, second_factor};
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
    let message = "confirm first that it is you: send the password (and the code of a second factor, or a passkey) to POST /api/v1/auth/confirm, and ask again within ten minutes";
    Err(Fault::Forbidden { code: "confirmation_needed", message })
}

/// Refuses to spend money for a login that was not confirmed a short while ago, where the account has a
/// second factor: a stolen login rents nothing then, and lets nothing be bought beyond what was chosen (higher
/// limits, standbys for all, *Retry now* at a limit). What goes on for machines that are protected already,
/// within these limits (a failover, a drill, a start, a standby), is not asked for. An API token is not asked: that it may buy was
/// decided when it was made.
///
/// # Errors
/// `Forbidden` with what to do.
pub async fn before_money(dumont: &Dumont, who: &Identity) -> Result<(), Fault> {
    let by_a_program = matches!(who.via, Via::Token(_, TokenKind::Api));
    if by_a_program || is_recent(who, dumont.now()) {
        return Ok(());
    }
    if second_factor::is_on(dumont, &who.user).await? { require(dumont, who) } else { Ok(()) }
}

/// Checks the password of someone who is logged in, and their second factor where they have one. A passkey must
/// have been used for this purpose.
///
/// # Errors
/// It is wrong (told under the name `field`; of the second factor, as `code` or `passkey`), or there were too
/// many attempts.
pub async fn check(
    dumont: &Dumont,
    who: &Identity,
    field: &str,
    password: SecretString,
    proof: Proof,
    purpose: PasskeyUse,
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
        return second_factor::require(dumont, who, proof, purpose, client).await;
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
    let (password, proof) = (asked.password.into(), Proof::of(asked.code, asked.passkey));
    check(dumont, who, "password", password, proof, PasskeyUse::Confirm, client).await?;
    let now = dumont.now();
    if let Via::Token(id, _) = &who.via {
        dumont.store.tokens().confirm(&who.user, id, now).await?;
    }
    Ok(now)
}
