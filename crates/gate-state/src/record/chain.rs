//! The hash chain and the framing of records in a journal row. Bytes only: no SQLite, no
//! meaning.
//!
//! A row is a run of frames: length (4 bytes, little-endian), body, tag. The chain goes
//! `hash_n = SHA-256(hash_{n-1} || body_n)`; the tag is the first 8 bytes of `hash_n`, so that a
//! damaged record can be named, and the row carries the last hash in full.

use super::Seq;
use super::codec::{HEAD_BYTES, SEQ_AT};
use super::wire::Malformed;

pub(crate) const LEN_BYTES: usize = 4;
pub(crate) const TAG_BYTES: usize = 8;

/// The chain's hash after some record: it covers that record and all before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChainHash(pub(crate) [u8; 32]);

impl ChainHash {
    /// Where the chain of the store `id` begins.
    pub(crate) fn genesis(id: &[u8; 16]) -> Self {
        Self(sha256(&[b"gate-state journal\0", id]))
    }

    /// The hash after a further record.
    pub(crate) fn next(&self, body: &[u8]) -> Self {
        Self(sha256(&[&self.0, body]))
    }

    pub(crate) fn tag(&self) -> [u8; TAG_BYTES] {
        self.0.first_chunk().copied().unwrap_or_default()
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Lower-case hex.
impl std::fmt::Display for ChainHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text is not a chain hash: 64 digits in lower-case hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 64 lower-case hex digits")]
pub struct ChainHashError;

/// Reads what `Display` writes.
impl std::str::FromStr for ChainHash {
    type Err = ChainHashError;

    fn from_str(text: &str) -> Result<Self, ChainHashError> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
            b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
            _ => None,
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(ChainHashError);
        }
        let mut hash = [0; 32];
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            let (high, low) = digit(*high).zip(digit(*low)).ok_or(ChainHashError)?;
            *byte = high.wrapping_mul(16).wrapping_add(low);
        }
        Ok(Self(hash))
    }
}

impl std::fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// A place in the hash chain, for auditors to note and find again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainPoint {
    /// The record's number.
    pub seq: Seq,
    /// The hash over it and everything before it.
    pub hash: ChainHash,
}

impl ChainPoint {
    /// Before the first record of the store `id`.
    pub(crate) fn genesis(id: &[u8; 16]) -> Self {
        Self {
            seq: Seq::ZERO,
            hash: ChainHash::genesis(id),
        }
    }
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
    parts.iter().for_each(|part| hash.update(part));
    // INVARIANT: SHA-256 has 32 bytes.
    hash.finish()
        .as_ref()
        .first_chunk()
        .copied()
        .unwrap_or_default()
}

/// Begins a frame in a cleared buffer; [`close_frame`] fills in the length.
pub(crate) fn open_frame(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.extend_from_slice(&[0; LEN_BYTES]);
}

/// Ends the frame: writes its length and leaves room for the tag.
pub(crate) fn close_frame(buffer: &mut Vec<u8>) {
    let len = buffer.len().saturating_sub(LEN_BYTES);
    // INVARIANT: a longer frame than a mebibyte is not closed.
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    if let Some(place) = buffer.first_chunk_mut() {
        *place = len.to_le_bytes();
    }
    buffer.extend_from_slice(&[0; TAG_BYTES]);
}

/// Puts the sequence number into a frame.
pub(crate) fn number_frame(frame: &mut [u8], seq: u64) {
    if let Some(body) = frame.get_mut(LEN_BYTES..)
        && let Some(place) = body.get_mut(SEQ_AT)
    {
        place.copy_from_slice(&seq.to_le_bytes());
    }
}

/// Fills in the tags of a run of frames, continuing from `chain`. Returns the last hash.
pub(crate) fn seal(frames: &mut [u8], mut chain: ChainHash) -> Result<ChainHash, Malformed> {
    let mut rest = frames;
    while !rest.is_empty() {
        let (len, after) = rest.split_first_chunk_mut::<LEN_BYTES>().ok_or(Malformed)?;
        let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| Malformed)?;
        let (body, after) = after.split_at_mut_checked(len).ok_or(Malformed)?;
        let (tag, after) = after
            .split_first_chunk_mut::<TAG_BYTES>()
            .ok_or(Malformed)?;
        chain = chain.next(body);
        *tag = chain.tag();
        rest = after;
    }
    Ok(chain)
}

/// A parsed frame.
pub(crate) struct Frame<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) tag: [u8; TAG_BYTES],
}

impl Frame<'_> {
    /// The sequence number in the body.
    pub(crate) fn seq(&self) -> Option<u64> {
        let bytes = self.body.get(SEQ_AT)?.first_chunk()?;
        Some(u64::from_le_bytes(*bytes))
    }
}

/// The frames of a row, in order. Ends after the first malformed one.
pub(crate) struct Frames<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let frame = self.read();
        if frame.is_none() {
            self.0 = &[];
        }
        Some(frame.ok_or(Malformed))
    }
}

impl<'a> Frames<'a> {
    fn read(&mut self) -> Option<Frame<'a>> {
        let (len, rest) = self.0.split_first_chunk::<LEN_BYTES>()?;
        let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
        let (body, rest) = rest.split_at_checked(len)?;
        let (tag, rest) = rest.split_first_chunk::<TAG_BYTES>()?;
        if body.len() < HEAD_BYTES {
            return None;
        }
        self.0 = rest;
        Some(Frame { body, tag: *tag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use crate::record::codec::encode;
    use gate_types::Timestamp;

    fn row(count: u64) -> Vec<u8> {
        let mut row = Vec::new();
        let mut frame = Vec::new();
        for seq in 1..=count {
            open_frame(&mut frame);
            encode(Timestamp::default(), &Record::Void, &mut frame);
            close_frame(&mut frame);
            number_frame(&mut frame, seq);
            row.extend_from_slice(&frame);
        }
        row
    }

    #[test]
    fn sealed_frames_read_back_with_their_numbers_and_tags() {
        let genesis = ChainHash::genesis(&[1; 16]);
        let mut bytes = row(3);
        let last = seal(&mut bytes, genesis).unwrap();
        let mut chain = genesis;
        for (frame, seq) in Frames(&bytes).zip(1..) {
            let frame = frame.unwrap();
            chain = chain.next(frame.body);
            assert_eq!((frame.seq(), frame.tag), (Some(seq), chain.tag()));
        }
        assert_eq!(chain, last);
        assert_ne!(
            seal(&mut bytes, ChainHash::genesis(&[2; 16])).unwrap(),
            last
        );
    }

    #[test]
    fn a_torn_row_ends_in_an_error() {
        let bytes = row(2);
        for len in 1..bytes.len() {
            let frames: Vec<_> = Frames(&bytes[..len]).collect();
            let whole = len == bytes.len() / 2;
            assert_eq!(frames.last().unwrap().is_err(), !whole, "{len}");
        }
    }
}
