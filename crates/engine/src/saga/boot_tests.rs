use domain::failover::{Failover, Intent, Kind, Outcome};
use domain::id::{Epoch, IntentId};
use domain::money::MicroUsd;
use domain::provider::Provider;
use domain::verdict::Cause;

use super::*;
use crate::testing::{Bench, NOW};

/// A failover that has bought GPU 7.
struct Bought {
    bench: Bench,
    failover: Failover,
    row: StepRow,
    buy: BuyOutput,
}

async fn bought() -> Bought {
    let bench = Bench::new().await;
    let of = bench.machine().await;
    let failover = bench.failover(&of, Kind::Real, Cause::Silent).await;
    let store = &bench.context.store;
    let row = store.steps().begin(&failover.id, StepName::Boot, 0, NOW).await.expect("begun");
    let intent = Intent {
        id: IntentId::new("i"),
        user: of.user.clone(),
        failover: Some(failover.id.clone()),
        association: Some(of.id.clone()),
        provider: Provider::Vast,
        epoch: of.epoch,
        label: "dumont-x-i".into(),
        zone: String::new(),
        project: None,
        left_out: Vec::new(),
        offer: Some(1),
        machine_id: Some(2),
        usd_per_hour: MicroUsd(1),
        state: IntentState::Open,
        external_id: None,
        created_at: NOW,
        changed_at: NOW,
        bound_at: None,
        gone_at: None,
        error: None,
    };
    store.intents().open(&intent).await.expect("recorded");
    store.intents().bind(&intent.id, "7", Epoch(1), NOW).await.expect("bound");
    let buy = BuyOutput { intent: Some(intent.id), gpu: Some(GpuId(7)), ..BuyOutput::default() };
    Bought { bench, failover, row, buy }
}

impl Bought {
    /// How giving it back ends, and how many GPUs are to be destroyed by it.
    async fn give_back(&self) -> (Outcome, usize) {
        let store = &self.bench.context.store;
        let of = store.associations().find(&self.failover.association).await.expect("read");
        let run = Run {
            context: &self.bench.context,
            failover: &self.failover,
            association: &of.expect("there"),
            rows: std::slice::from_ref(&self.row),
            row: &self.row,
        };
        let end = give_back(&run, &self.buy, "no good", 0).await.unwrap_or_else(|end| end);
        let wishes = store.disposals().pending(&self.failover.user).await.expect("read");
        (end.outcome, wishes.len())
    }
}

#[tokio::test]
async fn a_candidate_that_is_no_good_is_given_back_once() {
    let bought = bought().await;
    assert_eq!(bought.give_back().await, (Outcome::NextRound, 1));
    // A restart in between finds it on its way out, later gone.
    assert_eq!(bought.give_back().await, (Outcome::NextRound, 1));
    let store = &bought.bench.context.store;
    let wish = store.disposals().pending(&bought.failover.user).await.expect("read").remove(0);
    store.disposals().done(&wish.id, Wish::Destroy, NOW).await.expect("gone");
    assert_eq!(bought.give_back().await, (Outcome::NextRound, 0));
}

#[tokio::test]
async fn a_candidate_that_its_user_destroyed_is_followed_by_another() {
    let bought = bought().await;
    let intent = bought.buy.intent.clone().expect("bought");
    bought.bench.context.store.intents().gone(&intent, NOW).await.expect("destroyed");
    assert_eq!(bought.give_back().await, (Outcome::NextRound, 0));
}

#[tokio::test]
async fn a_candidate_that_serves_by_now_is_no_candidate() {
    let bought = bought().await;
    let intent = bought.buy.intent.clone().expect("bought");
    bought.bench.context.store.intents().adopt(&intent, NOW).await.expect("it serves");
    assert_eq!(bought.give_back().await, (Outcome::Failed, 0));
}
