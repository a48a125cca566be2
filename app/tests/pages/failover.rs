//! The page of a failover, and what others say while one goes on.

use domain::failover::{FailoverState, Kind};
use domain::notification::Wait;
use domain::view::failover::Fate;

use crate::support::plane::Fake;
use crate::support::{post, reply, story};
use crate::{machine, shown, words};

#[test]
fn a_failover_tells_both_clocks_the_loss_and_every_fate() {
    let text = words(&shown("/app/failovers/0199-done", &Fake::default()));
    for part in [
        "Recovered in 74.2 s. On CPU after 2.9 s, on GPU after 74.2 s. At most the last 1.1 s of writes were lost; changes were seen in 3 files.",
        "providers 60.4 s · waiting 0 ms · Dumont 13.8 s, all phases together",
        "Model RTX 3090 RTX 4090",
        "Price $0.310 / h $0.412 / h",
        "Started 2026-09-21 11:15:23 UTC · ended 2026-09-21 11:16:39 UTC",
        "ckpt/step-8812.tmp",
        "old GPU destroyed verified gone",
        "offer 502 is no longer available",
        "Confirmed 1.4 s after the last sign of life.",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

#[test]
fn before_and_after_name_place_and_login_and_the_chart_says_what_its_marks_are() {
    let mut failover = story::failover();
    let after = failover.status.after.as_mut().unwrap();
    (after.ssh_host, after.ssh_port) = (Some("198.51.100.9".into()), Some(41_000));
    let html = shown("/app/failovers/0199-done", &Fake { failover, ..Fake::default() });
    let text = words(&html);
    for part in [
        "Place Texas, US Oregon, US",
        "ssh -p 40022 root@203.0.113.7 ssh -p 41000 root@198.51.100.9",
        "Dumont Provider Waiting running",
        "running attempt that did not succeed on the CPU standby on the GPU",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    // Each word of the legend stands beside the mark that the chart draws.
    let legend: String = html.split("class=\"legend\"").skip(1).collect();
    for mark in ["own", "provider", "waiting", "own open", "own failed", "tick cpu", "tick gpu"] {
        assert!(legend.contains(&format!("class=\"{mark}\"")), "{mark}");
    }
    // One that stayed on the standby says so instead of a second station.
    let mut failover = story::failover();
    failover.status.after = None;
    failover.status.ending = Some(domain::view::failover::Ending::OnStandby);
    let text = words(&shown("/app/failovers/0199-done", &Fake { failover, ..Fake::default() }));
    assert!(text.contains("Place Texas, US on standby"), "{text}");
}

#[test]
fn what_has_not_happened_yet_is_said_to_be_so() {
    let html = shown(
        "/app/failovers/0199-now",
        &Fake { failover: story::failover_running(), ..Fake::default() },
    );
    let text = words(&html);
    assert!(text.contains("Provisioning, for 42.0 s so far. On CPU after 2.9 s."), "{text}");
    assert!(text.contains("to come : Restoring") && text.contains("not yet"), "{text}");
    assert!(html.contains("data-refresh=\"700\""));
    assert!(html.contains("/app/failovers/0199-done/cancel"), "it can be cancelled");
}

#[test]
fn a_drill_says_that_the_gpu_was_not_touched_and_speaks_of_no_loss() {
    let mut failover = story::failover();
    failover.status.kind = Kind::Drill;
    failover.status.sandbox = true;
    let text = words(&shown("/app/failovers/0199-done", &Fake { failover, ..Fake::default() }));
    assert!(
        text.contains("DRILL SANDBOX") && text.contains("the running GPU was not touched"),
        "{text}"
    );
    assert!(!text.contains("writes were lost") && !text.contains("Lost writes"), "{text}");
    assert!(
        text.contains("would have taken at most the last 1.1 s of writes, in 3 files."),
        "{text}"
    );
}

#[test]
fn that_nothing_was_lost_never_stands_beside_a_span_of_lost_writes() {
    let mut failover = story::failover();
    failover.status.kind = Kind::Planned;
    failover.status.rpo_ms = Some(4_567_000);
    failover.status.files_lost = Some(Vec::new());
    let page = |failover: domain::view::failover::FailoverPage| {
        words(&shown("/app/failovers/0199-done", &Fake { failover, ..Fake::default() }))
    };
    let text = page(failover.clone());
    assert!(text.contains("No write was lost.") && text.contains("Lost writes none"), "{text}");
    assert!(!text.contains("1 h 16 m"), "{text}");
    failover.status.files_lost = None;
    let text = page(failover);
    assert!(!text.contains("No write was lost"), "{text}");
    assert!(text.contains("is not known"), "{text}");
}

#[test]
fn what_an_old_gpu_may_have_written_after_the_last_fetch_is_not_told_as_saved() {
    let mut failover = story::failover();
    let page = |failover: &domain::view::failover::FailoverPage| {
        let plane = Fake { failover: failover.clone(), ..Fake::default() };
        words(&shown("/app/failovers/0199-done", &plane))
    };
    let doubt = "not known to be saved";
    assert!(!page(&failover).contains(doubt));
    let at = failover.status.started_at;
    let late = domain::view::failover::LateWrites {
        files: 0,
        bytes: 0,
        path: "/late".into(),
        at,
        settled: false,
    };
    failover.status.instances[0].late_writes = Some(late.clone());
    assert!(page(&failover).contains(doubt), "{}", page(&failover));
    let settled = domain::view::failover::LateWrites { settled: true, files: 2, ..late };
    failover.status.instances[0].late_writes = Some(settled.clone());
    let text = page(&failover);
    assert!(!text.contains(doubt) && text.contains("2 files"), "{text}");
    // While it is there nothing is lost yet.
    failover.status.instances[0].fate = Fate::Pending;
    let open = domain::view::failover::LateWrites { settled: false, ..settled };
    failover.status.instances[0].late_writes = Some(open);
    assert!(!page(&failover).contains(doubt));
}

#[test]
fn a_failover_that_stays_on_the_standby_offers_the_way_back() {
    let mut failover = story::failover();
    failover.status.state = FailoverState::Failed;
    failover.status.success = Some(false);
    failover.status.total_time_ms = None;
    failover.status.error = Some("no credit".into());
    failover.status.instances[2].fate = Fate::Unknown;
    let html = shown("/app/failovers/0199-done", &Fake { failover, ..Fake::default() });
    assert!(html.contains("/app/failovers/0199-done/failback"));
    let text = words(&html);
    assert!(
        text.contains("no credit") && text.contains("not known") && text.contains("not reached"),
        "{text}"
    );
}

#[test]
fn a_restore_shows_what_is_moved_how_fast_and_how_long_it_takes_and_a_failover_without_none() {
    let plane = Fake { failover: story::failover_restoring(), ..Fake::default() };
    let html = shown("/app/failovers/0199-now", &plane);
    let text = words(&html);
    let told = "1,204 of 3,310 files · 1.2 GB of 4.8 GB · 84.0 MB / s · about 42 s left";
    assert!(text.contains(told), "{text}");
    assert!(html.contains("<progress") && html.contains("value=\"1200000000\""), "{html}");
    assert!(!shown("/app/failovers/0199-done", &Fake::default()).contains("<progress"));
}

#[test]
fn a_failover_that_waits_says_for_what_until_when_and_can_be_tried_now() {
    let plane = machine(|page| {
        page.row = story::away();
        let active = page.row.active.as_mut().unwrap();
        active.state = FailoverState::Waiting;
        active.waits = Some("no offer fits".into());
        active.waits_for = Some(Wait::Offer);
        active.retry_at = Some(domain::view::Time(story::NOW.plus(30_000)));
    });
    let html = shown("/app/machines/7002", &plane);
    // What it was shown to wait for goes along: that is what is agreed to.
    assert!(html.contains("<input type=\"hidden\" name=\"waits_for\" value=\"offer\""), "{html}");
    assert!(words(&html).contains("Tries again by itself at"), "{}", words(&html));
    assert!(html.contains("action=\"/app/failovers/0199-now/retry\""));
    assert_eq!(
        reply(&post("/app/failovers/0199-now/retry", &[("waits_for", "offer")]), &plane).status,
        303
    );
    assert_eq!(plane.acts(), ["retry 0199-now offer"]);
}

#[test]
fn while_a_failover_goes_on_its_progress_takes_the_place_of_readiness() {
    let plane = machine(|page| {
        page.row = story::away();
        page.failover = Some(domain::view::failover::FailoverStatus {
            progress: story::failover().status.progress,
            ..story::failover().status
        });
    });
    let text = words(&shown("/app/machines/7002", &plane));
    assert!(text.contains("How far it is") && !text.contains("If the GPU died now"), "{text}");
    let plane = machine(|_| {});
    assert!(words(&shown("/app/machines/7001", &plane)).contains("If the GPU died now"));
}
#[test]
fn a_failover_that_finds_no_offer_names_what_comes_nearest_and_the_rule_that_each_breaks() {
    use domain::notification::Wait;
    use domain::offer::{NearMiss, Rule};
    let waits = |wait: Wait, nearest: Vec<NearMiss>| {
        machine(|page| {
            page.row = story::away();
            let active = page.row.active.as_mut().unwrap();
            active.state = FailoverState::Waiting;
            active.waits = Some("no offer fits".into());
            active.waits_for = Some(wait);
            active.retry_at = Some(domain::view::Time(story::NOW.plus(29_100)));
            active.searched_at = Some(domain::view::Time(story::NOW.plus(-4_000)));
            active.nearest = nearest;
        })
    };
    let near = NearMiss {
        gpu_name: "RTX 4090".into(),
        num_gpus: 2,
        geolocation: Some("Texas, US".into()),
        usd_per_hour: 0.92,
        reliability: 0.99,
        breaks: vec![Rule::Price, Rule::Region],
    };
    let html = shown("/app/machines/7002", &waits(Wait::Offer, vec![near]));
    let text = words(&html);
    assert!(text.contains("2 × RTX 4090") && text.contains("Texas, US"), "{text}");
    assert!(text.contains("above the price cap, outside the countries of the rules"), "{text}");
    assert!(text.contains("searched 4 s ago"), "{text}");
    assert!(html.contains("data-left=\"29100\"") && text.contains("0:30"), "{html}");
    let credit = shown("/app/machines/7002", &waits(Wait::Credit, Vec::new()));
    assert!(
        credit.contains("https://cloud.vast.ai/billing/") && !words(&credit).contains("nearest")
    );
    let key = shown("/app/machines/7002", &waits(Wait::Credentials, Vec::new()));
    assert!(key.contains("href=\"/app/settings/credentials\""));
}

#[test]
fn a_failover_that_waits_can_be_tried_again_on_its_own_page() {
    let mut failover = story::failover_running();
    let plain =
        shown("/app/failovers/0199-now", &Fake { failover: failover.clone(), ..Fake::default() });
    assert!(!plain.contains("/retry\""));
    failover.status.state = FailoverState::Waiting;
    let waiting = shown("/app/failovers/0199-now", &Fake { failover, ..Fake::default() });
    assert!(waiting.contains("/retry\" data-dialog=\"\""), "{waiting}");
    assert!(waiting.contains("/cancel\" data-dialog=\"\""));
}

#[test]
fn a_phase_that_was_left_is_not_shown_as_done_nor_its_step_as_one_to_repeat() {
    use domain::failover::Outcome;
    let mut failover = story::failover_running();
    let row = failover.journal.iter_mut().max_by_key(|row| row.seq).unwrap();
    let (phase, at) = (row.phase.unwrap(), row.started_at);
    row.outcome = Some(Outcome::Retry);
    row.ended_at = Some(at);
    let window = failover.status.phases.iter_mut().find(|window| window.name == phase).unwrap();
    window.ended_at = Some(at);
    failover.status.state = FailoverState::Cancelled;
    let html = shown("/app/failovers/0199-now", &Fake { failover, ..Fake::default() });
    assert!(html.contains(&format!("data-key=\"{phase}\" class=\"left\"")), "{html}");
    assert!(words(&html).contains("57.6 s interrupted"), "{}", words(&html));
}
