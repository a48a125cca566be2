//! What a reply of Vast's means. The only place that looks at its HTTP statuses and error words.
//!
//! Vast writes its refusals in several shapes: `{"success":false,"error":…,"msg":…}` with any status
//! including 200, the same with `message` or `detail`, or plain text. The error word is read first,
//! then the text, then the status.

use domain::provider::{ErrorClass, Provider, ProviderError};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::row::Row;
use crate::message;

/// A reply as it came.
#[derive(Debug)]
pub(super) struct Reply<'a> {
    pub(super) status: u16,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// What is being asked, as far as it changes the meaning of a refusal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// For the error's text.
    pub(super) operation: &'static str,
    /// How long to wait after a 429 that does not say.
    pub(super) penalty_ms: i64,
    /// A purchase, where a refusal must be beyond doubt.
    pub(super) purchase: Option<Purchase>,
}

/// How a purchase was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purchase {
    /// At the asked price.
    OnDemand,
    /// With a bid; a bid that is too low can be refused and leave a stopped instance all the same.
    Bid,
}

/// The JSON of a success, or what the refusal means.
///
/// # Errors
/// Anything but a 2xx with JSON that does not speak of a failure.
pub(super) fn read(asked: Asked, reply: &Reply<'_>) -> Result<Value, ProviderError> {
    let body: Option<Value> = serde_json::from_slice(reply.body).ok();
    match body {
        Some(value) if (200..300).contains(&reply.status) && !refuses(&value) => Ok(value),
        body => Err(classify(asked, reply, body.as_ref())),
    }
}

/// Whether a body speaks of a failure, whatever the status says.
fn refuses(body: &Value) -> bool {
    let row = Row(body);
    row.flag("success") == Some(false)
        || (row.flag("success").is_none() && row.text("error").is_some())
}

fn classify(asked: Asked, reply: &Reply<'_>, body: Option<&Value>) -> ProviderError {
    let words = Words::of(body, reply.body);
    let class = after_purchase(asked.purchase, reply.status, &words, class(asked, reply, &words));
    ProviderError {
        provider: Provider::Vast,
        operation: asked.operation.into(),
        class,
        message: words.shown(reply.status),
        http_status: Some(reply.status),
        created: body.and_then(|body| Row(body).int("new_contract")),
    }
}

fn class(asked: Asked, reply: &Reply<'_>, words: &Words) -> ErrorClass {
    let status = reply.status;
    if status == 429 || words.rate_limited() {
        return ErrorClass::RateLimited {
            after_ms: pause_ms(asked.penalty_ms, reply.headers, words),
        };
    }
    if status >= 500 || status == 408 {
        return ErrorClass::Transient;
    }
    if words.key_refused() || status == 401 {
        return ErrorClass::Auth;
    }
    if words.unpaid() || status == 411 {
        return ErrorClass::Credit;
    }
    if words.offer_gone(status) || words.code == "resources_unavailable" {
        return ErrorClass::Capacity;
    }
    if words.no_instance(status) {
        return ErrorClass::NotFound;
    }
    match status {
        409 => ErrorClass::Conflict,
        403 if words.code != "invalid_args" => ErrorClass::Auth,
        _ if words.invalid() => ErrorClass::Invalid,
        400 | 403 | 422 if words.json => ErrorClass::Invalid,
        _ => ErrorClass::Unexpected,
    }
}

/// After a purchase, only a refusal that Vast is known to give before it makes an instance counts as
/// a clear "no". Everything else, such as a success of false that explains nothing, stays in doubt.
fn after_purchase(
    purchase: Option<Purchase>,
    status: u16,
    words: &Words,
    class: ErrorClass,
) -> ErrorClass {
    let Some(purchase) = purchase else { return class };
    let doubtful = match class {
        ErrorClass::Invalid => purchase == Purchase::Bid || !words.invalid() || status < 400,
        ErrorClass::Conflict | ErrorClass::NotFound => true,
        ErrorClass::Capacity => words.code == "resources_unavailable",
        _ => false,
    };
    if doubtful { ErrorClass::Unexpected } else { class }
}

/// The parts of a refusal that carry meaning.
#[derive(Debug)]
struct Words {
    /// The error word, in lower case; empty where there is none.
    code: String,
    /// What it says, as sent.
    text: String,
    /// All of it in lower case, for looking up.
    all: String,
    /// Vast's own JSON, not a proxy's page.
    json: bool,
    /// `retry_after` in the body, seconds.
    retry_after_s: Option<f64>,
}

impl Words {
    fn of(body: Option<&Value>, raw: &[u8]) -> Self {
        let object = body.filter(|body| body.is_object()).map(Row);
        let field = |name| object.and_then(|row| row.text(name));
        let code = field("error").unwrap_or_default();
        let text = field("msg")
            .or_else(|| field("message"))
            .or_else(|| field("detail"))
            .unwrap_or_else(|| match object {
                Some(_) => code.clone(),
                None => String::from_utf8_lossy(raw.get(..4096).unwrap_or(raw)).into_owned(),
            });
        Self {
            all: format!("{code} {text}").to_lowercase(),
            code: code.to_lowercase(),
            text,
            json: object.is_some(),
            retry_after_s: object.and_then(|row| row.float("retry_after")),
        }
    }

    fn shown(&self, status: u16) -> String {
        let text = message::tidy(&self.text);
        if text.is_empty() {
            format!("answered with status {status} and no explanation")
        } else {
            text
        }
    }

    fn says(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.all.contains(phrase))
    }

    fn rate_limited(&self) -> bool {
        matches!(self.code.as_str(), "rate_limit_exceeded" | "search_quota_exceeded")
            || self.says(&["api requests too frequent"])
    }

    fn key_refused(&self) -> bool {
        self.code == "auth_error"
            || self.says(&["invalid user key", "session expired", "please log in"])
    }

    fn unpaid(&self) -> bool {
        matches!(self.code.as_str(), "insufficient_credit" | "missing_billing" | "spend_rate_limit")
            || self.says(&["lacks credit", "insufficient credit"])
    }

    fn offer_gone(&self, status: u16) -> bool {
        self.code == "no_such_ask"
            || (matches!(status, 200 | 400 | 404 | 410)
                && self.json
                && self.says(&["no_such_ask", "no longer available", "is not available"]))
    }

    fn no_instance(&self, status: u16) -> bool {
        matches!(self.code.as_str(), "no_such_instance" | "not_found")
            || (status == 404 && self.json && self.says(&["not found"]))
    }

    fn invalid(&self) -> bool {
        matches!(
            self.code.as_str(),
            "invalid_args"
                | "invalid_price"
                | "invalid_request"
                | "invalid_token"
                | "no_ssh_key_for_vm"
                | "label_too_long"
        )
    }
}

/// How long to stay away, milliseconds: the longest of what the reply says, or the penalty.
fn pause_ms(penalty_ms: i64, headers: &HeaderMap, words: &Words) -> i64 {
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let ms = |seconds: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "clamped to a day")]
        let ms = (seconds.clamp(0.0, 86_400.0) * 1000.0).ceil() as i64;
        ms
    };
    if words.code == "search_quota_exceeded"
        && let Some(reset) = header("x-ratelimit-reset").and_then(|text| text.parse::<i64>().ok())
        && let Some(now) =
            header(DATE.as_str()).and_then(|text| OffsetDateTime::parse(text, &Rfc2822).ok())
    {
        let left = reset.saturating_sub(now.unix_timestamp()).saturating_mul(1000);
        return left.clamp(penalty_ms, domain::time::DAY_MS);
    }
    let told = header(RETRY_AFTER.as_str())
        .and_then(|text| text.parse::<f64>().ok())
        .filter(|told| told.is_finite())
        .or(words.retry_after_s)
        .map(ms);
    let threshold = words
        .all
        .split("threshold=")
        .nth(1)
        .map(|rest| {
            rest.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or_default()
        })
        .and_then(|text| text.trim_end_matches('.').parse::<f64>().ok())
        .map(ms);
    told.max(threshold).unwrap_or(penalty_ms).max(1)
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
