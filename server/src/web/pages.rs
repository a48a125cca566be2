//! Requests for pages and forms, handed to `app` and back.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};

use app::form::Fields;
use app::site::{
    Assets, KEYS_COOKIE, LANG_COOKIE, Reply, Request as PageRequest, THEME_COOKIE, ZONE_COOKIE,
    handle,
};
use axum::extract::{Form, FromRequest as _, FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::{Extension, Router};
use domain::access::Scope;
use store::Stamp;
use tower_sessions::Session;
use tracing::Instrument as _;

use super::drawings::{Drawing, Sheet};
use super::encoding::Encoding;
use super::plane::Plane;
use crate::http::client::Client;
use crate::http::extract::Params;
use crate::http::guard;
use crate::http::headers::page_policy;
use crate::http::identity::{Identity, Via};
use crate::http::problem::RequestId;
use crate::{Dumont, Fault};

/// Header that asks for a page's content without the frame around it.
const PART: HeaderName = HeaderName::from_static("x-dumont-part");

/// A year, seconds.
const YEAR: i64 = 31_536_000;

pub(super) fn router(assets: Assets) -> Router<Dumont> {
    Router::new().fallback(take).layer(Extension(Arc::new(assets)))
}

/// A form is worked on to its end, and into the audit log, even when whoever sent it does not wait.
async fn take(
    State(dumont): State<Dumont>,
    Extension(assets): Extension<Arc<Assets>>,
    request: Request,
) -> Result<Response, Fault> {
    if request.method() != Method::POST {
        return answer(dumont, assets, request).await;
    }
    match tokio::spawn(answer(dumont, assets, request).in_current_span()).await {
        Ok(answered) => answered,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(error) => Err(Fault::Internal(format!("a form was cut short: {error}"))),
        },
    }
}

async fn answer(dumont: Dumont, assets: Arc<Assets>, request: Request) -> Result<Response, Fault> {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        return Err(Fault::Status(StatusCode::NOT_FOUND));
    }
    let post = request.method() == Method::POST;
    let site = dumont.site.address(request.headers());
    if !post && request.method() != Method::GET && request.method() != Method::HEAD {
        return Err(Fault::Status(StatusCode::METHOD_NOT_ALLOWED));
    }
    let (mut parts, body) = request.into_parts();
    let Params(query) =
        Params::<Vec<(String, String)>>::from_request_parts(&mut parts, &dumont).await?;
    let client = match Client::from_request_parts(&mut parts, &dumont).await {
        Ok(client) => client,
        Err(never) => match never {},
    };
    let session = parts.extensions.get::<Session>().cloned();
    let session = session.ok_or_else(|| Fault::Internal("no session layer".into()))?;
    let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let identity = parts.extensions.get::<Identity>().cloned();
    if let Some(identity) = &identity {
        // A form may do all that its account may.
        guard::allow(identity, Scope::Admin)?;
    }
    let mut page = PageRequest {
        post,
        path: parts.uri.path().to_owned(),
        query: Fields(query),
        form: Fields::default(),
        cookies: cookies(&parts.headers),
        accept_language: text(&parts.headers, &header::ACCEPT_LANGUAGE),
        part: parts.headers.contains_key(PART),
        request_id: request_id.clone(),
    };
    let seen = match &identity {
        Some(identity) => dumont.store.users().seen(&identity.user).await.map(Some),
        None => Ok(None),
    };
    let stamp = seen.as_ref().ok().and_then(|seen| seen.as_ref()).map(|(_, stamp)| *stamp);
    let seen = seen.map_err(Fault::from);
    // What anybody may see changes for nobody in particular.
    let stamp = if identity.is_none() { Some(Stamp::default()) } else { stamp };
    let sheet = sheet(&page, &parts.uri, &parts.headers, identity.as_ref()).zip(stamp);
    let encoding = Encoding::accepted(&parts.headers);
    if post {
        let form =
            Form::<Vec<(String, String)>>::from_request(Request::from_parts(parts, body), &dumont)
                .await;
        let Form(sent) = form.map_err(|error| Fault::Status(error.into_response().status()))?;
        page.form = Fields(sent);
    }
    let keep = Mutex::default();
    let plane =
        Plane { dumont: dumont.clone(), identity, seen, session, client, request_id, keep, site };
    let draw = async {
        let reply = handle(&page, &plane, &assets).await;
        // What is refused names its request, and what leads elsewhere is no page.
        if reply.status != 200 || reply.location.is_some() || !reply.cookies.is_empty() {
            return Err(reply);
        }
        // See `encoding`: an answer to a form is sent as it is.
        let (encoding, body) = if post { Encoding::Identity } else { encoding }.encode(reply.html);
        Ok(Drawing { encoding, body })
    };
    let drawn = match sheet {
        Some((sheet, stamp)) => dumont.kept.drawings.0.get(sheet, stamp, dumont.now(), draw).await,
        None => draw.await,
    };
    let mut response = match drawn {
        Ok(drawing) => show(drawing),
        Err(reply) => respond(reply, dumont.site.secure),
    }?;
    if let Some(cookie) = plane.keep.lock().unwrap_or_else(PoisonError::into_inner).take() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// What a drawing is found by again; none for a form.
fn sheet(
    page: &PageRequest,
    address: &Uri,
    headers: &HeaderMap,
    identity: Option<&Identity>,
) -> Option<Sheet> {
    let session = match identity.map(|identity| &identity.via) {
        Some(Via::Session(session)) => Some(session.clone()),
        Some(Via::Token(..)) => return None,
        None => None,
    };
    let tastes = [KEYS_COOKIE, LANG_COOKIE, THEME_COOKIE, ZONE_COOKIE];
    let cookies = tastes.into_iter().map(|name| page.cookies.text(name));
    (!page.post).then(|| Sheet {
        session,
        address: address.to_string(),
        taste: cookies.chain([page.accept_language.clone()]).collect(),
        part: page.part,
        encoding: Encoding::accepted(headers),
    })
}

/// A page as it was drawn.
fn show(drawing: Drawing) -> Result<Response, Fault> {
    let mut response = Html(drawing.body).into_response();
    let headers = response.headers_mut();
    if let Some(name) = drawing.encoding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CONTENT_SECURITY_POLICY, page_policy()?);
    Ok(response)
}

/// Any other reply.
fn respond(reply: Reply, secure: bool) -> Result<Response, Fault> {
    let unfit = |what: &str| Fault::Internal(format!("a page's {what} does not fit into a header"));
    let status = StatusCode::from_u16(reply.status).map_err(|_| unfit("status"))?;
    let mut response = match reply.location {
        Some(place) => {
            let place = HeaderValue::from_str(&place).map_err(|_| unfit("address"))?;
            (status, [(header::LOCATION, place)]).into_response()
        }
        None => (status, Html(reply.html)).into_response(),
    };
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, page_policy()?);
    for (name, value) in reply.cookies {
        let secure = if secure { "; Secure" } else { "" };
        let cookie = format!("{name}={value}; Path=/; Max-Age={YEAR}; SameSite=Lax{secure}");
        let cookie = HeaderValue::from_str(&cookie).map_err(|_| unfit("cookie"))?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn text(headers: &HeaderMap, name: &HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn cookies(headers: &HeaderMap) -> Fields {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs =
        sent.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    // What stands for the browser is nothing that a page should hold.
    let hidden = [crate::http::session::COOKIE, crate::http::browser::COOKIE];
    let shown = pairs.filter(|(name, _)| !hidden.contains(name));
    Fields(shown.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_sees_cookies_but_not_the_session() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            "dumont_lang=en; dumont_session=secret; dumont_browser=known; dumont_theme=dark"
                .parse()
                .expect("a value"),
        );
        let found = cookies(&headers);
        assert_eq!(
            (found.get("dumont_lang"), found.get("dumont_theme")),
            (Some("en"), Some("dark"))
        );
        assert_eq!((found.get("dumont_session"), found.get("dumont_browser")), (None, None));
    }
}
