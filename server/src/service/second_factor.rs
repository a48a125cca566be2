//! Second factors: codes of an app, set up with one that proves that the app has the secret, or passkeys (see
//! [`super::passkeys`]). Either is asked for at each login and with the password again, and removed by both.
//! Recovery codes come with the first of them and go with the last.

mod drawing;
mod totp;

use domain::id::UserId;
use domain::view::Time;
use domain::view::access::{NewSecondFactor, RecoveryCodes, RemoveSecondFactor, SecondFactor};
use domain::view::passkey::{AssertionCredential, PasskeyUse};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use store::{Proved, StoreError};

pub use self::drawing::{Drawing, drawing};
use crate::http::client::Client;
use crate::http::identity::Identity;
use crate::service::attempts::Sender;
use crate::service::passkeys::{Bearer, Purpose};
use crate::service::{attempts, auth, confirm, passkeys};
use crate::{Dumont, Fault};

/// Bytes of a secret, as RFC 4226 wants them.
const SECRET_BYTES: usize = 20;
/// How many recovery codes there are.
const CODES: usize = 10;
/// Letters of a recovery code: 80 random bits, so that its hash alone gives it to nobody.
const CODE_LETTERS: usize = 16;

/// With what somebody got in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// A code of the app's.
    App,
    /// A recovery code.
    Recovery,
    /// A passkey.
    Passkey,
}

impl Means {
    /// What the audit log says of it.
    #[must_use]
    pub fn object(self) -> Option<String> {
        match self {
            Self::App => None,
            Self::Recovery => Some("recovery_code".to_owned()),
            Self::Passkey => Some("passkey".to_owned()),
        }
    }
}

/// What somebody sends to prove it.
#[derive(Clone)]
pub enum Proof {
    /// Nothing.
    None,
    /// A code of the app, or a recovery code.
    Code(String),
    /// A passkey.
    Passkey(Box<AssertionCredential>),
}

impl Proof {
    /// A passkey counts where both came along.
    #[must_use]
    pub fn of(code: Option<String>, passkey: Option<AssertionCredential>) -> Self {
        match (passkey, code.filter(|code| !code.trim().is_empty())) {
            (Some(passkey), _) => Self::Passkey(Box::new(passkey)),
            (None, Some(code)) => Self::Code(code),
            (None, None) => Self::None,
        }
    }
}

/// Whether an account has a second factor that is asked for.
///
/// # Errors
/// The database.
pub async fn is_on(dumont: &Dumont, user: &UserId) -> Result<bool, Fault> {
    Ok(dumont.store.second_factors().of(user).await?.is_on())
}

/// What is known of an account's second factor.
///
/// # Errors
/// The database.
pub async fn state(dumont: &Dumont, user: &UserId, client: &Client) -> Result<SecondFactor, Fault> {
    let found = dumont.store.second_factors().of(user).await?;
    let passkey_here = found.passkeys > 0 && passkeys::can_be_used(dumont, user, client).await?;
    let since = [found.app_since, found.passkeys_since].into_iter().flatten().min();
    Ok(SecondFactor {
        enabled: found.is_on(),
        since: since.map(Time),
        app_since: found.app_since.map(Time),
        passkeys: found.passkeys,
        passkey_here,
        recovery_codes_left: found.codes_left,
    })
}

/// Begins to set one up for someone who has just confirmed who they are.
///
/// # Errors
/// A credential that was not confirmed, or a second factor that is on.
pub async fn begin(dumont: &Dumont, who: &Identity) -> Result<NewSecondFactor, Fault> {
    confirm::require(dumont, who)?;
    let secret: [u8; SECRET_BYTES] = rand::random();
    let secret = SecretString::from(totp::base32(&secret));
    let begun = dumont.store.second_factors().begin(&who.user, &secret, dumont.now()).await;
    begun.map_err(|error| match error {
        StoreError::Conflict(_) => on_already(),
        other => other.into(),
    })?;
    described(dumont, who, &secret).await
}

/// The one that is being set up, for someone who has just confirmed who they are.
///
/// # Errors
/// The database.
pub async fn begun(dumont: &Dumont, who: &Identity) -> Result<Option<NewSecondFactor>, Fault> {
    let on = dumont.store.second_factors().of(&who.user).await?.app_since.is_some();
    if on || !confirm::is_recent(who, dumont.now()) {
        return Ok(None);
    }
    match dumont.store.second_factors().secret(&who.user).await? {
        Some(secret) => described(dumont, who, &secret).await.map(Some),
        None => Ok(None),
    }
}

async fn described(
    dumont: &Dumont,
    who: &Identity,
    secret: &SecretString,
) -> Result<NewSecondFactor, Fault> {
    let email = dumont.store.users().get(&who.user).await?.email;
    let secret = secret.expose_secret().to_owned();
    let name = app::form::encode(&email);
    let uri = format!(
        "otpauth://totp/Dumont:{name}?secret={secret}&issuer=Dumont&algorithm=SHA1&digits=6&period=30"
    );
    Ok(NewSecondFactor { secret, uri })
}

/// Makes the one that is being set up active, with a code of it, and ends every other login. The answer
/// is the only one that ever holds its recovery codes; where the account has some, they stay, and it holds none.
///
/// # Errors
/// A credential that was not confirmed, nothing that is being set up, or a wrong code.
pub async fn activate(dumont: &Dumont, who: &Identity, code: &str) -> Result<RecoveryCodes, Fault> {
    confirm::require(dumont, who)?;
    let factors = dumont.store.second_factors();
    let factor = factors.get(&who.user).await?.ok_or_else(not_begun)?;
    if factor.active_since.is_some() {
        return Err(on_already());
    }
    let secret = factors.secret(&who.user).await?.ok_or_else(not_begun)?;
    let secret = bytes(&secret)?;
    // Here only what was begun anew could be guessed: it opens nothing yet.
    let bucket = dumont.limiter.limits.per_code.bucket(format!("prove/{}", who.user));
    attempts::spend(dumont, &bucket).await?;
    let now = dumont.now();
    let step = totp::matching(&secret, &plain(code), now).ok_or_else(wrong_code)?;
    dumont.store.attempts().forget(&bucket.name).await?;
    let (mut told, codes) = new_codes();
    let created_at = factor.created_at;
    let proved = Proved { created_at, step, codes: &codes, keep: who.via.handle() };
    if !factors.activate(&who.user, &proved, now).await? {
        told.recovery_codes.clear();
    }
    auth::ended(dumont, &who.user).await;
    Ok(told)
}

/// Puts other recovery codes in the place of those that there are.
///
/// # Errors
/// A credential that was not confirmed, or no second factor.
pub async fn make_codes(dumont: &Dumont, who: &Identity) -> Result<RecoveryCodes, Fault> {
    confirm::require(dumont, who)?;
    let (told, hashes) = new_codes();
    dumont.store.second_factors().replace_codes(&who.user, &hashes).await.map_err(or_off)?;
    Ok(told)
}

/// Removes the app's codes, with the password and a code or a passkey.
///
/// # Errors
/// As [`confirm::check`], or there is none.
pub async fn remove(
    dumont: &Dumont,
    who: &Identity,
    asked: RemoveSecondFactor,
    client: &Client,
) -> Result<(), Fault> {
    let (password, proof) = (asked.password.into(), Proof::of(asked.code, asked.passkey));
    let purpose = PasskeyUse::RemoveFactor;
    confirm::check(dumont, who, "password", password, proof, purpose, client).await?;
    dumont.store.second_factors().remove(&who.user).await.map_err(or_off)
}

/// Checks a code of the app's, or a recovery code, and uses it up.
///
/// # Errors
/// `WrongCode`, or `TooMany` attempts.
pub async fn check(
    dumont: &Dumont,
    user: &UserId,
    code: &str,
    from: &Sender,
) -> Result<Means, Fault> {
    let counted = attempts::code(dumont, user, from).await?;
    let factors = dumont.store.second_factors();
    let (code, now) = (plain(code), dumont.now());
    let means = if code.len() == CODE_LETTERS {
        factors.take_code(user, &hash(&code), now).await?.then_some(Means::Recovery)
    } else {
        // Somebody may have passkeys alone.
        let secret = factors.secret(user).await?.ok_or(Fault::WrongCode)?;
        match totp::matching(&bytes(&secret)?, &code, now) {
            Some(step) => factors.take_step(user, step).await?.then_some(Means::App),
            None => None,
        }
    };
    let means = means.ok_or(Fault::WrongCode)?;
    counted.right(dumont).await?;
    Ok(means)
}

/// Checks the proof of someone who is logged in, where their account has a second factor.
///
/// # Errors
/// It is missing or wrong (told as the field `code` or `passkey`), or there were too many attempts.
pub async fn require(
    dumont: &Dumont,
    who: &Identity,
    proof: Proof,
    purpose: PasskeyUse,
    client: &Client,
) -> Result<(), Fault> {
    if !is_on(dumont, &who.user).await? {
        return Ok(());
    }
    let from = Sender::Credential(who.via.handle().to_owned());
    match proof {
        Proof::None => {
            let message = "is needed: this account has a second factor";
            Err(Fault::field("code", "code_needed", message))
        }
        Proof::Code(code) => match check(dumont, &who.user, &code, &from).await {
            Ok(_) => Ok(()),
            Err(Fault::WrongCode) => Err(wrong_code()),
            Err(other) => Err(other),
        },
        Proof::Passkey(used) => {
            let bearer = Bearer::of(who, Purpose::Use(purpose))?;
            passkeys::check(dumont, &bearer, &used, client, &from).await
        }
    }
}

fn on_already() -> Fault {
    Fault::conflict("second_factor_on", "a second factor is on already; remove it first")
}

fn or_off(error: StoreError) -> Fault {
    match error {
        StoreError::NotFound(_) => Fault::conflict("second_factor_off", "no second factor is on"),
        other => other.into(),
    }
}

fn not_begun() -> Fault {
    Fault::conflict("second_factor_not_begun", "no second factor is being set up; begin it first")
}

fn wrong_code() -> Fault {
    Fault::field("code", "wrong_code", "is wrong, too old or used; wait for the next one")
}

fn bytes(secret: &SecretString) -> Result<Vec<u8>, Fault> {
    totp::unbase32(secret.expose_secret())
        .ok_or_else(|| Fault::Internal("a second factor's secret is no base 32".into()))
}

/// A code without what people type between its parts.
fn plain(code: &str) -> String {
    let kept = code.chars().filter(|c| c.is_ascii_alphanumeric());
    kept.take(64).map(|c| c.to_ascii_lowercase()).collect()
}

pub(super) fn new_codes() -> (RecoveryCodes, Vec<String>) {
    let mut told = Vec::with_capacity(CODES);
    let mut hashes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        let random: [u8; 10] = rand::random();
        let code = totp::base32(&random).to_ascii_lowercase();
        hashes.push(hash(&code));
        let parts: Vec<&str> =
            (0..code.len()).step_by(4).filter_map(|at| code.get(at..at + 4)).collect();
        told.push(parts.join("-"));
    }
    (RecoveryCodes { recovery_codes: told }, hashes)
}

fn hash(code: &str) -> String {
    Sha256::digest(code.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_codes_are_ten_that_differ_and_are_kept_as_hashes() {
        let (told, hashes) = new_codes();
        let mut codes = told.recovery_codes.clone();
        codes.sort();
        codes.dedup();
        assert_eq!((codes.len(), hashes.len()), (CODES, CODES));
        for (code, kept) in told.recovery_codes.iter().zip(&hashes) {
            assert_eq!((code.len(), plain(code).len()), (19, CODE_LETTERS), "{code}");
            assert_eq!(hash(&plain(&code.to_uppercase())), *kept);
        }
    }
}
