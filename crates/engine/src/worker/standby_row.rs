//! What is recorded of a machine's standby as it changes.

use domain::association::{Association, AssociationState};
use domain::failover::{Role, Wish};
use domain::standby::Standby;

use crate::context::Context;
use crate::error::EngineError;
use crate::{news, reaper};

/// The VM is gone with its disk: its copy is lost, and the machine is unprotected until a new one has
/// followed.
pub(super) async fn vanished(
    context: &Context,
    association: &Association,
    standby: &Standby,
) -> Result<(), EngineError> {
    tracing::error!(standby = standby.name, "the standby no longer exists");
    // The wish that what may be left of it be destroyed, recorded together with its loss or not at all.
    let left = context.store.intents().find(&standby.intent).await?.map(|intent| {
        reaper::disposal(context, &intent, &standby.name, Role::Standby, Wish::Destroy)
    });
    let words = "the standby VM no longer exists at the provider; a new one is being made";
    let told = news::standby(context, association, None);
    context
        .store
        .associations()
        .lose_standby(
            &association.id,
            association.epoch,
            &standby.intent,
            left.as_ref(),
            told.as_ref(),
        )
        .await?;
    degrade(context, association, words).await
}

pub(super) async fn degrade(
    context: &Context,
    association: &Association,
    words: &str,
) -> Result<(), EngineError> {
    let busy = matches!(
        association.state,
        AssociationState::FailingOver | AssociationState::OnStandby | AssociationState::Deleting
    );
    if !busy {
        context
            .store
            .associations()
            .set_state(&association.id, association.epoch, AssociationState::Degraded, Some(words))
            .await?;
    }
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    Ok(())
}

pub(super) async fn note(
    context: &Context,
    association: &Association,
    standby: &mut Standby,
    word: &str,
) -> Result<(), EngineError> {
    if standby.reason.as_deref() == Some(word) {
        return Ok(());
    }
    standby.reason = Some(word.to_owned());
    save(context, association, standby).await
}

pub(super) async fn save(
    context: &Context,
    association: &Association,
    standby: &Standby,
) -> Result<(), EngineError> {
    let told = news::standby(context, association, Some(standby));
    context
        .store
        .associations()
        .set_standby_and_tell(&association.id, association.epoch, standby, told.as_ref())
        .await?;
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::failover::IntentState;

    use super::*;
    use crate::testing::{Bench, NOW};

    /// Cut off between two writes, or overtaken by whoever saw the VM gone: each time no row is left that waits
    /// for a VM which nobody makes.
    #[tokio::test]
    async fn one_that_vanished_is_lost_whatever_was_recorded_before() {
        for before in ["bound", "discarded", "gone", "refused"] {
            let bench = Bench::new().await;
            let context = &bench.context;
            let of = bench.machine_with_standby().await;
            let standby = of.standby.clone().expect("one");
            let intents = context.store.intents();
            let intent = intents.find(&standby.intent).await.expect("read").expect("known");
            let wish =
                reaper::disposal(context, &intent, &intent.label, Role::Standby, Wish::Destroy);
            match before {
                "bound" => intents.bind(&intent.id, &intent.label, of.epoch, NOW).await,
                "refused" => intents.refuse(&intent.id, "no", NOW).await,
                "discarded" => intents.discard(&intent.id, &wish, NOW).await.map(drop),
                _ => intents.gone(&intent.id, NOW).await,
            }
            .expect(before);
            vanished(context, &of, &standby).await.expect(before);
            let now = context.store.associations().find(&of.id).await;
            let now = now.expect("read").expect("there");
            assert_eq!((now.standby, now.sync.complete_to), (None, None), "{before}");
        }
    }

    #[tokio::test]
    async fn one_that_vanished_in_another_epoch_is_lost_in_that_or_not_at_all() {
        let bench = Bench::new().await;
        let context = &bench.context;
        let of = bench.machine_with_standby().await;
        let standby = of.standby.clone().expect("one");
        let (associations, intents) = (context.store.associations(), context.store.intents());
        associations.advance_epoch(&of.id, of.epoch).await.expect("a failover");
        let late = vanished(context, &of, &standby).await;
        let stale = matches!(&late, Err(EngineError::Store(store::StoreError::Stale { .. })));
        assert!(stale, "{late:?}");
        let kept = intents.find(&standby.intent).await.expect("read").expect("known");
        assert_eq!(kept.state, IntentState::Open);
        let now = associations.find(&of.id).await.expect("read").expect("there");
        assert_eq!(now.standby.as_ref(), Some(&standby));
        vanished(context, &now, &standby).await.expect("read anew");
        let kept = intents.find(&standby.intent).await.expect("read").expect("known");
        assert_eq!(kept.state, IntentState::Discarded);
    }
}
