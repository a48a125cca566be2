//! What may be run on a host: a text that is part of this program, and arguments that are data.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::SshError;

/// Comes before all that a script prints, so that whatever a login shell's start-up files print can
/// be told apart and dropped.
pub(super) const BEGIN: &[u8] = b"\x1edumont\x1e\n";
const PRINT_BEGIN: &str = "printf '\\036dumont\\036\\n'\n";

/// A bash script with its arguments, which it finds in `$1`, `$2`, …
#[derive(Debug, Clone)]
pub struct Script {
    name: &'static str,
    text: &'static str,
    args: Vec<OsString>,
}

impl Script {
    /// A script without arguments. Its text is fixed when the program is built: nothing can be
    /// formatted into it.
    #[must_use]
    pub const fn bash(text: &'static str) -> Self {
        Self::named("", text)
    }

    /// The same with a name, by which whoever is no shell can tell what is asked.
    #[must_use]
    pub const fn named(name: &'static str, text: &'static str) -> Self {
        Self { name, text, args: Vec::new() }
    }

    /// Its name; empty where it has none.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its arguments, as far as they are text.
    pub fn args(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        self.args.iter().map(|arg| arg.to_string_lossy())
    }

    /// Adds an argument. Any bytes but NUL arrive unchanged.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// The line for the login shell of the host.
    pub(super) fn command(&self) -> Result<Vec<u8>, SshError> {
        let mut line = b"exec bash -c ".to_vec();
        let text = [PRINT_BEGIN, self.text].concat();
        line.extend(quote(text.as_bytes()));
        line.extend(b" dumont");
        for arg in &self.args {
            if arg.as_bytes().contains(&0) {
                return Err(SshError::Protocol("an argument contains a NUL byte".into()));
            }
            line.push(b' ');
            line.extend(quote(arg.as_bytes()));
        }
        Ok(line)
    }
}

/// Makes one word of any bytes for a POSIX shell: single quotes, in which nothing has a meaning but
/// the single quote itself.
#[must_use]
pub fn quote(word: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(word.len() + 2);
    quoted.push(b'\'');
    for byte in word {
        match byte {
            b'\'' => quoted.extend(b"'\\''"),
            other => quoted.push(*other),
        }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    const ECHO: &str = r#"printf '%s\0' "$@""#;

    fn printed(args: &[OsString]) -> Vec<Vec<u8>> {
        let script = args.iter().fold(Script::bash(ECHO), Script::arg);
        let line = OsString::from_vec(script.command().unwrap());
        let output = std::process::Command::new("sh").arg("-c").arg(line).output().unwrap();
        let rest = output.stdout.strip_prefix(BEGIN).expect("the mark comes first");
        rest.split_inclusive(|byte| *byte == 0)
            .map(|part| part[..part.len() - 1].to_vec())
            .collect()
    }

    #[test]
    fn arguments_arrive_as_they_are() {
        let nasty: Vec<OsString> = [
            &b""[..],
            b" ",
            b"a b",
            b"it's",
            b"''",
            b"\"$HOME\"",
            b"`id`",
            b"$(touch /tmp/x)",
            b"-rf",
            b"--",
            b"*",
            b"new\nline",
            b"\n",
            b"tab\t",
            b"back\\slash\\",
            b"!history",
            b"~",
            b"; exit 3",
            b"&& x",
            "ação 🚀".as_bytes(),
            b"\xff\xfe not UTF-8",
            b"\x01\x1b[31m",
        ]
        .iter()
        .map(|bytes| OsString::from_vec(bytes.to_vec()))
        .collect();
        let back = printed(&nasty);
        assert_eq!(back.len(), nasty.len());
        for (sent, got) in nasty.iter().zip(back) {
            assert_eq!(sent.as_bytes(), got, "{sent:?}");
        }
    }

    #[test]
    fn a_nul_byte_is_refused() {
        assert!(matches!(Script::bash("true").arg("a\0b").command(), Err(SshError::Protocol(_))));
    }
}
