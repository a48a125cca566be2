//! The lock under which the copy and its epoch change, and the epoch.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::process::{Pid, Signal};

use crate::order::Refusal;

/// Bytes that are kept for a takeover: its epoch, its journal's end, the index's own files.
const RESERVE: usize = 4 << 20;
const LOOK: Duration = Duration::from_millis(30);
/// How long it is tried to end the one that holds it.
const ENDING: Duration = Duration::from_secs(10);

/// What becomes of the one that holds the lock for longer than is waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// It is ended with all that it started.
    End,
    /// It goes on.
    Leave,
}

/// The lock, held until this is dropped.
#[derive(Debug)]
pub(super) struct CopyLock {
    _lock: File,
}

fn failed(what: &str, error: impl std::fmt::Display) -> Refusal {
    Refusal::Failed(format!("{what}: {error}"))
}

impl CopyLock {
    /// Waits `patience` for it, then does with its holder what is said.
    pub(super) fn take(base: &Path, patience: Duration, holder: Holder) -> Result<Self, Refusal> {
        let lock = File::options().append(true).create(true).open(base.join("lock"));
        let lock = lock.map_err(|error| {
            Refusal::Unfit(format!("this standby is not prepared: {}: {error}", base.display()))
        })?;
        let mut ending = Instant::now() + patience;
        let mut left = holder == Holder::End;
        let mut kills = false;
        loop {
            match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {}
                Err(error) => return Err(failed("the lock of the copy", error)),
            }
            if Instant::now() >= ending {
                if !left {
                    return Err(Refusal::Busy("something else works on the standby's copy".into()));
                }
                left = false;
                kills = true;
                ending = Instant::now() + ENDING;
            }
            if kills {
                kill_holder(base);
            }
            crate::whole::pause(LOOK);
        }
        let own =
            format!("{} {}\n", std::process::id(), began(std::process::id()).unwrap_or_default());
        let write = || std::fs::write(base.join("cycle.pid"), &own);
        write()
            .or_else(|error| if let_go_of_reserve(base) { write() } else { Err(error) })
            .map_err(|error| failed("the standby's disk", error))?;
        Ok(Self { _lock: lock })
    }
}

/// When a process began, as the kernel counts; tells two processes with one number apart.
fn began(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(19).map(str::to_owned)
}

fn kill_holder(base: &Path) {
    let told = std::fs::read_to_string(base.join("cycle.pid")).unwrap_or_default();
    let Some((pid, start)) = told.trim().split_once(' ') else { return };
    let Ok(number) = pid.parse::<u32>() else { return };
    if number == std::process::id() || began(number).as_deref() != Some(start) {
        return;
    }
    if let Some(pid) = i32::try_from(number).ok().and_then(Pid::from_raw) {
        // One that is gone already holds nothing.
        let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    }
}

/// The epoch that the standby is at; none before the first.
pub(super) fn recorded(base: &Path) -> Option<u64> {
    std::fs::read_to_string(base.join("epoch")).ok()?.trim().parse().ok()
}

/// Refuses an epoch that is over.
pub(super) fn refuse_stale(base: &Path, asked: u64) -> Result<(), Refusal> {
    match recorded(base) {
        Some(recorded) if asked < recorded => Err(Refusal::StaleEpoch { asked, recorded }),
        _ => Ok(()),
    }
}

/// Records a newer epoch, durably.
pub(super) fn record(base: &Path, epoch: u64) -> Result<(), Refusal> {
    if recorded(base).is_some_and(|recorded| recorded >= epoch) {
        return Ok(());
    }
    let (new, kept) = (base.join("epoch.new"), base.join("epoch"));
    let written = || {
        let mut file = File::create(&new)?;
        writeln!(file, "{epoch}")?;
        file.sync_all()?;
        std::fs::rename(&new, &kept)?;
        File::open(base)?.sync_all()
    };
    written()
        .or_else(|error| if let_go_of_reserve(base) { written() } else { Err(error) })
        .map_err(|error| failed("the epoch can't be recorded", error))
}

/// Takes room on the disk that a takeover has when everything else is full.
pub(super) fn keep_reserve(base: &Path) {
    let (new, kept) = (base.join("reserve.new"), base.join("reserve"));
    if kept.metadata().is_ok_and(|kept| kept.len() == RESERVE as u64) {
        return;
    }
    // A file system may give out blocks of zeros for nothing.
    let mut bytes = vec![0_u8; RESERVE];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::try_from(at % 251).unwrap_or(0);
    }
    let written = std::fs::write(&new, bytes).and_then(|()| std::fs::rename(&new, &kept));
    if written.is_err() {
        // Without room there is none to keep.
        let _ = std::fs::remove_file(&new);
    }
}

/// Gives that room back; whether there was any.
pub(super) fn let_go_of_reserve(base: &Path) -> bool {
    std::fs::remove_file(base.join("reserve")).is_ok()
}

/// Whether the copy follows this GPU: host, a space, port.
pub(super) fn is_trusted(base: &Path, gpu: &str) -> bool {
    std::fs::read_to_string(base.join("trusted")).is_ok_and(|kept| kept.trim_end() == gpu)
}
