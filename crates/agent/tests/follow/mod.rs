//! A workspace that is followed as in the product: the reading side that looks at this host, and the
//! side that keeps it.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use agent::clock::HostClock;
use agent::keep::{Config, Cycle, GoOn, Keeper, Limits, Progress, Request};
use agent::local_source::{LocalSource, Options};
use agent::source::Source;

/// Lets time pass that a kernel's clock is to see.
#[expect(clippy::disallowed_methods, reason = "nothing else runs on this thread")]
pub fn rest(millis: u64) {
    std::thread::sleep(std::time::Duration::from_millis(millis));
}

pub struct Follow {
    _folder: tempfile::TempDir,
    pub workspace: PathBuf,
    pub copy: PathBuf,
    pub source: Box<dyn Source>,
    pub keeper: Keeper,
    pub limits: Limits,
}

impl Follow {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        Self::over(&mut |workspace| Box::new(LocalSource::new(workspace, options.clone())))
    }

    /// With a reading side of the test's own.
    pub fn over(source: &mut dyn FnMut(&Path) -> Box<dyn Source>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (workspace, copy) = (folder.path().join("workspace"), folder.path().join("copy"));
        std::fs::create_dir(&workspace).unwrap();
        std::fs::create_dir(&copy).unwrap();
        let config = Config {
            copy: copy.clone(),
            state: folder.path().join("state"),
            reserve: 0,
            budget: u64::MAX,
            durable: false,
        };
        let keeper = Keeper::open(config, Arc::new(HostClock), Box::new(GoOn)).unwrap();
        let source = source(&workspace);
        Self { _folder: folder, workspace, copy, source, keeper, limits: Limits::default() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.workspace.join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn copied(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.copy.join(name)).unwrap()
    }

    pub fn cycle(&mut self) -> Cycle {
        let request =
            Request { epoch: 1, host: "gpu".to_owned(), limits: self.limits, accepted: None };
        self.keeper.cycle(&mut *self.source, &request, &mut |_: Progress| {}).unwrap()
    }

    /// Follows until a file's copy is this; whether it came to that. How often mappings are looked for
    /// depends on what that costs.
    pub fn until(&mut self, name: &str, expected: &[u8]) -> bool {
        for _ in 0..600 {
            self.cycle();
            if self.copied(name) == expected {
                return true;
            }
            rest(100);
        }
        false
    }
}
