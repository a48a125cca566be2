//! One machine: could it die now without loss, who watches it, how far the copy is, what it costs.

pub(crate) mod act;
mod capability;
mod drift;
mod exposure;
mod going;
mod host_keys;
mod now;
pub(crate) mod point;
pub(crate) mod points;
mod review;
mod sections;
mod sync;
mod whereabouts;

use domain::association::{AssociationState, Serving};
use domain::id::GpuId;
use domain::standby::StandbyState;
use domain::verdict::Verdict;
use domain::view::machine::MachinePage;
use domain::view::standby::Association;
use leptos::prelude::*;

pub(crate) use self::capability::Reason;
use self::capability::{Gate, gate, is_allowed};
use super::Page;
use super::failover::less;
use super::machines;
use super::problem::done_word;
use super::settings::sharing;
use super::tab;
use crate::control_plane::{Answer, ControlPlane};
use crate::form::encode;
use crate::router::{MachineAct, Route};
use crate::site::{Outcome, Request};
use crate::text::{self, Texts, fill};
use crate::ui::{
    Tone, act_link, clock_time, go_link, gone_button, heading, kind_badge, mark, post_button,
    shut_button,
};
use crate::visit::Visit;

pub(crate) async fn answer(
    gpu: GpuId,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let data = plane.machine(gpu).await?;
    let word = request.query.get("said").map(str::to_owned);
    Outcome::page(move |visit| page(visit, &data, word.as_deref()))
}

fn page(visit: &Visit, data: &MachinePage, word: Option<&str>) -> Page {
    let row = &data.row;
    let title = row.name.clone();
    let refresh = if row.active.is_some() { "1000" } else { "3000" };
    let body = view! {
        <div data-key="machine" data-refresh=refresh>
            {heading(title.clone(), Some(state(visit, data)), Some(actions(visit, data)))}
            {sharing::whose(visit, data.shared.as_ref())}
            {done_word(visit, word)}
            {data.stale_error.clone().map(|words| machines::stale(visit, data.as_of, words))}
            {now::now(visit, data)}
            {sections::alarm(visit, data)}
            {host_keys::shared(visit, data)}
            {row.association.as_ref().and_then(|tie| less(visit, &tie.left_out))}
            {sections::figures(visit, data)}
            {whereabouts::whereabouts(visit, data)}
            <div class="columns">
                <div>
                    {match &data.failover {
                        Some(status) => going::going(visit, status),
                        None => sections::readiness(visit, data),
                    }}
                    {sections::observers(visit, data)}
                </div>
                <div>
                    {sync::sync(visit, data)}
                    {sections::hardware(visit, data)}
                </div>
            </div>
            {sections::history(visit, data)}
            {has_more(data).then(|| more(visit, data))}
        </div>
    };
    let own = row.errand.is_none().then(|| tab::one(visit, row));
    Page::new(title, body.into_any()).live("association,failover,instance,grant").tab(own)
}

/// In one sentence: where it serves, whether the copy follows, what is under way.
fn state(visit: &Visit, data: &MachinePage) -> AnyView {
    let t = visit.t();
    let row = &data.row;
    if let Some(active) = &row.active {
        let href = Route::Failover(active.failover_id.clone()).path();
        let phase = text::phase(active.phase, t);
        return view! {
            {kind_badge(visit, active.kind, false)} " "
            <a href=href>{fill(t.machine_under_way, &[("phase", phase)])}</a>
            " " {t.since} " " {clock_time(visit, active.started_at)} "."
        }
        .into_any();
    }
    if row.errand.is_some() {
        return view! { {mark(Tone::Busy)} " " {t.errand_what} }.into_any();
    }
    let Some(tie) = &row.association else {
        return view! { {mark(Tone::Warn)} " " {t.machine_unprotected} }.into_any();
    };
    let vm = tie.cpu_standby.as_ref().map(|vm| vm.status);
    let state = vm.map_or(t.no_vm_yet, |status| text::vm(status, t));
    let (tone, text) = match (row.serving, tie.state == AssociationState::Following) {
        (Serving::Gpu, _) if row.verdict == Some(Verdict::ConfirmedLost) => {
            (Tone::Down, t.machine_lost.to_owned())
        }
        (Serving::Gpu, _) if row.verdict == Some(Verdict::Suspect) => {
            (Tone::Warn, t.machine_silent.to_owned())
        }
        (Serving::Gpu, _) if row.is_unheard() => {
            let stopped = row.verdict == Some(Verdict::Paused);
            (Tone::Warn, if stopped { t.machine_stopped } else { t.machine_unheard }.to_owned())
        }
        (Serving::Gpu, true) if !ready(tie) => (Tone::Warn, t.machine_standby_made.to_owned()),
        (Serving::Gpu, _) if row.is_covered() => (Tone::Ok, t.machine_safe.to_owned()),
        (Serving::Gpu, _) => (Tone::Warn, t.machine_not_safe.to_owned()),
        (Serving::Standby, _) if row.stands_in() => {
            (Tone::Standby, t.machine_on_standby.to_owned())
        }
        (Serving::Standby, _) if vm == Some(StandbyState::Ready) => {
            (Tone::Down, t.machine_standby_empty.to_owned())
        }
        (Serving::Standby, _) => (Tone::Down, fill(t.machine_standby_down, &[("state", state)])),
        (Serving::None, _) => (Tone::Down, t.machine_on_none.to_owned()),
    };
    // What the alarm below says is not said twice.
    let told = visit.told(tie.reason.as_ref()).filter(|_| !sections::alarms(data));
    view! { {mark(tone)} " " {text} {told.map(|reason| view! { " " <span class="words">{reason}</span> })} }.into_any()
}

/// Whether there is a standby that could take over.
fn ready(tie: &Association) -> bool {
    tie.cpu_standby.as_ref().is_some_and(|vm| vm.status == StandbyState::Ready)
}

/// What is used most, on top.
fn actions(visit: &Visit, data: &MachinePage) -> AnyView {
    let t = visit.t();
    let tie = data.row.association.as_ref();
    let sync = if tie.is_some_and(|tie| !tie.sync_enabled) {
        MachineAct::ResumeSync
    } else {
        MachineAct::PauseSync
    };
    let shown = match tie {
        // Whoever looks on sees the same buttons in the same places until it is over.
        Some(_) if data.row.active.is_some() => vec![MachineAct::Drill, MachineAct::FailOver, sync],
        None if data.row.errand.is_some() => Vec::new(),
        None => vec![MachineAct::Protect],
        Some(_) if data.row.serving == Serving::Standby => vec![MachineAct::BackToGpu],
        Some(tie) if tie.state == AssociationState::Frozen => {
            vec![MachineAct::AcceptDeletions, MachineAct::FailOver, sync]
        }
        Some(_) if data.row.verdict == Some(Verdict::ConfirmedLost) => {
            vec![MachineAct::FailOver, sync]
        }
        Some(_) => vec![MachineAct::Drill, MachineAct::FailOver, sync],
    };
    // Why none of them can be pressed now is said once, in a place that is always kept.
    let why = data.row.active.is_some().then(|| text::gate(Reason::UnderWay, t));
    let buttons = shown
        .into_iter()
        .filter(|act| is_allowed(*act, data))
        .map(|act| match why {
            Some(_) => shut_button(word(act, data, t), WHY),
            None => button(visit, data, act),
        })
        .collect_view();
    view! {
        <div class="acts-top">{buttons}</div>
        <small class="reason" id=WHY>{why}</small>
    }
    .into_any()
}

/// Names the reason that all buttons on top share.
const WHY: &str = "why-not-now";

/// What is used seldom or can't be undone, at the end.
fn more(visit: &Visit, data: &MachinePage) -> AnyView {
    let t = visit.t();
    let paused = data.row.serving == Serving::None;
    let mut shown = vec![if paused { MachineAct::Resume } else { MachineAct::Pause }];
    if data.row.association.is_some() {
        shown.push(MachineAct::Unprotect);
    }
    shown.push(MachineAct::Destroy);
    // Where the others would refuse, this still ends what is billed.
    let lost = data.row.verdict == Some(Verdict::ConfirmedLost);
    if data.row.association.is_some()
        && (data.row.serving != Serving::Gpu || data.row.active.is_some() || lost)
    {
        shown.push(MachineAct::Discard);
    }
    let lines = shown
        .into_iter()
        .filter(|act| is_allowed(*act, data))
        .map(|act| {
            view! { <li><p>{text::act_what(act, t)}</p> {button(visit, data, act)}</li> }
        })
        .collect_view();
    crate::ui::card(
        "more",
        t.more_actions,
        view! { <ul class="acts">{share(visit, data)} {lines}</ul> }.into_any(),
    )
}

/// Whether there is anything of that: whoever may only look has none.
fn has_more(data: &MachinePage) -> bool {
    data.row.errand.is_none() && is_allowed(MachineAct::Pause, data)
}

/// The way to let others see it, for its owner.
fn share(visit: &Visit, data: &MachinePage) -> Option<AnyView> {
    let tie = data.row.association.as_ref().filter(|_| data.shared.is_none())?;
    let href = format!("{}?machine={}", Route::Sharing.path(), encode(tie.association_id.as_str()));
    let a = visit.access();
    let link = go_link(href, a.share_machine, "");
    Some(view! { <li><p>{a.share_machine_what}</p> {link}</li> }.into_any())
}

/// What can be done with it now.
pub(crate) fn open_acts(data: &MachinePage) -> Vec<MachineAct> {
    if data.row.errand.is_some() {
        return Vec::new();
    }
    let following = data.row.association.as_ref().is_some_and(|tie| tie.sync_enabled);
    let twin = |act| match act {
        MachineAct::PauseSync => following,
        MachineAct::ResumeSync => !following,
        _ => true,
    };
    MachineAct::ALL
        .iter()
        .map(|(act, _)| *act)
        .filter(|act| {
            twin(*act) && is_allowed(*act, data) && matches!(gate(*act, data), Gate::Open)
        })
        .collect()
}

/// What an act is called on this machine: a move ends where it can end.
pub(crate) fn word(act: MachineAct, data: &MachinePage, t: &'static Texts) -> &'static str {
    if to_standby(act, data) { t.act_to_standby } else { text::act(act, t) }
}

/// Whether a move ends on the standby: nothing is bought where Auto-Recovery is off.
const fn to_standby(act: MachineAct, data: &MachinePage) -> bool {
    matches!(act, MachineAct::FailOver) && !data.auto_recovery
}

/// Whether its GPU is lost and nothing goes on by itself.
fn lost(data: &MachinePage) -> bool {
    data.row.serving == Serving::Gpu && data.row.verdict == Some(Verdict::ConfirmedLost)
}

fn button(visit: &Visit, data: &MachinePage, act: MachineAct) -> AnyView {
    let t = visit.t();
    let word = word(act, data, t);
    let href = Route::MachineAct(data.row.gpu_instance_id, act).path();
    match gate(act, data) {
        Gate::Open if matches!(act, MachineAct::PauseSync | MachineAct::ResumeSync) => {
            post_button(href, word, "", Vec::new())
        }
        Gate::Open if act == MachineAct::AcceptDeletions => {
            let class = format!("button {}", text::act_class(act));
            let word = review::word(visit, data);
            view! { <a class=class href=href data-dialog="">{word}</a> }.into_any()
        }
        Gate::Open if act == MachineAct::FailOver && lost(data) => act_link(href, word, "primary"),
        Gate::Open => act_link(href, word, text::act_class(act)),
        Gate::Shut(reason) => {
            gone_button(word, text::gate(reason, t), format!("why-{}", act.word()))
        }
    }
}

/// The machine's name and number for a page that asks about it.
pub(crate) fn named(visit: &Visit, data: &MachinePage) -> String {
    let t = visit.t();
    fill(
        t.machine_named,
        &[("name", &data.row.name), ("id", &data.row.gpu_instance_id.to_string())],
    )
}

use self::machines::{per_hour, per_month};
