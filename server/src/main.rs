//! The program `dumont`.

use std::process::ExitCode;

use clap::Parser as _;
use server::cli::Cli;

/// Drawing a page is many small pieces of text, which this hands out faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything is read that is worth reading.
    if let Err(error) = server::hardening::close_memory() {
        say(&format!("memory can't be closed to other processes: {error}"));
    }
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return fail("another cryptography provider is installed");
    }
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome =
        runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(cli.run()));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{error:#}")),
    }
}

fn fail(why: &str) -> ExitCode {
    say(why);
    ExitCode::FAILURE
}

fn say(words: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "dumont: {words}");
}
