//! Passkeys: made and used by a browser, as a second factor beside the password. What is checked of their bytes
//! is in the crate `passkeys`; here is what they are bound to: an account, a session, a purpose, a short while
//! and one use.

mod ceremony;
mod relying;

use domain::id::UserId;
use domain::view::access::RemoveSecondFactor;
use domain::view::passkey::{Passkey, Passkeys, RenamePasskey};
use store::StoreError;

pub(crate) use self::ceremony::{
    Bearer, Purpose, add, begin, challenge, challenge_of_login, check,
};
pub use self::relying::{RelyingParty, relying_party};
use crate::http::client::Client;
use crate::http::identity::Identity;
use crate::service::confirm;
use crate::service::second_factor::Proof;
use crate::{Dumont, Fault};

/// The passkeys of an account, and whether one can be made at this address.
///
/// # Errors
/// The database.
pub async fn list(dumont: &Dumont, user: &UserId, client: &Client) -> Result<Passkeys, Fault> {
    let rows = dumont.store.passkeys().list(user).await?;
    let passkeys: Vec<Passkey> = rows
        .into_iter()
        .map(|row| Passkey {
            id: row.id,
            name: row.name,
            site: row.rp_id,
            created_at: row.created_at.into(),
            last_used_at: row.last_used_at.map(Into::into),
        })
        .collect();
    let here = relying_party(&dumont.site, client);
    let (site, origin) = here.map(|here| (here.id, here.origin)).unzip();
    Ok(Passkeys { count: passkeys.len(), passkeys, site, origin })
}

/// Whether an account has one that can be used at this address.
///
/// # Errors
/// The database.
pub async fn can_be_used(dumont: &Dumont, user: &UserId, client: &Client) -> Result<bool, Fault> {
    let Some(here) = relying_party(&dumont.site, client) else { return Ok(false) };
    let rows = dumont.store.passkeys().list(user).await?;
    Ok(rows.iter().any(|row| row.rp_id == here.id))
}

/// Gives one another name, for someone who has just confirmed who they are.
///
/// # Errors
/// A credential that was not confirmed, a name that is not taken, or `NotFound`.
pub async fn rename(
    dumont: &Dumont,
    who: &Identity,
    id: &str,
    asked: RenamePasskey,
) -> Result<(), Fault> {
    confirm::require(dumont, who)?;
    let name = domain::name::name(&asked.name).map_err(|error| Fault::name("name", error))?;
    Ok(dumont.store.passkeys().rename(&who.user, id, &name).await?)
}

/// Removes one, with the password and a code or a passkey, which may be this one.
///
/// # Errors
/// As [`confirm::check`], or `NotFound`.
pub async fn remove(
    dumont: &Dumont,
    who: &Identity,
    id: &str,
    asked: RemoveSecondFactor,
    client: &Client,
) -> Result<(), Fault> {
    // Somebody else's is not there, whatever is typed.
    let rows = dumont.store.passkeys().list(&who.user).await?;
    if !rows.iter().any(|row| row.id == id) {
        return Err(StoreError::NotFound("passkey").into());
    }
    let proof = Proof::of(asked.code, asked.passkey);
    let purpose = domain::view::passkey::PasskeyUse::RemoveFactor;
    let password = asked.password.into();
    confirm::check(dumont, who, "password", password, proof, purpose, client).await?;
    Ok(dumont.store.passkeys().remove(&who.user, id).await?)
}
