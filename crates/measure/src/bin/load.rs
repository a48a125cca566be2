//! Asks a running server for pages as fifty busy browsers do, and says how fast they came.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use measure::load::{Browser, Figures, Page, Pressure, assets, measure};
use measure::table;

/// Logs in, asks for each page of a plan, checks every answer, and prints a table.
#[derive(Debug, Parser)]
struct Options {
    /// Address of the server, `http://127.0.0.1:8420`
    #[arg(long)]
    url: String,
    /// JSON file with `email` and `password`
    #[arg(long)]
    account: PathBuf,
    /// JSON file: a list of `{"name", "paths", "open"}`; `open` pages are asked for without a login
    #[arg(long)]
    plan: PathBuf,
    /// Connections that are kept open
    #[arg(long, default_value_t = 50)]
    connections: usize,
    /// How long each page is asked for, each way, s
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Pages per second of the paced measurement
    #[arg(long, default_value_t = 1_000.0)]
    rate: f64,
    /// File for the figures as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let plan: Vec<Page> = serde_json::from_slice(&std::fs::read(&options.plan)?)?;
    let browser = Browser::log_in(&options.url, &std::fs::read(&options.account)?).await?;
    let pressure = Pressure {
        connections: options.connections,
        span: Duration::try_from_secs_f64(options.seconds)?,
        rate: options.rate,
    };
    let mut figures: Vec<Figures> = Vec::new();
    for page in &plan {
        figures.push(measure(&browser, page, &pressure).await?);
    }
    let assets = assets(&browser).await?;
    table::print(&figures, &assets, &pressure)?;
    if let Some(file) = options.json {
        let all = serde_json::json!({ "pages": figures, "assets": assets });
        std::fs::write(file, serde_json::to_vec_pretty(&all)?)?;
    }
    let broken: u64 = figures.iter().map(|page| page.broken).sum();
    Ok(if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
