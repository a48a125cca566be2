//! What is told, out of bytes as they arrive.

use super::Told;
use crate::frame::{FRAME_MAX, decode};
use crate::source::SourceError;

/// Takes frames out of bytes as they arrive, for who reads without waiting.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    greeted: bool,
}

impl Frames {
    /// Takes in what arrived.
    pub fn take(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next thing that was told, where all of it is here.
    ///
    /// # Errors
    /// [`SourceError::Protocol`] for what breaks the protocol or its bounds.
    pub fn told(&mut self) -> Result<Option<Told>, SourceError> {
        if !self.greeted && !self.greet()? {
            return Ok(None);
        }
        let Some((header, rest)) = self.buffer.split_at_checked(5) else { return Ok(None) };
        let &[a, b, c, d, kind] = header else { return Ok(None) };
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if length > FRAME_MAX || kind != 0 {
            return Err(SourceError::Protocol(format!("a frame of {length} bytes, kind {kind}")));
        }
        let Some(message) = rest.get(..length) else { return Ok(None) };
        let told = decode(message)?;
        self.buffer.drain(..5 + length);
        Ok(Some(told))
    }

    fn greet(&mut self) -> Result<bool, SourceError> {
        let mark = crate::frame::MAGIC;
        let at = self
            .buffer
            .windows(mark.len() + 1)
            .position(|window| window.strip_suffix(b"\n").is_some_and(|line| line == mark));
        match at {
            Some(at) => {
                self.buffer.drain(..=at + mark.len());
                self.greeted = true;
                Ok(true)
            }
            None if self.buffer.len() > crate::frame::NOISE_MAX => {
                Err(SourceError::Protocol("it prints without end and never starts".to_owned()))
            }
            None => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Amount;
    use super::*;

    #[test]
    fn what_comes_in_pieces_is_put_together_and_noise_before_it_is_dropped() {
        let mut bytes = b"motd\nlast login\n".to_vec();
        bytes.extend_from_slice(crate::frame::MAGIC);
        bytes.push(b'\n');
        let told = [Told::Alive, Told::Moved(Amount { files: 3, bytes: 1 << 40 })];
        for one in &told {
            crate::frame::write_message(&mut bytes, one).unwrap();
        }
        let mut frames = Frames::default();
        let mut got = Vec::new();
        for byte in bytes {
            frames.take(&[byte]);
            got.extend(frames.told().unwrap());
        }
        assert_eq!(got, told);
    }

    #[test]
    fn a_side_that_never_starts_or_breaks_the_bounds_is_not_listened_to() {
        let mut frames = Frames::default();
        frames.take(&vec![b'x'; crate::frame::NOISE_MAX + 1]);
        assert!(frames.told().is_err());
        let mut frames = Frames { greeted: true, ..Frames::default() };
        frames.take(&[0xff, 0xff, 0xff, 0x7f, 0]);
        assert!(frames.told().is_err());
    }
}
