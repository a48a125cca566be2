//! What someone needs at once: where the machine runs and since when, how to get in, and, where a
//! failover waits, for what, until when, and what to press.

use domain::association::Serving;
use domain::notification::Wait;
use domain::view::Time;
use domain::view::machine::{ActiveFailover, MachinePage, Place};
use leptos::prelude::*;

use super::capability::is_allowed;
use super::machines::{per_hour, place};
use crate::format;
use crate::page::failover::act::shown_wait;
use crate::router::{FailoverAct, MachineAct, Route};
use crate::text;
use crate::ui::{Tone, ago, clock_time, command, notice, post_button};
use crate::visit::Visit;

pub(super) fn now(visit: &Visit, data: &MachinePage) -> Option<AnyView> {
    let t = visit.t();
    if data.row.errand.is_some() {
        return None;
    }
    let since = since(data).map(|at| view! { " " {t.since} " " {clock_time(visit, at)} });
    let login = login(data).map_or_else(
        || view! { <p class="muted">{t.now_no_login}</p> }.into_any(),
        |login| command(login, t.copy, t.copied),
    );
    let waits = data.row.active.as_ref().and_then(|active| waits(visit, data, active));
    let body = view! {
        <section class="now" data-key="now" aria-label=t.now>
            <p>{place(visit, &data.row)} {since}</p>
            {login}
            {waits}
        </section>
    };
    Some(body.into_any())
}

/// Since when it is where it is, where the record agrees with where it is.
fn since(data: &MachinePage) -> Option<domain::view::Time> {
    let last = data.whereabouts.last()?;
    let same = matches!(
        (data.row.serving, last.place),
        (Serving::Gpu, Place::Gpu)
            | (Serving::Standby, Place::Standby)
            | (Serving::None, Place::Paused | Place::Nowhere)
    );
    // Before the first stretch nothing is recorded, and nobody saw what was before a stretch that begins
    // where nobody looked: that it began there is not known.
    let before = data.whereabouts.iter().nth_back(1)?;
    (same && before.place != Place::Unseen).then_some(last.from)
}

/// The one command that leads to where the work runs now.
fn login(data: &MachinePage) -> Option<String> {
    let row = &data.row;
    let (host, port) = match row.serving {
        Serving::Gpu => {
            let gpu = row.instance.as_ref()?;
            (gpu.ssh_host.clone()?, gpu.ssh_port?)
        }
        Serving::Standby => {
            let vm = row.association.as_ref()?.cpu_standby.as_ref()?;
            (vm.ip.clone()?, vm.ssh_port?)
        }
        Serving::None => return None,
    };
    Some(format!("ssh -p {port} root@{host}"))
}

fn waits(visit: &Visit, data: &MachinePage, active: &ActiveFailover) -> Option<AnyView> {
    let t = visit.t();
    let words = match (&data.shared, active.waits_for) {
        // The engine's own words are for its owner: of others' it is told for what it waits.
        (Some(_), Some(wait)) => text::wait(wait, t).into_any(),
        _ => visit.told(active.waits.as_ref())?,
    };
    let next = active.retry_at.map(|at| {
        let retry = Route::FailoverAct(active.failover_id.clone(), FailoverAct::Retry).path();
        view! {
            <p>{t.now_next} " " {clock_time(visit, at)} " · " {left(visit, at)}</p>
            {may_retry(data, active).then(|| {
                let shown = shown_wait(active.waits_for).into_iter().collect();
                post_button(retry, t.act_retry, "", shown)
            })}
        }
    });
    let full = active.full.map(|full| view! { <p>{text::full(full, visit.lang, t)}</p> });
    let more = view! {
        <p class="words">{words}</p>
        {full}
        {next}
        {nearest(visit, active)}
        // Only its owner can mend it.
        {data.shared.is_none().then(|| mended(visit, active.waits_for))}
    };
    Some(notice(Tone::Warn, t.failover_waiting, Some(more.into_any())))
}

/// Whether whoever looks may try again now. Where that is a word to buy beyond the limits, it is the owner's.
fn may_retry(data: &MachinePage, active: &ActiveFailover) -> bool {
    let word = active.waits_for.is_some_and(Wait::takes_a_word);
    is_allowed(MachineAct::FailOver, data) && (data.shared.is_none() || !word)
}

/// How long until then. The page counts it down; its place keeps its width.
fn left(visit: &Visit, at: Time) -> AnyView {
    let ms = at.0.since(visit.now).max(0);
    let text = format::countdown(ms);
    view! { <span class="countdown" data-left=ms.to_string()>{text}</span> }.into_any()
}

/// Where that is mended which it waits for.
fn mended(visit: &Visit, wait: Option<Wait>) -> AnyView {
    let t = visit.t();
    let (href, word, elsewhere) = match wait {
        Some(Wait::Credit) => ("https://cloud.vast.ai/billing/".to_owned(), t.now_billing, true),
        Some(Wait::Credentials) => (Route::Credentials.path(), t.to_credentials, false),
        Some(Wait::Standby) => return ().into_any(),
        _ => (Route::Settings.path(), t.now_rules, false),
    };
    if elsewhere {
        return view! { <p><a href=href target="_blank" rel="noopener noreferrer">{word}</a></p> }
            .into_any();
    }
    view! { <p><a href=href>{word}</a></p> }.into_any()
}

/// The offers that come nearest, and what each breaks.
fn nearest(visit: &Visit, active: &ActiveFailover) -> Option<AnyView> {
    let t = visit.t();
    if active.nearest.is_empty() {
        return None;
    }
    let lines = active
        .nearest
        .iter()
        .map(|near| {
            let rules: Vec<&str> = near.breaks.iter().map(|rule| text::rule(*rule, t)).collect();
            let count =
                if near.num_gpus > 1 { format!("{} × ", near.num_gpus) } else { String::new() };
            let place = near.geolocation.clone().map(|place| format!(" · {place}"));
            view! {
                <li>
                    <strong>{count} {near.gpu_name.clone()}</strong>
                    {place} " · " {per_hour(visit, near.usd_per_hour)} ": " {rules.join(", ")}
                </li>
            }
        })
        .collect_view();
    let seen = active.searched_at.map(|at| view! { " (" {t.near_seen} " " {ago(visit, at)} ")" });
    Some(view! { <p>{t.near_title} {seen}</p> <ul class="plain near">{lines}</ul> }.into_any())
}
