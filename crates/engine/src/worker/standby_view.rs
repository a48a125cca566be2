//! The standby's own view of the GPU: a small loop on the standby that asks the GPU's SSH server for
//! its greeting once a second and tells us. An observer of its own: another network, another side.
//!
//! While its words do not reach us it is no witness at all.

use std::sync::Arc;
use std::time::Duration;

use domain::gpu::Endpoint;
use domain::verdict::Contact;
use providers::ssh::{Script, Shell};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::live::Machine;
use crate::ports::time;

/// A view whose words are older than this says nothing.
const FRESH: Duration = Duration::from_millis(3_500);
const SCRIPT: &str = include_str!("standby_view.sh");

/// Keeps the view running until the token ends.
pub(crate) async fn run(context: Context, machine: Arc<Machine>, token: CancellationToken) {
    let mut shells = machine.standby_shell.subscribe();
    let mut targets = machine.gpu.subscribe();
    let mut before = None;
    loop {
        let shell = shells.borrow_and_update().clone();
        let endpoint = targets.borrow_and_update().as_ref().map(|target| target.endpoint.clone());
        machine.see(|seen| seen.standby.able = false);
        if endpoint != before {
            // How long the GPU before was silent says nothing of this one.
            machine.see(|seen| seen.standby = Contact::default());
            before.clone_from(&endpoint);
        }
        let watching = async {
            match (&shell, &endpoint) {
                (Some(shell), Some(endpoint)) => {
                    listen(&context, &machine, shell, endpoint).await;
                    machine.see(|seen| seen.standby.able = false);
                    time::sleep(Duration::from_secs(1)).await;
                }
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            changed = shells.changed() => if changed.is_err() { return },
            changed = targets.changed() => if changed.is_err() { return },
            () = watching => {}
        }
    }
}

async fn listen(context: &Context, machine: &Machine, shell: &Shell, endpoint: &Endpoint) {
    let script =
        Script::named("standby_view", SCRIPT).arg(&endpoint.host).arg(endpoint.port.to_string());
    let mut process = match shell.stream(&script).await {
        Ok(process) => process,
        Err(error) => {
            tracing::debug!(%error, "the standby's view did not start");
            return;
        }
    };
    while let Ok(Some(line)) = time::timeout(FRESH, process.line()).await {
        let now = context.now();
        machine.see(|seen| {
            seen.standby.able = true;
            if line.trim() == "ok" {
                seen.standby.last_ok = Some(now);
                seen.standby.failing_since = None;
                seen.standby.word = None;
            } else {
                seen.standby.failing_since.get_or_insert(now);
                seen.standby.word = Some(line.chars().take(200).collect());
            }
        });
    }
}
