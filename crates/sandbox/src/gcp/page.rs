//! List calls: filter, order and pages.

use std::cmp::Ordering;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use super::{error::ApiError, filter::Filter};

/// What a list call may say. Numbers arrive as text.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ListQuery {
    filter: Option<String>,
    max_results: Option<String>,
    order_by: Option<String>,
    page_token: Option<String>,
}

/// One page of what matched.
#[derive(Debug)]
pub(super) struct Page {
    /// The resources, as shown.
    pub(super) items: Vec<Value>,
    /// What to ask the next page with; none on the last one.
    pub(super) next: Option<String>,
}

const PAGE: usize = 500;

#[derive(Clone, Copy)]
enum Order {
    Name,
    NewestFirst,
}

impl Order {
    fn read(text: Option<&str>) -> Result<Self, ApiError> {
        match text.map(str::trim) {
            None | Some("" | "name") => Ok(Self::Name),
            Some("creationTimestamp desc") => Ok(Self::NewestFirst),
            Some(other) => Err(ApiError::field("orderBy", other, "Invalid order by field.")),
        }
    }

    /// What a resource is ordered by. Links are unique, and end with the name.
    fn key(self, item: &Value) -> String {
        let text = |field: &str| item.get(field).and_then(Value::as_str);
        let link = text("selfLink").unwrap_or_default();
        match self {
            Self::Name => link.to_owned(),
            Self::NewestFirst => {
                let time = text("creationTimestamp").or_else(|| text("insertTime"));
                format!("{} {link}", time.unwrap_or_default())
            }
        }
    }

    fn compare(self, left: &str, right: &str) -> Ordering {
        match self {
            Self::Name => left.cmp(right),
            Self::NewestFirst => right.cmp(left),
        }
    }
}

impl ListQuery {
    /// The page of `items` that this call asks for.
    pub(super) fn page(&self, items: impl Iterator<Item = Value>) -> Result<Page, ApiError> {
        let filter = self.filter.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let filter = filter.map(Filter::parse).transpose()?;
        let order = Order::read(self.order_by.as_deref())?;
        let size = self.size()?;
        let after = self.page_token.as_deref().map(read_token).transpose()?;
        let mut kept: Vec<(String, Value)> = items
            .filter(|item| filter.as_ref().is_none_or(|filter| filter.passes(item)))
            .map(|item| (order.key(&item), item))
            .filter(|(key, _)| after.as_ref().is_none_or(|last| order.compare(key, last).is_gt()))
            .collect();
        kept.sort_by(|(left, _), (right, _)| order.compare(left, right));
        let more = kept.len() > size;
        kept.truncate(size);
        let last = kept.last().filter(|_| more);
        let next = last.map(|(key, _)| URL_SAFE_NO_PAD.encode(key));
        Ok(Page { items: kept.into_iter().map(|(_, item)| item).collect(), next })
    }

    fn size(&self) -> Result<usize, ApiError> {
        let Some(text) = self.max_results.as_deref() else { return Ok(PAGE) };
        match text.parse::<usize>() {
            Ok(size @ 0..=PAGE) => Ok(if size == 0 { PAGE } else { size }),
            _ => Err(ApiError::field("maxResults", text, "Value must be between 0 and 500.")),
        }
    }
}

fn read_token(text: &str) -> Result<String, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| ApiError::field("pageToken", text, "Invalid page token."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn items() -> impl Iterator<Item = Value> {
        ["c", "a", "d", "b"].into_iter().enumerate().map(|(at, name)| {
            json!({"name": name, "selfLink": format!("x/{name}"), "insertTime": format!("2024-{at}")})
        })
    }

    fn names(page: &Page) -> String {
        page.items.iter().filter_map(|item| item["name"].as_str()).collect()
    }

    #[test]
    fn pages_follow_one_another_without_gap_or_repeat() {
        let mut query = ListQuery { max_results: Some("3".into()), ..ListQuery::default() };
        let first = query.page(items()).unwrap();
        assert_eq!(names(&first), "abc");
        query.page_token = first.next;
        let second = query.page(items()).unwrap();
        assert_eq!(names(&second), "d");
        assert!(second.next.is_none());
    }

    #[test]
    fn newest_first_reverses_time() {
        let query =
            ListQuery { order_by: Some("creationTimestamp desc".into()), ..ListQuery::default() };
        assert_eq!(names(&query.page(items()).unwrap()), "bdac");
    }

    #[test]
    fn bad_sizes_orders_and_tokens_are_refused() {
        for query in [
            ListQuery { max_results: Some("501".into()), ..ListQuery::default() },
            ListQuery { max_results: Some("x".into()), ..ListQuery::default() },
            ListQuery { order_by: Some("size".into()), ..ListQuery::default() },
            ListQuery { page_token: Some("!".into()), ..ListQuery::default() },
        ] {
            assert_eq!(query.page(items()).map(|_| ()).map_err(|e| e.code()), Err(400));
        }
    }
}
