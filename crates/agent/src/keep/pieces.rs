//! A file of this host in pieces, for a target.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::fs::SeekFrom;

use crate::hash::{BLOCK, Blocks, Hash};
use crate::source::SourceError;
use crate::target::Piece;

/// The pieces of a file that has to come to a size: what the target has is left out, holes are told. A
/// file that turns out shorter is filled up: that shows in its hash.
pub(super) fn pieces(
    file: File,
    size: u64,
    have: Option<Blocks>,
) -> impl Iterator<Item = Result<Piece, SourceError>> {
    let mut at = 0_u64;
    std::iter::from_fn(move || {
        if at >= size {
            return None;
        }
        let data = match rustix::fs::seek(&file, SeekFrom::Data(at)) {
            Ok(data) => data.min(size),
            Err(rustix::io::Errno::NXIO) => size,
            Err(_) => at,
        };
        if data > at {
            // Whole blocks of a hole; the rest of a block comes with its bytes.
            let end = if data == size { size } else { data - data % BLOCK as u64 };
            if end > at {
                let length = end - at;
                at = end;
                return Some(Ok(Piece::Hole(length)));
            }
        }
        let within = at % BLOCK as u64;
        let most = (BLOCK as u64 - within).min(size - at);
        let mut bytes = vec![0; usize::try_from(most).unwrap_or(BLOCK)];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, at + filled as u64) {
                Ok(0) | Err(_) => break,
                Ok(read) => filled += read,
            }
        }
        let place = usize::try_from(at / BLOCK as u64).unwrap_or(usize::MAX);
        let known = have.as_ref().filter(|_| within == 0).and_then(|have| have.0.get(place));
        at += most;
        if known.is_some_and(|known| *known == Hash::of(&bytes)) {
            return Some(Ok(Piece::Same(most)));
        }
        Some(Ok(Piece::Data(bytes)))
    })
}
