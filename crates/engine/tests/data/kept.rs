//! The same on real hosts where `dumont-agent` does it: put there, followed, taken over, restored, proven.

use std::fs;
use std::os::unix::fs::symlink;

use domain::id::Epoch;
use domain::point::Change;
use engine::data::{self, CycleOutcome, CycleReport, DataError, Keeper, Program, Progress};

use super::rig::{EPOCH, Host, Rig, START_UP, assert_same, chmod, nasty_names};

/// The program: the one that is named, or the one that the workspace's tests have built.
fn program() -> Program {
    let path = std::env::var_os("DUMONT_AGENT_PROGRAM").map_or_else(
        || {
            let own = std::env::current_exe().expect("a path");
            let built =
                own.ancestors().nth(2).expect("target/debug/deps/test").join("dumont-agent");
            if !built.is_file() {
                let built = std::process::Command::new(env!("CARGO"))
                    .args(["build", "--quiet", "--package", "agent", "--bin", "dumont-agent"])
                    .status()
                    .expect("cargo runs");
                assert!(built.success(), "dumont-agent can't be built");
            }
            built
        },
        Into::into,
    );
    Program::new(fs::read(path).expect("dumont-agent is built"))
}

struct Kept {
    rig: Rig,
    program: Program,
    on_gpu: String,
    keeper: Keeper,
}

impl Kept {
    async fn new(workspace: &str) -> Self {
        let rig = Rig::at(workspace).await;
        let program = program();
        let on_gpu = program.put(&rig.gpu.shell).await.expect("it runs on the GPU");
        let keeper = keeper(&rig, &program).await;
        Self { rig, program, on_gpu, keeper }
    }

    async fn cycle(&mut self) -> Result<CycleReport, DataError> {
        let request = self.rig.request("1");
        let key = self.rig.gpu.shell.host_key();
        self.keeper.cycle(&request, &self.on_gpu, key, &mut |_| {}, &mut |_| {}).await
    }

    async fn synced(&mut self) -> CycleReport {
        let report = self.cycle().await.expect("a report");
        assert_eq!(report.outcome, CycleOutcome::Ok);
        report
    }

    /// Brings a point to a GPU; what the proof says then.
    async fn brought(&mut self, point: i64, gpu: &Host) -> domain::failover::VerifyOutput {
        let there = self.program.put(&gpu.shell).await.expect("it runs there");
        let standby = &self.rig.standby.shell;
        data::reach(standby, &gpu.at, gpu.shell.host_key()).await.expect("known");
        let sent = self
            .keeper
            .restore((point, None), &there, &self.rig.workspace, &mut |_| {}, &mut |_| {})
            .await
            .expect("restored");
        assert_eq!(sent.troubles, 0, "{:?}", sent.words);
        self.keeper.prove(point, &there, &self.rig.workspace, &|_| {}).await.expect("compared")
    }
}

async fn keeper(rig: &Rig, program: &Program) -> Keeper {
    let there = program.put(&rig.standby.shell).await.expect("it runs on the standby");
    Keeper::start(&rig.standby.shell, &there, &rig.workspace).await.expect("started")
}

#[tokio::test]
async fn any_name_and_any_kind_of_entry_arrives_and_is_proven_on_a_new_gpu() {
    let mut kept = Kept::new("/work's place/ação").await;
    let root = std::path::PathBuf::from(&kept.rig.workspace);
    for (number, name) in nasty_names().into_iter().enumerate() {
        kept.rig.gpu.write(root.join(&name), number.to_string());
        kept.rig.gpu.write(root.join("deep").join(&name).join(&name), number.to_string());
    }
    let at = |rig: &Rig, name: &str| rig.gpu.path(root.join(name));
    symlink("/nowhere/at all\n", at(&kept.rig, "dangling")).expect("made");
    fs::create_dir_all(at(&kept.rig, "empty/folder")).expect("made");
    fs::write(at(&kept.rig, "secret"), "x").expect("written");
    chmod(&at(&kept.rig, "secret"), 0o400);
    fs::write(at(&kept.rig, "large"), vec![7; 5_000_000]).expect("written");
    fs::hard_link(at(&kept.rig, "large"), at(&kept.rig, "again")).expect("linked");
    let report = kept.synced().await;
    kept.rig.assert_same();
    let names = i64::try_from(nasty_names().len()).expect("few");
    assert_eq!(report.files_total, 2 * names + 4);
    let again = kept.synced().await;
    assert_eq!((again.files_total, again.bytes_sent > 4_000_000), (report.files_total, false));

    let pinned = kept.keeper.pin("drill-1").await.expect("pinned");
    let new = kept.rig.new_gpu("new").await;
    new.write(root.join("of the image"), "goes");
    let proof = kept.brought(pinned.id, &new).await;
    assert_eq!((proof.verified, proof.mismatched_count), (report.files_total, 0), "{proof:?}");
    assert_same(&kept.rig.gpu.tree(&root), &new.tree(&root));
    kept.keeper.unpin("drill-1").await.expect("let go");
}

#[tokio::test]
async fn work_on_the_standby_goes_to_the_new_gpu_and_a_flipped_bit_there_is_found() {
    let mut kept = Kept::new("/workspace").await;
    kept.rig.gpu.write("/workspace/model", vec![1; 300_000]);
    kept.rig.gpu.write("/workspace/log", "step 1\n");
    kept.synced().await;
    let mut taking = keeper(&kept.rig, &kept.program).await;
    let taken = taking.take_over(EPOCH.next()).await.expect("taken over");
    assert_eq!((taken.files, taken.bytes), (2, 300_007));
    kept.keeper = taking;
    kept.rig.standby.write("/workspace/log", "step 1\nstep 2 on the standby\n");
    let point = kept.keeper.own(EPOCH.next(), false).await.expect("a point");
    let new = kept.rig.new_gpu("new").await;
    let proof = kept.brought(point.id, &new).await;
    assert_eq!((proof.verified, proof.mismatched_count), (2, 0));
    assert_same(&kept.rig.standby.tree("/workspace"), &new.tree("/workspace"));
    // Only what is new since, under the freeze.
    kept.rig.standby.write("/workspace/log", "step 3\n");
    let later = kept.keeper.own(EPOCH.next(), false).await.expect("a point");
    let there = kept.program.put(&new.shell).await.expect("it is there");
    let between = (later.id, Some(point.id));
    let sent = kept
        .keeper
        .restore(between, &there, "/workspace", &mut |_| {}, &mut |_| {})
        .await
        .expect("sent");
    assert_eq!((sent.output.files, sent.output.bytes, sent.troubles), (1, 7, 0));
    let path = new.path("/workspace/model");
    let time = fs::metadata(&path).and_then(|meta| meta.modified()).expect("a time");
    let mut bytes = fs::read(&path).expect("read");
    bytes[200_000] ^= 1;
    fs::write(&path, bytes).expect("written");
    let file = fs::File::options().write(true).open(&path).expect("open");
    file.set_modified(time).expect("time set");
    let proof = kept.keeper.prove(later.id, &there, "/workspace", &|_| {}).await.expect("compared");
    assert_eq!(proof.mismatched, ["model"]);
}

#[tokio::test]
async fn a_gpu_gets_exactly_what_going_back_changed_and_keeps_the_rest() {
    let mut kept = Kept::new("/workspace").await;
    kept.rig.gpu.write("/workspace/runs/a", "one");
    kept.rig.gpu.write("/workspace/runs/c", "c");
    kept.rig.gpu.write("/workspace/other", "o1");
    kept.synced().await;
    let first = kept.keeper.points(10).await.expect("listed").listed[0];
    kept.rig.gpu.write("/workspace/runs/a", "two and more");
    kept.rig.gpu.write("/workspace/runs/b", "b");
    fs::remove_file(kept.rig.gpu.path("/workspace/runs/c")).expect("removed");
    kept.rig.gpu.write("/workspace/other", "o2");
    let before = kept.synced().await.kept.and_then(|kept| kept.point).expect("a point");
    let found = kept.keeper.difference(first.id, "runs").await.expect("compared");
    let change = Change { added: 1, changed: 1, removed: 1, bytes: 4 };
    assert_eq!((found.change, found.missing), (change, 0));
    // Written since, at other paths: nobody goes back for these.
    kept.rig.gpu.write("/workspace/late", "late");
    let made = kept.keeper.go_back(EPOCH, first.id, "runs").await.expect("put back");
    let made = made.expect("something changed").id;
    let gpu = &kept.rig.gpu;
    data::reach(&kept.rig.standby.shell, &gpu.at, gpu.shell.host_key()).await.expect("known");
    for _ in 0..2 {
        let sent = kept
            .keeper
            .restore((made, Some(before)), &kept.on_gpu, "/workspace", &mut |_| {}, &mut |_| {})
            .await
            .expect("brought");
        assert_eq!(sent.troubles, 0, "{:?}", sent.words);
    }
    let read = |path: &str| fs::read_to_string(kept.rig.gpu.path(path)).ok();
    assert_eq!(read("/workspace/runs/a").as_deref(), Some("one"));
    assert_eq!(read("/workspace/runs/c").as_deref(), Some("c"));
    assert_eq!(read("/workspace/runs/b"), None);
    assert_eq!(read("/workspace/other").as_deref(), Some("o2"));
    assert_eq!(read("/workspace/late").as_deref(), Some("late"));
    let none = kept.keeper.go_back(EPOCH, 999, "").await;
    assert!(matches!(none, Err(DataError::NoPoint(999))), "{none:?}");
    // The next sync finds both alike, and what came meanwhile.
    let report = kept.synced().await;
    assert_eq!((report.files_deleted, report.files_total), (0, 4));
    kept.rig.assert_same();
}

#[tokio::test]
async fn who_was_fenced_off_changes_nothing_whichever_way_it_comes() {
    let mut kept = Kept::new("/workspace").await;
    kept.rig.gpu.write("/workspace/file", "good");
    kept.synced().await;
    // The scripts' takeover shuts the keeper out, and the keeper's shuts the scripts out.
    let standby = kept.rig.standby.shell.clone();
    data::takeover(&standby, "/workspace", EPOCH.next()).await.expect("taken over");
    kept.rig.gpu.write("/workspace/file", "written by a zombie");
    let stale = kept.cycle().await;
    let four = Epoch(4);
    assert!(
        matches!(stale, Err(DataError::StaleEpoch { asked: EPOCH, recorded }) if recorded == four),
        "{stale:?}"
    );
    kept.keeper.take_over(Epoch(5)).await.expect("taken over");
    let stale = kept.rig.cycle("2").await;
    assert!(matches!(stale, Err(DataError::StaleEpoch { recorded: Epoch(5), .. })), "{stale:?}");
    assert_eq!(fs::read(kept.rig.standby.path("/workspace/file")).expect("read"), b"good");
    let trusted =
        data::trust_gpu(&standby, &kept.rig.gpu.at, kept.rig.gpu.shell.host_key(), Epoch(5));
    trusted.await.expect("trusted");
    let stale = kept.cycle().await;
    assert!(matches!(stale, Err(DataError::StaleEpoch { .. })), "{stale:?}");
}

#[tokio::test]
async fn a_copy_that_rsync_made_is_taken_over_without_sending_it_again() {
    let mut kept = Kept::new("/workspace").await;
    kept.rig.gpu.write("/workspace/large", vec![3; 8 << 20]);
    kept.rig.gpu.write("/workspace/small", "s");
    kept.rig.synced("1").await;
    let report = kept.synced().await;
    assert!(report.bytes_sent < 1_000_000, "{report:?}");
    kept.rig.assert_same();
    // And back: rsync finds the same copy.
    let report = kept.rig.synced("2").await;
    assert_eq!((report.files_sent, report.files_deleted), (0, 0));
}

#[tokio::test]
async fn a_mass_deletion_is_held_back_by_name_and_comes_back_from_the_copy() {
    let mut kept = Kept::new("/workspace").await;
    for number in 0..60 {
        kept.rig.gpu.write(format!("/workspace/runs/{number}"), format!("run {number}"));
        kept.rig.gpu.write(format!("/workspace/kept/{number}"), format!("kept {number}"));
    }
    kept.synced().await;
    fs::remove_dir_all(kept.rig.gpu.path("/workspace/runs")).expect("removed");
    let report = kept.cycle().await.expect("a report");
    let CycleOutcome::Frozen { would_delete, of, deletions: Some(held) } = report.outcome else {
        panic!("not stopped: {report:?}")
    };
    assert_eq!((would_delete, of, held.files, held.folders), (60, 120, 60, 1));
    assert!(held.listed.iter().any(|one| one.path == "runs/7" && one.bytes == Some(5)));
    let (gpu, standby) = (&kept.rig.gpu, &kept.rig.standby);
    data::bring_back(&standby.shell, &gpu.at, "/workspace", EPOCH, &held.digest)
        .await
        .expect("brought back");
    assert_same(&gpu.tree("/workspace"), &standby.tree("/workspace"));
    // A rename of most of it is none.
    fs::rename(gpu.path("/workspace/runs"), gpu.path("/workspace/runs-old")).expect("renamed");
    kept.synced().await;
    kept.rig.assert_same();
}

#[tokio::test]
async fn figures_are_told_as_it_goes() {
    let mut kept = Kept::new("/workspace").await;
    for number in 0..20 {
        kept.rig.gpu.write(format!("/workspace/{number}"), vec![7; 100_000]);
    }
    let (mut pending, mut sent) = (Vec::new(), Vec::new());
    let request = kept.rig.request("1");
    let key = kept.rig.gpu.shell.host_key();
    kept.keeper
        .cycle(&request, &kept.on_gpu, key, &mut |all| pending.push(all), &mut |now| sent.push(now))
        .await
        .expect("a report");
    assert_eq!(pending, [Progress { files: 20, bytes: 2_000_000 }]);
    assert_eq!(sent.last(), Some(&Progress { files: 20, bytes: 2_000_000 }));
}

#[tokio::test]
async fn a_workspace_that_is_missing_is_told_and_a_gpu_that_dies_leaves_the_copy() {
    let mut kept = Kept::new("/workspace").await;
    kept.rig.gpu.write("/workspace/file", "x");
    kept.synced().await;
    let before = kept.rig.standby.tree("/workspace");
    fs::remove_dir_all(kept.rig.gpu.path("/workspace")).expect("removed");
    let report = kept.cycle().await.expect("a report");
    assert_eq!(report.outcome, CycleOutcome::SourceMissing);
    kept.rig.hosts.kill(&kept.rig.gpu.id).await.expect("killed");
    assert!(kept.cycle().await.is_err());
    assert_eq!(kept.rig.standby.tree("/workspace"), before);
}

#[tokio::test]
async fn the_program_is_put_where_programs_run_and_only_once() {
    let rig = Rig::new().await;
    let program = program();
    // What a login shell says is no answer, and the first folders can't be used.
    rig.gpu.write(START_UP, "echo welcome; echo program=/bin/false\n");
    rig.gpu.write("/var/lib/dumont/bin", "a file where a folder would be");
    let path = program.put(&rig.gpu.shell).await.expect("it runs");
    assert!(path.starts_with("/opt/dumont/dumont-agent-"), "{path}");
    let at = || fs::metadata(rig.gpu.path(&path)).and_then(|meta| meta.modified()).expect("there");
    let first = at();
    assert_eq!(program.put(&rig.gpu.shell).await.expect("again"), path);
    assert_eq!(at(), first, "it is not sent again");
    // One that was spoiled is found out.
    fs::write(rig.gpu.path(&path), "spoiled").expect("written");
    assert_eq!(program.put(&rig.gpu.shell).await.expect("mended"), path);
    assert!(fs::metadata(rig.gpu.path(&path)).expect("there").len() > 1_000_000);
    // What is no program for this host is said to be none.
    let other = Program::new(&b"\x7fELF of another machine"[..]);
    let unfit = other.put(&rig.gpu.shell).await;
    assert!(matches!(unfit, Err(DataError::Unfit(_))), "{unfit:?}");
}

#[tokio::test]
async fn a_host_that_is_slow_is_not_said_to_be_unable() {
    let rig = Rig::new().await;
    let program = program();
    // What `exec zsh` in a start-up file does, and what a host that swaps looks like from here.
    rig.gpu.write(START_UP, "exec sleep 3600\n");
    let impatient = program.clone().patient(std::time::Duration::from_millis(700));
    let silent = impatient.put(&rig.gpu.shell).await;
    assert!(matches!(silent, Err(DataError::Silent(_))), "silence is no verdict: {silent:?}");
    fs::remove_file(rig.gpu.path(START_UP)).expect("removed");
    program.put(&rig.gpu.shell).await.expect("it runs");
}

#[tokio::test]
async fn what_is_not_in_the_copy_is_told_by_name_and_reason() {
    let mut kept = Kept::new("/workspace").await;
    kept.rig.gpu.write("/workspace/file", "x");
    let whole = kept.synced().await.kept.expect("the keeper knows").gaps;
    // A first sync may be over before all processes were asked what they have open.
    let whole = domain::gaps::Gaps { sight: None, ..whole };
    assert_eq!(whole, domain::gaps::Gaps::default());
    // Open, and written to in place and not at its end: it never holds still.
    let job = "exec 8<>/workspace/best.pt; head -c 300000 /dev/zero >&8; (while :; do printf x | dd of=/workspace/best.pt bs=1 seek=$((RANDOM)) conv=notrunc status=none; done) <&- >/dev/null 2>&1 & disown";
    kept.rig.gpu.run(job).await;
    let gaps = kept.synced().await.kept.expect("the keeper knows").gaps;
    assert_eq!(gaps.of(domain::gaps::GapReason::InFlux), 1, "{gaps:?}");
    assert_eq!(gaps.lost(), 1);
    assert_eq!(gaps.listed[0].path, "best.pt");
    assert!(gaps.listed[0].since.is_some());
}

#[tokio::test]
async fn what_rsync_wrote_while_no_keeper_looked_is_in_the_next_point() {
    let mut kept = Kept::new("/workspace").await;
    kept.rig.gpu.write("/workspace/file", "first");
    kept.synced().await;
    drop(kept.keeper);
    // The other way, and then another hand on the same content: size and time as they were.
    kept.rig.gpu.write("/workspace/file", "other");
    kept.rig.synced("2").await;
    let copy = kept.rig.standby.path("/workspace/file");
    fs::write(&copy, "wrong").expect("written");
    kept.keeper = keeper(&kept.rig, &kept.program).await;
    let request = kept.rig.request("3");
    let key = kept.rig.gpu.shell.host_key();
    let report = kept
        .keeper
        .cycle(&request, &kept.on_gpu, key, &mut |_| {}, &mut |_| {})
        .await
        .expect("a report");
    assert_eq!(report.outcome, CycleOutcome::Ok);
    assert_eq!(fs::read(&copy).expect("read"), b"other", "called whole, it is what the GPU has");
}

#[tokio::test]
async fn what_a_gpu_that_was_left_alone_has_is_saved_beside_a_copy_that_is_kept() {
    let mut kept = Kept::new("/workspace").await;
    kept.rig.gpu.write("/workspace/same", "same");
    kept.synced().await;
    kept.keeper.take_over(EPOCH.next()).await.expect("taken over");
    kept.rig.gpu.write("/workspace/only-here", "the best checkpoint");
    let gpu = &kept.rig.gpu;
    let hold = async |what| {
        data::hold_left(&gpu.shell, "/workspace", "f-1", what).await.expect("it answers")
    };
    hold(data::Hold::Mark).await;
    let standby = &kept.rig.standby;
    let late = data::fetch_late(&standby.shell, "/workspace", "f-1", &gpu.at, gpu.shell.host_key());
    let late = late.await.expect("fetched");
    assert_eq!((late.files, late.bytes), (1, 19));
    assert!(hold(data::Hold::Look).await);
    let saved = standby.tree(&late.path);
    assert_eq!(saved[&b"only-here"[..]].content, b"the best checkpoint");
}
