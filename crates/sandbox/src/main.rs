//! `dumont-sandbox`: the provider sandbox as a program.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;
use sandbox::{Options, Sandbox};
use tokio::signal::unix::{SignalKind, signal};

/// Plays Vast.ai and Google Compute Engine on this machine, with real hosts
#[derive(Debug, Parser)]
#[command(name = "dumont-sandbox", version)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    inside: Option<Inside>,
}

/// What the program does inside a host; not for people.
#[derive(Debug, clap::Subcommand)]
enum Inside {
    /// Serves SSH on a socket in the seat
    #[command(hide = true)]
    Host {
        /// The folder with the host's key and socket
        seat: PathBuf,
    },
    /// Answers as NVIDIA's program does, with the GPUs of the host's offer
    #[command(hide = true)]
    NvidiaSmi {
        /// Its own arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

/// Where a host finds its seat.
const SEAT: &str = "/run/host";

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.inside {
        Some(Inside::Host { seat }) => return Ok(sandbox::inside::run(&seat)?),
        Some(Inside::NvidiaSmi { args }) => {
            let said = sandbox::inside::nvidia_smi(Path::new(SEAT), &args)?;
            write!(std::io::stdout(), "{}", said.text)?;
            std::process::exit(said.status.into());
        }
        None => {}
    }
    let filter = tracing_subscriber::EnvFilter::try_from_env("DUMONT_SANDBOX_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(cli.options))
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut running = Sandbox::start(options).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let ready = serde_json::json!({
        "url": running.url,
        "standby_port": running.world.options().standby_port,
        "credentials": running.world.options().data.join("credentials.json"),
    });
    let mut out = std::io::stdout();
    writeln!(out, "{ready}").and_then(|()| out.flush()).context("saying that it is ready")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = running.ended() => {}
    }
    running.stop().await;
    Ok(())
}
