//! Tables that become stacked lists on a narrow screen: each cell knows its column's name.

use leptos::prelude::*;

/// A table; `columns` are name and whether it holds figures. What can be scrolled can be focused; it is
/// no landmark of its own, since the card around it is one.
pub(crate) fn table(
    caption: &'static str,
    columns: &[(&'static str, bool)],
    rows: Vec<AnyView>,
) -> AnyView {
    let heads = columns
        .iter()
        .map(|(name, figures)| {
            view! { <th scope="col" class=if *figures { "figure" } else { "" }>{*name}</th> }
        })
        .collect_view();
    view! {
        <div class="table" tabindex="0" role="group" aria-label=caption>
            <table>
                <caption class="hidden">{caption}</caption>
                <thead><tr>{heads}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// A cell.
pub(crate) fn cell(column: &'static str, content: impl IntoView + 'static) -> AnyView {
    view! { <td data-label=column><div>{content.into_any()}</div></td> }.into_any()
}

/// A cell with a figure.
pub(crate) fn number_cell(column: &'static str, content: impl IntoView + 'static) -> AnyView {
    view! { <td class="figure" data-label=column><div>{content.into_any()}</div></td> }.into_any()
}

/// The cell that names the row.
pub(crate) fn key_cell(content: impl IntoView + 'static) -> AnyView {
    view! { <th scope="row">{content.into_any()}</th> }.into_any()
}
