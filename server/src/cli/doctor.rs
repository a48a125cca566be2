//! `dumont doctor`: what is configured, reachable and missing. Changes nothing: it makes neither key
//! nor database, and leaves a schema as it is.

use std::path::Path;

use anyhow::bail;
use secrecy::SecretString;
use store::CredentialKind;

use super::{say, site};
use crate::config::Common;
use crate::{Dumont, Fault, serve};

pub(super) async fn run(common: &Common) -> anyhow::Result<()> {
    let mut bad = 0;
    let mut tell = |name: &str, found: Result<String, String>| {
        bad += i32::from(found.is_err());
        let (mark, word) = match found {
            Ok(word) => ("ok     ", word),
            Err(word) => ("missing", word),
        };
        say(&format!("{mark} {name}: {word}"))
    };
    let providers =
        if common.sandbox() { "a sandbox, not the real providers" } else { "the real providers" };
    tell("providers", Ok(providers.into()))?;
    tell("Vast.ai address", Ok(common.vast_url.clone()))?;
    tell(
        "Google Compute address",
        Ok(common.gcp_endpoint.clone().unwrap_or_else(|| "Google's own".into())),
    )?;
    let key = key(common);
    let keyless = key.is_err();
    tell("master key", key)?;
    let url = common.database_url();
    let file = url.strip_prefix("sqlite:").map(|path| path.trim_start_matches("//"));
    if let Some(path) = file
        && !Path::new(path).exists()
    {
        tell("database", Err(format!("{path} is not there yet; `dumont serve` makes it")))?;
        bail!("not ready");
    }
    if keyless {
        bail!("not ready");
    }
    match serve::look(common, site(common)).await {
        Err(error) => tell("database", Err(format!("{error:#}")))?,
        Ok(dumont) => {
            tell(
                "database",
                dumont
                    .store
                    .ping()
                    .await
                    .map(|()| "answers".into())
                    .map_err(|error| error.to_string()),
            )?;
            for (name, found) in accounts(&dumont).await? {
                tell(&name, found)?;
            }
            dumont.store.close().await;
        }
    }
    if bad > 0 {
        bail!("{bad} missing");
    }
    Ok(())
}

fn key(common: &Common) -> Result<String, String> {
    if common.master_key.is_some() {
        return common
            .keyring()
            .map(|_| "from the environment".into())
            .map_err(|error| format!("{error:#}"));
    }
    let path = common.master_key_file();
    if !path.exists() {
        return Err(format!("{} is not there yet; `dumont serve` makes it", path.display()));
    }
    common.keyring().map(|_| path.display().to_string()).map_err(|error| format!("{error:#}"))
}

/// Each account's credentials, tried now.
async fn accounts(dumont: &Dumont) -> Result<Vec<(String, Result<String, String>)>, Fault> {
    let users = dumont.store.users().all().await?;
    if users.is_empty() {
        return Ok(vec![(
            "accounts".into(),
            Err("none; open /setup in a browser or use `dumont user create`".into()),
        )]);
    }
    let mut found = Vec::new();
    for user in users {
        let secret = async |kind| -> Result<Option<SecretString>, Fault> {
            Ok(dumont.store.credentials().secret(&user.id, kind).await?)
        };
        let vast = match secret(CredentialKind::VastApiKey).await? {
            None => Err("no key is stored".to_owned()),
            Some(key) => {
                dumont.engine.check_vast(&key).await.map_err(|error| error.to_string()).map(
                    |account| {
                        let credit = account.credit.map_or_else(
                            || "unknown".into(),
                            |credit| format!("${:.2}", credit.usd()),
                        );
                        format!(
                            "{}, credit {credit}",
                            account.email.unwrap_or_else(|| "answers".into())
                        )
                    },
                )
            }
        };
        found.push((format!("{}: Vast.ai", user.email), vast));
        let gcp = match secret(CredentialKind::GcpServiceAccount).await? {
            None => Err("no service account is stored".to_owned()),
            Some(json) => dumont
                .engine
                .check_gcp(&json)
                .await
                .map(|account| format!("project {}", account.project))
                .map_err(|error| error.to_string()),
        };
        found.push((format!("{}: Google Cloud", user.email), gcp));
    }
    Ok(found)
}
