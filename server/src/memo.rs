//! Answers that are kept for a moment, so that what many screens ask for at once is worked out once.
//!
//! An answer belongs to a [`Stamp`]: after a request of the user's own, or a doorbell, in whichever
//! process, it is worked out anew. What changes without either is seen after the memo's span, or after
//! twice that where the answer is asked for all the time: while one asker renews it, the others get the
//! former one. Only who asked for an answer in full (its key) gets it; what failed is kept for nobody.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use domain::time::Millis;
use store::Stamp;
use tokio::sync::OnceCell;

/// From how many answers on those whose time is over are thrown away.
const MANY: usize = 64;

/// Answers by what was asked.
#[derive(Debug)]
pub struct Memo<K, V> {
    kept: Mutex<HashMap<K, Slot<V>>>,
    span_ms: i64,
}

/// One answer, or the place where it is being worked out.
#[derive(Debug)]
struct Slot<V> {
    stamp: Stamp,
    begun: Millis,
    cell: Arc<OnceCell<V>>,
    /// When the answer before it was begun, and that answer.
    former: Option<(Millis, V)>,
}

/// What there is for one who asks.
enum Found<V> {
    /// An answer.
    Ready(V),
    /// The place where one is, or is to be worked out.
    Awaited(Arc<OnceCell<V>>),
}

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    /// Nothing is known yet; an answer is good for so many milliseconds from when it was begun.
    #[must_use]
    pub fn new(span_ms: i64) -> Self {
        Self { kept: Mutex::default(), span_ms }
    }

    /// The answer under this key and stamp, worked out by `make` where there is none. Who asks for
    /// it meanwhile waits for that one; if it fails, the next works it out. Who asks for one that is
    /// only being renewed gets the former.
    ///
    /// # Errors
    /// Those of `make`.
    pub async fn get<E>(
        &self,
        key: K,
        stamp: Stamp,
        now: Millis,
        make: impl Future<Output = Result<V, E>>,
    ) -> Result<V, E> {
        match self.find(key, stamp, now) {
            Found::Ready(answer) => Ok(answer),
            Found::Awaited(cell) => cell.get_or_try_init(|| make).await.cloned(),
        }
    }

    /// Works the answer under this key out anew when it is asked for next: what it says was changed by
    /// a request whose stamp was read before.
    pub fn forget(&self, key: &K) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn find(&self, key: K, stamp: Stamp, now: Millis) -> Found<V> {
        // A clock that was set back makes nothing good for longer.
        let within = |begun: &Millis, span: i64| (0..span).contains(&now.since(*begun));
        let good = |slot: &Slot<V>| within(&slot.begun, self.span_ms);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let same = kept.get(&key).filter(|slot| slot.stamp == stamp);
        if let Some(slot) = same.filter(|slot| good(slot)) {
            let former = slot.former.as_ref().filter(|(begun, _)| within(begun, 2 * self.span_ms));
            return match (slot.cell.get(), former) {
                (None, Some((_, former))) => Found::Ready(former.clone()),
                _ => Found::Awaited(Arc::clone(&slot.cell)),
            };
        }
        let former = same
            .and_then(|slot| Some((slot.begun, slot.cell.get()?.clone())))
            .filter(|(begun, _)| within(begun, 2 * self.span_ms));
        if kept.len() >= MANY {
            kept.retain(|_, slot| good(slot));
        }
        let cell = Arc::new(OnceCell::new());
        kept.insert(key, Slot { stamp, begun: now, cell: Arc::clone(&cell), former });
        Found::Awaited(cell)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const STAMP: Stamp = Stamp { changes: 1, newest: 7 };

    async fn ask(
        memo: &Memo<&'static str, usize>,
        key: &'static str,
        stamp: Stamp,
        now: i64,
        made: &AtomicUsize,
    ) -> usize {
        let make = async { Ok::<_, ()>(made.fetch_add(1, Ordering::SeqCst)) };
        memo.get(key, stamp, Millis(now), make).await.expect("made")
    }

    #[tokio::test]
    async fn a_forgotten_answer_is_worked_out_anew_under_the_same_stamp() {
        let (memo, made) = (Memo::new(100), AtomicUsize::new(0));
        assert_eq!(ask(&memo, "a", STAMP, 1_000, &made).await, 0);
        memo.forget(&"a");
        assert_eq!(ask(&memo, "a", STAMP, 1_001, &made).await, 1);
    }

    #[tokio::test]
    async fn an_answer_is_good_for_its_key_its_stamp_and_its_time() {
        let (memo, made) = (Memo::new(100), AtomicUsize::new(0));
        assert_eq!(ask(&memo, "a", STAMP, 1_000, &made).await, 0);
        assert_eq!(ask(&memo, "a", STAMP, 1_099, &made).await, 0);
        assert_eq!(ask(&memo, "b", STAMP, 1_099, &made).await, 1);
        assert_eq!(ask(&memo, "a", STAMP, 1_100, &made).await, 2);
        assert_eq!(ask(&memo, "a", STAMP, 1_050, &made).await, 3, "the clock was set back");
        let changed = Stamp { changes: 2, ..STAMP };
        assert_eq!(ask(&memo, "a", changed, 1_050, &made).await, 4);
        let rung = Stamp { newest: 8, ..changed };
        assert_eq!(ask(&memo, "a", rung, 1_050, &made).await, 5);
        assert_eq!(ask(&memo, "a", rung, 1_050, &made).await, 5);
    }

    #[tokio::test]
    async fn who_asks_meanwhile_waits_for_the_same_answer_and_a_failure_is_kept_for_nobody() {
        let memo: Memo<&str, usize> = Memo::new(100);
        let begun = tokio::sync::Notify::new();
        let go_on = tokio::sync::Notify::new();
        let first = memo.get("a", STAMP, Millis(0), async {
            begun.notify_one();
            go_on.notified().await;
            Err::<usize, _>("failed")
        });
        let second = async {
            begun.notified().await;
            go_on.notify_one();
            memo.get("a", STAMP, Millis(0), async { Ok::<_, &str>(2) }).await
        };
        assert_eq!(tokio::join!(first, second), (Err("failed"), Ok(2)));
        let kept = memo.get("a", STAMP, Millis(1), async { Err("not asked for") }).await;
        assert_eq!(kept, Ok(2));
    }

    #[tokio::test]
    async fn while_one_renews_an_answer_the_others_get_the_former_for_as_long_again() {
        let memo: Memo<&str, usize> = Memo::new(100);
        let get = async |stamp, now, answer: Result<usize, &'static str>| {
            memo.get("a", stamp, Millis(now), async { answer }).await
        };
        assert_eq!(get(STAMP, 0, Ok(1)).await, Ok(1));
        let (begun, go_on) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
        let renewing = memo.get("a", STAMP, Millis(110), async {
            begun.notify_one();
            go_on.notified().await;
            Ok::<_, &str>(2)
        });
        let meanwhile = async {
            begun.notified().await;
            assert_eq!(get(STAMP, 120, Err("not asked for")).await, Ok(1));
            assert_eq!(get(STAMP, 199, Err("not asked for")).await, Ok(1));
            go_on.notify_one();
            get(STAMP, 205, Err("it waits for the new one")).await
        };
        assert_eq!(tokio::join!(renewing, meanwhile), (Ok(2), Ok(2)));
        assert_eq!(get(STAMP, 206, Err("not asked for")).await, Ok(2));

        // What was changed is never shown as it was, and who renews in vain hands on.
        let rung = Stamp { newest: 8, ..STAMP };
        assert_eq!(get(rung, 207, Err("failed")).await, Err("failed"));
        assert_eq!(get(rung, 208, Ok(3)).await, Ok(3));
        assert_eq!(get(rung, 310, Err("failed")).await, Err("failed"));
        assert_eq!(get(rung, 311, Ok(4)).await, Ok(3));
        assert_eq!(get(rung, 410, Ok(4)).await, Ok(4));
    }

    #[tokio::test]
    async fn what_nobody_asks_for_any_more_is_thrown_away() {
        let (memo, made) = (Memo::new(10), AtomicUsize::new(0));
        let names: Vec<&'static str> =
            (0..200).map(|n| &*Box::leak(n.to_string().into_boxed_str())).collect();
        for (at, name) in names.into_iter().enumerate() {
            ask(&memo, name, STAMP, i64::try_from(at).expect("small"), &made).await;
        }
        assert!(memo.kept.lock().expect("not poisoned").len() <= MANY);
    }
}
