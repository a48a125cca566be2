//! How much is bought without a person's word.
//!
//! A failover that finds no GPU that works would buy one after the other, and each bills. So its purchases
//! are counted, and those of its account within a day, in number and in what they cost an hour. A purchase
//! with no clear answer counts as bought. Where the count is full, the failover waits for a person.

use serde::{Deserialize, Serialize};

use crate::failover::{Intent, IntentState, Kind, Options};
use crate::id::FailoverId;
use crate::money::MicroUsd;
use crate::provider::Provider;
use crate::time::{DAY_MS, HOUR_MS, Millis};
use crate::verdict::Cause;

/// How long a physical machine is avoided that failed an account, ms.
pub const AVOIDED_MS: i64 = 6 * HOUR_MS;

/// The most that is bought without a person's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// GPUs in one failover.
    pub per_failover: i64,
    /// What the GPUs of one failover cost an hour, together.
    pub usd_per_failover: MicroUsd,
    /// GPUs in one account within a day, by failovers, moves and drills.
    pub per_day: i64,
    /// What they cost an hour, together.
    pub usd_per_day: MicroUsd,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_failover: 5,
            usd_per_failover: MicroUsd(50_000_000),
            per_day: 100,
            usd_per_day: MicroUsd(300_000_000),
        }
    }
}

impl Limits {
    /// What one failover may buy within. Drills and moves that another account begins get half of a day at
    /// most: nobody who may operate one machine uses up what a lost one of the same owner needs. A loss has
    /// all of it, whoever noticed it.
    #[must_use]
    pub fn of(self, kind: Kind, options: &Options) -> Self {
        if kind == Kind::Real || !options.by_grantee {
            return self;
        }
        Self { per_day: self.per_day / 2, usd_per_day: MicroUsd(self.usd_per_day.0 / 2), ..self }
    }
}

/// Purchases, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bought {
    /// How many.
    pub count: i64,
    /// What they cost an hour, together.
    pub usd: MicroUsd,
}

impl Bought {
    const fn and(self, usd_per_hour: MicroUsd) -> Self {
        Self { count: self.count.saturating_add(1), usd: self.usd.plus(usd_per_hour) }
    }
}

/// What was bought already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// By this failover.
    pub failover: Bought,
    /// By all of the account within a day, this one's among them.
    pub day: Bought,
    /// Up to how many purchases of this failover a person has agreed to, whatever the limits say.
    pub agreed: i64,
}

impl Ledger {
    /// Counts the purchases of an account.
    #[must_use]
    pub fn of(intents: &[Intent], failover: &FailoverId, agreed: i64, now: Millis) -> Self {
        let counted = |one: &&Intent| {
            one.provider == Provider::Vast
                && one.failover.is_some()
                // A clear no bought nothing. Anything else may have.
                && one.state != IntentState::Refused
        };
        let mut ledger = Self { agreed, ..Self::default() };
        for one in intents.iter().filter(counted) {
            if one.failover.as_ref() == Some(failover) {
                ledger.failover = ledger.failover.and(one.usd_per_hour);
            }
            if now.since(one.created_at) < DAY_MS {
                ledger.day = ledger.day.and(one.usd_per_hour);
            }
        }
        ledger
    }

    /// Whether a person has agreed to one more.
    #[must_use]
    pub const fn has_word(&self) -> bool {
        self.failover.count < self.agreed
    }

    /// The limit that one more GPU at this price would break, if any does.
    #[must_use]
    pub fn full(&self, limits: &Limits, price: MicroUsd) -> Option<Full> {
        let Self { failover, day, .. } = *self;
        if self.has_word() {
            return None;
        }
        let money = |bought: Bought, most: MicroUsd| {
            (bought.usd.plus(price) > most).then(|| (bought.usd.usd(), price.usd(), most.usd()))
        };
        if failover.count >= limits.per_failover {
            let (bought, most) = (failover.count, limits.per_failover);
            return Some(Full::GpusPerFailover { bought, most });
        }
        if let Some((bought, price, most)) = money(failover, limits.usd_per_failover) {
            return Some(Full::UsdPerFailover { bought, price, most });
        }
        if day.count >= limits.per_day {
            return Some(Full::GpusPerDay { bought: day.count, most: limits.per_day });
        }
        let (bought, price, most) = money(day, limits.usd_per_day)?;
        Some(Full::UsdPerDay { bought, price, most })
    }
}

/// The limit that keeps a failover from buying. Money is USD per hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "limit", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Full {
    /// GPUs of this failover.
    GpusPerFailover {
        /// Bought by it.
        bought: i64,
        /// The limit.
        most: i64,
    },
    /// What the GPUs of this failover cost an hour.
    UsdPerFailover {
        /// Those bought by it.
        bought: f64,
        /// The next one.
        price: f64,
        /// The limit.
        most: f64,
    },
    /// GPUs of the account within a day.
    GpusPerDay {
        /// Bought.
        bought: i64,
        /// The limit.
        most: i64,
    },
    /// What the GPUs that the account bought within a day cost an hour.
    UsdPerDay {
        /// Those bought.
        bought: f64,
        /// The next one.
        price: f64,
        /// The limit.
        most: f64,
    },
}

/// Whether a loss speaks against the physical machine: being outbid does not, nor does a person's wish.
#[must_use]
pub const fn blames_the_machine(cause: Cause) -> bool {
    match cause {
        Cause::HostOffline | Cause::InstanceGone | Cause::Crashed | Cause::Silent => true,
        Cause::Outbid | Cause::Manual | Cause::Drill => false,
    }
}

impl Full {
    /// How full it is, in English.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::GpusPerFailover { bought, most } => {
                format!("{bought} of {most} for this failover")
            }
            Self::GpusPerDay { bought, most } => format!("{bought} of {most} within 24 hours"),
            Self::UsdPerFailover { bought, price, most } => format!(
                "those of this failover cost ${bought:.2} an hour, one more ${price:.2}, and ${most:.2} are allowed"
            ),
            Self::UsdPerDay { bought, price, most } => format!(
                "those of 24 hours cost ${bought:.2} an hour, one more ${price:.2}, and ${most:.2} are allowed"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Epoch, IntentId, UserId};

    fn bought(failover: Option<&str>, state: IntentState, usd: i64, at: i64) -> Intent {
        Intent {
            id: IntentId::new("i"),
            user: UserId::new("u"),
            failover: failover.map(FailoverId::new),
            association: None,
            provider: Provider::Vast,
            epoch: Epoch(1),
            label: "l".into(),
            zone: String::new(),
            project: None,
            left_out: Vec::new(),
            offer: Some(1),
            machine_id: None,
            usd_per_hour: MicroUsd(usd),
            state,
            external_id: None,
            created_at: Millis(at),
            changed_at: Millis(at),
            bound_at: None,
            gone_at: None,
            error: None,
        }
    }

    const NOW: Millis = Millis(10 * DAY_MS);

    fn ledger(intents: &[Intent]) -> Ledger {
        Ledger::of(intents, &FailoverId::new("f"), 0, NOW)
    }

    #[test]
    fn what_may_have_been_bought_counts_and_a_clear_no_does_not() {
        for state in IntentState::ALL {
            let counted = ledger(&[bought(Some("f"), *state, 7, NOW.0)]);
            let expected = i64::from(*state != IntentState::Refused);
            assert_eq!(
                (counted.failover.count, counted.day.count),
                (expected, expected),
                "{state}"
            );
            assert_eq!(counted.failover.usd, MicroUsd(7 * expected), "{state}");
        }
    }

    #[test]
    fn rentals_by_hand_and_standbys_are_no_failovers_purchases() {
        let mut vm = bought(Some("f"), IntentState::Bound, 7, NOW.0);
        vm.provider = Provider::Gcp;
        let rental = bought(None, IntentState::Bound, 7, NOW.0);
        assert_eq!(ledger(&[vm, rental]), Ledger::default());
    }

    #[test]
    fn a_failover_counts_all_of_its_own_and_a_day_what_is_not_older() {
        let intents = [
            bought(Some("f"), IntentState::Gone, 1, NOW.0 - DAY_MS),
            bought(Some("f"), IntentState::Gone, 2, NOW.0 - DAY_MS + 1),
            bought(Some("g"), IntentState::Adopted, 4, NOW.0),
        ];
        let counted = ledger(&intents);
        assert_eq!(counted.failover, Bought { count: 2, usd: MicroUsd(3) });
        assert_eq!(counted.day, Bought { count: 2, usd: MicroUsd(6) });
    }

    #[test]
    fn each_limit_stops_the_purchase_that_would_break_it_and_none_before() {
        let limits = Limits {
            per_failover: 3,
            usd_per_failover: MicroUsd(1_000_000),
            per_day: 6,
            usd_per_day: MicroUsd(2_000_000),
        };
        let at = |failover: (i64, i64), day: (i64, i64), price| {
            let bought = |(count, usd)| Bought { count, usd: MicroUsd(usd) };
            let ledger = Ledger { failover: bought(failover), day: bought(day), agreed: 0 };
            ledger.full(&limits, MicroUsd(price))
        };
        assert_eq!(at((2, 600_000), (5, 1_600_000), 400_000), None);
        assert_eq!(at((3, 0), (3, 0), 0), Some(Full::GpusPerFailover { bought: 3, most: 3 }));
        assert_eq!(
            at((1, 600_000), (1, 600_000), 500_000),
            Some(Full::UsdPerFailover { bought: 0.6, price: 0.5, most: 1.0 })
        );
        assert_eq!(at((0, 0), (6, 0), 1), Some(Full::GpusPerDay { bought: 6, most: 6 }));
        assert_eq!(
            at((0, 0), (5, 1_900_000), 200_000),
            Some(Full::UsdPerDay { bought: 1.9, price: 0.2, most: 2.0 })
        );
    }

    #[test]
    fn a_persons_word_is_good_for_one_more() {
        let limits = Limits { per_failover: 1, per_day: 1, ..Limits::default() };
        let one = bought(Some("f"), IntentState::Gone, 1, NOW.0);
        let count = |intents: &[Intent], agreed| {
            Ledger::of(intents, &FailoverId::new("f"), agreed, NOW).full(&limits, MicroUsd(1))
        };
        let first = [one.clone()];
        assert!(count(&first, 0).is_some());
        assert_eq!(count(&first, 2), None);
        assert!(count(&[one.clone(), one], 2).is_some(), "used up");
    }

    #[test]
    fn a_full_limit_is_stored_with_its_figures() {
        let full = Full::GpusPerFailover { bought: 5, most: 5 };
        let stored = serde_json::to_value(full).expect("JSON");
        assert_eq!(
            stored,
            serde_json::json!({"limit": "gpus_per_failover", "bought": 5, "most": 5})
        );
        assert_eq!(serde_json::from_value::<Full>(stored).expect("read"), full);
    }

    #[test]
    fn what_another_account_begins_gets_half_of_a_day_and_a_loss_all_of_it() {
        let limits = Limits { per_day: 2, usd_per_day: MicroUsd(4_000_000), ..Limits::default() };
        let by = |by_grantee| Options { by_grantee, ..Options::default() };
        let day = Bought { count: 1, usd: MicroUsd(1_000_000) };
        let ledger = Ledger { day, ..Ledger::default() };
        let price = MicroUsd(500_000);
        for kind in [Kind::Drill, Kind::Planned] {
            let full = ledger.full(&limits.of(kind, &by(true)), price);
            assert_eq!(full, Some(Full::GpusPerDay { bought: 1, most: 1 }), "{kind}");
            assert_eq!(
                ledger.full(&limits.of(kind, &by(false)), price),
                None,
                "its owner's {kind}"
            );
        }
        assert_eq!(ledger.full(&limits.of(Kind::Real, &by(true)), price), None, "a loss");
        let dear = limits.of(Kind::Drill, &by(true));
        let full = Ledger::default().full(&dear, MicroUsd(2_000_001));
        assert!(matches!(full, Some(Full::UsdPerDay { .. })), "{full:?}");
    }
}
