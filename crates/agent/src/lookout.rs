//! Who has files open for writing: what `/proc` tells of the host's processes. Asked on a thread that is
//! started before a serving side confines itself, since a confined one may not look at others; and so
//! that a process whose memory can't be looked at just now holds nobody up.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use rustix::fs::{FileType, Mode, OFlags, RawDir};
use rustix::io::Errno;

use crate::look::Look;
use crate::source::Sight;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most files that are remembered of one look.
const FILES_MAX: usize = 200_000;
/// Most bytes of a line of a process's map: a path, each byte maybe escaped.
const LINE_MAX: u64 = 20_000;

/// How a file is open for writing, of all who have it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// What is written goes to its end, by everyone: `O_APPEND`, or it is a process's standard output.
    Appends,
    /// At any place.
    Writes,
    /// It is mapped: what is written may move no time stamp.
    Maps,
}

impl How {
    /// Both together.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Maps, _) | (_, Self::Maps) => Self::Maps,
            (Self::Writes, _) | (_, Self::Writes) => Self::Writes,
            _ => Self::Appends,
        }
    }
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Of how many processes.
    pub(crate) sight: Sight,
    /// By device and inode.
    pub(crate) open: HashMap<(u64, u64), How>,
    /// Paths below the root that are mapped for writing.
    pub(crate) mapped: Vec<Vec<u8>>,
}

impl Seen {
    fn nothing() -> Self {
        Self { sight: Sight::None, open: HashMap::new(), mapped: Vec::new() }
    }
}

struct Ask {
    root: Vec<u8>,
    dev: u64,
    everyone: bool,
    answer: Sender<Seen>,
}

/// Looks at the host's processes when it is asked to.
#[derive(Clone)]
pub struct Lookout {
    ask: SyncSender<Ask>,
}

impl Lookout {
    /// Starts it. It ends with its last handle.
    #[must_use]
    pub fn start() -> Self {
        let (ask, asked): (_, Receiver<Ask>) = sync_channel(1);
        std::thread::spawn(move || {
            let mut mapping = HashSet::new();
            for ask in asked {
                // Who asked may have given up waiting.
                let _ = ask.answer.send(look(&ask, &mut mapping));
            }
        });
        Self { ask }
    }

    /// What is open now on the device of a workspace whose folder is at `root`. The mappings of all
    /// processes are looked at only where `everyone` is wanted, since that takes ten times as long; else
    /// those of who had one before, or has a file open for reading and writing. Where no answer comes in
    /// time nothing is known.
    pub(crate) fn look(&self, root: &[u8], dev: u64, everyone: bool) -> Seen {
        let (answer, answered) = channel();
        let ask = Ask { root: root.to_vec(), dev, everyone, answer };
        if self.ask.try_send(ask).is_err() {
            return Seen::nothing();
        }
        answered.recv_timeout(PATIENCE).unwrap_or_else(|_| Seen::nothing())
    }
}

fn look(ask: &Ask, mapping: &mut HashSet<u32>) -> Seen {
    let mut seen = Seen::nothing();
    let Ok(processes) = folder("/proc").and_then(|proc| numbers(&proc)) else { return seen };
    if processes.is_empty() {
        return seen;
    }
    // Others' processes may be hidden from who isn't root.
    let root_user = rustix::process::geteuid().is_root();
    seen.sight = if root_user { Sight::All } else { Sight::Part };
    for process in processes {
        let looked = descriptors(process, ask.dev, &mut seen).and_then(|may_map| {
            if !(ask.everyone || may_map || mapping.contains(&process)) {
                return Ok(());
            }
            if mappings(process, &ask.root, ask.dev, &mut seen)? {
                mapping.insert(process);
            } else {
                mapping.remove(&process);
            }
            Ok(())
        });
        match looked {
            // It ended meanwhile.
            Ok(()) | Err(Errno::NOENT | Errno::SRCH) => {}
            Err(_) => seen.sight = Sight::Part,
        }
        if seen.open.len() > FILES_MAX {
            seen.sight = Sight::Part;
            break;
        }
    }
    seen
}

/// Opens a folder of `/proc`.
fn folder(path: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
}

/// The entries of a folder of `/proc` that are numbers.
fn numbers(folder: &OwnedFd) -> Result<Vec<u32>, Errno> {
    let mut buffer = Vec::with_capacity(8 << 10);
    let mut names = RawDir::new(folder, buffer.spare_capacity_mut());
    let mut found = Vec::new();
    while let Some(name) = names.next() {
        let name = name?;
        found.extend(name.file_name().to_str().ok().and_then(|name| name.parse::<u32>().ok()));
    }
    Ok(found)
}

/// Notes what a process has open for writing; whether it has something so that it could map it.
fn descriptors(process: u32, dev: u64, seen: &mut Seen) -> Result<bool, Errno> {
    let mut may_map = false;
    let open = folder(&format!("/proc/{process}/fd"))?;
    for number in numbers(&open)? {
        let look = match Look::at(&open, number.to_string().as_bytes(), true) {
            Ok(look) => look,
            // Closed meanwhile, or nothing that has a place.
            Err(_) => continue,
        };
        if look.kind != FileType::RegularFile || look.identity.dev != dev {
            continue;
        }
        let Ok(info) = std::fs::read_to_string(format!("/proc/{process}/fdinfo/{number}")) else {
            continue;
        };
        if let Some(how) = by_flags(&info, number) {
            may_map |= how == How::Writes;
            note(seen, (look.identity.dev, look.identity.ino), how);
        }
    }
    Ok(may_map)
}

/// How a descriptor writes; nothing where it doesn't.
fn by_flags(info: &str, number: u32) -> Option<How> {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    let flags = OFlags::from_bits_retain(u32::from_str_radix(flags.trim(), 8).ok()?);
    let writes = flags.intersects(OFlags::WRONLY | OFlags::RDWR) && !flags.contains(OFlags::PATH);
    let output = number == 1 || number == 2;
    let appends = flags.contains(OFlags::APPEND) || output && !flags.contains(OFlags::RDWR);
    writes.then_some(if appends { How::Appends } else { How::Writes })
}

fn note(seen: &mut Seen, file: (u64, u64), how: How) {
    seen.open.entry(file).and_modify(|before| *before = before.and(how)).or_insert(how);
}

/// Notes what a process has mapped for writing; whether there is any.
fn mappings(process: u32, root: &[u8], dev: u64, seen: &mut Seen) -> Result<bool, Errno> {
    let file = std::fs::File::open(format!("/proc/{process}/maps")).map_err(errno)?;
    let mut lines = BufReader::with_capacity(16 << 10, file);
    let mut line = Vec::new();
    let mut any = false;
    loop {
        line.clear();
        let mut bounded = (&mut lines).take(LINE_MAX);
        // A process that ends while it is looked at answers with an error.
        let Ok(read) = bounded.read_until(b'\n', &mut line) else { return Ok(any) };
        if read == 0 {
            return Ok(any);
        }
        let Some(mapping) = mapping(&line) else { continue };
        if mapping.dev == dev {
            any = true;
            note(seen, (dev, mapping.ino), How::Maps);
        }
        let below = mapping.path.strip_prefix(root).and_then(|path| path.strip_prefix(b"/"));
        let Some(below) = below else { continue };
        // On a layered file system a map tells another device and inode than the file.
        if let Ok(look) = Look::at(rustix::fs::CWD, &mapping.path, false)
            && look.kind == FileType::RegularFile
            && look.identity.dev == dev
        {
            any = true;
            note(seen, (dev, look.identity.ino), How::Maps);
            if !seen.mapped.iter().any(|known| known == below) {
                seen.mapped.push(below.to_vec());
            }
        }
    }
}

/// A shared mapping that may be written.
struct Mapping {
    dev: u64,
    ino: u64,
    path: Vec<u8>,
}

fn mapping(line: &[u8]) -> Option<Mapping> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let mut parts = line.splitn(6, |byte| *byte == b' ');
    let (_, rights, _, device, inode) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if rights.get(1) != Some(&b'w') || rights.get(3) != Some(&b's') {
        return None;
    }
    let ino: u64 = std::str::from_utf8(inode).ok()?.parse().ok().filter(|ino| *ino != 0)?;
    let (major, minor) = std::str::from_utf8(device).ok()?.split_once(':')?;
    let number = |text: &str| u32::from_str_radix(text, 16).ok();
    let dev = rustix::fs::makedev(number(major)?, number(minor)?);
    let path = parts.next().unwrap_or_default();
    let path = path.iter().position(|byte| *byte != b' ').and_then(|at| path.get(at..));
    Some(Mapping { dev, ino, path: unescaped(path.unwrap_or_default()) })
}

/// A path as a map tells it: the end of a line is escaped in it.
fn unescaped(path: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(b"\\012") {
            plain.push(b'\n');
            rest = after;
        } else {
            plain.push(*first);
            rest = after;
        }
    }
    plain
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn flags_tell_who_writes() {
        let how = |flags: &str, number| {
            by_flags(&format!("pos:\t0\nflags:\t{flags}\nmnt_id:\t29\n"), number)
        };
        assert_eq!(how("0100000", 3), None, "reads");
        assert_eq!(how("0100001", 3), Some(How::Writes));
        assert_eq!(how("0100002", 3), Some(How::Writes));
        assert_eq!(how("0102001", 3), Some(How::Appends));
        assert_eq!(how("0100001", 1), Some(How::Appends), "a standard output");
        assert_eq!(how("012000002", 3), None, "only its place");
        assert_eq!(by_flags("nothing", 3), None);
    }

    #[test]
    fn maps_tell_who_writes() {
        let line = b"7f00-7f01 rw-s 00000000 fe:01 42                        /w/a b\\012c\n";
        let shared = mapping(line).unwrap();
        assert_eq!((shared.ino, shared.path), (42, b"/w/a b\nc".to_vec()));
        assert_eq!(shared.dev, rustix::fs::makedev(0xfe, 1));
        for no in [
            &b"7f00-7f01 rw-p 00000000 fe:01 42   /w/private"[..],
            b"7f00-7f01 r--s 00000000 fe:01 42   /w/read",
            b"7f00-7f01 rw-s 00000000 00:00 0",
            b"",
            b"x y",
        ] {
            assert!(mapping(no).is_none());
        }
    }

    #[test]
    fn a_file_that_is_open_here_is_seen_until_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().as_os_str().as_encoded_bytes();
        let path = folder.path().join("f");
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(b"x").unwrap();
        let identity = Look::of(&file).unwrap().identity;
        let key = (identity.dev, identity.ino);
        let lookout = Lookout::start();
        assert_eq!(lookout.look(root, identity.dev, false).open.get(&key), Some(&How::Writes));
        drop(file);
        assert_eq!(lookout.look(root, identity.dev, false).open.get(&key), None);
        let _file = std::fs::File::options().append(true).open(&path).unwrap();
        let seen = lookout.look(root, identity.dev, false);
        assert_eq!(seen.open.get(&key), Some(&How::Appends));
        assert_ne!(seen.sight, Sight::None);
    }
}
