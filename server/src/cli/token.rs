//! `dumont token …`

use clap::Subcommand;
use domain::view::account::NewToken;

use super::{account, say};
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
    },
}

pub(super) async fn run(dumont: &Dumont, command: Command) -> anyhow::Result<()> {
    let Command::Create { email, name } = command;
    let user = account(dumont, &email).await?;
    let made = auth::create_token(dumont, &user.id, NewToken { name, expires_at: None }).await?;
    say(&made.token)
}
