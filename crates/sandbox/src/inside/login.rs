//! The environment and the commands of a login.

use std::io;
use std::path::Path;

use tokio::process::Command;

const BASE: &[(&str, &str)] = &[
    ("HOME", "/root"),
    ("USER", "root"),
    ("LOGNAME", "root"),
    ("SHELL", "/bin/bash"),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("LANG", "C.UTF-8"),
];

/// Places where Debian and others keep the SFTP server.
const SFTP_SERVERS: &[&str] = &[
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
];

/// What every process of a login starts with.
#[derive(Debug, Default)]
pub(crate) struct Environment(Vec<(String, String)>);

impl Environment {
    /// The usual variables and those that the instance was made with.
    pub(crate) fn read(seat: &Path) -> io::Result<Self> {
        let own: Vec<(String, String)> = serde_json::from_slice(&std::fs::read(seat.join("env"))?)?;
        let base = BASE.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Ok(Self(base.chain(own).collect()))
    }

    /// A command with this environment and nothing else, in `/root`.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir("/root");
        for (name, value) in self.0.iter().filter(|(name, value)| settable(name, value)) {
            command.env(name, value);
        }
        command
    }
}

/// Whether a name and value can be in an environment at all.
pub(crate) fn settable(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
}

/// The SFTP server of this machine.
pub(crate) fn sftp_server() -> Option<&'static str> {
    SFTP_SERVERS.iter().copied().find(|path| Path::new(path).exists())
}
