//! The account behind a key, and its money.

use domain::money::MicroUsd;
use domain::provider::ProviderError;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::client::{Call, VastClient, unexpected};
use super::endpoint::Endpoint;
use super::row::Row;

/// What Vast says about the account. Every field may be unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    /// Vast's number of it.
    pub id: Option<i64>,
    /// Address.
    pub email: Option<String>,
    /// What can be spent: the balance to show. Slightly negative at times.
    pub credit: Option<MicroUsd>,
    /// Vast's `balance`, which differs from the credit for accounts that are paid afterwards.
    pub balance: Option<MicroUsd>,
    /// Where Vast tops up or warns.
    pub balance_threshold: Option<MicroUsd>,
    /// Whether that threshold is in use.
    pub balance_threshold_enabled: Option<bool>,
    /// Whether the account has a way to pay.
    pub can_pay: Option<bool>,
}

impl VastClient {
    /// The account (`GET /users/current/`). Also the way to find out whether a key works.
    ///
    /// # Errors
    /// `Auth` for a refused key; `Unexpected` for a reply that names neither an id nor credit.
    pub async fn user(&self) -> Result<Account, ProviderError> {
        let call = Call::new("show user", Endpoint::User, Method::GET, "/api/v0/users/current/");
        let body = self.ask(&call).await?;
        let row = Row(&body);
        let account = Account {
            id: row.int("id"),
            email: row.text("email"),
            credit: row.money("credit"),
            balance: row.money("balance"),
            balance_threshold: row.money("balance_threshold"),
            balance_threshold_enabled: row.flag("balance_threshold_enabled"),
            can_pay: row.flag("can_pay"),
        };
        if account.id.is_none() && account.credit.is_none() {
            return Err(unexpected(call.operation, "the reply does not describe an account"));
        }
        Ok(account)
    }
}
