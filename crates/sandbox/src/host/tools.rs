//! Programs that some images have and this machine may not: found on the machine, or where
//! `scripts/setup` puts them.

use std::path::{Path, PathBuf};

/// One that can't be found.
#[derive(Debug, thiserror::Error)]
#[error("{name} is not here: run scripts/setup --tests, or name it in {variable}")]
pub(crate) struct Missing {
    name: &'static str,
    variable: &'static str,
}

/// A busybox that needs no library.
pub(crate) fn busybox() -> Result<PathBuf, Missing> {
    find("busybox (static)", "DUMONT_SANDBOX_BUSYBOX", &["busybox/bin/busybox"], &["/bin/busybox"])
}

/// rsync 3.2.7.
pub(crate) fn old_rsync() -> Result<PathBuf, Missing> {
    find("rsync 3.2.7", "DUMONT_TEST_OLD_RSYNC", &["rsync-3.2.7/usr/bin/rsync"], &[])
}

fn find(
    name: &'static str,
    variable: &'static str,
    ours: &[&str],
    machines: &[&str],
) -> Result<PathBuf, Missing> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let own = std::env::current_exe().ok();
    let here = std::env::current_dir().ok();
    let above = [own, here]
        .into_iter()
        .flatten()
        .flat_map(|path| path.ancestors().map(|folder| folder.join(".tools")).collect::<Vec<_>>());
    let ours =
        above.flat_map(|tools| ours.iter().map(move |path| tools.join(path)).collect::<Vec<_>>());
    named
        .into_iter()
        .chain(ours)
        .chain(machines.iter().map(PathBuf::from))
        .find(|path| path.is_file())
        .ok_or(Missing { name, variable })
}

/// What a program of this machine needs to run where none of its libraries is: the loader, and the
/// folders to look in. None for a program that needs nothing.
pub(crate) fn loader() -> Option<&'static str> {
    ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"]
        .into_iter()
        .find(|path| Path::new(path).exists())
}

/// Folders with the machine's libraries.
pub(crate) fn libraries() -> Vec<PathBuf> {
    ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"]
        .iter()
        .map(PathBuf::from)
        .find(|path| path.join("libc.so.6").exists())
        .into_iter()
        .collect()
}
