//! Logging in and out, tokens and sessions.

use domain::id::{TokenId, UserId};
use domain::time::DAY_MS;
use domain::view::Time;
use domain::view::account::{
    ChangePassword, CreatedToken, LoginRequest, NewToken, Session, Sessions, Token, Tokens,
};
use secrecy::{ExposeSecret, SecretString};
use store::{NewToken as TokenRow, TokenKind, User};
use uuid::Uuid;

use crate::http::client::Client;
use crate::http::identity::Via;
use crate::{Dumont, Fault};

/// How long a login token works, days.
const LOGIN_TOKEN_DAYS: i64 = 30;

/// Checks a login by e-mail or user name. Takes as long for an unknown account as for a wrong
/// password, and says the same.
///
/// # Errors
/// `WrongPassword`, or `TooMany` attempts.
pub async fn login(dumont: &Dumont, asked: LoginRequest, client: &Client) -> Result<User, Fault> {
    let named = |name: Option<String>| name.filter(|name| !name.trim().is_empty());
    let Some(name) = named(asked.email).or_else(|| named(asked.username)) else {
        return Err(Fault::field("email", "required", "an e-mail or a user name is required"));
    };
    dumont.limiter.attempt(client.address, &name)?;
    let found = dumont.store.users().by_login(name.trim()).await?;
    let stored = found.as_ref().map(|login| login.password_hash.clone());
    let fits = dumont.passwords.fits(SecretString::from(asked.password), stored).await?;
    match found {
        Some(login) if fits => Ok(login.user),
        _ => {
            tracing::info!(address = ?client.address, "login refused");
            Err(Fault::WrongPassword)
        }
    }
}

/// A token for a program that logged in.
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
        expires_at: Some(now.plus(LOGIN_TOKEN_DAYS * DAY_MS)),
    };
    Ok(dumont.store.tokens().create(user, &new, now).await?)
}

/// Makes an API token; the answer is the only one that ever holds it.
///
/// # Errors
/// A name that is empty or too long, or an end that has passed.
pub async fn create_token(
    dumont: &Dumont,
    user: &UserId,
    asked: NewToken,
) -> Result<CreatedToken, Fault> {
    let name = asked.name.trim();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return Err(Fault::field("name", "out_of_range", "must have 1 to 64 characters"));
    }
    let now = dumont.now();
    if asked.expires_at.is_some_and(|at| at.0 <= now) {
        return Err(Fault::field("expires_at", "in_the_past", "must be in the future"));
    }
    let new = TokenRow {
        id: TokenId::new(Uuid::now_v7().to_string()),
        name: name.to_owned(),
        kind: TokenKind::Api,
        expires_at: asked.expires_at.map(|at| at.0),
    };
    let plain = dumont.store.tokens().create(user, &new, now).await?;
    let made = dumont.store.tokens().list(user).await?.into_iter().find(|row| row.id == new.id);
    let info = made.as_ref().map(token_view).ok_or(Fault::NotFound("token"))?;
    Ok(CreatedToken { token: plain.expose_secret().to_owned(), info })
}

/// The API tokens of an account; tokens of logins are not among them.
///
/// # Errors
/// The database.
pub async fn tokens(dumont: &Dumont, user: &UserId) -> Result<Tokens, Fault> {
    let rows = dumont.store.tokens().list(user).await?;
    let tokens: Vec<Token> =
        rows.iter().filter(|row| row.kind == TokenKind::Api).map(token_view).collect();
    Ok(Tokens { count: tokens.len(), tokens })
}

/// Revokes a token.
///
/// # Errors
/// `NotFound`.
pub async fn revoke_token(dumont: &Dumont, user: &UserId, id: &TokenId) -> Result<(), Fault> {
    Ok(dumont.store.tokens().revoke(user, id, dumont.now()).await?)
}

fn token_view(row: &store::Token) -> Token {
    Token {
        id: row.id.to_string(),
        name: row.name.clone(),
        last4: row.last4.clone(),
        created_at: row.created_at.into(),
        last_used_at: row.last_used_at.map(Time),
        expires_at: row.expires_at.map(Time),
    }
}

/// The browsers that are logged in.
///
/// # Errors
/// The database.
pub async fn sessions(dumont: &Dumont, user: &UserId, via: &Via) -> Result<Sessions, Fault> {
    let rows = dumont.store.sessions().list(user, dumont.now()).await?;
    let sessions: Vec<Session> = rows
        .into_iter()
        .map(|row| Session {
            current: matches!(via, Via::Session(handle) if *handle == row.id),
            id: row.id,
            created_at: row.created_at.into(),
            last_seen_at: Some(row.last_seen_at.into()),
            expires_at: row.expires_at.into(),
            user_agent: row.user_agent,
            ip: row.ip,
        })
        .collect();
    Ok(Sessions { count: sessions.len(), sessions })
}

/// Logs one browser out.
///
/// # Errors
/// `NotFound`.
pub async fn revoke_session(dumont: &Dumont, user: &UserId, id: &str) -> Result<(), Fault> {
    Ok(dumont.store.sessions().revoke(user, id).await?)
}

/// Changes the password and ends every other login: other browsers, and tokens of logins. API
/// tokens stay; they are revoked one by one.
///
/// # Errors
/// The old password is wrong, or the new one can't be accepted.
pub async fn change_password(
    dumont: &Dumont,
    user: &UserId,
    via: &Via,
    asked: ChangePassword,
    client: &Client,
) -> Result<(), Fault> {
    let login = dumont.store.users().login(user).await?;
    dumont.limiter.attempt(client.address, &login.user.email)?;
    let current = SecretString::from(asked.current_password);
    if !dumont.passwords.fits(current, Some(login.password_hash)).await? {
        return Err(Fault::field("current_password", "wrong_password", "is wrong"));
    }
    set_password(dumont, user, "new_password", asked.new_password.into(), via).await
}

/// Sets a password and ends every login but the one it came by.
///
/// # Errors
/// The password can't be accepted; it is told under the name `field`.
pub async fn set_password(
    dumont: &Dumont,
    user: &UserId,
    field: &str,
    password: SecretString,
    via: &Via,
) -> Result<(), Fault> {
    let hash = dumont.passwords.hash(field, password).await?;
    dumont.store.users().set_password(user, &hash).await?;
    let (keep_session, keep_token) = match via {
        Via::Session(handle) => (Some(handle.as_str()), None),
        Via::Token(id, _) => (None, Some(id)),
    };
    dumont.store.sessions().revoke_others(user, keep_session).await?;
    for token in dumont.store.tokens().list(user).await? {
        if token.kind == TokenKind::Login && Some(&token.id) != keep_token {
            dumont.store.tokens().revoke(user, &token.id, dumont.now()).await?;
        }
    }
    Ok(())
}
