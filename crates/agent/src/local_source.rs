//! A workspace on this host.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use crate::beneath::{Resolve, Root};
use crate::clock::{Clock, HostClock};
use crate::exclude::Exclude;
use crate::path::RelPath;
use crate::source::{Blind, Changes, Disk, Found, ListEnd, ReadSink, Source, SourceError, Want};
use crate::walk::Walk;
use crate::whole::{Reader, pause};

/// How a workspace is read.
#[derive(Clone)]
pub struct Options {
    /// What is left out.
    pub exclude: Exclude,
    /// By which freshness is judged and listings are dated.
    pub clock: Arc<dyn Clock>,
    /// How paths are resolved.
    pub resolve: Resolve,
}

impl Default for Options {
    fn default() -> Self {
        Self { exclude: Exclude::default(), clock: Arc::new(HostClock), resolve: Resolve::Kernel }
    }
}

/// A folder on this host, read beneath its descriptor.
pub struct LocalSource {
    path: PathBuf,
    options: Options,
    root: Option<Root>,
}

impl LocalSource {
    /// The workspace at `path`. It is opened when it is first listed, and again at each scan, so that a
    /// folder that took its place is seen.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, options: Options) -> Self {
        Self { path: path.into(), options, root: None }
    }

    fn opened(&mut self) -> Result<&Root, SourceError> {
        if self.root.is_none() {
            self.root = Some(open(&self.path, self.options.resolve)?);
        }
        self.root.as_ref().ok_or_else(|| SourceError::RootMissing(self.path.display().to_string()))
    }
}

impl Source for LocalSource {
    fn scan(
        &mut self,
        each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
    ) -> Result<ListEnd, SourceError> {
        self.root = None;
        let began = self.options.clock.now();
        let exclude = self.options.exclude.clone();
        let root = self.opened()?;
        let walk = Walk { root, exclude: &exclude };
        walk.tree(RelPath::root(), &mut |_, _| {}, each)?;
        Ok(ListEnd { began, root: root.look().identity, disk: disk(root)? })
    }

    fn changes(
        &mut self,
        _each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
    ) -> Result<Changes, SourceError> {
        Ok(Changes::Unknown(if self.root.is_none() { Blind::Fresh } else { Blind::NoWatch }))
    }

    fn read(&mut self, wants: &[Want], sink: &mut dyn ReadSink) -> Result<(), SourceError> {
        let clock = Arc::clone(&self.options.clock);
        let root = self.opened()?;
        let mut reader = Reader { root, clock: &*clock, buffer: Vec::new() };
        for (index, want) in wants.iter().enumerate() {
            reader.one(index, want, sink)?;
        }
        Ok(())
    }

    fn wait(&mut self, most_millis: u64) -> Result<bool, SourceError> {
        pause(Duration::from_millis(most_millis));
        Ok(true)
    }
}

/// Opens the workspace's folder.
pub(crate) fn open(path: &std::path::Path, resolve: Resolve) -> Result<Root, SourceError> {
    Root::open(path, resolve).map_err(|error| missing(path, error))
}

fn missing(path: &std::path::Path, error: Errno) -> SourceError {
    SourceError::RootMissing(format!("{}: {error}", path.display()))
}

/// The room on the file system of the workspace.
pub(crate) fn disk(root: &Root) -> Result<Disk, SourceError> {
    let stat = rustix::fs::fstatvfs(root).map_err(std::io::Error::from)?;
    Ok(Disk {
        size: stat.f_blocks.saturating_mul(stat.f_frsize),
        free: stat.f_bavail.saturating_mul(stat.f_frsize),
    })
}
