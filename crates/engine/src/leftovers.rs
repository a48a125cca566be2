//! Copies of drills that could not be removed when their drill ended.

use domain::association::Association;
use domain::failover::{Kind, StepName};
use providers::ssh::Shell;
use store::FailoverQuery;

use crate::context::Context;
use crate::data;
use crate::error::EngineError;

/// Drills of a machine that are looked at, the newest.
const LATELY: i64 = 20;

/// Removes what the newest drills of a machine left on its standby. What is not there any more is no error.
pub(crate) async fn sweep(
    context: &Context,
    association: &Association,
    standby: &Shell,
) -> Result<(), EngineError> {
    let query = FailoverQuery {
        kind: Some(Kind::Drill),
        association: Some(association.id.clone()),
        limit: Some(LATELY),
        ..FailoverQuery::default()
    };
    for drill in context.store.failovers().ids(&association.user, &query).await? {
        let rows = context.store.steps().list(&drill).await?;
        let left = rows.iter().any(|row| {
            row.name == StepName::Abandon && row.output.get("copy_left") == Some(&true.into())
        });
        if left && let Err(error) = data::forget_rehearsal(standby, drill.as_str()).await {
            tracing::warn!(%drill, %error, "a drill's copy is still on the standby");
        }
    }
    Ok(())
}
