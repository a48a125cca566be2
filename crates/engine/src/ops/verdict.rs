//! What is known of a machine's GPU, whichever process watches it.

use domain::association::Association;
use domain::verdict::{Verdict, decide};

use crate::context::Context;
use crate::error::EngineError;
use crate::worker::judge::patience;

/// What its observers come to by the account's own rules; where another process watches it, or nobody has
/// looked yet, what was stored last in this epoch. `None` where nothing ever was.
pub(super) async fn known(
    context: &Context,
    association: &Association,
) -> Result<Option<Verdict>, EngineError> {
    let now = context.now();
    let seen = context.live.observations(&association.id);
    if let Some(seen) = seen.filter(|seen| seen.ssh.able || seen.provider.at.is_some()) {
        let policy = patience(context, &association.user, &seen, now).await?;
        return Ok(Some(decide(&seen, &policy, now).verdict));
    }
    let stored = context.store.verdicts().recent(&association.id, 1).await?;
    let of_this = stored.into_iter().find(|row| row.epoch == association.epoch);
    Ok(of_this.map(|row| row.verdict))
}
