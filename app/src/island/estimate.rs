//! The cost of a standby, following the form that it stands in.

use domain::pricing;
use leptos::html::Output;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{FormData, HtmlFormElement};

/// How the estimate is told, in the language of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EstimateWords {
    /// `{total} / month: VM {vm} + disk {disk} + address {ip}` of a Spot VM.
    pub spot: String,
    /// The same of a standard VM.
    pub standard: String,
    /// What Spot saves: `{saved}`.
    pub saving: String,
    /// The table does not know this.
    pub unknown: String,
    /// Unit before an amount.
    pub unit: String,
    /// Mark before the cents.
    pub mark: String,
}

/// What is chosen in the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Zone.
    pub zone: String,
    /// Machine type.
    pub machine_type: String,
    /// GB.
    pub disk_gb: i64,
    /// Spot VM.
    pub spot: bool,
}

/// The estimate; reads the form around it whenever something in it changes.
#[island]
pub fn Estimate(chosen: Chosen, words: EstimateWords) -> impl IntoView {
    let shown = RwSignal::new(chosen);
    let place: NodeRef<Output> = NodeRef::new();
    Effect::new(move || {
        let form = place.get().and_then(|place| place.closest("form").ok().flatten());
        let Some(form) = form.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) else {
            return;
        };
        let kept = form.clone();
        let changed = Closure::<dyn Fn()>::new(move || {
            if let Some(read) = read(&kept) {
                shown.set(read);
            }
        });
        _ = form.add_event_listener_with_callback("input", changed.as_ref().unchecked_ref());
        changed.forget();
    });
    let told = {
        let words = words.clone();
        move || shown.with(|chosen| tell(chosen, &words))
    };
    let saving = move || shown.with(|chosen| save(chosen, &words));
    view! {
        <output class="estimate" node_ref=place>
            <strong>{told}</strong>
            <span>{saving}</span>
        </output>
    }
}

fn read(form: &HtmlFormElement) -> Option<Chosen> {
    let data = FormData::new_with_form(form).ok()?;
    let text = |name: &str| data.get(name).as_string();
    Some(Chosen {
        zone: text("gcp_zone")?,
        machine_type: text("gcp_machine_type")?,
        disk_gb: text("gcp_disk_size")?.trim().parse().ok()?,
        spot: text("gcp_spot").is_some(),
    })
}

fn tell(chosen: &Chosen, words: &EstimateWords) -> String {
    let found = pricing::estimate(&chosen.zone, &chosen.machine_type, chosen.disk_gb, chosen.spot);
    let Some(cost) = found else { return words.unknown.clone() };
    let template = if chosen.spot { &words.spot } else { &words.standard };
    template
        .replace("{total}", &money(cost.monthly(), words))
        .replace("{vm}", &money(cost.vm_monthly, words))
        .replace("{disk}", &money(cost.disk_monthly, words))
        .replace("{ip}", &money(cost.ip_monthly, words))
}

fn save(chosen: &Chosen, words: &EstimateWords) -> String {
    let of = |spot| pricing::estimate(&chosen.zone, &chosen.machine_type, chosen.disk_gb, spot);
    match (chosen.spot, of(true), of(false)) {
        (true, Some(spot), Some(standard)) => {
            words.saving.replace("{saved}", &money(standard.monthly() - spot.monthly(), words))
        }
        _ => String::new(),
    }
}

/// To the cent, halves up.
fn money(amount: f64, words: &EstimateWords) -> String {
    let cents = (amount * 100.0 + 1e-9).round() / 100.0;
    format!("{}{}", words.unit, format!("{cents:.2}").replace('.', &words.mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_standby_is_told_with_its_parts() {
        let words = EstimateWords {
            spot: "{total} = {vm} + {disk} + {ip}".into(),
            standard: "{total}".into(),
            saving: "-{saved}".into(),
            unknown: "?".into(),
            unit: "$".into(),
            mark: ".".into(),
        };
        let mut chosen = Chosen {
            zone: "europe-west1-b".into(),
            machine_type: "e2-medium".into(),
            disk_gb: 100,
            spot: true,
        };
        assert_eq!(tell(&chosen, &words), "$18.86 = $13.03 + $4.00 + $1.83");
        assert_eq!(save(&chosen, &words), "-$15.70");
        chosen.spot = false;
        assert_eq!(tell(&chosen, &words), "$34.56");
        assert_eq!(save(&chosen, &words), "");
        chosen.zone = "moon-1-a".into();
        assert_eq!(tell(&chosen, &words), "?");
    }
}
