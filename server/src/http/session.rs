//! The browser's session: its cookie, its beginning and its end.

use std::net::IpAddr;

use domain::id::UserId;
use domain::time::Millis;
use store::{
    DbSessions, SESSION_CONFIRMED, SESSION_IP, SESSION_USER, SESSION_USER_AGENT, session_handle,
};
use time::Duration;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use super::client::Client;
use crate::service::auth::HalfWay;
use crate::{Dumont, Fault};

/// Name of the cookie.
pub const COOKIE: &str = "dumont_session";

/// Key of the session's data that holds a login that waits for its code.
const HALF_WAY: &str = "half_way";

/// How long a login lasts, days.
const DAYS: i64 = 30;

/// The layer that reads and writes the cookie.
#[must_use]
pub fn layer(dumont: &Dumont) -> SessionManagerLayer<DbSessions> {
    SessionManagerLayer::new(DbSessions::new(dumont.store.clone(), dumont.clock.clone()))
        .with_name(COOKIE)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(dumont.site.secure)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(Duration::days(DAYS)))
}

/// Logs a browser in. Its id is a new one: what was known before the login opens nothing after it.
///
/// # Errors
/// The database.
pub async fn begin(
    session: &Session,
    user: &UserId,
    client: &Client,
    now: Millis,
) -> Result<(), Fault> {
    session.cycle_id().await.map_err(fault)?;
    session.remove::<HalfWay>(HALF_WAY).await.map_err(fault)?;
    session.insert(SESSION_USER, user.as_str()).await.map_err(fault)?;
    session.insert(SESSION_USER_AGENT, client.agent.as_deref()).await.map_err(fault)?;
    session
        .insert(SESSION_IP, client.address.map(|at: IpAddr| at.to_string()))
        .await
        .map_err(fault)?;
    confirm(session, now).await
}

/// Keeps in a session that is nobody's yet that a password was right and a code is still needed.
///
/// # Errors
/// The database.
///
/// Whoever was logged in here is no longer: the tries of one login are counted together.
pub async fn wait_for_code(session: &Session, half: &HalfWay) -> Result<(), Fault> {
    session.clear().await;
    session.cycle_id().await.map_err(fault)?;
    session.insert(HALF_WAY, half).await.map_err(fault)
}

/// The login of this session that waits for its code.
///
/// # Errors
/// The database.
pub async fn half_way(session: &Session) -> Result<Option<HalfWay>, Fault> {
    session.get(HALF_WAY).await.map_err(fault)
}

/// What a session is called in the database, once it is kept there.
#[must_use]
pub fn handle(session: &Session) -> Option<String> {
    session.id().map(|id| session_handle(&id))
}

/// Notes that the user of a session has just proved to know the password.
///
/// # Errors
/// The database.
pub async fn confirm(session: &Session, now: Millis) -> Result<(), Fault> {
    session.insert(SESSION_CONFIRMED, now.0).await.map_err(fault)
}

/// Logs a browser out.
///
/// # Errors
/// The database.
pub async fn end(session: &Session) -> Result<(), Fault> {
    session.flush().await.map_err(fault)
}

fn fault(error: tower_sessions::session::Error) -> Fault {
    Fault::Internal(format!("session: {error}"))
}
