//! A workspace on this host.

use std::collections::BTreeMap;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use crate::beneath::{Resolve, Root, proc_path};
use crate::clock::{Clock, HostClock};
use crate::entry::{Body, Unprotected};
use crate::exclude::Exclude;
use crate::lookout::{How, Lookout};
use crate::path::RelPath;
use crate::source::{Blind, Changes, Disk, Found, ListEnd, ReadSink, Source, SourceError, Want};
use crate::walk::Walk;
use crate::watch::{Extent, Watch};
use crate::whole::{Reader, pause};
use crate::writers::Writers;

/// After the kernel refused to watch more folders, so many scans go by before it is asked again.
const SCANS_UNWATCHED: u32 = 10;

/// How a workspace is read.
#[derive(Clone)]
pub struct Options {
    /// What is left out.
    pub exclude: Exclude,
    /// By which freshness is judged and listings are dated.
    pub clock: Arc<dyn Clock>,
    /// How paths are resolved.
    pub resolve: Resolve,
    /// Whether the kernel is asked to tell of changes.
    pub watch: bool,
    /// Copies databases that are in use. Without it they are in flux while a process has them open.
    #[cfg(feature = "serve")]
    pub databases: Option<crate::databases::Databases>,
    /// Every process that could write is held: what is open is read as it lies there, databases too with
    /// what stands beside them, as one set.
    pub still: bool,
    /// Sees which files are open for writing. Started before who serves confines itself.
    pub lookout: Lookout,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            exclude: Exclude::default(),
            clock: Arc::new(HostClock),
            resolve: Resolve::Kernel,
            watch: true,
            #[cfg(feature = "serve")]
            databases: None,
            still: false,
            lookout: Lookout::start(),
        }
    }
}

/// A folder on this host, read beneath its descriptor.
pub struct LocalSource {
    path: PathBuf,
    options: Options,
    open: Option<Open>,
    watch: Option<Watch>,
    /// Why nothing is watched, where it is not.
    blind: Blind,
    unwatched: u32,
}

/// The workspace's folder, open.
struct Open {
    root: Root,
    writers: Writers,
}

impl LocalSource {
    /// The workspace at `path`. It is opened when it is first listed, and again at each scan, so that a
    /// folder that took its place is seen.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, options: Options) -> Self {
        Self {
            path: path.into(),
            options,
            open: None,
            watch: None,
            blind: Blind::Fresh,
            unwatched: 0,
        }
    }

    fn opened(&mut self) -> Result<&mut Open, SourceError> {
        if self.open.is_none() {
            let root = open(&self.path, self.options.resolve)?;
            let at = proc_path(root.as_fd());
            let at = rustix::fs::readlinkat(rustix::fs::CWD, at, Vec::new())
                .map_or_else(|_| self.path.as_os_str().as_encoded_bytes().to_vec(), Into::into);
            let options = &self.options;
            let (lookout, clock) = (options.lookout.clone(), Arc::clone(&options.clock));
            let writers = Writers::new(lookout, clock, at, root.look().identity.dev);
            self.open = Some(Open { root, writers });
        }
        self.open.as_mut().ok_or_else(|| SourceError::RootMissing(self.path.display().to_string()))
    }

    /// A watch for a scan: the one that is there, or a new one.
    fn watch_for_scan(&mut self, same_root: bool) {
        let healthy = self.watch.as_ref().is_some_and(|watch| watch.blind().is_none());
        if !(healthy && same_root) {
            self.watch = None;
        }
        if self.open.as_ref().is_some_and(|open| is_network(&open.root)) {
            self.watch = None;
            self.blind = Blind::Network;
            return;
        }
        if self.watch.is_none() && !self.options.watch {
            self.blind = Blind::NoWatch;
        }
        if self.watch.is_none() && self.options.watch {
            if self.unwatched > 0 {
                self.unwatched -= 1;
                return;
            }
            self.watch = Watch::new();
            self.blind = Blind::NoWatch;
        }
        if let Some(watch) = &mut self.watch {
            watch.forget();
        }
    }

    /// Gives up a watch that doesn't see everything.
    fn end_watch(&mut self, blind: Blind) -> Changes {
        if blind == Blind::WatchLimit {
            self.unwatched = SCANS_UNWATCHED;
        }
        self.watch = None;
        self.blind = blind;
        Changes::Unknown(blind)
    }

    fn root_is(&self, root: &Root) -> bool {
        let now =
            crate::look::Look::at(rustix::fs::CWD, self.path.as_os_str().as_encoded_bytes(), true);
        let was = root.look().identity;
        now.is_ok_and(|now| (now.identity.dev, now.identity.ino) == (was.dev, was.ino))
    }
}

impl Source for LocalSource {
    fn scan(
        &mut self,
        each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
    ) -> Result<ListEnd, SourceError> {
        let before = self.open.take().map(|open| open.root.look().identity);
        let began = self.options.clock.now();
        let now = self.opened()?.root.look().identity;
        let same = before.is_some_and(|before| (before.dev, before.ino) == (now.dev, now.ino));
        self.watch_for_scan(same);
        let exclude = self.options.exclude.clone();
        let Some(Open { root, writers }) = &mut self.open else {
            return Err(SourceError::RootMissing(self.path.display().to_string()));
        };
        let walk = Walk { root, exclude: &exclude };
        walk_watched(&walk, RelPath::root(), &mut self.watch, writers, each)?;
        let end = ListEnd {
            began,
            root: root.look().identity,
            disk: disk(root)?,
            sight: writers.sight(),
            unwatched: match &self.watch {
                Some(watch) => watch.blind(),
                None => Some(self.blind),
            },
        };
        if let Some(blind) = self.watch.as_ref().and_then(Watch::blind) {
            self.end_watch(blind);
        }
        Ok(end)
    }

    fn changes(
        &mut self,
        each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
    ) -> Result<Changes, SourceError> {
        let began = self.options.clock.now();
        let (Some(open), Some(watch)) = (&self.open, &mut self.watch) else {
            return Ok(Changes::Unknown(self.blind));
        };
        let taken = watch.take();
        if !self.root_is(&open.root) {
            return Ok(self.end_watch(Blind::RootReplaced));
        }
        let dirty = match taken {
            Ok(dirty) => dirty,
            Err(blind) => return Ok(self.end_watch(blind)),
        };
        let exclude = self.options.exclude.clone();
        let Some(Open { root, writers }) = &mut self.open else {
            return Ok(Changes::Unknown(self.blind));
        };
        let walk = Walk { root, exclude: &exclude };
        tell_dirty(&walk, dirty, &mut self.watch, writers, each)?;
        let end = ListEnd {
            began,
            root: root.look().identity,
            disk: disk(root)?,
            sight: writers.sight(),
            unwatched: None,
        };
        match self.watch.as_ref().and_then(Watch::blind) {
            Some(blind) => Ok(self.end_watch(blind)),
            None => Ok(Changes::Told(end)),
        }
    }

    fn read(&mut self, wants: &[Want], sink: &mut dyn ReadSink) -> Result<(), SourceError> {
        let clock = Arc::clone(&self.options.clock);
        #[cfg(feature = "serve")]
        let databases = self.options.databases.clone();
        let still = self.options.still;
        let Open { root, writers } = self.opened()?;
        let mut reader = Reader {
            root,
            clock: &*clock,
            buffer: Vec::new(),
            since: clock.now(),
            writers,
            still,
            #[cfg(feature = "serve")]
            databases: databases.as_ref(),
        };
        for (index, want) in wants.iter().enumerate() {
            reader.one(index, want, sink)?;
        }
        Ok(())
    }

    fn wait(&mut self, most_millis: u64) -> Result<bool, SourceError> {
        let Some(watch) = &mut self.watch else {
            pause(Duration::from_millis(most_millis));
            return Ok(true);
        };
        if watch.wait(most_millis) {
            return Ok(true);
        }
        // What is written through a mapping is told by nobody.
        let mapped =
            self.open.as_mut().is_some_and(|open| !open.writers.lately().mapped.is_empty());
        Ok(mapped)
    }
}

/// Walks, every folder watched before it is read.
fn walk_watched(
    walk: &Walk<'_>,
    from: RelPath,
    watch: &mut Option<Watch>,
    writers: &mut Writers,
    each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
) -> Result<(), SourceError> {
    let mut shut = Vec::new();
    let mapped = writers.lately();
    let told = walk.tree(
        from,
        &mut |path, folder| {
            if let Some(watch) = watch.as_mut() {
                watch.enter(path, folder);
            }
        },
        &mut |mut found| {
            match &mut found {
                Found::Entry(listed) if matches!(listed.body, Body::File { .. }) => {
                    let key = (listed.identity.dev, listed.identity.ino);
                    listed.mapped = mapped.open.get(&key) == Some(&How::Maps);
                }
                Found::Unprotected { path, why: Unprotected::Unreadable { .. }, .. } => {
                    shut.push(path.clone());
                }
                _ => {}
            }
            each(found)
        },
    );
    if let Some(watch) = watch {
        for path in &shut {
            watch.set_shut(path);
        }
    }
    told
}

/// Tells what stands now at each path that something happened at, and at those that are mapped.
fn tell_dirty(
    walk: &Walk<'_>,
    mut dirty: BTreeMap<RelPath, Extent>,
    watch: &mut Option<Watch>,
    writers: &mut Writers,
    each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
) -> Result<(), SourceError> {
    for path in &writers.lately().mapped {
        if let Ok(path) = RelPath::new(path.as_slice()) {
            dirty.entry(path).or_insert(Extent::Entry);
        }
    }
    for (path, extent) in &dirty {
        let mut folders = std::iter::successors(path.parent(), RelPath::parent);
        if folders.any(|folder| dirty.get(&folder) == Some(&Extent::Tree)) {
            // Told with that tree, or not there: what is gone is told on its own.
            if walk.is_there(path) {
                continue;
            }
        }
        if *extent == Extent::Tree && walk.is_folder(path) {
            walk_watched(walk, path.clone(), watch, writers, each)?;
            continue;
        }
        let (mut found, attributes) = walk.at(path.clone());
        if let Found::Entry(listed) = &mut found
            && matches!(listed.body, Body::File { .. })
        {
            let key = (listed.identity.dev, listed.identity.ino);
            listed.mapped =
                *extent == Extent::Closed || writers.lately().open.get(&key) == Some(&How::Maps);
        }
        each(found)?;
        if let Some(attributes) = attributes {
            each(attributes)?;
        }
    }
    Ok(())
}

/// Whether others may write to it without this host's kernel knowing: a watch hears nothing of them.
fn is_network(root: &Root) -> bool {
    rustix::fs::fstatfs(root).is_ok_and(|about| {
        let kind = about.f_type;
        let kind = kind as u32;
        NETWORK.contains(&kind)
    })
}

/// The kinds of network, cluster and user-space file systems, as `statfs` numbers them.
const NETWORK: [u32; 17] = [
    0x6969,      // NFS
    0x517b,      // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB 2
    0x6573_5546, // FUSE, virtiofs
    0x00c3_6400, // Ceph
    0x0102_1997, // 9P
    0x5346_414f, // AFS
    0x7375_7245, // Coda
    0x0116_1970, // GFS2
    0x7461_636f, // OCFS2
    0x0bd0_0bd0, // Lustre
    0x4750_4653, // GPFS
    0x564c,      // NCP
    0x786f_4256, // VirtualBox
    0x2003_0528, // OrangeFS
    0x1983_0326, // BeeGFS
];

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
