//! The content of a toast: one sentence, where it leads, and the way to be rid of it.

use domain::view::notification::Notification;
use leptos::prelude::*;

use super::{marks, sentence, tone};
use crate::router::Route;
use crate::ui::mark;
use crate::visit::Visit;

/// Nothing where it was read meanwhile, on the page that it is about.
pub(super) fn toast(visit: &Visit, one: &Notification) -> AnyView {
    let t = visit.t();
    if one.read_at.is_some() {
        return ().into_any();
    }
    let tone = tone(one);
    view! {
        <div class=format!("toast {}", tone.class())>
            {mark(tone)}
            <div>
                <p>{marks(visit, one)} " " {sentence::sentence(visit, one)}</p>
                <p class="actions">
                    <a class="button small" href=Route::Notification(one.id).path()>{t.note_open}</a>
                    <button type="button" class="button small" data-dismiss="">{t.note_dismiss}</button>
                </p>
            </div>
        </div>
    }
    .into_any()
}
