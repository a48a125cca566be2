//! The state machine, walked through the lives that the wire notes describe.

use super::*;

fn pace() -> Pace {
    let seconds = Duration::from_secs;
    Pace {
        created: seconds(2),
        loading: seconds(40),
        ssh: seconds(10),
        resume: seconds(10),
        stop: seconds(1),
        lag: seconds(3),
    }
}

/// An instance that runs since second 42 and answers since second 52.
fn running() -> Life {
    let mut life = Life::begin(0, &pace());
    life.tick(42_000);
    life.booted(42_000);
    life
}

fn words(life: &Life) -> [&'static str; 4] {
    [
        life.actual_status(life.silence).unwrap_or("null"),
        life.intended_status(),
        life.cur.word(),
        life.next_state(),
    ]
}

#[test]
fn a_new_instance_goes_through_every_status() {
    let mut life = Life::begin(0, &pace());
    assert_eq!(words(&life), ["null", "running", "running", "running"]);
    life.tick(1_999);
    assert_eq!(words(&life)[0], "null");
    life.tick(2_000);
    assert_eq!(words(&life)[0], "created");
    life.tick(4_000);
    assert_eq!(words(&life)[0], "loading");
    assert_eq!((life.wants(4_000), life.bill(None)), (Want::Halted, Bill::Disk));
    life.tick(42_000);
    assert_eq!(words(&life)[0], "loading", "the host is not up yet");
    assert_eq!(life.wants(42_000), Want::Booted { open: false });
    assert!(!life.has_ports());
    life.booted(42_100);
    assert_eq!(words(&life)[0], "running");
    assert_eq!(life.bill(None), Bill::Everything);
    assert_eq!(life.wants(51_999), Want::Booted { open: false });
    assert_eq!(
        life.wants(52_000),
        Want::Booted { open: true },
        "counted from when the boot was due"
    );
}

#[test]
fn with_no_delays_it_wants_its_host_at_once() {
    let mut life = Life::begin(5, &Pace::default());
    life.tick(5);
    assert_eq!(life.wants(5), Want::Booted { open: true });
}

#[test]
fn a_stop_takes_its_time_and_a_start_boots_again() {
    let mut life = running();
    life.stop(60_000, &pace());
    assert_eq!(words(&life), ["running", "stopped", "running", "stopped"]);
    life.tick(61_000);
    assert_eq!(words(&life), ["exited", "stopped", "stopped", "stopped"]);
    assert_eq!((life.wants(61_000), life.bill(None)), (Want::Halted, Bill::Disk));
    let boots = life.boots;
    assert!(life.start(70_000, &pace(), true));
    assert_eq!(words(&life), ["loading", "running", "running", "running"]);
    life.tick(76_000);
    assert_eq!(life.boots, boots + 1);
    life.booted(76_000);
    assert_eq!(life.wants(79_999), Want::Booted { open: false });
    assert_eq!(life.wants(80_000), Want::Booted { open: true });
}

#[test]
fn an_outbid_shows_in_three_words_while_the_fourth_lags() {
    let mut life = running();
    life.evict(60_000, &pace(), Some(Outbid { resume_at_ms: Some(90_000), until_cleared: None }));
    assert_eq!(words(&life), ["running", "stopped", "stopped", "stopped"]);
    assert_eq!((life.wants(60_000), life.bill(None)), (Want::Halted, Bill::Disk));
    life.tick(63_000);
    assert_eq!(words(&life)[0], "exited");
    assert_eq!(life.next_due_ms(63_000), Some(90_000));
    life.resume(90_000, &pace());
    assert_eq!(words(&life), ["loading", "running", "running", "running"]);
}

#[test]
fn an_outbid_while_loading_lags_in_loading() {
    let mut life = Life::begin(0, &pace());
    life.tick(10_000);
    life.evict(10_000, &pace(), Some(Outbid { resume_at_ms: None, until_cleared: None }));
    assert_eq!(words(&life), ["loading", "stopped", "stopped", "stopped"]);
    life.tick(50_000);
    assert_eq!(words(&life)[0], "exited");
    assert_eq!(life.boots, 0);
}

#[test]
fn a_users_stop_of_an_outbid_instance_lets_nothing_bring_it_back() {
    let mut life = running();
    life.evict(60_000, &pace(), Some(Outbid { resume_at_ms: Some(90_000), until_cleared: None }));
    life.stop(61_000, &pace());
    assert_eq!(life.outbid, None);
    life.tick(200_000);
    assert_eq!(words(&life), ["exited", "stopped", "stopped", "stopped"]);
}

#[test]
fn a_start_of_an_outbid_instance_is_queued() {
    let mut life = running();
    life.evict(60_000, &pace(), Some(Outbid { resume_at_ms: None, until_cleared: None }));
    life.tick(70_000);
    assert!(!life.start(70_000, &pace(), true));
    assert_eq!(words(&life), ["exited", "running", "stopped", "running"]);
    assert_eq!(life.bill(None), Bill::Disk);
}

#[test]
fn a_low_bid_makes_a_stopped_instance_that_may_run_later() {
    let mut life = Life::begin_outbid(0);
    life.tick(100_000);
    assert_eq!(words(&life), ["created", "stopped", "stopped", "stopped"]);
    life.resume(100_000, &pace());
    assert_eq!(words(&life)[0], "loading");
    life.tick(140_000);
    assert_eq!(life.wants(140_000), Want::Booted { open: false });
}

#[test]
fn silence_is_shown_when_it_is_noticed_and_offline_is_free() {
    let mut life = running();
    life.fall_silent(72_000, Silence::Offline);
    life.tick(71_000);
    assert_eq!(words(&life)[0], "running");
    life.tick(72_000);
    assert_eq!(words(&life), ["offline", "running", "running", "running"]);
    assert_eq!(life.bill(life.silence), Bill::Nothing);
    assert!(!life.start(73_000, &pace(), true), "an offline machine starts nothing");
    life.speak();
    assert_eq!(words(&life)[0], "running");
    life.fall_silent(80_000, Silence::Unknown);
    life.tick(80_000);
    assert_eq!((words(&life)[0], life.bill(life.silence)), ("unknown", Bill::Everything));
}

#[test]
fn a_stuck_instance_stays_where_it_is() {
    for (stage, word) in
        [(Stage::Null, "null"), (Stage::Created, "created"), (Stage::Loading, "loading")]
    {
        let mut life = Life::begin(0, &pace());
        life.stuck = Some(Stuck { stage, msg: None, until_cleared: None });
        life.tick(1_000_000);
        assert_eq!(words(&life)[0], word);
        assert_eq!(life.next_due_ms(1_000_000), None);
        life.stuck = None;
        life.tick(1_000_000);
        assert_eq!(life.wants(1_000_000), Want::Booted { open: true });
    }
}

#[test]
fn a_destroyed_instance_is_unloaded_then_erased_and_never_comes_back() {
    let mut life = running();
    life.unload(60_700);
    assert_eq!(life.cur, Contract::Unloaded);
    assert_eq!(life.wants(60_000), Want::Halted);
    assert!(!life.start(60_100, &pace(), true));
    life.resume(60_200, &pace());
    life.evict(60_300, &pace(), None);
    life.stop(60_300, &pace());
    life.tick(60_700);
    assert_eq!(life.wants(60_700), Want::Nothing);
}

#[test]
fn a_reboot_calls_for_another_boot() {
    let mut life = running();
    let boots = life.boots;
    life.reboot(60_000);
    life.tick(60_000);
    assert_eq!((life.boots, words(&life)[0]), (boots + 1, "loading"));
    life.booted(60_100);
    assert_eq!(words(&life)[0], "running");
}

#[test]
fn a_host_that_fails_to_come_up_is_left_in_created() {
    let mut life = Life::begin(0, &Pace::default());
    life.tick(0);
    life.failed(10, "OCI runtime create failed".into());
    assert_eq!(words(&life)[0], "created");
    assert_eq!(life.wants(20), Want::Halted);
}

#[test]
fn a_late_boot_does_not_revive_a_stopped_instance() {
    let mut life = Life::begin(0, &Pace::default());
    life.tick(0);
    life.stop(0, &Pace::default());
    life.tick(0);
    life.booted(10);
    assert_eq!(words(&life), ["exited", "stopped", "stopped", "stopped"]);
}
