//! The header balance.

use serde::{Deserialize, Serialize};

use super::Time;

/// `GET /balance`. An amount that the provider did not give is `null`; a provider that was never
/// reached is an error, not an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Balance {
    /// Spendable credit, USD.
    pub credit: Option<f64>,
    /// What the provider calls balance, USD.
    pub balance: Option<f64>,
    /// Where the provider warns, USD.
    pub balance_threshold: Option<f64>,
    /// E-mail of the provider's account.
    pub email: Option<String>,
    /// What all of the account's running GPU instances cost now, USD per hour.
    pub burn_per_hour: Option<f64>,
    /// How long the credit lasts at that rate, hours; `null` when nothing runs or it is unknown.
    pub hours_left: Option<f64>,
    /// When the provider said so.
    pub as_of: Time,
    /// Why it could not be read again since.
    pub stale_error: Option<String>,
    /// Whether the credit is below what an hour of one replacement of the dearest machine needs.
    pub low: Option<bool>,
}
