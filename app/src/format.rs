//! Numbers, money and time as people read them, in the language of the page.
//!
//! Never rounds something to zero or to "now" that is not; what is unknown is for the caller to say.

use domain::time::{DAY_MS, HOUR_MS, Millis};
use time::{OffsetDateTime, UtcOffset};

use crate::text::{Lang, fill};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// Changes of the distance that are kept, more than a browser tells of two years.
const TURNS: usize = 8;

/// The reader's distance from UTC, at each moment: summer time of July is not that of January.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Zone {
    /// Minutes, before the first turn.
    minutes_east: i32,
    /// From which second on how many minutes, in order.
    turns: [Option<(i64, i32)>; TURNS],
}

impl Zone {
    /// From the browser's word: minutes east of UTC, then `~second.minutes` for each change, then `@`
    /// and the zone's name. UTC when it makes no sense.
    pub(crate) fn read(word: Option<&str>) -> Self {
        word.and_then(Self::parse).unwrap_or_default()
    }

    fn parse(word: &str) -> Option<Self> {
        let minutes =
            |text: &str| text.parse().ok().filter(|minutes| (-14 * 60..=14 * 60).contains(minutes));
        let mut parts = word.split('@').next()?.split('~');
        let mut zone = Self { minutes_east: minutes(parts.next()?)?, ..Self::default() };
        for (place, part) in zone.turns.iter_mut().zip(parts) {
            let (second, after) = part.split_once('.')?;
            *place = Some((second.parse().ok()?, minutes(after)?));
        }
        Some(zone)
    }

    /// The zone's name as the browser tells it: `America/Sao_Paulo`.
    pub(crate) fn name_of(word: Option<&str>) -> Option<String> {
        let name = word?.split_once('@')?.1;
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "/_+-".contains(letter);
        (!name.is_empty() && name.len() <= 48 && name.chars().all(plain)).then(|| name.to_owned())
    }

    /// Minutes east of UTC at a moment.
    fn minutes_at(self, at: Millis) -> i32 {
        let passed = self.turns.iter().flatten().take_while(|(second, _)| second * 1_000 <= at.0);
        passed.last().map_or(self.minutes_east, |(_, minutes)| *minutes)
    }

    /// `UTC−03:00`, as it was then.
    pub(crate) fn name(self, at: Millis) -> String {
        let east = self.minutes_at(at);
        if east == 0 {
            return "UTC".to_owned();
        }
        let sign = if east < 0 { '−' } else { '+' };
        let minutes = east.abs();
        format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }

    fn at(self, at: Millis) -> Option<OffsetDateTime> {
        let offset = UtcOffset::from_whole_seconds(self.minutes_at(at) * 60).ok()?;
        let utc = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000).ok()?;
        utc.checked_to_offset(offset)
    }
}

/// `2026-11-23 14:02:07 UTC−03:00`: unmistakable, for titles.
pub(crate) fn exact(at: Millis, zone: Zone) -> String {
    zone.at(at).map_or_else(String::new, |local| {
        let (date, time) = (local.date(), local.time());
        format!(
            "{date} {:02}:{:02}:{:02} {}",
            time.hour(),
            time.minute(),
            time.second(),
            zone.name(at)
        )
    })
}

/// `14:02` on the same day, `23 Nov, 14:02` on another; with the zone's name where it is UTC, since
/// that is then not known to be the reader's.
pub(crate) fn clock(at: Millis, now: Millis, zone: Zone, lang: Lang) -> String {
    let (Some(then), Some(today)) = (zone.at(at), zone.at(now)) else { return String::new() };
    let mut text = format!("{:02}:{:02}", then.hour(), then.minute());
    if zone.minutes_at(at) == 0 {
        text.push_str(" UTC");
    }
    if then.date() == today.date() {
        return text;
    }
    format!("{}, {text}", day(at, now, zone, lang))
}

/// `23 Nov` or `23 de nov`; with the year where it is not this one.
pub(crate) fn day(at: Millis, now: Millis, zone: Zone, lang: Lang) -> String {
    let (Some(then), Some(today)) = (zone.at(at), zone.at(now)) else { return String::new() };
    let month = usize::from(u8::from(then.month())).saturating_sub(1);
    let months = match lang {
        Lang::En => "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
        Lang::Pt => "jan fev mar abr mai jun jul ago set out nov dez",
    };
    let name = months.split(' ').nth(month).unwrap_or_default();
    let year =
        if then.year() == today.year() { String::new() } else { format!(" {}", then.year()) };
    match lang {
        Lang::En => format!("{} {name}{year}", then.day()),
        Lang::Pt => format!("{} de {name}{year}", then.day()),
    }
}

/// `14:02:07.482`: a moment within a failover.
pub(crate) fn moment(at: Millis, zone: Zone) -> String {
    zone.at(at).map_or_else(String::new, |at| {
        let time = at.time();
        format!(
            "{:02}:{:02}:{:02}.{:03}",
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond()
        )
    })
}

/// `3 s ago`, `5 min ago`; `in 2 h` for what is to come.
pub(crate) fn relative(at: Millis, now: Millis, lang: Lang) -> String {
    let t = lang.texts();
    let ms = now.since(at);
    let span = coarse(ms.abs());
    // What was seen while the page was drawn is a little ahead of its time.
    if (-3 * SECOND..SECOND).contains(&ms) {
        t.time_now.to_owned()
    } else if ms > 0 {
        fill(t.time_ago, &[("span", &span)])
    } else {
        fill(t.time_ahead, &[("span", &span)])
    }
}

/// One unit, rounded down: `3 s`, `5 min`, `2 h`, `4 d`.
pub(crate) fn coarse(ms: i64) -> String {
    if ms < MINUTE {
        format!("{} s", ms / SECOND)
    } else if ms < HOUR_MS {
        format!("{} min", ms / MINUTE)
    } else if ms < 2 * DAY_MS {
        format!("{} h", ms / HOUR_MS)
    } else {
        format!("{} d", ms / DAY_MS)
    }
}

/// An age that is never told younger than it is: whole units, rounded up, at least a second.
pub(crate) fn age(ms: i64) -> String {
    let up = |unit: i64| ms.saturating_add(unit - 1) / unit;
    if ms <= 2 * MINUTE {
        format!("{} s", up(SECOND).max(1))
    } else if ms <= 2 * HOUR_MS {
        format!("{} min", up(MINUTE))
    } else if ms <= 2 * DAY_MS {
        format!("{} h", up(HOUR_MS))
    } else {
        format!("{} d", up(DAY_MS))
    }
}

/// So long before the right end of an axis: `−2 h`.
pub(crate) fn coarse_minus(ms: i64) -> String {
    let span = if ms < 3 * MINUTE { format!("{} s", ms / SECOND) } else { coarse(ms) };
    format!("−{span}")
}

/// A measured span: `420 ms`, `2.9 s`, `74.2 s`, `4 m 12 s`, `3 h 05 m`, `2 d 4 h`.
pub(crate) fn span(ms: i64, lang: Lang) -> String {
    if ms < SECOND {
        format!("{ms} ms")
    } else if ms < 2 * MINUTE {
        format!("{} s", decimal(thousandth(ms), 1, lang))
    } else if ms < HOUR_MS {
        format!("{} m {:02} s", ms / MINUTE, ms % MINUTE / SECOND)
    } else if ms < DAY_MS {
        format!("{} h {:02} m", ms / HOUR_MS, ms % HOUR_MS / MINUTE)
    } else {
        format!("{} d {} h", ms / DAY_MS, ms % DAY_MS / HOUR_MS)
    }
}

/// A span to the millisecond: `74.213 s`.
pub(crate) fn precise(ms: i64, lang: Lang) -> String {
    format!("{} s", decimal(thousandth(ms), 3, lang))
}

/// An amount: `$4.47`; of less than ten cents three figures that count, so that it is not lost.
pub(crate) fn usd(amount: f64, lang: Lang) -> String {
    let places = if amount == 0.0 || amount.abs() >= 0.1 { 2 } else { 4 };
    dollars(amount, places, lang)
}

/// A price per hour, to the tenth of a cent: `$0.412`.
pub(crate) fn rate(amount: f64, lang: Lang) -> String {
    dollars(amount, if amount.abs() >= 10.0 { 2 } else { 3 }, lang)
}

fn dollars(amount: f64, places: usize, lang: Lang) -> String {
    let sign = if amount < 0.0 { "−" } else { "" };
    let unit = match lang {
        Lang::En => "$",
        Lang::Pt => "US$\u{a0}",
    };
    format!("{sign}{unit}{}", decimal(amount.abs(), places, lang))
}

/// A number with a fixed count of decimals, grouped as the language does.
pub(crate) fn decimal(value: f64, places: usize, lang: Lang) -> String {
    let text = format!("{value:.places$}");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let whole = group(whole, lang);
    match (part.is_empty(), lang) {
        (true, _) => whole,
        (false, Lang::En) => format!("{whole}.{part}"),
        (false, Lang::Pt) => format!("{whole},{part}"),
    }
}

/// A count, grouped: `12,480`.
pub(crate) fn count(value: i64, lang: Lang) -> String {
    let sign = if value < 0 { "−" } else { "" };
    format!("{sign}{}", group(&value.unsigned_abs().to_string(), lang))
}

fn group(digits: &str, lang: Lang) -> String {
    let mark = match lang {
        Lang::En => ',',
        Lang::Pt => '.',
    };
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(mark);
        }
        out.push(digit);
    }
    out
}

/// An amount of data in decimal units: `1.4 GB`.
pub(crate) fn bytes(amount: i64, lang: Lang) -> String {
    let mut value = float(amount);
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB"] {
        if value < 1_000.0 {
            break;
        }
        value /= 1_000.0;
        unit = larger;
    }
    let places = usize::from(unit != "B" && value < 100.0);
    format!("{} {unit}", decimal(value, places, lang))
}

/// A share of one as percent: `97.5 %`.
pub(crate) fn percent(value: f64, lang: Lang) -> String {
    let places = usize::from((value - value.round()).abs() >= 0.05);
    format!("{} %", decimal(value, places, lang))
}

/// An integer as a float, for arithmetic of display.
#[expect(clippy::cast_precision_loss, reason = "what is displayed stays far below 2^53")]
pub(crate) const fn float(value: i64) -> f64 {
    value as f64
}

fn thousandth(ms: i64) -> f64 {
    float(ms) / 1_000.0
}

/// Minutes and seconds that are left: `0:28`.
pub(crate) fn countdown(ms: i64) -> String {
    let seconds = ms.max(0).saturating_add(999) / 1_000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        let table = [
            (0, "0 ms"),
            (420, "420 ms"),
            (2_900, "2.9 s"),
            (74_213, "74.2 s"),
            (252_000, "4 m 12 s"),
            (11_100_000, "3 h 05 m"),
            (2 * DAY_MS + 4 * HOUR_MS, "2 d 4 h"),
        ];
        for (ms, text) in table {
            assert_eq!(span(ms, Lang::En), text);
        }
        assert_eq!(span(2_900, Lang::Pt), "2,9 s");
        assert_eq!(precise(74_213, Lang::Pt), "74,213 s");
    }

    #[test]
    fn an_age_is_never_told_younger_than_it_is() {
        let table = [
            (0, "1 s"),
            (27_200, "28 s"),
            (120_000, "120 s"),
            (120_001, "3 min"),
            (2 * HOUR_MS + 1, "3 h"),
            (2 * DAY_MS + 1, "3 d"),
        ];
        for (ms, text) in table {
            assert_eq!(age(ms), text);
        }
    }

    #[test]
    fn small_money_is_never_shown_as_nothing() {
        assert_eq!(usd(4.47, Lang::En), "$4.47");
        assert_eq!(usd(0.0034, Lang::En), "$0.0034");
        assert_eq!(usd(0.0, Lang::En), "$0.00");
        assert_eq!(usd(1234.5, Lang::Pt), "US$\u{a0}1.234,50");
        assert_eq!(rate(0.4118, Lang::En), "$0.412");
        assert_eq!(usd(-2.0, Lang::En), "−$2.00");
    }

    #[test]
    fn times_are_told_in_the_readers_zone_and_days_apart_are_dated() {
        let now = Millis(1_790_000_123_456);
        let zone = Zone::read(Some("-180"));
        assert_eq!(exact(now, zone), "2026-09-21 11:15:23 UTC−03:00");
        assert_eq!(clock(now, now, zone, Lang::En), "11:15");
        assert_eq!(clock(now, now, Zone::read(None), Lang::En), "14:15 UTC");
        assert_eq!(clock(now.plus(-DAY_MS), now, zone, Lang::Pt), "20 de set, 11:15");
        for nonsense in ["99999", "60~soon.120", "60~1774746000.9999", ""] {
            assert_eq!(Zone::read(Some(nonsense)), Zone::read(None), "{nonsense}");
        }
    }

    #[test]
    fn a_time_in_july_is_told_with_the_summer_time_of_july() {
        let berlin = "60~1774746000.120~1792890000.60@Europe/Berlin";
        let zone = Zone::read(Some(berlin));
        let (winter, summer) = (Millis(1_768_478_400_000), Millis(1_784_116_800_000));
        assert_eq!(exact(winter, zone), "2026-01-15 13:00:00 UTC+01:00");
        assert_eq!(exact(summer, zone), "2026-07-15 14:00:00 UTC+02:00");
        assert_eq!(clock(summer, winter, zone, Lang::En), "15 Jul, 14:00");
        assert_eq!(Zone::name_of(Some(berlin)).as_deref(), Some("Europe/Berlin"));
        for bad in ["60", "60@", "60@<b>", "60@a b"] {
            assert_eq!(Zone::name_of(Some(bad)), None, "{bad}");
        }
    }

    #[test]
    fn ages_are_of_one_unit() {
        let now = Millis(10 * DAY_MS);
        assert_eq!(relative(now.plus(-3_400), now, Lang::En), "3 s ago");
        assert_eq!(relative(now.plus(-5 * HOUR_MS), now, Lang::Pt), "há 5 h");
        assert_eq!(relative(now.plus(90 * SECOND), now, Lang::En), "in 1 min");
        assert_eq!(relative(now, now, Lang::En), "now");
    }

    #[test]
    fn data_has_the_largest_unit_that_fits() {
        assert_eq!(bytes(999, Lang::En), "999 B");
        assert_eq!(bytes(1_400_000_000, Lang::Pt), "1,4 GB");
        assert_eq!(bytes(250_000_000, Lang::En), "250 MB");
        assert_eq!(count(1_234_567, Lang::En), "1,234,567");
        assert_eq!(percent(100.0, Lang::En), "100 %");
        assert_eq!(percent(66.666, Lang::En), "66.7 %");
    }
}
