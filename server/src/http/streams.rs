//! How many streams of events an account may have open: each holds a connection for hours.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::UserId;

use crate::Fault;

/// Most streams of one account: tabs and devices of one person.
pub const MOST: usize = 32;
/// When to try again, seconds: a stream whose reader is gone is found out within this time.
const AFTER_S: u64 = 15;

/// The open streams of this process.
#[derive(Debug, Clone, Default)]
pub struct Streams(Arc<Mutex<HashMap<UserId, usize>>>);

/// One open stream; given back when dropped.
#[derive(Debug)]
pub struct Open {
    streams: Streams,
    user: UserId,
}

impl Streams {
    /// Opens one more.
    ///
    /// # Errors
    /// `TooMany`, where the account has as many as it may.
    pub fn open(&self, user: &UserId) -> Result<Open, Fault> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.get(user).copied().unwrap_or(0);
        if count >= MOST {
            return Err(Fault::TooMany { after_s: AFTER_S });
        }
        open.insert(user.clone(), count + 1);
        Ok(Open { streams: self.clone(), user: user.clone() })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.user) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                open.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_so_many_and_takes_none_of_anothers() {
        let streams = Streams::default();
        let (ana, bob) = (UserId::new("ana"), UserId::new("bob"));
        let mut open: Vec<Open> =
            (0..MOST).map(|_| streams.open(&ana).expect("a stream")).collect();
        assert_eq!(streams.open(&ana).expect_err("too many").status(), 429);
        let of_bob = streams.open(&bob).expect("another account's");
        drop(open.pop());
        open.push(streams.open(&ana).expect("one was given back"));
        drop((open, of_bob));
        assert!(streams.0.lock().expect("not poisoned").is_empty());
    }
}
