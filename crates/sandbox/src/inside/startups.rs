//! Logins that are under way, and how many may be (sshd's MaxStartups). What is more is dropped.

use std::sync::Arc;

/// As sshd has it unless told otherwise. sshd drops some at random from ten on; that is left out, so
/// that whoever needs it asks for a number.
const MOST: usize = 100;

/// Counts them.
#[derive(Debug)]
pub(crate) struct Startups {
    under_way: Arc<()>,
    most: usize,
}

/// One login; it counts until this is dropped.
#[derive(Debug)]
pub(crate) struct Startup(#[expect(dead_code, reason = "it is counted")] Arc<()>);

impl Startups {
    pub(crate) fn new(most: Option<usize>) -> Self {
        Self { under_way: Arc::new(()), most: most.unwrap_or(MOST) }
    }

    /// None when there are too many.
    pub(crate) fn begin(&self) -> Option<Startup> {
        let under_way = Arc::strong_count(&self.under_way) - 1;
        (under_way < self.most).then(|| Startup(Arc::clone(&self.under_way)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_has_ended_makes_room() {
        let startups = Startups::new(Some(2));
        let first = startups.begin();
        let second = startups.begin();
        assert!(first.is_some() && second.is_some() && startups.begin().is_none());
        drop(first);
        assert!(startups.begin().is_some());
    }
}
