//! Does the steps of a plan, again where it must: each tells by itself whether it was done before.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::beneath::{self, Beneath};
use super::error::{Result, What};
use super::local;
use super::plan::{Op, Slot};
use super::state::{State, exists, remove_tree, slot, unlink};
use super::steps::Steps;
use crate::clock::Nanos;
use crate::hash::Hash;
use crate::path::RelPath;

/// Where the steps are done.
pub(super) struct Hands<'a> {
    pub(super) copy: &'a mut Beneath,
    pub(super) state: &'a State,
    pub(super) steps: &'a mut dyn Steps,
}

impl Hands<'_> {
    /// Does them all, in their order. What can't be done is passed over: the rest is not held up by a
    /// link too many, an attribute that is refused, or a disk that is full. The paths that are not what
    /// they were to become, with the kernel's number.
    pub(super) fn apply(&mut self, ops: &[Op]) -> Result<BTreeMap<RelPath, i32>> {
        let mut failed = BTreeMap::new();
        for op in ops {
            self.steps.step(name(op))?;
            match self.steps.refuse(name(op)).map_or_else(|| self.one(op), Err) {
                Err(error) => {
                    failed.entry(path(op).clone()).or_insert_with(|| error.raw_os_error());
                }
                // What could not leave was replaced all the same.
                Ok(()) if matches!(op, Op::Put { .. } | Op::Mkdir { .. } | Op::Link { .. }) => {
                    failed.remove(path(op));
                }
                Ok(()) => {}
            }
        }
        Ok(failed)
    }

    fn one(&mut self, op: &Op) -> std::result::Result<(), Errno> {
        match op {
            Op::Retire { path, inode, slot, keep } => self.retire(path, *inode, *slot, *keep),
            Op::Park { path, inode, slot: number } => {
                let Some(stat) = self.copy.stat(path)? else { return Ok(()) };
                if stat.st_ino != *inode {
                    return Ok(());
                }
                let (folder, name) = self.copy.place(path)?;
                rustix::fs::renameat(&folder, name, &self.state.parked, slot(*number))
            }
            Op::Rmdir { path } => self.rmdir(path),
            Op::Mkdir { path } => self.mkdir(path),
            Op::Put { slot, path } => self.put(*slot, path),
            Op::Link { from, path } => self.link(from, path),
            Op::Dress { path, meta } => {
                if path.is_root() {
                    return Ok(());
                }
                let (folder, name) = self.copy.place(path)?;
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                match rustix::fs::openat(&folder, name, flags, Mode::empty()) {
                    Ok(thing) => local::dress(&thing, meta),
                    // Something here took it away; that it is not as it was left shows later.
                    Err(Errno::NOENT | Errno::LOOP) => Ok(()),
                    Err(error) => Err(error),
                }
            }
        }
    }

    fn retire(
        &mut self,
        path: &RelPath,
        inode: u64,
        number: u64,
        keep: Option<(Hash, u64, Nanos)>,
    ) -> std::result::Result<(), Errno> {
        let Some(stat) = self.copy.stat(path)? else { return Ok(()) };
        if stat.st_ino != inode {
            return Ok(());
        }
        if beneath::is_folder(&stat) {
            self.copy.forget();
        }
        let (folder, name) = self.copy.place(path)?;
        let kept = keep.filter(|(_, size, mtime)| {
            let now = beneath::identity(&stat);
            beneath::is_regular(&stat) && now.size == *size && now.mtime == *mtime
        });
        let moved = match kept {
            Some((hash, ..)) if !self.state.has(hash)? => {
                rustix::fs::renameat(&folder, name, &self.state.objects, hash.to_hex().as_bytes())
            }
            _ => rustix::fs::renameat(&folder, name, &self.state.parked, retired(number)),
        };
        // Better that an earlier content goes than that this one stays in its successor's place.
        moved.or_else(|_| unlink(&folder, name))
    }

    fn rmdir(&mut self, path: &RelPath) -> std::result::Result<(), Errno> {
        let Some(stat) = self.copy.stat(path)? else { return Ok(()) };
        if !beneath::is_folder(&stat) {
            return Ok(());
        }
        let (folder, name) = self.copy.place(path)?;
        let answer = match rustix::fs::unlinkat(&folder, name, AtFlags::REMOVEDIR) {
            // Something here wrote into it.
            Err(Errno::NOTEMPTY | Errno::EXIST) => remove_tree(&folder, name, &self.state.parked),
            answer => answer,
        };
        self.copy.forget();
        answer
    }

    fn mkdir(&mut self, path: &RelPath) -> std::result::Result<(), Errno> {
        if path.is_root() {
            return Ok(());
        }
        match self.copy.stat(path)? {
            Some(stat) if beneath::is_folder(&stat) => return Ok(()),
            Some(stat) => self.clear(path, &stat)?,
            None => {}
        }
        let (folder, name) = self.copy.place(path)?;
        rustix::fs::mkdirat(&folder, name, Mode::RWXU)
    }

    /// Takes away what something here put in the way.
    fn clear(&mut self, path: &RelPath, stat: &Stat) -> std::result::Result<(), Errno> {
        let (folder, name) = self.copy.place(path)?;
        if beneath::is_folder(stat) {
            self.copy.forget();
            remove_tree(&folder, name, &self.state.parked)
        } else {
            unlink(&folder, name)
        }
    }

    fn put(&mut self, from: Slot, path: &RelPath) -> std::result::Result<(), Errno> {
        let (place, name) = match from {
            Slot::Staged(number) => (&self.state.staging, slot(number)),
            Slot::Parked(number) => (&self.state.parked, slot(number)),
        };
        if !exists(place, &name)? {
            return Ok(());
        }
        if let Some(stat) = self.copy.stat(path)?
            && beneath::is_folder(&stat)
        {
            self.clear(path, &stat)?;
        }
        let (folder, to) = self.copy.place(path)?;
        rustix::fs::renameat(place, name.as_slice(), &folder, to)
    }

    fn link(&mut self, from: &RelPath, path: &RelPath) -> std::result::Result<(), Errno> {
        let Some(wanted) = self.copy.stat(from)? else { return Ok(()) };
        if let Some(stat) = self.copy.stat(path)? {
            if stat.st_ino == wanted.st_ino {
                return Ok(());
            }
            self.clear(path, &stat)?;
        }
        let (of, name) = self.copy.place(from)?;
        let (folder, to) = self.copy.place(path)?;
        rustix::fs::linkat(&of, name, &folder, to, AtFlags::empty())
    }
}

/// The name of what waits to be let go.
fn retired(number: u64) -> Vec<u8> {
    format!("retired-{number}").into_bytes()
}

/// What a step changes.
pub(super) fn path(op: &Op) -> &RelPath {
    match op {
        Op::Retire { path, .. }
        | Op::Park { path, .. }
        | Op::Rmdir { path }
        | Op::Mkdir { path }
        | Op::Put { path, .. }
        | Op::Link { path, .. }
        | Op::Dress { path, .. } => path,
    }
}

fn name(op: &Op) -> &'static str {
    match op {
        Op::Retire { .. } => "retiring an old content",
        Op::Park { .. } => "moving a file away",
        Op::Rmdir { .. } => "removing a folder",
        Op::Mkdir { .. } => "making a folder",
        Op::Put { .. } => "putting a file in its place",
        Op::Link { .. } => "linking a file",
        Op::Dress { .. } => "setting what belongs to a file",
    }
}

/// Empties what a cut left in staging, but for the numbers that are held; what was on its way from one
/// place of the copy to another is gone from there only when its steps were all done.
pub(super) fn sweep(
    folder: &OwnedFd,
    parked: &OwnedFd,
    held: &dyn Fn(&[u8]) -> bool,
) -> Result<()> {
    for (name, is_folder) in super::state::names(folder).what("looking into staging")? {
        if held(&name) {
            continue;
        }
        if is_folder {
            remove_tree(folder, &name, parked).what("emptying staging")?;
        } else {
            unlink(folder, &name).what("emptying staging")?;
        }
    }
    Ok(())
}
