//! The environment and the commands of a login.

use std::io;
use std::path::Path;

use tokio::process::Command;

const BASE: &[(&str, &str)] = &[
    ("HOME", "/root"),
    ("USER", "root"),
    ("LOGNAME", "root"),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("LANG", "C.UTF-8"),
];

/// Places where Debian and others keep the SFTP server.
pub(crate) const SFTP_SERVERS: &[&str] = &[
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

/// The shell that `/etc/passwd` gives root, read at every login: a user may change it.
pub(crate) fn shell() -> String {
    let text = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    shell_of(&text).unwrap_or("/bin/sh").to_owned()
}

fn shell_of(passwd: &str) -> Option<&str> {
    let line = passwd.lines().find(|line| line.starts_with("root:"))?;
    line.split(':').nth(6).map(str::trim).filter(|shell| !shell.is_empty())
}

/// The SFTP server of this machine.
pub(crate) fn sftp_server() -> Option<&'static str> {
    SFTP_SERVERS.iter().copied().find(|path| Path::new(path).exists())
}

#[cfg(test)]
mod tests {
    use super::shell_of;

    #[test]
    fn the_shell_is_the_seventh_field_of_root() {
        assert_eq!(
            shell_of("bin:x:1:1:::/bin/no\nroot:x:0:0:root:/root:/bin/zsh\n"),
            Some("/bin/zsh")
        );
        assert_eq!(shell_of("root:x:0:0:root:/root:\n"), None);
        assert_eq!(shell_of(""), None);
    }
}
