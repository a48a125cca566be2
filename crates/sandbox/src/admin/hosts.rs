//! `/_sandbox/hosts/{id}/…`: the plug and the other things that break.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::act::{self, Action};
use super::{Error, state};
use crate::world::World;

pub(crate) async fn act(
    State(world): State<World>,
    Path((id, name)): Path<(String, String)>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Error> {
    let mut action = name.parse::<Action>()?;
    let params: Value = match body.as_ref() {
        [] => json!({}),
        text => serde_json::from_slice(text).map_err(|error| Error::Invalid(error.to_string()))?,
    };
    if let Action::Kill(says) = &mut action
        && params.get("provider_says").is_some()
    {
        let wanted = act::says(&params);
        *says = wanted
            .ok_or_else(|| Error::Invalid("provider_says is offline, unknown or running".into()))?;
    }
    act::act(&world, &id, action).await?;
    let shown =
        state::everything(&world, false).await.hosts.into_iter().find(|one| one.row.id == id);
    Ok(Json(json!({"host": shown})))
}

/// What the host and its boot script printed, as plain text.
pub(crate) async fn console(
    State(world): State<World>,
    Path(id): Path<String>,
) -> Result<String, Error> {
    let row = act::find(&world, &id)?;
    Ok(world.hosts().console(&row.host).await?)
}
