//! That another place shows the SSH host key of this machine's GPU or standby: where, and what it means.

use domain::host_key::HostSide;
use domain::view::machine::MachinePage;
use leptos::prelude::*;

use crate::router::Route;
use crate::text::{Texts, fill};
use crate::ui::{Tone, notice};
use crate::visit::Visit;

pub(super) fn shared(visit: &Visit, data: &MachinePage) -> Option<AnyView> {
    let t = visit.t();
    let tie = data.row.association.as_ref()?;
    if tie.host_key_shared.is_empty() {
        return None;
    }
    let lines = tie
        .host_key_shared
        .iter()
        .map(|other| {
            let words = fill(
                t.host_key_pair,
                &[("here", side(other.side, t)), ("there", side(other.other_side, t))],
            );
            let href = Route::Machine(other.gpu_instance_id).path();
            view! { <li>{words} " " <a href=href>{other.name.clone()}</a></li> }
        })
        .collect_view();
    let more = view! { <ul class="plain">{lines}</ul> <p>{t.host_key_what}</p> };
    Some(notice(Tone::Warn, t.host_key_shared, Some(more.into_any())))
}

const fn side(side: HostSide, t: &'static Texts) -> &'static str {
    match side {
        HostSide::Gpu => t.host_key_gpu,
        HostSide::Standby => t.host_key_standby,
    }
}
