//! What someone needs at once: where the machine runs and since when, how to get in, and, where a
//! failover waits, for what, until when, and what to press.

use domain::association::Serving;
use domain::view::machine::{ActiveFailover, MachinePage, Place};
use leptos::prelude::*;

use super::machines::serving;
use crate::router::{FailoverAct, Route};
use crate::ui::{Tone, clock_time, command, notice, post_button};
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
    let waits = data.row.active.as_ref().and_then(|active| waits(visit, active));
    let body = view! {
        <section class="now" data-key="now" aria-label=t.now>
            <p>{serving(visit, &data.row)} {since}</p>
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
    // Before the first stretch nothing is recorded: that it began there is not known.
    (same && data.whereabouts.len() > 1).then_some(last.from)
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

fn waits(visit: &Visit, active: &ActiveFailover) -> Option<AnyView> {
    let t = visit.t();
    let words = visit.told(active.waits.as_ref())?;
    let next = active.retry_at.map(|at| {
        let retry = Route::FailoverAct(active.failover_id.clone(), FailoverAct::Retry).path();
        view! {
            <p>{t.now_next} " " {clock_time(visit, at)}</p>
            {post_button(retry, t.act_retry, "", Vec::new())}
        }
    });
    let more = view! {
        <p class="words">{words}</p>
        {next}
        <p><a href=Route::Settings.path()>{t.now_rules}</a></p>
    };
    Some(notice(Tone::Warn, t.failover_waiting, Some(more.into_any())))
}
