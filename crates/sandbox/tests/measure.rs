//! Figures, printed and not judged: `cargo test -p sandbox --test measure --
//! --ignored --nocapture --test-threads=1`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "tests")]

mod rig;

use std::time::Instant;

use futures::future::join_all;
use rig::{output, rig};
use tokio::process::Command;

const HOSTS: u32 = 200;

/// The proportional share of memory of a process, KiB.
fn pss(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn below(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task");
    let tasks = std::fs::read_dir(path).into_iter().flatten().flatten();
    let children = tasks.flat_map(|task| {
        let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()
    });
    children.flat_map(|child| [vec![child], below(child)].concat()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures"]
async fn two_hundred_hosts() {
    let rig = rig();
    let start = Instant::now();
    let boot = async |number: u32| rig.host(&format!("gpu-{number}")).await;
    let all = join_all((0..HOSTS).map(boot)).await;
    println!("{HOSTS} hosts created and booted in {:.1} s", start.elapsed().as_secs_f64());
    let memory = || below(std::process::id()).into_iter().map(pss).sum::<u64>() / u64::from(HOSTS);
    println!("idle: {} KiB PSS per host", memory());
    let start = Instant::now();
    for some in all.chunks(20) {
        let login = async |number: usize| {
            rig.run_as(some[number], &format!("h{}", some[number].addr), "hostname").await
        };
        join_all((0..some.len()).map(login)).await;
    }
    println!("a login to each in {:.1} s", start.elapsed().as_secs_f64());
    println!("after a login: {} KiB PSS per host", memory());
    let start = Instant::now();
    join_all(
        (0..HOSTS)
            .map(|number| rig.hosts.destroy(Box::leak(format!("gpu-{number}").into_boxed_str()))),
    )
    .await;
    println!("all destroyed in {:.1} s", start.elapsed().as_secs_f64());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures"]
async fn one_gibibyte_by_rsync() {
    let rig = rig();
    let start = Instant::now();
    let at = rig.host("gpu-1").await;
    println!("one host created and booted in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    rig.run(at, "true").await;
    println!("one login in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    rig.run(at, "head -c 1G /dev/urandom > /workspace/big").await;
    let remote = format!("root@{}:", at.addr);
    let back = rig.folder.join("big");
    for (from, to) in [
        (format!("{remote}/workspace/big"), back.display().to_string()),
        (back.display().to_string(), format!("{remote}/workspace/copy")),
    ] {
        let start = Instant::now();
        let mut rsync = Command::new("rsync");
        let done = output(rsync.args(["-aW", "-e", &rig.rsync_shell(at), &from, &to])).await;
        assert!(done.status.success());
        println!("rsync {from} -> {to}: {:.0} MB/s", 1073.7 / start.elapsed().as_secs_f64());
    }
}
