//! What is in a new host's own files, by its image.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::container::{self, inside};
use super::image::Image;
use super::tools;

/// Folders that every host has besides those of the system.
const OWN_FOLDERS: &[&str] = &[
    "etc",
    "home",
    "mnt",
    "opt",
    "root",
    "run",
    "srv",
    "tmp",
    "var",
    "var/log",
    "var/tmp",
    "workspace",
];
/// Folders of a host that has nothing of the machine's.
const BARE_FOLDERS: &[&str] = &["bin", "lib", "sbin", "usr/bin", "usr/sbin", "usr/lib/openssh"];

/// Makes it.
pub(crate) fn make(root: &Path, id: &str, image: &Image) -> io::Result<()> {
    let mut folders = DirBuilder::new();
    folders.recursive(true).mode(0o755);
    for name in OWN_FOLDERS {
        folders.create(root.join(name))?;
    }
    fs::set_permissions(root.join("root"), Permissions::from_mode(0o700))?;
    for name in ["tmp", "var/tmp"] {
        fs::set_permissions(root.join(name), Permissions::from_mode(0o1777))?;
    }
    if image.busybox {
        bare(root, image)?;
    } else {
        for link in container::system_folders().filter(|path| path.is_symlink()) {
            let inside = root.join(link.strip_prefix("/").unwrap_or(&link));
            symlink(fs::read_link(&link)?, inside)?;
        }
    }
    write_etc(&root.join("etc"), id, image)
}

/// One static busybox under every name that it answers to.
fn bare(root: &Path, image: &Image) -> io::Result<()> {
    for name in BARE_FOLDERS {
        fs::create_dir_all(root.join(name))?;
    }
    let busybox = tools::busybox().map_err(io::Error::other)?;
    // It goes by the name that it is called by.
    let list =
        Command::new(&busybox).arg0("busybox").arg("--list").stdin(Stdio::null()).output()?;
    if !list.status.success() || list.stdout.is_empty() {
        return Err(io::Error::other(format!("{} is no busybox", busybox.display())));
    }
    fs::copy(&busybox, root.join("bin/busybox"))?;
    fs::set_permissions(root.join("bin/busybox"), Permissions::from_mode(0o755))?;
    let own = ["busybox", "nvidia-smi"];
    for name in String::from_utf8_lossy(&list.stdout).lines().filter(|name| !own.contains(name)) {
        if !name.is_empty() && !name.contains('/') && !image.hides(name) {
            symlink("busybox", root.join("bin").join(name))?;
        }
    }
    if image.sftp {
        let text = format!("#!/bin/sh\nexec {} \"$@\"\n", inside::by_loader(inside::SFTP));
        write_program(&root.join("usr/lib/openssh/sftp-server"), &text)?;
    }
    Ok(())
}

/// Writes something that can be run.
pub(crate) fn write_program(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

fn write_etc(etc: &Path, id: &str, image: &Image) -> io::Result<()> {
    let shell = image.shell();
    let files = [
        ("passwd", format!("root:x:0:0:root:/root:{shell}\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n")),
        ("group", "root:x:0:\nnogroup:x:65534:\n".to_owned()),
        ("hostname", format!("{id}\n")),
        ("hosts", format!("127.0.0.1 localhost\n127.0.1.1 {id}\n")),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n".to_owned()),
        ("os-release", image.os_release()),
        ("shells", if shell == "/bin/sh" { "/bin/sh\n" } else { "/bin/sh\n/bin/bash\n" }.to_owned()),
        ("profile", "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nPS1='\\u@\\h:\\w\\$ '\n".to_owned()),
    ];
    for (name, text) in files {
        fs::write(etc.join(name), text)?;
    }
    Ok(())
}
