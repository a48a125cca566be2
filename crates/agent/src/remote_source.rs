//! A workspace on another host.

use std::time::Duration;

use crate::connection::{Came, Connection};
use crate::hash::BLOCK;
use crate::message::{Answer, HAVE_MAX, READS_AHEAD, Request, WANTS_BYTES, WANTS_MAX};
use crate::source::{Changes, Found, ListEnd, ReadEnd, ReadSink, Source, SourceError, Want};

/// Asks a serving side. What it answers is checked for what was asked: its order, its paths, its sizes.
/// That bytes have the hash that is told of them is for the sink to check.
pub struct RemoteSource {
    connection: Connection,
}

impl RemoteSource {
    /// Over a connection.
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }

    fn listing(
        &mut self,
        request: &Request,
        each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
    ) -> Result<Answer, SourceError> {
        self.connection.send(request)?;
        loop {
            match self.connection.answer(Duration::ZERO)? {
                Answer::Found(found) => {
                    for one in found {
                        each(one).inspect_err(|_| self.connection.abandon())?;
                    }
                }
                other => return Ok(other),
            }
        }
    }

    /// Takes the answers to one request for files, of which `base` came before in the list.
    fn take_files(
        &mut self,
        base: usize,
        wants: &[Want],
        sink: &mut dyn ReadSink,
    ) -> Result<(), SourceError> {
        for (index, want) in wants.iter().enumerate() {
            self.take_file(base, index, want, sink)?;
        }
        match self.connection.answer(Duration::ZERO)? {
            Answer::ReadDone => Ok(()),
            _ => Err(self.connection.breach("more files than were wanted")),
        }
    }

    fn take_file(
        &mut self,
        base: usize,
        index: usize,
        want: &Want,
        sink: &mut dyn ReadSink,
    ) -> Result<(), SourceError> {
        let mut at: Option<u64> = None;
        loop {
            let came = self.connection.next(Duration::ZERO)?;
            let length = match &came {
                Came::Data(bytes) => bytes.len() as u64,
                Came::Answer(Answer::Same(length) | Answer::Hole(length)) => *length,
                Came::Answer(Answer::Begin(which)) if *which as usize == index => {
                    at = Some(0);
                    sink.begin(base + index)?;
                    continue;
                }
                Came::Answer(Answer::End(which, end)) if *which as usize == index => {
                    self.check_end(want, at, end)?;
                    return sink.end(base + index, (**end).clone());
                }
                Came::Answer(_) => return Err(self.connection.breach("another file's turn")),
            };
            let ends = at.and_then(|at| at.checked_add(length));
            let (Some(offset), Some(ends), false) = (at, ends, want.hash_only) else {
                return Err(self.connection.breach("a part of a file that did not begin"));
            };
            match came {
                Came::Data(bytes) => sink.data(base + index, offset, &bytes)?,
                Came::Answer(Answer::Same(_)) => {
                    let block = BLOCK as u64;
                    let which = usize::try_from(offset / block).ok();
                    let have = want.have.as_ref().map_or(0, |have| have.0.len().min(HAVE_MAX));
                    if offset % block != 0 || length > block || which.is_none_or(|w| w >= have) {
                        return Err(self.connection.breach("a block that nobody has"));
                    }
                    sink.same(base + index, offset, length)?;
                }
                Came::Answer(_) => sink.hole(base + index, offset, length)?,
            }
            at = Some(ends);
        }
    }

    fn check_end(
        &mut self,
        want: &Want,
        at: Option<u64>,
        end: &ReadEnd,
    ) -> Result<(), SourceError> {
        let (ReadEnd::Whole { listed, .. } | ReadEnd::Database { listed, .. }) = end else {
            return Ok(());
        };
        let size = match listed.body {
            crate::entry::Body::File { size, .. } => Some(size),
            _ => None,
        };
        // The copy of a database has a size of its own.
        let copied = matches!(end, ReadEnd::Database { .. });
        let is_file = size.is_some() && (copied || size == Some(listed.identity.size));
        if !is_file || listed.path != want.path {
            return Err(self.connection.breach("another file than was wanted"));
        }
        match at {
            None => Err(self.connection.breach("a file that ended and did not begin")),
            Some(at) if !want.hash_only && Some(at) != size => {
                Err(self.connection.breach("more or less of a file than its size"))
            }
            Some(_) => Ok(()),
        }
    }
}

impl Source for RemoteSource {
    fn scan(
        &mut self,
        each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
    ) -> Result<ListEnd, SourceError> {
        match self.listing(&Request::Scan, each)? {
            Answer::Scanned(end) => Ok(end),
            _ => Err(self.connection.breach("a scan that ends otherwise")),
        }
    }

    fn changes(
        &mut self,
        each: &mut dyn FnMut(Found) -> Result<(), SourceError>,
    ) -> Result<Changes, SourceError> {
        match self.listing(&Request::Changes, each)? {
            Answer::Changed(changes) => Ok(changes),
            _ => Err(self.connection.breach("changes that end otherwise")),
        }
    }

    fn read(&mut self, wants: &[Want], sink: &mut dyn ReadSink) -> Result<(), SourceError> {
        let mut asked = Batches { wants, at: 0 };
        let mut under_way = std::collections::VecDeque::new();
        loop {
            while under_way.len() < READS_AHEAD
                && let Some((base, batch)) = asked.next()
            {
                self.connection.send(&Request::Read(batch.iter().map(told).collect()))?;
                under_way.push_back((base, batch));
            }
            let Some((base, batch)) = under_way.pop_front() else { return Ok(()) };
            self.take_files(base, batch, sink).inspect_err(|_| self.connection.abandon())?;
        }
    }

    fn wait(&mut self, most_millis: u64) -> Result<bool, SourceError> {
        self.connection.send(&Request::Wait { most_millis })?;
        match self.connection.answer(Duration::from_millis(most_millis))? {
            Answer::Waited(something) => Ok(something),
            _ => Err(self.connection.breach("a wait that ends otherwise")),
        }
    }
}

/// A want as it is sent: what is there already, as far as it fits.
fn told(want: &Want) -> Want {
    let mut want = want.clone();
    if let Some(have) = &mut want.have {
        have.0.truncate(HAVE_MAX);
    }
    want
}

/// Cuts a list of wants into requests.
struct Batches<'a> {
    wants: &'a [Want],
    at: usize,
}

impl<'a> Iterator for Batches<'a> {
    type Item = (usize, &'a [Want]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.wants.get(self.at..).filter(|rest| !rest.is_empty())?;
        let mut bytes = 0;
        let taken = rest
            .iter()
            .take(WANTS_MAX)
            .take_while(|want| {
                let first = bytes == 0;
                bytes += 64 + want.path.as_bytes().len();
                bytes += want.have.as_ref().map_or(0, |have| have.0.len().min(HAVE_MAX) * 32);
                first || bytes <= WANTS_BYTES
            })
            .count();
        let batch = (self.at, rest.get(..taken)?);
        self.at += taken;
        Some(batch)
    }
}
