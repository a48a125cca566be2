//! Every shape of refusal that Vast is known for, and what it must come to.

use reqwest::header::HeaderValue;

use super::*;

const PENALTY: i64 = 12_000;

fn judge_with(
    purchase: Option<Purchase>,
    status: u16,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Result<Value, ProviderError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, HeaderValue::from_str(value).expect("a header"));
    }
    let asked = Asked { operation: "test", penalty_ms: PENALTY, purchase };
    read(asked, &Reply { status, headers: &map, body: body.as_bytes() })
}

fn class(status: u16, body: &str) -> ErrorClass {
    judge_with(None, status, &[], body).expect_err(body).class
}

fn bought(purchase: Purchase, status: u16, body: &str) -> ProviderError {
    judge_with(Some(purchase), status, &[], body).expect_err(body)
}

#[test]
fn each_known_refusal_has_its_class() {
    use ErrorClass::{Auth, Capacity, Conflict, Credit, Invalid, NotFound, Transient, Unexpected};
    let table = [
        (
            400,
            r#"{"success":false,"error":"insufficient_credit","msg":"Your account lacks credit; see the billing page."}"#,
            Credit,
        ),
        (400, r#"{"success":false,"error":"missing_billing","msg":"add a card"}"#, Credit),
        (411, r#"{"msg":"insufficient credit"}"#, Credit),
        (200, r#"{"success":false,"error":"spend_rate_limit"}"#, Credit),
        (
            400,
            r#"{"success":false,"error":"invalid_args","msg":"error 400/3467: Invalid args: disk","ask_id":7}"#,
            Invalid,
        ),
        (
            400,
            r#"{"success":false,"error":"invalid_price","msg":"Please set a bid price >= 0.001."}"#,
            Invalid,
        ),
        (
            400,
            r#"{"error":"invalid_request","msg":"Error in query parameters: dph_total is not a valid search key"}"#,
            Invalid,
        ),
        (400, r#"{"success":false,"error":"label_too_long"}"#, Invalid),
        (
            404,
            r#"{"success":false,"error":"invalid_args","msg":"error 404/3603: no_such_ask Instance type by id 1234567 is not available.","ask_id":1234567}"#,
            Capacity,
        ),
        (
            410,
            r#"{"success":false,"error":"no_such_ask","msg":"error 410/3907: no_such_ask Instance type 1234567 is no longer available."}"#,
            Capacity,
        ),
        (400, r#"{"success":false,"error":"no_such_ask","msg":"gone"}"#, Capacity),
        (
            200,
            r#"{"success":false,"error":"resources_unavailable","msg":"Required resources are currently unavailable, state change queued."}"#,
            Capacity,
        ),
        (
            403,
            r#"{"success":false,"error":"invalid_args","msg":"Offer 7 is not your own. Hosts can only rent their own machines."}"#,
            Invalid,
        ),
        (403, r#"{"success":false,"error":"forbidden","msg":"no"}"#, Auth),
        (401, r#"{"success":false,"error":"auth_error","msg":"Invalid user key"}"#, Auth),
        (401, "", Auth),
        (404, r#"{"success":false,"error":"auth_error","msg":"Invalid user key"}"#, Auth),
        (404, r#"{"success":false,"msg":"Session expired. Please log in again."}"#, Auth),
        (
            404,
            r#"{"success":false,"error":"no_such_instance","msg":"Instance 12345 not found."}"#,
            NotFound,
        ),
        (
            400,
            r#"{"success":false,"error":"no_such_instance","msg":"Instance 12345 not found."}"#,
            NotFound,
        ),
        (404, r#"{"success":false,"error":"not_found"}"#, NotFound),
        (404, r#"{"detail":"Instance 5 not found."}"#, NotFound),
        (404, "<html><body>404 not found</body></html>", Unexpected),
        (409, r#"{"success":false,"msg":"busy"}"#, Conflict),
        (
            410,
            r#"{"success":false,"error":"deprecated_endpoint","msg":"/api/v0/instances/ is deprecated. Use /api/v1/instances/ instead."}"#,
            Unexpected,
        ),
        (
            200,
            r#"{"success":false,"error":"deprecated_endpoint","msg":"/api/v0/instances/ is deprecated."}"#,
            Unexpected,
        ),
        (200, r#"{"error":"deprecated_endpoint","msg":"moved"}"#, Unexpected),
        (301, r#"{"success":true,"instances":[]}"#, Unexpected),
        (200, "", Unexpected),
        (200, "OK", Unexpected),
        (200, "<html>", Unexpected),
        (200, r#"{"success":false}"#, Unexpected),
        (400, "Bad Request", Unexpected),
        (500, r#"{"success":false,"error":"insufficient_credit"}"#, Transient),
        (502, "<html><title>502 Bad Gateway</title></html>", Transient),
        (503, "", Transient),
        (504, "", Transient),
        (408, "", Transient),
    ];
    for (status, body, expected) in table {
        assert_eq!(class(status, body), expected, "{status} {body}");
    }
}

#[test]
fn a_limit_says_how_long_in_many_ways_or_not_at_all() {
    let after = |status, headers: &[(&'static str, &str)], body| match judge_with(
        None, status, headers, body,
    )
    .expect_err(body)
    .class
    {
        ErrorClass::RateLimited { after_ms } => after_ms,
        other => panic!("{body}: {other:?}"),
    };
    assert_eq!(after(429, &[], "API requests too frequent"), PENALTY);
    assert_eq!(after(429, &[], ""), PENALTY);
    assert_eq!(after(429, &[], "API requests too frequent: endpoint threshold=4.5"), 4_500);
    assert_eq!(
        after(429, &[], r#"{"detail":"API requests too frequent endpoint threshold=1.0"}"#),
        1_000
    );
    assert_eq!(
        after(200, &[], r#"{"success":false,"error":"rate_limit_exceeded","msg":"slow down"}"#),
        PENALTY
    );
    assert_eq!(
        after(429, &[], r#"{"success":false,"error":"rate_limit_exceeded","retry_after":7}"#),
        7_000
    );
    assert_eq!(
        after(429, &[("retry-after", "30")], "API requests too frequent: endpoint threshold=4.5"),
        30_000
    );
    assert_eq!(after(429, &[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")], ""), PENALTY);
    let quota = r#"{"error":"search_quota_exceeded"}"#;
    let date = ("date", "Mon, 23 Nov 2026 22:00:00 GMT");
    assert_eq!(after(429, &[("x-ratelimit-reset", "1795478400"), date], quota), 7_200_000);
    assert_eq!(after(429, &[("x-ratelimit-reset", "1795478400")], quota), PENALTY);
    assert_eq!(after(429, &[("retry-after", "1e99")], ""), 86_400_000);
}

#[test]
fn a_refused_purchase_is_a_clear_no_only_where_vast_surely_made_nothing() {
    for body in [
        r#"{"success":false,"error":"insufficient_credit","msg":"Your account lacks credit"}"#,
        r#"{"success":false,"error":"no_such_ask","msg":"gone"}"#,
        r#"{"success":false,"error":"auth_error","msg":"Invalid user key"}"#,
    ] {
        for purchase in [Purchase::OnDemand, Purchase::Bid] {
            assert!(bought(purchase, 400, body).class.is_clear_no(), "{body}");
        }
    }
    assert!(bought(Purchase::OnDemand, 429, "API requests too frequent").class.is_clear_no());
    assert!(
        bought(Purchase::OnDemand, 400, r#"{"success":false,"error":"invalid_args","msg":"disk"}"#)
            .class
            .is_clear_no()
    );
    for (purchase, status, body) in [
        (Purchase::Bid, 400, r#"{"success":false,"error":"invalid_price","msg":"too low"}"#),
        (Purchase::Bid, 200, r#"{"success":false,"error":"invalid_args","msg":"too low"}"#),
        (Purchase::OnDemand, 200, r#"{"success":false,"error":"invalid_args","msg":"odd"}"#),
        (Purchase::OnDemand, 200, r#"{"success":false}"#),
        (
            Purchase::OnDemand,
            200,
            r#"{"success":false,"error":"resources_unavailable","msg":"queued"}"#,
        ),
        (Purchase::OnDemand, 400, r#"{"success":false,"error":"something_new"}"#),
        (Purchase::OnDemand, 404, r#"{"success":false,"error":"not_found"}"#),
        (Purchase::OnDemand, 409, r#"{"success":false,"error":"busy"}"#),
        (Purchase::OnDemand, 500, ""),
        (Purchase::OnDemand, 301, "{}"),
        (Purchase::OnDemand, 200, "<html>"),
        (Purchase::OnDemand, 200, ""),
    ] {
        assert!(!bought(purchase, status, body).class.is_clear_no(), "{status} {body}");
    }
}

#[test]
fn an_instance_named_beside_a_refusal_is_handed_on() {
    let refused = bought(
        Purchase::Bid,
        200,
        r#"{"success":false,"error":"bid_too_low","msg":"low","new_contract":12345678}"#,
    );
    assert_eq!(refused.created, Some(12_345_678));
    assert!(!refused.class.is_clear_no());
}

#[test]
fn the_words_shown_are_vasts_own_and_short() {
    assert_eq!(class(404, r#"{"error":"no_such_instance"}"#), ErrorClass::NotFound);
    let shown = |status, body| judge_with(None, status, &[], body).expect_err(body).message;
    assert_eq!(
        shown(404, r#"{"error":"no_such_instance","msg":"Instance 5 not found."}"#),
        "Instance 5 not found."
    );
    assert_eq!(shown(400, r#"{"error":"odd_word"}"#), "odd_word");
    assert_eq!(shown(502, "<html><body>nginx</body></html>"), "answered with an HTML page");
    assert_eq!(shown(503, ""), "answered with status 503 and no explanation");
    assert!(shown(400, &"x".repeat(10_000)).chars().count() <= 300);
}

#[test]
fn a_success_is_left_as_it_is() {
    let body = judge_with(None, 200, &[], r#"{"success":true,"new_contract":5,"error":null}"#)
        .expect("a success");
    assert_eq!(Row(&body).int("new_contract"), Some(5));
    assert!(judge_with(None, 200, &[], "[]").is_ok(), "the key list is an array");
}
