//! Keeps what was last heard of the GPU in the database, and takes it from there: a process that starts
//! or takes over judges a silent machine by what was known before, and not as one never reached.

use domain::association::{Association, Serving};
use domain::time::Millis;
use store::Heard;

use crate::context::Context;
use crate::error::EngineError;
use crate::live::Machine;

/// How far the stored word may lag behind while the GPU answers, ms.
const LAG_MS: i64 = 15_000;

/// The stored word on one machine.
#[derive(Default)]
pub(super) struct Hearing {
    read: bool,
    /// Whether it was to run when it was looked at last.
    wanted: Option<bool>,
}

impl Hearing {
    /// Reads the stored word once, then keeps it up.
    pub(super) async fn keep(
        &mut self,
        context: &Context,
        association: &Association,
        machine: &Machine,
    ) -> Result<(), EngineError> {
        let associations = context.store.associations();
        // It may have been started by another process, which knows nothing of what was seen here.
        if self.wanted.replace(association.want_running) == Some(false) && association.want_running
        {
            machine.wanted_again(context.now());
        }
        if !self.read {
            machine.set_heard(associations.heard(&association.id).await?);
            self.read = true;
        }
        let stored = machine.heard();
        let next = if association.want_running {
            if association.serving != Serving::Gpu {
                return Ok(());
            }
            let contact = machine.seen().ssh;
            let heard = contact.last_ok.map(|at| Heard { gpu: association.gpu, at });
            match heard {
                Some(heard) if is_due(stored, heard, contact.failing_since) => Some(heard),
                _ => return Ok(()),
            }
        } else if stored.is_some() {
            None
        } else {
            return Ok(());
        };
        associations.set_heard(&association.id, association.epoch, next).await?;
        machine.set_heard(next);
        Ok(())
    }
}

/// Whether a sign of life is worth a write: of another GPU, much newer, or the last one before silence.
fn is_due(stored: Option<Heard>, heard: Heard, failing_since: Option<Millis>) -> bool {
    let Some(stored) = stored.filter(|stored| stored.gpu == heard.gpu) else { return true };
    let newer = heard.at.since(stored.at);
    newer >= LAG_MS || (newer > 0 && failing_since.is_some())
}

#[cfg(test)]
mod tests {
    use domain::id::GpuId;

    use super::*;

    fn heard(gpu: i64, at: i64) -> Heard {
        Heard { gpu: GpuId(gpu), at: Millis(at) }
    }

    #[test]
    fn it_is_written_now_and_then_and_when_silence_begins() {
        assert!(is_due(None, heard(1, 5), None));
        assert!(is_due(Some(heard(2, 4)), heard(1, 5), None), "another GPU");
        assert!(!is_due(Some(heard(1, 0)), heard(1, LAG_MS - 1), None));
        assert!(is_due(Some(heard(1, 0)), heard(1, LAG_MS), None));
        assert!(is_due(Some(heard(1, 0)), heard(1, 400), Some(Millis(900))));
        assert!(!is_due(Some(heard(1, 400)), heard(1, 400), Some(Millis(900))), "written already");
    }
}
