//! Whether it gets better or worse: what began in each part of the period, and how long it took.

use domain::view::report::{FailoverReport, TrendPart};
use leptos::prelude::*;

use crate::format;
use crate::text::fill;
use crate::ui::chart::columns::{Column, columns};
use crate::ui::chart::line::{Point, line};
use crate::ui::chart::round_up;
use crate::ui::{cell, clock_time, key_cell, number_cell, table, twin, unknown};
use crate::visit::Visit;

pub(super) fn trend(visit: &Visit, report: &FailoverReport) -> AnyView {
    let t = visit.t();
    let parts = &report.trend;
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return view! { <p class="muted">{t.report_empty}</p> }.into_any();
    };
    let most = parts.iter().map(count).max().unwrap_or(0);
    let top = round_up(i64::try_from(most).unwrap_or(i64::MAX));
    let slowest = parts.iter().filter_map(|part| part.mttr_p50_ms).max();
    let high = round_up(slowest.unwrap_or(1));
    let all: Vec<Column> = parts.iter().map(|part| column(visit, part)).collect();
    let repair = slowest.map(|_| {
        view! {
            <figure class="chart">
                <figcaption>{t.trend_repair} <span class="scale">{format::span(high, visit.lang)}</span></figcaption>
                {line("repair", last.until.0.since(first.from.0), high, &lines(parts))}
            </figure>
        }
    });
    view! {
        <div class="trend">
            <figure class="chart">
                <figcaption>{t.trend_count} <span class="scale">{format::count(top, visit.lang)}</span></figcaption>
                {columns(&all, top)}
            </figure>
            {repair}
            <p class="ends" aria-hidden="true">
                <span>{format::day(first.from.0, visit.now, visit.zone, visit.lang)}</span>
                <span>{t.time_now}</span>
            </p>
            <p class="legend">
                <span class="swatch good"></span>{t.trend_good}
                <span class="swatch stayed"></span>{t.trend_standby}
                <span class="swatch bad"></span>{t.trend_failed}
                <span class="swatch other"></span>{t.trend_others}
            </p>
            {twin(visit, figures(visit, parts))}
        </div>
    }
    .into_any()
}

const fn count(part: &TrendPart) -> usize {
    part.succeeded + part.on_standby + part.failed + part.others
}

fn column(visit: &Visit, part: &TrendPart) -> Column {
    let t = visit.t();
    let number =
        |amount: usize| format::count(i64::try_from(amount).unwrap_or(i64::MAX), visit.lang);
    let title = fill(
        t.trend_part,
        &[
            ("day", &format::day(part.from.0, visit.now, visit.zone, visit.lang)),
            ("good", &number(part.succeeded)),
            ("standby", &number(part.on_standby)),
            ("failed", &number(part.failed)),
            ("others", &number(part.others)),
        ],
    );
    Column {
        layers: vec![
            ("good", part.succeeded),
            ("stayed", part.on_standby),
            ("bad", part.failed),
            ("other", part.others),
        ],
        title,
    }
}

/// Points in the middle of their parts; a part without a success breaks the line.
fn lines(parts: &[TrendPart]) -> Vec<Vec<Point>> {
    let Some(begin) = parts.first().map(|part| part.from.0) else { return Vec::new() };
    let mut found = vec![Vec::new()];
    for part in parts {
        let middle = part.from.0.since(begin) + part.until.0.since(part.from.0) / 2;
        match (part.mttr_p50_ms, found.last_mut()) {
            (Some(ms), Some(open)) => open.push((middle, ms)),
            _ => found.push(Vec::new()),
        }
    }
    found.retain(|points| !points.is_empty());
    found
}

fn figures(visit: &Visit, parts: &[TrendPart]) -> AnyView {
    let t = visit.t();
    let number = |amount: usize| {
        format::count(i64::try_from(amount).unwrap_or(i64::MAX), visit.lang).into_any()
    };
    let rows = parts
        .iter()
        .rev()
        .filter(|part| count(part) > 0)
        .map(|part| {
            let repair = part
                .mttr_p50_ms
                .map_or_else(|| unknown(t.dash), |ms| format::span(ms, visit.lang).into_any());
            view! {
                <tr data-key=part.from.to_string()>
                    {key_cell(clock_time(visit, part.from))}
                    {cell(t.trend_until, clock_time(visit, part.until))}
                    {number_cell(t.trend_good, number(part.succeeded))}
                    {number_cell(t.trend_failed, number(part.failed))}
                    {number_cell(t.trend_others, number(part.others))}
                    {number_cell(t.trend_repair, repair)}
                </tr>
            }
            .into_any()
        })
        .collect();
    let columns = [
        (t.trend_from, false),
        (t.trend_until, false),
        (t.trend_good, true),
        (t.trend_failed, true),
        (t.trend_others, true),
        (t.trend_repair, true),
    ];
    table(t.trend, &columns, rows)
}

#[cfg(test)]
mod tests {
    use domain::time::Millis;
    use domain::view::Time;

    use super::*;

    fn part(from: i64, repair: Option<i64>) -> TrendPart {
        TrendPart {
            from: Time(Millis(from)),
            until: Time(Millis(from + 100)),
            succeeded: usize::from(repair.is_some()),
            on_standby: 0,
            failed: 0,
            others: 0,
            mttr_p50_ms: repair,
        }
    }

    #[test]
    fn where_nothing_succeeded_the_line_is_broken_and_not_at_zero() {
        let parts = [part(0, Some(5)), part(100, None), part(200, Some(7)), part(300, Some(9))];
        assert_eq!(lines(&parts), [vec![(50, 5)], vec![(250, 7), (350, 9)]]);
        assert_eq!(lines(&[part(0, None)]), Vec::<Vec<Point>>::new());
    }
}
