//! Every route of the API, once.

use axum::http::Method;
use utoipa::openapi::path::PathItem;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use super::{auth, balance, events, failover, instances, notifications, settings, standby};
use crate::Dumont;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// An account, for what is its own.
    User,
}

/// One route.
pub struct Route {
    /// Who may use it.
    pub access: Access,
    /// A body that it can read, as JSON; for documentation and tests.
    pub example: Option<&'static str>,
    /// How it is served and described.
    pub served: UtoipaMethodRouter<Dumont>,
}

impl Route {
    /// Method and path below `/api/v1`, with parameters in braces.
    #[must_use]
    pub fn method_and_path(&self) -> Option<(Method, String)> {
        let (path, item) = self.served.1.paths.iter().next()?;
        Some((method(item)?, path.clone()))
    }
}

fn method(item: &PathItem) -> Option<Method> {
    let known = [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::DELETE, &item.delete),
    ];
    known.into_iter().find(|(_, operation)| operation.is_some()).map(|(method, _)| method)
}

macro_rules! table {
    ($($access:ident $module:ident::$handler:ident $(<- $example:literal)?;)+) => {
        vec![$(Route {
            access: Access::$access,
            example: table!(@example $($example)?),
            served: routes!($module::$handler),
        }),+]
    };
    (@example) => { None };
    (@example $example:literal) => { Some($example) };
}

/// Every route of the API.
#[must_use]
pub fn table() -> Vec<Route> {
    table! {
        Public auth::login <- r#"{"email":"nobody@dumont.local","password":"wrong password"}"#;
        Public auth::sdk_config;
        User auth::logout;
        User auth::me;
        User auth::tokens;
        User auth::create_token <- r#"{"name":"example"}"#;
        User auth::revoke_token;
        User auth::sessions;
        User auth::revoke_session;
        User auth::change_password <- r#"{"current_password":"not the password","new_password":"another password"}"#;

        User settings::get;
        User settings::put <- r#"{"theme":"dark"}"#;

        User balance::balance;
        User balance::instances_balance;

        User instances::list;
        User instances::offers;
        User instances::create <- r#"{"offer_id":1,"image":"ubuntu:24.04","disk_size":20}"#;
        User instances::get;
        User instances::destroy;
        User instances::pause;
        User instances::resume;

        User standby::status;
        User standby::configure <- r#"{"enabled":false}"#;
        User standby::pricing;
        User standby::associations;
        User standby::association;
        User standby::remove;
        User standby::provision <- r#"{"name":"example"}"#;
        User standby::start_sync;
        User standby::stop_sync;

        User failover::simulate <- r#"{"reason":"drill","simulate_new_gpu":false}"#;
        User failover::start <- r#"{"reason":"example"}"#;
        User failover::cancel;
        User failover::fail_back <- r#"{"reason":"example"}"#;
        User failover::status;
        User failover::active;
        User failover::report;
        User failover::strategies;
        User failover::readiness;
        User failover::test;

        User notifications::list;
        User notifications::read;
        User notifications::read_all;

        User events::events;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_login_needs_is_open_to_anyone() {
        let open: Vec<String> = table()
            .iter()
            .filter(|route| route.access == Access::Public)
            .filter_map(|route| Some(route.method_and_path()?.1))
            .collect();
        assert_eq!(open, ["/auth/login", "/auth/sdk/config"]);
    }

    #[test]
    fn every_route_has_a_method_and_a_path_of_its_own() {
        let mut all: Vec<String> = table()
            .iter()
            .map(|route| route.method_and_path().expect("described"))
            .map(|(method, path)| format!("{method} {path}"))
            .collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn every_example_is_json() {
        for example in table().iter().filter_map(|route| route.example) {
            serde_json::from_str::<serde_json::Value>(example).expect(example);
        }
    }
}
