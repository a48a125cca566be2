//! An account with machines and a history of failovers, written through the store as the product
//! writes it. The same seed gives the same rows.

mod dice;
mod machine;
mod story;

use domain::failover::Kind;
use domain::id::UserId;
use domain::time::{DAY_MS, HOUR_MS, Millis};
use domain::verdict::Cause;
use serde_json::json;
use store::{StateKind, Store, StoreError};

use dice::Dice;
use story::{End, Teller};

/// Who holds the leases of what is made here: nobody that works.
const HOLDER: &str = "measure";

/// How much is made.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Machines with their standbys.
    pub machines: i64,
    /// Failovers of all kinds, over all machines.
    pub failovers: i64,
    /// Over how many days, up to now.
    pub days: i64,
    /// How many of them still go on, each on a machine of its own.
    pub open: i64,
}

/// Fills a user's account.
///
/// # Errors
/// As every query; `Conflict` where the account was filled before.
pub async fn fill(
    store: &Store,
    user: &UserId,
    size: &Size,
    seed: u64,
    now: Millis,
) -> Result<(), StoreError> {
    let mut dice = Dice::new(seed);
    let mut next_gpu = 40_000_000;
    let mut listed = Vec::new();
    // Held before there is anything to work on, and for as long as anybody measures.
    hold(store, &format!("account:{user}"), now).await?;
    for number in 0..size.machines {
        let born = now.plus(-(size.days + 1) * DAY_MS);
        let machine = machine::new(user, number, born, &mut dice);
        hold(store, &format!("machine:{}", machine.id), now).await?;
        store.associations().create(&machine).await?;
        let mut teller = Teller {
            store,
            machine: &machine,
            gpu: machine.gpu,
            epoch: machine.epoch,
            dice: &mut dice,
            next_gpu: &mut next_gpu,
        };
        let mut at = born;
        let own = share(size.failovers, size.machines, number);
        let pause = size.days * DAY_MS / own.max(1);
        for story in 0..own {
            // Spread over the days, the last one some minutes ago at the latest.
            let due = now.plus(-size.days * DAY_MS + story * pause);
            let due = due.plus(teller.dice.between(0, (pause - HOUR_MS).max(1)));
            at = due.max(at.plus(60_000)).min(now.plus(-HOUR_MS));
            let open = number < size.open && story + 1 == own;
            let (kind, cause, end) = plot(teller.dice, open);
            at = teller.tell(kind, cause, end, at).await?;
        }
        let (gpu, epoch) = (teller.gpu, teller.epoch);
        machine::measure(store, &machine, epoch, now, &mut dice).await?;
        listed.push(machine::listed(&machine, gpu, now, &mut dice));
    }
    let states = store.provider_states();
    states.put(user, StateKind::VastInstances, &json!(listed), true, now).await?;
    let money = json!({
        "id": 1_234_567, "email": "measured@example.org", "credit": 912_340_000_i64,
        "balance": 912_340_000_i64, "balance_threshold": 5_000_000, "can_pay": true,
    });
    states.put(user, StateKind::VastBalance, &money, true, now).await
}

async fn hold(store: &Store, name: &str, now: Millis) -> Result<(), StoreError> {
    store.leases().acquire(name, HOLDER, DAY_MS, now).await.map(drop)
}

/// The failovers of one machine, so that all together are as many as asked for.
const fn share(failovers: i64, machines: i64, number: i64) -> i64 {
    failovers / machines + if number < failovers % machines { 1 } else { 0 }
}

/// What happens next to a machine.
fn plot(dice: &mut Dice, open: bool) -> (Kind, Cause, End) {
    if open {
        return (Kind::Real, Cause::Outbid, End::Open);
    }
    let luck = dice.between(0, 100);
    let end = match luck {
        0..=93 => End::Complete,
        94..=97 => End::Failed,
        _ => End::Cancelled,
    };
    match dice.between(0, 100) {
        0..=54 => {
            let others = [
                Cause::Outbid,
                Cause::HostOffline,
                Cause::InstanceGone,
                Cause::Crashed,
                Cause::Silent,
            ];
            (Kind::Real, dice.pick(Cause::Outbid, &others), end)
        }
        55..=89 => (Kind::Drill, Cause::Drill, end),
        _ => (Kind::Planned, Cause::Manual, end),
    }
}
