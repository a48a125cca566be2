//! What every call passes before its handler: faults that concern the whole
//! API, the caller's key, and the rate limits. A handler passes it by taking
//! [`Caller`], or [`Anyone`], as its first argument.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::instance::Instance;
use super::limits::Endpoint;
use super::reply::{Refusal, dropped};
use crate::account::Account;
use crate::fault::Fault;
use crate::world::World;

/// Who is calling, as the key says.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The account that pays.
    pub account: Arc<Account>,
    /// Set for the key of one instance: it can do nothing else.
    pub only: Option<u64>,
}

impl Caller {
    /// Whether an instance is the caller's, and the key reaches it.
    pub(crate) fn owns(&self, instance: &Instance) -> bool {
        instance.account == self.account.id && self.only.is_none_or(|only| only == instance.id)
    }

    /// An instance's own key is good for that instance only.
    pub(crate) fn whole_account(&self) -> Result<(), Refusal> {
        match self.only {
            None => Ok(()),
            Some(_) => {
                Err(Refusal::json(403, "auth_error", "This key is limited to its instance."))
            }
        }
    }
}

impl FromRequestParts<World> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, world: &World) -> Result<Self, Response> {
        let endpoint = endpoint(parts);
        weather(world, endpoint).await?;
        let name = Some(endpoint.name());
        if let Some(params) = world.faults().hit(Fault::RateLimitedPlain, name) {
            return Err(
                too_frequent_text(params.get("threshold").and_then(Value::as_f64)).into_response()
            );
        }
        if let Some(params) = world.faults().hit(Fault::RateLimitedJson, name) {
            return Err(too_frequent_json(&params).into_response());
        }
        let caller = caller(world, parts).map_err(IntoResponse::into_response)?;
        let limited = world.options().rate_limits;
        match world.vast().too_frequent(caller.account.id, endpoint, world.now_ms()) {
            Some(threshold) if limited => Err(too_frequent_text(Some(threshold)).into_response()),
            _ => Ok(caller),
        }
    }
}

/// Who searches: anyone may, but a key that is sent must be a good one.
#[derive(Debug, Clone)]
pub(crate) struct Visitor(pub(crate) Option<Caller>);

impl FromRequestParts<World> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, world: &World) -> Result<Self, Response> {
        if key(parts).is_some() {
            return Caller::from_request_parts(parts, world).await.map(|caller| Self(Some(caller)));
        }
        let endpoint = endpoint(parts);
        weather(world, endpoint).await?;
        // Those without a key share one budget, as they share an address.
        match world.vast().too_frequent(0, endpoint, world.now_ms()) {
            Some(threshold) if world.options().rate_limits => {
                Err(too_frequent_text(Some(threshold)).into_response())
            }
            _ => Ok(Self(None)),
        }
    }
}

/// Anyone: the CLI asks for the GPU names before it has a key, and a log is
/// read by its secret address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Anyone;

impl FromRequestParts<World> for Anyone {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, world: &World) -> Result<Self, Response> {
        weather(world, endpoint(parts)).await.map(|()| Self)
    }
}

fn endpoint(parts: &Parts) -> Endpoint {
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    Endpoint::of(parts.method.as_str(), route)
}

/// Slowness and outages, which strike before the key is looked at.
async fn weather(world: &World, endpoint: Endpoint) -> Result<(), Response> {
    let name = Some(endpoint.name());
    if let Some(params) = world.faults().hit(Fault::LatencyMs, name) {
        let ms = params.get("ms").and_then(Value::as_u64).unwrap_or(500);
        world.pause(Duration::from_millis(ms)).await;
    }
    match world.faults().hit(Fault::VastApiDown, name) {
        Some(params) => Err(down(world, &params).await),
        None => Ok(()),
    }
}

fn no_key() -> Refusal {
    Refusal::json(401, "auth_error", "Please log in or sign up")
}

/// An outage: 503 by the front server, or another status, or silence.
async fn down(world: &World, params: &Value) -> Response {
    if let Some(hang_s) = params.get("hang_s").and_then(Value::as_f64) {
        world.pause(Duration::from_secs_f64(hang_s.clamp(0.0, 3_600.0))).await;
        return dropped();
    }
    let status = params
        .get("status")
        .and_then(Value::as_u64)
        .and_then(|status| u16::try_from(status).ok())
        .unwrap_or(503);
    Refusal::Html(status).into_response()
}

/// 429 in plain text, with or without its threshold in seconds.
fn too_frequent_text(threshold: Option<f64>) -> Refusal {
    let text = match threshold {
        Some(threshold) => format!("API requests too frequent: endpoint threshold={threshold:.1}"),
        None => "API requests too frequent".to_owned(),
    };
    Refusal::Text(429, text)
}

/// 429 in JSON: `{"detail":…}`, or the usual shape with `"shape":"error"`.
fn too_frequent_json(params: &Value) -> Refusal {
    let threshold = params.get("threshold").and_then(Value::as_f64).unwrap_or(1.0);
    let text = format!("API requests too frequent endpoint threshold={threshold:.1}");
    if params.get("shape").and_then(Value::as_str) == Some("error") {
        Refusal::json(429, "rate_limit_exceeded", text)
    } else {
        Refusal::Body(429, json!({"detail": text}))
    }
}

/// The key that a call brings: the bearer token, or `?api_key=`, which older clients use.
fn key(parts: &Parts) -> Option<String> {
    let bearer = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::to_owned);
    let in_query = || {
        let query = parts.uri.query().unwrap_or_default();
        query.split('&').find_map(|pair| pair.strip_prefix("api_key=")).map(str::to_owned)
    };
    bearer.or_else(in_query).map(|key| key.trim().to_owned()).filter(|key| !key.is_empty())
}

/// The caller by the key.
fn caller(world: &World, parts: &Parts) -> Result<Caller, Refusal> {
    let key = key(parts).ok_or_else(no_key)?;
    let (account, only) = match world.accounts().by_vast_key(&key) {
        Some(account) => (Some(account), None),
        None => match world.vast().by_instance_key(&key) {
            Some((instance, account)) => (world.accounts().by_id(account), Some(instance)),
            None => (None, None),
        },
    };
    let account = account.ok_or_else(|| Refusal::json(401, "auth_error", "Invalid user key"))?;
    if let Some(params) = world.faults().hit(Fault::KeyRefused, Some(&account.id.to_string())) {
        return Err(key_refused(&params));
    }
    Ok(Caller { account, only })
}

/// The three ways in which the real service refuses a key.
fn key_refused(params: &Value) -> Refusal {
    match params.get("status").and_then(Value::as_u64) {
        Some(404) => Refusal::json(404, "auth_error", "Invalid user key"),
        Some(403) => Refusal::json(403, "auth_error", "Invalid user key"),
        _ => Refusal::json(401, "auth_error", "Invalid user key"),
    }
}
