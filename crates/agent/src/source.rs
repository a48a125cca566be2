//! The side that has a workspace: it lists, tells what changed, and reads whole files.

use serde::{Deserialize, Serialize};

use crate::clock::Nanos;
use crate::entry::{Identity, Listed, Unprotected};
use crate::hash::{Blocks, Hash};
use crate::path::RelPath;

/// Why asking a host for something came to nothing. What concerns one entry is no error: it is told of
/// that entry.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The workspace's folder is not there, is none, or another file system stands in its place.
    #[error("the workspace is not there: {0}")]
    RootMissing(String),
    /// The connection ended or failed.
    #[error("the connection ended: {0}")]
    Closed(#[from] std::io::Error),
    /// The other side broke the protocol or its bounds.
    #[error("the host broke the protocol: {0}")]
    Protocol(String),
    /// What takes what was read could not go on.
    #[error("{0}")]
    Sink(String),
}

/// One thing that a listing says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    /// This is there.
    Entry(Listed),
    /// This is there and not protected; nothing below it was looked at.
    Unprotected {
        /// Where.
        path: RelPath,
        /// Why.
        why: Unprotected,
        /// Its bytes, where they can be known.
        size: Option<u64>,
    },
    /// This is there, told of before, with attributes that are not kept.
    Attributes {
        /// Where.
        path: RelPath,
        /// Their names, at most 64.
        names: Vec<Vec<u8>>,
    },
    /// Nothing is there any more (only among changes).
    Gone {
        /// Where.
        path: RelPath,
    },
}

/// What a listing was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListEnd {
    /// When it began, by the host's clock: what was written before and did not change since is in it.
    pub began: Nanos,
    /// Which moment of the workspace's root it was; another device or inode is another folder.
    pub root: Identity,
    /// Bytes free on its file system for who is not root, and its size.
    pub disk: Disk,
    /// Of how many of the host's processes it is known what they have open for writing.
    pub sight: Sight,
    /// Why changes are not heard of as they happen, where they are not: each listing looks at everything.
    pub unwatched: Option<Blind>,
}

/// Of how many of a host's processes it is known what they have open for writing. Of the others' files it
/// can only be said that they held still while they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Sight {
    /// Of none.
    None,
    /// Of some.
    Part,
    /// Of all that this host shows; what other hosts or containers that share the file system have open
    /// is never known.
    All,
}

/// The room on a file system, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// All.
    pub size: u64,
    /// Left.
    pub free: u64,
}

/// What [`Source::changes`] can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Changes {
    /// All that changed since the listing before, or since the last such answer, has been told. Files
    /// that are mapped for writing are always among them.
    Told(ListEnd),
    /// What changed is not known: a scan is needed.
    Unknown(Blind),
}

/// Why changes are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Blind {
    /// Nothing has been listed yet.
    Fresh,
    /// The kernel's queue of events ran over.
    Overflow,
    /// The kernel watches no more folders for this user.
    WatchLimit,
    /// The kernel can't watch at all, or its watch ended.
    NoWatch,
    /// More changed than is kept a list of.
    TooMany,
    /// It is on a network file system, to which others write without this host's kernel knowing.
    Network,
    /// The root was replaced or another file system mounted over it.
    RootReplaced,
}

/// A file that is wanted, as it was listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// Where.
    pub path: RelPath,
    /// What is there on the asking side already, of a former content of this file: blocks that are the
    /// same are not sent.
    pub have: Option<Blocks>,
    /// Only its hash is wanted: nothing is sent.
    pub hash_only: bool,
    /// The beginning of it that was kept. While a process has the file open for writing and does not only
    /// append, only what has this beginning still is published: else it is rewritten in place.
    pub was: Option<Beginning>,
}

/// The beginning of a content: all of it but zeros at its end, which a file that was given its size
/// before its content has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beginning {
    /// So many bytes.
    pub length: u64,
    /// Of these.
    pub hash: Hash,
}

/// How the reading of a file ended. What came before counts only with [`ReadEnd::Whole`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadEnd {
    /// The content was there as a whole at one moment.
    Whole {
        /// As it was at that moment; its size is that of what was sent.
        listed: Listed,
        /// Of all that was sent, same blocks and holes counted.
        hash: Hash,
        /// It was changed so shortly before that a later change may leave the same time stamps: it has
        /// to be read again, whatever these say.
        racy: bool,
        /// A process still writes to it: what was sent is what it had written so far.
        prefix: bool,
    },
    /// It was copied through SQLite's own backup. Equal in content, not in bytes; the files beside it
    /// (`-wal`, `-shm`, `-journal`) are part of it and are not to be kept.
    Database {
        /// As listed before the copy was begun; the size in its body is that of what was sent.
        listed: Listed,
        /// Of all that was sent.
        hash: Hash,
    },
    /// It never held still, or a process that has it open for writing rewrites it in place.
    Flux,
    /// It is not there any more, or is no regular file now.
    Gone,
    /// The host refused to read it.
    Unreadable {
        /// The kernel's error number.
        errno: i32,
    },
}

/// Takes what is read. The figure is the place in the list of wants. All of one file comes before
/// anything of the next; a file may begin again (`begin`), and then what came before is void.
pub trait ReadSink {
    /// A file begins, or begins again.
    ///
    /// # Errors
    /// Ends the reading of everything.
    fn begin(&mut self, want: usize) -> Result<(), SourceError>;
    /// Bytes of it; offsets rise and never overlap.
    ///
    /// # Errors
    /// Ends the reading of everything.
    fn data(&mut self, want: usize, offset: u64, bytes: &[u8]) -> Result<(), SourceError>;
    /// A block is the one that the want has.
    ///
    /// # Errors
    /// Ends the reading of everything.
    fn same(&mut self, want: usize, offset: u64, length: u64) -> Result<(), SourceError>;
    /// A hole: zeros that take no room.
    ///
    /// # Errors
    /// Ends the reading of everything.
    fn hole(&mut self, want: usize, offset: u64, length: u64) -> Result<(), SourceError>;
    /// It ended.
    ///
    /// # Errors
    /// Ends the reading of everything.
    fn end(&mut self, want: usize, end: ReadEnd) -> Result<(), SourceError>;
}

/// A workspace that can be read: on this host, or on another over a connection.
pub trait Source {
    /// Lists everything, the root itself first and a folder before what is in it, and begins to watch before it looks, so that no
    /// change after falls between the two.
    ///
    /// # Errors
    /// [`SourceError`]; an error of `each` ends it.
    fn scan(
        &mut self,
        each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
    ) -> Result<ListEnd, SourceError>;

    /// Lists what changed since the listing before. After [`Changes::Unknown`] only a scan helps.
    ///
    /// # Errors
    /// [`SourceError`]; an error of `each` ends it.
    fn changes(
        &mut self,
        each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
    ) -> Result<Changes, SourceError>;

    /// Reads files, in the order of the list.
    ///
    /// # Errors
    /// [`SourceError`]; what concerns one file is told to the sink instead.
    fn read(&mut self, wants: &[Want], sink: &mut dyn ReadSink) -> Result<(), SourceError>;

    /// Waits until something changed, for at most so many milliseconds; whether something did.
    ///
    /// # Errors
    /// [`SourceError`].
    fn wait(&mut self, most_millis: u64) -> Result<bool, SourceError>;
}
