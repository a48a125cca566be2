//! The serving side of a connection: answers what is asked of a workspace. Knows nothing of recovery
//! points or policy.

use std::io::{BufReader, BufWriter, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::frame::{Frame, MAGIC, decode, write_data, write_message};
use crate::message::{Answer, HAVE_MAX, REFUSALS_BYTES, Request};
use crate::queue::Queue;
use crate::source::{Found, ReadEnd, ReadSink, Source, SourceError};
use crate::target::{Piece, Placed, Step, Target, apply_one};

/// How often a side that works on something long says so.
const TICK: Duration = Duration::from_secs(1);

/// Most entries in one frame, and about how many bytes they may take.
const FOUND_MAX: usize = 512;
const FOUND_BYTES: usize = 256 << 10;

/// Serves until the asking side ends the connection.
///
/// # Errors
/// [`SourceError`] where the connection fails or the asking side breaks the protocol.
pub fn serve(
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    source: &mut dyn Source,
    target: Option<&mut dyn Target>,
) -> Result<(), SourceError> {
    let queue = Queue::new(BufReader::with_capacity(64 << 10, input), |_| Ok(()));
    let output = Output::new(Box::new(output))?;
    let served = Server { queue: &queue, output: &output, source, target }.run();
    if let Err(error) = &served {
        // The other side may be gone as well.
        let _ = output.say(&Answer::Failed(error.to_string())).and_then(|()| output.flush());
    }
    served
}

struct Server<'a, 's, 't> {
    queue: &'a Queue,
    output: &'a Output,
    source: &'a mut (dyn Source + 's),
    target: Option<&'a mut (dyn Target + 't)>,
}

impl<'t> Server<'_, '_, 't> {
    fn run(&mut self) -> Result<(), SourceError> {
        loop {
            if !self.queue.is_ready() {
                self.output.flush()?;
            }
            let Some(frame) = self.queue.take(None)? else { return self.output.flush() };
            let Frame::Message(bytes) = frame else {
                return Err(SourceError::Protocol("bytes of no file".to_owned()));
            };
            let request = decode(&bytes)?;
            let _busy = self.output.busy();
            match self.answer(request) {
                Err(SourceError::RootMissing(why)) => {
                    self.output.say(&Answer::RootMissing(why))?;
                }
                done => done?,
            }
        }
    }

    fn answer(&mut self, request: Request) -> Result<(), SourceError> {
        let answer = match request {
            Request::Scan => {
                let mut batch = Batch::new(self.output);
                let end = self.source.scan(&mut |found| batch.add(found))?;
                batch.flush()?;
                Answer::Scanned(end)
            }
            Request::Changes => {
                let mut batch = Batch::new(self.output);
                let changes = self.source.changes(&mut |found| batch.add(found))?;
                batch.flush()?;
                Answer::Changed(changes)
            }
            Request::Read(mut wants) => {
                for want in &mut wants {
                    if let Some(have) = &mut want.have {
                        have.0.truncate(HAVE_MAX);
                    }
                }
                self.source.read(&wants, &mut Sink { output: self.output })?;
                Answer::ReadDone
            }
            Request::Wait { most_millis } => Answer::Waited(self.source.wait(most_millis)?),
            Request::Disk => Answer::Disk(self.target()?.disk()?),
            Request::Blocks(path) => {
                let mut blocks = self.target()?.blocks(&path)?;
                if let Some(blocks) = &mut blocks {
                    blocks.0.truncate(HAVE_MAX);
                }
                Answer::Blocks(blocks)
            }
            Request::Place(entry) => {
                let queue = self.queue;
                let mut pieces = Incoming { queue, ended: false };
                let step = Step::Place { entry, pieces: Box::new(&mut pieces) };
                let placed = apply_one(self.target()?, step)?;
                for piece in pieces {
                    piece?;
                }
                placed_answer(placed)
            }
            Request::Link { from, to } => self.step(Step::Link { from, to })?,
            Request::Remove(path) => self.step(Step::Remove { path })?,
            Request::Finish(path, meta) => self.step(Step::Finish { path, meta })?,
            Request::Sync => {
                self.target()?.sync()?;
                Answer::Synced
            }
            Request::Same(_) | Request::Hole(_) | Request::PiecesEnd => {
                return Err(SourceError::Protocol("a piece of no file".to_owned()));
            }
        };
        self.output.say(&answer)
    }

    fn step(&mut self, step: Step<'_>) -> Result<Answer, SourceError> {
        apply_one(self.target()?, step).map(placed_answer)
    }

    fn target(&mut self) -> Result<&mut (dyn Target + 't), SourceError> {
        match &mut self.target {
            Some(target) => Ok(&mut **target),
            None => Err(SourceError::Protocol("nothing may be written here".to_owned())),
        }
    }
}

/// An answer that many of may wait without much room: refusals are cut to their bound.
fn placed_answer(mut placed: Placed) -> Answer {
    if let Placed::Done { refused, .. } = &mut placed {
        let mut room = REFUSALS_BYTES;
        refused.retain(|said| {
            let fits = said.len() <= room;
            room = room.saturating_sub(said.len());
            fits
        });
        if room == 0 || refused.is_empty() && room < REFUSALS_BYTES {
            refused.push("more".to_owned());
        }
    }
    Answer::Placed(placed)
}

/// The pieces of a file as they come.
struct Incoming<'a> {
    queue: &'a Queue,
    ended: bool,
}

impl Iterator for Incoming<'_> {
    type Item = Result<Piece, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let piece = match self.queue.take(None) {
            Ok(Some(Frame::Data(bytes))) => Ok(Piece::Data(bytes)),
            Ok(Some(Frame::Message(bytes))) => match decode(&bytes) {
                Ok(Request::Same(length)) => Ok(Piece::Same(length)),
                Ok(Request::Hole(length)) => Ok(Piece::Hole(length)),
                Ok(Request::PiecesEnd) => {
                    self.ended = true;
                    return None;
                }
                Ok(_) => Err(SourceError::Protocol("a file that does not end".to_owned())),
                Err(error) => Err(error),
            },
            Ok(None) => Err(SourceError::Closed(std::io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(error),
        };
        self.ended = piece.is_err();
        Some(piece)
    }
}

/// Entries on their way.
struct Batch<'a> {
    output: &'a Output,
    found: Vec<Found>,
    bytes: usize,
}

impl<'a> Batch<'a> {
    fn new(output: &'a Output) -> Self {
        Self { output, found: Vec::new(), bytes: 0 }
    }

    fn add(&mut self, found: Found) -> Result<(), SourceError> {
        let size = size_of(&found);
        if self.bytes + size > FOUND_BYTES || self.found.len() >= FOUND_MAX {
            self.flush()?;
        }
        self.bytes += size;
        self.found.push(found);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SourceError> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.bytes = 0;
        self.output.say(&Answer::Found(std::mem::take(&mut self.found)))
    }
}

fn size_of(found: &Found) -> usize {
    match found {
        Found::Entry(listed) => {
            let xattrs = listed.meta.xattrs.iter().map(|x| x.name.len() + x.value.len() + 8);
            let target = match &listed.body {
                crate::entry::Body::Symlink { target } => target.len(),
                _ => 0,
            };
            128 + listed.path.as_bytes().len() + xattrs.sum::<usize>() + target
        }
        Found::Attributes { path, names } => {
            32 + path.as_bytes().len() + names.iter().map(|name| name.len() + 8).sum::<usize>()
        }
        Found::Unprotected { path, .. } | Found::Gone { path } => 32 + path.as_bytes().len(),
    }
}

struct Sink<'a> {
    output: &'a Output,
}

impl Sink<'_> {
    fn index(want: usize) -> u32 {
        u32::try_from(want).unwrap_or(u32::MAX)
    }
}

impl ReadSink for Sink<'_> {
    fn begin(&mut self, want: usize) -> Result<(), SourceError> {
        self.output.say(&Answer::Begin(Self::index(want)))
    }
    fn data(&mut self, _: usize, _: u64, bytes: &[u8]) -> Result<(), SourceError> {
        let mut said = self.output.lock();
        said.spoke = true;
        write_data(&mut said.output, bytes)
    }
    fn same(&mut self, _: usize, _: u64, length: u64) -> Result<(), SourceError> {
        self.output.say(&Answer::Same(length))
    }
    fn hole(&mut self, _: usize, _: u64, length: u64) -> Result<(), SourceError> {
        self.output.say(&Answer::Hole(length))
    }
    fn end(&mut self, want: usize, end: ReadEnd) -> Result<(), SourceError> {
        self.output.say(&Answer::End(Self::index(want), Box::new(end)))
    }
}

/// What is said, and a thread that says that we are still here while nothing else is.
struct Output {
    shared: Arc<(Mutex<Said>, Condvar)>,
}

struct Said {
    output: BufWriter<Box<dyn Write + Send>>,
    busy: bool,
    spoke: bool,
    over: bool,
}

impl Output {
    fn new(output: Box<dyn Write + Send>) -> Result<Self, SourceError> {
        let mut output = BufWriter::with_capacity(256 << 10, output);
        // A line that a shell's text did not end is ended first.
        output.write_all(b"\n")?;
        output.write_all(MAGIC)?;
        output.write_all(b"\n")?;
        output.flush()?;
        let said = Said { output, busy: false, spoke: false, over: false };
        let shared = Arc::new((Mutex::new(said), Condvar::new()));
        let theirs = Arc::clone(&shared);
        std::thread::spawn(move || tick(&theirs));
        Ok(Self { shared })
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, answer: &Answer) -> Result<(), SourceError> {
        let mut said = self.lock();
        said.spoke = true;
        write_message(&mut said.output, answer)
    }

    fn flush(&self) -> Result<(), SourceError> {
        Ok(self.lock().output.flush()?)
    }

    fn busy(&self) -> Busy<'_> {
        self.lock().busy = true;
        self.shared.1.notify_all();
        Busy(self)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.lock().over = true;
        self.shared.1.notify_all();
    }
}

struct Busy<'a>(&'a Output);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.lock().busy = false;
    }
}

fn tick(shared: &(Mutex<Said>, Condvar)) {
    let (lock, moved) = shared;
    let mut said = lock.lock().unwrap_or_else(PoisonError::into_inner);
    while !said.over {
        if !said.busy {
            // An idle side doesn't wake.
            said = moved.wait(said).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        said.spoke = false;
        said = moved.wait_timeout(said, TICK).unwrap_or_else(PoisonError::into_inner).0;
        if said.busy && !said.over {
            // A failure is met by who speaks next.
            if !said.spoke {
                let _ = write_message(&mut said.output, &Answer::Alive(crate::progress::done()));
            }
            let _ = said.output.flush();
        }
    }
}
