//! Worlds that are no seed's: one fault each, so that a test says what it is about.

use crate::plan::{Loss, Plan};

impl Plan {
    /// A GPU that is silent for so long, ms, while its job goes on and the provider says that it runs.
    #[must_use]
    pub fn silent(ms: u64) -> Self {
        Self { loss: Loss::Silent(ms), ..Self::thin() }
    }

    /// The machine is worked on by a process that does not ask the provider itself.
    #[must_use]
    pub fn told_by_another(self) -> Self {
        Self { processes: 2, asked: 1, ..self }
    }
}
