//! The words of the domain's own vocabularies: states, phases, causes, steps.

use domain::association::{AssociationState, WhyRsync};
use domain::buying::Full;
use domain::failover::{FailoverState, Kind, Outcome, Phase, Role, StepName};
use domain::gaps::GapReason;
use domain::gpu::GpuState;
use domain::launch::LaunchPart;
use domain::notification::{Severity, Wait};
use domain::offer::Rule;
use domain::policy::GpuClass;
use domain::provider::Provider;
use domain::standby::StandbyState;
use domain::verdict::{Cause, Verdict};
use domain::view::failover::Fate;
use domain::view::machine::{Errand, Place};

use super::{Lang, Texts, fill};
use crate::format;
use crate::page::Reason;
use crate::router::{FailoverAct, MachineAct};
use crate::ui::Tone;

type Word = &'static str;

pub(crate) const fn kind(kind: Kind, t: &'static Texts) -> Word {
    match kind {
        Kind::Real => t.kind_real,
        Kind::Drill => t.kind_drill,
        Kind::Planned => t.kind_planned,
    }
}

pub(crate) const fn errand(errand: Errand, t: &'static Texts) -> Word {
    match errand {
        Errand::Bought => t.errand_bought,
        Errand::Leaving => t.errand_leaving,
    }
}

/// In a sentence or a title.
pub(crate) const fn kind_name(kind: Kind, t: &'static Texts) -> Word {
    match kind {
        Kind::Real => t.name_real,
        Kind::Drill => t.name_drill,
        Kind::Planned => t.name_planned,
    }
}

/// Of several.
pub(crate) const fn kinds(kind: Kind, t: &'static Texts) -> Word {
    match kind {
        Kind::Real => t.kinds_real,
        Kind::Drill => t.kinds_drill,
        Kind::Planned => t.kinds_planned,
    }
}

pub(crate) const fn none_in(kind: Kind, t: &'static Texts) -> Word {
    match kind {
        Kind::Real => t.none_in_real,
        Kind::Drill => t.none_in_drill,
        Kind::Planned => t.none_in_planned,
    }
}

pub(crate) const fn some_in(kind: Kind, t: &'static Texts) -> Word {
    match kind {
        Kind::Real => t.some_in_real,
        Kind::Drill => t.some_in_drill,
        Kind::Planned => t.some_in_planned,
    }
}

pub(crate) const fn failover_title(kind: Kind, t: &'static Texts) -> Word {
    match kind {
        Kind::Real => t.title_real,
        Kind::Drill => t.title_drill,
        Kind::Planned => t.title_planned,
    }
}

/// Whether it shall be cancelled.
pub(crate) const fn cancel_question(kind: Kind, t: &'static Texts) -> Word {
    match kind {
        Kind::Real => t.cancel_question,
        Kind::Drill => t.cancel_question_drill,
        Kind::Planned => t.cancel_question_planned,
    }
}

pub(crate) const fn phase(phase: Phase, t: &'static Texts) -> Word {
    match phase {
        Phase::Detecting => t.phase_detecting,
        Phase::GpuLost => t.phase_gpu_lost,
        Phase::FailoverToCpu => t.phase_failover_to_cpu,
        Phase::SearchingGpu => t.phase_searching_gpu,
        Phase::Provisioning => t.phase_provisioning,
        Phase::Restoring => t.phase_restoring,
        Phase::Complete => t.phase_complete,
        Phase::Failed => t.phase_failed,
    }
}

pub(crate) const fn failover_state(state: FailoverState, t: &'static Texts) -> Word {
    match state {
        FailoverState::Running => t.failover_running,
        FailoverState::Waiting => t.failover_waiting,
        FailoverState::Cancelling => t.failover_cancelling,
        FailoverState::Complete => t.failover_complete,
        FailoverState::Failed => t.failover_failed,
        FailoverState::Cancelled => t.failover_cancelled,
    }
}

/// The beginning of the sentence of one that goes on.
pub(crate) const fn sentence_running(state: FailoverState, t: &'static Texts) -> Word {
    match state {
        FailoverState::Waiting => t.sentence_waiting,
        FailoverState::Cancelling => t.sentence_cancelling,
        _ => t.sentence_running,
    }
}

pub(crate) const fn cause(cause: Cause, t: &'static Texts) -> Word {
    match cause {
        Cause::Outbid => t.cause_outbid,
        Cause::HostOffline => t.cause_host_offline,
        Cause::InstanceGone => t.cause_instance_gone,
        Cause::Crashed => t.cause_crashed,
        Cause::Silent => t.cause_silent,
        Cause::Manual => t.cause_manual,
        Cause::Drill => t.cause_drill,
    }
}

pub(crate) const fn step(step: StepName, t: &'static Texts) -> Word {
    match step {
        StepName::Detect => t.step_detect,
        StepName::FinalSync => t.step_final_sync,
        StepName::Fence => t.step_fence,
        StepName::Takeover => t.step_takeover,
        StepName::Rehearse => t.step_rehearse,
        StepName::Search => t.step_search,
        StepName::Buy => t.step_buy,
        StepName::Boot => t.step_boot,
        StepName::Restore => t.step_restore,
        StepName::Delta => t.step_delta,
        StepName::Verify => t.step_verify,
        StepName::Switch => t.step_switch,
        StepName::Retire => t.step_retire,
        StepName::Cleanup => t.step_cleanup,
        StepName::Abandon => t.step_abandon,
    }
}

pub(crate) const fn outcome(outcome: Outcome, t: &'static Texts) -> Word {
    match outcome {
        Outcome::Ok => t.outcome_ok,
        Outcome::Retry => t.outcome_retry,
        Outcome::NextRound => t.outcome_next_round,
        Outcome::Failed => t.outcome_failed,
        Outcome::Interrupted => t.outcome_interrupted,
    }
}

pub(crate) const fn role(role: Role, t: &'static Texts) -> Word {
    match role {
        Role::OldGpu => t.role_old_gpu,
        Role::NewGpu => t.role_new_gpu,
        Role::Candidate => t.role_candidate,
        Role::Standby => t.role_standby,
        Role::Rental => t.role_rental,
    }
}

pub(crate) const fn fate(fate: Fate, t: &'static Texts) -> Word {
    match fate {
        Fate::Kept => t.fate_kept,
        Fate::Destroyed => t.fate_destroyed,
        Fate::Pending => t.fate_pending,
        Fate::Unknown => t.fate_unknown,
    }
}

/// Names of companies are the same in every language.
pub(crate) const fn provider(provider: Provider) -> Word {
    match provider {
        Provider::Vast => "Vast.ai",
        Provider::Gcp => "GCP",
        Provider::Ssh => "SSH",
    }
}

pub(crate) const fn association(state: AssociationState, t: &'static Texts) -> Word {
    match state {
        AssociationState::Preparing => t.tie_preparing,
        AssociationState::FirstSync => t.tie_first_sync,
        AssociationState::Following => t.tie_following,
        AssociationState::Paused => t.tie_paused,
        AssociationState::Frozen => t.tie_frozen,
        AssociationState::FailingOver => t.tie_failing_over,
        AssociationState::OnStandby => t.tie_on_standby,
        AssociationState::Degraded => t.tie_degraded,
        AssociationState::Deleting => t.tie_deleting,
    }
}

pub(crate) const fn gpu_state(state: GpuState, t: &'static Texts) -> Word {
    match state {
        GpuState::Provisioning => t.gpu_provisioning,
        GpuState::Running => t.gpu_running,
        GpuState::Stopped => t.gpu_stopped,
        GpuState::Preempted => t.gpu_preempted,
        GpuState::HostLost => t.gpu_host_lost,
        GpuState::Crashed => t.gpu_crashed,
    }
}

pub(crate) const fn vm(state: StandbyState, t: &'static Texts) -> Word {
    match state {
        StandbyState::Creating => t.vm_creating,
        StandbyState::Booting => t.vm_booting,
        StandbyState::Ready => t.vm_ready,
        StandbyState::Preempted => t.vm_preempted,
        StandbyState::Stopped => t.vm_stopped,
        StandbyState::Failed => t.vm_failed,
        StandbyState::Deleting => t.vm_deleting,
    }
}

pub(crate) const fn verdict(verdict: Verdict, t: &'static Texts) -> Word {
    match verdict {
        Verdict::Healthy => t.verdict_healthy,
        Verdict::Suspect => t.verdict_suspect,
        Verdict::ConfirmedLost => t.verdict_lost,
        Verdict::Unknown => t.verdict_unknown,
        Verdict::Paused => t.verdict_paused,
    }
}

pub(crate) const fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Healthy => Tone::Ok,
        Verdict::Suspect => Tone::Warn,
        Verdict::ConfirmedLost => Tone::Down,
        Verdict::Unknown | Verdict::Paused => Tone::Quiet,
    }
}

pub(crate) const fn place(place: Place, t: &'static Texts) -> Word {
    match place {
        Place::Gpu => t.on_gpu,
        Place::Standby => t.on_standby,
        Place::Nowhere => t.on_none,
        Place::Paused => t.verdict_paused,
        Place::Unseen => t.place_unseen,
    }
}

pub(crate) const fn place_tone(place: Place) -> Tone {
    match place {
        Place::Gpu => Tone::Gpu,
        Place::Standby => Tone::Standby,
        Place::Nowhere => Tone::Down,
        Place::Paused | Place::Unseen => Tone::Quiet,
    }
}

pub(crate) const fn gpu_class(class: GpuClass, t: &'static Texts) -> Word {
    match class {
        GpuClass::Same => t.class_same,
        GpuClass::AtLeast => t.class_at_least,
    }
}

pub(crate) fn observer(name: &str, t: &'static Texts) -> Word {
    match name {
        "ssh" => t.observer_ssh,
        "standby" => t.observer_standby,
        "provider" => t.observer_provider,
        _ => t.observer_self,
    }
}

/// A condition of readiness; a new one of the server's is told by its key.
pub(crate) fn check(key: &str, t: &'static Texts) -> String {
    let known = match key {
        "standby_ready" => t.check_standby_ready,
        "standby_answers" => t.check_standby_answers,
        "synced" => t.check_synced,
        "sync_on" => t.check_sync_on,
        "on_gpu" => t.check_on_gpu,
        "gpu_answers" => t.check_gpu_answers,
        "auto_failover" => t.check_auto_failover,
        "offers" => t.check_offers,
        "limits" => t.check_limits,
        "credit" => t.check_credit,
        other => return other.replace('_', " "),
    };
    known.to_owned()
}

pub(crate) fn cycle(outcome: &str, t: &'static Texts) -> Word {
    match outcome {
        "ok" => t.cycle_ok,
        "frozen" => t.cycle_frozen,
        _ => t.cycle_failed,
    }
}

pub(crate) fn order(order: &str, t: &'static Texts) -> Word {
    match order {
        "reliability" => t.reliability,
        "gpu_ram" => t.min_gpu_ram,
        "inet_down" => t.network,
        _ => t.price,
    }
}

/// A button's word.
pub(crate) const fn act(act: MachineAct, t: &'static Texts) -> Word {
    match act {
        MachineAct::Drill => t.act_drill,
        MachineAct::FailOver => t.act_fail_over,
        MachineAct::PauseSync => t.act_pause_sync,
        MachineAct::ResumeSync => t.act_resume_sync,
        MachineAct::Pause => t.act_pause,
        MachineAct::Resume => t.act_resume,
        MachineAct::Protect => t.act_protect,
        MachineAct::Unprotect => t.act_unprotect,
        MachineAct::Destroy => t.act_destroy,
        MachineAct::BackToGpu => t.act_fail_back,
        MachineAct::AcceptDeletions => t.act_accept,
        MachineAct::RestoreDeletions => t.do_restore,
        MachineAct::Discard => t.act_discard,
    }
}

/// The same of a failover's.
pub(crate) const fn failover_act(act: FailoverAct, t: &'static Texts) -> Word {
    match act {
        FailoverAct::Cancel => t.act_cancel,
        FailoverAct::FailBack => t.act_fail_back,
        FailoverAct::Retry => t.act_retry,
    }
}

/// The question of its page.
pub(crate) const fn act_question(act: MachineAct, t: &'static Texts) -> Word {
    match act {
        MachineAct::Drill => t.ask_drill,
        MachineAct::FailOver => t.ask_fail_over,
        MachineAct::PauseSync => t.ask_pause_sync,
        MachineAct::ResumeSync => t.ask_resume_sync,
        MachineAct::Pause => t.ask_pause,
        MachineAct::Resume => t.ask_resume,
        MachineAct::Protect => t.ask_protect,
        MachineAct::Unprotect => t.ask_unprotect,
        MachineAct::Destroy => t.ask_destroy,
        MachineAct::BackToGpu => t.fail_back_question,
        MachineAct::AcceptDeletions => t.act_accept,
        MachineAct::RestoreDeletions => t.act_accept,
        MachineAct::Discard => t.ask_discard,
    }
}

/// What will happen.
pub(crate) const fn act_what(act: MachineAct, t: &'static Texts) -> Word {
    match act {
        MachineAct::Drill => t.what_drill,
        MachineAct::FailOver => t.what_fail_over,
        MachineAct::PauseSync => t.what_pause_sync,
        MachineAct::ResumeSync => t.what_resume_sync,
        MachineAct::Pause => t.what_pause,
        MachineAct::Resume => t.what_resume,
        MachineAct::Protect => t.what_protect,
        MachineAct::Unprotect => t.what_unprotect,
        MachineAct::Destroy => t.what_destroy,
        MachineAct::BackToGpu => t.fail_back_what,
        MachineAct::AcceptDeletions => t.accept_what,
        MachineAct::RestoreDeletions => t.restore_what,
        MachineAct::Discard => t.what_discard,
    }
}

/// The word of the button that does it, named so that it can't be pressed by mistake.
pub(crate) const fn act_do(act: MachineAct, t: &'static Texts) -> Word {
    match act {
        MachineAct::Drill => t.do_drill,
        MachineAct::FailOver => t.do_fail_over,
        MachineAct::Unprotect => t.do_unprotect,
        MachineAct::Destroy => t.do_destroy,
        MachineAct::BackToGpu => t.fail_back_do,
        MachineAct::AcceptDeletions => t.do_accept,
        MachineAct::RestoreDeletions => t.do_restore,
        MachineAct::Discard => t.do_discard,
        other => self::act(other, t),
    }
}

pub(crate) const fn act_class(act: MachineAct) -> Word {
    match act {
        MachineAct::Drill | MachineAct::Protect | MachineAct::BackToGpu => "primary",
        MachineAct::Unprotect | MachineAct::Destroy | MachineAct::Discard => "danger",
        _ => "",
    }
}

pub(crate) const fn gate(reason: Reason, t: &'static Texts) -> Word {
    match reason {
        Reason::UnderWay => t.gate_under_way,
        Reason::NoStandby => t.gate_no_standby,
        Reason::StandbyNotReady => t.gate_standby_not_ready,
        Reason::NeverSynced => t.gate_never_synced,
        Reason::NotOnGpu => t.gate_not_on_gpu,
        Reason::Protected => t.gate_protected,
        Reason::NotListed => t.gate_not_listed,
        Reason::BeingRemoved => t.gate_being_removed,
        Reason::NotRunning => t.gate_not_running,
        Reason::Running => t.gate_running,
        Reason::NotOnStandby => t.gate_not_on_standby,
        Reason::NotFrozen => t.gate_not_frozen,
        Reason::GpuLost => t.gate_gpu_lost,
        Reason::OnlyCopy => t.gate_only_copy,
        Reason::OnlyCopyLeft => t.gate_only_copy_left,
    }
}

pub(crate) const fn severity(severity: Severity, t: &'static Texts) -> Word {
    match severity {
        Severity::Good => t.severity_good,
        Severity::Notice => t.severity_notice,
        Severity::Warning => t.severity_warning,
        Severity::Critical => t.severity_critical,
    }
}

/// What keeps an offer from being a replacement.
pub(crate) const fn rule(rule: Rule, t: &'static Texts) -> Word {
    match rule {
        Rule::Price => t.rule_price,
        Rule::Model => t.rule_model,
        Rule::Count => t.rule_count,
        Rule::Memory => t.rule_memory,
        Rule::Disk => t.rule_disk,
        Rule::Reliability => t.rule_reliability,
        Rule::Region => t.rule_region,
        Rule::Machine => t.rule_machine,
    }
}

/// Which limit keeps a failover from buying, and what mends that.
pub(crate) fn full(full: Full, lang: Lang, t: &'static Texts) -> String {
    let counted = |text, bought: i64, most: i64| {
        fill(text, &[("bought", &bought.to_string()), ("most", &most.to_string())])
    };
    let paid = |text, bought, price, most| {
        let [bought, price, most] = [bought, price, most].map(|usd| format::usd(usd, lang));
        fill(text, &[("bought", &bought), ("price", &price), ("most", &most)])
    };
    match full {
        Full::GpusPerFailover { bought, most } => counted(t.full_gpus_failover, bought, most),
        Full::GpusPerDay { bought, most } => counted(t.full_gpus_day, bought, most),
        Full::UsdPerFailover { bought, price, most } => {
            paid(t.full_usd_failover, bought, price, most)
        }
        Full::UsdPerDay { bought, price, most } => paid(t.full_usd_day, bought, price, most),
    }
}

/// Why a failover waits, as the end of a sentence.
pub(crate) const fn wait(wait: Wait, t: &'static Texts) -> Word {
    match wait {
        Wait::Offer => t.wait_offer,
        Wait::Credit => t.wait_credit,
        Wait::Credentials => t.wait_credentials,
        Wait::Capacity => t.wait_capacity,
        Wait::Pace => t.wait_pace,
        Wait::Standby => t.wait_standby,
        Wait::Difference => t.wait_difference,
        Wait::Preparation => t.wait_preparation,
        Wait::Limit => t.wait_limit,
    }
}

/// Parts of a launch, one after the other.
pub(crate) fn launch_parts(parts: &[LaunchPart], t: &'static Texts) -> String {
    let words: Vec<Word> = parts.iter().map(|part| launch_part(*part, t)).collect();
    words.join(", ")
}

const fn launch_part(part: LaunchPart, t: &'static Texts) -> Word {
    match part {
        LaunchPart::Template => t.part_template,
        LaunchPart::Environment => t.part_environment,
        LaunchPart::Ports => t.part_ports,
        LaunchPart::StartScript => t.part_start_script,
        LaunchPart::Arguments => t.part_arguments,
        LaunchPart::Mode => t.part_mode,
        LaunchPart::Unknown => t.part_unknown,
    }
}

/// Why a copy follows by rsync.
pub(crate) const fn why_rsync(why: WhyRsync, t: &'static Texts) -> Word {
    match why {
        WhyRsync::Off => t.rsync_off,
        WhyRsync::Gpu => t.rsync_gpu,
        WhyRsync::Standby => t.rsync_standby,
        WhyRsync::Mounts => t.rsync_mounts,
        WhyRsync::NotPut => t.rsync_not_put,
        WhyRsync::NoProgram => t.rsync_no_program,
    }
}

/// Why something is not in a copy as it is on the GPU.
pub(crate) const fn gap(why: GapReason, t: &'static Texts) -> Word {
    match why {
        GapReason::InFlux => t.gap_in_flux,
        GapReason::Corrupt => t.gap_corrupt,
        GapReason::Unreadable => t.gap_unreadable,
        GapReason::OtherFileSystem => t.gap_other_file_system,
        GapReason::Device => t.gap_device,
        GapReason::PathTooLong => t.gap_path_too_long,
        GapReason::TooLarge => t.gap_too_large,
        GapReason::Damaged => t.gap_damaged,
        GapReason::NotProtected => t.gap_not_protected,
        GapReason::Attributes => t.gap_attributes,
        GapReason::Excluded => t.gap_excluded,
    }
}
