//! Fills an account of a database to measure on.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::Parser;
use domain::time::Millis;
use measure::fleet::{Size, fill};
use store::{Keyring, Store};

/// Fills an account with machines and failovers to measure on. Not for an account in use: the
/// machines do not exist, and this database's servers will leave them alone for a day.
#[derive(Debug, Parser)]
struct Options {
    /// `sqlite:<path>` or `postgres://…`
    #[arg(long, env = "DUMONT_DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// File of the master key
    #[arg(long, env = "DUMONT_MASTER_KEY_FILE")]
    master_key_file: PathBuf,
    /// Account to fill
    #[arg(long)]
    email: String,
    /// Machines
    #[arg(long, default_value_t = 200)]
    machines: i64,
    /// Failovers
    #[arg(long, default_value_t = 5_000)]
    failovers: i64,
    /// Days that they are spread over
    #[arg(long, default_value_t = 89)]
    days: i64,
    /// Failovers that still go on
    #[arg(long, default_value_t = 2)]
    open: i64,
    /// Another number makes other rows
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    anyhow::ensure!(
        options.machines > 0 && options.failovers >= options.open && options.days > 0,
        "there is nothing to make"
    );
    let keyring = Keyring::from_file(&options.master_key_file).context("the key can't be read")?;
    let store = Store::open(&options.database_url, keyring).await.context("no database")?;
    let login = store.users().by_login(&options.email).await?;
    let user = login.with_context(|| format!("there is no account {}", options.email))?.user;
    let size = Size {
        machines: options.machines,
        failovers: options.failovers,
        days: options.days,
        open: options.open,
    };
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let now = Millis(i64::try_from(since_epoch)?);
    fill(&store, &user.id, &size, options.seed, now).await.context("the account was not filled")?;
    store.close().await;
    let Size { machines, failovers, days, .. } = size;
    writeln!(std::io::stdout(), "{machines} machines, {failovers} failovers over {days} days")?;
    Ok(())
}
