//! The part of CBOR that authenticators write (the canonical form of CTAP 2), read strictly: every length is
//! there before its content, in as few bytes as it takes, and within what was sent.

/// Not what an authenticator writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// How deep what is passed over may nest.
const DEPTH: u8 = 4;

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const SIMPLE: u8 = 7;
/// `false`, `true` and `null`.
const WORDS: [u64; 3] = [20, 21, 22];

/// An integer or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'b> {
    Int(i64),
    Bytes(&'b [u8]),
}

/// Reads from the front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(crate) const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not read yet.
    pub(crate) const fn rest(&self) -> &'b [u8] {
        self.rest
    }

    /// Nothing may be left.
    pub(crate) const fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// So many bytes as they are.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'b [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    /// The kind of the next item, and its number.
    fn head(&mut self) -> Result<(u8, u64), Malformed> {
        let [first] = self.array()?;
        let (kind, short) = (first >> 5, first & 31);
        let (number, least) = match short {
            0..=23 => (u64::from(short), 0),
            24 => (u64::from(u8::from_be_bytes(self.array()?)), 24),
            25 => (u64::from(u16::from_be_bytes(self.array()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(self.array()?)), 1 << 16),
            27 => (u64::from_be_bytes(self.array()?), 1 << 32),
            // Lengths that are told at the end, and what no version of CBOR has.
            _ => return Err(Malformed),
        };
        if number < least { Err(Malformed) } else { Ok((kind, number)) }
    }

    fn content(&mut self, number: u64) -> Result<&'b [u8], Malformed> {
        self.take(usize::try_from(number).map_err(|_| Malformed)?)
    }

    pub(crate) fn text(&mut self) -> Result<&'b str, Malformed> {
        match self.head()? {
            (TEXT, length) => std::str::from_utf8(self.content(length)?).map_err(|_| Malformed),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'b [u8], Malformed> {
        match self.value()? {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Int(_) => Err(Malformed),
        }
    }

    pub(crate) fn int(&mut self) -> Result<i64, Malformed> {
        match self.value()? {
            Value::Int(number) => Ok(number),
            Value::Bytes(_) => Err(Malformed),
        }
    }

    pub(crate) fn value(&mut self) -> Result<Value<'b>, Malformed> {
        let (kind, number) = self.head()?;
        let signed = || i64::try_from(number).map_err(|_| Malformed);
        match kind {
            UNSIGNED => Ok(Value::Int(signed()?)),
            NEGATIVE => Ok(Value::Int(-1 - signed()?)),
            BYTES => Ok(Value::Bytes(self.content(number)?)),
            _ => Err(Malformed),
        }
    }

    /// How many pairs follow; at most `most`.
    pub(crate) fn map(&mut self, most: u64) -> Result<u64, Malformed> {
        match self.head()? {
            (MAP, pairs) if pairs <= most => Ok(pairs),
            _ => Err(Malformed),
        }
    }

    /// Passes over a map, whatever is in it.
    pub(crate) fn pass_map(&mut self) -> Result<(), Malformed> {
        match self.head()? {
            (MAP, pairs) => self.pass_items(pairs.checked_mul(2).ok_or(Malformed)?, DEPTH),
            _ => Err(Malformed),
        }
    }

    fn pass(&mut self, depth: u8) -> Result<(), Malformed> {
        let (kind, number) = self.head()?;
        match kind {
            UNSIGNED | NEGATIVE => Ok(()),
            BYTES => self.content(number).map(drop),
            TEXT => std::str::from_utf8(self.content(number)?).map(drop).map_err(|_| Malformed),
            ARRAY => self.pass_items(number, depth),
            MAP => self.pass_items(number.checked_mul(2).ok_or(Malformed)?, depth),
            SIMPLE if WORDS.contains(&number) => Ok(()),
            _ => Err(Malformed),
        }
    }

    fn pass_items(&mut self, count: u64, depth: u8) -> Result<(), Malformed> {
        let deeper = depth.checked_sub(1).ok_or(Malformed)?;
        // Each takes a byte at least, so that a number without content costs nothing.
        if count > self.rest.len() as u64 {
            return Err(Malformed);
        }
        (0..count).try_for_each(|_| self.pass(deeper))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passes(bytes: &[u8]) -> bool {
        let mut reader = Reader::new(bytes);
        reader.pass_map().is_ok() && reader.end().is_ok()
    }

    #[test]
    fn maps_are_passed_over_within_their_bounds() {
        for good in [
            &[0xa0][..],
            &[0xa1, 0x01, 0x20],
            &[0xa1, 0x61, b'a', 0x82, 0xf5, 0xf6],
            &[0xa1, 0x00, 0xa1, 0x00, 0x81, 0x81, 0x00],
        ] {
            assert!(passes(good), "{good:02x?}");
        }
        for bad in [
            &[][..],
            &[0x80],
            &[0xa1, 0x01],
            // More than there is, and far more.
            &[0xa1, 0x01, 0x42, 0x00],
            &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0xa1, 0x01, 0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            // A length told at the end, a number in more bytes than it takes, no text.
            &[0xbf, 0xff],
            &[0xa1, 0x18, 0x01, 0x00],
            &[0xa1, 0x61, 0xff, 0x00],
            // A tag, a float, a word that is none; and something behind it.
            &[0xa1, 0x01, 0xc0, 0x00],
            &[0xa1, 0x01, 0xf9, 0x00, 0x00],
            &[0xa1, 0x01, 0xf7],
            &[0xa0, 0x00],
            // Deeper than anything has a reason to be.
            &[0xa1, 0x00, 0xa1, 0x00, 0xa1, 0x00, 0xa1, 0x00, 0xa1, 0x00, 0x00],
        ] {
            assert!(!passes(bad), "{bad:02x?}");
        }
    }

    #[test]
    fn integers_are_read_to_their_ends() {
        for (bytes, number) in [
            (&[0x17][..], 23),
            (&[0x18, 24], 24),
            (&[0x39, 0x01, 0x00], -257),
            (&[0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MIN),
        ] {
            assert_eq!(Reader::new(bytes).int(), Ok(number));
        }
        let beyond = [0x3b, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Reader::new(&beyond).int(), Err(Malformed));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = Reader::new(&bytes);
            let _ = reader.pass_map();
            prop_assert!(reader.rest().len() <= bytes.len());
            for read in [
                |reader: &mut Reader<'_>| reader.text().is_ok(),
                |reader: &mut Reader<'_>| reader.bytes().is_ok(),
                |reader: &mut Reader<'_>| reader.int().is_ok(),
            ] {
                read(&mut Reader::new(&bytes));
            }
        }
    }
}
