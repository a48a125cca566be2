//! The v1 list of instances: filters, order, pages and columns, as pure
//! functions over rows.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::filter::{self, By};

/// The longest page.
const LONGEST_PAGE: usize = 25;
/// The page for a limit that makes no sense.
const SHORT_PAGE: usize = 5;

/// Columns that are kept, and can be filtered and sorted by; the others are
/// computed for the answer, and the real service refuses them.
const STORED: &[&str] = &[
    "id",
    "label",
    "actual_status",
    "intended_status",
    "cur_state",
    "next_state",
    "gpu_name",
    "verification",
    "machine_id",
    "host_id",
    "image_uuid",
    "is_bid",
    "start_date",
    "geolocation",
    "template_id",
    "template_hash_id",
];

/// The query string of the list; every value but the limit and the token is
/// JSON in text.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Params {
    select_filters: Option<String>,
    order_by: Option<String>,
    limit: Option<String>,
    after_token: Option<String>,
    select_cols: Option<String>,
}

/// Why a list is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ListError {
    /// A parameter is not the JSON that it has to be.
    #[error("Error in query parameters: {0} is not valid JSON")]
    Json(&'static str),
    /// A filter that is not in the language.
    #[error("Error in query parameters: {0}")]
    Filter(#[from] filter::FilterError),
    /// A column that is computed or does not exist.
    #[error("Error in query parameters: {0} is not a valid search key")]
    Column(String),
    /// A token that no page gave.
    #[error("Invalid after_token")]
    Token,
}

impl ListError {
    /// The word for `error`.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Token => "invalid_token",
            _ => "invalid_request",
        }
    }
}

/// One page of the list.
///
/// # Errors
/// Names the parameter that cannot be understood.
pub(crate) fn page(rows: Vec<Map<String, Value>>, params: &Params) -> Result<Value, ListError> {
    let filters = json_param(params.select_filters.as_deref(), "select_filters")?
        .unwrap_or_else(|| json!({}));
    let mut tests = Vec::new();
    for (column, spec) in filters.as_object().ok_or(ListError::Json("select_filters"))? {
        stored(column)?;
        tests.extend(filter::parse(column, spec)?);
    }
    let order = order(params.order_by.as_deref())?;
    let after = params
        .after_token
        .as_deref()
        .filter(|token| !token.is_empty())
        .map(read_token)
        .transpose()?;
    let limit = match params.limit.as_deref().map(str::parse::<i64>) {
        None => LONGEST_PAGE,
        Some(Ok(wanted)) if wanted > 0 => {
            usize::try_from(wanted).unwrap_or(LONGEST_PAGE).min(LONGEST_PAGE)
        }
        Some(_) => SHORT_PAGE,
    };

    let mut labels: BTreeMap<String, u32> = BTreeMap::new();
    for row in &rows {
        *labels
            .entry(row.get("label").and_then(Value::as_str).unwrap_or_default().to_owned())
            .or_default() += 1;
    }
    let mut found: Vec<_> =
        rows.into_iter().filter(|row| tests.iter().all(|test| test.passes(row))).collect();
    let total = found.len();
    filter::sort(&mut found, &order);
    if let Some(after) = after {
        found.retain(|row| filter::rank(row, &after, &order).is_gt());
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| more).map(|row| write_token(row, &order));
    let count = found.len();
    let columns = columns(params.select_cols.as_deref())?;
    let instances: Vec<_> = found.into_iter().map(|row| select(row, columns.as_deref())).collect();
    Ok(json!({
        "success": true,
        "instances_found": count,
        "total_instances": total,
        "label_counts": labels,
        "next_token": next_token,
        "instances": instances,
    }))
}

fn stored(column: &str) -> Result<(), ListError> {
    if STORED.contains(&column) { Ok(()) } else { Err(ListError::Column(column.to_owned())) }
}

fn json_param(text: Option<&str>, name: &'static str) -> Result<Option<Value>, ListError> {
    text.filter(|text| !text.is_empty())
        .map(|text| serde_json::from_str(text).map_err(|_| ListError::Json(name)))
        .transpose()
}

/// The columns asked for, always ended by the id so that pages are stable.
fn order(text: Option<&str>) -> Result<Vec<By>, ListError> {
    let mut order = Vec::new();
    for entry in
        json_param(text, "order_by")?.as_ref().and_then(Value::as_array).into_iter().flatten()
    {
        let column = entry.get("col").and_then(Value::as_str).ok_or(ListError::Json("order_by"))?;
        stored(column)?;
        let descending = entry
            .get("dir")
            .and_then(Value::as_str)
            .is_some_and(|dir| dir.eq_ignore_ascii_case("desc"));
        order.push(By { column: column.to_owned(), descending });
    }
    if !order.iter().any(|by| by.column == "id") {
        order.push(By { column: "id".into(), descending: false });
    }
    Ok(order)
}

fn columns(text: Option<&str>) -> Result<Option<Vec<String>>, ListError> {
    let Some(list) = json_param(text, "select_cols")? else { return Ok(None) };
    let columns: Vec<String> =
        serde_json::from_value(list).map_err(|_| ListError::Json("select_cols"))?;
    Ok((!columns.iter().any(|column| column == "*")).then_some(columns))
}

fn select(row: Map<String, Value>, columns: Option<&[String]>) -> Map<String, Value> {
    match columns {
        None => row,
        Some(columns) => row
            .into_iter()
            .filter(|(column, _)| column == "id" || columns.contains(column))
            .collect(),
    }
}

/// The place after a row: base64 of `{"values": {column: value}}`.
fn write_token(row: &Map<String, Value>, order: &[By]) -> String {
    let values: Map<String, Value> = order
        .iter()
        .map(|by| (by.column.clone(), row.get(&by.column).cloned().unwrap_or(Value::Null)))
        .collect();
    STANDARD.encode(json!({"values": values}).to_string())
}

fn read_token(token: &str) -> Result<Map<String, Value>, ListError> {
    let bytes = STANDARD.decode(token).map_err(|_| ListError::Token)?;
    let mut token: Value = serde_json::from_slice(&bytes).map_err(|_| ListError::Token)?;
    match token.get_mut("values").map(Value::take) {
        Some(Value::Object(values)) if values.contains_key("id") => Ok(values),
        _ => Err(ListError::Token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vast::offer::into_map;

    fn rows(count: u64) -> Vec<Map<String, Value>> {
        (0..count)
            .map(|id| into_map(json!({"id": id, "label": if id % 2 == 0 { json!(null) } else { json!("x") }, "gpu_name": format!("G{}", id % 3), "dph_total": 0.1})))
            .collect()
    }

    fn ids(page: &Value) -> Vec<u64> {
        page["instances"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| row["id"].as_u64().expect("an id"))
            .collect()
    }

    fn params(filters: &str, order: &str, limit: &str) -> Params {
        Params {
            select_filters: Some(filters.into()),
            order_by: Some(order.into()),
            limit: Some(limit.into()),
            ..Params::default()
        }
    }

    #[test]
    fn pages_of_twenty_five_until_the_token_is_null() {
        let mut params = Params::default();
        let mut seen = Vec::new();
        for expected in [25, 25, 10] {
            let page = page(rows(60), &params).expect("a page");
            assert_eq!(page["instances_found"], expected);
            assert_eq!(page["total_instances"], 60);
            seen.extend(ids(&page));
            params.after_token = page["next_token"].as_str().map(str::to_owned);
        }
        assert_eq!(params.after_token, None);
        assert_eq!(seen, (0..60).collect::<Vec<_>>());
    }

    #[test]
    fn a_page_in_another_order_goes_on_where_it_ended() {
        let order = r#"[{"col":"gpu_name","dir":"desc"}]"#;
        let first = page(rows(9), &params("{}", order, "4")).expect("a page");
        assert_eq!(ids(&first), [2, 5, 8, 1]);
        let mut rest = params("{}", order, "4");
        rest.after_token = first["next_token"].as_str().map(str::to_owned);
        assert_eq!(ids(&page(rows(9), &rest).expect("a page")), [4, 7, 0, 3]);
    }

    #[test]
    fn labels_are_counted_and_null_labels_can_be_asked_for() {
        let page =
            page(rows(5), &params(r#"{"label":{"in":[null]}}"#, "[]", "25")).expect("a page");
        assert_eq!(ids(&page), [0, 2, 4]);
        assert_eq!(page["label_counts"], json!({"": 3, "x": 2}));
        assert_eq!(page["total_instances"], 3);
    }

    #[test]
    fn computed_columns_and_bad_tokens_are_refused() {
        let refused =
            page(rows(1), &params(r#"{"dph_total":{"lt":1}}"#, "[]", "25")).expect_err("refused");
        assert_eq!(
            refused.to_string(),
            "Error in query parameters: dph_total is not a valid search key"
        );
        assert_eq!(refused.code(), "invalid_request");
        let token = Params { after_token: Some("nonsense!".into()), ..Params::default() };
        assert_eq!(page(rows(1), &token).expect_err("refused").code(), "invalid_token");
    }

    #[test]
    fn odd_limits_give_a_short_page_and_columns_can_be_chosen() {
        assert_eq!(
            ids(&page(rows(9), &params("{}", "[]", "0")).expect("a page")).len(),
            SHORT_PAGE
        );
        assert_eq!(
            ids(&page(rows(60), &params("{}", "[]", "500")).expect("a page")).len(),
            LONGEST_PAGE
        );
        let chosen = Params { select_cols: Some(r#"["gpu_name"]"#.into()), ..Params::default() };
        assert_eq!(
            page(rows(1), &chosen).expect("a page")["instances"][0],
            json!({"gpu_name": "G0", "id": 0})
        );
    }
}
