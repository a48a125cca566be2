//! One recovery point: what going back to it would change now, whole or at a path, and going back.

use domain::id::GpuId;
use domain::name;
use domain::view::machine::MachinePage;
use domain::view::points::{GoBack, PointDifference};
use domain::view::problem::Problem;
use leptos::prelude::*;

use super::named;
use crate::control_plane::{Answer, ControlPlane};
use crate::format;
use crate::page::{Page, done};
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::text::{fill, plural};
use crate::ui::{Control, Field, Tone, field, hidden, notice, properties, said, tick};
use crate::visit::Visit;

/// Most characters of a path.
const PATH: usize = 400;

/// What was asked for and not done.
struct Asked {
    path: String,
    accept: bool,
    refused: Option<Problem>,
}

pub(crate) async fn answer(
    gpu: GpuId,
    point: i64,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let fields = if request.post { &request.form } else { &request.query };
    let mut asked =
        Asked { path: fields.text("path"), accept: fields.ticked("accept_changes"), refused: None };
    if request.post {
        let wanted = GoBack { path: asked.path.clone(), accept_changes: asked.accept };
        match plane.go_back(gpu, point, wanted).await {
            Ok(()) => return done(&Route::Points(gpu), "going_back"),
            Err(problem) => asked.refused = Some(problem),
        }
    }
    let machine = plane.known_machine(gpu).await?;
    // Anew, so that what is asked again is what is there now.
    let found = match plane.point_difference(gpu, point, asked.path.clone()).await {
        Ok(found) => Some(found),
        // A path that can't be one is asked for again.
        Err(problem) if problem.status == 422 => {
            asked.refused.get_or_insert(problem);
            None
        }
        Err(problem) => return Err(problem),
    };
    Outcome::page(move |visit| page(visit, &machine, point, found.as_ref(), &asked))
}

fn page(
    visit: &Visit,
    machine: &MachinePage,
    point: i64,
    found: Option<&PointDifference>,
    asked: &Asked,
) -> Page {
    let t = visit.points();
    let gpu = machine.row.gpu_instance_id;
    let title = fill(t.point_look, &[("id", &point.to_string())]);
    let here = Route::Point(gpu, point).path();
    let refused = asked.refused.as_ref();
    let at = Field {
        name: "path",
        label: t.point_path,
        hint: Some(t.point_path_hint.to_owned()),
        value: asked.path.clone(),
        required: false,
        unit: None,
        control: Control::Text { kind: "text", autocomplete: "off" },
    };
    let back = Route::Points(gpu).path();
    let body = view! {
        <div class="ask">
            <h1 id="dialog-title">{title.clone()}</h1>
            <p class="state">{named(visit, machine)}</p>
            {said(visit, refused)}
            <form method="get" action=here.clone() class="choice">
                {field(visit, refused, at)}
                <button type="submit" class="button">{t.point_path_look}</button>
            </form>
            {found.map(|found| would(visit, found))}
            {found.filter(|found| found.missing == 0 && found.files() > 0).map(|found| view! {
                <form method="post" action=here.clone()>
                    {hidden("path", found.path.clone())}
                    {tick("accept_changes", t.point_accept, Some(t.point_accept_hint.to_owned()), asked.accept)}
                    <div class="answers">
                        <button type="submit" class="button danger">{t.point_do}</button>
                    </div>
                </form>
            })}
            <div class="answers"><a class="button" href=back data-close="">{visit.t().back}</a></div>
        </div>
    };
    Page::new(title, body.into_any()).narrow().of(refused)
}

/// What going back would change.
fn would(visit: &Visit, found: &PointDifference) -> AnyView {
    let t = visit.points();
    let lang = visit.lang;
    if found.missing > 0 {
        let words = fill(t.point_missing, &[("n", &format::count(found.missing, lang))]);
        return notice(Tone::Warn, words, None);
    }
    if found.files() == 0 {
        return notice(Tone::Quiet, t.point_same, None);
    }
    let count = |count: i64| format::count(count, lang).into_any();
    let lines = found
        .listed
        .iter()
        .map(|path| view! { <li><code>{name::shown_within(path, PATH)}</code></li> })
        .collect_view();
    let listed = i64::try_from(found.listed.len()).unwrap_or(i64::MAX);
    // Folders are named too, and not counted: there may be fewer files than names.
    let more = found.files().saturating_sub(listed);
    let more = (more > 0).then(|| {
        let more = fill(t.point_more, &[("count", &format::count(more, lang))]);
        view! { <p class="muted">{more}</p> }
    });
    let all = plural(found.files(), visit.t().files_one, visit.t().files_many, lang);
    view! {
        <h2>{t.point_would} ": " {all}</h2>
        {properties(vec![
            (t.point_added, count(found.added)),
            (t.point_changed, count(found.changed)),
            (t.point_removed, count(found.removed)),
            (t.point_bytes, format::bytes(found.bytes, lang).into_any()),
        ])}
        <ul class="files" tabindex="0" aria-label=t.point_list>{lines}</ul>
        {more}
    }
    .into_any()
}
