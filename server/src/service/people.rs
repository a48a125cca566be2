//! Who has an account here, and how somebody gets one: by an invitation. And how somebody whose
//! password is lost gets back in: by a reset link.
//!
//! Both are links that an administrator makes and hands over; Dumont sends nothing itself. A code
//! stands behind the `#` of its link, which a browser never sends: it is in no log, no history of a
//! proxy and no `Referer`, and reaches the server in the body of the form alone.

use domain::access::AccountRole;
use domain::audit::{Action, Credential};
use domain::id::UserId;
use domain::time::{DAY_MS, HOUR_MS, Millis};
use domain::view::people::{
    Account, Accounts, Invitation, InvitationState, Invitations, JoinRequest, MadeLink,
    NewInvitation, ResetRequest,
};
use secrecy::{ExposeSecret as _, SecretString};
use store::{Link, LinkKind, NewLink, StoreError, User};
use uuid::Uuid;

use super::{account, audit, auth, confirm};
use crate::http::client::Client;
use crate::http::identity::Identity;
use crate::service::audit::Actor;
use crate::{Dumont, Fault};

/// How long an invitation opens where nothing else was asked for, days.
const INVITATION_DAYS: i64 = 7;
/// How long a reset link opens.
pub const RESET_MS: i64 = HOUR_MS;
/// Invitations that the list shows.
const SHOWN: i64 = 200;

/// Lets through whoever runs the install.
///
/// # Errors
/// `Forbidden` for every other account.
async fn administrator(dumont: &Dumont, user: &UserId) -> Result<User, Fault> {
    let user = dumont.store.users().get(user).await?;
    if user.role >= AccountRole::Administrator {
        return Ok(user);
    }
    let message = "this is for the administrator of this install";
    Err(Fault::Forbidden { code: "not_administrator", message })
}

/// The accounts of the install.
///
/// # Errors
/// Whoever asks does not run it.
pub async fn accounts(dumont: &Dumont, user: &UserId) -> Result<Accounts, Fault> {
    administrator(dumont, user).await?;
    let rows = dumont.store.users().all().await?;
    let accounts: Vec<Account> = rows
        .into_iter()
        .map(|row| Account {
            id: row.id.to_string(),
            email: row.email,
            username: row.username,
            role: row.role,
            created_at: row.created_at.into(),
        })
        .collect();
    Ok(Accounts { count: accounts.len(), accounts })
}

/// The invitations of the install.
///
/// # Errors
/// Whoever asks does not run it.
pub async fn invitations(dumont: &Dumont, user: &UserId) -> Result<Invitations, Fault> {
    administrator(dumont, user).await?;
    let now = dumont.now();
    let rows = dumont.store.access_links().invitations(SHOWN).await?;
    let invitations: Vec<Invitation> = rows.into_iter().map(|row| view(row, now)).collect();
    Ok(Invitations { count: invitations.len(), invitations })
}

fn view(row: Link, now: Millis) -> Invitation {
    let state = if row.used_at.is_some() {
        InvitationState::Accepted
    } else if row.revoked_at.is_some() {
        InvitationState::Revoked
    } else if row.expires_at <= now {
        InvitationState::Expired
    } else {
        InvitationState::Open
    };
    Invitation {
        id: row.id,
        note: row.note.as_deref().map(domain::name::shown),
        state,
        made_by: row.made_by,
        accepted_by: row.username,
        created_at: row.created_at.into(),
        expires_at: row.expires_at.into(),
    }
}

/// Makes an invitation, for someone who runs the install and has just confirmed who they are.
///
/// # Errors
/// Neither of these, a note or a time that can't be accepted, or too many are open.
pub async fn invite(
    dumont: &Dumont,
    who: &Identity,
    asked: NewInvitation,
    site: &str,
) -> Result<MadeLink, Fault> {
    administrator(dumont, &who.user).await?;
    confirm::require(dumont, who)?;
    make_invitation(dumont, Some(&who.user), asked, site).await
}

/// Makes an invitation; `made_by` is none for the command line.
///
/// # Errors
/// As [`invite`], of what is asked for.
pub async fn make_invitation(
    dumont: &Dumont,
    made_by: Option<&UserId>,
    asked: NewInvitation,
    site: &str,
) -> Result<MadeLink, Fault> {
    let note = asked.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    let note = note.map(domain::name::name).transpose();
    let note = note.map_err(|error| Fault::name("note", error))?;
    let days = asked.days.unwrap_or(INVITATION_DAYS);
    if !(1..=30).contains(&days) {
        return Err(Fault::field("days", "out_of_range", "must be 1 to 30"));
    }
    let new = NewLink {
        id: Uuid::now_v7().to_string(),
        kind: LinkKind::Invitation,
        note,
        made_by: made_by.cloned(),
        user: None,
        expires_at: dumont.now().plus(days * DAY_MS),
    };
    make(dumont, &new, site, "join").await
}

async fn make(dumont: &Dumont, new: &NewLink, site: &str, page: &str) -> Result<MadeLink, Fault> {
    let code = match dumont.store.access_links().create(new, dumont.now()).await {
        Err(StoreError::Conflict(_)) => {
            let message = "as many invitations are open as there may be; revoke some first";
            return Err(Fault::conflict("too_many_invitations", message));
        }
        other => other?,
    };
    let code = code.expose_secret().to_owned();
    Ok(MadeLink {
        id: new.id.clone(),
        link: format!("{}/{page}#{code}", site.trim_end_matches('/')),
        code,
        expires_at: new.expires_at.into(),
    })
}

/// Takes an invitation back.
///
/// # Errors
/// Whoever asks does not run the install, or it opens no more.
pub async fn revoke(dumont: &Dumont, user: &UserId, id: &str) -> Result<(), Fault> {
    administrator(dumont, user).await?;
    Ok(dumont.store.access_links().revoke_invitation(id, dumont.now()).await?)
}

/// Makes a link that replaces the password of an account, for someone who runs the install and has
/// just confirmed who they are. It is told in that account's own audit log, with their name.
///
/// # Errors
/// Neither of these, or there is no such account.
pub async fn reset_link(
    dumont: &Dumont,
    who: &Identity,
    account: &UserId,
    site: &str,
    client: &Client,
) -> Result<MadeLink, Fault> {
    let administrator = administrator(dumont, &who.user).await?;
    confirm::require(dumont, who)?;
    let account = dumont.store.users().get(account).await?;
    let made = make_reset_link(dumont, Some(&who.user), &account.id, site).await?;
    if account.id != who.user {
        let actor = Actor::of(who, client).for_account(&account.id, &administrator.username);
        audit::note(dumont, &actor, Action::MakeResetLink, Some(account.username), Ok(())).await;
    }
    Ok(made)
}

/// Makes a link that replaces the password of an account; `made_by` is none for the command line.
///
/// # Errors
/// The database.
pub async fn make_reset_link(
    dumont: &Dumont,
    made_by: Option<&UserId>,
    account: &UserId,
    site: &str,
) -> Result<MadeLink, Fault> {
    let new = NewLink {
        id: Uuid::now_v7().to_string(),
        kind: LinkKind::PasswordReset,
        note: None,
        made_by: made_by.cloned(),
        user: Some(account.clone()),
        expires_at: dumont.now().plus(RESET_MS),
    };
    make(dumont, &new, site, "reset").await
}

/// Makes the account that an invitation is for.
///
/// # Errors
/// The code opens nothing, fields can't be accepted, a name is taken, or there were too many attempts.
pub async fn join(
    dumont: &Dumont,
    asked: JoinRequest,
    client: &Client,
    with: Credential,
) -> Result<User, Fault> {
    dumont.link_limiter.attempt(client.address)?;
    let links = dumont.store.access_links();
    let found = links.open(LinkKind::Invitation, &asked.code, dumont.now()).await?;
    found.ok_or_else(no_link)?;
    let password = SecretString::from(asked.password);
    let new = account::prepare(dumont, &asked.email, &asked.username, password).await?;
    let user = match links.accept(&asked.code, &new, dumont.now()).await {
        Err(StoreError::Stale { .. }) => return Err(no_link()),
        other => other.map_err(account::refused)?,
    };
    let actor = Actor::at_the_door(&user.id, with, client);
    audit::note(dumont, &actor, Action::CreateAccount, None, Ok(())).await;
    Ok(user)
}

/// Replaces a password by a reset link and ends every login of the account. Nobody is logged in by
/// that: what else a login asks for it still asks for.
///
/// # Errors
/// The code opens nothing, the password can't be accepted, or there were too many attempts.
pub async fn reset(
    dumont: &Dumont,
    asked: ResetRequest,
    client: &Client,
    with: Credential,
) -> Result<(), Fault> {
    dumont.link_limiter.attempt(client.address)?;
    let links = dumont.store.access_links();
    let found = links.open(LinkKind::PasswordReset, &asked.code, dumont.now()).await?;
    let of = found.and_then(|link| link.user).ok_or_else(no_link)?;
    let hash = auth::hash(dumont, &of, "new_password", asked.new_password.into()).await?;
    let user = match links.reset(&asked.code, &hash, dumont.now()).await {
        Err(StoreError::Stale { .. }) => return Err(no_link()),
        other => other?,
    };
    let actor = Actor::at_the_door(&user, with, client);
    audit::note(dumont, &actor, Action::ResetPassword, None, Ok(())).await;
    auth::ended(dumont, &user).await;
    Ok(())
}

/// The same for a code that never was, was used, was taken back, or is over.
fn no_link() -> Fault {
    let why =
        "opens nothing: it was used, taken back or replaced, its time is over, or it is not whole";
    Fault::field("code", "no_link", why)
}
