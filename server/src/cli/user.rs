//! `dumont user …`

use std::io::Read as _;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use domain::audit::Action;
use domain::view::people::NewInvitation;
use secrecy::SecretString;
use store::StoreError;

use super::{account, noted, say};
use crate::Dumont;
use crate::service::{account as accounts, auth, people};

/// Where a server is reached that was told nothing else.
const SITE: &str = "http://127.0.0.1:8420";

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an account
    Create {
        /// E-mail address
        #[arg(long)]
        email: String,
        /// User name
        #[arg(long)]
        username: String,
        /// Read the password from the standard input; it is never an argument
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// List the accounts
    List,
    /// Print a link by which somebody makes an account, for the only time
    Invite {
        /// Whom it is for; shown in the list of invitations
        #[arg(long)]
        note: Option<String>,
        /// How many days it opens
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(1..=30))]
        days: u8,
        /// Address of the site
        #[arg(long, env = "DUMONT_PUBLIC_URL", default_value = SITE)]
        site: String,
    },
    /// Print a link by which an account gets another password within the hour, for the only time
    ResetLink {
        /// E-mail address
        #[arg(long)]
        email: String,
        /// Address of the site
        #[arg(long, env = "DUMONT_PUBLIC_URL", default_value = SITE)]
        site: String,
    },
    /// Replace a password and end the account's logins with the API tokens that they made
    SetPassword {
        /// E-mail address
        #[arg(long)]
        email: String,
        /// Read the password from the standard input; it is never an argument
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Remove the second factor of an account whose phone and recovery codes are lost
    RemoveSecondFactor {
        /// E-mail address
        #[arg(long)]
        email: String,
    },
}

pub(super) async fn run(dumont: &Dumont, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create { email, username, .. } => {
            let user = accounts::create(dumont, &email, &username, password()?, false).await?;
            noted(dumont, &user.id, Action::CreateAccount, None).await;
            say(&format!("created {} ({})", user.email, user.username))
        }
        Command::List => {
            for user in dumont.store.users().all().await? {
                say(&format!("{}\t{}\t{}", user.email, user.username, user.created_at.rfc3339()))?;
            }
            Ok(())
        }
        Command::Invite { note, days, site } => {
            let asked = NewInvitation { note, days: Some(days.into()) };
            let made = people::make_invitation(dumont, None, asked, &site).await?;
            say(&made.link)
        }
        Command::ResetLink { email, site } => {
            let user = account(dumont, &email).await?;
            let made = people::make_reset_link(dumont, None, &user.id, &site).await?;
            noted(dumont, &user.id, Action::MakeResetLink, Some(user.username)).await;
            say(&made.link)
        }
        Command::RemoveSecondFactor { email } => {
            let user = account(dumont, &email).await?;
            match dumont.store.second_factors().remove_all(&user.id).await {
                Err(StoreError::NotFound(_)) => bail!("{} has no second factor", user.email),
                other => other?,
            }
            noted(dumont, &user.id, Action::RemoveSecondFactor, None).await;
            say(&format!(
                "the second factor of {} is removed; the password alone opens it",
                user.email
            ))
        }
        Command::SetPassword { email, .. } => {
            let user = account(dumont, &email).await?;
            // No login of the account's own is kept: there is none here.
            auth::set_password(dumont, &user.id, "password", password()?, None).await?;
            noted(dumont, &user.id, Action::ChangePassword, None).await;
            say(&format!(
                "the password of {} is replaced; its logins are ended, and the API tokens that they made",
                user.email
            ))
        }
    }
}

/// The first line of the standard input.
fn password() -> anyhow::Result<SecretString> {
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text).context("the password can't be read")?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        bail!("no password came on the standard input");
    }
    Ok(SecretString::from(line.to_owned()))
}
