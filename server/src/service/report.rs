//! The failover report, computed from the journal.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;

use domain::failover::Kind;
use domain::id::{AssociationId, UserId};
use domain::report::{Filter, history_row, report as summarize};
use domain::view::report::{FailoverReport, HistoryRow, ReportQuery};
use store::FailoverQuery;

use super::figures;
use crate::{Dumont, Fault};

/// The report that a query asks for. Rows of a sandbox and real ones are never mixed: an install
/// shows those of the providers that it is pointed at.
///
/// # Errors
/// Fields that make no sense.
pub async fn report(
    dumont: &Dumont,
    user: &UserId,
    asked: &ReportQuery,
) -> Result<Arc<FailoverReport>, Fault> {
    let filter = filter(asked, dumont.site.sandbox)?;
    let (_, stamp) = dumont.store.users().seen(user).await?;
    let key = (user.clone(), format!("{filter:?}"));
    dumont.kept.reports.get(key, stamp, dumont.now(), compute(dumont, user, &filter)).await
}

async fn compute(
    dumont: &Dumont,
    user: &UserId,
    filter: &Filter,
) -> Result<Arc<FailoverReport>, Fault> {
    let now = dumont.now();
    let query = FailoverQuery {
        since: Some(filter.since(now)),
        kind: Some(filter.kind),
        cause: filter.cause,
        sandbox: Some(filter.sandbox),
        ..FailoverQuery::default()
    };
    let ids = dumont.store.failovers().ids(user, &query).await?;
    let rows = figures::of(dumont, user, &ids).await?;
    Ok(Arc::new(summarize(&rows, filter, now)))
}

/// The newest failovers of one machine, of all kinds, each marked with its kind.
///
/// # Errors
/// The database.
pub async fn history(
    dumont: &Dumont,
    user: &UserId,
    machine: &AssociationId,
    limit: i64,
) -> Result<Vec<HistoryRow>, Fault> {
    let query = FailoverQuery {
        association: Some(machine.clone()),
        limit: Some(limit),
        ..FailoverQuery::default()
    };
    let ids = dumont.store.failovers().ids(user, &query).await?;
    let rows = figures::of(dumont, user, &ids).await?;
    Ok(rows.iter().map(|row| history_row(row)).collect())
}

/// The filter that a query asks for.
fn filter(asked: &ReportQuery, sandbox: bool) -> Result<Filter, Fault> {
    let days = asked.days.unwrap_or(30);
    if !(1..=365).contains(&days) {
        return Err(Fault::field("days", "out_of_range", "must be between 1 and 365"));
    }
    Ok(Filter {
        days,
        kind: word("kind", asked.kind.as_deref())?.unwrap_or(Kind::Real),
        sandbox,
        machine: asked.machine.clone().filter(|name| !name.is_empty()),
        cause: word("cause", asked.cause.as_deref())?,
    })
}

fn word<T: FromStr>(field: &str, text: Option<&str>) -> Result<Option<T>, Fault> {
    let text = text.filter(|text| !text.is_empty());
    text.map(T::from_str)
        .transpose()
        .map_err(|_| Fault::field(field, "unknown", "is not a word that is known here"))
}

/// The report's history as CSV, one line per failover. What is unknown is empty.
#[must_use]
pub fn csv(report: &FailoverReport) -> String {
    let mut text = String::from(
        "failover_id,machine_name,gpu_instance_id,kind,sandbox,cause,state,ending,started_at,completed_at,\
         time_to_cpu_ms,total_time_ms,provider_ms,waiting_ms,own_ms,rpo_ms,data_restored,files_verified,new_gpu_id,cost_usd,error\r\n",
    );
    for row in &report.history {
        let cells = [
            row.failover_id.to_string(),
            row.machine_name.clone(),
            row.gpu_instance_id.to_string(),
            row.kind.to_string(),
            row.sandbox.to_string(),
            row.cause.to_string(),
            row.state.to_string(),
            known(row.ending),
            row.started_at.to_string(),
            known(row.completed_at),
            known(row.time_to_cpu_ms),
            known(row.total_time_ms),
            row.provider_ms.to_string(),
            row.waiting_ms.to_string(),
            row.own_ms.to_string(),
            known(row.rpo_ms),
            known(row.data_restored),
            known(row.files_verified),
            known(row.new_gpu_id),
            format!("{:.6}", row.cost_usd),
            row.error.clone().unwrap_or_default(),
        ];
        let line: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        let _ = write!(text, "{}\r\n", line.join(","));
    }
    text
}

fn known<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A cell that no spreadsheet takes for a formula.
pub(super) fn quoted(cell: &str) -> String {
    let formula =
        cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_strictly() {
        let usual = filter(&ReportQuery::default(), true).expect("fine");
        assert_eq!(usual, Filter::usual(true));
        let odd = |query: ReportQuery| filter(&query, true).expect_err("refused").status();
        assert_eq!(odd(ReportQuery { days: Some(0), ..ReportQuery::default() }), 422);
        assert_eq!(odd(ReportQuery { kind: Some("all".into()), ..ReportQuery::default() }), 422);
        assert_eq!(
            odd(ReportQuery { cause: Some("bad luck".into()), ..ReportQuery::default() }),
            422
        );
    }

    #[test]
    fn a_cell_is_neither_a_formula_nor_two_cells() {
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("-5"), "-5");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
