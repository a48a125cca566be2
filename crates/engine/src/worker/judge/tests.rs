use domain::notification::NewsKind;
use store::NotificationPage;

use super::*;
use crate::testing::{Bench, NOW};

/// What was told, oldest first.
async fn told(bench: &Bench) -> Vec<NewsKind> {
    let page = NotificationPage { before: None, unread: false, limit: 50 };
    let mut all = bench.context.store.notifications().list(&bench.user, page).await.expect("read");
    all.sort_by_key(|one| one.id);
    all.into_iter().map(|one| one.news.kind).collect()
}

/// Looks each second for so long.
async fn looks(bench: &Bench, judge: &mut Judge, of: &Association, seconds: i64) {
    let machine = bench.context.live.machine(&of.id);
    for _ in 0..seconds {
        bench.pass(1_000);
        judge.look(&bench.context, of, &machine).await.expect("judged");
    }
}

/// The machine answered at the beginning, and no try has succeeded since; nobody else can look.
fn falls_silent(bench: &Bench, of: &Association) {
    bench.context.live.machine(&of.id).see(|seen| {
        seen.ssh.able = true;
        seen.ssh.last_ok = Some(NOW);
        seen.ssh.failing_since = Some(NOW.plus(500));
    });
}

#[tokio::test]
async fn a_silence_that_nobody_can_judge_is_told_once_and_again_only_after_an_answer() {
    let bench = Bench::new().await;
    let of = bench.machine().await;
    bench.context.live.watch(&of.id);
    let mut judge = Judge::default();
    let patience = (VerdictPolicy::default().confirm_silent_after + UNJUDGED_MS) / 1_000;
    falls_silent(&bench, &of);
    looks(&bench, &mut judge, &of, patience - 1).await;
    assert_eq!(told(&bench).await, [], "it may be judged yet");
    looks(&bench, &mut judge, &of, 10).await;
    assert_eq!(told(&bench).await, [NewsKind::GpuSilent]);
    looks(&bench, &mut judge, &of, 600).await;
    assert_eq!(told(&bench).await, [NewsKind::GpuSilent], "told once, however long it lasts");
    // Another process takes the machine over: it tells nothing anew.
    let mut other = Judge::default();
    looks(&bench, &mut other, &of, patience + 30).await;
    assert_eq!(told(&bench).await, [NewsKind::GpuSilent]);

    let machine = bench.context.live.machine(&of.id);
    let now = bench.context.now();
    machine.see(|seen| (seen.ssh.last_ok, seen.ssh.failing_since) = (Some(now.plus(1_000)), None));
    looks(&bench, &mut other, &of, 1).await;
    looks(&bench, &mut other, &of, patience + 10).await;
    assert_eq!(told(&bench).await, [NewsKind::GpuSilent, NewsKind::GpuSilent], "a second silence");
}

#[tokio::test]
async fn a_silence_that_is_no_matter_is_not_told() {
    for what in ["never copied", "under way", "paused", "on its standby"] {
        let bench = Bench::new().await;
        let mut of = bench.machine().await;
        falls_silent(&bench, &of);
        match what {
            "never copied" => of.sync.complete_to = None,
            "under way" => of.active_failover = Some(domain::id::FailoverId::new("f")),
            "paused" => of.want_running = false,
            _ => of.serving = Serving::Standby,
        }
        looks(&bench, &mut Judge::default(), &of, 200).await;
        assert_eq!(told(&bench).await, [], "{what}");
    }
}
