//! Files that a process has open while they are followed: what counts as whole, and what does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod follow;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::FileExt as _;
use std::process::{Child, Command, Stdio};

use agent::source::Sight;
use follow::Follow;

#[test]
fn a_checkpoint_rewritten_in_place_with_pauses_is_in_flux_until_it_is_closed() {
    for (size, truncate) in [(3_000_u32, false), (9_000_000, false), (3_000, true)] {
        let mut follow = Follow::new();
        let old = vec![1_u8; size as usize];
        let new = vec![2_u8; size as usize];
        follow.write("ckpt", &old);
        follow.write("other", "o");
        follow.cycle();
        assert_eq!(follow.copied("ckpt"), old);
        let file =
            File::options().write(true).truncate(truncate).open(follow.path("ckpt")).unwrap();
        let half = size as usize / 2;
        file.write_all_at(&new[..half], 0).unwrap();
        // However long it rests there, and however often it is looked at.
        for _ in 0..3 {
            follow::rest(60);
            assert_eq!(follow.cycle().flux, 1, "{size} {truncate}");
            assert_eq!(follow.copied("ckpt"), old, "the last whole version");
        }
        let named = follow.keeper.status().unwrap().flux_named;
        assert_eq!(named[0].path.as_bytes(), b"ckpt");
        file.write_all_at(&new[half..], half as u64).unwrap();
        assert_eq!(follow.cycle().flux, 1, "it is open still");
        assert_eq!(follow.copied("ckpt"), old);
        drop(file);
        assert_eq!(follow.cycle().flux, 0, "closed");
        assert_eq!(follow.copied("ckpt"), new);
        let sight = follow.keeper.status().unwrap().sight.unwrap();
        assert!(sight > Sight::None);
    }
}

#[test]
fn a_log_that_is_kept_open_is_followed_line_by_line() {
    for append in [false, true] {
        let mut follow = Follow::new();
        let mut log = File::options()
            .create(true)
            .append(append)
            .write(true)
            .open(follow.path("log"))
            .unwrap();
        let mut all = Vec::new();
        for line in 0..20 {
            let text = format!("step {line}\n");
            log.write_all(text.as_bytes()).unwrap();
            all.extend_from_slice(text.as_bytes());
            assert_eq!(follow.cycle().flux, 0);
            assert_eq!(follow.copied("log"), all);
        }
        // Who only appends may begin anew: a rotation.
        if append {
            log.set_len(0).unwrap();
            log.write_all(b"new\n").unwrap();
            assert_eq!(follow.cycle().flux, 0);
            assert_eq!(follow.copied("log"), b"new\n");
        }
    }
}

#[test]
fn a_file_that_was_given_its_size_first_is_followed_as_it_fills() {
    let mut follow = Follow::new();
    let file = File::create(follow.path("steps")).unwrap();
    file.set_len(6 << 20).unwrap();
    let mut expected = vec![0_u8; 6 << 20];
    follow.cycle();
    for step in 0..12_u64 {
        let bytes = [u8::try_from(step).unwrap() + 1; 300_000];
        file.write_all_at(&bytes, step * 300_000).unwrap();
        expected[step as usize * 300_000..(step as usize + 1) * 300_000].copy_from_slice(&bytes);
        assert_eq!(follow.cycle().flux, 0, "step {step}");
        assert!(follow.copied("steps") == expected, "step {step}");
    }
    // What was filled is written over: no growth any more.
    file.write_all_at(b"other", 7).unwrap();
    assert_eq!(follow.cycle().flux, 1);
    assert!(follow.copied("steps") == expected);
    drop(file);
    assert_eq!(follow.cycle().flux, 0);
    assert_eq!(&follow.copied("steps")[7..12], b"other");
}

#[test]
fn a_file_that_is_renamed_into_place_is_whole_at_once() {
    let mut follow = Follow::new();
    follow.write("ckpt", "old");
    follow.cycle();
    follow.write("ckpt.tmp", "new and whole");
    std::fs::rename(follow.path("ckpt.tmp"), follow.path("ckpt")).unwrap();
    assert_eq!(follow.cycle().flux, 0);
    assert_eq!(follow.copied("ckpt"), b"new and whole");
}

/// A process that writes through a mapping when it is told to.
struct Mapper {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Mapper {
    fn new(path: &std::path::Path) -> Self {
        let script = "import mmap,sys,os
f=open(sys.argv[1],'r+b'); m=mmap.mmap(f.fileno(),0); f.close(); os.write(1,b'ready\\n')
for line in sys.stdin:
    if line.strip()=='end': break
    at,text=line.split(); m[int(at):int(at)+len(text)]=text.encode(); os.write(1,b'done\\n')
m.close(); os.write(1,b'closed\\n'); sys.stdin.read()";
        let mut child = Command::new("python3")
            .args(["-c", script])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut mapper = Self { child, said };
        mapper.hear();
        mapper
    }

    fn hear(&mut self) {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        assert!(!line.is_empty());
    }

    fn say(&mut self, text: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{text}").unwrap();
        self.hear();
    }
}

impl Drop for Mapper {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn what_is_written_through_a_mapping_is_followed_though_no_time_stamp_tells() {
    let mut follow = Follow::new();
    follow.write("mapped", vec![b'.'; 200_000]);
    let mut mapper = Mapper::new(&follow.path("mapped"));
    let mut expected = vec![b'.'; 200_000];
    for (at, text) in [(5, "one"), (150_000, "two"), (5, "six"), (199_990, "end")] {
        mapper.say(&format!("{at} {text}"));
        expected[at..at + text.len()].copy_from_slice(text.as_bytes());
        assert!(follow.until("mapped", &expected), "{text}");
    }
    // The last words before it is closed.
    mapper.say("77 last");
    expected[77..81].copy_from_slice(b"last");
    mapper.say("end");
    assert!(follow.until("mapped", &expected));
}
