//! A host's disk as a file system of its own: as large as was asked for, and full when it is full.
//!
//! It is ext4 in a file, mounted by the host's own first process ([`super::wrap`]). Needs root. The file
//! has holes where nothing was written, so that a large disk costs nothing, and freed blocks become
//! holes again.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

/// The smallest disk, bytes: smaller ones hold hardly more than their own tables.
pub(crate) const SMALLEST: u64 = 16 * 1024 * 1024;
/// What fills a disk, at the top of a host's files. Whoever removes it has the room again.
pub(crate) const FILLER: &str = ".filler";
/// Below this every fourth block may be a file, as many small files need.
const SMALL: u64 = 4 * 1024 * 1024 * 1024;

/// Makes a disk with the files that are in a folder.
pub(crate) fn make(file: &Path, bytes: u64, from: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).open(file)?.set_len(bytes)?;
    let mut command = Command::new("mke2fs");
    command.args([
        "-q",
        "-F",
        "-t",
        "ext4",
        "-m",
        "0",
        "-b",
        "4096",
        "-O",
        "^has_journal,^resize_inode",
    ]);
    command.args(["-E", "lazy_itable_init=1,nodiscard,root_owner=0:0"]);
    command.args(["-i", if bytes < SMALL { "4096" } else { "16384" }]);
    command.arg("-d").arg(from).arg(file).stdin(Stdio::null());
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("mke2fs (Debian package e2fsprogs): {why}")))
}

/// Bytes that it takes on this machine.
pub(crate) fn used(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |about| about.blocks() * 512)
}

/// Fills a mounted disk until `left` bytes are free; an earlier filler is replaced.
pub(crate) fn fill(root: &Path, left: u64) -> io::Result<()> {
    let path = root.join(FILLER);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let about = nix::sys::statvfs::statvfs(root)?;
    let free = about.blocks_available() * about.fragment_size();
    let file = File::create_new(&path)?;
    let length = i64::try_from(free.saturating_sub(left)).unwrap_or(i64::MAX);
    if length > 0 {
        // The tables of a large file take a few blocks themselves: a little less is tried then.
        let mut wanted = length;
        while let Err(error) = nix::fcntl::posix_fallocate(&file, 0, wanted) {
            wanted -= 64 * 1024;
            if error != nix::errno::Errno::ENOSPC || wanted <= 0 {
                return Err(error.into());
            }
        }
    }
    Ok(())
}

/// Gives the room back.
pub(crate) fn empty(root: &Path) -> io::Result<()> {
    match fs::remove_file(root.join(FILLER)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
