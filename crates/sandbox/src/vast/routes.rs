//! Every route, with and without the slash at its end, as clients use both.

use axum::Router;
use axum::routing::{MethodRouter, delete, get, post, put};

use super::{change, charges, create, destroy, instances, keys, logs, search, user};
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
        ("/api/v0/instances", get(instances::retired).put(change::many).delete(destroy::many)),
        ("/api/v1/instances", get(instances::list)),
        ("/api/v0/instances/filters", get(instances::filters)),
        ("/api/v0/instances/{id}", get(instances::one).put(change::one).delete(destroy::one)),
        ("/api/v0/instances/reboot/{id}", put(change::reboot)),
        ("/api/v0/instances/recycle/{id}", put(change::reboot)),
        ("/api/v0/instances/bid_price/{id}", put(change::bid)),
        ("/api/v0/instances/request_logs/{id}", put(logs::request)),
        ("/api/v0/instance_logs/{name}", get(logs::read)),
        ("/api/v0/ssh", get(keys::of_account).post(keys::add)),
        ("/api/v0/ssh/{key}", put(keys::replace).delete(keys::remove)),
        ("/api/v0/instances/{id}/ssh", get(keys::of_instance).post(keys::attach)),
        ("/api/v0/instances/{id}/ssh/{key}", delete(keys::detach)),
    ];
    routes.into_iter().fold(Router::new(), |router, (path, methods)| {
        router.route(path, methods.clone()).route(&format!("{path}/"), methods)
    })
}
