//! The account's instances: all of them, or one.
//!
//! What is missing from a list decides about money, so a list is whole or it is an error: every
//! page, every row with its id, and as many rows as Vast counts.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::gpu::GpuInstance;
use domain::id::GpuId;
use domain::provider::{ErrorClass, ProviderError};
use reqwest::Method;
use serde_json::Value;

use super::client::{Call, VastClient, unexpected};
use super::endpoint::Endpoint;
use super::instance::instance;
use super::row::Row;

const LIST: &str = "list instances";
const GET: &str = "get instance";
/// Rows in a page; the most that Vast gives.
const PAGE: &str = "25";
/// Pages that one list may have.
const MOST_PAGES: usize = 400;

/// A reading of the account's instances.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// By id, each once.
    pub instances: Vec<GpuInstance>,
    /// Whether Vast's own count agrees with the rows. A list without a count is not complete: it
    /// shows what exists, and says nothing about what does not.
    ///
    /// Even a complete list is one reading: Vast is known to miss rows and to answer with an empty
    /// list. Believe that a known instance is gone after several readings, or after [`VastClient::get`].
    pub complete: bool,
}

impl Listing {
    /// The instance with this id, if the list shows it.
    #[must_use]
    pub fn by_id(&self, id: GpuId) -> Option<&GpuInstance> {
        self.instances.iter().find(|instance| instance.id == id)
    }

    /// The instances with exactly this label.
    #[must_use]
    pub fn labelled(&self, label: &str) -> Vec<&GpuInstance> {
        self.instances.iter().filter(|instance| instance.label.as_deref() == Some(label)).collect()
    }
}

impl VastClient {
    /// Every instance of the account (`GET /api/v1/instances/`, all pages, one a second).
    ///
    /// # Errors
    /// A page that fails fails the list. `Unexpected` when the rows contradict Vast's count twice
    /// in a row (once can be an instance made between two pages), or when a row has no id.
    pub async fn list(&self) -> Result<Listing, ProviderError> {
        match self.read_list().await {
            Err(Failed::Contradiction(_)) => self.read_list().await.map_err(Failed::into_error),
            read => read.map_err(Failed::into_error),
        }
    }

    async fn read_list(&self) -> Result<Listing, Failed> {
        let mut pages = Pages::default();
        let mut token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut call = Call::new(LIST, Endpoint::List, Method::GET, "/api/v1/instances/");
            call.query = vec![
                ("select_filters", "{}".into()),
                ("order_by", r#"[{"col":"id","dir":"asc"}]"#.into()),
                ("limit", PAGE.into()),
            ];
            if let Some(after) = &token {
                call.query.push(("after_token", after.clone()));
            }
            call.total = Duration::from_secs(20);
            let page = self.ask(&call).await?;
            let next = pages.add(Row(&page))?;
            if next.is_none() {
                return pages.finish();
            }
            if next == token {
                break;
            }
            token = next;
        }
        Err(unexpected(LIST, "the pages of the list do not end").into())
    }

    /// One instance (`GET /instances/{id}/`); `None` when Vast says that there is none.
    ///
    /// # Errors
    /// Anything but a clear answer.
    pub async fn get(&self, id: GpuId) -> Result<Option<GpuInstance>, ProviderError> {
        self.record(id).await?.map_or(Ok(None), |body| one(&body, id))
    }

    /// The reply about one instance; `None` when Vast says that there is none.
    pub(super) async fn record(&self, id: GpuId) -> Result<Option<Value>, ProviderError> {
        let mut call =
            Call::new(GET, Endpoint::Get, Method::GET, format!("/api/v0/instances/{id}/"));
        call.query = vec![("owner", "me".into())];
        match self.ask(&call).await {
            Err(error) if error.class == ErrorClass::NotFound => Ok(None),
            reply => reply.map(Some),
        }
    }
}

fn one(body: &Value, id: GpuId) -> Result<Option<GpuInstance>, ProviderError> {
    match body.get("instances") {
        Some(Value::Null) => Ok(None),
        Some(row) => match instance(Row(row)) {
            Some(found) if found.id == id => Ok(Some(found)),
            _ => Err(unexpected(GET, "the reply describes another instance")),
        },
        None => Err(unexpected(GET, "the reply holds no instance")),
    }
}

/// Why a list can't be used.
#[derive(Debug)]
enum Failed {
    /// A call failed, or a page can't be read.
    Error(ProviderError),
    /// The rows and the count disagree.
    Contradiction(String),
}

impl Failed {
    fn into_error(self) -> ProviderError {
        match self {
            Self::Error(error) => error,
            Self::Contradiction(message) => unexpected(LIST, message),
        }
    }
}

impl From<ProviderError> for Failed {
    fn from(error: ProviderError) -> Self {
        Self::Error(error)
    }
}

/// The pages read so far.
#[derive(Debug, Default)]
struct Pages {
    rows: BTreeMap<i64, GpuInstance>,
    /// The count in the last page that had one.
    total: Option<i64>,
}

impl Pages {
    /// Takes a page in; gives the token of the next one.
    fn add(&mut self, page: Row<'_>) -> Result<Option<String>, Failed> {
        let rows = page
            .get("instances")
            .and_then(Value::as_array)
            .ok_or_else(|| unexpected(LIST, "the reply holds no list of instances"))?;
        for row in rows {
            let found = instance(Row(row))
                .ok_or_else(|| unexpected(LIST, "an instance in the list has no id"))?;
            self.rows.insert(found.id.0, found);
        }
        let in_page = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        if let Some(found) = page.int("instances_found")
            && found != in_page
            && page.int("total_instances").is_none_or(|total| total != found)
        {
            return Err(Failed::Contradiction(format!(
                "the list speaks of {found} instances and shows {in_page}"
            )));
        }
        self.total = page.int("total_instances").or(self.total);
        let next = page.text("next_token");
        if next.is_some() && rows.is_empty() {
            return Err(Failed::Contradiction(
                "an empty page of the list is followed by another".into(),
            ));
        }
        Ok(next)
    }

    fn finish(self) -> Result<Listing, Failed> {
        let shown = i64::try_from(self.rows.len()).unwrap_or(i64::MAX);
        match self.total {
            Some(total) if total != shown => Err(Failed::Contradiction(format!(
                "the list counts {total} instances and shows {shown}"
            ))),
            total => Ok(Listing {
                instances: self.rows.into_values().collect(),
                complete: total.is_some(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(ids: std::ops::Range<i64>) -> Vec<Value> {
        ids.map(|id| json!({"id": id})).collect()
    }

    fn read(pages: &[Value]) -> Result<Listing, Failed> {
        let mut all = Pages::default();
        for page in pages {
            all.add(Row(page))?;
        }
        all.finish()
    }

    #[test]
    fn pages_add_up_to_the_count() {
        let first = json!({"success": true, "instances_found": 25, "total_instances": 30, "next_token": "t", "instances": rows(0..25)});
        let second = json!({"success": true, "instances_found": 5, "total_instances": 30, "next_token": null, "instances": rows(25..30)});
        let mut all = Pages::default();
        assert_eq!(all.add(Row(&first)).expect("a page").as_deref(), Some("t"));
        assert_eq!(all.add(Row(&second)).expect("a page"), None);
        let listing = all.finish().expect("a list");
        assert_eq!((listing.instances.len(), listing.complete), (30, true));
        assert!(listing.by_id(GpuId(29)).is_some());
    }

    #[test]
    fn a_count_that_the_rows_contradict_is_no_list() {
        for page in [
            json!({"instances": rows(0..2), "total_instances": 3}),
            json!({"instances": [], "total_instances": 1}),
            json!({"instances": [], "instances_found": 4}),
            json!({"instances": rows(0..3), "total_instances": 2}),
            json!({"instances": [], "next_token": "t", "total_instances": 0}),
        ] {
            assert!(
                matches!(read(std::slice::from_ref(&page)), Err(Failed::Contradiction(_))),
                "{page}"
            );
        }
    }

    #[test]
    fn what_is_not_a_list_is_never_an_empty_one() {
        for page in [
            json!({"success": true}),
            json!({"instances": null}),
            json!({"instances": {}}),
            json!([]),
            json!({"instances": [{"label": "x"}]}),
        ] {
            assert!(matches!(read(std::slice::from_ref(&page)), Err(Failed::Error(_))), "{page}");
        }
    }

    #[test]
    fn without_a_count_nothing_can_be_said_about_what_is_missing() {
        assert!(!read(&[json!({"instances": []})]).expect("a list").complete);
        assert!(!read(&[json!({"instances": rows(0..1)})]).expect("a list").complete);
        assert!(
            read(&[json!({"instances": [], "instances_found": 0, "total_instances": 0})])
                .expect("a list")
                .complete
        );
        assert!(
            read(&[json!({"instances": rows(0..2), "instances_found": 2, "total_instances": 2})])
                .expect("a list")
                .complete
        );
    }

    #[test]
    fn one_instance_is_there_gone_or_unclear() {
        assert_eq!(one(&json!({"instances": null}), GpuId(5)).expect("clear"), None);
        assert!(one(&json!({"instances": {"id": 5}}), GpuId(5)).expect("clear").is_some());
        for odd in [json!({}), json!({"instances": {"id": 6}}), json!({"instances": []}), json!([])]
        {
            assert!(one(&odd, GpuId(5)).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_label_is_matched_whole() {
        let listing = read(&[json!({"instances": [{"id": 1, "label": "dumont-a-1"}, {"id": 2, "label": "dumont-a-12"}, {"id": 3, "label": null}]})])
            .expect("a list");
        let ids: Vec<_> = listing.labelled("dumont-a-1").iter().map(|found| found.id.0).collect();
        assert_eq!(ids, [1]);
    }
}
