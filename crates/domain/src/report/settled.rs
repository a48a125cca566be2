//! Whether the figures of a failover can still change.

use super::Journal;
use super::instances::switched_to;
use crate::failover::IntentState;

/// Whether the figures can't change any more, whatever the time and whatever becomes of instances
/// later: it is over, no attempt runs, and every purchase has come to nothing, is gone, or became the
/// machine's GPU. Only the fates of the instances that it names may still change.
#[must_use]
pub fn is_settled(journal: &Journal<'_>) -> bool {
    journal.failover.state.is_over()
        && journal.steps.iter().all(|row| row.outcome.is_some())
        && journal.intents.iter().all(|intent| match intent.state {
            IntentState::Refused | IntentState::Gone => true,
            IntentState::Adopted => switched_to(intent, journal),
            IntentState::Open
            | IntentState::Bound
            | IntentState::Tombstoned
            | IntentState::Discarded => false,
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::failover_view;
    use super::super::testing::{Story, at};
    use super::*;
    use crate::failover::{FailoverState, StepName};
    use crate::time::DAY_MS;
    use crate::view::failover::FailoverStatus;

    /// On a second candidate, whose purchase the journal names.
    fn story() -> Story {
        let mut story = Story::lost_and_recovered();
        for row in story.steps.iter_mut().filter(|row| row.name == StepName::Buy) {
            row.output = json!({"intent": "i2", "gpu": 77});
        }
        story
    }

    fn figures(story: &Story) -> FailoverStatus {
        FailoverStatus { instances: Vec::new(), ..failover_view(&story.journal()) }
    }

    #[test]
    fn what_is_settled_stays_the_same_when_its_gpu_is_given_up_later() {
        let mut story = story();
        assert!(is_settled(&story.journal()));
        let then = figures(&story);
        assert_eq!(then.new_gpu_id, Some(crate::id::GpuId(77)));

        story.now = at(90 * DAY_MS);
        story.disposals[0].done_at = Some(at(DAY_MS));
        for intent in &mut story.intents {
            intent.state = IntentState::Gone;
            intent.gone_at = intent.gone_at.or(Some(at(2 * DAY_MS)));
        }
        assert!(is_settled(&story.journal()));
        assert_eq!(figures(&story), then);
    }

    #[test]
    fn what_goes_on_or_may_still_cost_is_not_settled() {
        let changes: [fn(&mut Story); 5] = [
            |story| story.failover.state = FailoverState::Cancelling,
            |story| story.steps[3].outcome = None,
            |story| story.intents[0].state = IntentState::Discarded,
            |story| story.intents[0].state = IntentState::Tombstoned,
            // Adopted, and no switch to it is told of.
            |story| story.steps.retain(|row| row.name != StepName::Switch),
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut story = story();
            change(&mut story);
            assert!(!is_settled(&story.journal()), "{index}");
        }
    }
}
