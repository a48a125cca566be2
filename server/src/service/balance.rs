//! The header balance: credit, what is being burnt, and how long it lasts.

use domain::gpu::{GpuInstance, GpuState, dearest_rate};
use domain::id::UserId;
use domain::money::MicroUsd;
use domain::view::balance::Balance;

use crate::{Dumont, Fault};

/// The balance. A provider that was never reached is an error, never zeros.
///
/// # Errors
/// No key, a refused key, or Vast.ai does not answer and never did.
pub async fn get(dumont: &Dumont, user: &UserId) -> Result<Balance, Fault> {
    let money = dumont.engine.balance(user).await?;
    let fleet = dumont.engine.instances(user).await.ok();
    let rates = fleet.as_ref().map(|fleet| running_rates(&fleet.instances));
    let burn = rates.as_ref().and_then(|rates| rates.iter().copied().sum::<Option<MicroUsd>>());
    let dearest = fleet.as_ref().and_then(|fleet| dearest_rate(&fleet.instances));
    Ok(Balance {
        credit: money.credit.map(MicroUsd::usd),
        balance: money.balance.map(MicroUsd::usd),
        balance_threshold: money.threshold.map(MicroUsd::usd),
        email: money.email,
        burn_per_hour: burn.map(MicroUsd::usd),
        hours_left: money.credit.zip(burn).and_then(|(credit, burn)| hours(credit, burn)),
        as_of: money.as_of.into(),
        stale_error: money.stale_error,
        low: money.credit.zip(dearest).map(|(credit, need)| credit < need),
    })
}

/// The rate of each instance that runs or is about to; `None` where it is unknown.
fn running_rates(instances: &[GpuInstance]) -> Vec<Option<MicroUsd>> {
    instances
        .iter()
        .filter(|one| !matches!(one.state(), GpuState::Stopped | GpuState::Preempted))
        .map(|one| one.usd_per_hour)
        .collect()
}

fn hours(credit: MicroUsd, burn: MicroUsd) -> Option<f64> {
    (burn.0 > 0).then(|| ((credit.usd() / burn.usd()).max(0.0) * 10.0).floor() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_left_are_rounded_down_and_unknown_when_nothing_runs() {
        assert_eq!(hours(MicroUsd(1_000_000), MicroUsd(300_000)), Some(3.3));
        assert_eq!(hours(MicroUsd(-5), MicroUsd(300_000)), Some(0.0));
        assert_eq!(hours(MicroUsd(1_000_000), MicroUsd::ZERO), None);
    }
}
