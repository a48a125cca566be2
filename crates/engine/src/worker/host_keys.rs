//! Tells of host keys that a machine shares with another, each time that one of its pins is new here.

use domain::association::Association;
use domain::host_key::PinnedKeys;
use domain::notification;

use crate::context::Context;
use crate::error::EngineError;

/// What was looked at.
#[derive(Debug, Default)]
pub(super) struct HostKeys {
    looked: Option<Pins>,
}

type Pins = (Option<String>, Option<String>);

impl HostKeys {
    /// Looks once at each pair of pins. Whoever of two that were pinned at the same time looks last sees
    /// both; a process that ends before it has told looks again when it is back.
    pub(super) async fn look(
        &mut self,
        context: &Context,
        association: &Association,
    ) -> Result<(), EngineError> {
        let standby = association.standby.as_ref();
        let pins = (
            association.gpu_host_key.clone(),
            standby.and_then(|standby| standby.host_key.clone()),
        );
        if self.looked.as_ref() == Some(&pins) {
            return Ok(());
        }
        let associations = context.store.associations();
        let like = associations.with_host_keys_of(&association.user, &association.id).await?;
        for (late, first, key) in PinnedKeys::of(&like).latecomers(association) {
            let news = notification::host_key_shared(
                late,
                first,
                key,
                context.now(),
                context.config.sandbox,
            );
            if context.store.notifications().tell(&news).await? {
                tracing::warn!(association = %late.id, like = %first.id, "two places show one host key");
            }
        }
        self.looked = Some(pins);
        Ok(())
    }
}
