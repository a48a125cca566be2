//! In which encoding a page is sent, and putting it into that.
//!
//! A page is compressed where it is drawn, once, so that what is kept of it is small. Only what is
//! asked for by address is: an answer to a form may hold a secret beside words that came with the
//! form, and is sent as it is.

use std::io::Write as _;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use brotli::enc::BrotliEncoderParams;

/// Below this a page is as small as its own headers.
const WORTH_BYTES: usize = 512;
/// Brotli's effort, 0 to 11. At 1 a list of machines weighs more than twice as much.
const BROTLI: i32 = 2;
/// Brotli's window as a power of two, bytes: as large as any page.
const WINDOW: i32 = 18;
/// Gzip's effort, 0 to 9.
const GZIP: u32 = 5;

/// An encoding of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Encoding {
    /// As it is.
    Identity,
    /// `br`.
    Brotli,
    /// `gzip`.
    Gzip,
}

impl Encoding {
    /// The best of what a browser accepts.
    #[must_use]
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let sent = headers.get_all(header::ACCEPT_ENCODING).iter();
        let words: Vec<&str> = sent
            .filter_map(|value| value.to_str().ok())
            .flat_map(|line| line.split(','))
            .filter_map(|part| {
                let (word, weight) = part.split_once(';').unwrap_or((part, ""));
                let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
                weight.is_ok_and(|weight| weight > 0.0).then(|| word.trim())
            })
            .collect();
        let accepts = |name: &str| words.iter().any(|word| word.eq_ignore_ascii_case(name));
        if accepts("br") {
            Self::Brotli
        } else if accepts("gzip") {
            Self::Gzip
        } else {
            Self::Identity
        }
    }

    /// Its name in `Content-Encoding`.
    #[must_use]
    pub(super) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
        }
    }

    /// A page in this encoding, and which it is in the end: what is small stays as it is.
    #[must_use]
    pub(super) fn encode(self, html: String) -> (Self, Bytes) {
        if html.len() < WORTH_BYTES {
            return (Self::Identity, html.into());
        }
        let packed = match self {
            Self::Identity => None,
            Self::Brotli => brotli(html.as_bytes()),
            Self::Gzip => gzip(html.as_bytes()),
        };
        packed.map_or_else(|| (Self::Identity, html.into()), |packed| (self, packed.into()))
    }
}

fn brotli(html: &[u8]) -> Option<Vec<u8>> {
    let mut packed = Vec::with_capacity(html.len() / 6);
    let params = BrotliEncoderParams {
        quality: BROTLI,
        lgwin: WINDOW,
        size_hint: html.len(),
        ..BrotliEncoderParams::default()
    };
    brotli::BrotliCompress(&mut &*html, &mut packed, &params).ok()?;
    Some(packed)
}

fn gzip(html: &[u8]) -> Option<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP));
    writer.write_all(html).ok()?;
    writer.finish().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn accepted(line: &str) -> Encoding {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, line.parse().expect("a value"));
        Encoding::accepted(&headers)
    }

    #[test]
    fn the_best_accepted_encoding_is_taken() {
        assert_eq!(accepted("gzip, deflate, br, zstd"), Encoding::Brotli);
        assert_eq!(accepted("gzip;q=0.8, br;q=0"), Encoding::Gzip);
        assert_eq!(accepted("GZIP"), Encoding::Gzip);
        assert_eq!(accepted("identity"), Encoding::Identity);
        assert_eq!(accepted("brr, br;q=x"), Encoding::Identity);
        assert_eq!(Encoding::accepted(&HeaderMap::new()), Encoding::Identity);
    }

    #[test]
    fn a_page_comes_back_whole_from_each_encoding() {
        let page = "<tr><td>trainer</td><td>on its GPU</td></tr>".repeat(900);
        let (encoding, bytes) = Encoding::Brotli.encode(page.clone());
        let mut text = String::new();
        brotli::Decompressor::new(&bytes[..], 4096).read_to_string(&mut text).expect("brotli");
        assert_eq!((encoding, &text), (Encoding::Brotli, &page));
        assert!(bytes.len() * 10 < page.len(), "{}", bytes.len());

        let (encoding, bytes) = Encoding::Gzip.encode(page.clone());
        let mut text = String::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("gzip");
        assert_eq!((encoding, &text), (Encoding::Gzip, &page));

        assert_eq!(Encoding::Identity.encode(page.clone()), (Encoding::Identity, page.into()));
        assert_eq!(Encoding::Brotli.encode("<p>".into()).0, Encoding::Identity);
    }
}
