//! What is packaged fits the program.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::process::Command;

/// The unit for systemd.
const UNIT: &str = include_str!("../../packaging/dumont.service");

/// All values of a setting, in order.
fn values(name: &str) -> Vec<&'static str> {
    UNIT.lines()
        .filter_map(|line| line.split_once('='))
        .filter_map(|(key, value)| (key == name).then_some(value))
        .collect()
}

#[test]
fn the_unit_takes_every_right_that_is_not_needed() {
    for (name, expected) in [
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ReadWritePaths", "/var/lib/dumont"),
        ("CapabilityBoundingSet", ""),
        ("AmbientCapabilities", ""),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("RestrictNamespaces", "yes"),
        ("LimitCORE", "0"),
        ("LimitNOFILE", "65536"),
        ("UMask", "0077"),
        ("StateDirectoryMode", "0700"),
    ] {
        assert_eq!(values(name), [expected], "{name}");
    }
    assert_eq!(values("SystemCallFilter"), ["@system-service", "~@privileged"]);
    let user = values("User");
    assert!(user.len() == 1 && user != ["root"], "{user:?}");
}

/// A variable that the program does not know would be a setting without effect.
#[test]
fn the_unit_sets_what_the_program_reads() {
    let help = Command::new(env!("CARGO_BIN_EXE_dumont")).args(["serve", "--help"]).output();
    let help = String::from_utf8(help.expect("it runs").stdout).expect("text");
    let set = values("Environment");
    assert_eq!(set.len(), 2);
    for (name, _) in set.iter().filter_map(|line| line.split_once('=')) {
        assert!(help.contains(name), "{name}");
    }
    assert!(
        set.contains(&"DUMONT_DATA_DIR=/var/lib/dumont"),
        "where it may write is where it does"
    );
    assert_eq!(values("ExecStart"), ["/usr/local/bin/dumont serve"]);
}

/// systemd's own opinion: nothing misspelled, nothing left open. Said aloud where it can't be asked.
#[test]
#[allow(clippy::print_stdout, reason = "what is not looked at is told")]
fn systemd_finds_nothing_wrong_with_the_unit() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        // Where all that is promised has to be looked at, not looking is a failure.
        assert!(std::env::var_os("CI").is_none(), "systemd-analyze is not installed");
        println!("systemd-analyze is not installed: the unit is not verified by it");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("dumont.service");
    let here = UNIT.replace("/usr/local/bin/dumont", env!("CARGO_BIN_EXE_dumont"));
    std::fs::write(&file, here).expect("written");
    for arguments in
        [&["verify", "--man=no"][..], &["security", "--offline=true", "--threshold=15"][..]]
    {
        let said = Command::new("systemd-analyze").args(arguments).arg(&file).output();
        let said = said.expect("it runs");
        let words = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success() && words.is_empty(), "{arguments:?}: {words}");
    }
}

/// What is given to people for their monitoring.
const MONITORING: [&str; 2] = [
    include_str!("../../docs/monitoring/alerts.yml"),
    include_str!("../../docs/monitoring/dashboard.json"),
];

#[test]
fn alerts_and_dashboard_ask_for_what_there_is() {
    let mut asked = 0;
    for text in MONITORING {
        for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
            if !word.starts_with("dumont_") {
                continue;
            }
            asked += 1;
            let name = word.strip_suffix("_bucket").unwrap_or(word);
            let known = server::gauges::METRICS.iter().any(|(_, known, _)| *known == name);
            assert!(known, "there is no {word}");
        }
    }
    assert!(asked > 20, "{asked}");
    serde_json::from_str::<serde_json::Value>(MONITORING[1]).expect("JSON");
}

#[test]
fn the_alert_rules_are_good_by_prometheus_own_tool() {
    let tool = std::env::var_os("DUMONT_TEST_PROMTOOL")
        .expect("DUMONT_TEST_PROMTOOL names promtool; scripts/setup --tests installs it");
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/monitoring/alerts.yml");
    let told = Command::new(tool).args(["check", "rules", rules]).output().expect("it runs");
    let (out, errors) =
        (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    let written = std::fs::read_to_string(rules).expect("the rules are there");
    let count = written.lines().filter(|line| line.trim_start().starts_with("- alert:")).count();
    assert!(count > 0, "no alert stands in {rules}");
    let found = format!(" {count} rules found");
    assert!(told.status.success() && out.contains(&found), "{found:?} is not in: {out}{errors}");
}
