//! A long list in pages: which rows are shown, and the way to the others. Links, so that it works
//! without JavaScript and each page has an address.

use std::ops::Range;

use leptos::prelude::*;

use crate::form::Fields;
use crate::format;
use crate::text::fill;
use crate::visit::Visit;

/// Rows on a page.
const PAGE: usize = 50;

/// Name of the page's number in an address.
const NAME: &str = "page";

/// One page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pages {
    /// Which, from 1.
    number: usize,
    /// Rows of the whole list.
    total: usize,
}

impl Pages {
    /// The page that a query names: the first where it names none, the last where there are fewer.
    pub(crate) fn read(query: &Fields, total: usize) -> Self {
        let wanted = query.get(NAME).and_then(|text| text.parse().ok()).unwrap_or(1);
        let last = total.div_ceil(PAGE).max(1);
        Self { number: wanted.clamp(1, last), total }
    }

    /// The rows on it.
    pub(crate) fn rows<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        all.get(self.range()).unwrap_or_default()
    }

    fn range(&self) -> Range<usize> {
        let from = (self.number - 1) * PAGE;
        from.min(self.total)..(from + PAGE).min(self.total)
    }

    fn before(&self) -> Option<usize> {
        (self.number > 1).then(|| self.number - 1)
    }

    fn after(&self) -> Option<usize> {
        (self.number * PAGE < self.total).then(|| self.number + 1)
    }
}

/// `1–50 of 5,000` with the links to the pages before and after; nothing where all is on one.
/// `place` is the address of the list, with its filters.
pub(crate) fn pager(visit: &Visit, pages: &Pages, place: &str) -> Option<AnyView> {
    if pages.total <= PAGE {
        return None;
    }
    let t = visit.t();
    let number = |n: usize| format::count(i64::try_from(n).unwrap_or(i64::MAX), visit.lang);
    let Range { start, end } = pages.range();
    let shown = fill(
        t.page_rows,
        &[("from", &number(start + 1)), ("to", &number(end)), ("total", &number(pages.total))],
    );
    let link = |to: Option<usize>, rel: &'static str, word: &'static str| match to {
        Some(to) => {
            view! { <a class="button small" rel=rel href=address(place, to)>{word}</a> }.into_any()
        }
        None => {
            view! { <a class="button small" role="link" aria-disabled="true">{word}</a> }.into_any()
        }
    };
    Some(
        view! {
            <nav class="pager" aria-label=t.page_label>
                <p>{shown}</p>
                {link(pages.before(), "prev", t.page_before)}
                {link(pages.after(), "next", t.page_after)}
            </nav>
        }
        .into_any(),
    )
}

/// The first page has no number, so that it has one address.
fn address(place: &str, page: usize) -> String {
    let mark = if place.contains('?') { '&' } else { '?' };
    if page == 1 { place.to_owned() } else { format!("{place}{mark}{NAME}={page}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(word: &str, total: usize) -> Pages {
        Pages::read(&Fields(vec![("page".to_owned(), word.to_owned())]), total)
    }

    #[test]
    fn a_page_is_one_that_there_is() {
        assert_eq!(pages("", 120).range(), 0..50);
        assert_eq!(pages("3", 120).range(), 100..120);
        for odd in ["0", "-2", "x", "99999999999999999999999"] {
            assert_eq!(pages(odd, 120).range(), 0..50, "{odd}");
        }
        assert_eq!(pages("7", 120).range(), 100..120);
        assert_eq!(pages("2", 0).range(), 0..0);
    }

    #[test]
    fn the_pages_together_are_the_whole_list_once() {
        for total in [0, 1, 49, 50, 51, 100, 101] {
            let all: Vec<usize> = (0..total).collect();
            let mut page = pages("1", total);
            let mut seen = page.rows(&all).to_vec();
            while let Some(next) = page.after() {
                page = pages(&next.to_string(), total);
                seen.extend(page.rows(&all));
            }
            assert_eq!(seen, all);
        }
    }

    #[test]
    fn the_first_page_has_the_lists_own_address() {
        assert_eq!(address("/app", 1), "/app");
        assert_eq!(address("/app", 2), "/app?page=2");
        assert_eq!(address("/app?on=gpu", 2), "/app?on=gpu&page=2");
    }
}
