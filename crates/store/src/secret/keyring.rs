//! The master keys, newest first: from a file of this install's or from the environment.
//!
//! New values are sealed under the newest key; older ones are kept as long as a value may still be
//! under them. A key is never printed, logged or stored in the database.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretBox};
use sha2::{Digest, Sha256};

use crate::error::KeyError;

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// One master key.
#[derive(Clone)]
pub(crate) struct MasterKey {
    id: String,
    bytes: Arc<SecretBox<[u8; KEY_BYTES]>>,
}

impl MasterKey {
    fn new(bytes: [u8; KEY_BYTES]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"dumont master key id");
        hash.update(bytes);
        let digest = hash.finalize();
        let id = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Self { id, bytes: Arc::new(SecretBox::new(Box::new(bytes))) }
    }

    fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| KeyError::Malformed)?;
        Ok(Self::new(bytes.try_into().map_err(|_| KeyError::Malformed)?))
    }

    fn text(&self) -> String {
        STANDARD.encode(self.bytes.expose_secret())
    }

    /// Eight hexadecimal characters that name the key and tell nothing of it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        self.bytes.expose_secret()
    }
}

/// The keys of an install.
#[derive(Clone)]
pub struct Keyring {
    newest: MasterKey,
    older: Vec<MasterKey>,
    file: Option<(PathBuf, Stamp)>,
}

/// What tells that a key file was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    modified: (i64, i64),
    size: u64,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys().map(MasterKey::id)).finish()
    }
}

impl Keyring {
    /// A ring of one new random key.
    #[must_use]
    pub fn random() -> Self {
        Self { newest: MasterKey::new(rand::random()), older: Vec::new(), file: None }
    }

    /// Reads keys from a value: each 32 bytes in base64, newest first, separated by commas or white
    /// space.
    ///
    /// # Errors
    /// `Malformed` when there is none or one is not a key.
    pub fn from_value(value: &str) -> Result<Self, KeyError> {
        let mut keys = value
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|part| !part.is_empty())
            .map(MasterKey::parse);
        let newest = keys.next().ok_or(KeyError::Malformed)??;
        Ok(Self { newest, older: keys.collect::<Result<_, _>>()?, file: None })
    }

    /// Reads the key file, or makes one with a new random key where there is none.
    ///
    /// # Errors
    /// `LooseMode` when others than its owner could read it, `Malformed`, or `File`.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        match Self::read(path) {
            Err(KeyError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
                // Whoever is second finds the first one's file; both end with the same key.
                match create(path, &Self::random()) {
                    Err(KeyError::File { source, .. })
                        if source.kind() == ErrorKind::AlreadyExists => {}
                    made => made?,
                }
                Self::read(path)
            }
            read => read,
        }
    }

    /// The file that the keys are kept in, if they are.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_ref().map(|(path, _)| path.as_path())
    }

    /// This ring with a new random key in front.
    #[must_use]
    pub fn with_new_key(&self) -> Self {
        Self {
            newest: MasterKey::new(rand::random()),
            older: self.keys().cloned().collect(),
            file: None,
        }
    }

    /// The newest key alone.
    #[must_use]
    pub fn newest_only(&self) -> Self {
        Self { newest: self.newest.clone(), older: Vec::new(), file: None }
    }

    pub(crate) const fn newest(&self) -> &MasterKey {
        &self.newest
    }

    pub(crate) fn key(&self, id: &str) -> Option<&MasterKey> {
        self.keys().find(|key| key.id() == id)
    }

    fn keys(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    fn read(path: &Path) -> Result<Self, KeyError> {
        let stamp = stamp(path)?;
        let text = fs::read_to_string(path).map_err(|source| file_error(path, source))?;
        let mut ring = Self::from_value(&text)?;
        ring.file = Some((path.to_owned(), stamp));
        Ok(ring)
    }

    /// The ring as its file has it now; `None` when it has not changed, or there is no file.
    pub(crate) fn if_changed(&self) -> Result<Option<Self>, KeyError> {
        match &self.file {
            Some((path, seen)) if stamp(path)? != *seen => Self::read(path).map(Some),
            _ => Ok(None),
        }
    }

    /// Replaces a key file at once and for good: the old keys or the new ones, never a part.
    pub(crate) fn replace_file(&self, path: &Path) -> Result<Self, KeyError> {
        let beside = path.with_extension(format!("new-{:08x}", rand::random::<u32>()));
        create(&beside, self)?;
        fs::rename(&beside, path).map_err(|source| file_error(path, source))?;
        sync_folder(path)?;
        Self::read(path)
    }
}

/// Keeps other processes from changing a key file until the answer is dropped.
pub(crate) fn reserve(path: &Path) -> Result<fs::File, KeyError> {
    let beside = path.with_extension("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&beside)
        .map_err(|source| file_error(&beside, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(KeyError::Busy),
        Err(fs::TryLockError::Error(source)) => Err(file_error(&beside, source)),
    }
}

fn create(path: &Path, ring: &Keyring) -> Result<(), KeyError> {
    // Written beside and linked into place, so that nobody ever reads half a file.
    let text: String = ring.keys().map(|key| key.text() + "\n").collect();
    let draft = path.with_extension(format!("draft-{:08x}", rand::random::<u32>()));
    let written = write_private(&draft, &text).and_then(|()| fs::hard_link(&draft, path));
    let _ = fs::remove_file(&draft);
    written.map_err(|source| file_error(path, source))?;
    sync_folder(path)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> Result<(), KeyError> {
    let folder = path.parent().filter(|parent| *parent != Path::new(""));
    fs::File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(|source| file_error(path, source))
}

fn stamp(path: &Path) -> Result<Stamp, KeyError> {
    let meta = fs::metadata(path).map_err(|source| file_error(path, source))?;
    let mode = meta.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::LooseMode { path: path.display().to_string(), mode });
    }
    Ok(Stamp { inode: meta.ino(), modified: (meta.mtime(), meta.mtime_nsec()), size: meta.size() })
}

fn file_error(path: &Path, source: std::io::Error) -> KeyError {
    KeyError::File { path: path.display().to_string(), source }
}
