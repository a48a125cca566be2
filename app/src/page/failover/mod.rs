//! One failover, while it runs and ever after: what happened, how long each part took and whose time
//! that was, what became of the data, of the money and of every instance.

pub(crate) mod act;
mod data;
mod evidence;
mod journal;
mod path;
pub(crate) mod progress;
mod sentence;
mod waterfall;

use domain::access::Scope;
use domain::failover::{FailoverState, Kind};
use domain::id::FailoverId;
use domain::launch::LaunchPart;
use domain::notification::Wait;
use domain::view::failover::{Ending, FailoverPage, FailoverStatus};
use leptos::prelude::*;

use super::Page;
use super::failovers::history::state_tone;
use super::problem::done_word;
use super::settings::sharing;
use super::tab;
use crate::control_plane::{Answer, ControlPlane};
use crate::format;
use crate::router::{FailoverAct, Route};
use crate::site::{Outcome, Request};
use crate::text::{self, fill};
use crate::ui::{Tone, act_link, badge, card, heading, kind_badge, notice, stat, unknown};
use crate::visit::Visit;

pub(crate) async fn answer(
    id: &FailoverId,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let data = plane.failover(id).await?;
    // Whoever looks at it has been told; should that not be kept, the page is shown all the same.
    _ = plane.read_failover(id).await;
    let word = request.query.get("said").map(str::to_owned);
    Outcome::page(move |visit| page(visit, &data, word.as_deref()))
}

fn page(visit: &Visit, data: &FailoverPage, word: Option<&str>) -> Page {
    let t = visit.t();
    let status = &data.status;
    let over = status.state.is_over();
    let title = fill(text::failover_title(status.kind, t), &[("machine", &status.machine_name)]);
    // After its end, disposals may still be settled; a doorbell tells.
    let refresh = if over { "10000" } else { "700" };
    let body = view! {
        <div data-key="failover" data-refresh=refresh>
            <p class="crumb">
                {kind_badge(visit, status.kind, status.sandbox)}
                {badge(state_tone(status.state), text::failover_state(status.state, t))}
            </p>
            {heading(title.clone(), Some(sentence::sentence(visit, data)), actions(visit, data))}
            {sharing::whose(visit, data.shared.as_ref())}
            {done_word(visit, word)}
            {trouble(visit, data)}
            {less(visit, &status.left_out)}
            {path::span(visit, status)}
            {figures(visit, data)}
            {path::path(visit, data)}
            {card("timeline", t.timeline, timeline(visit, data))}
            <div class="columns">
                <div>{card("data", t.data, data::data(visit, data))}</div>
                <div>
                    {card("instances", t.instances, data::instances(visit, data))}
                    {card("evidence", t.evidence, evidence::evidence(visit, data))}
                </div>
            </div>
            {card("journal", t.journal, journal::journal(visit, data))}
        </div>
    };
    Page::new(title, body.into_any())
        .live("failover,association,grant")
        .tab(tab::failover(visit, status))
}

fn timeline(visit: &Visit, data: &FailoverPage) -> AnyView {
    view! { {waterfall::waterfall(visit, data)} {progress::progress(visit, &data.status)} }
        .into_any()
}

fn actions(visit: &Visit, data: &FailoverPage) -> Option<AnyView> {
    let t = visit.t();
    let status = &data.status;
    let buttons = acts(data)
        .into_iter()
        .map(|act| {
            let class = if act == FailoverAct::Cancel { "danger" } else { "primary" };
            let href = Route::FailoverAct(status.failover_id.clone(), act).path();
            act_link(href, text::failover_act(act, t), class)
        })
        .collect_view();
    let machine = Route::Machine(status.new_gpu_id.unwrap_or(status.gpu_instance_id)).path();
    Some(
        view! {
            {buttons}
            <a class="button" href=machine>{t.to_machine}</a>
        }
        .into_any(),
    )
}

/// What whoever looks can do with it now.
pub(crate) fn acts(data: &FailoverPage) -> Vec<FailoverAct> {
    match &data.shared {
        Some(shared) if !shared.level.covers(Scope::Operate) => Vec::new(),
        // There, trying again is a word to buy beyond the limits, which is its owner's.
        Some(_) if data.waits_for.is_some_and(Wait::takes_a_word) => {
            let mut acts = open_acts(&data.status);
            acts.retain(|act| *act != FailoverAct::Retry);
            acts
        }
        _ => open_acts(&data.status),
    }
}

/// What can be done with it now.
fn open_acts(status: &FailoverStatus) -> Vec<FailoverAct> {
    match status.state {
        FailoverState::Waiting => return vec![FailoverAct::Retry, FailoverAct::Cancel],
        FailoverState::Running => return vec![FailoverAct::Cancel],
        _ => {}
    }
    // On the standby, with nothing under way that leads back.
    let stays = status.state.is_over()
        && status.kind != Kind::Drill
        && status.time_to_cpu_ms.is_some()
        && status.total_time_ms.is_none()
        && status.ending != Some(Ending::Unanswered);
    if stays { vec![FailoverAct::FailBack] } else { Vec::new() }
}

/// Why it waits or failed.
fn trouble(visit: &Visit, data: &FailoverPage) -> Option<AnyView> {
    let t = visit.t();
    let status = &data.status;
    let words = match (&data.shared, data.waits_for) {
        (Some(_), Some(wait)) => text::wait(wait, t).into_any(),
        _ => visit.told(status.error.as_ref())?,
    };
    let (tone, text) = match status.state {
        FailoverState::Failed => (Tone::Down, t.trouble_failed),
        FailoverState::Waiting => (Tone::Warn, t.trouble_waiting),
        FailoverState::Cancelled | FailoverState::Cancelling => (Tone::Quiet, t.trouble_cancelled),
        FailoverState::Running | FailoverState::Complete => (Tone::Warn, t.trouble_meanwhile),
    };
    Some(notice(tone, text, Some(view! { <p class="words">{words}</p> }.into_any())))
}

/// What a new GPU was asked for without, where that is so.
pub(crate) fn less(visit: &Visit, parts: &[LaunchPart]) -> Option<AnyView> {
    let t = visit.t();
    let parts = (!parts.is_empty()).then(|| text::launch_parts(parts, t))?;
    let words = fill(t.left_out_what, &[("parts", &parts)]);
    Some(notice(Tone::Warn, t.left_out, Some(view! { <p>{words}</p> }.into_any())))
}

/// Both clocks, the loss and the money.
fn figures(visit: &Visit, data: &FailoverPage) -> AnyView {
    let t = visit.t();
    let lang = visit.lang;
    let status = &data.status;
    let clock = |ms: Option<i64>| match ms {
        Some(ms) => view! { <span title=format::precise(ms, lang)>{format::span(ms, lang)}</span> }
            .into_any(),
        None => unknown(if status.state.is_over() { t.not_reached } else { t.not_yet }),
    };
    let shares = fill(
        t.time_shares,
        &[
            ("provider", &format::span(status.provider_ms, lang)),
            ("waiting", &format::span(status.waiting_ms, lang)),
            ("own", &format::span(status.own_ms, lang)),
        ],
    );
    let (lost, named) = data::loss(visit, status);
    let verified = status.files_verified.map_or_else(
        || unknown(if status.state.is_over() { t.not_reached } else { t.not_yet }),
        |count| format::count(count, lang).into_any(),
    );
    let bytes = status.bytes_verified.map(|bytes| format::bytes(bytes, lang).into_any());
    view! {
        <dl class="stats clocks">
            {stat(if status.kind == Kind::Drill { t.to_cpu_drill } else { t.to_cpu }, clock(status.time_to_cpu_ms), None)}
            {stat(if status.kind == Kind::Drill { t.to_gpu_drill } else { t.to_gpu }, clock(status.total_time_ms), Some(shares.into_any()))}
            {stat(data::loss_label(visit, status), lost, named)}
            {stat(t.files_verified, verified, bytes)}
            {stat(t.cost, format::usd(status.cost_usd, lang).into_any(), Some(t.cost_what.into_any()))}
        </dl>
    }
    .into_any()
}
