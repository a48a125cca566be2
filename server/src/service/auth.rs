//! Logging in and out, tokens and sessions.

use domain::access::Scope;
use domain::audit::{Action, Credential};
use domain::id::{TokenId, UserId};
use domain::time::DAY_MS;
use domain::view::Time;
use domain::view::account::{
    ChangePassword, CreatedToken, LoginRequest, NewToken, Session, SessionKind, Sessions, Token,
    Tokens,
};
use domain::view::passkey::PasskeyUse;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::{Login, NewToken as TokenRow, StoreError, TokenKind, User};
use uuid::Uuid;

use crate::http::client::Client;
use crate::http::identity::{Identity, Via};
use crate::service::attempts::Sender;
use crate::service::audit::{self, Actor};
use crate::service::passkeys::{Bearer, Purpose};
use crate::service::second_factor::{Means, Proof};
use crate::service::{attempts, confirm, passkeys, second_factor};
use crate::{Dumont, Fault};

/// How long a login token works, days.
const LOGIN_TOKEN_DAYS: i64 = 30;
/// How long an API token works where nothing else was asked for, days.
const API_TOKEN_DAYS: i64 = 90;

/// Kind of the doorbell that says that a credential has ended.
pub const ACCESS_DOORBELL: &str = "access";

/// What came of a login.
#[derive(Debug)]
pub enum Entry {
    /// Whoever it is has proved it.
    In(User),
    /// The password was right, and a code is needed besides.
    HalfWay(HalfWay),
}

/// A login whose password was right and that waits for its code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HalfWay {
    user: String,
    /// Of the password that was right: another one ends this.
    proof: String,
    at: i64,
}

/// How long a login waits for its code, ms.
const HALF_WAY_MS: i64 = 300_000;

/// A login in one step.
///
/// # Errors
/// As [`enter`]; `CodeNeeded` where the account has a second factor and no code came along.
pub async fn login(
    dumont: &Dumont,
    asked: LoginRequest,
    client: &Client,
    with: Credential,
) -> Result<User, Fault> {
    match enter(dumont, asked, client, with).await? {
        Entry::In(user) => Ok(user),
        Entry::HalfWay(_) => Err(Fault::CodeNeeded),
    }
}

/// Checks a login by e-mail or user name, and notes it in the account's audit log. Takes as long for an
/// unknown account as for a wrong password, and says the same. A code that came along is checked too.
///
/// # Errors
/// `WrongPassword`, `WrongCode`, or `TooMany` attempts.
pub async fn enter(
    dumont: &Dumont,
    asked: LoginRequest,
    client: &Client,
    with: Credential,
) -> Result<Entry, Fault> {
    let named = |name: Option<String>| name.filter(|name| !name.trim().is_empty());
    let Some(name) = named(asked.email).or_else(|| named(asked.username)) else {
        return Err(Fault::field("email", "required", "an e-mail or a user name is required"));
    };
    attempts::shed(dumont, client)?;
    let found = dumont.store.users().by_login(name.trim()).await?;
    let knock = attempts::knock(dumont, &name, found.as_ref(), client).await?;
    // One that is not heard costs the same work, and fits nothing.
    let stored = found.as_ref().filter(|_| knock.heard).map(|login| login.password_hash.clone());
    let fits = dumont.passwords.fits(SecretString::from(asked.password), stored).await?;
    match found {
        Some(login) if fits => {
            attempts::right(dumont, &name, client, &knock).await?;
            past_the_password(dumont, login, asked.code, client, with).await
        }
        Some(login) => {
            let actor = Actor::at_the_door(&login.user.id, with, client);
            let why = if knock.heard { "wrong_password" } else { "too_many" };
            audit::note(dumont, &actor, Action::LogIn, None, Err(why)).await;
            tracing::info!(address = ?client.address, "login refused");
            Err(Fault::WrongPassword)
        }
        None => {
            attempts::wrong(dumont, &knock).await?;
            tracing::info!(address = ?client.address, "login refused");
            Err(Fault::WrongPassword)
        }
    }
}

async fn past_the_password(
    dumont: &Dumont,
    login: Login,
    code: Option<String>,
    client: &Client,
    with: Credential,
) -> Result<Entry, Fault> {
    let actor = Actor::at_the_door(&login.user.id, with, client);
    if !second_factor::is_on(dumont, &login.user.id).await? {
        audit::note(dumont, &actor, Action::LogIn, None, Ok(())).await;
        return Ok(Entry::In(login.user));
    }
    match code.filter(|code| !code.trim().is_empty()) {
        Some(code) => {
            let step = Step { proof: Proof::Code(code), holder: "" };
            second_step(dumont, login, step, client, with).await.map(Entry::In)
        }
        None => {
            // No refusal: the half of a login. Whoever stops here has the password, which is to be seen.
            audit::note(dumont, &actor, Action::BeginLogIn, None, Ok(())).await;
            let proof = proof(&login.password_hash);
            let at = dumont.now().0;
            Ok(Entry::HalfWay(HalfWay { user: login.user.id.to_string(), proof, at }))
        }
    }
}

/// What comes along in the second step of a login.
#[derive(Clone)]
pub struct Step<'s> {
    /// What proves it.
    pub proof: Proof,
    /// The handle of the session that waits; a passkey must have been used in it.
    pub holder: &'s str,
}

/// Goes on with a login that waited for its second step.
///
/// # Errors
/// `Unauthorized` where it has waited too long or the password was changed meanwhile, `WrongCode`, a passkey
/// that is not accepted, or `TooMany` attempts.
pub async fn go_on(
    dumont: &Dumont,
    half: &HalfWay,
    step: Step<'_>,
    client: &Client,
    with: Credential,
) -> Result<User, Fault> {
    let login = waiting(dumont, half).await?;
    second_step(dumont, login, step, client, with).await
}

/// The account of a login that waits for its second step.
///
/// # Errors
/// `Unauthorized` where it has waited too long or the password was changed meanwhile.
pub async fn waiting(dumont: &Dumont, half: &HalfWay) -> Result<Login, Fault> {
    let waited = dumont.now().0.saturating_sub(half.at);
    let login = match dumont.store.users().login(&UserId::new(half.user.clone())).await {
        Err(StoreError::NotFound(_)) => return Err(Fault::Unauthorized),
        found => found?,
    };
    if !(0..HALF_WAY_MS).contains(&waited) || proof(&login.password_hash) != half.proof {
        return Err(Fault::Unauthorized);
    }
    Ok(login)
}

async fn second_step(
    dumont: &Dumont,
    login: Login,
    step: Step<'_>,
    client: &Client,
    with: Credential,
) -> Result<User, Fault> {
    let user = &login.user.id;
    // Whoever knows the password from elsewhere keeps a known browser out with no wrong code.
    let from = match attempts::known(dumont, Some(&login), client).await? {
        Some(browser) => Sender::Browser(browser),
        None => Sender::Network(client.address),
    };
    let outcome = match step.proof {
        Proof::None => Err(Fault::WrongCode),
        Proof::Code(code) => second_factor::check(dumont, user, &code, &from).await,
        Proof::Passkey(used) => {
            let bearer = Bearer { user, holder: step.holder, purpose: Purpose::LogIn };
            passkeys::check(dumont, &bearer, &used, client, &from).await.map(|()| Means::Passkey)
        }
    };
    let object = outcome.as_ref().ok().and_then(|means| means.object());
    let told = outcome.as_ref().map(|_| ()).map_err(Fault::code);
    let actor = Actor::at_the_door(user, with, client);
    audit::note(dumont, &actor, Action::LogIn, object, told).await;
    outcome.map(|_| login.user)
}

fn proof(password_hash: &str) -> String {
    Sha256::digest(password_hash.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The credential of a program that logged in.
///
/// # Errors
/// The database.
pub async fn login_token(
    dumont: &Dumont,
    user: &UserId,
    client: &Client,
) -> Result<SecretString, Fault> {
    let now = dumont.now();
    let new = TokenRow {
        id: TokenId::new(Uuid::now_v7().to_string()),
        name: client.agent.clone().unwrap_or_else(|| "login".into()),
        kind: TokenKind::Login,
        scope: Scope::Admin,
        expires_at: Some(now.plus(LOGIN_TOKEN_DAYS * DAY_MS)),
        made_by: None,
        ip: client.address.map(|address| address.to_string()),
        confirmed_at: Some(now),
    };
    Ok(dumont.store.tokens().create(user, &new, now).await?)
}

/// Makes an API token for someone who has just confirmed who they are.
///
/// # Errors
/// As [`create_token`], and a credential that was not confirmed.
pub async fn mint(dumont: &Dumont, who: &Identity, asked: NewToken) -> Result<CreatedToken, Fault> {
    confirm::require(dumont, who)?;
    create_token(dumont, &who.user, asked, Some(who.via.handle())).await
}

/// Makes an API token; the answer is the only one that ever holds it. `made_by` is the handle of the
/// credential that asks, and `None` for the command line.
///
/// # Errors
/// A name that is empty or too long, or an end that has passed or is told twice.
pub async fn create_token(
    dumont: &Dumont,
    user: &UserId,
    asked: NewToken,
    made_by: Option<&str>,
) -> Result<CreatedToken, Fault> {
    let name = domain::name::name(&asked.name).map_err(|error| Fault::name("name", error))?;
    let now = dumont.now();
    if asked.expires_at.is_some_and(|at| at.0 <= now) {
        return Err(Fault::field("expires_at", "in_the_past", "must be in the future"));
    }
    if asked.expires_at.is_some() && asked.never_expires {
        return Err(Fault::field("never_expires", "contradiction", "can't be beside expires_at"));
    }
    let default = now.plus(API_TOKEN_DAYS * DAY_MS);
    let new = TokenRow {
        id: TokenId::new(Uuid::now_v7().to_string()),
        name,
        kind: TokenKind::Api,
        scope: asked.scope,
        expires_at: match asked.expires_at {
            _ if asked.never_expires => None,
            Some(at) => Some(at.0),
            None => Some(default),
        },
        made_by: made_by.map(str::to_owned),
        ip: None,
        confirmed_at: None,
    };
    let plain = dumont.store.tokens().create(user, &new, now).await?;
    let made = dumont.store.tokens().list(user).await?.into_iter().find(|row| row.id == new.id);
    let info = made.as_ref().map(token_view).ok_or(Fault::NotFound("token"))?;
    Ok(CreatedToken { token: plain.expose_secret().to_owned(), info })
}

/// The API tokens of an account; those of logins are among the sessions.
///
/// # Errors
/// The database.
pub async fn tokens(dumont: &Dumont, user: &UserId) -> Result<Tokens, Fault> {
    let rows = dumont.store.tokens().list(user).await?;
    let tokens: Vec<Token> =
        rows.iter().filter(|row| row.kind == TokenKind::Api).map(token_view).collect();
    Ok(Tokens { count: tokens.len(), tokens })
}

/// Revokes a token. What it keeps open ends.
///
/// # Errors
/// `NotFound`.
pub async fn revoke_token(dumont: &Dumont, user: &UserId, id: &TokenId) -> Result<(), Fault> {
    dumont.store.tokens().revoke(user, id, dumont.now()).await?;
    ended(dumont, user).await;
    Ok(())
}

/// Tells everything that a credential of this user keeps open to look whether it still may.
pub async fn ended(dumont: &Dumont, user: &UserId) {
    dumont.doorbell(user, ACCESS_DOORBELL, "").await;
}

fn token_view(row: &store::Token) -> Token {
    Token {
        id: row.id.to_string(),
        name: domain::name::shown(&row.name),
        scope: row.scope,
        last4: row.last4.clone(),
        created_at: row.created_at.into(),
        last_used_at: row.last_used_at.map(Time),
        expires_at: row.expires_at.map(Time),
    }
}

/// The logins of an account, last used first: browsers, and programs by the API.
///
/// # Errors
/// The database.
pub async fn sessions(dumont: &Dumont, user: &UserId, via: &Via) -> Result<Sessions, Fault> {
    let now = dumont.now();
    let browsers = dumont.store.sessions().list(user, now).await?.into_iter().map(|row| Session {
        kind: SessionKind::Browser,
        current: via.handle() == row.id,
        id: row.id,
        created_at: row.created_at.into(),
        last_seen_at: Some(row.last_seen_at.into()),
        expires_at: row.expires_at.into(),
        user_agent: row.user_agent.as_deref().map(|name| domain::name::shown_within(name, 200)),
        ip: row.ip,
    });
    let rows = dumont.store.tokens().list(user).await?;
    let programs = rows.into_iter().filter_map(|row| {
        let expires_at = row.expires_at.filter(|at| *at > now)?;
        (row.kind == TokenKind::Login).then(|| Session {
            kind: SessionKind::Api,
            current: via.handle() == row.id.as_str(),
            id: row.id.to_string(),
            created_at: row.created_at.into(),
            last_seen_at: Some(row.last_used_at.unwrap_or(row.created_at).into()),
            expires_at: expires_at.into(),
            user_agent: Some(domain::name::shown_within(&row.name, 200)),
            ip: row.ip,
        })
    });
    let mut sessions: Vec<Session> = browsers.chain(programs).collect();
    sessions.sort_by_key(|one| std::cmp::Reverse(one.last_seen_at.map(|at| at.0)));
    Ok(Sessions { count: sessions.len(), sessions })
}

/// Ends one login. What it keeps open ends.
///
/// # Errors
/// `NotFound`.
pub async fn revoke_session(dumont: &Dumont, user: &UserId, id: &str) -> Result<(), Fault> {
    match dumont.store.sessions().revoke(user, id).await {
        Err(StoreError::NotFound(what)) => {
            let rows = dumont.store.tokens().list(user).await?;
            let login =
                rows.iter().find(|row| row.kind == TokenKind::Login && row.id.as_str() == id);
            let login = login.ok_or(Fault::NotFound(what))?;
            dumont.store.tokens().revoke(user, &login.id, dumont.now()).await?;
        }
        other => other?,
    }
    ended(dumont, user).await;
    Ok(())
}

/// Changes the password and ends every other login, and every API token that another login made.
///
/// # Errors
/// The old password is wrong, or the new one can't be accepted.
pub async fn change_password(
    dumont: &Dumont,
    who: &Identity,
    asked: ChangePassword,
    client: &Client,
) -> Result<(), Fault> {
    let current = SecretString::from(asked.current_password);
    let (proof, purpose) = (Proof::of(asked.code, asked.passkey), PasskeyUse::ChangePassword);
    confirm::check(dumont, who, "current_password", current, proof, purpose, client).await?;
    let keep = Some(who.via.handle());
    set_password(dumont, &who.user, "new_password", asked.new_password.into(), keep).await
}

/// Sets a password and ends every login but `keep`, the handle of the one that it came by.
///
/// # Errors
/// The password can't be accepted; it is told under the name `field`.
pub async fn set_password(
    dumont: &Dumont,
    user: &UserId,
    field: &str,
    password: SecretString,
    keep: Option<&str>,
) -> Result<(), Fault> {
    let hash = hash(dumont, user, field, password).await?;
    dumont.store.users().set_password(user, &hash, keep, dumont.now()).await?;
    ended(dumont, user).await;
    Ok(())
}

/// The hash of a new password for an account.
///
/// # Errors
/// The password can't be accepted; it is told under the name `field`.
pub async fn hash(
    dumont: &Dumont,
    user: &UserId,
    field: &str,
    password: SecretString,
) -> Result<String, Fault> {
    let owner = dumont.store.users().get(user).await?;
    let about = [owner.email.as_str(), owner.username.as_str()];
    dumont.passwords.hash(field, password, &about).await
}
