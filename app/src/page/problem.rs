//! The page of a request that was not done.

use domain::view::problem::Problem;
use leptos::prelude::*;

use super::Page;
use crate::router::Route;
use crate::text::problem_text;
use crate::ui::{Tone, go_link, heading, notice, said};
use crate::visit::Visit;

pub(crate) fn page(visit: &Visit, problem: &Problem) -> Page {
    let t = visit.t();
    let (title, _) = problem_text(problem, t);
    let title = if problem.status == 404 { t.not_found.to_owned() } else { title };
    let told = if problem.status == 404 {
        Some(notice(Tone::Warn, t.not_found_what, None))
    } else {
        said(visit, Some(problem))
    };
    let home = visit.user.is_some().then(|| go_link(Route::Machines.path(), t.to_machines, ""));
    let body = view! {
        // What failed once is tried again by itself.
        <div data-key="problem">{heading(title.clone(), None, None)} {told} {home}</div>
    };
    Page::new(title, body.into_any()).narrow().of(Some(problem))
}

/// What a form said when it was done, from its word in the query.
pub(crate) fn done_word(visit: &Visit, word: Option<&str>) -> Option<AnyView> {
    let t = visit.t();
    let text = match word? {
        "saved" => t.said_saved,
        "key_stored" => t.said_key_stored,
        "key_removed" => t.said_key_removed,
        "password" => t.said_password,
        "reset" => t.said_reset,
        "invitation_revoked" => t.said_invitation_revoked,
        "token_revoked" => t.said_token_revoked,
        "session_revoked" => t.said_session_revoked,
        "browser_forgotten" => visit.access().said_browser_forgotten,
        "factor_removed" => visit.access().said_factor_removed,
        "app_removed" => visit.access().said_app_removed,
        "passkey_renamed" => visit.access().said_passkey_renamed,
        "passkey_removed" => visit.access().said_passkey_removed,
        "grant_given" => visit.access().said_grant_given,
        "grant_revoked" => visit.access().said_grant_revoked,
        "grant_accepted" => visit.access().said_grant_accepted,
        "grant_declined" => visit.access().said_grant_declined,
        "sync_paused" => t.said_sync_paused,
        "sync_resumed" => t.said_sync_resumed,
        "paused" => t.said_paused,
        "resumed" => t.said_resumed,
        "protecting" => t.said_protecting,
        "unprotecting" => t.said_unprotecting,
        "destroying" => t.said_destroying,
        "rented" => t.said_rented,
        "retrying" => t.said_retrying,
        "accepted" => t.said_accepted,
        "restoring" => t.said_restoring,
        "going_back" => visit.points().said_going_back,
        "discarding" => t.said_discarding,
        "cancelling" => t.said_cancelling,
        _ => return None,
    };
    Some(notice(Tone::Ok, text, None))
}
