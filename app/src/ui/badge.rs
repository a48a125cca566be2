//! A status in a word, a shape and a colour: never in one of them alone.

use domain::failover::Kind;
use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::visit::Visit;

/// What a status means to the reader. Each has a colour and a shape of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Ok,
    /// At work.
    Busy,
    /// Served by a GPU.
    Gpu,
    /// Served by a new GPU.
    NewGpu,
    /// Served by the CPU standby.
    Standby,
    /// Needs a look.
    Warn,
    /// Lost or failed.
    Down,
    /// Neither good nor bad.
    Quiet,
}

impl Tone {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Busy => "busy",
            Self::Gpu => "gpu",
            Self::NewGpu => "new-gpu",
            Self::Standby => "standby",
            Self::Warn => "warn",
            Self::Down => "down",
            Self::Quiet => "quiet",
        }
    }

    /// Each has a shape of its own.
    const fn icon(self) -> Icon {
        match self {
            Self::Ok => Icon::Disc,
            Self::Busy => Icon::Turning,
            Self::Gpu => Icon::Square,
            Self::NewGpu => Icon::Added,
            Self::Standby => Icon::Diamond,
            Self::Warn => Icon::Triangle,
            Self::Down => Icon::Cross,
            Self::Quiet => Icon::Ring,
        }
    }
}

/// The shape alone, for beside a word.
pub(crate) fn mark(tone: Tone) -> AnyView {
    icon(tone.icon(), tone.class())
}

/// Shape and word.
pub(crate) fn badge(tone: Tone, word: impl Into<String>) -> AnyView {
    view! { <span class=format!("badge {}", tone.class())>{mark(tone)} {word.into()}</span> }
        .into_any()
}

/// Which report something belongs to. That all of it is a sandbox's stands once in the bar; only what
/// was made against another one than now is marked here.
pub(crate) fn kind_badge(visit: &Visit, kind: Kind, sandbox: bool) -> AnyView {
    let t = visit.t();
    let word = crate::text::kind(kind, t);
    view! {
        <span class=format!("kind {kind}")>{word}</span>
        {(sandbox && !visit.sandbox).then(|| view! { <span class="kind sandbox">{t.sandbox_mark}</span> })}
    }
    .into_any()
}
