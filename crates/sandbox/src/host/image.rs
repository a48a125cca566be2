//! What a host's image has and lacks, as its name says.
//!
//! Every ordinary name (`ubuntu:22.04`, `nvidia/cuda:12.4.1-devel-ubuntu22.04`) is played by the machine's
//! own programs, but for rsync: where the one of such an image is at hand, it is that one, since what it does
//! with a hostile sender is not what a newer one does. Names under `dumont-sandbox/` are made to be awkward: `dumont-sandbox/host:` or
//! `dumont-sandbox/busybox:` with words after the colon that are joined by dots.

use std::fmt;

use super::tools;

/// What the awkward images are called before their kind.
pub(crate) const OURS: &str = "dumont-sandbox/";
/// Most words after the colon.
const MOST_WORDS: usize = 16;

/// What a refusing kernel, or a filter around a container, answers for the calls that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// As a kernel that is too old: `ENOSYS`.
    Unknown,
    /// As a container runtime that is too old: `EPERM`.
    Forbidden,
}

/// An image, read from its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Image {
    name: String,
    /// Nothing but one static busybox.
    pub(crate) busybox: bool,
    /// Programs that are not there, without the version in their names.
    pub(crate) lacks: Vec<String>,
    /// rsync 3.2.7 instead of the machine's.
    pub(crate) old_rsync: bool,
    /// Has an SFTP server.
    pub(crate) sftp: bool,
    /// Only /workspace, /tmp, /run and /dev/shm can be written.
    pub(crate) read_only: bool,
    /// Nor can /tmp be.
    pub(crate) no_tmp: bool,
    /// Nothing in /tmp can be run.
    pub(crate) noexec_tmp: bool,
    /// Newer system calls are refused.
    pub(crate) refusal: Option<Refusal>,
    /// Its disk is a file system of its own, as large as was asked for.
    pub(crate) own_disk: bool,
    /// Logins that may be under way at once (sshd's MaxStartups).
    pub(crate) startups: Option<usize>,
    /// Sessions of one connection (sshd's MaxSessions).
    pub(crate) sessions: Option<usize>,
}

/// There is no such image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("manifest for {name} not found: manifest unknown ({why})")]
pub struct UnknownImage {
    name: String,
    why: String,
}

impl Image {
    /// Reads a name.
    pub(crate) fn named(name: &str) -> Result<Self, UnknownImage> {
        let image = Self { name: name.to_owned(), sftp: true, ..Self::default() };
        let Some(rest) = name.strip_prefix(OURS) else {
            let old = System::named(name).is_some_and(|system| system.has_old_rsync());
            return Ok(Self { old_rsync: old && tools::old_rsync().is_ok(), ..image });
        };
        let (kind, words) = rest.split_once(':').unwrap_or((rest, ""));
        let fail = |why: String| UnknownImage { name: name.to_owned(), why };
        let mut image = match kind {
            "host" => image,
            "busybox" => Self { busybox: true, sftp: false, ..image },
            other => return Err(fail(format!("{other:?} is neither host nor busybox"))),
        };
        if words.split('.').count() > MOST_WORDS {
            return Err(fail(format!("more than {MOST_WORDS} words")));
        }
        for word in words.split('.').filter(|word| !word.is_empty()) {
            image.take(word).map_err(fail)?;
        }
        Ok(image)
    }

    fn take(&mut self, word: &str) -> Result<(), String> {
        match word {
            "latest" => {}
            "old-rsync" if !self.busybox => self.old_rsync = true,
            "sftp" => self.sftp = true,
            "no-sftp" => self.sftp = false,
            "read-only" => self.read_only = true,
            "no-tmp" => (self.read_only, self.no_tmp) = (true, true),
            "noexec-tmp" => self.noexec_tmp = true,
            "enosys" => self.refusal = Some(Refusal::Unknown),
            "eperm" => self.refusal = Some(Refusal::Forbidden),
            "own-disk" => self.own_disk = true,
            _ => return self.take_more(word),
        }
        Ok(())
    }

    fn take_more(&mut self, word: &str) -> Result<(), String> {
        let number = |text: &str| {
            text.parse::<usize>()
                .ok()
                .filter(|number| (1..=1000).contains(number))
                .ok_or_else(|| format!("{word:?} has no number between 1 and 1000"))
        };
        if let Some(text) = word.strip_prefix("startups-") {
            self.startups = Some(number(text)?);
        } else if let Some(text) = word.strip_prefix("sessions-") {
            self.sessions = Some(number(text)?);
        } else if let Some(program) = word.strip_prefix("no-").filter(|name| is_program(name)) {
            self.lacks.push(program.to_owned());
        } else if !word.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("{word:?} is no word that an image can have"));
        }
        Ok(())
    }

    /// Whether a program of the machine is not in it: `no-python` takes `python3` and `python3.11`
    /// away too, `no-apt` also `apt-get`.
    pub(crate) fn hides(&self, program: &str) -> bool {
        self.lacks.iter().any(|lacks| {
            program.strip_prefix(lacks.as_str()).is_some_and(|rest| {
                let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
                rest.is_empty() || rest.starts_with('-')
            })
        })
    }

    /// The shell that its root has.
    pub(crate) fn shell(&self) -> &'static str {
        if self.busybox || self.hides("bash") { "/bin/sh" } else { "/bin/bash" }
    }

    /// What `/etc/os-release` says.
    pub(crate) fn os_release(&self) -> String {
        let system = if self.busybox { System::Busybox } else { System::of(&self.name) };
        system.to_string()
    }
}

fn is_program(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The system that an image is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum System {
    Busybox,
    Debian(u32),
    Ubuntu(u32, u32),
}

impl System {
    /// From the parts of the name that say so; what says nothing is most often Ubuntu 22.04.
    fn of(name: &str) -> Self {
        Self::named(name).unwrap_or(Self::Ubuntu(22, 4))
    }

    /// Whether it comes with rsync 3.2.7.
    fn has_old_rsync(&self) -> bool {
        matches!(self, Self::Ubuntu(22, 4) | Self::Debian(12))
    }

    /// From the parts of the name that say so.
    fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let digits_after = |word: &str| {
            let rest = name.get(name.rfind(word)? + word.len()..)?;
            let from = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
            Some(from.split(|c: char| !c.is_ascii_digit() && c != '.').next()?.to_owned())
        };
        for (word, number) in [("bullseye", 11), ("bookworm", 12), ("trixie", 13)] {
            if name.contains(word) {
                return Some(Self::Debian(number));
            }
        }
        if let Some(version) = digits_after("debian") {
            let number = version.split('.').next().and_then(|number| number.parse().ok());
            return Some(Self::Debian(number.unwrap_or(12)));
        }
        let digits = digits_after("ubuntu")?;
        let digits: String = digits.chars().filter(char::is_ascii_digit).take(4).collect();
        match digits.split_at_checked(2).map(|(year, month)| (year.parse(), month.parse())) {
            Some((Ok(year), Ok(month))) => Some(Self::Ubuntu(year, month)),
            _ => Some(Self::Ubuntu(22, 4)),
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busybox => write!(f, "NAME=Buildroot\nID=buildroot\nPRETTY_NAME=\"Buildroot\"\n"),
            Self::Debian(version) => {
                let name = match version {
                    11 => " (bullseye)",
                    12 => " (bookworm)",
                    13 => " (trixie)",
                    _ => "",
                };
                write!(
                    f,
                    "PRETTY_NAME=\"Debian GNU/Linux {version}{name}\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"{version}\"\nVERSION=\"{version}{name}\"\nID=debian\n"
                )
            }
            Self::Ubuntu(year, month) => {
                let lts = if year % 2 == 0 && *month == 4 { " LTS" } else { "" };
                write!(
                    f,
                    "PRETTY_NAME=\"Ubuntu {year}.{month:02}{lts}\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"{year}.{month:02}\"\nVERSION=\"{year}.{month:02}{lts}\"\nID=ubuntu\nID_LIKE=debian\n"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_name_are_read() {
        let image =
            Image::named("dumont-sandbox/host:no-rsync.no-python.read-only.enosys.sessions-3")
                .expect("an image");
        assert!(image.hides("rsync") && image.hides("python3.11") && image.hides("python3-config"));
        assert!(!image.hides("rsyncd") && !image.hides("perl"));
        assert!(image.read_only && image.sftp && !image.busybox);
        assert_eq!((image.refusal, image.sessions), (Some(Refusal::Unknown), Some(3)));
        assert_eq!(image.shell(), "/bin/bash");
        let image = Image::named("dumont-sandbox/busybox:1").expect("an image");
        assert!(image.busybox && !image.sftp);
        assert_eq!(image.shell(), "/bin/sh");
        assert!(Image::named("dumont-sandbox/busybox:sftp.1.36").expect("an image").sftp);
    }

    #[test]
    fn ordinary_names_are_the_whole_machine() {
        for name in ["ubuntu:24.04", "no-rsync/host:no-rsync", ""] {
            let image = Image::named(name).expect("an image");
            assert_eq!(image, Image { name: name.into(), sftp: true, ..Image::default() });
        }
    }

    #[test]
    fn a_word_that_means_nothing_is_no_image() {
        for name in ["host:fast", "host:no-", "hosts", "host:sessions-0", "busybox:old-rsync"] {
            let error = Image::named(&format!("dumont-sandbox/{name}")).expect_err(name);
            assert!(error.to_string().contains("manifest unknown"), "{error}");
        }
    }

    #[test]
    fn the_system_is_the_one_of_the_name() {
        let said = |name: &str| System::of(name);
        assert_eq!(said("nvidia/cuda:12.4.1-devel-ubuntu22.04"), System::Ubuntu(22, 4));
        assert_eq!(said("ubuntu:24.04"), System::Ubuntu(24, 4));
        assert_eq!(
            said("projects/ubuntu-os-cloud/global/images/family/ubuntu-2004-lts"),
            System::Ubuntu(20, 4)
        );
        assert_eq!(said("family/ubuntu-minimal-2404-lts-amd64"), System::Ubuntu(24, 4));
        assert_eq!(said("debian:11-slim"), System::Debian(11));
        assert_eq!(
            said("projects/debian-cloud/global/images/family/debian-12"),
            System::Debian(12)
        );
        assert_eq!(said("python:3.12-bookworm"), System::Debian(12));
        assert_eq!(said("pytorch/pytorch:latest"), System::Ubuntu(22, 4));
        assert!(said("ubuntu:22.04").to_string().contains("VERSION_ID=\"22.04\""));
    }
}
