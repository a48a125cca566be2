//! `dumont-agent keep`: the keeper on a standby, told what to do over the stdio of its session.
//!
//! Its folder is the standby's `/var/lib/dumont`, and what is in it is shared with what else works there:
//! `lock` under which the copy and its epoch change, `epoch`, `trusted` (the GPU that the copy follows),
//! `cycle.pid` (who holds the lock). The lock is held for one order and not for the session, so that a
//! drill finds its turn between two cycles; who takes over ends the one that holds it.

mod executor;
mod lock;
mod opening;
mod output;
mod reach;
mod words;

use std::io::{BufReader, Read};
use std::path::PathBuf;

use crate::frame::read_frame;
use crate::order::{Order, Refusal, Told, order_of};
use crate::source::SourceError;

/// Where a keeper works.
#[derive(Debug, Clone)]
pub struct Place {
    /// The standby's own folder, which is there.
    pub base: PathBuf,
    /// The copy: at the workspace's own path.
    pub workspace: PathBuf,
}

/// Gives up all but the copy and the standby's own folder, before anything of a stranger's is read. What
/// it starts to reach a GPU is not confined with it.
#[cfg(feature = "serve")]
fn confine(place: &Place) {
    // What is not there can't be granted. Where it can't be made, the first order says so.
    let _ = std::fs::create_dir_all(&place.workspace);
    crate::confine::confine_to(&[&place.base, &place.workspace]);
}

#[cfg(not(feature = "serve"))]
fn confine(_: &Place) {}

/// Does what it is told until the other side ends the session. That ends the program at once, whatever is
/// under way: the next one finishes or undoes it.
///
/// # Errors
/// [`SourceError`] where the other side breaks the protocol.
pub fn run(place: Place, input: impl Read + Send + 'static) -> Result<(), SourceError> {
    // The leader of a group: who holds the lock is ended with all that it started.
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let (launcher, lookout) = (reach::Launcher::start(), crate::lookout::Lookout::start());
    confine(&place);
    let output = output::Output::open()?;
    let (orders, taken) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut input = BufReader::with_capacity(64 << 10, input);
        let end = loop {
            match read_frame(&mut input) {
                Ok(Some(frame)) => {
                    let order = order_of(&frame);
                    let broken = order.is_err();
                    if orders.send(order).is_err() || broken {
                        break 1;
                    }
                }
                Ok(None) => break 0,
                Err(_) => break 1,
            }
        };
        if end == 0 {
            std::process::exit(0);
        }
    });
    let mut executor = executor::Executor::new(place, launcher, lookout);
    while let Ok(order) = taken.recv() {
        let order: Order = match order {
            Ok(order) => order,
            Err(error) => {
                output.say(&Told::Refused(Refusal::Failed(error.to_string())))?;
                return Err(error);
            }
        };
        let busy = output.busy();
        let told = match executor.execute(order, &output) {
            Ok(done) => Told::Done(Box::new(done)),
            Err(refusal) => Told::Refused(refusal),
        };
        drop(busy);
        output.say(&told)?;
    }
    Ok(())
}
