//! The figures as a table for people.

use std::io::Write as _;

use crate::load::{Asset, Figures, Pressure};

/// Prints pages, then files.
///
/// # Errors
/// The terminal is gone.
#[expect(clippy::cast_precision_loss, reason = "sizes stay far below 2^53")]
pub fn print(pages: &[Figures], assets: &[Asset], pressure: &Pressure) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let kb = |bytes: usize| format!("{:.1}", bytes as f64 / 1e3);
    let mut rows = vec![
        [
            "page",
            "addresses",
            "first ms",
            "busy /s",
            "p50 ms",
            "p99 ms",
            "paced /s",
            "p50 ms",
            "p99 ms",
            "HTML kB",
            "brotli kB",
            "broken",
        ]
        .map(str::to_owned),
    ];
    rows.extend(pages.iter().map(|page| {
        [
            page.name.clone(),
            page.addresses.to_string(),
            format!("{:.1}", page.first_ms),
            format!("{:.0}", page.busy_rate),
            format!("{:.1}", page.busy_p50_ms),
            format!("{:.1}", page.busy_p99_ms),
            format!("{:.0}", page.paced_rate),
            format!("{:.1}", page.paced_p50_ms),
            format!("{:.1}", page.paced_p99_ms),
            kb(page.raw_bytes),
            kb(page.brotli_bytes),
            format!("{} of {}", page.broken, page.answers),
        ]
    }));
    columns(&mut out, &rows)?;
    writeln!(out)?;
    let mut rows = vec![["file", "kB", "brotli kB"].map(str::to_owned)];
    rows.extend(
        assets.iter().map(|file| [file.path.clone(), kb(file.raw_bytes), kb(file.brotli_bytes)]),
    );
    let sum = |size: fn(&Asset) -> usize| kb(assets.iter().map(size).sum());
    rows.push([
        "together, as the settings page loads them".to_owned(),
        sum(|file| file.raw_bytes),
        sum(|file| file.brotli_bytes),
    ]);
    columns(&mut out, &rows)?;
    writeln!(
        out,
        "\n{} connections. Busy: each asks again at once. Paced: {:.0} pages/s in all, timed from \
         when each was due.\nSizes are of the largest address that was looked at; first: the first \
         answer after what was measured before it.",
        pressure.connections, pressure.rate
    )?;
    for page in pages {
        if let Some(complaint) = &page.complaint {
            writeln!(out, "broken: {complaint}")?;
        }
    }
    Ok(())
}

fn columns<const N: usize>(
    out: &mut impl std::io::Write,
    rows: &[[String; N]],
) -> std::io::Result<()> {
    let mut wide = [0; N];
    for row in rows {
        for (width, cell) in wide.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let mut line = String::new();
        for (place, (cell, width)) in row.iter().zip(wide).enumerate() {
            // Names to the left, figures to the right.
            let cell =
                if place == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
            line.push_str(&cell);
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
