//! A notification in a sentence, in the reader's language.

use domain::failover::Kind;
use domain::notification::NewsKind;
use domain::view::notification::{Notification, NotificationFigures};

use crate::format;
use crate::text::{self, Lang, Texts, fill};
use crate::visit::Visit;

pub(super) fn sentence(visit: &Visit, one: &Notification) -> String {
    tell(one, visit.t(), visit.lang)
}

fn tell(one: &Notification, t: &'static Texts, lang: Lang) -> String {
    let figures = &one.figures;
    let machine = one.machine_name.as_deref().unwrap_or(t.unknown);
    // Of another account's machine, whose it is.
    let of_another = one.owner.as_ref().map(|owner| format!("{machine} ({owner})"));
    let machine = of_another.as_deref().unwrap_or(machine);
    let of_machine = |template: &str| fill(template, &[("machine", machine)]);
    match one.kind {
        NewsKind::FailoverStarted => {
            joined(lost(t.note_started, machine, figures, t), Some(copied(figures, t)))
        }
        NewsKind::OnStandby => {
            joined(of_machine(t.note_on_standby), times(figures, false, t, lang))
        }
        NewsKind::FailoverComplete => {
            let on_gpu = figures.total_time_ms.is_some();
            let template = if on_gpu { t.note_recovered } else { t.note_stayed };
            let told = joined(of_machine(template), times(figures, false, t, lang));
            joined(told, less(figures, t))
        }
        NewsKind::FailoverFailed | NewsKind::MoveFailed if figures.unanswered => {
            joined(of_machine(t.note_unanswered), less(figures, t))
        }
        NewsKind::FailoverFailed => {
            joined(of_machine(t.note_failed), times(figures, false, t, lang))
        }
        NewsKind::FailoverWaiting => waiting(machine, figures, t),
        NewsKind::DrillPassed if figures.searched_only => of_machine(t.note_drill_searched),
        NewsKind::DrillPassed => {
            joined(of_machine(t.note_drill_passed), times(figures, true, t, lang))
        }
        NewsKind::DrillFailed => of_machine(t.note_drill_failed),
        NewsKind::MoveComplete => {
            let on_gpu = figures.total_time_ms.is_some();
            let told = of_machine(if on_gpu { t.note_moved } else { t.note_moved_standby });
            joined(told, less(figures, t))
        }
        NewsKind::MoveFailed => of_machine(t.note_move_failed),
        NewsKind::GpuLost => {
            let copied = figures.protected != Some(false);
            let template = if copied { t.note_lost_off } else { t.note_lost_bare };
            joined(lost(template, machine, figures, t), copied.then(|| self::copied(figures, t)))
        }
        NewsKind::LateWrites => {
            let files =
                figures.late_files.map_or_else(String::new, |files| format::count(files, lang));
            fill(t.note_late, &[("machine", machine), ("files", &files)])
        }
        NewsKind::WentBack => {
            let files = figures
                .changed_files
                .map_or_else(|| t.unknown.to_owned(), |files| format::count(files, lang));
            fill(lang.points().note_went_back, &[("machine", machine), ("files", &files)])
        }
        NewsKind::GoBackFailed => of_machine(lang.points().note_go_back_failed),
        NewsKind::GpuSilent => of_machine(t.note_silent),
        NewsKind::StandbyDegraded => of_machine(t.note_standby_degraded),
        NewsKind::StandbyLost => of_machine(t.note_standby_lost),
        NewsKind::StandbyPreempted => of_machine(t.note_standby_preempted),
        NewsKind::StandbyStopped => of_machine(t.note_standby_stopped),
        NewsKind::StandbyBack => of_machine(t.note_standby_back),
        NewsKind::SyncFrozen => frozen(machine, figures, t, lang),
        NewsKind::HostKeyShared => {
            let other = figures.other_machine.as_deref().unwrap_or(t.unknown);
            fill(t.note_host_key, &[("machine", machine), ("other", other)])
        }
        NewsKind::CredentialsRefused => {
            let provider = figures.provider.map_or(t.unknown, text::provider);
            fill(t.note_refused, &[("provider", provider)])
        }
        NewsKind::CreditLow => credit(figures, t, lang),
    }
}

fn joined(head: String, more: Option<String>) -> String {
    match more {
        Some(more) => format!("{head} {more}"),
        None => head,
    }
}

/// What the new GPU was launched without.
fn less(figures: &NotificationFigures, t: &'static Texts) -> Option<String> {
    let parts = (!figures.left_out.is_empty()).then(|| text::launch_parts(&figures.left_out, t))?;
    Some(fill(t.note_left_out, &[("parts", &parts)]))
}

/// Both clocks, as far as they were reached.
fn times(
    figures: &NotificationFigures,
    drill: bool,
    t: &'static Texts,
    lang: Lang,
) -> Option<String> {
    let span = |ms: i64| format::span(ms, lang);
    match (figures.time_to_cpu_ms, figures.total_time_ms) {
        (Some(cpu), Some(gpu)) => {
            let template = if drill { t.sentence_both_drill } else { t.sentence_both };
            Some(fill(template, &[("cpu", &span(cpu)), ("gpu", &span(gpu))]))
        }
        (Some(cpu), None) => {
            let template = if drill { t.sentence_cpu_drill } else { t.sentence_cpu };
            Some(fill(template, &[("cpu", &span(cpu))]))
        }
        (None, _) => None,
    }
}

/// How old the copy was that the work goes on with.
fn copied(figures: &NotificationFigures, t: &'static Texts) -> String {
    figures.copy_age_ms.map_or_else(
        || t.note_copy_unknown.to_owned(),
        |ms| fill(t.note_copy, &[("span", &format::age(ms))]),
    )
}

fn lost(template: &str, machine: &str, figures: &NotificationFigures, t: &'static Texts) -> String {
    let cause = figures.cause.map_or(t.unknown, |cause| text::cause(cause, t));
    fill(template, &[("machine", machine), ("cause", cause)])
}

fn waiting(machine: &str, figures: &NotificationFigures, t: &'static Texts) -> String {
    let kind = figures.failover_kind.unwrap_or(Kind::Real);
    let title = fill(text::failover_title(kind, t), &[("machine", machine)]);
    let why = figures.waits_for.map_or(t.unknown, |wait| text::wait(wait, t));
    fill(t.note_waiting, &[("title", &title), ("why", why)])
}

fn frozen(machine: &str, figures: &NotificationFigures, t: &'static Texts, lang: Lang) -> String {
    match (figures.would_delete, figures.of_files) {
        (Some(files), Some(of)) => fill(
            t.note_frozen,
            &[
                ("machine", machine),
                ("files", &format::count(files, lang)),
                ("of", &format::count(of, lang)),
            ],
        ),
        _ => fill(t.note_frozen_gone, &[("machine", machine)]),
    }
}

fn credit(figures: &NotificationFigures, t: &'static Texts, lang: Lang) -> String {
    let amount =
        |usd: Option<f64>| usd.map_or_else(|| t.unknown.to_owned(), |usd| format::usd(usd, lang));
    fill(
        t.note_credit,
        &[("credit", &amount(figures.credit_usd)), ("need", &amount(figures.needed_usd))],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::NotificationId;
    use domain::launch::LaunchPart;
    use domain::notification::Wait;
    use domain::time::Millis;
    use domain::view::Time;

    fn one(kind: NewsKind, figures: NotificationFigures) -> Notification {
        Notification {
            id: NotificationId(1),
            kind,
            severity: kind.severity(),
            failover_id: None,
            association_id: None,
            gpu_instance_id: None,
            machine_name: Some("llama-ft".into()),
            owner: None,
            at: Time(Millis(0)),
            read_at: None,
            sandbox: false,
            figures,
        }
    }

    #[test]
    fn each_kind_has_a_whole_sentence_in_both_languages_whatever_is_unknown() {
        for kind in NewsKind::ALL {
            for lang in [Lang::En, Lang::Pt] {
                let told = tell(&one(*kind, NotificationFigures::default()), lang.texts(), lang);
                assert!(told.ends_with('.') && !told.contains(['{', '}']), "{kind}: {told}");
                assert!(!told.contains(" 0 "), "{kind}: {told}");
            }
        }
    }

    #[test]
    fn a_loss_says_how_old_the_copy_is_and_claims_nothing_where_that_is_not_known() {
        let lost = |kind, copy_age_ms, protected, lang: Lang| {
            let figures =
                NotificationFigures { copy_age_ms, protected, ..NotificationFigures::default() };
            tell(&one(kind, figures), lang.texts(), lang)
        };
        for kind in [NewsKind::FailoverStarted, NewsKind::GpuLost] {
            let told = lost(kind, Some(27_400), Some(true), Lang::En);
            assert!(told.ends_with("The copy on its standby was 28 s old."), "{told}");
            let told = lost(kind, Some(27_400), Some(true), Lang::Pt);
            assert!(told.ends_with("A cópia no standby tinha 28 s."), "{told}");
            let told = lost(kind, None, Some(true), Lang::En);
            assert!(told.ends_with("is not known."), "{told}");
        }
        let bare = lost(NewsKind::GpuLost, None, Some(false), Lang::En);
        assert!(bare.ends_with("nothing had been copied to a standby yet."), "{bare}");
    }

    #[test]
    fn a_gpu_that_nobody_can_judge_is_told_of_as_that_and_as_nothing_worse() {
        for (lang, words, never) in [
            (
                Lang::En,
                "llama-ft does not answer, and it is not known whether its GPU is lost.",
                "lost its GPU",
            ),
            (Lang::Pt, "llama-ft não responde, e não se sabe se a GPU se perdeu.", "perdeu a GPU"),
        ] {
            let told =
                tell(&one(NewsKind::GpuSilent, NotificationFigures::default()), lang.texts(), lang);
            assert!(told.starts_with(words) && !told.contains(never), "{told}");
        }
    }

    #[test]
    fn a_gpu_that_answers_nobody_and_what_is_missing_on_a_new_one_are_said() {
        let figures = NotificationFigures {
            unanswered: true,
            left_out: vec![LaunchPart::Template, LaunchPart::StartScript],
            ..NotificationFigures::default()
        };
        for kind in [NewsKind::FailoverFailed, NewsKind::MoveFailed] {
            let told = tell(&one(kind, figures.clone()), Lang::En.texts(), Lang::En);
            assert!(told.contains("then did not answer"), "{told}");
            assert!(told.ends_with("launched without: the template, the start script."), "{told}");
            let told = tell(&one(kind, figures.clone()), Lang::Pt.texts(), Lang::Pt);
            assert!(told.contains("depois não respondeu"), "{told}");
            assert!(told.ends_with("iniciada sem: o template, o script de início."), "{told}");
        }
        let whole = NotificationFigures { unanswered: false, left_out: Vec::new(), ..figures };
        let told = tell(&one(NewsKind::FailoverComplete, whole), Lang::En.texts(), Lang::En);
        assert!(!told.contains("without"), "{told}");
    }

    #[test]
    fn figures_are_told_where_they_are_known() {
        let known = NotificationFigures {
            time_to_cpu_ms: Some(2_900),
            total_time_ms: Some(74_213),
            waits_for: Some(Wait::Credit),
            ..NotificationFigures::default()
        };
        let told =
            tell(&one(NewsKind::FailoverComplete, known.clone()), Lang::En.texts(), Lang::En);
        assert!(told.contains("2.9 s") && told.contains("74.2 s"), "{told}");
        let told = tell(&one(NewsKind::FailoverWaiting, known), Lang::Pt.texts(), Lang::Pt);
        assert!(told.contains("llama-ft") && told.contains("crédito"), "{told}");
    }
}
