//! Copies of SQLite databases that are in use, by SQLite's own backup: equal in content, not in bytes.
//!
//! A database is a stranger's file, and what SQLite maps and locks of it belongs to who writes to it: so
//! each copy is made by a process of its own that is confined, bounded in memory and time, and ended
//! where it takes too long. It is started from a thread that was there before the serving side confined
//! itself, which may start nothing.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Resource, Rlimit};

use crate::beneath::proc_path;
use crate::spool::{FOLDERS, SHARE};
use crate::whole::pause;

/// Pages that are copied while a lock is held; in WAL mode nobody waits for it.
const STEP_PAGES: i32 = 256;
/// The same for one that is written to between any two steps: a database of 64 MB is copied then in one,
/// in some 50 ms.
const STEP_PAGES_MOST: i32 = 16_384;
/// Rest between two steps, for who waits for the lock.
const REST: Duration = Duration::from_millis(2);
/// Longest time for a copy, and for each so many bytes of it.
const MOST_TIME: Duration = Duration::from_secs(20);
const BYTES_A_SECOND: u64 = 8 << 20;
/// Most memory and processor time of a process that copies.
const MOST_MEMORY: u64 = 512 << 20;
const MOST_PROCESSOR: u64 = 3600;

/// Room with a name, for another process to fill. Its name goes with it.
pub(crate) struct Named {
    path: PathBuf,
    file: OwnedFd,
}

impl Named {
    /// Room for `size` bytes; nothing where no folder has it.
    pub(crate) fn new(size: u64) -> Option<Self> {
        FOLDERS.iter().find_map(|folder| {
            let room = rustix::fs::statvfs(*folder).ok()?;
            if room.f_bavail.saturating_mul(room.f_frsize) / SHARE < size {
                return None;
            }
            let name = format!("dumont-agent-{}", crate::local_target::random_hex().ok()?);
            let path = Path::new(folder).join(name);
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
            let file = rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR).ok()?;
            Some(Self { path, file })
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What was written to it.
    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        // Who filled it may have removed the name.
        let _ = std::fs::remove_file(&self.path);
    }
}

struct Ask {
    folder: OwnedFd,
    name: OsString,
    to: PathBuf,
    answer: Sender<std::io::Result<Child>>,
}

/// Starts processes that copy databases.
#[derive(Clone)]
pub struct Databases {
    ask: SyncSender<Ask>,
}

impl Databases {
    /// `program` is this one, which has the mode `copy-database`.
    #[must_use]
    pub fn start(program: PathBuf) -> Self {
        let (ask, asked): (_, Receiver<Ask>) = sync_channel(1);
        std::thread::spawn(move || {
            for ask in asked {
                // Who asked may have given up waiting; then the process ends with nobody to hear of it.
                let _ = ask.answer.send(spawn(&program, &ask));
            }
        });
        Self { ask }
    }

    /// Copies the database that has this name in a folder; nothing where it can't be done.
    pub(crate) fn copy(&self, folder: OwnedFd, name: &[u8], size: u64) -> Option<Named> {
        let to = Named::new(size)?;
        let (answer, answered) = channel();
        let name = OsString::from_vec(name.to_vec());
        let ask = Ask { folder, name, to: to.path().to_path_buf(), answer };
        self.ask.send(ask).ok()?;
        let mut child = answered.recv_timeout(MOST_TIME).ok()?.ok()?;
        let most = MOST_TIME + Duration::from_secs(size / BYTES_A_SECOND);
        let began = Instant::now();
        let mut written = 0;
        loop {
            let now = rustix::fs::fstat(to.file()).map_or(0, |stat| stat.st_size);
            crate::progress::made(u64::from(std::mem::replace(&mut written, now) != now));
            match child.try_wait() {
                Ok(Some(status)) => return status.success().then_some(to),
                Ok(None) if began.elapsed() < most => pause(Duration::from_millis(5)),
                Ok(None) | Err(_) => {
                    // One that can't be ended is none of ours any more.
                    let _ = child.kill().and_then(|()| child.wait().map(|_| ()));
                    return None;
                }
            }
        }
    }
}

fn spawn(program: &Path, ask: &Ask) -> std::io::Result<Child> {
    let folder = OsString::from_vec(proc_path(ask.folder.as_fd()));
    Command::new(program)
        .arg("copy-database")
        .arg(&ask.name)
        .arg(&ask.to)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// The process that copies: the database of that name in the folder that it was started in, to a file
/// that is there and empty.
///
/// # Errors
/// In words, for nobody but who starts it by hand.
pub fn copy_database(name: &OsStr, to: &Path) -> Result<(), String> {
    crate::confine::confine(Path::new("."), false);
    let limit = |most| Rlimit { current: Some(most), maximum: Some(most) };
    for (resource, most) in [(Resource::As, MOST_MEMORY), (Resource::Cpu, MOST_PROCESSOR)] {
        rustix::process::setrlimit(resource, limit(most)).map_err(|error| error.to_string())?;
    }
    backup(Path::new(name), to).map_err(|error| error.to_string())
}

fn backup(name: &Path, to: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let source = Connection::open_with_flags(name, flags)?;
    source.busy_timeout(Duration::from_secs(1))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut copy = Connection::open_with_flags(to, flags)?;
    // Whoever wants it has it open.
    let _ = std::fs::remove_file(to);
    copy.pragma_update(None, "journal_mode", "off")?;
    copy.pragma_update(None, "synchronous", "off")?;
    let mode: String = source.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode == "wal" {
        // One moment for all of it, and nobody waits for a reader.
        source.execute_batch("begin")?;
        let _: i64 = source.pragma_query_value(None, "schema_version", |row| row.get(0))?;
    }
    let backup = Backup::new(&source, &mut copy)?;
    let (mut pages, mut left) = (STEP_PAGES, i32::MAX);
    loop {
        match backup.step(pages)? {
            StepResult::Done => return Ok(()),
            StepResult::More if mode == "wal" => continue,
            _ => pause(REST),
        }
        // Written to between two steps, it begins again: with longer ones.
        let remaining = backup.progress().remaining;
        if remaining >= left {
            pages = pages.saturating_mul(4).min(STEP_PAGES_MOST);
        }
        left = remaining;
    }
}
