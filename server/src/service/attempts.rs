//! How often somebody may try to get into an account, so that strangers can't guess and can't lock its
//! owner out either.
//!
//! Wrong tries on an account count by the network that they come from, and all networks together have
//! a bound as well. They are counted in the database, under the account itself: whether it was called
//! by its user name or its e-mail is the same, and several processes count together. A browser that the
//! account has logged in with before is asked for nothing of this; it has a bound of its own.
//!
//! Where such a bound is reached, the answer is the one to a wrong password, after the same work: it
//! would tell otherwise which name and which e-mail are one account, and which names are none. What a
//! stranger is told to wait for is the bound of the name as it was typed, in this process' memory.

use std::net::IpAddr;

use domain::id::UserId;
use store::{Attempt, Bucket, Login};

use crate::http::client::Client;
use crate::http::limit::{Bound, neighbourhood, too_many};
use crate::{Dumont, Fault};

/// A login's way past the bounds.
#[derive(Debug)]
pub struct Knock {
    /// Whether the password is looked at; where not, it counts as wrong.
    pub heard: bool,
    /// The row of the browser, where the account knows it.
    pub browser: Option<String>,
    alone: Bucket,
    together: Option<Bucket>,
}

/// Spares us the work of a flood, before anything is looked up. Who says that it is known has to be
/// looked up first.
///
/// # Errors
/// `TooMany`.
pub fn shed(dumont: &Dumont, client: &Client) -> Result<(), Fault> {
    if client.browser.is_some() {
        return Ok(());
    }
    dumont.limiter.address(client.address, dumont.now())
}

/// Counts a login with a name, and the account that has it, if one does.
///
/// # Errors
/// `TooMany`, or the database.
pub async fn knock(
    dumont: &Dumont,
    name: &str,
    found: Option<&Login>,
    client: &Client,
) -> Result<Knock, Fault> {
    let (limiter, limits, now) = (&dumont.limiter, dumont.limiter.limits, dumont.now());
    if let Some(browser) = known(dumont, found, client).await? {
        let alone = limits.per_browser.bucket(format!("browser/{browser}"));
        spend(dumont, &alone).await?;
        return Ok(Knock { heard: true, browser: Some(browser), alone, together: None });
    }
    if client.browser.is_some() {
        limiter.address(client.address, now)?;
    }
    limiter.name(client.address, name, now)?;
    let account =
        found.map_or_else(|| limiter.nobody(name), |login| login.user.id.as_str().to_owned());
    let network = client.address.map(neighbourhood);
    let network = network.map_or_else(|| "unknown".to_owned(), |network| network.to_string());
    let alone = limits.per_network.bucket(format!("network/{account}/{network}"));
    let together = limits.per_account.bucket(format!("account/{account}"));
    let both = [alone.clone(), together.clone()];
    let heard = dumont.store.attempts().take(&both, now).await? == Attempt::Through;
    Ok(Knock { heard, browser: None, alone, together: Some(together) })
}

/// Takes back what was counted of a login whose password was right.
///
/// # Errors
/// The database.
pub async fn right(
    dumont: &Dumont,
    name: &str,
    client: &Client,
    knock: &Knock,
) -> Result<(), Fault> {
    dumont.limiter.forget_name(client.address, name);
    dumont.store.attempts().forget(&knock.alone.name).await?;
    if let Some(together) = &knock.together {
        dumont.store.attempts().give_back(together).await?;
    }
    Ok(())
}

/// Does of a login that was wrong what is done of one whose account there is, so that neither takes
/// longer.
///
/// # Errors
/// The database.
pub async fn wrong(dumont: &Dumont, knock: &Knock) -> Result<(), Fault> {
    let nothing = Bound { burst: 1, every_ms: 0 }.bucket(knock.alone.name.clone());
    dumont.store.attempts().give_back(&nothing).await?;
    Ok(())
}

/// The row of the browser that asks, where the account knows it.
///
/// # Errors
/// The database.
pub async fn known(
    dumont: &Dumont,
    found: Option<&Login>,
    client: &Client,
) -> Result<Option<String>, Fault> {
    let Some(cookie) = &client.browser else { return Ok(None) };
    let rows = dumont.store.browsers().find(cookie, dumont.now()).await?;
    let row = rows.into_iter().find(|row| found.is_some_and(|login| login.user.id == row.user));
    Ok(row.map(|row| row.id))
}

/// Who sends the code of a second factor: the password was right already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// A browser that the account knows, by its row.
    Browser(String),
    /// Whoever is logged in, by the handle of the session or token.
    Credential(String),
    /// Anybody else, from this address.
    Network(Option<IpAddr>),
}

/// Where the code of a second factor was counted.
#[derive(Debug)]
pub struct CodeCount {
    alone: Bucket,
    together: Option<Bucket>,
}

/// Counts a code: by who sends it, and all strangers together, since six digits are soon guessed from
/// many networks.
///
/// # Errors
/// `TooMany`, or the database.
pub async fn code(dumont: &Dumont, user: &UserId, from: &Sender) -> Result<CodeCount, Fault> {
    let limits = dumont.limiter.limits;
    let (by, together) = match from {
        Sender::Browser(row) => (format!("browser/{row}"), None),
        Sender::Credential(handle) => (format!("credential/{handle}"), None),
        Sender::Network(address) => {
            let network = address.map(neighbourhood);
            let network = network.map_or_else(|| "unknown".to_owned(), |at| at.to_string());
            (network, Some(limits.codes_together.bucket(format!("codes/{user}"))))
        }
    };
    let alone = limits.per_code.bucket(format!("code/{user}/{by}"));
    let counted = CodeCount { alone, together };
    let buckets: Vec<Bucket> =
        std::iter::once(&counted.alone).chain(&counted.together).cloned().collect();
    match dumont.store.attempts().take(&buckets, dumont.now()).await? {
        Attempt::Through => Ok(counted),
        Attempt::Wait(wait_ms) => Err(too_many(wait_ms)),
    }
}

/// Counts a passkey by who sends it. Nobody guesses one: this spares us the work, and what many strangers send
/// keeps its holder from nothing.
///
/// # Errors
/// `TooMany`, or the database.
pub async fn passkey(dumont: &Dumont, user: &UserId, from: &Sender) -> Result<Bucket, Fault> {
    let by = match from {
        Sender::Browser(row) => format!("browser/{row}"),
        Sender::Credential(handle) => format!("credential/{handle}"),
        Sender::Network(address) => {
            address.map(neighbourhood).map_or_else(|| "unknown".to_owned(), |at| at.to_string())
        }
    };
    let bucket = dumont.limiter.limits.per_code.bucket(format!("passkey/{user}/{by}"));
    spend(dumont, &bucket).await?;
    Ok(bucket)
}

impl CodeCount {
    /// Takes back what was counted of a code that was right.
    ///
    /// # Errors
    /// The database.
    pub async fn right(&self, dumont: &Dumont) -> Result<(), Fault> {
        let attempts = dumont.store.attempts();
        attempts.forget(&self.alone.name).await?;
        if let Some(together) = &self.together {
            attempts.give_back(together).await?;
        }
        Ok(())
    }
}

/// Counts a try of someone who is told when it is one too many.
///
/// # Errors
/// `TooMany`, or the database.
pub async fn spend(dumont: &Dumont, bucket: &Bucket) -> Result<(), Fault> {
    match dumont.store.attempts().take(std::slice::from_ref(bucket), dumont.now()).await? {
        Attempt::Through => Ok(()),
        Attempt::Wait(wait_ms) => Err(too_many(wait_ms)),
    }
}
