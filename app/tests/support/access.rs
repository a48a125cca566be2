//! The made-up story of getting in.

use app::control_plane::Enrolment;
use domain::time::DAY_MS;
use domain::view::access::{Browser, Browsers, RecoveryCodes, SecondFactor};

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

pub(crate) fn no_factor() -> SecondFactor {
    SecondFactor {
        enabled: false,
        since: None,
        app_since: None,
        passkeys: 0,
        passkey_here: false,
        recovery_codes_left: 0,
    }
}

pub(crate) fn factor() -> SecondFactor {
    let since = Some(ago(3 * DAY_MS));
    SecondFactor {
        enabled: true,
        since,
        app_since: since,
        passkeys: 0,
        passkey_here: false,
        recovery_codes_left: 9,
    }
}

pub(crate) fn enrolment() -> Enrolment {
    Enrolment {
        secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into(),
        side: 29,
        path: "M4,4h7v1h-7z".into(),
    }
}

pub(crate) fn recovery_codes() -> RecoveryCodes {
    RecoveryCodes { recovery_codes: vec!["abcd-efgh-ijkl-mnop".into(); 10] }
}
