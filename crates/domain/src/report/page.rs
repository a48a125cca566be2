//! The page of a failover: its figures with the evidence and the whole journal.

use super::status::output;
use super::{Journal, failover_view};
use crate::failover::{
    DetectOutput, FailoverState, HookResult, StepName, StepRow, SwitchOutput, TakeoverOutput,
};
use crate::notification::Wait;
use crate::verdict::{Contact, Observations};
use crate::view::Time;
use crate::view::failover::{FailoverPage, HookRun, JournalRow, Witness};

/// The page of a failover.
#[must_use]
pub fn failover_page(journal: &Journal<'_>) -> FailoverPage {
    let detect: DetectOutput = output(StepName::Detect, journal.steps).unwrap_or_default();
    FailoverPage {
        status: failover_view(journal),
        evidence: detect.evidence.as_ref().map(witnesses).unwrap_or_default(),
        suspect_at: detect.suspect_at.map(Time),
        confirmed_at: detect.confirmed_at.map(Time),
        journal: journal.steps.iter().map(line).collect(),
        hooks: hooks(journal.steps),
        waits_for: waits_for(journal),
        shared: None,
        as_of: journal.now.into(),
    }
}

/// For what it waits now: what was tried last says it.
fn waits_for(journal: &Journal<'_>) -> Option<Wait> {
    let waits = journal.failover.state == FailoverState::Waiting;
    journal.steps.iter().rev().find_map(StepRow::waits_for).filter(|_| waits)
}

/// What each observer said, one line each.
#[must_use]
pub fn witnesses(seen: &Observations) -> Vec<Witness> {
    let contact = |observer: &str, contact: &Contact| Witness {
        observer: observer.to_owned(),
        able: contact.able,
        last_ok: contact.last_ok.map(Time),
        failing_since: contact.failing_since.map(Time),
        word: contact.word.clone(),
    };
    let provider = Witness {
        observer: "provider".to_owned(),
        able: seen.provider.says.is_some(),
        last_ok: seen.provider.at.map(Time),
        failing_since: None,
        word: seen
            .provider
            .error
            .clone()
            .or_else(|| seen.provider.says.map(|word| word.to_string())),
    };
    let own = Witness {
        observer: "self".to_owned(),
        able: seen.own.unwell_until.is_none(),
        last_ok: None,
        failing_since: None,
        word: seen.own.word.clone(),
    };
    vec![contact("ssh", &seen.ssh), contact("standby", &seen.standby), provider, own]
}

fn line(row: &StepRow) -> JournalRow {
    JournalRow {
        seq: row.seq,
        step: row.name,
        phase: row.name.phase(),
        round: row.round,
        attempt: row.attempt,
        started_at: row.started_at.into(),
        ended_at: row.ended_at.map(Time),
        outcome: row.outcome,
        retry_at: row.retry_at.map(Time),
        provider_ms: row.provider_ms,
        error: row.error.clone(),
    }
}

fn hooks(rows: &[StepRow]) -> Vec<HookRun> {
    let takeover = |step| Some((step, output::<TakeoverOutput>(step, rows)?.hook?));
    let switch = |step| Some((step, output::<SwitchOutput>(step, rows)?.hook?));
    let found: [Option<(StepName, HookResult)>; 3] =
        [takeover(StepName::FinalSync), takeover(StepName::Takeover), switch(StepName::Switch)];
    found.into_iter().flatten().map(|(step, result)| HookRun { step, result }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::Story;
    use super::*;

    #[test]
    fn the_page_keeps_every_attempt_and_names_four_observers() {
        let story = Story::lost_and_recovered();
        let page = failover_page(&story.journal());
        assert_eq!(page.journal.len(), story.steps.len());
        let names: Vec<&str> = page.evidence.iter().map(|one| one.observer.as_str()).collect();
        assert_eq!(names, ["ssh", "standby", "provider", "self"]);
        assert!(page.confirmed_at.is_some());
    }
}
