//! Renting several offers at once, and the first that a search finds.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::create::rent_one;
use super::gate::Caller;
use super::reply::Refusal;
use super::search::found;
use crate::world::World;

/// Offers of one bulk call.
const MOST: usize = 64;

fn parse(body: &str) -> Result<Value, Refusal> {
    serde_json::from_str(body)
        .map_err(|_| Refusal::json(400, "invalid_request", "Invalid json body"))
}

/// `POST /asks/bulk/` with `ids`: each is rented by itself, and the answer says how each went.
pub(crate) async fn bulk(
    caller: Caller,
    State(world): State<World>,
    body: String,
) -> Result<Response, Refusal> {
    let ids: Vec<u64> = parse(&body)?
        .get("ids")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64)
        .collect();
    if ids.is_empty() || ids.len() > MOST {
        return Err(Refusal::invalid_args(format!("ids must be a list of 1 to {MOST} offers")));
    }
    let mut results = Vec::new();
    for id in ids {
        let made = rent_one(&caller, &world, id, &body).await;
        let mut result = match made {
            Ok(made) => made,
            Err(refused) => refused.summary(),
        };
        if let Some(fields) = result.as_object_mut() {
            fields.insert("ask_id".into(), id.into());
        }
        results.push(result);
    }
    let all = results.iter().all(|result| result.get("success") == Some(&json!(true)));
    let contracts: Vec<&Value> =
        results.iter().filter_map(|result| result.get("new_contract")).collect();
    Ok(Json(json!({"success": all, "new_contracts": contracts, "results": results}))
        .into_response())
}

/// `PUT /launch_instance/`: the first offer that `q` finds, rented as the rest of the body says.
pub(crate) async fn one(
    caller: Caller,
    State(world): State<World>,
    body: String,
) -> Result<Response, Refusal> {
    let query = parse(&body)?.get("q").cloned().unwrap_or_else(|| json!({}));
    let offers = found(Some(caller.account.id), &world, &query)?;
    let Some(ask) = offers.first().and_then(|offer| offer.get("id")).and_then(Value::as_u64) else {
        return Err(Refusal::json(404, "no_such_ask", "No offers found matching your search."));
    };
    Ok(Json(rent_one(&caller, &world, ask, &body).await?).into_response())
}
