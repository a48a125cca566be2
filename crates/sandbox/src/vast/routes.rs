//! Every route, with and without the slash at its end, as clients use both; and what is answered to
//! a call that is none of them.

use axum::Router;
use axum::extract::{RawPathParams, Request};
use axum::http::{Method, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, delete, get, post, put};

use super::reply::Refusal;
use super::{
    change, charges, command, copy, create, destroy, instances, keys, launch, logs, search, user,
};
use crate::world::World;

/// The routes `/api/v0/*` and `/api/v1/*`.
pub(crate) fn router() -> Router<World> {
    let routes: Vec<(&str, MethodRouter<World>)> = vec![
        ("/api/v0/users/current", get(user::current)),
        ("/api/v0/charges", get(charges::charges)),
        ("/api/v0/gpu_names/unique", get(search::gpu_names)),
        ("/api/v0/bundles", post(search::post).get(search::get)),
        ("/api/v0/search/asks", put(search::put)),
        ("/api/v0/asks/{id}", put(create::create)),
        ("/api/v0/asks/bulk", post(launch::bulk)),
        ("/api/v0/launch_instance", put(launch::one)),
        ("/api/v0/instances", get(instances::retired).put(change::many).delete(destroy::many)),
        ("/api/v1/instances", get(instances::list)),
        ("/api/v0/instances/filters", get(instances::filters)),
        ("/api/v0/instances/{id}", get(instances::one).put(change::one).delete(destroy::one)),
        ("/api/v0/instances/reboot/{id}", put(change::reboot)),
        ("/api/v0/instances/recycle/{id}", put(change::recycle)),
        ("/api/v0/instances/bid_price/{id}", put(change::bid)),
        ("/api/v0/commands/copy_direct", put(copy::start).delete(copy::cancel)),
        ("/api/v0/instances/command/{id}", put(command::run)),
        ("/api/v0/instances/request_logs/{id}", put(logs::request)),
        ("/api/v0/instance_logs/{name}", get(logs::read)),
        ("/api/v0/ssh", get(keys::of_account).post(keys::add)),
        ("/api/v0/ssh/{key}", put(keys::replace).delete(keys::remove)),
        ("/api/v0/instances/{id}/ssh", get(keys::of_instance).post(keys::attach)),
        ("/api/v0/instances/{id}/ssh/{key}", delete(keys::detach)),
    ];
    let played = routes.into_iter().fold(Router::new(), |router, (path, methods)| {
        let methods = methods.fallback(not_played);
        router.route(path, methods.clone()).route(&format!("{path}/"), methods)
    });
    played.route_layer(middleware::from_fn(numbers_only)).route("/api/{*rest}", any(not_played))
}

/// A call that the real service may know and this one does not. It must not look like an answer
/// about an instance, least of all that there is none.
async fn not_played(method: Method, uri: Uri) -> Refusal {
    Refusal::json(
        501,
        "not_implemented",
        format!("This sandbox does not play {method} {}.", uri.path()),
    )
}

/// What stands where a number belongs is the name of another call.
async fn numbers_only(params: RawPathParams, request: Request, next: Next) -> Response {
    let a_number = |(name, value): (&str, &str)| name == "name" || value.parse::<u64>().is_ok();
    if params.iter().all(a_number) {
        return next.run(request).await;
    }
    not_played(request.method().clone(), request.uri().clone()).await.into_response()
}
