use super::*;
use crate::testing::{Bench, NOW};

/// The wish that a GPU be stopped, of a failover, as it was listed.
async fn stop(bench: &Bench, gpu: &str) -> Disposal {
    let wanted = Disposal {
        id: DisposalId::new(format!("stop-{gpu}")),
        user: bench.user.clone(),
        provider: Provider::Vast,
        external_id: gpu.to_owned(),
        zone: String::new(),
        role: Role::OldGpu,
        failover: Some(domain::id::FailoverId::new("f")),
        association: None,
        wish: Wish::Stop,
        requested_at: NOW,
        attempts: 0,
        next_at: NOW,
        last_error: None,
        done_at: None,
        saved: None,
    };
    bench.context.store.disposals().request(&wanted).await.expect("asked")
}

#[tokio::test]
async fn a_wish_is_looked_at_again_before_it_is_tried() {
    let bench = Bench::new().await;
    let (context, disposals) = (&bench.context, bench.context.store.disposals());
    let kept = stop(&bench, "1").await;
    assert_eq!(still_due(context, &kept.id).await.expect("read"), Some(kept.clone()));
    let later = Disposal { wish: Wish::Destroy, next_at: NOW.plus(60_000), ..kept.clone() };
    let later = Disposal { id: DisposalId::new("destroy"), ..later };
    let stands = disposals.request(&later).await.expect("asked");
    assert_eq!(still_due(context, &kept.id).await.expect("read"), None, "kept for a while");
    bench.pass(60_000);
    assert_eq!(still_due(context, &kept.id).await.expect("read"), Some(stands), "as it is now");
    let withdrawn = stop(&bench, "2").await;
    let failover = withdrawn.failover.clone().expect("of one");
    disposals.withdraw_stop(&failover, "2").await.expect("taken back");
    assert_eq!(still_due(context, &withdrawn.id).await.expect("read"), None);
}

#[tokio::test]
async fn a_stop_that_was_seen_does_not_end_the_destroy_that_took_its_place() {
    let bench = Bench::new().await;
    let tried = stop(&bench, "1").await;
    let destroy = Disposal { wish: Wish::Destroy, ..tried.clone() };
    let stands = bench.context.store.disposals().request(&destroy).await.expect("asked");
    for ended in [Ok(true), Ok(false), Err(EngineError::NotFound("x"))] {
        let recorded = record(&bench.context, &tried, ended).await;
        let stale = matches!(&recorded, Err(EngineError::Store(StoreError::Stale { .. })));
        assert!(stale, "{recorded:?}");
    }
    overtaken(&bench.context, &tried).await.expect("nothing to undo");
    let now = bench.context.store.disposals().find(&tried.id).await.expect("read");
    assert_eq!(now, Some(stands));
}

#[tokio::test]
async fn a_stop_that_was_taken_back_while_it_was_sent_is_undone_where_the_gpu_is_wanted() {
    let bench = Bench::new().await;
    let machine = bench.machine().await;
    let gpu = machine.gpu.to_string();
    let tried = stop(&bench, &gpu).await;
    let failover = tried.failover.clone().expect("of one");
    bench.context.store.disposals().withdraw_stop(&failover, &gpu).await.expect("taken back");
    let started = overtaken(&bench.context, &tried).await;
    // This account has no key to start it with: that it was asked for shows in that.
    assert!(matches!(started, Err(EngineError::Credentials { .. })), "{started:?}");
    let associations = bench.context.store.associations();
    let paused = associations.pause(&bench.user, &machine.id, machine.epoch, machine.gpu);
    paused.await.expect("paused");
    overtaken(&bench.context, &tried).await.expect("its user wants it stopped");
}

#[test]
fn a_vm_whose_creation_nobody_saw_the_end_of_may_appear_yet() {
    assert!(!seen_before(None, Millis(5_000)));
    assert!(!seen_before(Some(Millis(5_000)), Millis(5_000)), "bound by being given up");
    assert!(seen_before(Some(Millis(1_000)), Millis(5_000)));
}

#[test]
fn retries_double_up_to_a_minute_and_respect_the_provider() {
    assert_eq!(retry_ms(0, None), 1_000);
    assert_eq!(retry_ms(3, None), 8_000);
    assert_eq!(retry_ms(60, None), 60_000);
    let limited = EngineError::Provider(ProviderError {
        provider: Provider::Vast,
        operation: "destroy".into(),
        class: ErrorClass::RateLimited { after_ms: 90_000 },
        message: String::new(),
        http_status: Some(429),
        created: None,
    });
    assert_eq!(retry_ms(0, Some(&limited)), 90_000);
}
