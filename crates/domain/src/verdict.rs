//! Is the GPU lost? Decided from what independent observers last said.
//!
//! Never from one silent observer alone, never while this process can't trust itself, and never
//! when the user paused the machine. A provider that can't be asked counts as silent, not as a
//! witness.

use serde::{Deserialize, Serialize};

use crate::gpu::GpuState;
use crate::time::Millis;

crate::text_enum! {
    /// What the observers' words come to.
    pub enum Verdict ("verdict") {
        /// It answers.
        Healthy = "healthy",
        /// It does not answer; nothing is decided.
        Suspect = "suspect",
        /// It is lost.
        ConfirmedLost = "confirmed_lost",
        /// We are in no position to say.
        Unknown = "unknown",
        /// Its user does not want it to run.
        Paused = "paused",
    }
}

crate::text_enum! {
    /// Why a machine left its GPU.
    pub enum Cause ("cause") {
        /// Outbid on an interruptible rental.
        Outbid = "outbid",
        /// The provider says that its host is offline or silent.
        HostOffline = "host_offline",
        /// The provider no longer has it.
        InstanceGone = "instance_gone",
        /// The container ended.
        Crashed = "crashed",
        /// It and its network fell silent while the provider said nothing against it.
        Silent = "silent",
        /// A person asked for it.
        Manual = "manual",
        /// A rehearsal.
        Drill = "drill",
    }
}

impl Cause {
    /// Whether it is a loss that was judged, rather than somebody's wish.
    #[must_use]
    pub const fn is_loss(self) -> bool {
        match self {
            Self::Outbid
            | Self::HostOffline
            | Self::InstanceGone
            | Self::Crashed
            | Self::Silent => true,
            Self::Manual | Self::Drill => false,
        }
    }
}

/// An observer that tries to reach the GPU itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// Whether this observer is in a position to see the GPU at all.
    pub able: bool,
    /// Last time it had proof of life.
    pub last_ok: Option<Millis>,
    /// Since when each try failed; `None` after a success.
    pub failing_since: Option<Millis>,
    /// What the last try said, for the evidence.
    pub word: Option<String>,
}

crate::text_enum! {
    /// The provider's word on an instance.
    pub enum ProviderSays ("provider word") {
        /// It runs, or is about to.
        Up = "up",
        /// Not in two complete lists in a row.
        Gone = "gone",
        /// Its host is offline or silent.
        HostLost = "host_lost",
        /// Outbid.
        Preempted = "preempted",
        /// Its container ended.
        Crashed = "crashed",
        /// Stopped, and the market does not explain it: by its owner, by credit or by its term.
        Stopped = "stopped",
    }
}

impl From<GpuState> for ProviderSays {
    fn from(state: GpuState) -> Self {
        match state {
            GpuState::Provisioning | GpuState::Running => Self::Up,
            GpuState::Stopped => Self::Stopped,
            GpuState::Preempted => Self::Preempted,
            GpuState::HostLost => Self::HostLost,
            GpuState::Crashed => Self::Crashed,
        }
    }
}

/// The provider as an observer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderWord {
    /// Its last word, from a complete and successful list.
    pub says: Option<ProviderSays>,
    /// When that was.
    pub at: Option<Millis>,
    /// Why it can't be asked now, where so.
    pub error: Option<String>,
}

/// Whether this process can trust what it sees.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SelfCheck {
    /// Our own tick came late, or the database did not answer, until this time.
    pub unwell_until: Option<Millis>,
    /// Whether any other host of ours was reachable in the last seconds; `None`: there is none to ask.
    pub others_reachable: Option<bool>,
    /// In words.
    pub word: Option<String>,
}

/// Everything that a verdict is made from, and what is stored with it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Observations {
    /// The control plane's own SSH heartbeat.
    pub ssh: Contact,
    /// The standby's own contact.
    pub standby: Contact,
    /// The provider's list.
    pub provider: ProviderWord,
    /// Whether the user wants the machine to run.
    pub want_running: bool,
    /// Whether we can trust ourselves.
    pub own: SelfCheck,
}

/// Limits of the decision, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerdictPolicy {
    /// Silence of the heartbeat that makes a machine suspect.
    pub suspect_after: i64,
    /// How long two observers must both have failed, where the provider does not confirm. Longer than
    /// with its word: a host or a network that stalls for some seconds is not lost, and what is taken
    /// for lost is bought again. Each account sets its own.
    pub confirm_silent_after: i64,
    /// How long the heartbeat must have been silent, where the provider says that it is lost.
    pub confirm_told_after: i64,
    /// How old a provider's word may be.
    pub provider_fresh: i64,
}

impl VerdictPolicy {
    /// The same for an account that has chosen how long silence alone must last, seconds.
    #[must_use]
    pub const fn of_account(self, silence_s: i64) -> Self {
        Self { confirm_silent_after: silence_s.saturating_mul(1_000), ..self }
    }
}

/// How long silence alone must last before it counts as a loss, seconds, where nothing else was chosen.
pub const SILENCE_S: i64 = 30;

impl Default for VerdictPolicy {
    fn default() -> Self {
        Self {
            suspect_after: 1_000,
            confirm_silent_after: SILENCE_S * 1_000,
            confirm_told_after: 1_000,
            provider_fresh: 15_000,
        }
    }
}

/// A decision with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is lost, when it is.
    pub cause: Option<Cause>,
}

const fn plain(verdict: Verdict) -> Decision {
    Decision { verdict, cause: None }
}

const fn lost(cause: Cause) -> Decision {
    Decision { verdict: Verdict::ConfirmedLost, cause: Some(cause) }
}

/// Decides. Pure: the same words at the same time give the same verdict.
#[must_use]
pub fn decide(seen: &Observations, policy: &VerdictPolicy, now: Millis) -> Decision {
    if !seen.want_running {
        return plain(Verdict::Paused);
    }
    let fresh = seen.provider.at.is_some_and(|at| now.since(at) <= policy.provider_fresh);
    let says = if fresh { seen.provider.says } else { None };
    let ssh_silence = silence(&seen.ssh, now);
    if ssh_silence.is_some_and(|ms| ms < policy.suspect_after) {
        return plain(Verdict::Healthy);
    }
    if says == Some(ProviderSays::Stopped) {
        return plain(Verdict::Paused);
    }
    if seen.own.unwell_until.is_some_and(|until| now < until) {
        return plain(Verdict::Unknown);
    }
    let told = says.and_then(told_lost);
    let Some(ssh_silence) = ssh_silence else {
        // Never reached: only the provider's own word can lose it.
        return told.map_or(plain(Verdict::Unknown), lost);
    };
    if let Some(cause) = told
        && ssh_silence >= policy.confirm_told_after
    {
        return lost(cause);
    }
    // Silence is counted from the first try that failed, not from the last that did not: while nobody
    // asked, as when this process was not running, nobody was silent.
    let both_silent = ssh_silence >= policy.confirm_silent_after
        && failing_for(&seen.ssh, now) >= policy.confirm_silent_after
        && seen.standby.able
        && failing_for(&seen.standby, now) >= policy.confirm_silent_after;
    if both_silent && seen.own.others_reachable != Some(false) {
        return lost(Cause::Silent);
    }
    plain(Verdict::Suspect)
}

fn told_lost(says: ProviderSays) -> Option<Cause> {
    match says {
        ProviderSays::Gone => Some(Cause::InstanceGone),
        ProviderSays::HostLost => Some(Cause::HostOffline),
        ProviderSays::Preempted => Some(Cause::Outbid),
        ProviderSays::Crashed => Some(Cause::Crashed),
        ProviderSays::Up | ProviderSays::Stopped => None,
    }
}

/// Milliseconds since the last proof of life; `None` when there never was one.
fn silence(contact: &Contact, now: Millis) -> Option<i64> {
    contact.last_ok.map(|at| now.since(at))
}

fn failing_for(contact: &Contact, now: Millis) -> i64 {
    contact.failing_since.map_or(0, |since| now.since(since))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn ago(ms: i64) -> Option<Millis> {
        Some(NOW.plus(-ms))
    }

    /// Silent over SSH and to its standby for half a minute, with a provider that says nothing.
    fn silent() -> Observations {
        silent_for(30_000)
    }

    fn silent_for(ms: i64) -> Observations {
        let contact =
            Contact { able: true, last_ok: ago(ms + 500), failing_since: ago(ms), word: None };
        Observations {
            ssh: contact.clone(),
            standby: contact,
            provider: ProviderWord { says: Some(ProviderSays::Up), at: ago(2_000), error: None },
            want_running: true,
            own: SelfCheck { unwell_until: None, others_reachable: Some(true), word: None },
        }
    }

    fn verdict(seen: &Observations) -> Verdict {
        decide(seen, &VerdictPolicy::default(), NOW).verdict
    }

    #[test]
    fn two_silent_observers_lose_a_machine_against_a_lagging_provider() {
        assert_eq!(decide(&silent(), &VerdictPolicy::default(), NOW), lost(Cause::Silent));
    }

    #[test]
    fn a_host_that_stalls_for_some_seconds_while_the_provider_says_running_is_not_lost() {
        for ms in [1_000, 4_000, 8_000, 20_000, 29_900] {
            assert_eq!(verdict(&silent_for(ms)), Verdict::Suspect, "{ms} ms");
        }
        assert_eq!(verdict(&silent_for(30_000)), Verdict::ConfirmedLost);
        let patient = VerdictPolicy::default().of_account(60);
        assert_eq!(decide(&silent_for(59_000), &patient, NOW).verdict, Verdict::Suspect);
        assert_eq!(decide(&silent_for(60_000), &patient, NOW).verdict, Verdict::ConfirmedLost);
    }

    #[test]
    fn nobody_was_silent_while_nobody_asked() {
        // After a restart: heard an hour ago, asked in vain for two seconds.
        let mut seen = silent();
        seen.ssh.last_ok = ago(3_600_000);
        seen.ssh.failing_since = ago(2_000);
        assert_eq!(verdict(&seen), Verdict::Suspect);
        seen.ssh.failing_since = None;
        assert_eq!(verdict(&seen), Verdict::Suspect, "not asked yet");
        // It goes on failing: then it is as lost as it would have been without the restart.
        seen.ssh.failing_since = ago(30_000);
        assert_eq!(verdict(&seen), Verdict::ConfirmedLost);
    }

    #[test]
    fn one_silent_observer_does_not() {
        let mut seen = silent();
        seen.standby.failing_since = None;
        assert_eq!(verdict(&seen), Verdict::Suspect);
        seen.standby = Contact::default();
        assert_eq!(verdict(&seen), Verdict::Suspect);
    }

    #[test]
    fn the_providers_word_confirms_after_a_second_of_silence_but_not_against_a_heartbeat() {
        let mut seen = silent();
        seen.provider.says = Some(ProviderSays::HostLost);
        seen.standby = Contact::default();
        seen.ssh.last_ok = ago(1_200);
        assert_eq!(decide(&seen, &VerdictPolicy::default(), NOW), lost(Cause::HostOffline));
        seen.ssh.last_ok = ago(300);
        assert_eq!(verdict(&seen), Verdict::Healthy);
    }

    #[test]
    fn a_pause_is_never_a_loss() {
        let mut seen = silent();
        seen.want_running = false;
        assert_eq!(verdict(&seen), Verdict::Paused);
        seen.want_running = true;
        seen.provider.says = Some(ProviderSays::Stopped);
        assert_eq!(verdict(&seen), Verdict::Paused);
    }

    #[test]
    fn a_sick_observer_says_nothing() {
        let mut seen = silent();
        seen.own.unwell_until = Some(NOW.plus(1));
        assert_eq!(verdict(&seen), Verdict::Unknown);
        seen.provider.says = Some(ProviderSays::HostLost);
        assert_eq!(verdict(&seen), Verdict::Unknown);
        let mut alone = silent();
        alone.own.others_reachable = Some(false);
        assert_eq!(verdict(&alone), Verdict::Suspect);
    }

    #[test]
    fn an_old_word_of_the_provider_is_no_word() {
        let mut seen = silent();
        seen.standby = Contact::default();
        seen.provider = ProviderWord {
            says: Some(ProviderSays::Gone),
            at: ago(60_000),
            error: Some("503".into()),
        };
        assert_eq!(verdict(&seen), Verdict::Suspect);
    }

    #[test]
    fn a_machine_never_reached_is_lost_only_by_the_providers_word() {
        let mut seen = silent();
        seen.ssh.last_ok = None;
        assert_eq!(verdict(&seen), Verdict::Unknown);
        seen.provider.says = Some(ProviderSays::Gone);
        assert_eq!(decide(&seen, &VerdictPolicy::default(), NOW), lost(Cause::InstanceGone));
    }
}
