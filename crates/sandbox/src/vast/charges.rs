//! What instances have really cost: one row per instance and day, from the
//! ledger.

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::filter;
use super::gate::Caller;
use super::offer::into_map;
use super::reply::Refusal;
use crate::ledger::{self, Row};
use crate::money::{self, usd};
use crate::world::World;

const DAY_MS: i64 = 86_400_000;
/// The longest page.
const LONGEST_PAGE: usize = 100;

/// The query string; filters are JSON in text.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Params {
    select_filters: Option<String>,
    limit: Option<usize>,
    after_token: Option<String>,
}

/// `GET /charges/`.
pub(crate) async fn charges(
    caller: Caller,
    State(world): State<World>,
    Query(params): Query<Params>,
) -> Result<Response, Refusal> {
    caller.whole_account()?;
    let refused = |msg: String| {
        Refusal::json(400, "invalid_request", format!("Error in query parameters: {msg}"))
    };
    let filters: Map<String, Value> = match params.select_filters.as_deref() {
        None | Some("") => Map::new(),
        Some(text) => serde_json::from_str(text)
            .map_err(|_| refused("select_filters is not valid JSON".into()))?,
    };
    let mut tests = Vec::new();
    for (column, spec) in &filters {
        tests.extend(filter::parse(column, spec).map_err(|error| refused(error.to_string()))?);
    }
    let now_ms = world.now_ms();
    let own = world
        .ledger()
        .rows()
        .into_iter()
        .filter(|row| row.provider == ledger::VAST && row.account == caller.account.id);
    let rows: Vec<_> = own
        .flat_map(|row| days(&row, now_ms))
        .filter(|row| tests.iter().all(|test| test.passes(row)))
        .collect();
    let skip: usize = match params.after_token.as_deref() {
        None | Some("") => 0,
        Some(token) => {
            token.parse().map_err(|_| Refusal::json(400, "invalid_token", "Invalid after_token"))?
        }
    };
    let limit = params.limit.unwrap_or(LONGEST_PAGE).clamp(1, LONGEST_PAGE);
    let page: Vec<_> = rows.iter().skip(skip).take(limit).collect();
    let end = skip + page.len();
    let next = (end < rows.len()).then(|| end.to_string());
    Ok(Json(json!({"success": true, "count": page.len(), "total": rows.len(), "results": page, "next_token": next})).into_response())
}

/// An instance's bill, a row for each day in UTC that it existed on.
fn days(row: &Row, now_ms: i64) -> Vec<Map<String, Value>> {
    let end_ms = row.closed_ms.unwrap_or(now_ms);
    let first = row.opened_ms.div_euclid(DAY_MS);
    let last = end_ms.div_euclid(DAY_MS);
    (first..=last)
        .map(|day| {
            let from = (day * DAY_MS).max(row.opened_ms);
            let to = ((day + 1) * DAY_MS).min(end_ms);
            let amount: i64 = row
                .segments
                .iter()
                .map(|segment| {
                    let start = segment.from_ms.max(from);
                    let stop = segment.to_ms.unwrap_or(now_ms).min(to);
                    money::cost(segment.usd_micro_per_hour, stop - start)
                })
                .sum();
            into_map(json!({
                "type": "instance",
                "source": format!("instance-{}", row.external_id),
                "description": format!("{} {}", row.kind, row.label).trim_end(),
                "day": day * 86_400,
                "amount": usd(amount),
                "start": from / 1_000,
                "end": to / 1_000,
                "items": [],
                "metadata": {"instance_id": row.external_id.parse::<u64>().unwrap_or_default(), "label": row.label, "gpu_name": row.kind},
            }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Segment;

    #[test]
    fn a_bill_is_split_at_midnight_and_adds_up() {
        let hour = 3_600_000;
        let row = Row {
            id: 1,
            provider: ledger::VAST.into(),
            external_id: "28000001".into(),
            account: 1,
            label: "l".into(),
            kind: "RTX 4090".into(),
            opened_ms: DAY_MS - 2 * hour,
            segments: vec![
                Segment {
                    from_ms: DAY_MS - 2 * hour,
                    to_ms: Some(DAY_MS + hour),
                    usd_micro_per_hour: 300_000,
                },
                Segment { from_ms: DAY_MS + hour, to_ms: None, usd_micro_per_hour: 10_000 },
            ],
            closed_ms: None,
        };
        let days = days(&row, DAY_MS + 3 * hour);
        let amounts: Vec<_> =
            days.iter().map(|day| day["amount"].as_f64().unwrap_or(0.0)).collect();
        assert_eq!(amounts, [0.6, 0.32]);
        assert_eq!(days[0]["source"], "instance-28000001");
    }
}
