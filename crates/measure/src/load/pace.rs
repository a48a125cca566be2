//! Many connections at once: each asks again as soon as it has its answer, or when it is due.
//!
//! At a pace an answer's time counts from when it was due, not from when the connection was free to
//! ask: what waits behind a slow answer is as slow for who waits.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::connection::Connection;
use super::{Browser, LOOKED_AT, Page, Pressure, whole};

/// What came of it.
pub(super) struct Run {
    pub(super) rate: f64,
    pub(super) broken: u64,
    pub(super) complaint: Option<String>,
    /// Sorted, µs.
    took: Vec<u64>,
}

impl Run {
    /// The time that so many percent of the answers did not exceed, ms.
    #[expect(clippy::cast_precision_loss, reason = "times stay far below 2^53 µs")]
    pub(super) fn at(&self, percent: usize) -> f64 {
        let rank = (self.took.len() * percent).div_ceil(100).saturating_sub(1);
        self.took.get(rank).map_or(f64::NAN, |us| *us as f64 / 1e3)
    }

    pub(super) fn answers(&self) -> u64 {
        u64::try_from(self.took.len()).unwrap_or(u64::MAX)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(super) async fn run(
    browser: &Browser,
    page: &Page,
    pressure: &Pressure,
    rate: Option<f64>,
) -> anyhow::Result<Run> {
    let count = pressure.connections.max(1);
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        connections.push(Connection::open(&browser.host).await?);
    }
    let begin = Instant::now();
    let until = begin + pressure.span;
    let gap = rate.map(|rate| Duration::from_secs_f64(count as f64 / rate));
    let mut tasks = Vec::with_capacity(count);
    for (place, connection) in connections.into_iter().enumerate() {
        let one = One {
            browser: browser.clone(),
            page: page.clone(),
            connection,
            place,
            due: begin + gap.unwrap_or_default().mul_f64(place as f64 / count as f64),
            gap,
        };
        tasks.push(tokio::spawn(one.ask_on(until)));
    }
    let mut all = Run { rate: 0.0, broken: 0, complaint: None, took: Vec::new() };
    for task in tasks {
        let found = task.await?;
        all.broken += found.broken;
        all.complaint = all.complaint.or(found.complaint);
        all.took.extend(found.took);
    }
    all.rate = all.took.len() as f64 / begin.elapsed().as_secs_f64();
    all.took.sort_unstable();
    Ok(all)
}

/// One connection and what it has to do.
struct One {
    browser: Browser,
    page: Page,
    connection: Connection,
    place: usize,
    due: Instant,
    gap: Option<Duration>,
}

impl One {
    async fn ask_on(mut self, until: Instant) -> Run {
        let mut run = Run { rate: 0.0, broken: 0, complaint: None, took: Vec::new() };
        // Each begins elsewhere, so that they do not walk through the addresses in step.
        let mut turn = self.place.wrapping_mul(7_919);
        loop {
            let mut from = Instant::now();
            if let Some(gap) = self.gap {
                from = self.due;
                self.due += gap;
                sleep_until(from).await;
            }
            if from >= until {
                return run;
            }
            let index = turn % self.page.paths.len().max(1);
            turn = turn.wrapping_add(1);
            let Some(path) = self.page.paths.get(index).cloned() else { return run };
            let asked = self.browser.get(&mut self.connection, &path, self.page.open, "br").await;
            run.took.push(u64::try_from(from.elapsed().as_micros()).unwrap_or(u64::MAX));
            let looked_at = run.answers() % LOOKED_AT == 1;
            let wrong = match asked {
                Err(error) => Some(format!("{error:#}")),
                Ok(answer) if !answer.status.is_success() => {
                    Some(format!("it answered {}", answer.status))
                }
                Ok(answer) if answer.body.is_empty() => Some("it was empty".to_owned()),
                Ok(answer) if looked_at => whole(&answer).err().map(|error| format!("{error:#}")),
                Ok(_) => None,
            };
            if let Some(wrong) = wrong {
                run.broken += 1;
                run.complaint.get_or_insert_with(|| format!("{path}: {wrong}"));
                match Connection::open(&self.browser.host).await {
                    Ok(fresh) => self.connection = fresh,
                    Err(_) => return run,
                }
            }
        }
    }
}
