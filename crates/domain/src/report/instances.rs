//! Every instance that a failover touched: what became of it and what it cost.

use super::Journal;
use super::status::{output, reached};
use crate::association::Association;
use crate::failover::{BuyOutput, Disposal, Intent, IntentState, Kind, Role, StepName, Wish};
use crate::money::MicroUsd;
use crate::provider::Provider;
use crate::time::Millis;
use crate::verdict::Cause;
use crate::view::Time;
use crate::view::failover::{Fate, InstanceId, LateWrites, TouchedInstance};

/// The instances: the old GPU, the standby, then each that was bought, in order.
#[must_use]
pub fn touched(journal: &Journal<'_>) -> Vec<TouchedInstance> {
    let mut found = Vec::new();
    if !journal.failover.options.from_standby {
        let id = journal.failover.gpu.to_string();
        let (fate, gone) = fate_of(Provider::Vast, &id, journal);
        let left = journal
            .disposals
            .iter()
            .filter(|wish| wish.provider == Provider::Vast && wish.external_id == id);
        let late = left.clone().rev().find_map(|wish| wish.saved.as_ref());
        found.push(TouchedInstance {
            kept_until: left.filter_map(|wish| wish.kept_until(journal.now)).max().map(Time),
            late_writes: late.map(|saved| LateWrites {
                files: saved.files,
                bytes: saved.bytes,
                path: saved.path.clone(),
                at: Time(saved.at),
                settled: saved.settled,
            }),
            ..plain(Provider::Vast, &id, Role::OldGpu, fate, gone)
        });
    }
    // One that was made after it was over is another, which it never touched.
    let over = journal.failover.ended_at;
    let standby = journal.association.and_then(|tie| tie.standby.as_ref());
    if let Some(vm) = standby.filter(|vm| over.is_none_or(|over| vm.created_at <= over)) {
        let (fate, gone) = fate_of(Provider::Gcp, &vm.name, journal);
        found.push(plain(Provider::Gcp, &vm.name, Role::Standby, fate, gone));
    }
    found.extend(journal.intents.iter().filter_map(|intent| bought(intent, journal)));
    found
}

/// What the instances bought for a failover cost: each from the time it was known to be made until
/// it was gone. One that stays in service stops counting when the failover is over: from then on it
/// is the machine's own cost.
#[must_use]
pub fn cost(journal: &Journal<'_>) -> MicroUsd {
    journal.intents.iter().filter_map(|intent| cost_of(intent, journal)).sum()
}

/// Whether a purchase became the machine's GPU. Its row says so until that GPU is given up in turn;
/// from then on the switch does, so that what a later failover destroys changes no earlier report.
pub(super) fn served(intent: &Intent, journal: &Journal<'_>) -> bool {
    intent.state == IntentState::Adopted || switched_to(intent, journal)
}

/// Whether the journal tells of the switch to a purchase's instance.
pub(super) fn switched_to(intent: &Intent, journal: &Journal<'_>) -> bool {
    let switched = reached(&[StepName::Switch], journal.steps).is_some();
    let bought: Option<BuyOutput> =
        if switched { output(StepName::Buy, journal.steps) } else { None };
    bought.is_some_and(|bought| bought.intent.as_ref() == Some(&intent.id))
}

fn cost_of(intent: &Intent, journal: &Journal<'_>) -> Option<MicroUsd> {
    let from = intent.bound_at?;
    let over = journal.failover.ended_at.unwrap_or(journal.now);
    let gone = intent.gone_at.or_else(|| {
        let id = intent.external_id.as_deref()?;
        destroyed(intent.provider, id, journal)
    });
    let serves = served(intent, journal);
    let until = match gone {
        Some(gone) if serves => gone.min(over),
        Some(gone) => gone,
        None if serves => over,
        None => journal.now,
    };
    Some(intent.usd_per_hour.over_ms(until.since(from)))
}

fn bought(intent: &Intent, journal: &Journal<'_>) -> Option<TouchedInstance> {
    if intent.state == IntentState::Refused {
        return None;
    }
    let gone = intent.gone_at.or_else(|| {
        let id = intent.external_id.as_deref()?;
        destroyed(intent.provider, id, journal)
    });
    let fate = match intent.state {
        _ if gone.is_some() && intent.external_id.is_some() => Fate::Destroyed,
        // Nothing was ever seen under its label, and nothing will be.
        IntentState::Gone => return None,
        IntentState::Adopted => Fate::Kept,
        IntentState::Bound | IntentState::Discarded => Fate::Pending,
        IntentState::Open | IntentState::Tombstoned | IntentState::Refused => Fate::Unknown,
    };
    let serves = intent.provider == Provider::Vast
        && served(intent, journal)
        && journal.failover.kind != Kind::Drill;
    let role = match intent.provider {
        Provider::Gcp => Role::Standby,
        _ if serves => Role::NewGpu,
        _ => Role::Candidate,
    };
    Some(TouchedInstance {
        provider: intent.provider,
        id: id(intent.provider, intent.external_id.as_deref().unwrap_or(&intent.label)),
        role,
        fate,
        verified_gone_at: gone.filter(|_| fate == Fate::Destroyed).map(Time),
        kept_until: None,
        late_writes: None,
        usd_per_hour: Some(intent.usd_per_hour.usd()),
        cost_usd: cost_of(intent, journal).map(MicroUsd::usd),
    })
}

/// The fate of an instance that the failover found: kept only where something says that it is there.
fn fate_of(provider: Provider, external: &str, journal: &Journal<'_>) -> (Fate, Option<Millis>) {
    let Some(wish) = removal(provider, external, journal) else {
        let kept = is_there(provider, external, journal);
        return (if kept { Fate::Kept } else { Fate::Unknown }, None);
    };
    wish.done_at.map_or((Fate::Pending, None), |gone| (Fate::Destroyed, Some(gone)))
}

/// Whether an instance whose removal was not asked for is known to be there: it is the machine's own now,
/// or it was to be stopped, and its provider did not say that it is gone.
fn is_there(provider: Provider, external: &str, journal: &Journal<'_>) -> bool {
    let own = |tie: &Association| match provider {
        Provider::Vast => tie.gpu.to_string() == external,
        Provider::Gcp => tie.standby.as_ref().is_some_and(|vm| vm.name == external),
        Provider::Ssh => false,
    };
    let lost = provider == Provider::Vast && journal.failover.cause == Cause::InstanceGone;
    let stopped = journal
        .disposals
        .iter()
        .any(|wish| wish.provider == provider && wish.external_id == external);
    !lost && (stopped || journal.association.is_some_and(own))
}

fn destroyed(provider: Provider, external: &str, journal: &Journal<'_>) -> Option<Millis> {
    removal(provider, external, journal)?.done_at
}

fn removal<'a>(provider: Provider, external: &str, journal: &Journal<'a>) -> Option<&'a Disposal> {
    journal
        .disposals
        .iter()
        .filter(|wish| {
            wish.wish == Wish::Destroy && wish.provider == provider && wish.external_id == external
        })
        .max_by_key(|wish| (wish.done_at.is_some(), wish.requested_at))
}

fn plain(
    provider: Provider,
    external: &str,
    role: Role,
    fate: Fate,
    gone: Option<Millis>,
) -> TouchedInstance {
    TouchedInstance {
        provider,
        id: id(provider, external),
        role,
        fate,
        verified_gone_at: gone.map(Time),
        kept_until: None,
        late_writes: None,
        usd_per_hour: None,
        cost_usd: None,
    }
}

fn id(provider: Provider, external: &str) -> InstanceId {
    match external.parse() {
        Ok(number) if provider == Provider::Vast => InstanceId::Number(number),
        _ => InstanceId::Name(external.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Story, at};
    use super::*;
    use crate::failover::Saved;
    use crate::time::HOUR_MS;

    #[test]
    fn the_fate_of_each_instance_is_told() {
        let mut story = Story::lost_and_recovered();
        let fates = |story: &Story| -> Vec<(Role, Fate)> {
            touched(&story.journal()).iter().map(|one| (one.role, one.fate)).collect()
        };
        assert_eq!(
            fates(&story),
            [
                (Role::OldGpu, Fate::Pending),
                (Role::Candidate, Fate::Destroyed),
                (Role::NewGpu, Fate::Kept)
            ]
        );
        story.disposals[0].done_at = Some(at(90_000));
        assert_eq!(fates(&story)[0], (Role::OldGpu, Fate::Destroyed));
        story.disposals[0].wish = Wish::Stop;
        assert_eq!(fates(&story)[0], (Role::OldGpu, Fate::Kept), "stopped is not destroyed");
        story.failover.cause = Cause::InstanceGone;
        assert_eq!(fates(&story)[0], (Role::OldGpu, Fate::Unknown), "its provider says it is gone");
        story.failover.cause = Cause::Outbid;
        story.disposals.clear();
        assert_eq!(
            fates(&story)[0],
            (Role::OldGpu, Fate::Unknown),
            "nothing says that it is there"
        );
    }

    #[test]
    fn what_was_saved_of_the_old_gpu_is_told_with_whether_it_was_the_last_of_it() {
        let mut story = Story::lost_and_recovered();
        let late = |story: &Story| touched(&story.journal())[0].late_writes.clone();
        assert_eq!(late(&story), None);
        let saved = Saved { files: 3, bytes: 9, path: "/late".into(), ..Saved::default() };
        story.disposals[0].saved = Some(saved.clone());
        assert_eq!(late(&story).map(|late| (late.files, late.settled)), Some((3, false)));
        story.disposals[0].saved = Some(Saved { settled: true, ..saved });
        assert_eq!(late(&story).map(|late| late.settled), Some(true));
        // Its user has asked for it to go meanwhile: that is no reason to forget what was saved.
        story.disposals[0].role = Role::Rental;
        assert_eq!(late(&story).map(|late| late.files), Some(3));
    }

    #[test]
    fn a_refused_purchase_made_nothing_and_an_ambiguous_one_is_unknown() {
        let mut story = Story::lost_and_recovered();
        story.intents[0].external_id = None;
        story.intents[0].gone_at = None;
        story.intents[0].bound_at = None;
        for (state, fate) in [
            (IntentState::Refused, None),
            (IntentState::Gone, None),
            (IntentState::Tombstoned, Some(Fate::Unknown)),
            (IntentState::Open, Some(Fate::Unknown)),
        ] {
            story.intents[0].state = state;
            let found = touched(&story.journal());
            let candidate = found.iter().find(|one| one.role == Role::Candidate);
            assert_eq!(candidate.map(|one| one.fate), fate, "{state}");
        }
    }

    #[test]
    fn a_loser_costs_until_it_is_gone_and_the_winner_until_it_is_over() {
        let mut story = Story::lost_and_recovered();
        story.now = at(100 * HOUR_MS);
        let before = cost(&story.journal());
        story.now = at(200 * HOUR_MS);
        assert_eq!(cost(&story.journal()), before, "time that passes afterwards costs nothing");
        story.intents[0].gone_at = None;
        story.intents[0].state = IntentState::Discarded;
        assert!(cost(&story.journal()) > before, "a loser that is not gone goes on costing");
    }
}
