//! Every route of the API, once.

use axum::http::Method;
use domain::access::Scope;
use domain::audit::Action;
use utoipa::openapi::path::PathItem;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use super::{
    access, audit, auth, balance, events, failover, grants, instances, notifications, passkeys,
    people, settings, standby,
};
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
    /// The same of an account that runs the install; the service asks for that.
    Install,
}

impl Access {
    /// The least scope of a credential that may use it; none is needed where anyone may.
    #[must_use]
    pub const fn scope(self) -> Option<Scope> {
        match self {
            Self::Public => None,
            Self::Read => Some(Scope::Read),
            Self::Operate => Some(Scope::Operate),
            Self::Admin | Self::Install => Some(Scope::Admin),
        }
    }
}

/// What a route's address names that another account may share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// A machine.
    Machine,
    /// A failover.
    Failover,
}

/// One route.
pub struct Route {
    /// Who may use it.
    pub access: Access,
    /// What it can be used for beside what is the account's own.
    pub shared: Option<Shared>,
    /// What using it is called in the audit log; none where it changes nothing.
    pub action: Option<Action>,
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
    ($($access:ident $module:ident::$handler:ident $(on $shared:ident)? $(as $action:ident)? $(<- $example:literal)?;)+) => {
        vec![$(Route {
            access: Access::$access,
            shared: table!(@shared $($shared)?),
            action: table!(@action $($action)?),
            example: table!(@example $($example)?),
            served: routes!($module::$handler),
        }),+]
    };
    (@shared) => { None };
    (@shared $shared:ident) => { Some(Shared::$shared) };
    (@action) => { None };
    (@action $action:ident) => { Some(Action::$action) };
    (@example) => { None };
    (@example $example:literal) => { Some($example) };
}

/// Every route of the API.
#[must_use]
pub fn table() -> Vec<Route> {
    table! {
        Public auth::login as LogIn <- r#"{"email":"nobody@dumont.local","password":"wrong password"}"#;
        Public auth::sdk_config;
        Read auth::logout as LogOut;
        Read auth::me;
        Admin auth::tokens;
        Admin auth::create_token as CreateToken <- r#"{"name":"example"}"#;
        Admin auth::revoke_token as RevokeToken;
        Admin auth::sessions;
        Admin auth::revoke_session as RevokeSession;
        Admin access::browsers;
        Admin access::forget_browser as ForgetBrowser;
        Admin access::second_factor;
        Admin access::begin_second_factor as BeginSecondFactor;
        Admin access::activate_second_factor as AddSecondFactor <- r#"{"code":"000000"}"#;
        Admin access::make_recovery_codes as MakeRecoveryCodes;
        Admin access::remove_second_factor as RemoveSecondFactor <- r#"{"password":"not the password","code":"000000"}"#;
        Admin passkeys::list;
        Admin passkeys::begin_passkey as BeginPasskey;
        Admin passkeys::add_passkey as AddPasskey <- r#"{"name":"laptop","credential":{"id":"none","rawId":"none","type":"public-key","response":{"clientDataJSON":"none","attestationObject":"none"}}}"#;
        Admin passkeys::rename_passkey as RenamePasskey <- r#"{"name":"phone"}"#;
        Admin passkeys::remove_passkey as RemovePasskey <- r#"{"password":"not the password","code":"000000"}"#;
        Admin passkeys::passkey_challenge as AskForPasskey <- r#"{"purpose":"confirm"}"#;
        Public passkeys::login_challenge;
        Admin auth::change_password as ChangePassword <- r#"{"current_password":"not the password","new_password":"another password"}"#;
        Admin auth::confirm as Confirm <- r#"{"password":"not the password"}"#;

        Public people::join as CreateAccount <- r#"{"code":"none","email":"nobody@dumont.local","username":"nobody","password":"a long enough sentence"}"#;
        Public people::reset as ResetPassword <- r#"{"code":"none","new_password":"a long enough sentence"}"#;
        Install people::accounts;
        Install people::reset_link as MakeResetLink;
        Install people::invitations;
        Install people::invite as Invite <- r#"{"note":"example"}"#;
        Install people::revoke as RevokeInvitation;

        Read settings::get;
        Admin settings::put as ChangeSettings <- r#"{"theme":"dark"}"#;

        Read balance::balance;
        Read balance::instances_balance;

        Read instances::list;
        Read instances::offers;
        Operate instances::create as Rent <- r#"{"offer_id":1,"image":"ubuntu:24.04","disk_size":20}"#;
        Read instances::get on Machine;
        Operate instances::destroy as Destroy;
        Operate instances::pause on Machine as Pause;
        Operate instances::resume on Machine as Resume;

        Read standby::status;
        Admin standby::configure as Configure <- r#"{"enabled":false}"#;
        Read standby::pricing;
        Read standby::associations;
        Read standby::association on Machine;
        Operate standby::remove as Unprotect;
        Operate standby::provision as Protect <- r#"{"name":"example"}"#;
        Operate standby::start_sync on Machine as StartSync;
        Operate standby::stop_sync on Machine as StopSync;
        Read standby::deletions on Machine;
        Operate standby::accept_deletions on Machine as AcceptDeletions <- r#"{"digest":null}"#;
        Operate standby::restore_deletions on Machine as RestoreDeletions <- r#"{"digest":"unknown"}"#;
        Read standby::points on Machine;
        Read standby::point_difference on Machine;
        Operate standby::go_back on Machine as GoBack <- r#"{"accept_changes":false}"#;
        Operate standby::discard as Discard <- r#"{"name":"another name"}"#;

        Operate failover::simulate on Machine as Drill <- r#"{"reason":"drill","simulate_new_gpu":false}"#;
        Operate failover::start on Machine as FailOver <- r#"{"reason":"example"}"#;
        Operate failover::cancel on Failover as Cancel;
        Operate failover::fail_back on Failover as FailBack <- r#"{"reason":"example"}"#;
        Operate failover::back_to_gpu on Machine as FailBack;
        Operate failover::retry_now on Failover as Retry;
        Read failover::status on Failover;
        Read failover::active;
        Read failover::report;
        Read failover::strategies;
        Read failover::readiness on Machine;
        Operate failover::test on Machine as TestFailover;

        Read notifications::list;
        Operate notifications::read as ReadNotifications;
        Operate notifications::read_all as ReadNotifications;

        Admin grants::list;
        Admin grants::give as GiveGrant <- r#"{"to":"nobody","level":"read","all_machines":true}"#;
        Admin grants::revoke as RevokeGrant;
        Read grants::shared;
        Admin grants::accept as AcceptGrant;
        Admin grants::decline as DeclineGrant;

        Admin audit::list;

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
        let needed =
            ["/auth/login", "/auth/sdk/config", "/auth/login/passkey", "/auth/join", "/auth/reset"];
        assert_eq!(open, needed);
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
    fn what_changes_something_has_a_name_in_the_audit_log_and_nothing_else_has() {
        // A challenge for a passkey of one's own: what it is used for has a name.
        let harmless = ["/auth/login/passkey"];
        for route in table() {
            let (method, path) = route.method_and_path().expect("described");
            let changes = method != Method::GET && !harmless.contains(&path.as_str());
            assert_eq!(route.action.is_some(), changes, "{method} {path}");
        }
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
