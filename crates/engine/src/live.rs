//! What is known only while this process runs: the newest lists, observations and open shells.
//!
//! Nothing here is needed by another process, and all of it is gathered again after a restart. The lists that
//! another process is given by the provider come here from the database: see [`crate::listing`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::gpu::{Endpoint, GpuInstance};
use domain::id::{AssociationId, Epoch, GpuId, UserId};
use domain::provider::ProviderError;
use domain::time::Millis;
use domain::verdict::{Contact, Observations, ProviderSays, ProviderWord};
use providers::ssh::Shell;
use store::Heard;
use tokio::sync::Notify;

use crate::data::DirtyPaths;
use crate::listing::Read;
use crate::market::Market;
use crate::ports::watch;

/// All live knowledge of one process.
#[derive(Default)]
pub struct Live {
    machines: Mutex<BTreeMap<AssociationId, Arc<Machine>>>,
    accounts: Mutex<BTreeMap<UserId, Arc<Account>>>,
    lists: Mutex<BTreeMap<UserId, List>>,
}

/// A provider's stored list as it was read, and when the provider gave it.
type List = (Millis, Arc<Vec<GpuInstance>>);

impl Live {
    /// The live side of a machine that this process watches; of another one that knows nothing and is kept by
    /// nobody.
    pub fn machine(&self, id: &AssociationId) -> Arc<Machine> {
        lock(&self.machines).get(id).map(Arc::clone).unwrap_or_default()
    }

    /// A machine is watched from now on, by whoever asks: what a former watcher still holds is no longer the
    /// machine's.
    pub fn watch(&self, id: &AssociationId) -> Arc<Machine> {
        let machine = Arc::<Machine>::default();
        lock(&self.machines).insert(id.clone(), Arc::clone(&machine));
        machine
    }

    /// Its watcher ends. Where another has begun meanwhile, the machine stays that one's.
    pub fn forget(&self, id: &AssociationId, watched: &Arc<Machine>) {
        let mut machines = lock(&self.machines);
        if machines.get(id).is_some_and(|now| Arc::ptr_eq(now, watched)) {
            machines.remove(id);
        }
    }

    /// What a machine's observers last said.
    pub fn observations(&self, id: &AssociationId) -> Option<Observations> {
        lock(&self.machines).get(id).map(|machine| machine.seen())
    }

    /// The contact with a machine's standby; that of one which this process does not watch is none yet.
    pub fn standby_contact(&self, id: &AssociationId) -> Contact {
        lock(&self.machines).get(id).map(|machine| machine.standby_contact()).unwrap_or_default()
    }

    /// The live side of a provider account, made at first use.
    pub fn account(&self, user: &UserId) -> Arc<Account> {
        Arc::clone(lock(&self.accounts).entry(user.clone()).or_default())
    }

    /// The stored list that was read last.
    pub fn list(&self, user: &UserId) -> Option<List> {
        lock(&self.lists).get(user).cloned()
    }

    /// Keeps a stored list that was read.
    pub fn keep_list(&self, user: &UserId, at: Millis, instances: &Arc<Vec<GpuInstance>>) {
        lock(&self.lists).insert(user.clone(), (at, Arc::clone(instances)));
    }

    /// Whether any host other than this machine's GPU was reached since a time; `None` when there is
    /// none to reach.
    pub fn others_reachable(&self, except: &AssociationId, since: Millis) -> Option<bool> {
        let machines: Vec<(AssociationId, Arc<Machine>)> = lock(&self.machines)
            .iter()
            .map(|(id, machine)| (id.clone(), Arc::clone(machine)))
            .collect();
        let mut found = None;
        for (id, machine) in machines {
            let standby = machine.standby_contact();
            let gpu = if &id == except { Contact::default() } else { machine.seen().ssh };
            for contact in [standby, gpu].into_iter().filter(|contact| contact.able) {
                let reached = contact.last_ok.is_some_and(|at| at >= since);
                found = Some(found.unwrap_or(false) || reached);
            }
        }
        found
    }
}

/// Where a host answers and which key it must show; `None` for a key not seen yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Address.
    pub endpoint: Endpoint,
    /// Pinned key.
    pub host_key: Option<String>,
}

/// One machine: its observers' last words and the shells that are open to its hosts.
pub struct Machine {
    seen: Mutex<Observations>,
    standby_contact: Mutex<Contact>,
    /// In which epoch, and which.
    dirty: Mutex<(Epoch, DirtyPaths)>,
    heard: Mutex<Option<Heard>>,
    wanted_since: Mutex<Option<Millis>>,
    /// The GPU to beat at.
    pub gpu: watch::Sender<Option<Target>>,
    /// The standby to beat at.
    pub standby: watch::Sender<Option<Target>>,
    /// Open shell to the GPU, while its heartbeat holds.
    pub gpu_shell: watch::Sender<Option<Shell>>,
    /// Open shell to the standby, while its heartbeat holds.
    pub standby_shell: watch::Sender<Option<Shell>>,
    /// A key that a heartbeat saw for the first time, and where.
    pub learned: Mutex<Option<Target>>,
    /// Something changed that the worker should look at.
    pub poke: Notify,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            seen: Mutex::default(),
            standby_contact: Mutex::default(),
            dirty: Mutex::new((Epoch(0), DirtyPaths::default())),
            heard: Mutex::default(),
            wanted_since: Mutex::default(),
            gpu: watch::Sender::new(None),
            standby: watch::Sender::new(None),
            gpu_shell: watch::Sender::new(None),
            standby_shell: watch::Sender::new(None),
            learned: Mutex::default(),
            poke: Notify::new(),
        }
    }
}

impl Machine {
    /// What the observers last said.
    pub fn seen(&self) -> Observations {
        lock(&self.seen).clone()
    }

    /// Changes what an observer said.
    pub fn see(&self, change: impl FnOnce(&mut Observations)) {
        change(&mut lock(&self.seen));
    }

    /// Forgets all contact with the GPU: what answers next is another start or another machine.
    pub fn forget_contacts(&self) {
        self.see(|seen| {
            seen.ssh = Contact { able: seen.ssh.able, ..Contact::default() };
            seen.standby = Contact { able: seen.standby.able, ..Contact::default() };
        });
    }

    /// The stored word on when the GPU last answered.
    pub fn heard(&self) -> Option<Heard> {
        *lock(&self.heard)
    }

    /// Keeps what is stored of when the GPU last answered.
    pub fn set_heard(&self, heard: Option<Heard>) {
        *lock(&self.heard) = heard;
    }

    /// Our own contact with the standby.
    pub fn standby_contact(&self) -> Contact {
        lock(&self.standby_contact).clone()
    }

    /// Changes our own contact with the standby.
    pub fn see_standby(&self, change: impl FnOnce(&mut Contact)) {
        change(&mut lock(&self.standby_contact));
    }

    /// Since when it is wanted again, where it was seen not to be.
    pub fn wanted_since(&self) -> Option<Millis> {
        *lock(&self.wanted_since)
    }

    /// Notes that it is wanted again from now on: what anyone said of it before is of its pause.
    pub fn wanted_again(&self, now: Millis) {
        self.forget_contacts();
        *lock(&self.wanted_since) = Some(now);
    }

    /// Paths seen to change in this epoch after its newest recovery point. What was seen in another is of
    /// another GPU and another failover, and says nothing of this one.
    pub fn dirty(&self, epoch: Epoch) -> DirtyPaths {
        let dirty = lock(&self.dirty);
        if dirty.0 == epoch { dirty.1.clone() } else { DirtyPaths::default() }
    }

    /// Replaces the paths seen to change.
    pub fn set_dirty(&self, epoch: Epoch, paths: DirtyPaths) {
        *lock(&self.dirty) = (epoch, paths);
    }

    /// The shell to the standby, if one is open.
    pub fn standby_shell(&self) -> Option<Shell> {
        self.standby_shell.borrow().clone()
    }

    /// The shell to the GPU, if one is open.
    pub fn gpu_shell(&self) -> Option<Shell> {
        self.gpu_shell.borrow().clone()
    }
}

/// A provider account: its newest list.
#[derive(Default)]
pub struct Account {
    view: Mutex<AccountView>,
    /// When and why the balance could not be read, since it last was.
    unread: Mutex<Option<(Millis, ProviderError)>>,
    /// What could be bought, as pages have just asked.
    pub(crate) market: Market,
    /// Look at the provider now.
    pub poke: Notify,
    /// Whether this process asks the provider itself.
    polled: AtomicBool,
    /// When the list that another process stored was read, and which.
    stored: Mutex<Option<Read>>,
    /// How many looks at the provider have begun.
    begun: AtomicU64,
    /// Number of the newest look that has ended; changes wake those who wait for one.
    pub reads: watch::Sender<u64>,
}

/// What the account's lists last said.
#[derive(Debug, Clone, Default)]
pub struct AccountView {
    /// Instances of the newest complete list.
    pub instances: Arc<Vec<GpuInstance>>,
    /// When it was read.
    pub at: Option<Millis>,
    /// Why it can't be read now.
    pub error: Option<String>,
    /// Instances that the provider no longer has: absent from two complete lists and from a look of
    /// their own.
    pub gone: BTreeSet<GpuId>,
}

impl AccountView {
    /// The record of one instance.
    #[must_use]
    pub fn instance(&self, id: GpuId) -> Option<&GpuInstance> {
        self.instances.iter().find(|instance| instance.id == id)
    }

    /// The provider's word on one instance.
    #[must_use]
    pub fn word(&self, id: GpuId) -> ProviderWord {
        let says = match self.instance(id) {
            Some(instance) => Some(ProviderSays::from(instance.state())),
            None if self.gone.contains(&id) => Some(ProviderSays::Gone),
            None => None,
        };
        ProviderWord { says, at: self.at, error: self.error.clone() }
    }
}

impl Account {
    /// When and why the balance could not be read, since it last was.
    pub fn unread(&self) -> Option<(Millis, ProviderError)> {
        lock(&self.unread).clone()
    }

    /// Notes how a reading of the balance ended.
    pub fn note_balance(&self, failure: Option<(Millis, ProviderError)>) {
        *lock(&self.unread) = failure;
    }

    /// Whether this process asks the provider itself; else what it knows is read from the database.
    pub fn is_polled(&self) -> bool {
        self.polled.load(Ordering::SeqCst)
    }

    /// Notes whether this process asks the provider itself.
    pub fn set_polled(&self, polled: bool) {
        *lock(&self.stored) = None;
        self.polled.store(polled, Ordering::SeqCst);
    }

    /// When the stored list was read last, and which.
    pub(crate) fn stored_read(&self) -> Option<Read> {
        *lock(&self.stored)
    }

    /// Notes that the stored list was read.
    pub(crate) fn set_stored_read(&self, read: Option<Read>) {
        *lock(&self.stored) = read;
    }

    /// The newest view.
    pub fn view(&self) -> AccountView {
        lock(&self.view).clone()
    }

    /// Replaces the view and wakes those who wait for it.
    pub fn set_view(&self, view: AccountView) {
        *lock(&self.view) = view;
        self.reads.send_replace(self.begun.load(Ordering::SeqCst));
    }

    /// Notes that a look at the provider begins. One ends before the next begins.
    pub fn begin_look(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
    }

    /// Has the provider asked now, and waits until a look that began after this call has ended (well
    /// or not): one under way may still show what was before.
    pub async fn refreshed(&self) {
        let begun = self.begun.load(Ordering::SeqCst);
        let mut reads = self.reads.subscribe();
        self.poke.notify_one();
        // The sender lives in `self`, so this can only end with such a look.
        let _ = reads.wait_for(|ended| *ended > begun).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[test]
    fn a_watcher_that_ends_late_takes_nothing_from_the_next_one() {
        let live = Live::default();
        let id = AssociationId::new("m");
        live.machine(&id).see(|seen| seen.ssh.able = true);
        assert!(live.observations(&id).is_none(), "asking about it watches nothing");
        let former = live.watch(&id);
        let next = live.watch(&id);
        next.see(|seen| seen.ssh.able = true);
        live.forget(&id, &former);
        assert!(live.machine(&id).seen().ssh.able, "what the next one sees is what is known");
        assert!(!former.seen().ssh.able);
        live.forget(&id, &next);
        assert!(live.observations(&id).is_none());
    }

    #[tokio::test]
    async fn a_look_that_had_begun_before_refreshes_nothing() {
        let account = Account::default();
        account.begin_look();
        let mut refreshed = pin!(account.refreshed());
        assert!(futures::poll!(&mut refreshed).is_pending(), "nothing was looked at yet");
        account.set_view(AccountView::default());
        assert!(futures::poll!(&mut refreshed).is_pending(), "it had begun before");
        account.begin_look();
        assert!(futures::poll!(&mut refreshed).is_pending(), "it goes on");
        account.set_view(AccountView::default());
        assert!(futures::poll!(&mut refreshed).is_ready());
    }
}
