//! Does the steps of a plan, again where it must: each tells by itself whether it was done before.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::beneath::{self, Beneath};
use super::error::{Result, What};
use super::local;
use super::plan::{Inode, Op, Slot};
use super::state::{State, exists, remove_tree, slot, unlink};
use super::steps::Steps;
use crate::clock::Nanos;
use crate::entry::Meta;
use crate::hash::Hash;
use crate::look::Look;
use crate::path::RelPath;

/// What a step that was not refused came to.
enum Done {
    /// What was to stand at its path stands there.
    Stands,
    /// Anything else, as that it had been done before.
    Else,
}

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
        let mut failed: BTreeMap<RelPath, i32> = BTreeMap::new();
        let mut unparked: HashMap<u64, Errno> = HashMap::new();
        for op in ops {
            self.steps.step(name(op))?;
            let lacks = match op {
                // What stands there is not what was to have a further name: it would be taken for it.
                Op::Link { from, .. } => {
                    failed.get(from).map(|errno| Errno::from_raw_os_error(*errno))
                }
                // Its rights and time are not for what stands there, which may have other names.
                Op::Dress { path, .. } => {
                    failed.get(path).map(|errno| Errno::from_raw_os_error(*errno))
                }
                // It never came, which is not that it was put there before.
                Op::Put { slot: Slot::Parked(slot), .. } => unparked.get(slot).copied(),
                _ => None,
            };
            let refused = lacks.or_else(|| self.steps.refuse(name(op)));
            match refused.map_or_else(|| self.one(op), Err) {
                Err(error) => {
                    if let Op::Park { slot, .. } = op {
                        unparked.insert(*slot, error);
                    }
                    failed.entry(path(op).clone()).or_insert_with(|| error.raw_os_error());
                }
                // What could not leave was replaced all the same.
                Ok(Done::Stands) => {
                    failed.remove(path(op));
                }
                Ok(Done::Else) => {}
            }
        }
        Ok(failed)
    }

    fn one(&mut self, op: &Op) -> std::result::Result<Done, Errno> {
        let stands = |stands| if stands { Done::Stands } else { Done::Else };
        match op {
            Op::Retire { path, inode, slot, keep, born } => {
                let inode = Inode { number: *inode, born: *born };
                self.retire(path, inode, *slot, *keep).map(|()| Done::Else)
            }
            Op::Park { path, inode, slot, born } => {
                let inode = Inode { number: *inode, born: *born };
                self.park(path, inode, *slot).map(|()| Done::Else)
            }
            Op::Rmdir { path } => self.rmdir(path).map(|()| Done::Else),
            Op::Mkdir { path } => self.mkdir(path).map(|()| Done::Stands),
            Op::Put { slot, path } => self.put(*slot, path).map(stands),
            Op::Link { from, path } => self.link(from, path).map(|()| Done::Stands),
            Op::Dress { path, meta } => self.dress(path, meta).map(|()| Done::Else),
        }
    }

    fn park(
        &mut self,
        path: &RelPath,
        inode: Inode,
        number: u64,
    ) -> std::result::Result<(), Errno> {
        let Some(look) = self.copy.look(path)? else { return Ok(()) };
        if !inode.is(&look.identity) {
            return Ok(());
        }
        let (folder, name) = self.copy.place(path)?;
        rustix::fs::renameat(&folder, name, &self.state.parked, slot(number))
    }

    fn dress(&mut self, path: &RelPath, meta: &Meta) -> std::result::Result<(), Errno> {
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

    fn retire(
        &mut self,
        path: &RelPath,
        inode: Inode,
        number: u64,
        keep: Option<(Hash, u64, Nanos)>,
    ) -> std::result::Result<(), Errno> {
        let Some(look) = self.copy.look(path)? else { return Ok(()) };
        if !inode.is(&look.identity) {
            return Ok(());
        }
        if beneath::is_folder(&look) {
            self.copy.forget();
        }
        let (folder, name) = self.copy.place(path)?;
        let kept = keep.filter(|(_, size, mtime)| {
            let now = look.identity;
            beneath::is_regular(&look) && now.size == *size && now.mtime == *mtime
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
        let Some(look) = self.copy.look(path)? else { return Ok(()) };
        if !beneath::is_folder(&look) {
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
        match self.copy.look(path)? {
            Some(look) if beneath::is_folder(&look) => return Ok(()),
            Some(look) => self.clear(path, &look)?,
            None => {}
        }
        let (folder, name) = self.copy.place(path)?;
        rustix::fs::mkdirat(&folder, name, Mode::RWXU)
    }

    /// Takes away what something here put in the way.
    fn clear(&mut self, path: &RelPath, look: &Look) -> std::result::Result<(), Errno> {
        let (folder, name) = self.copy.place(path)?;
        if beneath::is_folder(look) {
            self.copy.forget();
            remove_tree(&folder, name, &self.state.parked)
        } else {
            unlink(&folder, name)
        }
    }

    /// Whether it was there to be put.
    fn put(&mut self, from: Slot, path: &RelPath) -> std::result::Result<bool, Errno> {
        let (place, name) = match from {
            Slot::Staged(number) => (&self.state.staging, slot(number)),
            Slot::Parked(number) => (&self.state.parked, slot(number)),
        };
        if !exists(place, &name)? {
            return Ok(false);
        }
        if let Some(look) = self.copy.look(path)?
            && beneath::is_folder(&look)
        {
            self.clear(path, &look)?;
        }
        let (folder, to) = self.copy.place(path)?;
        rustix::fs::renameat(place, name.as_slice(), &folder, to).map(|()| true)
    }

    fn link(&mut self, from: &RelPath, path: &RelPath) -> std::result::Result<(), Errno> {
        let wanted = self.copy.look(from)?.ok_or(Errno::NOENT)?;
        if let Some(look) = self.copy.look(path)? {
            if look.identity.has_number_of(&wanted.identity) {
                return Ok(());
            }
            self.clear(path, &look)?;
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
