//! Problems in the reader's language: by their stable code; what a provider said stays as it is.

use domain::view::problem::{FieldProblem, Problem};

use super::{Texts, fill};

/// What happened and what to do, and a provider's or the server's own words where they say more.
pub(crate) fn problem_text(problem: &Problem, t: &'static Texts) -> (String, Option<String>) {
    let said = || Some(problem.detail.clone());
    let (text, words) = match problem.code.as_str() {
        "wrong_password" => (t.wrong_login, None),
        "wrong_code" => (t.wrong_code, None),
        "code_needed" => (t.wrong_code_needed, None),
        "second_factor_on" => (t.wrong_factor_on, None),
        "second_factor_off" => (t.wrong_factor_off, None),
        "second_factor_not_begun" => (t.wrong_factor_not_begun, None),
        "passkey_known" => (t.wrong_passkey_known, None),
        "too_many_passkeys" => (t.wrong_too_many_passkeys, None),
        "no_passkeys_here" => (t.wrong_no_passkeys_here, None),
        "too_many" => (t.wrong_too_many, None),
        "invalid" => (t.wrong_fields, None),
        "malformed" => (t.wrong_malformed, None),
        "unauthorized" => (t.wrong_unauthorized, None),
        "scope_needed" => (t.wrong_scope, None),
        "confirmation_needed" => (t.wrong_confirmation, None),
        "not_administrator" => (t.wrong_not_administrator, None),
        "grant_needed" => (t.wrong_grant_needed, None),
        "owners_word_needed" => (t.wrong_owners_word, None),
        "too_many_grants" => (t.wrong_too_many_grants, None),
        "too_many_invitations" => (t.wrong_too_many_invitations, None),
        "cross_site" => (t.wrong_cross_site, None),
        "not_found" | "no_such_address" => (t.not_found_what, None),
        "gcp_credentials_missing" => (t.wrong_gcp_missing, None),
        "gcp_credentials_refused" => (t.wrong_gcp_refused, said()),
        "vast_api_key_missing" => (t.wrong_vast_missing, None),
        "vast_api_key_refused" => (t.wrong_vast_refused, said()),
        "failover_active" => (t.gate_under_way, None),
        "standby_not_ready" => (t.gate_standby_not_ready, None),
        "never_synced" => (t.gate_never_synced, None),
        "not_on_gpu" => (t.gate_not_on_gpu, None),
        "on_standby" => (t.wrong_on_standby, None),
        "not_on_standby" => (t.wrong_not_on_standby, None),
        "other_deletions" => (t.wrong_other_deletions, None),
        "no_recovery_points" => (t.wrong_no_points, None),
        "standby_unreached" => (t.wrong_standby_unreached, said()),
        "standby_busy" => (t.wrong_standby_busy, None),
        "copy_frozen" => (t.wrong_copy_frozen, None),
        "not_following" => (t.wrong_not_following, None),
        "return_under_way" => (t.wrong_return_under_way, None),
        "contents_missing" => (t.wrong_contents_missing, None),
        "consent_needed" => (t.wrong_consent, None),
        "not_frozen" => (t.gate_not_frozen, None),
        "has_switched" => (t.wrong_switched, None),
        "failover_over" => (t.wrong_over, None),
        "other_account" => (t.wrong_other_account, said()),
        "offer_gone" => (t.offer_gone_what, None),
        "sync_already_on" | "sync_already_off" => (t.wrong_nothing_changed, None),
        "conflict" | "stale" => (t.wrong_stale, said()),
        "no_capacity" => (t.wrong_no_capacity, said()),
        "no_credit" => (t.wrong_no_credit, said()),
        "provider_rate_limited" => (t.wrong_rate_limited, said()),
        "provider_down" | "provider_unexpected" => (t.wrong_provider_down, said()),
        "provider_refused"
        | "provider_not_set_up"
        | "provider_conflict"
        | "provider_invalid"
        | "provider_not_found" => (t.wrong_provider_refused, said()),
        "database_down" => (t.wrong_database, None),
        "internal" => (t.wrong_internal, None),
        "too_large" => (t.wrong_too_large, None),
        _ => (t.wrong_other, said()),
    };
    (text.to_owned(), words)
}

/// What is wrong with a field. Bounds are those of the control.
pub(crate) fn field_text(found: &FieldProblem, t: &'static Texts) -> String {
    let bounds = match found.field.as_str() {
        "gcp_disk_size" => Some(("10", "500")),
        "sync_interval" => Some(("1", "300")),
        "max_delete_percent" => Some(("1", "100")),
        "silence_seconds" => Some(("5", "600")),
        "keep_lost_minutes" => Some(("0", "1440")),
        "max_gpus_per_failover" => Some(("1", "100")),
        "max_gpus_per_day" => Some(("1", "10000")),
        "min_reliability" => Some(("0", "100")),
        "num_gpus" | "limit" => Some(("1", "64")),
        _ => None,
    };
    match (found.code.as_str(), bounds) {
        ("out_of_range", Some((low, high))) => {
            fill(t.field_between, &[("low", low), ("high", high)])
        }
        ("out_of_range", None) => match found.field.as_str() {
            "max_price" | "max_usd_per_failover" | "max_usd_per_day" => {
                t.field_above_zero.to_owned()
            }
            "disk_size" => t.field_disk_least.to_owned(),
            "region" => t.field_countries.to_owned(),
            _ => t.field_out_of_range.to_owned(),
        },
        ("not_a_number" | "wrong_type", _) => t.field_number.to_owned(),
        ("required" | "missing", _) => t.field_required.to_owned(),
        ("not_a_country", _) => t.field_countries.to_owned(),
        ("not_a_path", _) => t.field_path.to_owned(),
        ("not_a_workspace", _) => t.field_workspace.to_owned(),
        ("not_a_service_account", _) => t.field_service_account.to_owned(),
        ("not_a_key", _) => t.field_key.to_owned(),
        ("unknown_zone", _) => t.field_unknown_zone.to_owned(),
        ("taken", _) => t.field_taken.to_owned(),
        ("own_account", _) => t.field_own_account.to_owned(),
        ("no_link", _) => t.field_no_link.to_owned(),
        ("guessable", _) => t.field_guessable.to_owned(),
        ("wrong_token", _) => t.field_setup_token.to_owned(),
        ("wrong_code", _) => t.wrong_code.to_owned(),
        ("code_needed", _) => t.wrong_code_needed.to_owned(),
        ("wrong_password", _) => t.field_wrong_password.to_owned(),
        ("too_short" | "too_long" | "length", _) if found.field.contains("password") => {
            t.password_hint.to_owned()
        }
        ("not_its_name", _) => t.field_not_its_name.to_owned(),
        ("refused", _) => t.key_refused.to_owned(),
        _ => found.message.clone(),
    }
}
