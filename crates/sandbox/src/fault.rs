//! The registry of faults: what is armed, for whom, and how often it strikes.
//!
//! A fault has no effect of its own. The code that plays a provider asks
//! [`Faults::hit`] or [`Faults::on`] at the place where the real provider
//! misbehaves; faults that act at once are carried out by the admin API.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

mod catalogue;

pub use catalogue::{Fault, UnknownFault};

/// An armed fault.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Armed {
    /// Number of this arming, rising.
    pub id: u64,
    /// Which fault.
    pub name: Fault,
    /// The Vast.ai instance's id or the VM's name; none means everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// An object whose fields depend on the fault.
    #[serde(default)]
    pub params: Value,
    /// How often it still strikes; none means until it is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Unix milliseconds after which it no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// Unix milliseconds when it was armed.
    pub armed_ms: i64,
}

impl Armed {
    fn matches(&self, name: Fault, target: Option<&str>, now_ms: i64) -> bool {
        self.name == name
            && self.count != Some(0)
            && self.until_ms.is_none_or(|until| now_ms < until)
            && self.target.as_deref().is_none_or(|wanted| target == Some(wanted))
    }
}

/// All armed faults.
#[derive(Debug)]
pub struct Faults {
    armed: Mutex<Vec<Armed>>,
    version: watch::Sender<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { armed: Mutex::default(), version: watch::Sender::new(0) }
    }
}

impl Faults {
    /// Arms a fault. `params.seconds`, a number, ends it by itself; for one
    /// that is done to a host it says instead when that is undone.
    pub fn arm(
        &self,
        name: Fault,
        target: Option<String>,
        params: Value,
        count: Option<u32>,
        now_ms: i64,
    ) -> Armed {
        let seconds = params.get("seconds").and_then(Value::as_f64);
        let until_ms = seconds.filter(|_| !name.acts_on_host()).map(|seconds| {
            #[expect(clippy::cast_possible_truncation, reason = "saturates far in the future")]
            let ms = (seconds * 1000.0) as i64;
            now_ms.saturating_add(ms)
        });
        let mut armed = self.lock();
        let id = armed.iter().map(|fault| fault.id).max().unwrap_or(0) + 1;
        let fault = Armed { id, name, target, params, count, until_ms, armed_ms: now_ms };
        armed.push(fault.clone());
        drop(armed);
        self.version.send_modify(|version| *version += 1);
        fault
    }

    /// If `name` is armed for `target`, uses it up by one and gives its
    /// parameters. An unaimed fault strikes everyone.
    pub fn hit(&self, name: Fault, target: Option<&str>) -> Option<Value> {
        let now_ms = crate::world::now_ms();
        let mut armed = self.lock();
        let fault = armed.iter_mut().find(|fault| fault.matches(name, target, now_ms))?;
        let params = fault.params.clone();
        if let Some(count) = fault.count.as_mut() {
            *count -= 1;
        }
        armed.retain(|fault| fault.count != Some(0));
        drop(armed);
        self.version.send_modify(|version| *version += 1);
        Some(params)
    }

    /// The parameters of `name` if it is armed for `target`; uses nothing up.
    pub fn on(&self, name: Fault, target: Option<&str>) -> Option<Value> {
        let now_ms = crate::world::now_ms();
        self.lock()
            .iter()
            .find(|fault| fault.matches(name, target, now_ms))
            .map(|fault| fault.params.clone())
    }

    /// Clears all faults, or those called `name`; tells how many there were.
    pub fn clear(&self, name: Option<Fault>) -> usize {
        let mut armed = self.lock();
        let before = armed.len();
        armed.retain(|fault| name.is_some_and(|name| fault.name != name));
        let cleared = before - armed.len();
        drop(armed);
        self.version.send_modify(|version| *version += 1);
        cleared
    }

    /// Clears one arming; false when there is none with this number.
    pub fn clear_one(&self, id: u64) -> bool {
        let mut armed = self.lock();
        let before = armed.len();
        armed.retain(|fault| fault.id != id);
        let cleared = armed.len() < before;
        drop(armed);
        self.version.send_modify(|version| *version += 1);
        cleared
    }

    /// Everything armed that can still strike.
    #[must_use]
    pub fn armed(&self, now_ms: i64) -> Vec<Armed> {
        let mut armed = self.lock();
        armed.retain(|fault| fault.until_ms.is_none_or(|until| now_ms < until));
        armed.clone()
    }

    /// Rises at every change, for tasks that wait for a fault.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    pub(crate) fn load(&self, faults: Vec<Armed>) {
        *self.lock() = faults;
        self.version.send_modify(|version| *version += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_counted_fault_strikes_that_often_and_only_its_target() {
        let faults = Faults::default();
        let now = crate::world::now_ms();
        faults.arm(Fault::ListLag, Some("7".into()), json!({"reads": 2}), Some(2), now);
        assert!(faults.hit(Fault::ListLag, Some("8")).is_none());
        assert!(faults.hit(Fault::ListLag, None).is_none());
        assert_eq!(faults.hit(Fault::ListLag, Some("7")), Some(json!({"reads": 2})));
        assert!(faults.on(Fault::ListLag, Some("7")).is_some());
        assert!(faults.hit(Fault::ListLag, Some("7")).is_some());
        assert!(faults.hit(Fault::ListLag, Some("7")).is_none());
    }

    #[test]
    fn a_timed_fault_ends_by_itself() {
        let faults = Faults::default();
        let now = crate::world::now_ms();
        faults.arm(Fault::VastApiDown, None, json!({"seconds": 5}), None, now - 6_000);
        assert!(faults.on(Fault::VastApiDown, None).is_none());
        faults.arm(Fault::VastApiDown, None, json!({"seconds": 5}), None, now);
        assert!(faults.on(Fault::VastApiDown, Some("any")).is_some());
        assert_eq!(faults.clear(Some(Fault::GcpApiDown)), 0);
        assert_eq!(faults.clear(None), 2);
    }
}
