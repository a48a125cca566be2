//! What every view needs to know of the request that it is made for: language, time, who looks.

use domain::time::Millis;
use domain::view::account::User;
use domain::view::problem::{FieldProblem, Problem};
use leptos::prelude::AnyView;

use crate::control_plane::Visitor;
use crate::format::Zone;
use crate::site::Request;
use crate::text::{AccessTexts, Lang, PointTexts, Texts};

/// Light or dark, or as the system is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub(crate) fn read(word: Option<&str>) -> Self {
        match word {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::Auto,
        }
    }

    /// The attribute of `<html>`; none where the system decides.
    pub(crate) const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::Auto => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }
}

/// One look at a page.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) lang: Lang,
    pub(crate) zone: Zone,
    /// Name of the zone, where the browser told it.
    pub(crate) zone_name: Option<String>,
    pub(crate) theme: Theme,
    pub(crate) now: Millis,
    pub(crate) user: Option<User>,
    pub(crate) sandbox: bool,
    /// Whether single letters are shortcuts.
    pub(crate) keys: bool,
    pub(crate) path: String,
    pub(crate) request_id: String,
}

/// Cookie with the language of who is not logged in.
pub const LANG_COOKIE: &str = "dumont_lang";
/// Cookie with the theme of who is not logged in.
pub const THEME_COOKIE: &str = "dumont_theme";
/// Cookie that says `off` where single letters are no shortcuts.
pub const KEYS_COOKIE: &str = "dumont_keys";
/// Cookie with the browser's distance from UTC, its changes and the zone's name: see [`Zone::read`].
pub const ZONE_COOKIE: &str = "dumont_zone";

impl Visit {
    pub(crate) fn new(request: &Request, visitor: &Visitor, now: Millis) -> Self {
        let chosen = visitor.user.as_ref().map(|user| &user.settings);
        let locale = chosen.and_then(|chosen| chosen.locale.as_deref());
        let theme = chosen.and_then(|chosen| chosen.theme.as_deref());
        Self {
            lang: Lang::choose(
                locale.or(request.cookies.get(LANG_COOKIE)),
                &request.accept_language,
            ),
            zone: Zone::read(request.cookies.get(ZONE_COOKIE)),
            zone_name: Zone::name_of(request.cookies.get(ZONE_COOKIE)),
            theme: Theme::read(theme.or(request.cookies.get(THEME_COOKIE))),
            now,
            user: visitor.user.clone(),
            sandbox: visitor.sandbox,
            keys: request.cookies.get(KEYS_COOKIE) != Some("off"),
            path: request.path.clone(),
            request_id: request.request_id.clone(),
        }
    }

    /// All texts in the language of this look.
    pub(crate) const fn t(&self) -> &'static Texts {
        self.lang.texts()
    }

    /// Those of getting in.
    pub(crate) const fn access(&self) -> &'static AccessTexts {
        self.lang.access()
    }

    /// Those of recovery points.
    pub(crate) const fn points(&self) -> &'static PointTexts {
        self.lang.points()
    }

    /// The engine's or a provider's words, in the reader's language where they are known.
    pub(crate) fn said(&self, words: &str) -> String {
        crate::text::said(words, self.lang)
    }

    /// The same of words that may be missing, to be shown: what others said is quoted.
    pub(crate) fn told(&self, words: Option<&String>) -> Option<AnyView> {
        words.map(|words| crate::ui::words(self, words))
    }

    /// A problem of fields that this crate itself could not read.
    pub(crate) fn unreadable(&self, fields: Vec<FieldProblem>) -> Problem {
        Problem {
            kind: "/problems/invalid".to_owned(),
            title: "Not acceptable as it is".to_owned(),
            status: 422,
            detail: "some fields can't be read".to_owned(),
            error: "some fields can't be read".to_owned(),
            code: "invalid".to_owned(),
            request_id: self.request_id.clone(),
            errors: Some(fields),
        }
    }

    /// The problem of an address with nothing behind it.
    pub(crate) fn nothing_here(&self) -> Problem {
        Problem {
            kind: "/problems/no-such-address".to_owned(),
            title: "Not found".to_owned(),
            status: 404,
            detail: "there is nothing at this address".to_owned(),
            error: "there is nothing at this address".to_owned(),
            code: "no_such_address".to_owned(),
            request_id: self.request_id.clone(),
            errors: None,
        }
    }
}
