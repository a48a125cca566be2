//! The user's commands, and the job that one of them leaves on the standby.

use std::time::{Duration, Instant};

use engine::data;

use super::rig::{DEADLINE, Rig, eventually};

fn env() -> Vec<(String, String)> {
    [("DUMONT_WORKSPACE", "/workspace"), ("DUMONT_MACHINE", "it's \"mine\"\n")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

#[tokio::test]
async fn a_command_is_one_argument_and_its_end_is_told() {
    let rig = Rig::new().await;
    rig.synced("1").await;
    let run = async |command: &str| {
        data::run_hook(&rig.standby.shell, command, &env(), DEADLINE).await.expect("it ran")
    };
    let done = run("pwd; printf '%s|' \"$DUMONT_MACHINE\" 'a  b'; echo wrong >&2; exit 3").await;
    assert_eq!(done.status, Some(3));
    assert_eq!(done.output, "/workspace\nit's \"mine\"\n|a  b|wrong\n");
    let long = run("for i in {1..3000}; do echo $i; done").await;
    assert_eq!((long.status, long.output.chars().count()), (Some(0), 4000));
    assert!(long.output.ends_with("2999\n3000\n"));
    assert_eq!(run("no-such-program").await.status, Some(127));
    assert_eq!(run("(").await.status, Some(2));
    assert_eq!(run("cat; echo it has no input").await.output, "it has no input\n");
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended_with_its_children() {
    let rig = Rig::new().await;
    let start = Instant::now();
    let limit = Duration::from_secs(1);
    let cut = data::run_hook(&rig.standby.shell, "echo begun; sleep 1000 & sleep 1001", &[], limit)
        .await
        .expect("told");
    assert_eq!((cut.status, cut.output.as_str()), (None, "begun\n"));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    eventually("nothing of it runs", async || {
        rig.standby.run("pgrep -x sleep || echo none").await == "none"
    })
    .await;
}

#[tokio::test]
async fn a_background_job_goes_on_and_is_held_let_go_and_ended() {
    let rig = Rig::new().await;
    rig.synced("1").await;
    // A plain child, one that left its session, and one that ignores a request to end.
    let command = "(while :; do date +%s%N > one; sleep 0.05; done) & \
        setsid nohup bash -c 'while :; do date +%s%N > two; sleep 0.05; done' & \
        (trap '' TERM; while :; do date +%s%N > three; sleep 0.05; done) & echo started";
    let start = Instant::now();
    let done = data::run_hook(&rig.standby.shell, command, &env(), DEADLINE).await.expect("it ran");
    assert_eq!((done.status, done.output.as_str()), (Some(0), "started\n"));
    assert!(start.elapsed() < Duration::from_secs(20), "it returns at once: {:?}", start.elapsed());
    let read = |name: &str| {
        std::fs::read_to_string(rig.standby.path(format!("/workspace/{name}"))).unwrap_or_default()
    };
    let all = || ["one", "two", "three"].map(read);
    let each_goes_on = async || {
        let before = all();
        eventually("each goes on", async || {
            all().iter().zip(&before).all(|(now, then)| now != then && !now.is_empty())
        })
        .await;
    };
    each_goes_on().await;
    assert!(data::freeze_writes(&rig.standby.shell).await.expect("held") >= 3);
    let held = all();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(all(), held);
    }
    data::thaw_writes(&rig.standby.shell).await.expect("let go");
    each_goes_on().await;
    data::freeze_writes(&rig.standby.shell).await.expect("held");
    data::end_standby_job(&rig.standby.shell).await.expect("ended");
    let ended = all();
    assert_eq!(
        rig.standby.run("grep -slz DUMONT_JOB=1 /proc/[0-9]*/environ || echo none").await,
        "none"
    );
    assert_eq!(all(), ended);
    assert_eq!(data::end_standby_job(&rig.standby.shell).await.expect("nothing to end"), 0);
}

#[tokio::test]
async fn a_command_is_begun_once_for_each_start_of_its_host() {
    let rig = Rig::new().await;
    rig.synced("1").await;
    let once = async |name: &str, command: &str, limit| {
        let env = env();
        let begun = engine::hooks::run_once(&rig.standby.shell, name, command, &env, limit);
        begun.await.expect("it ran")
    };
    let command = "echo \"it's $DUMONT_MACHINE\" >> begun; (sleep 1000 &) ; exit 3";
    let first = once("on_standby-a-2", command, DEADLINE).await;
    assert_eq!((first.status, first.output.as_str()), (Some(3), ""));
    // A restart in between: the step is done again, the command is not.
    let again = once("on_standby-a-2", command, DEADLINE).await;
    assert_eq!((again.status, again.output.as_str()), (Some(3), "dumont: it ran before\n"));
    assert_eq!(rig.standby.run("wc -l < /workspace/begun; pgrep -cx sleep").await, "2\n1");
    once("on_standby-a-3", command, DEADLINE).await;
    assert_eq!(rig.standby.run("pgrep -cx sleep").await, "2", "another move's own");

    // Cut off before its end: begun is begun, and how it ended is not claimed.
    let limit = Duration::from_secs(1);
    assert_eq!(once("cut", "sleep 1001", limit).await.status, None);
    let again = once("cut", "touch /workspace/twice", DEADLINE).await;
    assert_eq!(again.status, None);
    assert!(again.output.starts_with("dumont: it was begun before"), "{again:?}");
    assert_eq!(rig.standby.run("ls /workspace/twice 2>/dev/null || echo none").await, "none");

    let again = async |name: &str| {
        let env = env();
        let begun = engine::hooks::run_again(&rig.standby.shell, name, "echo anew", &env, DEADLINE);
        begun.await.expect("looked at").map(|ended| ended.output)
    };
    let logs = "ls /var/lib/dumont/hook-*.log";
    let kept = rig.standby.run(logs).await;
    for _ in 0..6 {
        assert_eq!(again("never-begun").await, None, "what nobody began is not begun again");
        assert_eq!(again("on_standby-a-2").await, None, "it goes on");
    }
    assert_eq!(rig.standby.run(logs).await, kept, "looking takes the place of no command's log");
    // The host has started since: what was begun is over, and it is begun again.
    rig.standby
        .run("cd /var/lib/dumont/begun && for d in on_standby-a-2-*; do mv \"$d\" \"$d-before\"; done")
        .await;
    assert_eq!(again("on_standby-a-2").await.as_deref(), Some("anew\n"));
    assert_eq!(again("on_standby-a-2").await, None);
}

#[tokio::test]
async fn a_command_is_begun_once_also_where_its_claim_can_not_be_written_to_disk() {
    let rig = Rig::new().await;
    rig.synced("1").await;
    rig.standby.run("rm -rf /var/lib/dumont/begun; touch /var/lib/dumont/begun").await;
    let once = async || {
        let env = env();
        let command = "echo one >> begun";
        let begun = engine::hooks::run_once(&rig.standby.shell, "full", command, &env, DEADLINE);
        begun.await.expect("it ran")
    };
    assert_eq!(once().await.status, Some(0));
    assert_eq!(once().await.output, "dumont: it ran before\n");
    assert_eq!(rig.standby.run("cat /workspace/begun").await, "one");
    // Nowhere at all: it is not begun, and that is what is told.
    rig.standby
        .run("rm -rf /run/dumont-begun /dev/shm/dumont-begun; touch /run/dumont-begun /dev/shm/dumont-begun")
        .await;
    let told = once().await;
    assert_eq!(told.status, Some(125));
    assert!(told.output.starts_with("dumont: not begun: nothing can be written"), "{told:?}");
    assert_eq!(rig.standby.run("cat /workspace/begun").await, "one");
}
