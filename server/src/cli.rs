//! The command line. Each subcommand uses the same services as the pages and the API.

mod credentials;
mod doctor;
mod token;
mod user;

use std::io::Write as _;

use clap::{Parser, Subcommand};
use domain::audit::Action;
use domain::id::UserId;
use tokio_util::sync::CancellationToken;

use crate::config::{Common, Serving};
use crate::dumont::Site;
use crate::service::audit::{self, Actor};
use crate::service::setup::SetupToken;
use crate::{Dumont, serve, telemetry};

/// Keeps rented GPUs survivable: standby, failover, proof.
#[derive(Debug, Parser)]
#[command(name = "dumont", version, propagate_version = true)]
pub struct Cli {
    /// Where data is kept and who the providers are.
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(Serving),
    /// Say what is configured, reachable and missing
    Doctor,
    /// Accounts
    #[command(subcommand)]
    User(user::Command),
    /// API tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Provider credentials
    #[command(subcommand)]
    Credentials(credentials::Command),
    /// Replace the master key and seal every secret again under the new one
    RotateKey,
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// It could not be done; the error says why.
    pub async fn run(self) -> anyhow::Result<()> {
        let common = self.common;
        if let Command::Serve(serving) = self.command {
            telemetry::log("info,sqlx=warn,tower_sessions=warn,tower_sessions_core=warn");
            return serve::run(common, serving).await;
        }
        telemetry::log("warn");
        if matches!(self.command, Command::Doctor) {
            return doctor::run(&common).await;
        }
        let dumont = open(&common).await?;
        let outcome = match self.command {
            Command::Serve(_) | Command::Doctor => Ok(()),
            Command::User(command) => user::run(&dumont, command).await,
            Command::Token(command) => token::run(&dumont, command).await,
            Command::Credentials(command) => credentials::run(&dumont, command).await,
            Command::RotateKey => rotate(&dumont).await,
        };
        dumont.store.close().await;
        outcome
    }
}

/// The control plane without a server and without a running engine.
async fn open(common: &Common) -> anyhow::Result<Dumont> {
    serve::open(common, site(common), CancellationToken::new()).await
}

/// Of a command that serves nobody.
fn site(common: &Common) -> Site {
    Site {
        public_url: None,
        secure: false,
        sandbox: common.sandbox(),
        setup: SetupToken::random(),
        hosts: Vec::new(),
        trust_proxy: false,
    }
}

async fn rotate(dumont: &Dumont) -> anyhow::Result<()> {
    let changed = dumont.store.rotate_key_file().await?;
    say(&format!("the master key is replaced; {changed} secrets are sealed under the new one"))
}

/// A line on the standard output.
fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// Notes in the account's audit log what was done here.
async fn noted(dumont: &Dumont, user: &UserId, action: Action, object: Option<String>) {
    audit::note(dumont, &Actor::command_line(user), action, object, Ok(())).await;
}

/// The account with an e-mail address.
async fn account(dumont: &Dumont, email: &str) -> anyhow::Result<store::User> {
    let found = dumont.store.users().by_login(email).await?;
    found.map(|login| login.user).ok_or_else(|| anyhow::anyhow!("there is no account {email}"))
}
