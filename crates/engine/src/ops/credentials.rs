//! Trying credentials live, before they are saved.

use domain::provider::ProviderError;
use secrecy::SecretString;

use crate::context::Context;
use crate::handle::{GcpAccount, VastAccount};

/// Asks Vast.ai who a key belongs to.
pub(crate) async fn check_vast(
    context: &Context,
    key: &SecretString,
) -> Result<VastAccount, ProviderError> {
    let money = context.accounts.vast_with(key)?.user().await?;
    Ok(VastAccount { id: money.id, email: money.email, credit: money.credit })
}

/// Asks Google Compute for all that a standby needs.
pub(crate) async fn check_gcp(
    context: &Context,
    json: &SecretString,
) -> Result<GcpAccount, ProviderError> {
    let client = context.accounts.gcp_with(json).await?;
    let access = client.check().await?;
    let zones = access.zones.into_iter().filter(|zone| zone.up).map(|zone| zone.name).collect();
    Ok(GcpAccount { project: access.project, email: access.email, zones })
}
