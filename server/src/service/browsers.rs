//! Browsers that an account knows: made known by a login, forgotten by its owner, by time, and by a
//! new password.

use domain::id::UserId;
use domain::time::DAY_MS;
use domain::view::access::{Browser, Browsers};
use secrecy::SecretString;
use store::BrowserVisit;

use crate::http::browser::DAYS;
use crate::http::client::Client;
use crate::{Dumont, Fault};

/// Makes the browser that has just logged in known; the value that it shall keep from now on.
///
/// # Errors
/// The database.
pub async fn remember(
    dumont: &Dumont,
    user: &UserId,
    client: &Client,
) -> Result<SecretString, Fault> {
    let now = dumont.now();
    let visit = BrowserVisit {
        had: client.browser.as_deref(),
        user_agent: client.agent.as_deref(),
        ip: client.address.map(|address| address.to_string()),
    };
    let until = now.plus(DAYS.saturating_mul(DAY_MS));
    Ok(dumont.store.browsers().remember(user, &visit, until, now).await?)
}

/// The browsers that an account knows.
///
/// # Errors
/// The database.
pub async fn list(dumont: &Dumont, user: &UserId, client: &Client) -> Result<Browsers, Fault> {
    let now = dumont.now();
    let here = match &client.browser {
        Some(cookie) => dumont.store.browsers().find(cookie, now).await?,
        None => Vec::new(),
    };
    let rows = dumont.store.browsers().list(user, now).await?;
    let browsers: Vec<Browser> = rows
        .into_iter()
        .map(|row| Browser {
            current: here.iter().any(|one| one.id == row.id),
            id: row.id,
            created_at: row.created_at.into(),
            last_used_at: row.last_used_at.into(),
            user_agent: row.user_agent.as_deref().map(|name| domain::name::shown_within(name, 200)),
            ip: row.ip,
        })
        .collect();
    Ok(Browsers { count: browsers.len(), browsers })
}

/// Forgets a browser: it is a stranger's from then on. Its login, where it has one, goes on.
///
/// # Errors
/// `NotFound`.
pub async fn forget(dumont: &Dumont, user: &UserId, id: &str) -> Result<(), Fault> {
    Ok(dumont.store.browsers().forget(user, id).await?)
}
