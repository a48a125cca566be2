//! The control plane's own contact with a host: one kept SSH connection, asked every beat.
//!
//! A pinned key that changed is never accepted: it counts as no contact, and is shown.

use std::sync::Arc;
use std::time::Duration;

use domain::id::AssociationId;
use domain::verdict::Contact;
use providers::ssh::{HostKey, Shell, SshError};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::EngineError;
use crate::live::{Machine, Target};
use crate::ports::time;
use crate::ports::watch;

const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(2);
/// What both providers' images let us in as.
pub(crate) const LOGIN: &str = "root";

/// Beats at the GPU.
pub(crate) async fn gpu(
    context: Context,
    machine: Arc<Machine>,
    id: AssociationId,
    token: CancellationToken,
) {
    beat(&context, &id, &machine, Side::Gpu, &token).await;
}

/// Beats at the standby.
pub(crate) async fn standby(
    context: Context,
    machine: Arc<Machine>,
    id: AssociationId,
    token: CancellationToken,
) {
    beat(&context, &id, &machine, Side::Standby, &token).await;
}

#[derive(Clone, Copy)]
enum Side {
    Gpu,
    Standby,
}

impl Side {
    fn target(self, machine: &Machine) -> watch::Receiver<Option<Target>> {
        match self {
            Self::Gpu => machine.gpu.subscribe(),
            Self::Standby => machine.standby.subscribe(),
        }
    }

    fn shell(self, machine: &Machine) -> &watch::Sender<Option<Shell>> {
        match self {
            Self::Gpu => &machine.gpu_shell,
            Self::Standby => &machine.standby_shell,
        }
    }

    fn tell(self, machine: &Machine, change: impl FnOnce(&mut Contact)) {
        match self {
            Self::Gpu => machine.see(|seen| change(&mut seen.ssh)),
            Self::Standby => machine.see_standby(change),
        }
    }
}

async fn beat(
    context: &Context,
    id: &AssociationId,
    machine: &Machine,
    side: Side,
    token: &CancellationToken,
) {
    let mut targets = side.target(machine);
    loop {
        let target = targets.borrow_and_update().clone();
        let Some(target) = target else {
            side.tell(machine, |contact| *contact = Contact::default());
            side.shell(machine).send_replace(None);
            tokio::select! {
                biased;
                () = token.cancelled() => return,
                changed = targets.changed() => if changed.is_err() { return } else { continue },
            }
        };
        side.tell(machine, |contact| contact.able = true);
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            changed = targets.changed() => if changed.is_err() { return },
            () = hold(context, id, machine, side, &target) => {
                time::sleep(context.config.timings.beat).await;
            }
        }
        side.shell(machine).send_replace(None);
    }
}

/// Connects and beats until the contact breaks.
async fn hold(
    context: &Context,
    id: &AssociationId,
    machine: &Machine,
    side: Side,
    target: &Target,
) {
    let shell = match connect(context, id, target).await {
        Ok(shell) => shell,
        Err(word) => {
            failed(context, machine, side, word);
            return;
        }
    };
    if target.host_key.is_none() {
        *machine.learned.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Target {
            endpoint: target.endpoint.clone(),
            host_key: Some(shell.host_key().to_owned()),
        });
        machine.poke.notify_one();
    }
    side.shell(machine).send_replace(Some(shell.clone()));
    loop {
        match shell.ping(ANSWER).await {
            Ok(()) => {
                let now = context.now();
                side.tell(machine, |contact| {
                    contact.last_ok = Some(now);
                    contact.failing_since = None;
                    contact.word = None;
                });
            }
            Err(error) => {
                failed(context, machine, side, error.to_string());
                return;
            }
        }
        time::sleep(context.config.timings.beat).await;
    }
}

fn failed(context: &Context, machine: &Machine, side: Side, word: String) {
    let now = context.now();
    side.tell(machine, |contact| {
        contact.failing_since.get_or_insert(now);
        contact.word = Some(word);
    });
}

async fn connect(context: &Context, id: &AssociationId, target: &Target) -> Result<Shell, String> {
    let user = match context.store.associations().find(id).await {
        Ok(Some(association)) => association.user,
        Ok(None) => return Err("the association is gone".into()),
        Err(error) => return Err(error.to_string()),
    };
    dial(context, &user, target).await.map_err(|error| error.to_string())
}

/// Opens a shell to a host with the user's key and the pinned host key.
pub(crate) async fn dial(
    context: &Context,
    user: &domain::id::UserId,
    target: &Target,
) -> Result<Shell, DialError> {
    let (hosts, _) = context.accounts.ssh(user).await?;
    let key = target.host_key.clone().map_or(HostKey::Learn, HostKey::Pinned);
    Ok(hosts.connect(&target.endpoint, LOGIN, key, CONNECT).await?)
}

/// Why no shell was opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error(transparent)]
    Key(#[from] EngineError),
    #[error(transparent)]
    Ssh(#[from] SshError),
}
