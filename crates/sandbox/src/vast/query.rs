//! A search for offers: reading the flat body of `POST /bundles/` and
//! answering it from rows, as pure functions.
//!
//! Virtual columns are mapped as the real service documents them:
//! `verified`, `datacenter`, `duration`, `geolocation` (a country code),
//! `allocated_storage`, `target_reliability`, and the GB spellings.

use serde_json::{Map, Value, json};

use super::filter::{self, By, FilterError, Op, Test};
use super::offer::Kind;

/// The service never gives more offers than this, whatever `limit` says.
pub(crate) const MOST_OFFERS: usize = 64;

/// A search, read.
#[derive(Debug)]
pub(crate) struct Query {
    /// Kind of contract.
    pub kind: Kind,
    /// Disk that prices include, GB.
    pub storage_gb: f64,
    tests: Vec<Test>,
    order: Vec<By>,
    limit: usize,
}

/// Why a search body is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum QueryError {
    /// Not a JSON object.
    #[error("Invalid json body")]
    NotAnObject,
    /// A filter that is not in the language.
    #[error("Error in query parameters: {0}")]
    Filter(#[from] FilterError),
    /// A column that offers do not have.
    #[error("Error in query parameters: {0} is not a valid search key")]
    Column(String),
    /// `type` is none of the three.
    #[error("Error in query parameters: unknown type {0}")]
    Kind(String),
}

/// Keys of the body that steer the search and filter nothing.
const CONTROLS: &[&str] = &[
    "order",
    "order_by",
    "type",
    "limit",
    "disable_bundling",
    "extra_ids",
    "select_cols",
    "client_id",
    "api_key",
    "owner",
    "sort_option",
    "resource_type",
];

impl Query {
    /// Reads the body of a search.
    ///
    /// # Errors
    /// Names the first thing in it that cannot be understood.
    pub(crate) fn parse(body: &Value, columns: &Map<String, Value>) -> Result<Self, QueryError> {
        let Value::Object(body) = body else { return Err(QueryError::NotAnObject) };
        let mut query = Self {
            kind: Kind::OnDemand,
            storage_gb: 5.0,
            tests: Vec::new(),
            order: Vec::new(),
            limit: MOST_OFFERS,
        };
        if let Some(word) = body.get("type").and_then(Value::as_str) {
            query.kind = Kind::parse(word).ok_or_else(|| QueryError::Kind(word.to_owned()))?;
        }
        if let Some(limit) = body.get("limit").and_then(whole) {
            query.limit = limit.min(MOST_OFFERS);
        }
        query.order = order(body.get("order").or_else(|| body.get("order_by")));
        for (column, spec) in body {
            if CONTROLS.contains(&column.as_str()) {
                continue;
            }
            if column == "allocated_storage" {
                query.storage_gb = storage(spec).unwrap_or(query.storage_gb);
                continue;
            }
            for test in filter::parse(column, spec)? {
                let test = real_column(test);
                if !columns.contains_key(&test.column) {
                    return Err(QueryError::Column(column.clone()));
                }
                query.tests.push(test);
            }
        }
        Ok(query)
    }

    /// The rows that pass, in order, cut to the limit.
    pub(crate) fn answer(
        &self,
        rows: impl Iterator<Item = Map<String, Value>>,
    ) -> Vec<Map<String, Value>> {
        let mut found: Vec<_> = rows
            .filter(|row| {
                enough_disk(row, self.storage_gb) && self.tests.iter().all(|test| test.passes(row))
            })
            .collect();
        filter::sort(&mut found, &self.order);
        found.truncate(self.limit);
        found
    }
}

fn enough_disk(row: &Map<String, Value>, gb: f64) -> bool {
    row.get("disk_space").and_then(Value::as_f64).is_some_and(|space| space >= gb)
}

/// `order` is a list of `[column, "asc"|"desc"]`; objects and bare names occur too.
fn order(spec: Option<&Value>) -> Vec<By> {
    let Some(list) = spec.and_then(Value::as_array) else { return Vec::new() };
    list.iter()
        .filter_map(|entry| {
            let (column, direction) = match entry {
                Value::Array(pair) => {
                    (pair.first()?.as_str()?, pair.get(1).and_then(Value::as_str))
                }
                Value::Object(map) => {
                    (map.get("col")?.as_str()?, map.get("dir").and_then(Value::as_str))
                }
                Value::String(column) => (column.as_str(), None),
                _ => return None,
            };
            Some(By { column: alias(column).to_owned(), descending: direction == Some("desc") })
        })
        .collect()
}

fn alias(column: &str) -> &str {
    match column {
        "dphtotal" | "dph" => "dph_total",
        "gpu_totalram" => "gpu_total_ram",
        "ubuntu_version" => "os_version",
        "cuda_vers" => "cuda_max_good",
        "display_active" => "gpu_display_active",
        "dlperf_usd" => "dlperf_per_dphtotal",
        "flops_usd" => "flops_per_dphtotal",
        "reliability2" => "reliability",
        other => other,
    }
}

/// Maps a virtual column to a real one.
fn real_column(test: Test) -> Test {
    let Test { column, op, wanted } = test;
    let on = |column: &str, op, wanted| Test { column: column.to_owned(), op, wanted };
    match column.as_str() {
        // A filter on the id finds nothing at the real service.
        "id" => on("ask_contract_id", Op::In, json!([])),
        "verified" => on("vericode", op, flag(&wanted)),
        "datacenter" => on("hosting_type", op, flag(&wanted)),
        "geolocation" => on("country_code", op, wanted),
        "target_reliability" => on("expected_reliability", Op::Gte, wanted),
        "driver_version" => match driver_number(&wanted) {
            Some(number) => on("driver_vers", op, json!(number)),
            None => on("driver_version", op, wanted),
        },
        "gpu_ram_GB" => on("gpu_ram", op, thousandfold(wanted)),
        "cpu_ram_GB" => on("cpu_ram", op, thousandfold(wanted)),
        "gpu_totalram_GB" => on("gpu_total_ram", op, thousandfold(wanted)),
        other => on(alias(other), op, wanted),
    }
}

fn flag(wanted: &Value) -> Value {
    match wanted {
        Value::Bool(yes) => json!(i32::from(*yes)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => json!(1),
        Value::String(text) if text.eq_ignore_ascii_case("false") => json!(0),
        Value::Array(list) => Value::Array(list.iter().map(flag).collect()),
        other => other.clone(),
    }
}

fn thousandfold(wanted: Value) -> Value {
    match number(&wanted) {
        Some(number) => json!(number * 1000.0),
        None => wanted,
    }
}

/// `535.86.05` as 535086005; the CLI sends the number itself.
fn driver_number(wanted: &Value) -> Option<u64> {
    if let Some(number) = number(wanted).filter(|number| *number >= 1e6) {
        return Some(number as u64);
    }
    let parts: Vec<u64> =
        wanted.as_str()?.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match parts.as_slice() {
        [major, minor, patch] => Some(major * 1_000_000 + minor * 1000 + patch),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn whole(value: &Value) -> Option<usize> {
    value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())
        .and_then(|number| usize::try_from(number).ok())
        .filter(|limit| *limit > 0)
}

/// A bare number, or the largest number of a filter.
fn storage(spec: &Value) -> Option<f64> {
    number(spec).or_else(|| spec.as_object()?.values().filter_map(number).reduce(f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vast::catalogue;
    use crate::vast::offer::Shown;

    fn search(body: Value) -> Result<Vec<Map<String, Value>>, QueryError> {
        let slots = catalogue::build();
        let shown = Shown {
            kind: Kind::OnDemand,
            storage_gb: 5.0,
            price_pct: 100,
            rented: false,
            now_ms: 1_700_000_000_000,
        };
        let columns = slots[0].row(&shown);
        let query = Query::parse(&body, &columns)?;
        let shown = Shown { kind: query.kind, storage_gb: query.storage_gb, ..shown };
        Ok(query.answer(slots.iter().map(|slot| slot.row(&shown))))
    }

    #[test]
    fn the_cli_defaults_find_verified_offers_best_first() {
        let rows = search(json!({
            "verified": {"eq": true}, "external": {"eq": false}, "rentable": {"eq": true}, "rented": {"eq": false},
            "gpu_name": {"eq": "RTX 4090"}, "num_gpus": {"eq": "1"},
            "order": [["score", "desc"]], "type": "on-demand", "limit": 3, "allocated_storage": 5.0,
        }))
        .expect("a search");
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().all(|row| row["verification"] == "verified" && row["num_gpus"] == 1));
        assert!(rows[0]["score"].as_f64() >= rows[2]["score"].as_f64());
    }

    #[test]
    fn never_more_than_sixty_four() {
        let rows = search(json!({"limit": 1000})).expect("a search");
        assert_eq!(rows.len(), MOST_OFFERS);
        let last = rows.iter().filter_map(|row| row["dph_total"].as_f64()).fold(0.0, f64::max);
        assert!(last > 0.0);
    }

    #[test]
    fn a_country_is_two_letters_and_memory_is_megabytes() {
        let rows = search(json!({"geolocation": {"in": ["US", "CA"]}, "gpu_ram": {"gte": 24000}}))
            .expect("a search");
        assert!(!rows.is_empty());
        assert!(
            rows.iter()
                .all(|row| ["US", "CA"].contains(&row["country_code"].as_str().unwrap_or("")))
        );
        let gb = search(json!({"geolocation": {"in": ["US", "CA"]}, "gpu_ram_GB": {"gte": 24}}))
            .expect("a search");
        assert_eq!(gb.len(), rows.len());
    }

    #[test]
    fn a_bid_row_shows_its_floor_and_storage_adds_to_the_total() {
        let rows = search(json!({"type": "bid", "allocated_storage": 40})).expect("a search");
        for row in &rows {
            assert_eq!(row["dph_base"], row["min_bid"]);
            assert_eq!(row["is_bid"], true);
            let expected = row["dph_base"].as_f64().unwrap_or(0.0)
                + row["storage_cost"].as_f64().unwrap_or(0.0) * 40.0 / 720.0;
            assert!((row["dph_total"].as_f64().unwrap_or(0.0) - expected).abs() < 2e-6);
        }
    }

    #[test]
    fn a_driver_can_be_given_as_a_version_or_as_its_number() {
        for driver in
            [json!({"gte": "570.120.00"}), json!({"gte": 570_120_000}), json!({"gte": "570120000"})]
        {
            let rows = search(json!({"driver_version": driver})).expect("a search");
            assert!(
                !rows.is_empty()
                    && rows.iter().all(|row| row["driver_vers"].as_u64() >= Some(570_120_000))
            );
        }
    }

    #[test]
    fn an_id_finds_nothing_but_the_contract_id_does() {
        let first = search(json!({"limit": 1})).expect("a search")[0]["id"].clone();
        assert!(search(json!({"id": {"eq": first.clone()}})).expect("a search").is_empty());
        assert_eq!(search(json!({"ask_contract_id": {"eq": first}})).expect("a search").len(), 1);
    }

    #[test]
    fn more_storage_than_the_disk_finds_nothing() {
        assert!(search(json!({"allocated_storage": 100_000})).expect("a search").is_empty());
    }

    #[test]
    fn nonsense_is_refused_with_its_name() {
        assert_eq!(search(json!([])).err(), Some(QueryError::NotAnObject));
        assert_eq!(
            search(json!({"gpu_colour": {"eq": 1}})).err(),
            Some(QueryError::Column("gpu_colour".into()))
        );
        assert_eq!(search(json!({"type": "gift"})).err(), Some(QueryError::Kind("gift".into())));
    }
}
