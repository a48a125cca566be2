//! The made-up story of getting in.

use domain::time::DAY_MS;
use domain::view::access::{Browser, Browsers};

use super::story::ago;

pub(crate) fn browsers() -> Browsers {
    let browser = |id: &str, current, days: i64| Browser {
        id: id.into(),
        current,
        created_at: ago(90 * DAY_MS),
        last_used_at: ago(days * DAY_MS),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0".into()),
        ip: Some("203.0.113.50".into()),
    };
    Browsers { browsers: vec![browser("b1", true, 1), browser("b2", false, 40)], count: 2 }
}
