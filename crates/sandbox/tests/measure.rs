//! Figures, printed and not judged: `cargo test -p sandbox --test measure --
//! --ignored --nocapture --test-threads=1`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "tests")]

mod rig;

use std::time::Instant;

use futures::future::join_all;
use rig::{output, rig};
use sandbox::host::{Gpus, HostSpec};
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

/// From nothing to a host that answers, the middle of several, one after the other.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures"]
async fn one_host_of_each_kind() {
    let rig = rig();
    let gpus = Gpus {
        name: "RTX 4090".into(),
        count: 1,
        memory_mib: 24_564,
        driver: "535.86.05".into(),
        cuda: "12.2".into(),
        watts: 450,
        compute: "8.9".into(),
        machine: 7,
    };
    let kinds: [(&str, &str, bool, Option<u64>); 6] = [
        ("plain", "", false, None),
        ("with GPUs", "", true, None),
        ("without rsync and python", "dumont-sandbox/host:no-rsync.no-python", true, None),
        ("old kernel", "dumont-sandbox/host:enosys", true, None),
        ("busybox", "dumont-sandbox/busybox:1", true, None),
        ("disk of its own, 100 GB", "", true, Some(100_000_000_000)),
    ];
    for (number, (kind, image, has_gpus, disk_bytes)) in kinds.into_iter().enumerate() {
        let mut times = Vec::new();
        for turn in 0..11 {
            let id = format!("h-{number}-{turn}");
            let gpus = has_gpus.then(|| gpus.clone());
            let spec = HostSpec { image: image.into(), disk_bytes, gpus, ..rig.spec(&id) };
            let start = Instant::now();
            rig.hosts.create(spec).await.unwrap();
            rig.hosts.boot(&id).await.unwrap();
            times.push(start.elapsed().as_secs_f64() * 1e3);
            rig.hosts.destroy(&id).await.unwrap();
        }
        times.sort_by(f64::total_cmp);
        println!("{kind}: {:.0} ms (longest {:.0})", times[5], times[10]);
    }
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
