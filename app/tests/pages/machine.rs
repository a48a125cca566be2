//! The page of a machine: where it runs, how old its copy is, what stands in for it.

use domain::association::Serving;
use domain::verdict::Verdict;

use crate::support::plane::Fake;
use crate::support::{post, reply, story};
use crate::{machine, shown, words};

#[test]
fn a_machine_that_serves_nowhere_says_so() {
    let mut machine = story::machine();
    machine.row.serving = Serving::None;
    let text = words(&shown("/app/machines/7001", &Fake { machine, ..Fake::default() }));
    assert!(text.contains("Not running."), "{text}");
}

#[test]
fn a_standby_that_is_being_made_is_not_called_one_that_follows() {
    let plane = machine(|page| {
        let tie = page.row.association.as_mut().unwrap();
        tie.cpu_standby.as_mut().unwrap().status = domain::standby::StandbyState::Booting;
    });
    let text = words(&shown("/app/machines/7001", &plane));
    assert!(!text.contains("the standby follows."), "{text}");
    assert!(text.contains("its standby could not take over now"), "{text}");
}

#[test]
fn a_machine_on_its_standby_says_where_to_log_in_and_leads_back_to_a_gpu() {
    let plane = machine(|page| {
        page.row = story::away();
        page.row.active = None;
        let tie = page.row.association.as_mut().unwrap();
        tie.state = domain::association::AssociationState::OnStandby;
    });
    let html = shown("/app/machines/7002", &plane);
    let vm = plane.machine.row.association.as_ref().unwrap().cpu_standby.clone().unwrap();
    let login = format!("ssh -p {} root@{}", vm.ssh_port.unwrap(), vm.ip.unwrap());
    let first = html.find("ssh -p").expect("a command");
    assert!(html[first..].starts_with(&login), "{}", &html[first..first + 60]);
    assert!(html.contains("/app/machines/7002/back-to-gpu"));
    assert!(!html.contains("/app/machines/7002/failover"), "that would be refused");
    let to = reply(&post("/app/machines/7002/back-to-gpu", &[]), &plane).location;
    assert_eq!(to.as_deref(), Some("/app/failovers/0199-back"));
    assert_eq!(plane.acts(), ["back to gpu 7002"]);
}

#[test]
fn the_top_of_the_page_says_where_it_runs_since_when_and_the_one_command_that_leads_in() {
    let top = |plane: &Fake| {
        let html = shown("/app/machines/7001", plane);
        let from = html.find("class=\"now\"").expect("the strip");
        let from = html[..from].rfind("<section").expect("its beginning");
        let rest = &html[from..];
        assert!(!html[..from].contains("<section"), "nothing stands above it");
        assert!(!html[..from].contains("ssh -p"), "nor another command");
        rest[..rest.find("</section>").expect("its end")].to_owned()
    };
    let moved = machine(|page| {
        let stretch = |from, until, place| domain::view::machine::Stretch {
            from: story::ago(from),
            until: story::ago(until),
            place,
            failover_id: None,
        };
        use domain::view::machine::Place;
        page.whereabouts =
            vec![stretch(7_200_000, 3_600_000, Place::Standby), stretch(3_600_000, 0, Place::Gpu)];
    });
    let strip = top(&moved);
    assert!(words(&strip).contains("on GPU since 13:15"), "{}", words(&strip));
    let login = "ssh -p 40022 root@203.0.113.7";
    assert!(strip.contains(&format!("<code>{login}</code>")), "{strip}");
    assert!(strip.contains(&format!("data-copy=\"{login}\"")), "{strip}");
    assert_eq!(strip.matches("data-copy").count(), 1, "{strip}");
    let unwatched = machine(|page| {
        page.whereabouts = moved.machine.whereabouts.clone();
        page.whereabouts[0].place = domain::view::machine::Place::Unseen;
    });
    assert!(!words(&top(&unwatched)).contains("since"), "nobody saw when that began");
    assert!(shown("/app/machines/7001", &unwatched).contains("class=\"unseen\""));
    // What nothing records is not told: neither since when nor where to.
    let bare = machine(|page| {
        page.whereabouts.truncate(1);
        page.row.instance.as_mut().unwrap().ssh_port = None;
    });
    let strip = top(&bare);
    assert!(!words(&strip).contains("since"), "{}", words(&strip));
    assert!(words(&strip).contains("There is nowhere to log in to now."), "{}", words(&strip));
    assert!(!strip.contains("data-copy"), "{strip}");
}

#[test]
fn the_age_of_the_copy_is_one_figure_in_one_wording_and_never_zero_unasked() {
    let aged = |seconds: Option<f64>, serving: Serving| {
        machine(|page| {
            page.row.serving = serving;
            let tie = page.row.association.as_mut().unwrap();
            (tie.lag_seconds, tie.serving) = (seconds, serving);
            let before = seconds.map(|seconds| story::NOW.plus((seconds * -1_000.0) as i64));
            // On the standby there is a copy, and its age is nothing to tell.
            let used = (serving == Serving::Standby).then_some(story::NOW);
            tie.recovery_point_at = before.or(used).map(domain::view::Time);
        })
    };
    let plane = aged(Some(27.2), Serving::Gpu);
    let page = words(&shown("/app/machines/7001", &plane));
    // In the figures on top, beside the standby, in the sync's own card.
    assert_eq!(page.matches("The copy is 28 s old").count(), 3, "{page}");
    assert!(words(&shown("/app/machines/7001/failover", &plane)).contains("The copy is 28 s old"));
    let mut list = Fake { machines: story::machines(), ..Fake::default() };
    list.machines.machines[0] = plane.machine.row.clone();
    assert!(words(&shown("/app", &list)).contains("is 28 s old"));
    for path in ["/app/machines/7001", "/app/machines/7001/failover"] {
        let nothing = words(&shown(path, &aged(None, Serving::Gpu)));
        assert!(nothing.contains("The copy is not made yet"), "{nothing}");
        let just_now = words(&shown(path, &aged(Some(0.0), Serving::Gpu)));
        assert!(just_now.contains("The copy is 1 s old"), "{just_now}");
    }
    let away = words(&shown("/app/machines/7001", &aged(None, Serving::Standby)));
    assert!(away.contains("The copy is in use"), "{away}");
}

#[test]
fn a_gpu_that_nothing_stands_in_for_does_not_look_calm() {
    use domain::association::AssociationState::{Degraded, FirstSync, Frozen, Paused};
    let calm = words(&shown("/app/machines/7001", &machine(|_| {})));
    assert!(!calm.contains("at risk"), "{calm}");
    for state in [Degraded, Frozen, Paused, FirstSync] {
        let plane = machine(|page| {
            let tie = page.row.association.as_mut().unwrap();
            (tie.state, tie.follows) = (state, false);
        });
        let html = shown("/app/machines/7001", &plane);
        assert!(words(&html).contains("on GPU, at risk"), "{state}");
        let mut list = Fake { machines: story::machines(), ..Fake::default() };
        list.machines.machines = vec![plane.machine.row.clone()];
        let all = words(&shown("/app", &list));
        assert!(all.contains("1 machine on GPU at risk"), "{all}");
    }
    let ill = machine(|page| {
        let tie = page.row.association.as_mut().unwrap();
        tie.cpu_standby.as_mut().unwrap().status = domain::standby::StandbyState::Preempted;
    });
    assert!(words(&shown("/app/machines/7001", &ill)).contains("at risk"));
}

#[test]
fn a_gpu_that_is_not_heard_from_is_not_counted_among_those_that_run() {
    use domain::verdict::Verdict;
    for verdict in [Verdict::Suspect, Verdict::Unknown, Verdict::ConfirmedLost] {
        let plane = machine(|page| page.row.verdict = Some(verdict));
        let mut list = Fake { machines: story::machines(), ..Fake::default() };
        list.machines.machines = vec![plane.machine.row.clone()];
        let all = words(&shown("/app", &list));
        assert!(all.contains("1 not heard from") && !all.contains("machine on GPU"), "{all}");
    }
}

#[test]
fn a_standby_that_is_down_or_empty_serves_nothing() {
    use domain::association::{AssociationState, Serving};
    use domain::standby::StandbyState;
    let away = |change: fn(&mut domain::view::standby::Association)| {
        machine(|page| {
            page.row.serving = Serving::Standby;
            let tie = page.row.association.as_mut().unwrap();
            (tie.serving, tie.state) = (Serving::Standby, AssociationState::OnStandby);
            change(tie);
        })
    };
    let told = |plane: &Fake| words(&shown("/app/machines/7001", plane));
    let up = told(&away(|_| {}));
    assert!(up.contains("On its CPU standby, which holds the copy."), "{up}");
    let down = |tie: &mut domain::view::standby::Association| {
        tie.cpu_standby.as_mut().unwrap().status = StandbyState::Preempted;
    };
    let gone = told(&away(down));
    assert!(gone.contains("nothing serves") && !gone.contains("On its CPU standby"), "{gone}");
    let empty = told(&away(|tie| tie.recovery_point_at = None));
    assert!(empty.contains("made anew and has no copy: nothing serves"), "{empty}");
    let mut list = Fake { machines: story::machines(), ..Fake::default() };
    list.machines.machines = vec![away(down).machine.row.clone()];
    let all = words(&shown("/app", &list));
    assert!(all.contains("standby down") && !all.contains("1 on its standby"), "{all}");
}

#[test]
fn a_copy_that_nothing_renews_is_not_said_to_follow() {
    let plane = machine(|page| page.row.association.as_mut().unwrap().follows = false);
    let text = words(&shown("/app/machines/7001", &plane));
    assert!(text.contains("the standby does not follow now"), "{text}");
    assert!(text.contains("not following") && !text.contains("the standby follows"), "{text}");
}

#[test]
fn one_that_nobody_here_watches_is_not_said_to_run() {
    let plane = machine(|page| page.row.verdict = None);
    let text = words(&shown("/app/machines/7001", &plane));
    assert!(text.contains("Whether its GPU runs is not known just now."), "{text}");
}

#[test]
fn an_old_list_is_not_shown_as_the_present() {
    let plane = machine(|page| page.stale_error = Some("503".into()));
    let text = words(&shown("/app/machines/7001", &plane));
    assert!(text.contains("the list may be out of date") && text.contains("503"), "{text}");
}

#[test]
fn a_drill_that_proved_nothing_did_not_pass_and_one_that_was_stopped_did_not_fail() {
    use domain::view::failover::Ending;
    let told = |ending, data_restored, success| {
        let mut list = Fake { machines: story::machines(), ..Fake::default() };
        let mut row = Fake::default().machine.row;
        let drill = row.last_drill.as_mut().unwrap();
        (drill.ending, drill.data_restored) = (Some(ending), data_restored);
        drill.success = Some(success);
        list.machines.machines = vec![row];
        words(&shown("/app", &list))
    };
    assert!(told(Ending::Passed, Some(true), true).contains("passed"));
    let searched = told(Ending::Passed, None, true);
    assert!(searched.contains("searched only") && !searched.contains("passed"), "{searched}");
    let stopped = told(Ending::Cancelled, Some(false), false);
    assert!(stopped.contains("cancelled") && !stopped.contains("failed"), "{stopped}");
}

#[test]
fn the_only_copy_of_a_lost_machine_goes_only_with_the_machine() {
    use domain::verdict::Verdict;
    let lost = machine(|page| page.row.verdict = Some(Verdict::ConfirmedLost));
    let html = shown("/app/machines/7001", &lost);
    assert!(!html.contains("/app/machines/7001/unprotect"), "the button is shut");
    assert!(words(&html).contains("its standby holds the only copy"));
    assert!(html.contains("/app/machines/7001/discard"));
}

#[test]
fn nothing_is_told_of_what_waits_to_be_copied_while_nothing_is_copied() {
    use domain::association::Serving;
    let away = machine(|page| {
        page.row.serving = Serving::Standby;
        let tie = page.row.association.as_mut().unwrap();
        tie.serving = Serving::Standby;
        (tie.pending_files, tie.pending_bytes) = (Some(0), Some(0));
    });
    let text = words(&shown("/app/machines/7001", &away));
    assert!(text.contains("Not copied yet —"), "{text}");
}

#[test]
fn one_without_protection_that_still_starts_does_not_run_on_its_gpu() {
    let plane = machine(|page| {
        page.row.association = None;
        page.row.verdict = None;
        let gpu = page.row.instance.as_mut().unwrap();
        gpu.status = domain::gpu::GpuState::Provisioning;
    });
    let mut list = Fake { machines: story::machines(), ..Fake::default() };
    list.machines.machines = vec![plane.machine.row.clone()];
    let html = shown("/app", &list);
    assert!(!html.contains(">on GPU<"), "{html}");
}

#[test]
fn readiness_is_told_with_its_age_wherever_it_is_told() {
    let plane = machine(|page| {
        let found = page.readiness.as_mut().unwrap();
        found.as_of = domain::view::Time(story::NOW.plus(-12_000));
        found.ready = false;
        found.checks[0].ok = false;
    });
    for path in ["/app/machines/7001", "/app/machines/7001/failover", "/app/machines/7001/drill"] {
        let text = words(&shown(path, &plane));
        assert!(text.contains("Checked 12 s ago"), "{path}: {text}");
    }
}

#[test]
fn what_a_gpu_was_launched_without_is_said_on_the_page_of_its_machine_and_of_its_failover() {
    use domain::launch::LaunchPart;
    let mut plane = Fake::default();
    let paths = ["/app/machines/7001", "/app/failovers/0199-done"];
    let said = "The GPU was launched with less than the one before it. Missing: the environment, open ports.";
    for path in paths {
        assert!(!words(&shown(path, &plane)).contains("with less than"), "{path}");
    }
    let parts = vec![LaunchPart::Environment, LaunchPart::Ports];
    plane.machine.row.association.as_mut().expect("protected").left_out = parts.clone();
    plane.failover.status.left_out = parts;
    for path in paths {
        let text = words(&shown(path, &plane));
        assert!(text.contains(said), "{path}: {text}");
    }
}

#[test]
fn a_failover_whose_new_gpu_answered_nobody_says_so_and_claims_no_time_to_it() {
    use domain::view::failover::Ending;
    let mut plane = Fake::default();
    let status = &mut plane.failover.status;
    status.state = domain::failover::FailoverState::Failed;
    (status.ending, status.success) = (Some(Ending::Unanswered), Some(false));
    status.total_time_ms = None;
    let html = shown("/app/failovers/0199-done", &plane);
    let text = words(&html);
    assert!(text.contains("on a new GPU that did not answer any more"), "{text}");
    assert!(!text.contains("On CPU after 2.9 s, on GPU"), "{text}");
    assert!(!html.contains("/app/failovers/0199-done/fail-back"), "it is not on its standby");
}

#[test]
fn a_host_key_that_another_place_shows_is_said_with_where() {
    let mut plane = Fake::default();
    let bare = shown("/app/machines/7001", &plane);
    assert!(!words(&bare).contains("same SSH host key"));
    let tie = plane.machine.row.association.as_mut().expect("protected");
    tie.host_key_shared = vec![domain::host_key::SharedHostKey {
        side: domain::host_key::HostSide::Gpu,
        association_id: domain::id::AssociationId::new("tie-7002"),
        gpu_instance_id: domain::id::GpuId(7_002),
        name: "<b>other".into(),
        other_side: domain::host_key::HostSide::Standby,
    }];
    let html = shown("/app/machines/7001", &plane);
    assert!(words(&html).contains("Another place shows the same SSH host key"));
    assert!(words(&html).contains("the GPU here and the standby of"));
    assert!(html.contains("href=\"/app/machines/7002\""));
    assert!(!html.contains("<b>other"), "a name is text");
}

/// The same machine on its page and in the list.
fn both(plane: Fake) -> [String; 2] {
    let mut list = Fake { machines: story::machines(), ..Fake::default() };
    list.machines.machines = vec![plane.machine.row.clone()];
    [words(&shown("/app/machines/7001", &plane)), words(&shown("/app", &list))]
}

#[test]
fn a_gpu_that_does_not_answer_or_is_lost_never_looks_calm() {
    for (verdict, badge, sentence) in [
        (Verdict::Suspect, "GPU does not answer", "Whether it is lost is not known yet."),
        (Verdict::ConfirmedLost, "GPU lost", "Its GPU is lost, and nothing serves."),
        (Verdict::Unknown, "GPU not known", "Whether its GPU runs is not known just now."),
        (Verdict::Paused, "GPU stopped", "Its GPU was stopped at the provider"),
    ] {
        let silent = || machine(|page| page.row.verdict = Some(verdict));
        for text in both(silent()) {
            assert!(text.contains(badge), "{text}");
        }
        let [page, _] = both(silent());
        assert!(page.contains(sentence) && !page.contains("the standby follows."), "{page}");
    }
    // What leads on is pressed first, and nothing is rehearsed with a GPU that is gone.
    let html = shown(
        "/app/machines/7001",
        &machine(|page| page.row.verdict = Some(Verdict::ConfirmedLost)),
    );
    assert!(
        html.contains(
            "href=\"/app/machines/7001/failover\" data-dialog=\"\" class=\"button primary\""
        ),
        "{html}"
    );
    assert!(!html.contains("href=\"/app/machines/7001/drill\""), "{html}");
    assert!(words(&html).contains("nothing is done by itself. Move the machine"), "{html}");
    // Without a copy nothing is promised of a move.
    let bare = machine(|page| {
        page.row.verdict = Some(Verdict::ConfirmedLost);
        if let Some(tie) = &mut page.row.association {
            tie.recovery_point_at = None;
        }
    });
    let html = shown("/app/machines/7001", &bare);
    assert!(words(&html).contains("there is nothing to go on from"), "{html}");
    assert!(!words(&html).contains("go on from the copy"), "{html}");
}

#[test]
fn on_the_standby_nothing_speaks_of_a_second_copy() {
    let resting = || {
        machine(|page| {
            page.row = story::away();
            page.row.active = None;
            page.row.verdict = Some(Verdict::Paused);
            page.failover = None;
        })
    };
    let [page, _] = both(resting());
    assert!(page.contains("The work runs on the standby alone"), "{page}");
    assert!(page.contains("not watched: the work is on the standby"), "{page}");
    for calm in ["If the GPU died now", "a loss then would have taken"] {
        assert!(!page.contains(calm), "{calm}: {page}");
    }
    // What the server would refuse, since the work would go with it, is not offered.
    assert!(page.contains("Its standby holds the only copy."), "{page}");
    let html = shown("/app/machines/7001", &resting());
    assert!(!html.contains("/unprotect\""), "{html}");
}

#[test]
fn why_a_copy_is_frozen_is_said_once() {
    let why = "the GPU's workspace lost 30 of 53 files at once";
    let plane = machine(|page| {
        let tie = page.row.association.as_mut().unwrap();
        tie.state = domain::association::AssociationState::Frozen;
        tie.reason = Some(why.to_owned());
        tie.sync_problem = Some(why.to_owned());
    });
    let text = words(&shown("/app/machines/7001", &plane));
    assert_eq!(text.matches("lost 30 of 53 files").count(), 1, "{text}");
    assert!(!text.contains("The last sync failed"), "{text}");
}

#[test]
fn by_which_means_it_follows_and_what_it_does_not_hold_is_said_and_asked_before_a_move() {
    use domain::association::{DataPath, WhyRsync};
    use domain::gaps::{Drift, GapCount, GapReason, Sight, Unwatched};
    use domain::view::gaps::{Gap, Gaps};
    let plane = machine(|page| {
        let tie = page.row.association.as_mut().unwrap();
        (tie.follows_by, tie.why_rsync) = (Some(DataPath::Rsync), Some(WhyRsync::Mounts));
    });
    let text = words(&shown("/app/machines/7001", &plane));
    assert!(text.contains("rsync: other file systems are mounted below the workspace"), "{text}");
    assert!(text.contains("size and time stand for content"), "{text}");
    assert!(text.contains("Not as on the GPU unknown"), "{text}");
    assert!(!words(&shown("/app/machines/7001/failover", &plane)).contains("Move without them"));
    let plane = machine(|page| {
        let tie = page.row.association.as_mut().unwrap();
        tie.follows_by = Some(DataPath::Agent);
        tie.gaps = Some(Gaps {
            lost: 1,
            counts: vec![GapCount { why: GapReason::InFlux, entries: 1 }],
            listed: vec![Gap {
                path: "best.pt".into(),
                why: GapReason::InFlux,
                bytes: Some(9),
                since: Some(story::ago(60_000)),
            }],
            sight: Some(Sight::Part),
            unwatched: Some(Unwatched::Limit),
        });
        tie.drift = Some(Drift { point: Some(12), written: 3, removed: 1, unread: 0 });
        tie.drift_at = Some(story::ago(60_000));
    });
    let text = words(&shown("/app/machines/7001", &plane));
    assert!(text.contains("1 × in flux: its last whole version is kept"), "{text}");
    assert!(text.contains("best.pt") && text.contains("no newer version since"), "{text}");
    assert!(text.contains("of some processes"), "{text}");
    assert!(text.contains("lets this user watch no more folders"), "{text}");
    assert!(
        text.contains("Written: 3. Removed: 1.") && text.contains("recovery point 12"),
        "{text}"
    );
    let asked = words(&shown("/app/machines/7001/failover", &plane));
    assert!(asked.contains("Move without them") && asked.contains("best.pt"), "{asked}");
}
