//! Runs worlds: `SEED=7` one with its journal; else as many as `SEEDS` says, from `FROM` on, for `SECONDS`
//! at the most. Ends with an error where one went wrong.
#![expect(clippy::print_stdout, reason = "it tells a person how fast it was")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn main() -> ExitCode {
    if let Some(seed) = number("SEED") {
        let outcome = simulator::run(seed);
        println!("{}", outcome.journal);
        for wrong in &outcome.wrong {
            println!("WRONG: {wrong}");
        }
        return if outcome.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let from = number("FROM").unwrap_or(0);
    let seeds = number("SEEDS").unwrap_or(1_000);
    let most = Duration::from_secs(number("SECONDS").unwrap_or(60));
    let began = Instant::now();
    let next = AtomicU64::new(from);
    let [worlds, failovers, simulated, failed] = [const { AtomicU64::new(0) }; 4];
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while began.elapsed() < most {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds {
                        return;
                    }
                    let outcome = simulator::run(seed);
                    worlds.fetch_add(1, Ordering::Relaxed);
                    let count = u64::try_from(outcome.failovers).unwrap_or(0);
                    failovers.fetch_add(count, Ordering::Relaxed);
                    simulated.fetch_add(outcome.simulated_ms, Ordering::Relaxed);
                    if !outcome.wrong.is_empty() {
                        failed.fetch_add(1, Ordering::Relaxed);
                        println!("seed {seed}: {}", outcome.wrong.join("; "));
                    }
                }
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let [worlds, failovers, simulated, failed] =
        [worlds, failovers, simulated, failed].map(AtomicU64::into_inner);
    println!(
        "{worlds} worlds, {failovers} failovers, {} simulated hours in {seconds:.1} s on {threads} threads; {failed} went wrong",
        simulated / 3_600_000
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
