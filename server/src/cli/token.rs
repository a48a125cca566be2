//! `dumont token …`

use clap::Subcommand;
use domain::access::Scope;
use domain::audit::Action;
use domain::time::DAY_MS;
use domain::view::Time;
use domain::view::account::NewToken;

use super::{account, noted, say};
use crate::Dumont;
use crate::service::auth;

/// What can be done with API tokens.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an API token and print it, for the only time
    Create {
        /// E-mail address of the account
        #[arg(long)]
        email: String,
        /// What the token is for
        #[arg(long)]
        name: String,
        /// What it may be used for: read, operate or admin
        #[arg(long, default_value = "read")]
        scope: Scope,
        /// How many days it works
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3_650))]
        days: u16,
        /// Let it work until it is revoked
        #[arg(long, conflicts_with = "days")]
        never_expires: bool,
    },
}

pub(super) async fn run(dumont: &Dumont, command: Command) -> anyhow::Result<()> {
    let Command::Create { email, name, scope, days, never_expires } = command;
    let user = account(dumont, &email).await?;
    let end = Time(dumont.now().plus(i64::from(days) * DAY_MS));
    let expires_at = (!never_expires).then_some(end);
    let wanted = NewToken { name, scope, expires_at, never_expires };
    let made = auth::create_token(dumont, &user.id, wanted, None).await?;
    noted(dumont, &user.id, Action::CreateToken, Some(made.info.id)).await;
    say(&made.token)
}
