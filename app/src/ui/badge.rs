//! A status in a word, a shape and a colour: never in one of them alone.

use domain::failover::Kind;
use leptos::prelude::*;

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

    /// Its shape in a field of 12 by 12.
    const fn shape(self) -> &'static str {
        match self {
            Self::Ok => "M6 1a5 5 0 1 1 0 10A5 5 0 0 1 6 1Z",
            Self::Busy => "M6 1a5 5 0 0 1 0 10ZM6 1a5 5 0 0 0-4.3 7.5l1.3-.8A3.5 3.5 0 0 1 6 2.5Z",
            Self::Gpu => "M1.5 1.5h9v9h-9Z",
            Self::NewGpu => "M1 1h10v10H1Zm4.2 2.2v2H3.2v1.6h2v2h1.6v-2h2V5.200h-2v-2Z",
            Self::Standby => "M6 .5 11.500 6 6 11.500.5 6Z",
            Self::Warn => "M6 1 11.500 11H.5Z",
            Self::Down => {
                "M2.400 1 6 4.600 9.600 1 11 2.400 7.400 6 11 9.600 9.600 11 6 7.400 2.400 11 1 9.600 4.600 6 1 2.400Z"
            }
            Self::Quiet => {
                "M6 1a5 5 0 1 1 0 10A5 5 0 0 1 6 1Zm0 1.700a3.300 3.300 0 1 0 0 6.600 3.300 3.300 0 0 0 0-6.600Z"
            }
        }
    }
}

/// The shape alone, for beside a word.
pub(crate) fn mark(tone: Tone) -> AnyView {
    view! {
        <svg class=format!("mark {}", tone.class()) viewBox="0 0 12 12" width="10" height="10" aria-hidden="true">
            <path fill-rule="evenodd" d=tone.shape()></path>
        </svg>
    }
    .into_any()
}

/// Shape and word.
pub(crate) fn badge(tone: Tone, word: impl Into<String>) -> AnyView {
    view! { <span class=format!("badge {}", tone.class())>{mark(tone)} {word.into()}</span> }
        .into_any()
}

/// Which report something belongs to, and whether it is of a sandbox.
pub(crate) fn kind_badge(visit: &Visit, kind: Kind, sandbox: bool) -> AnyView {
    let t = visit.t();
    let word = crate::text::kind(kind, t);
    view! {
        <span class=format!("kind {kind}")>{word}</span>
        {sandbox.then(|| view! { <span class="kind sandbox">{t.sandbox_mark}</span> })}
    }
    .into_any()
}
