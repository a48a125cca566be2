//! Settings → Audit: who did what in this account, with what, from where, and what came of it.

use domain::audit::{Area, Outcome};
use domain::view::audit::{AuditEntry, AuditLog, AuditQuery};
use leptos::prelude::*;

use super::parts;
use crate::control_plane::{Answer, ControlPlane};
use crate::form::encode;
use crate::page::Page;
use crate::router::Route;
use crate::site::{Outcome as Reply, Request};
use crate::text;
use crate::ui::{
    Control, Field, Tone, badge, cell, clock_time, field, go_link, heading, key_cell, table,
};
use crate::visit::Visit;

/// How many a page shows.
const SHOWN: i64 = 50;

pub(crate) async fn answer(request: &Request, plane: &dyn ControlPlane) -> Answer<Reply> {
    let area: Option<Area> = request.query.get("area").and_then(|word| word.parse().ok());
    let wanted = AuditQuery {
        area: area.map(|area| area.to_string()),
        before: request.query.get("before").map(str::to_owned),
        limit: Some(SHOWN),
        format: None,
    };
    let log = plane.audit(wanted).await?;
    Reply::page(move |visit| page(visit, &log, area))
}

fn page(visit: &Visit, log: &AuditLog, area: Option<Area>) -> Page {
    let t = visit.t();
    let rows: Vec<AnyView> = log.entries.iter().map(|entry| line(visit, entry)).collect();
    let columns = [
        (t.audit_what, false),
        (t.audit_when, false),
        (t.audit_who, false),
        (t.audit_where, false),
        (t.audit_outcome, false),
    ];
    let list = if rows.is_empty() {
        view! { <p class="muted">{t.audit_none}</p> }.into_any()
    } else {
        table(t.audit, &columns, rows)
    };
    let older = log.next_before.as_ref().map(|before| {
        let about = area.map_or_else(String::new, |area| format!("area={area}&"));
        let href = format!("{}?{about}before={}", Route::Audit.path(), encode(before));
        view! { <p>{go_link(href, t.notes_older, "")}</p> }
    });
    let body = view! {
        {heading(t.settings, None, None)}
        {parts(visit)}
        <h2>{t.audit}</h2>
        <p>{t.audit_is}</p>
        {filter(visit, area)}
        {list}
        {older}
        <p><a href="/api/v1/audit?format=csv" download="audit.csv">{t.audit_export}</a></p>
    };
    Page::new(t.audit, body.into_any())
}

fn filter(visit: &Visit, area: Option<Area>) -> AnyView {
    let t = visit.t();
    let all = std::iter::once((String::new(), t.audit_all.to_owned()));
    let areas = Area::ALL.iter().map(|area| (area.to_string(), text::area(*area, t).to_owned()));
    let choice = Field {
        name: "area",
        label: t.audit_about,
        hint: None,
        value: area.map(|area| area.to_string()).unwrap_or_default(),
        required: false,
        unit: None,
        control: Control::Choice(all.chain(areas).collect()),
    };
    view! {
        <form method="get" action=Route::Audit.path() class="row">
            {field(visit, None, choice)}
            <button type="submit" class="button">{t.audit_show}</button>
        </form>
    }
    .into_any()
}

fn line(visit: &Visit, entry: &AuditEntry) -> AnyView {
    let t = visit.t();
    let outcome = match entry.outcome {
        Outcome::Done => badge(Tone::Ok, t.audit_done),
        Outcome::Refused => badge(Tone::Warn, t.audit_refused),
    };
    let with = text::credential(entry.credential, t);
    let agent = entry.user_agent.clone().unwrap_or_default();
    let from = entry.ip.clone().unwrap_or_else(|| t.audit_here.to_owned());
    view! {
        <tr data-key=entry.id.clone()>
            {key_cell(view! { {text::action(entry.action, t)} <span class="under"><code>{entry.object.clone()}</code></span> <span class="under"><span class="agent" title=agent.clone()>{agent.clone()}</span></span> })}
            {cell(t.audit_when, clock_time(visit, entry.at))}
            {cell(t.audit_who, view! { {with} <span class="under">{entry.credential_name.clone()}</span> <span class="under">{entry.actor.clone()}</span> })}
            {cell(t.audit_where, from)}
            {cell(t.audit_outcome, view! { {outcome} <span class="under"><code>{entry.code.clone()}</code></span> })}
        </tr>
    }
    .into_any()
}
