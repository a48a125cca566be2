//! The asking side's end of a connection.

use std::io::{BufReader, BufWriter, Read, Write};
use std::time::{Duration, Instant};

use crate::frame::{Frame, decode, skip_noise, write_data, write_message};
use crate::message::{Answer, Request};
use crate::queue::Queue;
use crate::source::SourceError;

/// Most frames that are looked through for why a connection ended.
const LAST_WORDS: usize = 1000;

/// What comes: a message or bytes.
pub(crate) enum Came {
    Answer(Answer),
    Data(Vec<u8>),
}

/// A connection to a serving side over two streams: the ends of a pipe, or of an SSH session's stdio.
///
/// A side that says nothing for longer than the patience given is taken for gone; one that works on
/// something long says so once a second. A write can stall as long as the other side takes nothing:
/// who owns the streams ends that by ending the process or closing the socket behind them, as at the end
/// of the time that it allows for the whole.
pub struct Connection {
    queue: Queue,
    output: BufWriter<Box<dyn Write + Send>>,
    patience: Duration,
    broken: bool,
    stalled: Stalled,
}

/// What a side that only says that it is at work said to have done, and since when that is so.
struct Stalled {
    done: Option<u64>,
    since: Instant,
    most: Duration,
}

/// A side that gets no further for so long is given up, however often it says that it goes on.
const STALLED_MAX: Duration = Duration::from_secs(20 * 60);

impl Stalled {
    fn new() -> Self {
        Self { done: None, since: Instant::now(), most: STALLED_MAX }
    }

    /// It said so; whether it is given up.
    fn hear(&mut self, done: u64) -> bool {
        if self.done.is_none_or(|before| done > before) {
            self.done = Some(done);
            self.since = Instant::now();
            return false;
        }
        self.since.elapsed() > self.most
    }

    fn reset(&mut self) {
        self.done = None;
    }
}

impl Connection {
    /// Over two streams. What is printed before the magic line is skipped.
    pub fn new(
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
        patience: Duration,
    ) -> Self {
        let input = BufReader::with_capacity(64 << 10, input);
        let output: Box<dyn Write + Send> = Box::new(output);
        Self {
            queue: Queue::new(input, |input| skip_noise(input)),
            output: BufWriter::with_capacity(64 << 10, output),
            patience,
            broken: false,
            stalled: Stalled::new(),
        }
    }

    /// Gives a side up that gets no further for so long.
    #[must_use]
    pub fn giving_up_after(mut self, most: Duration) -> Self {
        self.stalled.most = most;
        self
    }

    pub(crate) fn send(&mut self, request: &Request) -> Result<(), SourceError> {
        self.usable()?;
        let sent = write_message(&mut self.output, request);
        let sent = sent.map_err(|error| self.explained(error));
        self.noting(sent)
    }

    pub(crate) fn send_data(&mut self, bytes: &[u8]) -> Result<(), SourceError> {
        self.usable()?;
        let sent = write_data(&mut self.output, bytes);
        let sent = sent.map_err(|error| self.explained(error));
        self.noting(sent)
    }

    /// What comes next, waiting for it by `longer` more than the patience.
    pub(crate) fn next(&mut self, longer: Duration) -> Result<Came, SourceError> {
        self.usable()?;
        let flushed = self.output.flush().map_err(|error| self.explained(error.into()));
        self.noting(flushed)?;
        let patience = self.patience.saturating_add(longer);
        loop {
            let came = self.queue.take(Some(patience)).and_then(|frame| match frame {
                None => Err(SourceError::Closed(std::io::ErrorKind::UnexpectedEof.into())),
                Some(Frame::Data(bytes)) => Ok(Came::Data(bytes)),
                Some(Frame::Message(bytes)) => decode(&bytes).map(Came::Answer),
            });
            match self.noting(came)? {
                Came::Answer(Answer::Alive(done)) => {
                    if self.stalled.hear(done) {
                        self.broken = true;
                        return Err(SourceError::Closed(std::io::ErrorKind::TimedOut.into()));
                    }
                }
                Came::Answer(Answer::RootMissing(why)) => {
                    return Err(SourceError::RootMissing(bounded(why)));
                }
                Came::Answer(Answer::Failed(why)) => {
                    self.broken = true;
                    return Err(SourceError::Protocol(format!("it gave up: {}", bounded(why))));
                }
                came => {
                    self.stalled.reset();
                    return Ok(came);
                }
            }
        }
    }

    /// Why nothing can be sent: what the other side said last tells more than that it takes nothing.
    fn explained(&self, error: SourceError) -> SourceError {
        // Who sends without end is not heard out.
        for _ in 0..LAST_WORDS {
            match self.queue.take(Some(self.patience)) {
                Ok(Some(Frame::Data(_))) => {}
                Ok(Some(Frame::Message(bytes))) => {
                    if let Ok(Answer::Failed(why)) = decode(&bytes) {
                        return SourceError::Protocol(format!("it gave up: {}", bounded(why)));
                    }
                }
                Err(said @ SourceError::Protocol(_)) => return said,
                Ok(None) | Err(_) => return error,
            }
        }
        error
    }

    /// The next message, where no bytes may come.
    pub(crate) fn answer(&mut self, longer: Duration) -> Result<Answer, SourceError> {
        match self.next(longer)? {
            Came::Answer(answer) => Ok(answer),
            Came::Data(_) => Err(self.breach("bytes of no file")),
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.queue.is_ready()
    }

    /// The other side broke the protocol; nothing more is asked of it.
    pub(crate) fn breach(&mut self, what: &str) -> SourceError {
        self.broken = true;
        SourceError::Protocol(what.to_owned())
    }

    /// Nothing more can be asked: what is under way would be taken for its answer.
    pub(crate) fn abandon(&mut self) {
        self.broken = true;
    }

    fn usable(&self) -> Result<(), SourceError> {
        if self.broken {
            return Err(SourceError::Closed(std::io::ErrorKind::BrokenPipe.into()));
        }
        Ok(())
    }

    fn noting<T>(&mut self, done: Result<T, SourceError>) -> Result<T, SourceError> {
        self.broken |= done.is_err();
        done
    }
}

fn bounded(mut text: String) -> String {
    const MOST: usize = 1000;
    if text.len() > MOST {
        let end = (0..=MOST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}
