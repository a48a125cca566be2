//! What one process remembers between requests, all of it worked out from the database and none of
//! it needed by another process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::UserId;
use domain::time::Millis;
use domain::view::balance::Balance;
use domain::view::machine::MachinesPage;
use domain::view::report::FailoverReport;

use crate::http::streams::Streams;
use crate::memo::Memo;
use crate::service::figures::Figures;
use crate::web::Drawings;

/// How long a report is good for where nothing changed, ms: its period moves, and what is under way
/// costs more.
const REPORT_MS: i64 = 1_000;
/// How long the list of machines is good for where nothing changed, ms: what is seen of them moves.
const MACHINES_MS: i64 = 500;
/// How long the head of a page is good for where nothing changed, ms: credit is read far less often.
const HEAD_MS: i64 = 1_000;
/// How often a session in use is noted, ms; the database keeps it to the minute.
const NOTED_MS: i64 = 20_000;
/// From how many noted sessions on the old ones are forgotten.
const MANY: usize = 1_000;

/// What is remembered.
#[derive(Debug)]
pub struct Kept {
    /// Figures of failovers that are settled.
    pub figures: Figures,
    /// Reports, by whose they are and what they are about.
    pub reports: Memo<(UserId, String), Arc<FailoverReport>>,
    /// Every machine, for each part of the list that is looked at.
    pub machines: Memo<UserId, Arc<MachinesPage>>,
    /// Credit, for the head of a page.
    pub balances: Memo<UserId, Balance>,
    /// How many notifications were not read, for the head of a page.
    pub unread: Memo<UserId, i64>,
    /// Pages as they were drawn.
    pub drawings: Drawings,
    /// Sessions that were noted to be in use.
    pub noted: Noted,
    /// Streams of events that are open.
    pub streams: Streams,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            figures: Figures::default(),
            reports: Memo::new(REPORT_MS),
            machines: Memo::new(MACHINES_MS),
            balances: Memo::new(HEAD_MS),
            unread: Memo::new(HEAD_MS),
            drawings: Drawings::default(),
            noted: Noted::default(),
            streams: Streams::default(),
        }
    }
}

/// When each session was last noted to be in use.
#[derive(Debug, Default)]
pub struct Noted(Mutex<HashMap<String, Millis>>);

impl Noted {
    /// Whether a session's use is to be noted now; then it counts as noted.
    #[must_use]
    pub fn due(&self, session: &str, now: Millis) -> bool {
        let recent = |at: &Millis| (0..NOTED_MS).contains(&now.since(*at));
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(session).is_some_and(recent) {
            return false;
        }
        if noted.len() >= MANY {
            noted.retain(|_, at| recent(at));
        }
        noted.insert(session.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_noted_once_in_a_while() {
        let noted = Noted::default();
        assert!(noted.due("a", Millis(0)) && noted.due("b", Millis(1)));
        assert!(!noted.due("a", Millis(NOTED_MS - 1)));
        assert!(noted.due("a", Millis(NOTED_MS)));
        assert!(noted.due("a", Millis(NOTED_MS - 1)), "the clock was set back");
    }
}
