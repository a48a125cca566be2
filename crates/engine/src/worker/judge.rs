//! Points the observers at their hosts, gathers their words and acts on the verdict.

use domain::association::{Association, AssociationState, Serving};
use domain::failover::{DetectOutput, Kind, Options};
use domain::gpu::GpuState;
use domain::id::{Epoch, UserId};
use domain::notification;
use domain::time::Millis;
use domain::verdict::{Cause, Decision, Observations, SelfCheck, Verdict, VerdictPolicy, decide};

use store::VerdictRow;

use crate::context::Context;
use crate::error::EngineError;
use crate::live::{Machine, Target};
use crate::ops::protect;
use crate::saga;

/// Other hosts must have answered within this time for their silence to say something.
const OTHERS_MS: i64 = 4_000;
/// How long a protected GPU may be without a verdict, beyond what the account's patience allows, before
/// its user is told.
const UNJUDGED_MS: i64 = 40_000;

/// Points the observers at the hosts of now, and pins what they learned.
pub(super) async fn aim(
    context: &Context,
    association: &Association,
    machine: &Machine,
) -> Result<(), EngineError> {
    let associations = context.store.associations();
    let (id, epoch, gpu) = (&association.id, association.epoch, association.gpu);
    let watched = association.want_running && association.serving == Serving::Gpu;
    let mut endpoint = association.gpu_endpoint.clone();
    let mut host_key = association.gpu_host_key.clone();
    let view = context.live.account(&association.user).view();
    if let Some(instance) =
        view.instance(association.gpu).filter(|instance| instance.state() == GpuState::Running)
        && instance.ssh != endpoint
    {
        // Ports move on each start; the host behind them, and its key, stay.
        endpoint.clone_from(&instance.ssh);
        // Of this GPU: the machine may have moved to another since it was read.
        associations
            .set_gpu_contact(id, epoch, gpu, endpoint.as_ref(), host_key.as_deref())
            .await?;
    }
    if association.spec.usd_per_hour.is_none()
        && let Some(instance) =
            view.instance(association.gpu).filter(|instance| instance.state() == GpuState::Running)
    {
        associations.set_gpu_spec(id, epoch, gpu, &protect::spec_of(instance)).await?;
    }
    let learned = machine.learned.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    if let Some(learned) = learned
        && host_key.is_none()
        && endpoint.as_ref() == Some(&learned.endpoint)
    {
        host_key = learned.host_key;
        associations
            .set_gpu_contact(id, epoch, gpu, endpoint.as_ref(), host_key.as_deref())
            .await?;
    }
    let gpu = endpoint.filter(|_| watched).map(|endpoint| Target { endpoint, host_key });
    set(&machine.gpu, gpu);
    let standby = association.standby.as_ref().and_then(|standby| {
        let host_key = Some(standby.host_key.clone()?);
        Some(Target { endpoint: standby.endpoint.clone()?, host_key })
    });
    set(&machine.standby, standby);
    Ok(())
}

fn set(sender: &crate::ports::watch::Sender<Option<Target>>, target: Option<Target>) {
    sender.send_if_modified(|now| {
        let changed = *now != target;
        if changed {
            *now = target;
        }
        changed
    });
}

/// The course of a machine's verdicts.
#[derive(Default)]
pub(super) struct Judge {
    last: Option<Decision>,
    suspect_at: Option<Millis>,
    /// Since when nobody can say whether it lives.
    unjudged_at: Option<Millis>,
    /// Whether its user was told so, since it last could be said.
    told: bool,
    /// Whether what a process before told has been looked for.
    looked: bool,
}

impl Judge {
    /// Judges once, records a change, and starts a failover where one is due.
    pub(super) async fn look(
        &mut self,
        context: &Context,
        association: &Association,
        machine: &Machine,
    ) -> Result<(), EngineError> {
        let now = context.now();
        let seen = gather(context, association, machine, now);
        let policy = patience(context, &association.user, &seen, now).await?;
        let decision = decide(&seen, &policy, now);
        match decision.verdict {
            Verdict::Suspect | Verdict::ConfirmedLost => {
                self.suspect_at.get_or_insert(now);
                context.live.account(&association.user).poke.notify_one();
            }
            Verdict::Healthy | Verdict::Paused => self.suspect_at = None,
            Verdict::Unknown => {}
        }
        if self.last != Some(decision) {
            self.last = Some(decision);
            let row = VerdictRow {
                association: association.id.clone(),
                epoch: association.epoch,
                at: now,
                verdict: decision.verdict,
                cause: decision.cause,
                evidence: seen.clone(),
            };
            context.store.verdicts().insert(&row).await?;
            if decision.verdict == Verdict::Healthy {
                let loss = notification::loss(&association.id);
                context.store.notifications().end(&association.user, &loss).await?;
            }
            context.doorbell(&association.user, "verdict", association.id.as_str()).await;
        }
        self.tell_silence(context, association, decision.verdict, &policy, now).await?;
        if let Some(cause) = decision.cause {
            self.lost(context, association, machine, cause, seen).await?;
        }
        Ok(())
    }

    /// Tells the user of a protected GPU that is silent for long and that nothing is decided on; once,
    /// until it can be judged again.
    async fn tell_silence(
        &mut self,
        context: &Context,
        association: &Association,
        verdict: Verdict,
        policy: &VerdictPolicy,
        now: Millis,
    ) -> Result<(), EngineError> {
        let unjudged = matches!(verdict, Verdict::Suspect | Verdict::Unknown)
            && association.serving == Serving::Gpu
            && association.active_failover.is_none()
            && association.sync.complete_to.is_some();
        let notifications = context.store.notifications();
        if !unjudged {
            self.unjudged_at = None;
            // What another process told is over too: looked for once after a start.
            if self.told || !self.looked {
                let silence = notification::silence(&association.id);
                notifications.end(&association.user, &silence).await?;
                self.told = false;
                self.looked = true;
            }
            return Ok(());
        }
        let since = *self.unjudged_at.get_or_insert(now);
        if self.told || now.since(since) < policy.confirm_silent_after + UNJUDGED_MS {
            return Ok(());
        }
        let news = notification::gpu_silent(association, now, context.config.sandbox);
        notifications.tell(&news).await?;
        self.told = true;
        Ok(())
    }

    async fn lost(
        &mut self,
        context: &Context,
        association: &Association,
        machine: &Machine,
        cause: Cause,
        seen: Observations,
    ) -> Result<(), EngineError> {
        if let Some(active) = &association.active_failover {
            return make_way(context, association, active).await;
        }
        let settings = context.store.settings().get(&association.user).await?;
        let protected = association.standby.is_some() && association.sync.complete_to.is_some();
        if !settings.auto_failover || !protected {
            let why = if protected {
                "the GPU is lost; automatic failover is off"
            } else {
                "the GPU is lost, and nothing had been synced to a standby yet"
            };
            if association.reason.as_deref() != Some(why) {
                let state = AssociationState::Degraded;
                let sandbox = context.config.sandbox;
                let news =
                    notification::gpu_lost(association, cause, protected, context.now(), sandbox);
                context
                    .store
                    .associations()
                    .set_state_and_tell(&association.id, association.epoch, state, Some(why), &news)
                    .await?;
            }
            return Ok(());
        }
        let options = Options { new_gpu: settings.auto_recovery, ..Options::default() };
        let now = context.now();
        let detected = evidence(machine, association.epoch, seen, self.suspect_at, now);
        let started_at = detected
            .evidence
            .as_ref()
            .and_then(|seen| seen.ssh.last_ok)
            .or(self.suspect_at)
            .unwrap_or(now);
        let opening =
            saga::Opening { kind: Kind::Real, cause, note: None, options, detected, started_at };
        saga::open(context, association, opening).await?;
        Ok(())
    }
}

/// A drill under way gives way to the real thing; anything else goes on.
async fn make_way(
    context: &Context,
    association: &Association,
    active: &domain::id::FailoverId,
) -> Result<(), EngineError> {
    let failover = context.store.failovers().find(active).await?;
    if failover.kind == Kind::Drill
        && !failover.state.is_over()
        && failover.state != domain::failover::FailoverState::Cancelling
    {
        tracing::warn!(failover = %failover.id, "a drill gives way to a real loss");
        context.store.failovers().request_cancel(&association.user, active).await?;
    }
    Ok(())
}

/// What a failover records of its cause.
pub(crate) fn evidence(
    machine: &Machine,
    epoch: Epoch,
    seen: Observations,
    suspect_at: Option<Millis>,
    now: Millis,
) -> DetectOutput {
    let dirty = machine.dirty(epoch);
    DetectOutput {
        evidence: Some(seen),
        suspect_at,
        confirmed_at: Some(now),
        unsynced_paths: dirty.names(),
        unsynced_more: dirty.overflowed(),
        before: None,
    }
}

/// The words of all observers at this moment.
pub(crate) fn gather(
    context: &Context,
    association: &Association,
    machine: &Machine,
    now: Millis,
) -> Observations {
    let mut provider = context.live.account(&association.user).view().word(association.gpu);
    // What was said before it was started again is of its pause.
    if machine.wanted_since().is_some_and(|since| provider.at.is_none_or(|at| at < since)) {
        provider.says = None;
    }
    let own = SelfCheck {
        unwell_until: context.own.unwell_until(now),
        others_reachable: context.live.others_reachable(&association.id, now.plus(-OTHERS_MS)),
        word: None,
    };
    machine.see(|seen| {
        seen.provider = provider;
        seen.own = own;
        seen.want_running = association.want_running && association.serving == Serving::Gpu;
    });
    let mut seen = machine.seen();
    if seen.ssh.last_ok.is_none() {
        let heard = machine.heard().filter(|heard| heard.gpu == association.gpu);
        seen.ssh.last_ok = heard.map(|heard| heard.at);
    }
    seen
}

/// The limits of the verdict for an account. Read only where they matter: while a machine answers, they
/// don't.
pub(crate) async fn patience(
    context: &Context,
    user: &UserId,
    seen: &Observations,
    now: Millis,
) -> Result<VerdictPolicy, EngineError> {
    let policy = context.config.verdict;
    if seen.ssh.last_ok.is_some_and(|at| now.since(at) < policy.suspect_after) {
        return Ok(policy);
    }
    let settings = context.store.settings().get(user).await?;
    Ok(policy.of_account(settings.silence_s))
}

#[cfg(test)]
mod tests;
