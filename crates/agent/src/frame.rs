//! What goes over a connection: a magic line, then frames. A frame is four bytes of length, one that says
//! what it is, and so many bytes; no more than the bound is ever read or held for one.

use std::io::{ErrorKind, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::hash::BLOCK;
use crate::source::SourceError;

/// What a serving side says first, on a line of its own. The figure is the protocol's.
pub const MAGIC: &[u8] = b"dumont-agent/1 ready";

/// Most bytes that a login shell may print before the magic line.
pub const NOISE_MAX: usize = 64 << 10;

/// Most bytes of a frame: one block, or one entry with its path and attributes.
pub const FRAME_MAX: usize = BLOCK + (256 << 10);

/// Counted for each frame besides its bytes, so that empty ones are bounded too.
const OVERHEAD: usize = 64;

/// One frame as it arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message, encoded.
    Message(Vec<u8>),
    /// Bytes of a file.
    Data(Vec<u8>),
}

impl Frame {
    pub(crate) fn len(&self) -> usize {
        let (Self::Message(bytes) | Self::Data(bytes)) = self;
        bytes.len() + OVERHEAD
    }
}

/// Reads the next frame; nothing where the connection ended between two.
///
/// # Errors
/// [`SourceError::Protocol`] for what is no frame, [`SourceError::Closed`] where it ends within one.
pub fn read_frame(input: &mut dyn Read) -> Result<Option<Frame>, SourceError> {
    let mut header = [0_u8; 5];
    let mut filled = 0;
    while let Some(rest) = header.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(ended()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let [a, b, c, d, kind] = header;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > FRAME_MAX {
        return Err(SourceError::Protocol(format!("a frame of {length} bytes")));
    }
    // Grows as bytes arrive: who only says that many come gets no room for them.
    let mut bytes = Vec::new();
    input.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(ended());
    }
    match kind {
        0 => Ok(Some(Frame::Message(bytes))),
        1 => Ok(Some(Frame::Data(bytes))),
        other => Err(SourceError::Protocol(format!("a frame of kind {other}"))),
    }
}

/// Writes a message.
///
/// # Errors
/// [`SourceError`]; a message that is larger than a frame is a fault of this side.
pub fn write_message(output: &mut dyn Write, message: &impl Serialize) -> Result<(), SourceError> {
    let bytes = postcard::to_stdvec(message)
        .map_err(|error| SourceError::Protocol(format!("not encoded: {error}")))?;
    write_frame(output, 0, &bytes)
}

/// Writes bytes of a file.
///
/// # Errors
/// As [`write_message`].
pub fn write_data(output: &mut dyn Write, bytes: &[u8]) -> Result<(), SourceError> {
    for part in bytes.chunks(BLOCK) {
        write_frame(output, 1, part)?;
    }
    Ok(())
}

fn write_frame(output: &mut dyn Write, kind: u8, bytes: &[u8]) -> Result<(), SourceError> {
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= FRAME_MAX);
    let Some(length) = length else {
        return Err(SourceError::Protocol(format!("a frame of {} bytes", bytes.len())));
    };
    let [a, b, c, d] = length.to_le_bytes();
    output.write_all(&[a, b, c, d, kind])?;
    Ok(output.write_all(bytes)?)
}

/// Decodes a message; all of its bytes must belong to it.
///
/// # Errors
/// [`SourceError::Protocol`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, SourceError> {
    let broken = |what: &str| SourceError::Protocol(format!("a message that {what}"));
    let (message, rest) =
        postcard::take_from_bytes(bytes).map_err(|_| broken("can't be decoded"))?;
    if rest.is_empty() { Ok(message) } else { Err(broken("has more after it")) }
}

/// Skips what a login shell prints before the magic line.
///
/// # Errors
/// [`SourceError::Protocol`], with the end of what was printed, where the line doesn't come.
pub fn skip_noise(input: &mut dyn Read) -> Result<(), SourceError> {
    let mut line = Vec::new();
    let mut seen = 0;
    let mut printed = Vec::new();
    while seen < NOISE_MAX {
        let mut byte = [0_u8; 1];
        match input.read(&mut byte) {
            Ok(0) => return Err(not_started("it ended", &printed)),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
        seen += 1;
        if byte == *b"\n" {
            if line == MAGIC {
                return Ok(());
            }
            line.clear();
        } else {
            line.extend_from_slice(&byte);
        }
        printed.extend_from_slice(&byte);
    }
    Err(not_started("it printed without end", &printed))
}

fn not_started(why: &str, printed: &[u8]) -> SourceError {
    let tail = printed.get(printed.len().saturating_sub(300)..).unwrap_or_default();
    let said = tail.escape_ascii();
    SourceError::Protocol(format!(
        "the program was not started by the login: {why}; it said \"{said}\""
    ))
}

fn ended() -> SourceError {
    SourceError::Closed(ErrorKind::UnexpectedEof.into())
}
