//! Icons: drawn once at the top of a page and used by name wherever they stand.

use leptos::prelude::*;

/// An icon, in a field of 12 by 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    /// A full disc: as it should be.
    Disc,
    /// A disc being filled: at work.
    Turning,
    /// A square: a GPU.
    Square,
    /// A square with a cross: a new GPU.
    Added,
    /// A diamond: the standby.
    Diamond,
    /// A triangle: needs a look.
    Triangle,
    /// A cross: lost or failed.
    Cross,
    /// A ring: neither good nor bad.
    Ring,
}

impl Icon {
    const ALL: [Self; 8] = [
        Self::Disc,
        Self::Turning,
        Self::Square,
        Self::Added,
        Self::Diamond,
        Self::Triangle,
        Self::Cross,
        Self::Ring,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Disc => "i-disc",
            Self::Turning => "i-turning",
            Self::Square => "i-square",
            Self::Added => "i-added",
            Self::Diamond => "i-diamond",
            Self::Triangle => "i-triangle",
            Self::Cross => "i-cross",
            Self::Ring => "i-ring",
        }
    }

    const fn shape(self) -> &'static str {
        match self {
            Self::Disc => "M6 1a5 5 0 1 1 0 10A5 5 0 0 1 6 1Z",
            Self::Turning => {
                "M6 1a5 5 0 0 1 0 10ZM6 1a5 5 0 0 0-4.3 7.5l1.3-.8A3.5 3.5 0 0 1 6 2.5Z"
            }
            Self::Square => "M1.5 1.5h9v9h-9Z",
            Self::Added => "M1 1h10v10H1Zm4.2 2.2v2H3.2v1.6h2v2h1.6v-2h2V5.200h-2v-2Z",
            Self::Diamond => "M6 .5 11.500 6 6 11.500.5 6Z",
            Self::Triangle => "M6 1 11.500 11H.5Z",
            Self::Cross => {
                "M2.400 1 6 4.600 9.600 1 11 2.400 7.400 6 11 9.600 9.600 11 6 7.400 2.400 11 1 9.600 4.600 6 1 2.400Z"
            }
            Self::Ring => {
                "M6 1a5 5 0 1 1 0 10A5 5 0 0 1 6 1Zm0 1.700a3.300 3.300 0 1 0 0 6.600 3.300 3.300 0 0 0 0-6.600Z"
            }
        }
    }
}

/// All icons, for the top of a page; nothing of it is seen there.
pub(crate) fn sprite() -> AnyView {
    let symbols = Icon::ALL
        .iter()
        .map(|icon| {
            view! {
                <symbol id=icon.name() viewBox="0 0 12 12">
                    <path fill-rule="evenodd" d=icon.shape()></path>
                </symbol>
            }
        })
        .collect_view();
    view! { <svg class="sprite" width="0" height="0" aria-hidden="true">{symbols}</svg> }.into_any()
}

/// An icon beside a word; `class` colours it.
pub(crate) fn icon(icon: Icon, class: &'static str) -> AnyView {
    view! {
        <svg class=format!("mark {class}") width="10" height="10" aria-hidden="true">
            <use_ href=format!("#{}", icon.name())></use_>
        </svg>
    }
    .into_any()
}
