//! Text for HTML, for addresses, and figures for people.

use std::fmt::Write as _;

/// Text that can stand anywhere in a page.
pub(crate) fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Text that can stand anywhere in an address.
pub(crate) fn in_url(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            safe.push(char::from(byte));
        } else {
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    safe
}

/// Dollars with as many places as make sense for a rate per hour.
pub(crate) fn dollars(usd: f64) -> String {
    format!("${usd:.4}")
}

/// A length of time in its two largest units.
pub(crate) fn duration(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} m {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// A moment as a `<time>` element, UTC.
pub(crate) fn moment(unix_ms: i64) -> String {
    let moment = time::OffsetDateTime::from_unix_timestamp(unix_ms / 1000);
    let Ok(moment) = moment else { return String::new() };
    let (date, clock) = (moment.date(), moment.time());
    let (hour, minute, second) = (clock.hour(), clock.minute(), clock.second());
    format!(
        "<time datetime=\"{date}T{hour:02}:{minute:02}:{second:02}Z\" title=\"{date}\">\
         {hour:02}:{minute:02}:{second:02}</time>"
    )
}

/// Bytes in the unit that fits.
pub(crate) fn bytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one place")]
    let mib = bytes as f64 / 1_048_576.0;
    if mib < 1024.0 { format!("{mib:.1} MiB") } else { format!("{:.1} GiB", mib / 1024.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_place() {
        assert_eq!(html("<b a='1'>&\"</b>"), "&lt;b a=&#39;1&#39;&gt;&amp;&quot;&lt;/b&gt;");
        assert_eq!(in_url("a b/ç?"), "a%20b%2F%C3%A7%3F");
    }

    #[test]
    fn figures_read_well() {
        assert_eq!(duration(59_999), "59 s");
        assert_eq!(duration(252_000), "4 m 12 s");
        assert_eq!(duration(90_000_000), "1 d 1 h");
        assert_eq!(bytes(7_340_032), "7.0 MiB");
        assert!(moment(0).contains("1970-01-01T00:00:00Z"));
    }
}
