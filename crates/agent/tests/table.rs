//! What was seen to go wrong once, with the reading side and the keeping side as in the product.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod follow;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use agent::connection::Connection;
use agent::keep::{Kind, Outcome};
use agent::remote_source::RemoteSource;
use agent::source::{Changes, Source};
use follow::Follow;

#[test]
fn a_path_of_4070_bytes_changes_and_goes_like_any_other() {
    let mut follow = Follow::new();
    // Beneath the workspace's own path no single call takes it: by its folders.
    let names = ["d".repeat(239), "e".repeat(229)].map(|name| name);
    let script = r#"import os,sys
root,act,long,last=sys.argv[1:]
fd=os.open(root,os.O_RDONLY)
for _ in range(16):
    try: os.mkdir(long,dir_fd=fd)
    except FileExistsError: pass
    fd=os.open(long,os.O_RDONLY,dir_fd=fd)
if act=='remove': os.unlink(last,dir_fd=fd)
elif act=='read': sys.stdout.buffer.write(os.read(os.open(last,os.O_RDONLY,dir_fd=fd),99))
else: os.write(os.open(last,os.O_CREAT|os.O_WRONLY|os.O_TRUNC,dir_fd=fd),act.encode())"#;
    let act = |root: &std::path::Path, what: &str| {
        let output = Command::new("python3")
            .args(["-c", script])
            .arg(root)
            .args([what, &names[0], &names[1]])
            .output()
            .unwrap();
        (output.status.success(), output.stdout)
    };
    assert_eq!(16 * 240 + 229, 4_069);
    for text in ["one", "two, changed"] {
        assert!(act(&follow.workspace, text).0);
        follow.write("other", text);
        follow.cycle();
        assert_eq!(act(&follow.copy, "read"), (true, text.as_bytes().to_vec()));
        assert_eq!(follow.copied("other"), text.as_bytes());
    }
    assert!(act(&follow.workspace, "remove").0);
    follow.write("other", "after");
    follow.cycle();
    assert!(!act(&follow.copy, "read").0);
    assert_eq!(follow.copied("other"), b"after");
    let status = Command::new("rm").arg("-rf").args([&follow.workspace, &follow.copy]).status();
    assert!(status.unwrap().success());
}

#[test]
fn most_files_may_move_and_only_what_is_lost_is_counted() {
    let mut follow = Follow::new();
    for number in 0..100 {
        let folder = if number < 60 { "runs" } else { "code" };
        follow.write(&format!("{folder}/{number}"), format!("{number}"));
    }
    follow.cycle();
    std::fs::rename(follow.path("runs"), follow.path("runs-old")).unwrap();
    let cycle = follow.cycle();
    assert!(matches!(cycle.outcome, Outcome::Point(_)), "{cycle:?}");
    assert_eq!((cycle.kind, cycle.lost), (Kind::Watched, 0));
    assert_eq!(follow.copied("runs-old/7"), b"7");
    for number in 60..100 {
        follow.write(&format!("code/{number}"), format!("{number}, written anew"));
    }
    follow.cycle();
    // Twenty at a time, seconds apart: counted over time, whatever was done to them before.
    let mut deleted = 0;
    for folder in ["code", "runs-old"] {
        for file in std::fs::read_dir(follow.path(folder)).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
            deleted += 1;
            if deleted % 20 == 0 && matches!(follow.cycle().outcome, Outcome::Frozen(_)) {
                assert_eq!(deleted, 40, "30 of 100 may go");
                return;
            }
        }
    }
    panic!("never frozen");
}

#[test]
fn what_a_login_shell_prints_is_skipped_and_one_that_starts_nothing_is_told() {
    let program = env!("CARGO_BIN_EXE_dumont-agent");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("f"), "x").unwrap();
    let root = folder.path().to_str().unwrap();
    let noise =
        format!("echo welcome; printf 'no end of line'; exec {program} serve --root {root}");
    for (script, starts) in [(noise.as_str(), true), ("echo hello; exec true", false)] {
        let mut child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (output, input) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        let mut source = RemoteSource::new(Connection::new(output, input, Duration::from_secs(20)));
        let scanned = source.scan(&mut |_| Ok(()));
        match scanned {
            Ok(_) => assert!(starts),
            Err(error) => {
                assert!(!starts, "{error}");
                assert!(error.to_string().contains("hello"), "{error}");
            }
        }
        drop(source);
        child.wait().unwrap();
    }
}

#[test]
fn a_serving_side_that_watches_takes_little_memory() {
    let files: u32 = std::env::var("DUMONT_FILES").map_or(2_000, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    for number in 0..files {
        let within = folder.path().join(format!("{}", number / 100));
        if number.is_multiple_of(100) {
            std::fs::create_dir(&within).unwrap();
        }
        std::fs::write(within.join(format!("{number}")), "x").unwrap();
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_dumont-agent"))
        .args(["serve", "--root"])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (output, input) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let mut source = RemoteSource::new(Connection::new(output, input, Duration::from_secs(60)));
    let began = Instant::now();
    let mut listed = 0_u32;
    source
        .scan(&mut |_| {
            listed += 1;
            Ok(())
        })
        .unwrap();
    let scanned = began.elapsed();
    assert_eq!(listed, files + files.div_ceil(100) + 1);
    let began = Instant::now();
    for _ in 0..10 {
        let changes = source.changes(&mut |found| panic!("{found:?}")).unwrap();
        assert!(matches!(changes, Changes::Told(_)));
    }
    let watched = began.elapsed() / 10;
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    println!("{files} files: scan {scanned:?}, watched {watched:?}, {kilobytes} kB");
    assert!(kilobytes < 20 << 10, "{kilobytes} kB");
    drop(source);
    child.wait().unwrap();
}
