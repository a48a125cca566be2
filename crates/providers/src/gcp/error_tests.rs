//! The refusals of the wire notes, and what they must come to.

use google_cloud_compute_v1::model::operation::Error as OperationErrors;
use google_cloud_compute_v1::model::operation::error::Errors;

use super::*;

#[test]
fn a_status_and_its_reason_decide() {
    use ErrorClass::{Auth, Capacity, Conflict, Credit, Invalid, NotFound, Transient, Unexpected};
    let rate = ErrorClass::RateLimited { after_ms: 60_000 };
    let table = [
        (401, "", "Request had invalid authentication credentials.", true, Auth),
        (
            403,
            "forbidden",
            "Required 'compute.instances.create' permission for 'projects/P/zones/Z/instances/vm1'",
            true,
            Auth,
        ),
        (403, "quotaExceeded", "Quota 'CPUS' exceeded.", true, Capacity),
        (403, "", "Quota 'CPUS_ALL_REGIONS' exceeded.  Limit: 1.0 globally.", true, Capacity),
        (403, "rateLimitExceeded", "slow", true, rate.clone()),
        (
            403,
            "accessNotConfigured",
            "Compute Engine API has not been used in project 1 before or it is disabled.",
            true,
            Auth,
        ),
        (403, "", "This API method requires billing to be enabled.", true, Credit),
        (429, "", "", true, rate),
        (
            404,
            "notFound",
            "The resource 'projects/P/zones/Z/instances/x' was not found",
            true,
            NotFound,
        ),
        (404, "", "", false, Unexpected),
        (403, "", "", false, Unexpected),
        (409, "alreadyExists", "", true, Conflict),
        (412, "conditionNotMet", "", true, Conflict),
        (400, "resourceNotReady", "", true, Conflict),
        (400, "invalid", "Invalid value for field 'filter'", true, Invalid),
        (500, "", "", true, Transient),
        (503, "backendError", "", false, Transient),
        (302, "", "", false, Unexpected),
    ];
    for (status, reason, text, json, expected) in table {
        assert_eq!(of_status(status, reason, text, json), expected, "{status} {reason} {text}");
    }
}

fn done() -> Operation {
    Operation::new().set_name("operation-1")
}

fn failed(code: &str, text: &str, status: Option<i32>) -> ProviderError {
    let errors =
        OperationErrors::new().set_errors([Errors::new().set_code(code).set_message(text)]);
    let mut operation = done().set_error(errors);
    operation.http_error_status_code = status;
    of_operation("create standby", operation).expect_err("a failed operation")
}

#[test]
fn an_operation_without_an_error_is_a_success() {
    assert_eq!(of_operation("x", done()), Ok(()));
}

#[test]
fn stock_outs_and_quotas_are_capacity_whatever_their_suffix() {
    for (code, status) in [
        ("ZONE_RESOURCE_POOL_EXHAUSTED", None),
        ("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", Some(503)),
        ("QUOTA_EXCEEDED", Some(403)),
    ] {
        let error = failed(code, "does not have enough resources", status);
        assert_eq!(error.class, ErrorClass::Capacity, "{code}");
        assert_eq!(error.message, format!("{code}: does not have enough resources"));
    }
    assert_eq!(failed("INTERNAL_ERROR", "", Some(500)).class, ErrorClass::Transient);
    assert_eq!(failed("PERMISSIONS_ERROR", "", Some(403)).class, ErrorClass::Auth);
    assert_eq!(failed("SOMETHING_NEW", "", Some(404)).class, ErrorClass::NotFound);
    assert_eq!(failed("SOMETHING_NEW", "", None).class, ErrorClass::Unexpected);
}

#[test]
fn an_error_that_is_only_a_status_is_an_error_too() {
    let mut operation = done();
    operation.http_error_status_code = Some(503);
    operation.http_error_message = Some("SERVICE UNAVAILABLE".into());
    let error = of_operation("x", operation).expect_err("failed");
    assert_eq!(
        (error.class, error.message.as_str()),
        (ErrorClass::Transient, "SERVICE UNAVAILABLE")
    );
}

#[test]
fn connections_that_failed_are_transient_and_local_mistakes_are_not() {
    let class = |error: Error| of_call("x", &error).class;
    assert_eq!(class(Error::connect("refused")), ErrorClass::Transient);
    assert_eq!(class(Error::io("reset")), ErrorClass::Transient);
    assert_eq!(class(Error::timeout("late")), ErrorClass::Transient);
    assert_eq!(class(Error::deser("not JSON")), ErrorClass::Unexpected);
    assert_eq!(class(Error::ser("odd")), ErrorClass::Invalid);
}

#[test]
fn a_private_key_is_never_repeated() {
    assert!(!without_key("bad -----BEGIN PRIVATE KEY----- MII".into()).contains("MII"));
}

#[test]
fn what_no_other_key_mends_is_told_with_what_does() {
    use ErrorClass::{Auth, Conflict, Setup};
    for (class, said, becomes, words) in [
        (
            Conflict,
            "Constraint constraints/compute.vmExternalIpAccess violated for project 1.",
            Setup,
            "a policy of the organisation forbids it",
        ),
        (
            Auth,
            "Compute Engine API has not been used in project 1 before or it is disabled. Enable it by visiting …",
            Setup,
            "Compute Engine is not switched on",
        ),
        (
            Auth,
            "invalid_grant: Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
            Setup,
            "the clock of this server seems to be wrong",
        ),
        (
            Conflict,
            "Supplied fingerprint does not match current metadata fingerprint.",
            Conflict,
            "",
        ),
        (Auth, "Required 'compute.instances.create' permission", Auth, ""),
        (Auth, "invalid_grant: Invalid JWT Signature.", Auth, ""),
    ] {
        let (got, message) = mended_elsewhere(class, said.to_owned());
        assert_eq!(got, becomes, "{said}");
        assert!(message.starts_with(words) && message.ends_with(said), "{message}");
        assert!(got.is_clear_no(), "nothing was done");
    }
}
