//! What a copy, or a recovery point, does not hold as it is on the GPU.

use domain::view::gaps::{Gap, Gaps};
use leptos::prelude::*;

use crate::format;
use crate::text;
use crate::ui::{Tone, ago, badge, unknown};
use crate::visit::Visit;

/// How many, by reason. By rsync nobody knows.
pub(crate) fn counts(visit: &Visit, gaps: Option<&Gaps>) -> AnyView {
    let t = visit.t();
    let Some(gaps) = gaps else { return unknown(t.unknown) };
    if gaps.counts.is_empty() {
        return t.gaps_none.into_any();
    }
    gaps.counts
        .iter()
        .map(|one| {
            let tone = if one.why.is_loss() { Tone::Warn } else { Tone::Quiet };
            let word =
                format!("{} × {}", format::count(one.entries, visit.lang), text::gap(one.why, t));
            view! { {badge(tone, word)} " " }
        })
        .collect_view()
        .into_any()
}

/// Some by name, with their age.
pub(crate) fn named(visit: &Visit, gaps: Option<&Gaps>) -> Option<AnyView> {
    let t = visit.t();
    let gaps = gaps.filter(|gaps| !gaps.listed.is_empty())?;
    let rows = gaps.listed.iter().map(|one| line(visit, one)).collect_view();
    Some(
        view! {
            <details>
                <summary>{t.gaps_named}</summary>
                <ul class="files" tabindex="0" aria-label=t.gaps_named>{rows}</ul>
            </details>
        }
        .into_any(),
    )
}

fn line(visit: &Visit, one: &Gap) -> AnyView {
    let t = visit.t();
    view! {
        <li>
            <code>{one.path.clone()}</code> " " {text::gap(one.why, t)}
            {one.bytes.map(|bytes| format!(", {}", format::bytes(bytes, visit.lang)))}
            {one.since.map(|since| view! { ", " {t.gaps_since} " " {ago(visit, since)} })}
        </li>
    }
    .into_any()
}
