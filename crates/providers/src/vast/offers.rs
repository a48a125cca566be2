//! Searching the market.
//!
//! Vast gives at most 64 offers whatever limit it is asked for, and does not always apply every
//! filter: more are fetched by going on from the last price, and each offer is checked again here.

use std::collections::HashSet;
use std::time::Duration;

use domain::money::MicroUsd;
use domain::offer::{Offer, OfferFilter, names_like};
use domain::provider::ProviderError;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::{Call, VastClient, unexpected};
use super::endpoint::Endpoint;
use super::row::Row;

const OPERATION: &str = "search offers";
/// What Vast gives at a time.
const PAGE: usize = 64;
/// Pages that one search may take; the endpoint allows ten calls a minute.
const MOST_PAGES: usize = 4;

impl VastClient {
    /// On-demand offers that meet the filter (`POST /bundles/`), cheapest first. The prices include
    /// `storage_gb` of disk. More than 64 only where the filter's limit asks for more, 256 at most.
    ///
    /// # Errors
    /// `Unexpected` for a reply without offers in it; an empty market is an empty list.
    pub async fn search(
        &self,
        filter: &OfferFilter,
        storage_gb: f64,
    ) -> Result<Vec<Offer>, ProviderError> {
        self.search_leaving(filter, storage_gb, 0).await
    }

    /// As [`Self::search`], for what can wait: sent only while that leaves `kept` of the ten calls a
    /// minute to others. All accounts share these.
    ///
    /// # Errors
    /// As [`Self::search`]; `RateLimited` where it could not be sent in time.
    pub async fn search_leaving(
        &self,
        filter: &OfferFilter,
        storage_gb: f64,
        kept: usize,
    ) -> Result<Vec<Offer>, ProviderError> {
        let wanted = filter.limit.unwrap_or(PAGE).min(PAGE * MOST_PAGES);
        let models = match &filter.name_part {
            Some(typed) => self.models_like(typed).await,
            None => None,
        };
        if models.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        let mut from_price = None;
        for _ in 0..MOST_PAGES {
            let mut call = Call::new(OPERATION, Endpoint::Search, Method::POST, "/api/v0/bundles/")
                .body(body(filter, models.as_deref(), storage_gb, from_price));
            call.total = Duration::from_secs(30);
            call.kept = kept;
            let reply = self.ask(&call).await?;
            let rows = Row(&reply)
                .get("offers")
                .and_then(Value::as_array)
                .ok_or_else(|| unexpected(OPERATION, "the reply holds no list of offers"))?;
            let fresh: Vec<Offer> = rows
                .iter()
                .filter_map(|row| offer(Row(row)))
                .filter(|offer| seen.insert(offer.id))
                .collect();
            let dearest = fresh.iter().map(|offer| offer.usd_per_hour).max();
            found.extend(fresh.into_iter().filter(|offer| filter.admits(offer)));
            if rows.len() < PAGE || dearest.is_none() || found.len() >= wanted {
                break;
            }
            from_price = dearest;
        }
        if let (Some(typed), None) = (&filter.name_part, &models) {
            let names: Vec<String> = found.iter().map(|one| one.gpu_name.clone()).collect();
            let meant = names_like(typed, names.iter().map(String::as_str));
            found.retain(|offer| meant.contains(&offer.gpu_name.as_str()));
        }
        found.sort_by_key(|offer| (offer.usd_per_hour, offer.id));
        found.truncate(wanted);
        Ok(found)
    }
}

fn body(
    filter: &OfferFilter,
    models: Option<&[String]>,
    storage_gb: f64,
    from_price: Option<MicroUsd>,
) -> Value {
    let mut query = Map::new();
    let mut bound = |column: &str, operator: &str, value: Option<Value>| {
        if let Some(value) = value {
            let tests = query.entry(column).or_insert_with(|| json!({}));
            if let Some(tests) = tests.as_object_mut() {
                tests.insert(operator.into(), value);
            }
        }
    };
    bound("rentable", "eq", Some(json!(true)));
    bound("external", "eq", Some(json!(false)));
    bound("verified", "eq", filter.verified_only.then_some(Value::Bool(true)));
    bound("gpu_name", "eq", filter.gpu_name.as_ref().map(|name| json!(name)));
    bound("gpu_name", "in", models.map(|names| json!(names)));
    bound("num_gpus", "eq", filter.num_gpus.map(|count| json!(count)));
    bound("gpu_ram", "gte", filter.min_gpu_ram_mb.map(|ram| json!(ram)));
    bound("disk_space", "gte", filter.min_disk_gb.map(|disk| json!(disk)));
    bound("inet_down", "gte", filter.min_inet_down.map(|rate| json!(rate)));
    bound("reliability2", "gte", filter.min_reliability.map(|floor| json!(floor)));
    bound("dph_total", "lte", filter.max_usd_per_hour.map(|cap| json!(cap.usd())));
    bound("dph_total", "gte", from_price.map(|price| json!(price.usd())));
    let countries: Vec<String> = filter.countries.iter().map(|code| code.to_uppercase()).collect();
    bound("geolocation", "in", (!countries.is_empty()).then(|| json!(countries)));
    query.insert("order".into(), json!([["dph_total", "asc"]]));
    query.insert("type".into(), json!("on-demand"));
    query.insert("limit".into(), json!(PAGE));
    query.insert("allocated_storage".into(), json!(storage_gb));
    Value::Object(query)
}

/// One offer. An offer without a number, a model or a price is not one; an unknown measure counts as
/// nothing, so that no filter lets it through.
fn offer(row: Row<'_>) -> Option<Offer> {
    Some(Offer {
        id: row.int("ask_contract_id").or_else(|| row.int("id"))?,
        machine_id: row.int("machine_id"),
        gpu_name: row.text("gpu_name")?,
        num_gpus: row.int("num_gpus")?,
        gpu_ram_mb: row.int("gpu_ram").unwrap_or_default(),
        cpu_cores: row
            .float("cpu_cores_effective")
            .or_else(|| row.float("cpu_cores"))
            .unwrap_or_default(),
        cpu_ram_mb: row.int("cpu_ram").unwrap_or_default(),
        disk_gb: row.float("disk_space").unwrap_or_default(),
        inet_down: row.float("inet_down").unwrap_or_default(),
        inet_up: row.float("inet_up").unwrap_or_default(),
        usd_per_hour: row.money("dph_total").filter(|price| price.0 > 0)?,
        min_bid: row.money("min_bid"),
        geolocation: row.text("geolocation"),
        reliability: row
            .float("reliability2")
            .or_else(|| row.float("reliability"))
            .unwrap_or_default(),
        cuda_version: row.float("cuda_max_good"),
        verified: row.text("verification").is_some_and(|word| word == "verified"),
        static_ip: row.flag("static_ip").unwrap_or(false),
        rented: row.flag("rented").unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_speaks_vasts_columns_and_units() {
        let filter = OfferFilter {
            gpu_name: Some("RTX 4090".into()),
            num_gpus: Some(1),
            min_gpu_ram_mb: Some(24_000),
            min_disk_gb: Some(40.0),
            max_usd_per_hour: Some(MicroUsd(800_000)),
            min_reliability: Some(0.95),
            countries: vec!["br".into()],
            verified_only: true,
            ..OfferFilter::default()
        };
        let body = body(&filter, None, 40.0, Some(MicroUsd(400_000)));
        assert_eq!(body["gpu_ram"], json!({"gte": 24_000}));
        assert_eq!(body["dph_total"], json!({"lte": 0.8, "gte": 0.4}));
        assert_eq!(body["geolocation"], json!({"in": ["BR"]}));
        assert_eq!(body["verified"], json!({"eq": true}));
        assert_eq!(body["type"], "on-demand");
        assert_eq!(body["allocated_storage"], 40.0);
        let open = super::body(&OfferFilter::default(), None, 8.0, None);
        for absent in ["verified", "gpu_name", "dph_total", "geolocation", "inet_down"] {
            assert_eq!(open.get(absent), None, "{absent}");
        }
    }

    #[test]
    fn an_offer_is_read_in_any_dress_and_never_for_free() {
        let row = json!({"id": 1, "ask_contract_id": 7_100_011, "machine_id": "55", "gpu_name": "RTX 4090", "num_gpus": "1",
            "gpu_ram": 24564.0, "cpu_cores_effective": 16.0, "cpu_ram": 64_000, "disk_space": "120.5", "inet_down": 800, "inet_up": 400.5,
            "dph_total": "0.3621", "min_bid": 0.18, "geolocation": "California, US", "reliability2": 0.998, "cuda_max_good": 12.4,
            "verification": "verified", "static_ip": 1, "rented": null});
        let read = offer(Row(&row)).expect("an offer");
        assert_eq!(
            (read.id, read.machine_id, read.num_gpus, read.gpu_ram_mb),
            (7_100_011, Some(55), 1, 24_564)
        );
        assert_eq!(read.usd_per_hour, MicroUsd(362_100));
        assert!(read.verified && read.static_ip && !read.rented);
        for missing in ["dph_total", "gpu_name", "num_gpus"] {
            let mut poor = row.clone();
            poor[missing] = Value::Null;
            assert_eq!(offer(Row(&poor)), None, "{missing}");
        }
        let mut free = row;
        free["dph_total"] = json!(0);
        assert_eq!(offer(Row(&free)), None);
    }
}
