//! Settings: CPU Failover, credentials, the account.

pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod browsers;
pub(crate) mod confirm;
pub(crate) mod credentials;
pub(crate) mod estimate;
pub(crate) mod failover;
mod passkeys;
pub(crate) mod people;
pub(crate) mod proof;
pub(crate) mod second_factor;
pub(crate) mod sharing;

use domain::access::AccountRole;
use leptos::prelude::AnyView;

use crate::router::Route;
use crate::ui::tabs;
use crate::visit::Visit;

/// The parts, and where we are.
fn parts(visit: &Visit) -> AnyView {
    let t = visit.t();
    let runs = visit.user.as_ref().is_some_and(|user| user.role == AccountRole::Administrator);
    let links = [
        (Route::Settings, t.nav_failover_settings),
        (Route::Credentials, t.nav_credentials),
        (Route::Account, t.nav_account),
        (Route::Sharing, visit.access().sharing),
        (Route::Audit, t.nav_audit),
    ]
    .into_iter()
    .chain(runs.then_some((Route::People, t.people)))
    .map(|(route, word)| {
        let href = route.path();
        let here = if matches!(route, Route::Account | Route::People) {
            visit.path.starts_with(&href)
        } else {
            visit.path == href
        };
        (href, word.to_owned(), here)
    })
    .collect();
    tabs(t.nav_settings, links)
}
