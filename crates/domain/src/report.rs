//! What happened, computed from the journal's rows and from nothing else.
//!
//! The same rows give the same figures, whoever asks and whenever: nothing here reads a clock (the
//! present time comes in, for what still goes on) and nothing is remembered between calls. A figure
//! that the rows do not hold is unknown, never zero.

mod clocks;
mod instances;
mod page;
mod settled;
mod stations;
mod status;
mod summary;
mod trend;
mod whereabouts;

pub use self::instances::{cost, touched};
pub use self::page::{failover_page, witnesses};
pub use self::settled::is_settled;
pub use self::status::failover_view;
pub use self::summary::{Filter, history_row, report};
pub use self::whereabouts::{seen_by, whereabouts};

use crate::association::Association;
use crate::failover::{Disposal, Failover, Intent, StepRow};
use crate::time::Millis;

/// Every row that the figures of one failover are computed from.
#[derive(Debug, Clone, Copy)]
pub struct Journal<'a> {
    /// The failover.
    pub failover: &'a Failover,
    /// Its steps in order of recording.
    pub steps: &'a [StepRow],
    /// The purchases made for it.
    pub intents: &'a [Intent],
    /// The removals asked for it.
    pub disposals: &'a [Disposal],
    /// The machine, while it is known; names the standby.
    pub association: Option<&'a Association>,
    /// The present time, for what still goes on.
    pub now: Millis,
}

#[cfg(test)]
pub(crate) mod testing;
