//! The names of the models that Vast has: a search takes whole names alone, and people type parts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::offer::names_like;
use reqwest::Method;
use serde_json::Value;
use tokio::time::Instant;

use super::client::{Call, VastClient};
use super::endpoint::Endpoint;
use super::row::Row;

/// How long a list is good for: new models are rare.
const GOOD_FOR: Duration = Duration::from_secs(6 * 3600);
/// How soon after a list that could not be had.
const AGAIN: Duration = Duration::from_secs(60);
/// More names than these are not kept.
const MOST: usize = 1024;
/// Longer ones are no names.
const LONGEST: usize = 64;

/// What was read last, and until when it is good; `None` where it could not be had.
type Read = (Instant, Option<Arc<Vec<String>>>);

/// The list, for all accounts.
#[derive(Debug, Default)]
pub(super) struct Names(Mutex<Option<Read>>);

impl Names {
    fn good(&self) -> Option<Option<Arc<Vec<String>>>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(until, _)| Instant::now() < *until).map(|(_, list)| list.clone())
    }

    fn keep(&self, list: Option<Arc<Vec<String>>>) {
        let span = if list.is_some() { GOOD_FOR } else { AGAIN };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((Instant::now() + span, list));
    }
}

impl VastClient {
    /// The models that someone may mean (`GET /gpu_names/unique/`); `None` where that can't be told, and
    /// the offers themselves have to be looked through.
    pub(super) async fn models_like(&self, typed: &str) -> Option<Vec<String>> {
        let names = self.names();
        let known = match names.good() {
            Some(known) => known,
            None => {
                let list = self.read_names().await.map(Arc::new);
                names.keep(list.clone());
                list
            }
        };
        let known = known?;
        let like = names_like(typed, known.iter().map(String::as_str));
        Some(like.into_iter().map(str::to_owned).collect())
    }

    async fn read_names(&self) -> Option<Vec<String>> {
        let path = "/api/v0/gpu_names/unique/";
        let mut call = Call::new("list GPU names", Endpoint::User, Method::GET, path);
        call.total = Duration::from_secs(5);
        // Without it a search looks through all offers: that is slower, and no failure.
        let reply = self.ask_once(&call).await.ok()?;
        let list = Row(&reply).get("gpu_names").and_then(Value::as_array)?;
        let names: Vec<String> = list
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| !name.is_empty() && name.len() <= LONGEST)
            .take(MOST)
            .map(str::to_owned)
            .collect();
        (!names.is_empty()).then_some(names)
    }
}
