//! The pages, and which of them answers what.
//!
//! A page asks the control plane first and is then drawn from what it was told; a form acts and
//! leads to a page, or the page is drawn again with what was typed and why it was refused.

pub(crate) mod balance;
mod entrance;
mod failover;
mod failovers;
mod gaps;
mod joining;
mod kit;
mod machine;
mod machines;
pub(crate) mod notifications;
mod offers;
mod palette;
pub(crate) mod problem;
mod settings;
mod shortcuts;
pub(crate) mod tab;

use leptos::prelude::AnyView;

pub(crate) use self::machine::Reason;

use crate::control_plane::{Answer, ControlPlane, Visitor};
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::visit::Visit;

/// A page without the frame around it.
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) status: u16,
    /// Kinds of doorbells that renew it, with commas between; `None`: it does not change by itself.
    pub(crate) live: Option<&'static str>,
    /// For reading and forms; else as wide as the tables.
    pub(crate) narrow: bool,
    /// What the browser's tab says of this page; of all machines where it says nothing.
    pub(crate) tab: Option<tab::Tab>,
    pub(crate) body: AnyView,
}

impl Page {
    pub(crate) fn new(title: impl Into<String>, body: AnyView) -> Self {
        Self { title: title.into(), status: 200, live: None, narrow: false, tab: None, body }
    }

    pub(crate) fn live(self, kinds: &'static str) -> Self {
        Self { live: Some(kinds), ..self }
    }

    pub(crate) fn narrow(self) -> Self {
        Self { narrow: true, ..self }
    }

    /// With a tab of its own.
    pub(crate) fn tab(self, tab: Option<tab::Tab>) -> Self {
        Self { tab, ..self }
    }

    /// With the status of the problem that it tells, where there is one.
    pub(crate) fn of(self, problem: Option<&domain::view::problem::Problem>) -> Self {
        Self { status: problem.map_or(self.status, |problem| problem.status), ..self }
    }
}

/// Answers a route for someone who may see it.
pub(crate) async fn answer(
    visit: &Visit,
    visitor: &Visitor,
    route: Route,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    match route {
        Route::Root => Outcome::see(Route::Machines.path()),
        Route::Setup => entrance::setup(visitor, request, plane).await,
        Route::Login => entrance::login(visitor, request, plane).await,
        Route::LoginCode => entrance::code::answer(request, plane).await,
        Route::Logout => entrance::logout(request, plane).await,
        Route::Join => joining::join(request, plane).await,
        Route::Reset => joining::reset(request, plane).await,
        Route::Prefs => entrance::prefs(visitor, request, plane).await,
        Route::Balance => balance::answer(request, plane).await,
        Route::Machines => machines::answer(request, plane).await,
        Route::Machine(gpu) => machine::answer(gpu, request, plane).await,
        Route::MachineAct(gpu, act) => machine::act::answer(gpu, act, request, plane).await,
        Route::Points(gpu) => machine::points::answer(gpu, request, plane).await,
        Route::Point(gpu, id) => machine::point::answer(gpu, id, request, plane).await,
        Route::Offers => offers::answer(visit, request, plane).await,
        Route::Offer(offer) => offers::rent::answer(visit, offer, request, plane).await,
        Route::Failovers => failovers::answer(request, plane).await,
        Route::Failover(id) => failover::answer(&id, request, plane).await,
        Route::FailoverAct(id, act) => failover::act::answer(&id, act, request, plane).await,
        Route::Palette => palette::answer(visit, request, plane).await,
        Route::Shortcuts => Outcome::page(shortcuts::page),
        Route::Kit => Outcome::page(kit::page),
        Route::Notifications => notifications::answer(request, plane).await,
        Route::Notification(id) => notifications::one(id, request, plane).await,
        Route::Bell => notifications::bell::answer(request, plane).await,
        Route::ReadNotifications => notifications::read_all(request, plane).await,
        Route::Settings => settings::failover::answer(visit, request, plane).await,
        Route::Estimate => settings::estimate::answer(request),
        Route::Credentials => settings::credentials::answer(request, plane).await,
        Route::Account => settings::account::answer(request, plane).await,
        Route::People => settings::people::answer(request, plane).await,
        Route::Invite => settings::people::invite(request, plane).await,
        Route::RevokeInvitation => settings::people::revoke(request, plane).await,
        Route::ResetLink => settings::people::reset_link(request, plane).await,
        Route::Sharing => settings::sharing::answer(request, plane).await,
        Route::GiveGrant => settings::sharing::give(request, plane).await,
        Route::RevokeGrant | Route::AcceptGrant | Route::DeclineGrant => {
            settings::sharing::change(&route, request, plane).await
        }
        Route::Audit => settings::audit::answer(request, plane).await,
        Route::Confirm => settings::confirm::answer(request, plane).await,
        Route::Password => settings::account::password(request, plane).await,
        Route::NewToken => settings::account::new_token(visit, request, plane).await,
        Route::SecondFactor => settings::second_factor::answer(visit, request, plane).await,
        Route::ForgetBrowser => settings::browsers::forget(request, plane).await,
        Route::RevokeToken | Route::RevokeSession => {
            settings::account::revoke(&route, request, plane).await
        }
    }
}

/// Where a form that was done leads, with the word that says so.
pub(crate) fn done(route: &Route, word: &'static str) -> Answer<Outcome> {
    Outcome::see(format!("{}?said={word}", route.path()))
}
