//! `GET /_sandbox/ledger`: what ran, when, and what it cost.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::ledger::{self, Row};
use crate::money::usd;
use crate::world::World;

/// The ledger with its sums.
#[derive(Debug, Serialize)]
pub(crate) struct Bills {
    now_ms: i64,
    /// Oldest first.
    pub(crate) rows: Vec<Bill>,
    /// External ids of what exists now.
    live: Vec<String>,
    pub(crate) usd_per_hour: f64,
    pub(crate) total_usd: f64,
    /// By the account's id.
    pub(crate) by_account: BTreeMap<u64, Sums>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Bill {
    #[serde(flatten)]
    pub(crate) row: Row,
    pub(crate) live: bool,
    pub(crate) usd_per_hour: f64,
    pub(crate) cost_usd: f64,
}

/// What one account has spent.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Sums {
    pub(crate) vast_usd: f64,
    pub(crate) gcp_usd: f64,
    pub(crate) total_usd: f64,
}

pub(crate) async fn show(State(world): State<World>) -> Json<Bills> {
    Json(bills(&world))
}

/// Sums everything up to now, in micro-dollars; dollars are only for showing.
pub(crate) fn bills(world: &World) -> Bills {
    let now_ms = world.now_ms();
    let rows = world.ledger().rows();
    let mut spent: BTreeMap<u64, (i64, i64)> = BTreeMap::new();
    for row in &rows {
        let (vast, gcp) = spent.entry(row.account).or_default();
        let part = if row.provider == ledger::VAST { vast } else { gcp };
        *part += row.cost_micro(now_ms);
    }
    let sums = |(vast, gcp): (i64, i64)| Sums {
        vast_usd: usd(vast),
        gcp_usd: usd(gcp),
        total_usd: usd(vast + gcp),
    };
    Bills {
        now_ms,
        live: rows.iter().filter(|row| row.live()).map(|row| row.external_id.clone()).collect(),
        usd_per_hour: usd(rows.iter().map(Row::rate_micro).sum()),
        total_usd: usd(spent.values().map(|(vast, gcp)| vast + gcp).sum()),
        by_account: spent.into_iter().map(|(account, parts)| (account, sums(parts))).collect(),
        rows: rows.into_iter().map(|row| bill(row, now_ms)).collect(),
    }
}

fn bill(row: Row, now_ms: i64) -> Bill {
    Bill {
        live: row.live(),
        usd_per_hour: usd(row.rate_micro()),
        cost_usd: usd(row.cost_micro(now_ms)),
        row,
    }
}
