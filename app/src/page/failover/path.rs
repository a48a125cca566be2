//! When it began and ended, and what the machine left and came to.

use domain::failover::Kind;
use domain::view::failover::{Ending, FailoverPage, FailoverStatus, Station};
use leptos::prelude::*;

use crate::format;
use crate::text::fill;
use crate::ui::{card, cell, full_time, key_cell, table, unknown};
use crate::visit::Visit;

/// Start and end, each with date, seconds and zone.
pub(super) fn span(visit: &Visit, status: &FailoverStatus) -> AnyView {
    let t = visit.t();
    let ended = status.completed_at.map(|at| view! { " · " {t.ended} " " {full_time(visit, at)} });
    view! { <p class="fine">{t.started} " " {full_time(visit, status.started_at)} {ended}</p> }
        .into_any()
}

/// Before and after, side by side. A drill goes nowhere.
pub(super) fn path(visit: &Visit, data: &FailoverPage) -> Option<AnyView> {
    let status = &data.status;
    if status.kind == Kind::Drill || (status.before.is_none() && status.after.is_none()) {
        return None;
    }
    let t = visit.t();
    let stayed = matches!(status.ending, Some(Ending::OnStandby));
    let none = if stayed { t.on_standby } else { t.unknown };
    let none_after = if status.state.is_over() { none } else { t.not_yet };
    let none_before = if status.options.from_standby { t.on_standby } else { t.unknown };
    let line = |label: &'static str, pick: &dyn Fn(&Station) -> Option<AnyView>| {
        let side = |of: &Option<Station>, none| match of {
            Some(station) => pick(station).unwrap_or_else(|| unknown(t.unknown)),
            None => unknown(none),
        };
        view! {
            <tr data-key=label>
                {key_cell(label)}
                {cell(t.before, side(&status.before, none_before))}
                {cell(t.after, side(&status.after, none_after))}
            </tr>
        }
        .into_any()
    };
    let rows = vec![
        line(t.model, &|of| {
            let name = of.gpu_name.clone()?;
            let count = of.num_gpus.filter(|count| *count > 1);
            Some(count.map_or_else(|| name.clone(), |count| format!("{count} × {name}")).into_any())
        }),
        line(t.place, &|of| of.geolocation.clone().map(IntoAny::into_any)),
        line(t.price, &|of| {
            let amount = format::rate(of.usd_per_hour?, visit.lang);
            Some(fill(t.rate_hour, &[("amount", &amount)]).into_any())
        }),
        line(t.login, &|of| {
            let command = format!("ssh -p {} root@{}", of.ssh_port?, of.ssh_host.as_deref()?);
            Some(view! { <code>{command}</code> }.into_any())
        }),
    ];
    let columns = [(t.what, false), (t.before, false), (t.after, false)];
    Some(card("path", t.before_after, table(t.before_after, &columns, rows)))
}
