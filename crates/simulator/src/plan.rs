//! What goes wrong in a world, and when; all of it drawn from the seed.

use crate::chance::Dice;

/// How the GPU is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The provider takes it back and says so.
    Gone,
    /// Its host is offline, and the provider says so.
    Offline,
    /// Outbid; the disk stays.
    Outbid,
    /// The container ended.
    Crashed,
    /// The network to it is cut for so long, ms, while the provider says that it runs.
    Silent(u64),
    /// It starts again, ms later.
    Reboots(u64),
}

/// How a purchase goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purchase {
    /// It is made.
    Made,
    /// Clearly refused: the offer is gone.
    Refused,
    /// No answer; it is made all the same, and shows so many ms later.
    Unclear(u64),
    /// No answer, and nothing is made.
    Lost,
    /// Refused, yet an instance is made and named.
    RefusedButMade,
    /// It is made and never comes up.
    Stuck,
    /// It is made, runs, and nothing answers there.
    Mute,
}

/// What is done to a process at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// Killed before or after its so-manieth call to the outside or the database from then on, and started
    /// again so many ms later.
    Crash { calls: u64, after: bool, again_ms: u64 },
    /// Stands still for so long, ms.
    Freeze(u64),
    /// Its clock is set forward or back, ms.
    Clock(i64),
    /// The database does not answer it for so long, ms.
    NoStore(u64),
    /// The providers don't.
    NoProvider(u64),
    /// No host does.
    NoHost(u64),
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) processes: usize,
    /// Which process protects the machine, and so works on it first. The first one asks the provider.
    pub(crate) asked: usize,
    /// Ms after the machine is protected.
    pub(crate) loss_at: u64,
    pub(crate) loss: Loss,
    /// In turn; further ones are made.
    pub(crate) purchases: Vec<Purchase>,
    /// When, ms after the machine is protected, to which process, what.
    pub(crate) blows: Vec<(u64, usize, Blow)>,
    /// The standby's VM is taken back then.
    pub(crate) preempted_at: Option<u64>,
}

impl Plan {
    /// The thinnest: one process, one machine, a loss with the provider's word, and nothing else.
    #[must_use]
    pub fn thin() -> Self {
        Self {
            processes: 1,
            asked: 0,
            loss_at: 20_000,
            loss: Loss::Gone,
            purchases: Vec::new(),
            blows: Vec::new(),
            preempted_at: None,
        }
    }

    /// The one of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let dice = Dice::new(seed ^ 0x706c_616e);
        let loss = match dice.of(7) {
            0 => Loss::Gone,
            1 => Loss::Offline,
            2 => Loss::Outbid,
            3 => Loss::Crashed,
            4 => Loss::Silent(dice.between(1_000, 28_000)),
            5 => Loss::Silent(dice.between(32_000, 200_000)),
            _ => Loss::Reboots(dice.between(1_000, 25_000)),
        };
        let processes = usize::try_from(dice.between(1, 3)).unwrap_or(1);
        let count = dice.of(4);
        let purchases = (0..count).map(|_| purchase(&dice)).collect();
        let loss_at = dice.between(5_000, 30_000);
        let count = dice.of(5);
        let blows = (0..count)
            .map(|_| {
                let at = loss_at.saturating_sub(4_000) + dice.of(60_000);
                let whom = usize::try_from(dice.of(3)).unwrap_or(0) % processes;
                (at, whom, blow(&dice))
            })
            .collect();
        let preempted_at = (dice.of(6) == 0).then(|| loss_at + dice.of(40_000));
        let asked = usize::try_from(dice.of(3)).unwrap_or(0) % processes;
        Self { processes, asked, loss_at, loss, purchases, blows, preempted_at }
    }

    /// Whether what is done to the GPU leaves it healthy, so that it must not be left.
    pub(crate) fn is_harmless(&self) -> bool {
        matches!(self.loss, Loss::Silent(ms) | Loss::Reboots(ms) if ms < 28_500)
    }
}

fn purchase(dice: &Dice) -> Purchase {
    match dice.of(8) {
        0 => Purchase::Refused,
        1 => Purchase::Unclear(dice.of(15_000)),
        2 => Purchase::Unclear(dice.between(20_000, 60_000)),
        3 => Purchase::Lost,
        4 => Purchase::RefusedButMade,
        5 => Purchase::Stuck,
        6 => Purchase::Mute,
        _ => Purchase::Made,
    }
}

fn blow(dice: &Dice) -> Blow {
    match dice.of(8) {
        0..=2 => Blow::Crash {
            calls: dice.between(1, 400),
            after: dice.of(2) == 0,
            again_ms: dice.between(100, 20_000),
        },
        3 => Blow::Freeze(dice.between(500, 40_000)),
        4 => {
            let ms = i64::try_from(dice.between(500, 300_000)).unwrap_or(0);
            Blow::Clock(if dice.of(2) == 0 { ms } else { -ms })
        }
        5 => Blow::NoStore(dice.between(500, 20_000)),
        6 => Blow::NoProvider(dice.between(500, 60_000)),
        _ => Blow::NoHost(dice.between(500, 60_000)),
    }
}
