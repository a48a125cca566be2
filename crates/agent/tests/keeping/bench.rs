//! A workspace, a copy of it, and a keeper that can be cut off at any step.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use agent::beneath::Resolve;
use agent::clock::{Clock, HostClock, Nanos};
use agent::entry::Content;
use agent::keep::{
    Config, Cycle, KeepError, Keeper, Limits, Outcome, Own, Point, Progress, Proof, Request,
    Restored, Result, Steps, Wanted,
};
use agent::local_source::{LocalSource, Options};
use agent::local_target::LocalTarget;
use agent::source::{Changes, Found, ListEnd, ReadSink, Source, SourceError, Want};
use std::io::Read;

use crate::tree::{Folder, State, Thing, alone, differences, harmless, state};

/// Lets so many steps happen; without a number, all.
#[derive(Clone)]
pub struct Cut(pub Arc<AtomicI64>);

impl Steps for Cut {
    fn step(&mut self, what: &'static str) -> Result<()> {
        if self.0.fetch_sub(1, Ordering::Relaxed) <= 0 {
            return Err(KeepError::Stopped(what));
        }
        Ok(())
    }
}

/// A clock that a test moves.
#[derive(Default)]
pub struct Moved(pub AtomicI64);

impl Clock for Moved {
    fn now(&self) -> Nanos {
        Nanos(HostClock.now().0 + i128::from(self.0.load(Ordering::Relaxed)) * 1_000_000_000)
    }
}

/// Says when a listing began by a number, for telling states apart.
struct Dated<'a> {
    local: &'a mut LocalSource,
    moment: i128,
}

impl Source for Dated<'_> {
    fn scan(
        &mut self,
        each: &mut dyn FnMut(Found) -> std::result::Result<(), SourceError>,
    ) -> std::result::Result<ListEnd, SourceError> {
        Ok(ListEnd { began: Nanos(self.moment), ..self.local.scan(each)? })
    }

    fn changes(
        &mut self,
        each: &mut dyn FnMut(Found) -> std::result::Result<(), SourceError>,
    ) -> std::result::Result<Changes, SourceError> {
        Ok(match self.local.changes(each)? {
            Changes::Told(end) => Changes::Told(ListEnd { began: Nanos(self.moment), ..end }),
            unknown @ Changes::Unknown(_) => unknown,
        })
    }

    fn read(
        &mut self,
        wants: &[Want],
        sink: &mut dyn ReadSink,
    ) -> std::result::Result<(), SourceError> {
        self.local.read(wants, sink)
    }

    fn wait(&mut self, most_millis: u64) -> std::result::Result<bool, SourceError> {
        self.local.wait(most_millis)
    }
}

pub struct Bench {
    _folder: tempfile::TempDir,
    pub workspace: PathBuf,
    pub copy: PathBuf,
    pub state: PathBuf,
    pub source: Folder,
    pub local: Option<LocalSource>,
    pub keeper: Option<Keeper>,
    pub cut: Arc<AtomicI64>,
    pub clock: Arc<Moved>,
    pub limits: Limits,
    pub budget: u64,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let (workspace, copy) = (make("workspace"), make("copy"));
        let state = folder.path().join("state");
        let mut bench = Self {
            source: Folder::new(&workspace),
            local: None,
            workspace,
            copy,
            state,
            keeper: None,
            cut: Arc::new(AtomicI64::new(i64::MAX)),
            clock: Arc::default(),
            limits: Limits { percent: 100, ..Limits::default() },
            budget: u64::MAX,
            _folder: folder,
        };
        bench.open().unwrap();
        bench
    }

    pub fn open(&mut self) -> Result<()> {
        self.open_with(Box::new(Cut(self.cut.clone())))
    }

    pub fn open_with(&mut self, steps: Box<dyn Steps>) -> Result<()> {
        self.keeper = None;
        let config = Config {
            copy: self.copy.clone(),
            state: self.state.clone(),
            reserve: 0,
            budget: self.budget,
            durable: false,
        };
        self.keeper = Some(Keeper::open(config, self.clock.clone(), steps)?);
        Ok(())
    }

    pub fn keeper(&mut self) -> &mut Keeper {
        self.keeper.as_mut().unwrap()
    }

    pub fn cycle(&mut self) -> Result<Cycle> {
        self.source.moment += 1;
        let request =
            Request { epoch: 1, host: "gpu".to_owned(), limits: self.limits, accepted: None };
        let keeper = self.keeper.as_mut().unwrap();
        keeper.cycle(&mut self.source, &request, &mut |_: Progress| {})
    }

    /// A cycle with the product's own reading of a folder, which goes on watching it.
    pub fn cycle_local(&mut self) -> Result<Cycle> {
        self.source.moment += 1;
        let request =
            Request { epoch: 1, host: "gpu".to_owned(), limits: self.limits, accepted: None };
        self.source.told = None;
        let workspace = &self.workspace;
        let local =
            self.local.get_or_insert_with(|| LocalSource::new(workspace, Options::default()));
        let mut source = Dated { local, moment: self.source.moment };
        self.keeper.as_mut().unwrap().cycle(&mut source, &request, &mut |_: Progress| {})
    }

    /// Brings a point to a folder, and proves it there.
    pub fn restore(&mut self, wanted: &Wanted, to: &Path) -> (Restored, Proof) {
        let mut target = LocalTarget::open(to, Resolve::Kernel).unwrap();
        let mut there = LocalSource::new(to, Options::default());
        let keeper = self.keeper.as_mut().unwrap();
        let restored = keeper.restore(wanted, &mut there, &mut target, &mut |_| {}).unwrap();
        drop(target);
        let mut there = LocalSource::new(to, Options::default());
        let proof = keeper.prove(wanted.point, &mut there, &mut |_| {}).unwrap();
        (restored, proof)
    }

    /// What was written to the copy here.
    pub fn take_own(&mut self, epoch: u64) -> Own {
        let mut copy = LocalSource::new(&self.copy, Options::default());
        self.keeper
            .as_mut()
            .unwrap()
            .take_own(epoch, &mut copy, agent::keep::Writers::Work)
            .unwrap()
    }

    /// What was written to the copy while it follows.
    pub fn take_what_strangers_wrote(&mut self) -> Own {
        let mut copy = LocalSource::new(&self.copy, Options::default());
        let writers = agent::keep::Writers::Strangers;
        self.keeper.as_mut().unwrap().take_own(1, &mut copy, writers).unwrap()
    }

    /// A cycle that has to make a point.
    pub fn point(&mut self) -> Point {
        match self.cycle().unwrap().outcome {
            Outcome::Point(point) => point,
            other => panic!("{other:?}"),
        }
    }

    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.workspace.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// A point with its contents, all of them read.
    pub fn held(&mut self, point: u64) -> State {
        let keeper = self.keeper.as_mut().unwrap();
        let entries = keeper.entries(point, None, u32::MAX).unwrap();
        let mut state = State::new();
        let mut groups = std::collections::BTreeMap::new();
        let mut counts = std::collections::BTreeMap::new();
        for entry in entries {
            let mut thing = Thing {
                kind: "file",
                meta: entry.meta,
                target: Vec::new(),
                size: 0,
                hash: None,
                group: None,
            };
            match entry.content {
                Content::File { size, hash, group, .. } => {
                    let mut file = keeper
                        .open_content(hash)
                        .unwrap()
                        .unwrap_or_else(|| panic!("point {point}: {:?} is not here", entry.path));
                    let mut bytes = Vec::new();
                    file.read_to_end(&mut bytes).unwrap();
                    thing.size = size;
                    thing.hash = Some(agent::hash::Hash::of(&bytes));
                    assert_eq!(thing.hash, Some(hash), "point {point}: {:?}", entry.path);
                    assert_eq!(bytes.len() as u64, size);
                    if let Some(group) = group {
                        let first =
                            groups.entry(group).or_insert_with(|| entry.path.clone()).clone();
                        *counts.entry(first.clone()).or_default() += 1;
                        thing.group = Some(first);
                    }
                }
                Content::Folder => thing.kind = "folder",
                Content::Symlink { target } => {
                    thing.kind = "symlink";
                    thing.target = target;
                }
                Content::Fifo => thing.kind = "fifo",
                Content::Socket => thing.kind = "socket",
            }
            state.insert(entry.path, thing);
        }
        alone(&mut state, &counts);
        state
    }

    /// The live copy is the last point.
    pub fn check_copy(&mut self) {
        let points = self.keeper().points().unwrap();
        let held = points.last().map_or_else(State::new, |last| self.held(last.id));
        let differ = differences(&state(&self.copy), &harmless(&held));
        assert!(differ.is_empty(), "copy and last point: {differ:#?}");
    }

    /// Point and workspace are the same.
    pub fn check_now(&mut self) {
        self.check_copy();
        let points = self.keeper().points().unwrap();
        let held = points.last().map_or_else(State::new, |last| self.held(last.id));
        let differ = differences(&held, &state(&self.workspace));
        assert!(differ.is_empty(), "point and workspace: {differ:#?}");
    }
}
