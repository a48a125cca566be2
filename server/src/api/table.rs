//! Every route of the API, once.

use axum::http::Method;
use domain::access::Scope;
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
    /// Who may look at what is the account's own.
    Read,
    /// Who may act on the account's machines.
    Operate,
    /// Who may change the account itself and who may get into it.
    Admin,
}

impl Access {
    /// The least scope of a credential that may use it; none is needed where anyone may.
    #[must_use]
    pub const fn scope(self) -> Option<Scope> {
        match self {
            Self::Public => None,
            Self::Read => Some(Scope::Read),
            Self::Operate => Some(Scope::Operate),
            Self::Admin => Some(Scope::Admin),
        }
    }
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
        Read auth::logout;
        Read auth::me;
        Admin auth::tokens;
        Admin auth::create_token <- r#"{"name":"example"}"#;
        Admin auth::revoke_token;
        Admin auth::sessions;
        Admin auth::revoke_session;
        Admin auth::change_password <- r#"{"current_password":"not the password","new_password":"another password"}"#;
        Admin auth::confirm <- r#"{"password":"not the password"}"#;

        Read settings::get;
        Admin settings::put <- r#"{"theme":"dark"}"#;

        Read balance::balance;
        Read balance::instances_balance;

        Read instances::list;
        Read instances::offers;
        Operate instances::create <- r#"{"offer_id":1,"image":"ubuntu:24.04","disk_size":20}"#;
        Read instances::get;
        Operate instances::destroy;
        Operate instances::pause;
        Operate instances::resume;

        Read standby::status;
        Admin standby::configure <- r#"{"enabled":false}"#;
        Read standby::pricing;
        Read standby::associations;
        Read standby::association;
        Operate standby::remove;
        Operate standby::provision <- r#"{"name":"example"}"#;
        Operate standby::start_sync;
        Operate standby::stop_sync;

        Operate failover::simulate <- r#"{"reason":"drill","simulate_new_gpu":false}"#;
        Operate failover::start <- r#"{"reason":"example"}"#;
        Operate failover::cancel;
        Operate failover::fail_back <- r#"{"reason":"example"}"#;
        Read failover::status;
        Read failover::active;
        Read failover::report;
        Read failover::strategies;
        Read failover::readiness;
        Read failover::test;

        Read notifications::list;
        Operate notifications::read;
        Operate notifications::read_all;

        Read events::events;
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
    fn a_scope_that_only_looks_reaches_nothing_that_changes() {
        let harmless = ["/auth/logout"];
        for route in table() {
            let (method, path) = route.method_and_path().expect("described");
            if route.access == Access::Read && !harmless.contains(&path.as_str()) {
                assert_eq!(method, Method::GET, "{path}");
            }
        }
    }

    #[test]
    fn every_example_is_json() {
        for example in table().iter().filter_map(|route| route.example) {
            serde_json::from_str::<serde_json::Value>(example).expect(example);
        }
    }
}
