//! Making a passkey and using one: what is given out to be signed, and what comes back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::UserId;
use domain::view::passkey::{
    AddedPasskey, AssertionCredential, AuthenticatorSelection, CreationOptions,
    CredentialDescriptor, CredentialParameters, NewPasskey, PasskeyUse, RelyingPartyEntity,
    RequestOptions, UserEntity,
};
use passkeys::{ALGORITHMS, Assertion, Expected, PublicKey, Refusal, Registration};
use store::{ChallengeOf, MOST_PASSKEYS, NewPasskey as NewRow, Passkey, StoreError};
use tower_sessions::Session;
use uuid::Uuid;

use super::relying::{RelyingParty, relying_party};
use crate::http::client::Client;
use crate::http::identity::{Identity, Via};
use crate::http::session;
use crate::service::attempts::Sender;
use crate::service::second_factor::new_codes;
use crate::service::{attempts, auth, confirm};
use crate::{Dumont, Fault};

/// How long a challenge is good for, ms: as long as a login waits for its second step.
const GOOD_FOR_MS: i64 = 300_000;
/// Bytes of a challenge.
const CHALLENGE: usize = 32;
const PUBLIC_KEY: &str = "public-key";
const DISCOURAGED: &str = "discouraged";

/// What a challenge is for, and good for alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To make a passkey.
    Add,
    /// The second step of a login.
    LogIn,
    /// Something that somebody does who is logged in.
    Use(PasskeyUse),
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::LogIn => "log_in",
            Self::Use(what) => what.as_str(),
        }
    }
}

/// Who uses a passkey: an account, in a session, for something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bearer<'b> {
    pub(crate) user: &'b UserId,
    /// The handle of the session.
    pub(crate) holder: &'b str,
    pub(crate) purpose: Purpose,
}

impl<'b> Bearer<'b> {
    /// Someone who is logged in, in a browser.
    pub(crate) fn of(who: &'b Identity, purpose: Purpose) -> Result<Self, Fault> {
        match &who.via {
            Via::Session(holder) => Ok(Self { user: &who.user, holder, purpose }),
            Via::Token(..) => {
                let message = "passkeys are made and used by browsers; a program sends a code of the app, or a recovery code";
                Err(Fault::conflict("browser_needed", message))
            }
        }
    }

    fn challenge(&self) -> ChallengeOf<'b> {
        ChallengeOf { user: self.user, holder: self.holder, purpose: self.purpose.as_str() }
    }
}

/// What a browser needs to make a passkey, for someone who has just confirmed who they are.
///
/// # Errors
/// A credential that was not confirmed or is no browser's, an address that has no passkeys, or too many.
pub(crate) async fn begin(
    dumont: &Dumont,
    who: &Identity,
    client: &Client,
) -> Result<CreationOptions, Fault> {
    confirm::require(dumont, who)?;
    let bearer = Bearer::of(who, Purpose::Add)?;
    let here = here(dumont, client)?;
    let rows = room(dumont, &who.user).await?;
    let user = dumont.store.users().get(&who.user).await?;
    Ok(CreationOptions {
        challenge: give_out(dumont, &bearer).await?,
        user: UserEntity { id: handle(&who.user), name: user.email, display_name: user.username },
        pub_key_cred_params: ALGORITHMS
            .into_iter()
            .map(|alg| CredentialParameters { kind: PUBLIC_KEY.into(), alg })
            .collect(),
        exclude_credentials: of_site(&rows, &here),
        rp: RelyingPartyEntity { id: here.id, name: "Dumont".into() },
        authenticator_selection: AuthenticatorSelection {
            resident_key: DISCOURAGED.into(),
            user_verification: DISCOURAGED.into(),
        },
        attestation: "none".into(),
        timeout: GOOD_FOR_MS,
    })
}

/// Adds a passkey that a browser made, for someone who has just confirmed who they are. The answer is the only
/// one that ever holds the recovery codes, where it is the first factor; every other login ends then.
///
/// # Errors
/// As [`begin`]; a name that is not taken, a passkey that is not accepted, or one that is known already.
pub(crate) async fn add(
    dumont: &Dumont,
    who: &Identity,
    asked: NewPasskey,
    client: &Client,
) -> Result<AddedPasskey, Fault> {
    confirm::require(dumont, who)?;
    let bearer = Bearer::of(who, Purpose::Add)?;
    let name = domain::name::name(&asked.name).map_err(|error| Fault::name("name", error))?;
    let here = here(dumont, client)?;
    room(dumont, &who.user).await?;
    let made = &asked.credential;
    same_and_public(&made.id, &made.raw_id, &made.kind)?;
    let (id, client_data, attestation) = (
        bytes(&made.id)?,
        bytes(&made.response.client_data_json)?,
        bytes(&made.response.attestation_object)?,
    );
    let challenge = taken(dumont, &bearer, &client_data).await?;
    let expected = Expected { challenge: &challenge, origin: &here.origin, rp_id: &here.id };
    let registration =
        Registration { id: &id, client_data: &client_data, attestation: &attestation };
    let registered = registration.check(&expected).map_err(refused)?;
    let (told, hashes) = new_codes();
    let row = NewRow {
        id: &Uuid::now_v7().to_string(),
        rp_id: &here.id,
        credential_id: &URL_SAFE_NO_PAD.encode(&registered.id),
        public_key: &URL_SAFE_NO_PAD.encode(&registered.cose),
        counter: registered.counter,
        name: &name,
        codes: &hashes,
        keep: who.via.handle(),
    };
    let added = dumont.store.passkeys().add(&who.user, &row, dumont.now()).await;
    let first = added.map_err(|error| match error {
        StoreError::Conflict(_) => {
            Fault::conflict("passkey_known", "this passkey is known already")
        }
        other => other.into(),
    })?;
    let recovery_codes = if first {
        auth::ended(dumont, &who.user).await;
        told.recovery_codes
    } else {
        Vec::new()
    };
    Ok(AddedPasskey { id: row.id.to_owned(), recovery_codes })
}

/// What a browser needs to use a passkey.
///
/// # Errors
/// An address that has no passkeys, or an account that has none here.
pub(crate) async fn challenge(
    dumont: &Dumont,
    bearer: &Bearer<'_>,
    client: &Client,
) -> Result<RequestOptions, Fault> {
    let here = here(dumont, client)?;
    let rows = dumont.store.passkeys().list(bearer.user).await?;
    let allow_credentials = of_site(&rows, &here);
    if allow_credentials.is_empty() {
        return Err(Fault::conflict("no_passkey", "the account has no passkey for this address"));
    }
    Ok(RequestOptions {
        challenge: give_out(dumont, bearer).await?,
        rp_id: here.id,
        allow_credentials,
        user_verification: DISCOURAGED.into(),
        timeout: GOOD_FOR_MS,
    })
}

/// The same for the login of this session that waits for its second step.
///
/// # Errors
/// As [`challenge`]; `Unauthorized` where no login waits, or for too long.
pub(crate) async fn challenge_of_login(
    dumont: &Dumont,
    browser: &Session,
    client: &Client,
) -> Result<RequestOptions, Fault> {
    let half = session::half_way(browser).await?.ok_or(Fault::Unauthorized)?;
    let login = auth::waiting(dumont, &half).await?;
    let holder = session::handle(browser).ok_or(Fault::Unauthorized)?;
    let bearer = Bearer { user: &login.user.id, holder: &holder, purpose: Purpose::LogIn };
    challenge(dumont, &bearer, client).await
}

/// Checks a passkey that was used, and uses its challenge up.
///
/// # Errors
/// What is wrong with it, told as the field `passkey`, or `TooMany` attempts.
pub(crate) async fn check(
    dumont: &Dumont,
    bearer: &Bearer<'_>,
    used: &AssertionCredential,
    client: &Client,
    from: &Sender,
) -> Result<(), Fault> {
    let bucket = attempts::passkey(dumont, bearer.user, from).await?;
    let here = here(dumont, client)?;
    same_and_public(&used.id, &used.raw_id, &used.kind)?;
    let (client_data, data, signature) = (
        bytes(&used.response.client_data_json)?,
        bytes(&used.response.authenticator_data)?,
        bytes(&used.response.signature)?,
    );
    if used.response.user_handle.as_ref().is_some_and(|told| *told != handle(bearer.user)) {
        return Err(wrong("it is held for another account"));
    }
    let rows = dumont.store.passkeys().list(bearer.user).await?;
    let row = rows.into_iter().find(|row| row.credential_id == used.id && row.rp_id == here.id);
    let row = row.ok_or_else(|| wrong("the account has no such passkey here"))?;
    let challenge = taken(dumont, bearer, &client_data).await?;
    let expected = Expected { challenge: &challenge, origin: &here.origin, rp_id: &here.id };
    let assertion = Assertion { client_data: &client_data, data: &data, signature: &signature };
    let said = assertion.check(&kept_key(&row)?, &expected).map_err(refused)?;
    let passkeys = dumont.store.passkeys();
    if !passkeys.used(bearer.user, &row.id, said.counter, dumont.now()).await? {
        tracing::warn!(user = %bearer.user, passkey = row.id, "the counter of a passkey did not go on");
        let message = "its counter did not go on: there may be a copy of it; remove it";
        return Err(Fault::field("passkey", "passkey_copied", message));
    }
    dumont.store.attempts().forget(&bucket.name).await?;
    Ok(())
}

fn here(dumont: &Dumont, client: &Client) -> Result<RelyingParty, Fault> {
    relying_party(&dumont.site, client).ok_or_else(|| {
        let message = "passkeys belong to a name: set DUMONT_PUBLIC_URL to an https address with one, or open Dumont at localhost";
        Fault::conflict("no_passkeys_here", message)
    })
}

async fn room(dumont: &Dumont, user: &UserId) -> Result<Vec<Passkey>, Fault> {
    let rows = dumont.store.passkeys().list(user).await?;
    if i64::try_from(rows.len()).is_ok_and(|count| count < MOST_PASSKEYS) {
        return Ok(rows);
    }
    let message = format!("there are {MOST_PASSKEYS} passkeys already; remove one first");
    Err(Fault::conflict("too_many_passkeys", message))
}

fn of_site(rows: &[Passkey], here: &RelyingParty) -> Vec<CredentialDescriptor> {
    let own = rows.iter().filter(|row| row.rp_id == here.id);
    own.map(|row| CredentialDescriptor { kind: PUBLIC_KEY.into(), id: row.credential_id.clone() })
        .collect()
}

async fn give_out(dumont: &Dumont, bearer: &Bearer<'_>) -> Result<String, Fault> {
    let challenge: [u8; CHALLENGE] = rand::random();
    let until = dumont.now().plus(GOOD_FOR_MS);
    dumont.store.passkeys().give_out(&bearer.challenge(), &challenge, until).await?;
    Ok(URL_SAFE_NO_PAD.encode(challenge))
}

/// The challenge that client data answers, used up: whatever comes of it, it is good for nothing more.
async fn taken(dumont: &Dumont, bearer: &Bearer<'_>, client_data: &[u8]) -> Result<Vec<u8>, Fault> {
    let challenge = passkeys::challenge(client_data).map_err(refused)?;
    let passkeys = dumont.store.passkeys();
    if passkeys.take(&bearer.challenge(), &challenge, dumont.now()).await? {
        return Ok(challenge);
    }
    let message = "its challenge was not given out for this, was used, or is too old; try again";
    Err(Fault::field("passkey", "passkey_expired", message))
}

fn kept_key(row: &Passkey) -> Result<PublicKey, Fault> {
    let cose = URL_SAFE_NO_PAD.decode(&row.public_key).ok();
    let key = cose.and_then(|cose| PublicKey::read(&cose).ok());
    key.ok_or_else(|| Fault::Internal("the public key of a passkey can't be read".into()))
}

/// What stands for an account in an authenticator. Its id is random and says nothing of anybody.
fn handle(user: &UserId) -> String {
    URL_SAFE_NO_PAD.encode(user.as_str())
}

fn same_and_public(id: &str, raw_id: &str, kind: &str) -> Result<(), Fault> {
    if id == raw_id && kind == PUBLIC_KEY { Ok(()) } else { Err(refused(Refusal::Credential)) }
}

fn bytes(text: &str) -> Result<Vec<u8>, Fault> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong("a part of it is no base64url"))
}

fn refused(why: Refusal) -> Fault {
    wrong(&why.to_string())
}

fn wrong(why: &str) -> Fault {
    Fault::field("passkey", "wrong_passkey", format!("is not accepted: {why}"))
}
