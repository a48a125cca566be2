//! Mounts that bubblewrap can't make: an image's own layer over `/usr`, and folders where nothing runs.

use std::io;
use std::process::{Command, Stdio};

use super::plan::Plan;

/// Makes those of a plan.
pub(crate) fn make(plan: &Plan) -> io::Result<()> {
    if let Some(layer) = &plan.usr {
        // With two lower layers and no upper one it is read-only. `userxattr` is what a user namespace
        // needs; without one it does no harm.
        let options = format!("ro,userxattr,lowerdir={layer}:/usr");
        mount(&["-t", "overlay", "overlay", "-o", &options, "/usr"])?;
    }
    for folder in &plan.noexec {
        mount(&["-o", "remount,bind,noexec,nosuid,nodev", folder])?;
    }
    Ok(())
}

fn mount(args: &[&str]) -> io::Result<()> {
    let mut command = Command::new("mount");
    command.args(args).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("mount {}: {why}", args.join(" "))))
}
