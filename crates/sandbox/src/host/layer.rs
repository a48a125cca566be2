//! The layer that an image has over the machine's `/usr`: programs of its own, and marks in the place of
//! those that it has not, as overlayfs keeps them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, SFlag, mknod};

use super::container::inside;
use super::image::Image;
use super::rootfs::write_program;
use super::tools;
use crate::inside::SFTP_SERVERS;

/// Where programs are.
const PROGRAMS: &[&str] =
    &["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/games"];

/// Makes a host's layer in `folder`; false when it needs none.
pub(crate) fn make(folder: &Path, image: &Image, gpus: bool) -> io::Result<bool> {
    let differs = gpus || image.old_rsync || !image.sftp || !image.lacks.is_empty();
    if image.busybox || !differs {
        return Ok(false);
    }
    if !image.lacks.is_empty() && !Path::new("/bin").is_symlink() {
        return Err(io::Error::other("programs can't be taken away here: /bin is no part of /usr"));
    }
    fs::create_dir_all(folder.join("bin"))?;
    if !image.lacks.is_empty() {
        for path in PROGRAMS.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten()) {
            let path = path?;
            if path.file_name().to_str().is_some_and(|name| image.hides(name)) {
                take_away(folder, &path.path())?;
            }
        }
    }
    if !image.sftp {
        for path in SFTP_SERVERS.iter().map(PathBuf::from).filter(|path| path.exists()) {
            take_away(folder, &path)?;
        }
    }
    if image.old_rsync {
        put(folder, "bin/rsync")?;
        fs::copy(tools::old_rsync().map_err(io::Error::other)?, folder.join("bin/rsync"))?;
    }
    if gpus {
        put(folder, "bin/nvidia-smi")?;
        write_program(&folder.join("bin/nvidia-smi"), &nvidia_smi(inside::PROGRAM))?;
    }
    Ok(true)
}

/// What `nvidia-smi` is: the program that serves the host, under another name.
pub(crate) fn nvidia_smi(program: &str) -> String {
    format!("#!/bin/sh\nexec {program} nvidia-smi -- \"$@\"\n")
}

fn put(folder: &Path, name: &str) -> io::Result<()> {
    match fs::remove_file(folder.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Marks a path of the machine's as not there.
fn take_away(folder: &Path, path: &Path) -> io::Result<()> {
    let mark = folder.join(path.strip_prefix("/usr").map_err(io::Error::other)?);
    if let Some(above) = mark.parent() {
        fs::create_dir_all(above)?;
    }
    Ok(mknod(&mark, SFlag::S_IFCHR, Mode::empty(), 0)?)
}
