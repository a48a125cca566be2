//! The ledger with its sums.

use crate::admin::bills::{Bill, Bills};

use super::text::{dollars, duration, html, moment};

/// Rows shown; the API has them all.
const MOST: usize = 100;

/// The section with the bills, newest first.
pub(crate) fn table(bills: &Bills, now_ms: i64) -> String {
    if bills.rows.is_empty() {
        return "<section aria-labelledby=\"ledger\"><h2 id=\"ledger\">Ledger</h2>\
                <p class=\"empty\">Nothing has been billed.</p></section>"
            .to_owned();
    }
    let rows: String = bills.rows.iter().rev().take(MOST).map(|bill| row(bill, now_ms)).collect();
    let more = match bills.rows.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(
            "<p class=\"empty\">{more} older rows are in the <a href=\"/_sandbox/ledger\">API</a>.</p>"
        ),
    };
    let sums: String = bills
        .by_account
        .iter()
        .map(|(account, sums)| {
            format!(
                "<li>Account {account}: Vast.ai {}, GCP {}, together <strong>{}</strong></li>",
                dollars(sums.vast_usd),
                dollars(sums.gcp_usd),
                dollars(sums.total_usd)
            )
        })
        .collect();
    format!(
        "<section aria-labelledby=\"ledger\"><h2 id=\"ledger\">Ledger</h2><table><thead><tr>\
         <th>Instance</th><th>Machine</th><th>From (UTC)</th><th class=\"number\">For</th>\
         <th class=\"number\">$/h now</th><th class=\"number\">Cost</th></tr></thead><tbody>{rows}</tbody>\
         <tfoot><tr><th colspan=\"4\" data-name=\"Sum\">All</th><td class=\"number\" data-name=\"$/h now\">{rate}</td>\
         <td class=\"number\" data-name=\"Cost\"><strong>{total}</strong></td></tr></tfoot></table>{more}\
         <ul class=\"sums\">{sums}</ul></section>",
        rate = dollars(bills.usd_per_hour),
        total = dollars(bills.total_usd),
    )
}

fn row(bill: &Bill, now_ms: i64) -> String {
    let row = &bill.row;
    let state = if bill.live {
        "<span class=\"chip ok\">● live</span>"
    } else {
        "<span class=\"chip idle\">■ ended</span>"
    };
    let label = if row.label.is_empty() || row.label == row.external_id {
        String::new()
    } else {
        format!(" <span class=\"label\">{}</span>", html(&row.label))
    };
    format!(
        "<tr><td data-name=\"Instance\">{state} <code>{id}</code>{label}</td>\
         <td data-name=\"Machine\">{kind} <small>{provider}</small></td><td data-name=\"From (UTC)\">{from}</td>\
         <td class=\"number\" data-name=\"For\">{lasted}</td><td class=\"number\" data-name=\"$/h now\">{rate}</td>\
         <td class=\"number\" data-name=\"Cost\">{cost}</td></tr>",
        id = html(&row.external_id),
        kind = html(&row.kind),
        provider = html(&row.provider),
        from = moment(row.opened_ms),
        lasted = duration(row.closed_ms.unwrap_or(now_ms) - row.opened_ms),
        rate = dollars(bill.usd_per_hour),
        cost = dollars(bill.cost_usd),
    )
}
