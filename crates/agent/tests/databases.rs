//! Databases that are written to while they are followed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod follow;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use agent::databases::Databases;
use agent::local_source::Options;
use follow::Follow;
use rusqlite::Connection;

fn following() -> Follow {
    let program = env!("CARGO_BIN_EXE_dumont-agent").into();
    Follow::with(Options { databases: Some(Databases::start(program)), ..Options::default() })
}

fn rows(path: &Path) -> (String, i64, i64) {
    let db = Connection::open(path).unwrap();
    let word = db.query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
    let one = |sql: &str| db.query_row(sql, [], |row| row.get(0)).unwrap();
    let counts = (one("select count(*) from a"), one("select count(*) from b"));
    drop(db);
    (word, counts.0, counts.1)
}

/// A process that writes one row to both of two tables at a time, until its input ends. Not a thread of
/// this one: whoever closes a file gives up all locks that its process holds on it.
struct Writer(Child);

impl Writer {
    fn new(path: &Path, mode: &str) -> Self {
        let script = "import sqlite3,sys,select
db=sqlite3.connect(sys.argv[1],isolation_level=None,timeout=20)
db.execute('pragma journal_mode='+sys.argv[2])
db.execute('create table a(x)'); db.execute('create table b(x)')
print('ready',flush=True); n=0
while not select.select([sys.stdin],[],[],0)[0]:
    n+=1; t=f'{n} '*300
    db.execute('begin'); db.execute('insert into a values(?)',(t,)); db.execute('insert into b values(?)',(t,)); db.execute('commit')
    if n%50==0: db.execute(\"update a set x=x||'.' where rowid%7=0\")
db.close()";
        let mut child = Command::new("python3")
            .args(["-c", script])
            .arg(path)
            .arg(mode)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self(child)
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

#[test]
fn a_database_under_writes_is_whole_in_every_point() {
    // Where readers and writers wait for each other a copy takes its time.
    for (mode, wanted) in [("wal", 14), ("delete", 3)] {
        let mut follow = following();
        let writer = Writer::new(&follow.path("runs.db"), mode);
        let mut points = 0;
        let mut most = 0;
        for _ in 0..100 {
            follow.cycle();
            if !follow.copy.join("runs.db").exists() {
                continue;
            }
            for beside in ["runs.db-wal", "runs.db-shm", "runs.db-journal"] {
                assert!(!follow.copy.join(beside).exists(), "{mode}: {beside} is part of it");
            }
            // Elsewhere: to open it here would write to the copy.
            let elsewhere = tempfile::tempdir().unwrap();
            let copy = elsewhere.path().join("runs.db");
            std::fs::write(&copy, follow.copied("runs.db")).unwrap();
            let (word, a, b) = rows(&copy);
            assert_eq!(word, "ok", "{mode}");
            assert_eq!(a, b, "{mode}: a transaction is there or not");
            points += 1;
            most = most.max(a);
            if points == wanted {
                break;
            }
        }
        writer.end();
        assert_eq!(points, wanted, "{mode}");
        assert!(most > 0, "{mode}");
        // Closed: as any other file.
        follow.cycle();
        follow.cycle();
        let bytes = std::fs::read(follow.path("runs.db")).unwrap();
        assert!(follow.copied("runs.db") == bytes, "{mode}");
    }
}

#[test]
fn a_database_that_cant_be_copied_is_in_flux_and_harms_nobody() {
    let mut follow = following();
    let mut header = b"SQLite format 3\0".to_vec();
    // Page size, versions, and more pages than there can be.
    header.extend([0x10, 0, 1, 1, 0, 64, 32, 32, 0, 0, 0, 1]);
    header.extend(u32::MAX.to_be_bytes());
    header.resize(100, 0xff);
    let mut dice = 7_u32;
    let noise: Vec<u8> = (0..40_000)
        .map(|_| {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            dice.to_be_bytes()[0]
        })
        .collect();
    let hostile = [&header[..], &noise].concat();
    let magic_alone = b"SQLite format 3\0".to_vec();
    let open: Vec<std::fs::File> = [("many", &hostile), ("magic", &magic_alone)]
        .into_iter()
        .map(|(name, bytes)| {
            follow.write(name, bytes);
            std::fs::File::options().write(true).open(follow.path(name)).unwrap()
        })
        .collect();
    // A pipe where its log would be: who opens it to read waits for ever.
    follow.write("piped", {
        let path = follow.path("made");
        let db = Connection::open(&path).unwrap();
        db.pragma_update(None, "journal_mode", "wal").unwrap();
        db.execute_batch("create table a(x)").unwrap();
        drop(db);
        std::fs::read(path).unwrap()
    });
    let pipe = follow.path("piped-wal");
    rustix::fs::mkfifoat(rustix::fs::CWD, pipe, rustix::fs::Mode::RWXU).unwrap();
    let piped = std::fs::File::options().write(true).open(follow.path("piped")).unwrap();
    follow.write("other", "followed all the same");
    let cycle = follow.cycle();
    assert!((1..=3).contains(&cycle.flux), "{cycle:?}");
    assert_eq!(follow.copied("other"), b"followed all the same");
    drop((open, piped));
    let cycle = follow.cycle();
    assert_eq!(cycle.flux, 0, "closed, they are files");
    assert!(follow.copied("many") == hostile);
    assert_eq!(follow.copied("magic"), magic_alone);
}

#[test]
fn without_copies_a_database_is_in_flux_while_it_is_open() {
    let mut follow = Follow::new();
    let db = Connection::open(follow.path("runs.db")).unwrap();
    db.execute_batch("create table a(x)").unwrap();
    assert_eq!(follow.cycle().flux, 1);
    assert!(!follow.copy.join("runs.db").exists());
    drop(db);
    assert_eq!(follow.cycle().flux, 0);
    assert!(follow.copy.join("runs.db").exists());
}
