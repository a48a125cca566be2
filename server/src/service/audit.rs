//! The audit log: who did what, with what, from where, and what came of it.
//!
//! A row is written when the act is over, done or refused, by the one place that each way in has:
//! the API's guard, the pages' control plane, the login, the command line. It names what was acted on
//! by id or name, and holds nothing that was typed.

use std::fmt::Write as _;

use domain::audit::{Action, Area, Credential, Outcome};
use domain::id::UserId;
use domain::view::audit::{AuditEntry, AuditLog, AuditQuery};
use store::{AuditPage, AuditRow, TokenKind};
use uuid::Uuid;

use super::report::quoted;
use super::whose::Through;
use crate::http::client::Client;
use crate::http::identity::{Identity, Via};
use crate::{Dumont, Fault};

/// Most characters of what was acted on.
const OBJECT: usize = 200;
/// Rows on a page where nothing else was asked for.
const PAGE: i64 = 50;
/// How long a refusal of another account that was noted is not noted again.
const AGAIN_MS: i64 = 60_000;
/// Rows that an export holds at most.
const EXPORT: i64 = 50_000;

/// Who acts.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The account.
    pub user: UserId,
    /// With what.
    pub credential: Credential,
    /// The credential's name.
    pub name: Option<String>,
    /// From where; none on the command line.
    pub client: Option<Client>,
    /// The name of whoever acts, where it is not the account itself.
    pub by: Option<String>,
}

impl Actor {
    /// Whoever asks over HTTP.
    #[must_use]
    pub fn of(who: &Identity, client: &Client) -> Self {
        let credential = match &who.via {
            Via::Session(_) => Credential::Session,
            Via::Token(_, TokenKind::Login) => Credential::Login,
            Via::Token(_, TokenKind::Api) => Credential::ApiToken,
        };
        Self {
            user: who.user.clone(),
            credential,
            name: who.name.clone(),
            client: Some(client.clone()),
            by: None,
        }
    }

    /// The same, told in the log of another account that it concerns.
    #[must_use]
    pub fn for_account(self, account: &UserId, by: &str) -> Self {
        Self { user: account.clone(), by: Some(by.to_owned()), ..self }
    }

    /// Whoever names this account in a login, which may be anyone.
    #[must_use]
    pub fn at_the_door(user: &UserId, credential: Credential, client: &Client) -> Self {
        Self { user: user.clone(), credential, name: None, client: Some(client.clone()), by: None }
    }

    /// Whoever may run the command line on the server.
    #[must_use]
    pub fn command_line(user: &UserId) -> Self {
        let credential = Credential::CommandLine;
        Self { user: user.clone(), credential, name: None, client: None, by: None }
    }
}

/// Notes what somebody did, or why it was refused. An act is over by then: failing to note it is
/// logged and undoes nothing.
pub async fn note(
    dumont: &Dumont,
    actor: &Actor,
    action: Action,
    object: Option<String>,
    outcome: Result<(), &str>,
) {
    let now = dumont.now();
    let client = actor.client.as_ref();
    let row = AuditRow {
        at: now,
        action,
        object: object.map(|text| plain(&text)).filter(|text| !text.is_empty()),
        credential: actor.credential,
        credential_name: actor.name.as_deref().map(plain),
        actor: actor.by.as_deref().map(plain),
        ip: client.and_then(|client| client.address).map(|address| address.to_string()),
        user_agent: client.and_then(|client| client.agent.as_deref()).map(plain),
        outcome: if outcome.is_ok() { Outcome::Done } else { Outcome::Refused },
        code: outcome.err().map(str::to_owned),
    };
    // What another account tries in vain, over and over, fills nobody's log.
    if row.actor.is_some() && row.outcome == Outcome::Refused {
        let since = now.plus(-AGAIN_MS);
        if matches!(dumont.store.audit().was_refused(&actor.user, &row, since).await, Ok(true)) {
            return;
        }
    }
    let id = Uuid::now_v7().to_string();
    if let Err(error) = dumont.store.audit().add(&actor.user, &id, &row).await {
        let user = &actor.user;
        tracing::error!(%error, %user, %action, "an act was not noted in the audit log");
    }
}

/// The same of an act on what may be another account's: then it is in the logs of both, in the owner's with
/// the name of whoever acted, in theirs with the owner's before what it was done to.
pub async fn note_shared(
    dumont: &Dumont,
    actor: &Actor,
    action: Action,
    object: Option<String>,
    outcome: Result<(), &str>,
    shared: Option<(UserId, Through)>,
) {
    let Some((owner, through)) = shared else {
        return note(dumont, actor, action, object, outcome).await;
    };
    let theirs = actor.clone().for_account(&owner, &through.by);
    note(dumont, &theirs, action, object.clone(), outcome).await;
    let object = object.map(|object| format!("{}/{object}", through.owner_name));
    note(dumont, actor, action, object, outcome).await;
}

/// Without characters that change how the line reads, and not too long.
fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !c.is_control() && !turns(*c)).take(OBJECT).collect()
}

/// A part of an account's log, newest first.
///
/// # Errors
/// An area that there is not, or a limit out of range.
pub async fn page(dumont: &Dumont, user: &UserId, query: &AuditQuery) -> Result<AuditLog, Fault> {
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=200).contains(&limit) {
        return Err(Fault::field("limit", "out_of_range", "must be 1 to 200"));
    }
    // One more than asked for says whether there are older ones.
    let wanted = AuditPage {
        area: area(query)?,
        before: query.before.clone(),
        limit: limit.saturating_add(1),
    };
    let mut rows = dumont.store.audit().list(user, &wanted).await?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > asked;
    rows.truncate(asked);
    let next_before = rows.last().filter(|_| more).map(|(id, _)| id.clone());
    let entries = rows.into_iter().map(|(id, row)| view(id, row)).collect();
    Ok(AuditLog { entries, next_before })
}

/// The whole log as CSV, newest first.
///
/// # Errors
/// An area that there is not.
pub async fn csv(dumont: &Dumont, user: &UserId, query: &AuditQuery) -> Result<String, Fault> {
    let wanted = AuditPage { area: area(query)?, before: query.before.clone(), limit: EXPORT };
    let rows = dumont.store.audit().list(user, &wanted).await?;
    let mut text = String::from(
        "at,action,area,object,credential,credential_name,ip,user_agent,outcome,code,actor\n",
    );
    for (_, row) in rows {
        let maybe = |cell: Option<String>| cell.unwrap_or_default();
        let cells = [
            row.at.rfc3339(),
            row.action.to_string(),
            row.action.area().to_string(),
            maybe(row.object),
            row.credential.to_string(),
            maybe(row.credential_name),
            maybe(row.ip),
            maybe(row.user_agent),
            row.outcome.to_string(),
            maybe(row.code),
            maybe(row.actor),
        ];
        let line: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        let _ = writeln!(text, "{}", line.join(","));
    }
    Ok(text)
}

fn area(query: &AuditQuery) -> Result<Option<Area>, Fault> {
    let named = query.area.as_deref().filter(|word| !word.is_empty());
    named.map(str::parse).transpose().map_err(|_| {
        let known: Vec<&str> = Area::ALL.iter().map(|area| area.as_str()).collect();
        Fault::field("area", "unknown", format!("must be one of {}", known.join(", ")))
    })
}

fn view(id: String, row: AuditRow) -> AuditEntry {
    AuditEntry {
        id,
        at: row.at.into(),
        action: row.action,
        area: row.action.area(),
        object: row.object,
        credential: row.credential,
        credential_name: row.credential_name,
        actor: row.actor,
        ip: row.ip,
        user_agent: row.user_agent,
        outcome: row.outcome,
        code: row.code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_reads_as_one_short_line() {
        assert_eq!(plain("a\nb\u{202e}c\0"), "abc");
        assert_eq!(plain(&"x".repeat(5_000)).len(), OBJECT);
    }
}
