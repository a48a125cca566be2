//! `/_sandbox/faults`: the switches.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Error, act};
use crate::fault::{Armed, Fault};
use crate::world::World;

/// What to arm.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) target: Option<Value>,
    #[serde(default)]
    pub(crate) params: Option<Value>,
    #[serde(default)]
    pub(crate) count: Option<u32>,
}

pub(crate) async fn list(State(world): State<World>) -> Json<Value> {
    let about = |fault: &Fault| json!({"name": fault.name(), "about": fault.about()});
    Json(json!({
        "armed": world.faults().armed(world.now_ms()),
        "catalogue": Fault::ALL.iter().map(about).collect::<Vec<_>>(),
    }))
}

pub(crate) async fn arm(
    State(world): State<World>,
    body: axum::body::Bytes,
) -> Result<impl IntoResponse, Error> {
    let order: Order =
        serde_json::from_slice(&body).map_err(|error| Error::Invalid(error.to_string()))?;
    Ok((StatusCode::CREATED, Json(armed(&world, order).await?)))
}

/// Arms a fault and, if it is of that kind, has it act.
pub(crate) async fn armed(world: &World, order: Order) -> Result<Armed, Error> {
    let name = order.name.parse::<Fault>()?;
    let target = match order.target {
        None | Some(Value::Null) => None,
        Some(Value::String(target)) => Some(target),
        Some(Value::Number(target)) => Some(target.to_string()),
        Some(_) => return Err(Error::Invalid("target is an id or a name".into())),
    };
    let params = order.params.filter(|params| !params.is_null()).unwrap_or_else(|| json!({}));
    if !params.is_object() {
        return Err(Error::Invalid("params is an object".into()));
    }
    if order.count == Some(0) {
        return Err(Error::Invalid("count is at least 1".into()));
    }
    let mut count = order.count;
    if name.acts_on_host() {
        let Some(target) = &target else {
            return Err(Error::Invalid(format!("{name} needs a target")));
        };
        act::find(world, target)?;
        if params.get("provider_says").is_some() && act::says(&params).is_none() {
            return Err(Error::Invalid("provider_says is offline, unknown or running".into()));
        }
        count = Some(1);
    }
    let armed = world.faults().arm(name, target, params, count, world.now_ms());
    tracing::info!(fault = %name, target = ?armed.target, params = %armed.params, "armed");
    act::carry_out(world, &armed).await;
    Ok(armed)
}

pub(crate) async fn clear_all(State(world): State<World>) -> Json<Value> {
    let cleared = world.faults().clear(None);
    world.changed();
    Json(json!({"cleared": cleared}))
}

pub(crate) async fn clear(
    State(world): State<World>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Error> {
    let cleared = world.faults().clear(Some(name.parse::<Fault>()?));
    world.changed();
    Ok(Json(json!({"cleared": cleared})))
}
