//! The whole site as a function: a request and a control plane in, a reply out.
//!
//! Knows no HTTP library, so that a test walks through pages and forms exactly as a browser does.

use std::sync::Arc;

use hydration_context::SsrSharedContext;
use leptos::prelude::Owner;

use crate::control_plane::{Answer, ControlPlane, Visitor};
use crate::form::{Fields, encode};
use crate::page::{self, Page};
use crate::router::Route;
use crate::shell::{self, Frame};
use crate::visit::Visit;
pub use crate::visit::{KEYS_COOKIE, LANG_COOKIE, THEME_COOKIE, ZONE_COOKIE};

/// A request for a page, or a form.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Whether it is a form that was sent; else a page is asked for.
    pub post: bool,
    /// The path, without its query.
    pub path: String,
    /// The query.
    pub query: Fields,
    /// The form's fields.
    pub form: Fields,
    /// The browser's cookies.
    pub cookies: Fields,
    /// `Accept-Language`, as sent.
    pub accept_language: String,
    /// Only the page's content is wanted, without the frame around it.
    pub part: bool,
    /// The request's id, as in the log.
    pub request_id: String,
}

/// What the browser gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Where to go instead; there is no page then.
    pub location: Option<String>,
    /// The page.
    pub html: String,
    /// Cookies to keep for a year: name and value.
    pub cookies: Vec<(&'static str, String)>,
}

impl Reply {
    /// Go and look there.
    pub(crate) fn see(location: impl Into<String>) -> Self {
        Self {
            status: 303,
            location: Some(location.into()),
            html: String::new(),
            cookies: Vec::new(),
        }
    }
}

/// Addresses of the built files; `None` where there are none, and pages then do without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assets {
    /// Style sheet.
    pub style: Option<String>,
    /// Script and WASM of the islands.
    pub islands: Option<(String, String)>,
    /// Script that makes and uses passkeys; loaded where one is asked for.
    pub passkey: Option<String>,
}

/// What a route comes to: a page that is still to be drawn, or a reply.
pub(crate) enum Outcome {
    /// Drawn later, under the owner that islands need.
    Page(Box<dyn FnOnce(&Visit) -> Page + Send>),
    Reply(Reply),
}

impl Outcome {
    pub(crate) fn page(draw: impl FnOnce(&Visit) -> Page + Send + 'static) -> Answer<Self> {
        Ok(Self::Page(Box::new(draw)))
    }

    pub(crate) fn see(location: impl Into<String>) -> Answer<Self> {
        Ok(Self::Reply(Reply::see(location)))
    }
}

/// The one script that stands in a page itself; a content policy knows it by its digest.
pub const SCRIPT: &str = shell::START;

/// Answers a request.
pub async fn handle(request: &Request, plane: &dyn ControlPlane, assets: &Assets) -> Reply {
    let nobody = Visitor { user: None, empty: false, sandbox: false };
    let (visitor, trouble) = match plane.visitor().await {
        Ok(visitor) => (visitor, None),
        Err(problem) => (nobody, Some(problem)),
    };
    let visit = Visit::new(request, &visitor, plane.now());
    let outcome = match trouble {
        Some(problem) => Err(problem),
        None => route(&visit, &visitor, request, plane).await,
    };
    let outcome = outcome.unwrap_or_else(|problem| {
        if problem.status == 401 && !request.part {
            return Outcome::Reply(to_login(request));
        }
        Outcome::Page(Box::new(move |visit| page::problem::page(visit, &problem)))
    });
    let draw = match outcome {
        Outcome::Reply(reply) => return reply,
        Outcome::Page(draw) => draw,
    };
    let balance = if visit.user.is_some() && !request.part { plane.balance().await } else { None };
    let unread = match &visit.user {
        Some(_) if !request.part => plane.unread().await.ok(),
        _ => None,
    };
    let machines = match &visit.user {
        Some(_) if !request.part => plane.machines().await.ok(),
        _ => None,
    };
    let tab = page::tab::all(&visit, machines.as_deref());
    let frame = Frame { assets, balance, unread, tab, part: request.part };
    let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands())));
    let (status, html) = owner.with(|| {
        let page = draw(&visit);
        (page.status, shell::html(&visit, page, frame))
    });
    owner.unset_with_forced_cleanup();
    Reply { status, location: None, html, cookies: Vec::new() }
}

async fn route(
    visit: &Visit,
    visitor: &Visitor,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let Some(route) = Route::read(&request.path) else { return Err(visit.nothing_here()) };
    if visitor.empty && !matches!(route, Route::Setup | Route::Prefs) {
        return Outcome::see(Route::Setup.path());
    }
    if visitor.user.is_none() && !route.is_public() {
        return Ok(Outcome::Reply(to_login(request)));
    }
    page::answer(visit, visitor, route, request, plane).await
}

/// The login, which leads back afterwards to the page that was asked for.
fn to_login(request: &Request) -> Reply {
    let login = Route::Login.path();
    if request.post || request.part || matches!(request.path.as_str(), "/" | "/app" | "/logout") {
        let mut reply = Reply::see(login);
        if request.part {
            // A page that refreshes itself must notice that its session is over.
            reply.status = 401;
            reply.location = None;
        }
        return reply;
    }
    let query = request.query.query_without(&[]);
    let wanted =
        if query.is_empty() { request.path.clone() } else { format!("{}?{query}", request.path) };
    Reply::see(format!("{login}?next={}", encode(&wanted)))
}
