//! What a standby would cost by the month: in the form of its settings, and alone, for the script that
//! keeps it true while the form is filled in (`island::follow`).

use domain::pricing;
use leptos::prelude::*;

use crate::control_plane::Answer;
use crate::format;
use crate::page::Page;
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::text::fill;
use crate::visit::Visit;

/// What is chosen in the form.
pub(super) struct Chosen {
    pub(super) zone: String,
    pub(super) machine_type: String,
    /// `None` where it is no number.
    pub(super) disk_gb: Option<i64>,
    pub(super) spot: bool,
}

/// The fields that it is made of, as they are called in the form.
const FIELDS: &str = "gcp_zone gcp_machine_type gcp_disk_size gcp_spot";

/// Alone; the settings themselves where a page is asked for.
pub(crate) fn answer(request: &Request) -> Answer<Outcome> {
    if !request.part {
        return Outcome::see(Route::Settings.path());
    }
    let asked = &request.query;
    let chosen = Chosen {
        zone: asked.text("gcp_zone"),
        machine_type: asked.text("gcp_machine_type"),
        disk_gb: asked.text("gcp_disk_size").trim().parse().ok(),
        spot: asked.ticked("gcp_spot"),
    };
    Outcome::page(move |visit| Page::new("", told(visit, &chosen)))
}

/// In the form.
pub(super) fn following(visit: &Visit, chosen: &Chosen) -> AnyView {
    let source = fill(visit.t().estimate_source, &[("date", pricing::AS_OF)]);
    view! {
        <div class="cost">
            <output class="estimate" data-follow=Route::Estimate.path() data-fields=FIELDS>{told(visit, chosen)}</output>
            <p class="fine">{source}</p>
        </div>
    }
    .into_any()
}

fn told(visit: &Visit, chosen: &Chosen) -> AnyView {
    let t = visit.t();
    let usd = |amount: f64| format::usd(cents(amount), visit.lang);
    let sound = chosen.disk_gb.filter(|gb| (0..=65_536).contains(gb));
    let of = |spot| {
        let disk_gb = sound?;
        pricing::estimate(&chosen.zone, &chosen.machine_type, disk_gb, spot)
    };
    let Some(cost) = of(chosen.spot) else {
        return view! { <strong>{t.estimate_unknown}</strong> <span></span> }.into_any();
    };
    let template = if chosen.spot { t.estimate_spot } else { t.estimate_standard };
    let sum = fill(
        template,
        &[
            ("total", &usd(cost.monthly())),
            ("vm", &usd(cost.vm_monthly)),
            ("disk", &usd(cost.disk_monthly)),
            ("ip", &usd(cost.ip_monthly)),
        ],
    );
    let saving = of(false).filter(|_| chosen.spot).map(|standard| {
        fill(t.estimate_saving, &[("saved", &usd(standard.monthly() - cost.monthly()))])
    });
    view! { <strong>{sum}</strong> <span>{saving}</span> }.into_any()
}

/// To the cent, halves up, as the price list does it: the parts are to add up.
fn cents(amount: f64) -> f64 {
    (amount * 100.0 + 1e-9).round() / 100.0
}
