//! The billing ledger: what ran when, for whom, at which rate.
//!
//! It is the ground truth that tests compare the product with, so it knows
//! nothing of the product and takes no hint from it. A row is one instance; a
//! segment of a row is a stretch of time at one rate.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::money;

/// The name of Vast.ai in rows.
pub const VAST: &str = "vast.ai";
/// The name of Google Compute Engine in rows.
pub const GCP: &str = "gcp";

/// The number of a row.
pub type RowId = u64;

/// What a new row says.
#[derive(Debug, Clone)]
pub struct Opening {
    /// [`VAST`] or [`GCP`].
    pub provider: &'static str,
    /// The instance's id at the provider, or the VM's name.
    pub external_id: String,
    /// The account that pays.
    pub account: u64,
    /// The label or name that the customer gave.
    pub label: String,
    /// The kind of machine, such as `RTX 4090` or `e2-medium spot`.
    pub kind: String,
    /// The first rate, micro-dollars per hour.
    pub micro_per_hour: i64,
}

/// A stretch of time at one rate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Segment {
    /// Start, unix milliseconds.
    pub from_ms: i64,
    /// End; none while it lasts.
    pub to_ms: Option<i64>,
    /// The rate, micro-dollars per hour.
    pub usd_micro_per_hour: i64,
}

/// One instance's bill.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// Number of the row.
    pub id: RowId,
    /// `vast.ai` or `gcp`.
    pub provider: String,
    /// The instance's id at the provider, or the VM's name.
    pub external_id: String,
    /// The account that pays.
    pub account: u64,
    /// The label or name that the customer gave.
    pub label: String,
    /// The kind of machine.
    pub kind: String,
    /// Unix milliseconds of the creation.
    pub opened_ms: i64,
    /// The rates, oldest first.
    pub segments: Vec<Segment>,
    /// Unix milliseconds of the end; none while the instance exists.
    pub closed_ms: Option<i64>,
}

impl Row {
    /// What it has cost until `now_ms`, micro-dollars.
    #[must_use]
    pub fn cost_micro(&self, now_ms: i64) -> i64 {
        let part = |segment: &Segment| {
            let end = segment.to_ms.unwrap_or(now_ms);
            money::cost(segment.usd_micro_per_hour, end - segment.from_ms)
        };
        self.segments.iter().map(part).sum()
    }

    /// The rate now, micro-dollars per hour.
    #[must_use]
    pub fn rate_micro(&self) -> i64 {
        match self.segments.last() {
            Some(segment) if segment.to_ms.is_none() => segment.usd_micro_per_hour,
            _ => 0,
        }
    }

    /// Whether the instance still exists.
    #[must_use]
    pub fn live(&self) -> bool {
        self.closed_ms.is_none()
    }

    fn end_segment(&mut self, at_ms: i64) {
        if let Some(segment) = self.segments.last_mut() {
            segment.to_ms.get_or_insert(at_ms.max(segment.from_ms));
        }
    }
}

/// All bills.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Vec<Row>>);

impl Ledger {
    /// Opens a row for a new instance.
    pub fn open(&self, opening: Opening, now_ms: i64) -> RowId {
        let mut rows = self.lock();
        let id = rows.iter().map(|row| row.id).max().unwrap_or(0) + 1;
        rows.push(Row {
            id,
            provider: opening.provider.to_owned(),
            external_id: opening.external_id,
            account: opening.account,
            label: opening.label,
            kind: opening.kind,
            opened_ms: now_ms,
            segments: vec![Segment {
                from_ms: now_ms,
                to_ms: None,
                usd_micro_per_hour: opening.micro_per_hour,
            }],
            closed_ms: None,
        });
        id
    }

    /// Changes the rate of a live instance from now on; false when the ledger
    /// has no live row for it.
    pub fn rate(
        &self,
        provider: &str,
        external_id: &str,
        micro_per_hour: i64,
        now_ms: i64,
    ) -> bool {
        self.with_live(provider, external_id, |row| {
            if row.rate_micro() == micro_per_hour {
                return;
            }
            row.end_segment(now_ms);
            let from_ms = row.segments.last().and_then(|last| last.to_ms).unwrap_or(now_ms);
            row.segments.push(Segment { from_ms, to_ms: None, usd_micro_per_hour: micro_per_hour });
        })
    }

    /// Renames a live instance.
    pub fn relabel(&self, provider: &str, external_id: &str, label: &str) -> bool {
        self.with_live(provider, external_id, |row| label.clone_into(&mut row.label))
    }

    /// Ends an instance's bill; false when it has no live row.
    pub fn close(&self, provider: &str, external_id: &str, now_ms: i64) -> bool {
        self.with_live(provider, external_id, |row| {
            row.end_segment(now_ms);
            row.closed_ms = Some(now_ms.max(row.opened_ms));
        })
    }

    /// Every row, oldest first.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.lock().clone()
    }

    /// What an account's rows at one provider have cost, micro-dollars.
    #[must_use]
    pub fn spent_micro(&self, provider: &str, account: u64, now_ms: i64) -> i64 {
        self.lock()
            .iter()
            .filter(|row| row.provider == provider && row.account == account)
            .map(|row| row.cost_micro(now_ms))
            .sum()
    }

    /// What an instance has cost so far, micro-dollars; none without a row.
    #[must_use]
    pub fn cost_micro(&self, provider: &str, external_id: &str, now_ms: i64) -> Option<i64> {
        let rows = self.lock();
        rows.iter()
            .rev()
            .find(|row| row.provider == provider && row.external_id == external_id)
            .map(|row| row.cost_micro(now_ms))
    }

    /// Takes over the rows of an earlier run. What was live then is not billed
    /// for the time between `seen_ms`, when that run was last alive, and now.
    pub(crate) fn load(&self, mut rows: Vec<Row>, seen_ms: i64, now_ms: i64) {
        for row in rows.iter_mut().filter(|row| row.live()) {
            let rate = row.rate_micro();
            row.end_segment(seen_ms);
            row.segments.push(Segment { from_ms: now_ms, to_ms: None, usd_micro_per_hour: rate });
        }
        *self.lock() = rows;
    }

    fn with_live(&self, provider: &str, external_id: &str, act: impl FnOnce(&mut Row)) -> bool {
        let mut rows = self.lock();
        let row = rows
            .iter_mut()
            .rev()
            .find(|row| row.provider == provider && row.external_id == external_id && row.live());
        match row {
            Some(row) => {
                act(row);
                true
            }
            None => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn opening(id: &str) -> Opening {
        Opening {
            provider: VAST,
            external_id: id.into(),
            account: 1,
            label: "l".into(),
            kind: "RTX 4090".into(),
            micro_per_hour: 400_000,
        }
    }

    #[test]
    fn a_row_costs_the_sum_of_its_segments() {
        let ledger = Ledger::default();
        ledger.open(opening("5"), 0);
        assert!(ledger.rate(VAST, "5", 20_000, HOUR));
        assert!(ledger.close(VAST, "5", 3 * HOUR));
        assert_eq!(ledger.cost_micro(VAST, "5", 99 * HOUR), Some(440_000));
        assert!(!ledger.close(VAST, "5", 4 * HOUR), "a closed row stays closed");
        assert!(!ledger.rate(GCP, "5", 1, 4 * HOUR));
    }

    #[test]
    fn the_time_without_a_sandbox_is_not_billed() {
        let ledger = Ledger::default();
        ledger.open(opening("5"), 0);
        let later = Ledger::default();
        later.load(ledger.rows(), HOUR, 10 * HOUR);
        assert_eq!(later.spent_micro(VAST, 1, 11 * HOUR), 800_000);
        assert_eq!(later.spent_micro(VAST, 2, 11 * HOUR), 0);
        let row = later.rows().remove(0);
        assert!(row.live());
        assert_eq!(row.segments.len(), 2);
        assert_eq!(row.segments[0].to_ms, Some(HOUR));
    }
}
