//! A control plane that tells a made-up story, for looking at pages without a server. Each answer
//! can be set; what is asked to be done is written down.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod access;
pub(crate) mod passkeys;
mod people;
pub(crate) mod plane;
pub(crate) mod points;
pub(crate) mod sharing;
pub(crate) mod story;

use app::form::Fields;
use app::site::{Assets, Reply, Request, handle};
use plane::Fake;

/// Fields from pairs.
pub(crate) fn fields(pairs: &[(&str, &str)]) -> Fields {
    Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

/// A page asked for, in English.
pub(crate) fn get(address: &str) -> Request {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    Request {
        path: path.to_owned(),
        query: Fields(query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()),
        accept_language: "en".to_owned(),
        request_id: "0199req".to_owned(),
        ..Request::default()
    }
}

/// A form sent.
pub(crate) fn post(path: &str, form: &[(&str, &str)]) -> Request {
    Request { post: true, form: fields(form), ..get(path) }
}

/// The reply of a site without built files.
pub(crate) fn reply(request: &Request, plane: &Fake) -> Reply {
    reply_with(request, plane, &Assets::default())
}

/// The reply of a site with these files.
pub(crate) fn reply_with(request: &Request, plane: &Fake, assets: &Assets) -> Reply {
    // Nothing here waits for anything, so the first poll is the last.
    let mut future = Box::pin(handle(request, plane, assets));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::future::Future::poll(future.as_mut(), &mut context) {
        std::task::Poll::Ready(reply) => reply,
        std::task::Poll::Pending => panic!("a page waited for something"),
    }
}
