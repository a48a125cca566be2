//! Vast's own command line against the sandbox, unchanged.
//!
//! Runs when `VASTAI_BIN` names the `vastai` program (pip package `vastai`,
//! tried with 1.9.1) or it is on the `PATH`; says so and passes otherwise.

use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};

use crate::bench::{Bench, ssh, stdout};

fn program() -> Option<PathBuf> {
    let named = std::env::var_os("VASTAI_BIN").map(PathBuf::from);
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join("vastai")).find(|file| file.is_file())
    };
    named.or_else(on_path)
}

struct Cli<'a> {
    program: PathBuf,
    bench: &'a Bench,
}

impl Cli<'_> {
    async fn run(&self, words: &[&str]) -> Output {
        let home = self.bench.folder.path().join("home");
        std::fs::create_dir_all(&home).expect("a home");
        let output = tokio::process::Command::new(&self.program)
            .args(words)
            .env("VAST_URL", &self.bench.running.url)
            .env("VAST_API_KEY", &self.bench.key)
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("VASTAI_NO_UPDATE_CHECK", "1")
            .env("COLUMNS", "240")
            .kill_on_drop(true)
            .output()
            .await
            .expect("vastai runs");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success()
                && !errors.contains("Traceback")
                && !errors.contains("\"error\""),
            "{words:?}: {output:?}"
        );
        output
    }

    async fn json(&self, words: &[&str]) -> Value {
        let output = self.run(words).await;
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{words:?}: {output:?}"))
    }

    async fn text(&self, words: &[&str]) -> String {
        let output = self.run(words).await;
        let text = stdout(&output);
        assert!(!text.contains("Failed with error"), "{words:?}: {text}");
        text
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_command_line_works_unchanged() {
    let Some(program) = program() else {
        eprintln!("skipped: no vastai program (set VASTAI_BIN)");
        return;
    };
    let bench = Bench::start().await;
    let cli = Cli { program, bench: &bench };
    let (file, line) = bench.ssh_key("id");

    let user = cli.json(&["show", "user", "--raw"]).await;
    assert!((user["credit"].as_f64().expect("credit") - 100.0).abs() < 0.01);
    cli.text(&["create", "ssh-key", &line]).await;
    assert!(cli.text(&["show", "ssh-keys"]).await.contains("ssh-ed25519"));

    let offers = cli
        .json(&[
            "search",
            "offers",
            "gpu_name=RTX_4090 num_gpus=1 reliability>0.9 cuda_vers>=12.1",
            "--raw",
            "-o",
            "dph_total",
            "--storage",
            "20",
        ])
        .await;
    assert!(offers.as_array().is_some_and(|offers| offers.len() > 3), "{offers}");
    let table = cli
        .text(&[
            "search",
            "offers",
            "gpu_name in [RTX_4090,RTX_5090] geolocation in [US,PL,DE,CA]",
            "--type",
            "bid",
            "--limit",
            "5",
        ])
        .await;
    assert!(table.contains("RTX_4090") || table.contains("RTX_5090"), "{table}");

    let offer = offers[0]["id"].to_string();
    let create = [
        "create",
        "instance",
        &offer,
        "--image",
        "ubuntu:22.04",
        "--disk",
        "20",
        "--ssh",
        "--direct",
        "--label",
        "lab",
    ];
    let more = [
        "--onstart-cmd",
        "echo onstart-was-here; touch /workspace/made",
        "--env",
        "-e A=B -p 8080:8080",
        "--raw",
    ];
    let made = cli.json(&[&create[..], &more[..]].concat()).await;
    assert_eq!(made["success"], true, "{made}");
    let id = made["new_contract"].as_u64().expect("a contract");
    let name = id.to_string();
    bench.until(id, "running", |row| row["actual_status"] == "running").await;

    let rows = cli.json(&["show", "instances", "--raw"]).await;
    assert_eq!((rows[0]["id"].as_u64(), rows[0]["label"].as_str()), (Some(id), Some("lab")));
    assert!(cli.text(&["show", "instances"]).await.contains(&name));
    assert_eq!(cli.text(&["show", "instances", "-q"]).await, name);
    let one = cli.json(&["show", "instance", &name, "--raw"]).await;
    assert_eq!(one["id"].as_u64().or_else(|| one["instances"]["id"].as_u64()), Some(id), "{one}");

    let url = cli.text(&["ssh-url", &name]).await;
    let row = bench.row(id).await;
    let port = row["ports"]["22/tcp"][0]["HostPort"].as_str().expect("a port");
    assert_eq!(
        url,
        format!("ssh://root@{}:{port}", row["public_ipaddr"].as_str().expect("an address"))
    );
    let wait =
        "for n in $(seq 100); do [ -e /workspace/made ] && break; sleep 0.05; done; ls /workspace";
    assert!(stdout(&ssh(&row, &file, wait).await).contains("made"));
    assert!(cli.text(&["logs", &name]).await.contains("onstart-was-here"));

    let other = bench.rent_running(json!({})).await;
    let target = format!("{other}:/workspace/");
    let said = cli.text(&["copy", &format!("{id}:/workspace/"), &target]).await;
    assert!(said.contains("Remote to Remote copy initiated"), "{said}");
    let row = bench.row(other).await;
    let wait =
        "for n in $(seq 200); do [ -e /workspace/made ] && break; sleep 0.05; done; ls /workspace";
    assert!(stdout(&ssh(&row, &file, wait).await).contains("made"));
    cli.text(&["cancel", "copy", &other.to_string()]).await;
    cli.text(&["destroy", "instance", &other.to_string(), "-y"]).await;

    cli.text(&["label", "instance", &name, "renamed"]).await;
    assert_eq!(bench.row(id).await["label"], "renamed");
    let (_, second) = bench.ssh_key("second");
    cli.text(&["attach", "ssh", &name, &second]).await;
    cli.text(&["reboot", "instance", &name]).await;
    bench.until(id, "running", |row| row["actual_status"] == "running").await;
    cli.text(&["stop", "instance", &name]).await;
    assert_eq!(bench.row(id).await["cur_state"], "stopped");
    cli.text(&["start", "instance", &name]).await;
    bench.until(id, "running", |row| row["actual_status"] == "running").await;
    let driver = cli
        .json(&[
            "search",
            "offers",
            "driver_version>=535.86.05 duration>3 gpu_ram>=20 verified=any",
            "--raw",
        ])
        .await;
    assert!(driver.as_array().is_some_and(|offers| offers.len() > 10), "{driver}");
    cli.text(&["show", "invoices-v1", "--charges", "-ct", "instance", "-f", "tree"]).await;
    cli.text(&["destroy", "instance", &name, "-y"]).await;
    assert!(bench.row(id).await.is_null());
    assert_eq!(cli.json(&["show", "instances", "--raw"]).await, json!([]));

    let bids = cli
        .json(&["search", "offers", "gpu_name=RTX_3090 num_gpus=1", "--raw", "--type", "bid"])
        .await;
    let price = bids[0]["min_bid"].as_f64().expect("a bid") * 1.1;
    let offer = bids[0]["id"].to_string();
    let made = cli
        .json(&[
            "create",
            "instance",
            &offer,
            "--image",
            "ubuntu:22.04",
            "--bid_price",
            &price.to_string(),
            "--raw",
        ])
        .await;
    let id = made["new_contract"].as_u64().expect("a contract");
    let name = id.to_string();
    bench.until(id, "running", |row| row["actual_status"] == "running").await;
    cli.text(&["change", "bid", &name, "--price", &(price * 2.0).to_string()]).await;
    assert!(
        (bench.row(id).await["dph_base"].as_f64().expect("a price") - price * 2.0).abs() < 1e-5
    );
    cli.text(&["destroy", "instance", &name, "-y"]).await;
    assert!(bench.list().await.is_empty());
}
