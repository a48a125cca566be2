//! `dumont credentials …`

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use domain::audit::Action;
use domain::view::settings::{SecretStatus, SettingsUpdate};
use serde_json::Value;

use super::{account, noted, say};
use crate::Dumont;
use crate::service::settings;

/// What can be done with provider credentials.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Try credentials at their provider and store them sealed
    Set {
        /// E-mail address of the account
        #[arg(long)]
        email: String,
        /// File that holds a Vast.ai API key
        #[arg(long)]
        vast_key_file: Option<PathBuf>,
        /// Service-account JSON file
        #[arg(long)]
        gcp_file: Option<PathBuf>,
    },
}

pub(super) async fn run(dumont: &Dumont, command: Command) -> anyhow::Result<()> {
    let Command::Set { email, vast_key_file, gcp_file } = command;
    if vast_key_file.is_none() && gcp_file.is_none() {
        bail!("name a file: --vast-key-file or --gcp-file");
    }
    let user = account(dumont, &email).await?;
    let read =
        |path: PathBuf| std::fs::read_to_string(&path).with_context(|| path.display().to_string());
    let asked = SettingsUpdate {
        vast_api_key: vast_key_file.map(read).transpose()?.map(Some),
        gcp_credentials: gcp_file.map(read).transpose()?.map(|text| Some(Value::String(text))),
        ..SettingsUpdate::default()
    };
    let subject = settings::subject(&asked);
    let saved = settings::put(dumont, &user.id, asked).await?;
    noted(dumont, &user.id, Action::ChangeSettings, Some(subject)).await;
    say(&line("vast_api_key", &saved.vast_api_key))?;
    say(&line("gcp_credentials", &saved.gcp_credentials))
}

pub(super) fn line(name: &str, found: &SecretStatus) -> String {
    let account =
        found.account.as_deref().map(|account| format!(" ({account})")).unwrap_or_default();
    let message =
        found.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
    format!("{name}: {}{account}{message}", found.status)
}
