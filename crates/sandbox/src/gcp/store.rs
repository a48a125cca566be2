//! What the simulated Compute Engine remembers, and the rules for changing it.

use std::{collections::HashSet, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::{
    networks,
    operation::{Failure, Operation, Progress},
    vm::{Key, Vm},
};

/// How long a request id is remembered, in milliseconds.
const REQUEST_MS: i64 = 60 * 60 * 1000;
/// How long a finished operation is kept, in milliseconds.
const KEEP_OPERATION_MS: i64 = 14 * 24 * 60 * 60 * 1000;
/// How many operations are kept at most.
const KEEP_OPERATIONS: usize = 5_000;

/// An access token that `/token` gave out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Minted {
    /// The token.
    pub(super) token: String,
    /// Whose it is.
    pub(super) account: u64,
    /// Unix milliseconds.
    pub(super) until_ms: i64,
}

/// A request id that was used.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Request {
    project: String,
    id: String,
    operation: String,
    at_ms: i64,
}

/// Everything. Small enough to be looked through; a list keeps the order of creation.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Store {
    vms: Vec<Vm>,
    operations: Vec<Operation>,
    requests: Vec<Request>,
    tokens: Vec<Minted>,
}

impl Store {
    /// A VM by its place.
    pub(super) fn vm(&self, key: &Key) -> Option<&Vm> {
        self.vms.iter().find(|vm| vm.key == *key)
    }

    /// The VM that an operation is about, unless it is gone; a later one of the same name is not it.
    pub(super) fn target(&self, key: &Key, id: u64) -> Option<&Vm> {
        self.vm(key).filter(|vm| vm.id == id)
    }

    /// The same, to be changed.
    pub(super) fn target_mut(&mut self, key: &Key, id: u64) -> Option<&mut Vm> {
        self.vms.iter_mut().find(|vm| vm.key == *key && vm.id == id)
    }

    /// All VMs, oldest first.
    pub(super) fn vms(&self) -> &[Vm] {
        &self.vms
    }

    /// Adds a VM. Its key must be free.
    pub(super) fn add(&mut self, vm: Vm) {
        self.vms.push(vm);
    }

    /// Forgets a VM.
    pub(super) fn remove(&mut self, key: &Key, id: u64) -> Option<Vm> {
        let at = self.vms.iter().position(|vm| vm.key == *key && vm.id == id)?;
        Some(self.vms.remove(at))
    }

    /// All operations, oldest first.
    pub(super) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// An operation by its place and name.
    pub(super) fn operation(&self, project: &str, zone: &str, name: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|op| op.name == name && op.target.project == project && op.target.zone == zone)
    }

    /// An operation by its name.
    pub(super) fn operation_named(&self, name: &str) -> Option<&Operation> {
        self.operations.iter().find(|op| op.name == name)
    }

    /// Records a new operation.
    pub(super) fn record(&mut self, op: Operation) {
        self.forget_old(op.insert_ms);
        self.operations.push(op);
    }

    /// Ends an operation; one that is over stays as it is.
    pub(super) fn finish(&mut self, name: &str, failure: Option<Failure>, now_ms: i64) {
        let op = self.operations.iter_mut().find(|op| op.name == name && !op.done());
        if let Some(op) = op {
            op.progress = Progress::Done { end_ms: now_ms.max(op.insert_ms), failure };
        }
    }

    /// Removes a finished operation from the list; false when there is none.
    pub(super) fn forget(&mut self, project: &str, zone: &str, name: &str) -> bool {
        let before = self.operations.len();
        self.operations.retain(|op| {
            !(op.done()
                && op.name == name
                && op.target.project == project
                && op.target.zone == zone)
        });
        self.operations.len() < before
    }

    /// The operation that a request id started within the last hour.
    pub(super) fn repeated(&self, project: &str, id: &str, now_ms: i64) -> Option<&Operation> {
        let request = self.requests.iter().find(|request| {
            request.project == project && request.id == id && now_ms - request.at_ms < REQUEST_MS
        })?;
        self.operation_named(&request.operation)
    }

    /// Remembers which operation a request id started.
    pub(super) fn remember(&mut self, project: &str, id: &str, operation: &str, now_ms: i64) {
        self.requests.retain(|request| now_ms - request.at_ms < REQUEST_MS);
        self.requests.push(Request {
            project: project.to_owned(),
            id: id.to_owned(),
            operation: operation.to_owned(),
            at_ms: now_ms,
        });
    }

    /// Keeps a token that was given out.
    pub(super) fn mint(&mut self, minted: Minted, now_ms: i64) {
        self.tokens.retain(|token| now_ms < token.until_ms);
        self.tokens.push(minted);
    }

    /// Whose access token this is, while it is valid.
    pub(super) fn holder(&self, token: &str, now_ms: i64) -> Option<u64> {
        let minted = self.tokens.iter().find(|minted| minted.token == token)?;
        (now_ms < minted.until_ms).then_some(minted.account)
    }

    /// A free address of a project's subnetwork in a region.
    pub(super) fn internal_ip(&self, project: &str, region: &str) -> Ipv4Addr {
        let taken: HashSet<Ipv4Addr> = self
            .vms
            .iter()
            .filter(|vm| vm.key.project == project)
            .map(|vm| vm.network.internal_ip)
            .collect();
        let first = u32::from(networks::range(region)) + 2;
        (first..first + 4_000)
            .map(Ipv4Addr::from)
            .find(|ip| !taken.contains(ip))
            .unwrap_or(Ipv4Addr::from(first + 4_000))
    }

    fn forget_old(&mut self, now_ms: i64) {
        self.operations.retain(|op| match &op.progress {
            Progress::Done { end_ms, .. } => now_ms - end_ms < KEEP_OPERATION_MS,
            Progress::Running => true,
        });
        if self.operations.len() >= KEEP_OPERATIONS
            && let Some(at) = self.operations.iter().position(Operation::done)
        {
            self.operations.remove(at);
        }
    }
}

/// A number as Compute gives to its resources: random, positive as a signed one.
pub(super) fn new_id() -> u64 {
    rand::random::<u64>() >> 1 | 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gcp::{operation::Kind, vm::tests::sample};

    fn recorded(store: &mut Store, kind: Kind, at_ms: i64) -> String {
        let op = Operation::new(kind, &sample("a"), "u", at_ms);
        store.record(op.clone());
        op.name
    }

    #[test]
    fn a_request_id_is_good_for_an_hour_and_a_project() {
        let mut store = Store::default();
        let name = recorded(&mut store, Kind::Insert, 0);
        store.remember("p", "r1", &name, 0);
        assert_eq!(store.repeated("p", "r1", REQUEST_MS - 1).map(|op| &op.name), Some(&name));
        assert!(store.repeated("p", "r1", REQUEST_MS).is_none());
        assert!(store.repeated("q", "r1", 1).is_none());
    }

    #[test]
    fn the_first_outcome_of_an_operation_stands() {
        let mut store = Store::default();
        let name = recorded(&mut store, Kind::Stop, 5);
        store.finish(&name, None, 9);
        store.finish(&name, Some(Failure::internal("late".into())), 10);
        let op = store.operation("p", "europe-west1-b", &name).unwrap();
        assert_eq!(op.progress, Progress::Done { end_ms: 9, failure: None });
        assert!(store.forget("p", "europe-west1-b", &name));
    }

    #[test]
    fn a_later_vm_of_the_same_name_is_another_one() {
        let mut store = Store::default();
        let mut vm = sample("a");
        store.add(vm.clone());
        assert!(store.remove(&vm.key, 42).is_some());
        vm.id = 43;
        store.add(vm.clone());
        assert!(store.target(&vm.key, 42).is_none());
        assert!(store.target_mut(&vm.key, 43).is_some());
    }

    #[test]
    fn internal_addresses_are_not_given_twice() {
        let mut store = Store::default();
        let mut vm = sample("a");
        vm.network.internal_ip = store.internal_ip("p", "europe-west1");
        store.add(vm.clone());
        assert_ne!(store.internal_ip("p", "europe-west1"), vm.network.internal_ip);
        assert_eq!(store.internal_ip("q", "europe-west1"), vm.network.internal_ip);
    }
}
