//! The deletions that froze a copy, by name: to be made on the standby too, or undone on the GPU.

use domain::frozen::{Decision, Deletion};
use domain::id::GpuId;
use domain::name;
use domain::view::machine::MachinePage;
use domain::view::problem::Problem;
use domain::view::standby::{AcceptDeletions, HeldDeletions, RestoreDeletions};
use leptos::prelude::*;

use super::named;
use crate::control_plane::{Answer, ControlPlane};
use crate::format;
use crate::page::{Page, done};
use crate::router::{MachineAct, Route};
use crate::site::{Outcome, Request};
use crate::text::{self, fill, plural};
use crate::ui::{Tone, ago, notice, said};
use crate::visit::Visit;

/// Most characters of a path.
const PATH: usize = 400;

pub(super) async fn answer(
    gpu: GpuId,
    act: MachineAct,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let refused = if request.post {
        match execute(gpu, act, request, plane).await {
            Ok(outcome) => return Ok(outcome),
            Err(problem) => Some(problem),
        }
    } else {
        None
    };
    let machine = plane.known_machine(gpu).await?;
    // Anew, so that what is asked again is what is there now.
    let held = plane.deletions(gpu).await?;
    Outcome::page(move |visit| page(visit, &machine, &held, refused.as_ref()))
}

async fn execute(
    gpu: GpuId,
    act: MachineAct,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let digest = request.form.get("digest").map(str::to_owned);
    let machine = Route::Machine(gpu);
    if act == MachineAct::RestoreDeletions {
        let digest = digest.unwrap_or_default();
        plane.restore_deletions(gpu, RestoreDeletions { digest }).await?;
        return done(&machine, "restoring");
    }
    // Without a digest nothing was seen, and nothing is accepted.
    plane.accept_deletions(gpu, AcceptDeletions { digest }).await?;
    done(&machine, "accepted")
}

fn page(
    visit: &Visit,
    machine: &MachinePage,
    held: &HeldDeletions,
    refused: Option<&Problem>,
) -> Page {
    let gpu = machine.row.gpu_instance_id;
    let title = title(visit, Some(held.files));
    let content = match &held.digest {
        Some(digest) => review(visit, gpu, held, digest),
        None => unlisted(visit, gpu, held),
    };
    let body = view! {
        <div class="ask">
            <h1 id="dialog-title">{title.clone()}</h1>
            <p class="state">{named(visit, machine)}</p>
            {said(visit, refused)}
            {content}
        </div>
    };
    Page::new(title, body.into_any()).narrow().of(refused)
}

/// The name of the act, with how many there are where that is known.
pub(super) fn title(visit: &Visit, files: Option<i64>) -> String {
    let t = visit.t();
    match files.filter(|files| *files > 0) {
        Some(files) => plural(files, t.review_one, t.review_many, visit.lang),
        None => t.act_accept.to_owned(),
    }
}

fn review(visit: &Visit, gpu: GpuId, held: &HeldDeletions, digest: &str) -> AnyView {
    let t = visit.t();
    let lang = visit.lang;
    let size = held.bytes.map(|bytes| format!(", {}", format::bytes(bytes, lang)));
    let folders = (held.folders > 0)
        .then(|| format!(", {}", plural(held.folders, t.folders_one, t.folders_many, lang)));
    let count = plural(held.files, t.files_one, t.files_many, lang);
    let seen = held.seen_at.map(|at| view! { ", " {t.review_seen} " " {ago(visit, at)} });
    let lines = held.listed.iter().map(|one| line(visit, one)).collect_view();
    let more = (held.more > 0).then(|| {
        let more = fill(t.review_more, &[("count", &format::count(held.more, lang))]);
        view! { <p class="muted">{more}</p> }
    });
    view! {
        {tried(visit, held)}
        <p>{t.review_what}</p>
        <p>{count} {folders} {size} {seen} "."</p>
        <ul class="files" tabindex="0" aria-label=t.review_list>{lines}</ul>
        {more}
        {choice(gpu, MachineAct::AcceptDeletions, digest, t.do_accept, t.accept_what, "button danger")}
        {choice(gpu, MachineAct::RestoreDeletions, digest, t.do_restore, t.restore_what, "button primary")}
        <div class="answers"><a class="button" href=Route::Machine(gpu).path() data-close="">{t.back}</a></div>
    }
    .into_any()
}

/// What was said before, and what came of it.
fn tried(visit: &Visit, held: &HeldDeletions) -> Option<AnyView> {
    let t = visit.t();
    if held.decision == Some(Decision::Restore) {
        return Some(notice(Tone::Busy, t.restore_goes_on, None));
    }
    let words = visit.told(held.problem.as_ref())?;
    let words = view! { <p class="words">{words}</p> };
    Some(notice(Tone::Warn, t.restore_failed, Some(words.into_any())))
}

fn line(visit: &Visit, one: &Deletion) -> AnyView {
    let size = one
        .bytes
        .map(|bytes| view! { " " <span class="muted">{format::bytes(bytes, visit.lang)}</span> });
    view! { <li><code>{name::shown_within(&one.path, PATH)}</code> {size}</li> }.into_any()
}

fn choice(
    gpu: GpuId,
    act: MachineAct,
    digest: &str,
    word: &'static str,
    what: &'static str,
    class: &'static str,
) -> AnyView {
    let id = format!("what-{}", act.word());
    view! {
        <form method="post" action=Route::MachineAct(gpu, act).path() class="choice">
            <input type="hidden" name="digest" value=digest.to_owned()/>
            <p id=id.clone()>{what}</p>
            <button type="submit" class=class aria-describedby=id>{word}</button>
        </form>
    }
    .into_any()
}

/// Frozen for another reason, or before deletions were listed: nothing can be accepted by name.
fn unlisted(visit: &Visit, gpu: GpuId, held: &HeldDeletions) -> AnyView {
    let t = visit.t();
    let words = visit.told(held.reason.as_ref()).map(|words| {
        notice(Tone::Warn, t.alarm_frozen, Some(view! { <p class="words">{words}</p> }.into_any()))
    });
    view! {
        {words}
        <p>{t.review_unlisted}</p>
        <form method="post" action=Route::MachineAct(gpu, MachineAct::AcceptDeletions).path()>
            <div class="answers">
                <button type="submit" class="button primary">{t.review_look}</button>
                <a class="button" href=Route::Machine(gpu).path() data-close="">{t.back}</a>
            </div>
        </form>
    }
    .into_any()
}

/// What the frozen machine's button is called.
pub(super) fn word(visit: &Visit, machine: &MachinePage) -> String {
    let tie = machine.row.association.as_ref();
    match tie.and_then(|tie| tie.deletions) {
        Some(files) => title(visit, Some(files)),
        None => text::act(MachineAct::AcceptDeletions, visit.t()).to_owned(),
    }
}
