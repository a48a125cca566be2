//! What must hold, whatever goes wrong. Looked at from beside: with the world as it really is, and the
//! database as it is stored.

use domain::association::{Association, AssociationState, Serving};
use domain::failover::{Failover, FailoverState, IntentState, Kind};
use domain::id::UserId;
use domain::provider::Provider;
use store::{FailoverQuery, Store};

use crate::world::{Content, DECOY, World, host_of, vm_host};

/// Before an instance is destroyed: whether that may be.
pub(crate) fn destroying(world: &World, id: i64) {
    if id == DECOY {
        return world.wrong("a look-alike that nobody here bought was destroyed".into());
    }
    let now = world.now();
    let lost = {
        let state = world.state();
        let Some(host) = state.hosts.get(&host_of(id)).filter(|host| host.answers(now)) else {
            return;
        };
        let mut elsewhere = Content::new();
        for (name, other) in state.hosts.iter().filter(|(name, _)| **name != host_of(id)) {
            let alive = name.starts_with("vm-") || !other.down;
            if alive {
                elsewhere.extend(&other.content);
                elsewhere.extend(&other.late);
            }
        }
        host.content.difference(&elsewhere).count()
    };
    if lost > 0 {
        world.wrong(format!("GPU {id} was destroyed, which answered and alone had {lost} writes"));
    }
}

/// After each step.
pub(crate) async fn step(world: &World, store: &Store, user: &UserId) {
    if !world.state().gpus.contains_key(&DECOY) {
        world.wrong("the look-alike is gone".into());
    }
    one_adopted(world, store, user).await;
    nothing_unknown_bills(world, store, user).await;
    claims(world, store, user).await;
}

async fn failovers(store: &Store, user: &UserId) -> Vec<Failover> {
    let query = FailoverQuery::default();
    store.failovers().list(user, &query).await.unwrap_or_default()
}

/// At most one GPU is adopted for each failover.
async fn one_adopted(world: &World, store: &Store, user: &UserId) {
    for failover in failovers(store, user).await {
        let intents = store.intents().of_failover(&failover.id).await.unwrap_or_default();
        let adopted = intents.iter().filter(|intent| intent.state == IntentState::Adopted).count();
        if adopted > 1 {
            world.wrong(format!("{adopted} GPUs adopted for one failover"));
        }
        if failover.kind == Kind::Drill && adopted > 0 {
            world.wrong("a drill adopted a GPU".into());
        }
    }
}

/// Nothing exists under our label that the database does not know.
async fn nothing_unknown_bills(world: &World, store: &Store, user: &UserId) {
    let labels: Vec<String> = {
        let state = world.state();
        let ours = state.gpus.iter().filter(|(id, _)| **id != DECOY);
        ours.filter_map(|(_, gpu)| gpu.label.clone()).collect()
    };
    let prefix = format!("dumont-{}-", store.install_id());
    for label in labels.iter().filter(|label| label.starts_with(&prefix)) {
        match store.intents().by_label(label).await {
            Ok(Some(intent)) if &intent.user == user => {
                if matches!(intent.state, IntentState::Gone) {
                    world.wrong(format!("{label} bills, and is recorded as gone"));
                }
            }
            Ok(_) => world.wrong(format!("{label} bills without a purchase")),
            Err(_) => {}
        }
    }
    let names: Vec<String> = world.state().vms.keys().cloned().collect();
    for name in names {
        match store.intents().by_external(user, Provider::Gcp, &name).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                if !matches!(store.intents().by_label(&name).await, Ok(Some(_)) | Err(_)) {
                    world.wrong(format!("{name} bills without a purchase"));
                }
            }
            Err(_) => {}
        }
    }
}

/// What is claimed of a copy is so: all that was written on the GPU before its recovery point is there.
async fn claims(world: &World, store: &Store, user: &UserId) {
    for association in store.associations().list(user).await.unwrap_or_default() {
        let (Some(at), Some(standby)) = (association.sync.complete_to, &association.standby) else {
            continue;
        };
        if association.serving != Serving::Gpu || association.active_failover.is_some() {
            continue;
        }
        let state = world.state();
        let Some(copy) = state.hosts.get(&vm_host(&standby.name)) else { continue };
        let gpu = host_of(association.gpu.0);
        let began = crate::world::EPOCH_MS;
        // The clock of the process that wrote it may have been set; such a word is not judged.
        let before = u64::try_from(at.0.saturating_sub(began)).unwrap_or(0);
        if before > world.now() || state.clocks_set {
            continue;
        }
        let lacks = state
            .written
            .iter()
            .filter(|(_, (when, host))| *when < before && host == &gpu)
            .filter(|(write, _)| !copy.content.contains(write))
            .count();
        drop(state);
        if lacks > 0 {
            world.wrong(format!("the copy lacks {lacks} writes from before its recovery point"));
        }
    }
}

/// What is left to do.
pub(crate) async fn open(world: &World, store: &Store, user: &UserId) -> Option<String> {
    for failover in failovers(store, user).await {
        if !failover.state.is_over() {
            return Some(format!("a failover is {}", failover.state));
        }
    }
    let pending = store.disposals().pending(user).await.unwrap_or_default();
    if let Some(one) = pending.first() {
        return Some(format!("{} {} is to be gone", one.provider, one.external_id));
    }
    let associations = store.associations().list(user).await.unwrap_or_default();
    for association in &associations {
        if association.state != AssociationState::Following {
            return Some(format!("the machine is {}", association.state));
        }
    }
    let state = world.state();
    let mut kept: Vec<String> = associations.iter().map(|one| one.gpu.to_string()).collect();
    kept.push(DECOY.to_string());
    let extra = state.gpus.keys().map(ToString::to_string).find(|id| !kept.contains(id));
    if let Some(extra) = extra {
        return Some(format!("GPU {extra} bills and nobody uses it"));
    }
    let vms: Vec<&str> = associations
        .iter()
        .filter_map(|one| one.standby.as_ref().map(|standby| standby.name.as_str()))
        .collect();
    let extra = state.vms.keys().find(|name| !vms.contains(&name.as_str()));
    extra.map(|extra| format!("VM {extra} bills and nobody uses it"))
}

/// At the end, when all is healed and over.
pub(crate) async fn end(world: &World, store: &Store, user: &UserId, first: i64, harmless: bool) {
    let failovers = failovers(store, user).await;
    for failover in &failovers {
        let intents = store.intents().of_failover(&failover.id).await.unwrap_or_default();
        let adopted = intents.iter().any(|intent| intent.state == IntentState::Adopted);
        if is_done(failover) && !adopted {
            world.wrong("a failover says that it ended on a GPU, and adopted none".into());
        }
    }
    let switched = failovers.iter().any(is_done);
    if harmless && switched {
        world.wrong("a GPU that was silent for a moment was left".into());
    }
    for association in store.associations().list(user).await.unwrap_or_default() {
        serves_all(world, &association, first);
    }
}

fn is_done(failover: &Failover) -> bool {
    failover.state == FailoverState::Complete && failover.kind != Kind::Drill
}

/// Where the machine runs, everything is that was done on its standby; and it runs somewhere.
fn serves_all(world: &World, association: &Association, first: i64) {
    let gpu = host_of(association.gpu.0);
    let state = world.state();
    let Some(host) = state.hosts.get(&gpu) else { return };
    let on_standby = state
        .written
        .iter()
        .filter(|(_, (_, host))| host.starts_with("vm-"))
        .filter(|(write, _)| !host.content.contains(write))
        .count();
    let moved = association.gpu.0 != first;
    let down = host.down;
    drop(state);
    if moved && on_standby > 0 {
        world.wrong(format!("{on_standby} writes of the standby are not on the GPU that serves"));
    }
    if down {
        world.wrong("the machine follows a GPU that is down".into());
    }
}
