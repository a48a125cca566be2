//! How far the failover of a machine is, in place of whether one could begin.

use domain::failover::Phase;
use domain::view::failover::{FailoverStatus, PhaseWindow};
use leptos::prelude::*;

use crate::format;
use crate::page::failover::progress::progress;
use crate::router::Route;
use crate::text;
use crate::ui::{Tone, card, mark, unknown};
use crate::visit::Visit;

/// The phases that lead somewhere, in order.
const WAY: [Phase; 6] = [
    Phase::Detecting,
    Phase::GpuLost,
    Phase::FailoverToCpu,
    Phase::SearchingGpu,
    Phase::Provisioning,
    Phase::Restoring,
];

pub(super) fn going(visit: &Visit, status: &FailoverStatus) -> AnyView {
    let t = visit.t();
    let lines = WAY.iter().filter(|phase| concerns(status, **phase)).map(|phase| {
        let window = status.phases.iter().find(|window| window.name == *phase);
        let (tone, state) = match window {
            Some(PhaseWindow { ended_at: Some(_), .. }) => (Tone::Ok, t.phase_done),
            Some(_) => (Tone::Busy, t.under_way),
            None => (Tone::Quiet, t.not_yet),
        };
        let took = window.map_or_else(
            || unknown(t.not_yet),
            |window| {
                let until = window.ended_at.map_or(visit.now, |at| at.0);
                format::span(until.since(window.started_at.0).max(0), visit.lang).into_any()
            },
        );
        view! {
            <li class=tone.class()>
                {mark(tone)} <span class="hidden">{state} ": "</span>
                <span>{text::phase(*phase, t)}</span>
                <span class="words">{took}</span>
            </li>
        }
    });
    let href = Route::Failover(status.failover_id.clone()).path();
    let body = view! {
        <p><a href=href>{t.going_more}</a></p>
        <ul class="checks">{lines.collect_view()}</ul>
        {progress(visit, status)}
    };
    card("going", t.going, body.into_any())
}

/// One that starts from the standby has nothing to take over, and one that buys nothing nothing to bring.
fn concerns(status: &FailoverStatus, phase: Phase) -> bool {
    let seen = status.phases.iter().any(|window| window.name == phase);
    let asked = match phase {
        Phase::GpuLost | Phase::FailoverToCpu => !status.options.from_standby,
        Phase::SearchingGpu | Phase::Provisioning => status.options.new_gpu,
        Phase::Restoring => status.options.new_gpu && status.options.restore,
        _ => true,
    };
    seen || asked
}
