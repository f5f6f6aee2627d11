//! Parses HTTP/1.1 responses from a stream of bytes, as far as a load generator needs.
//!
//! Bytes go in by [`ResponseReader::read_from`] in pieces of any size; [`ResponseReader::next`]
//! returns a response once it is complete. Content-Length, chunked and close-delimited bodies are
//! read, interim (1xx) responses skipped. No socket and no clock here.

use std::io::{self, Read};
use std::ops::Range;

/// What a load generator needs of a response: how it ended, where its body is, what comes after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    /// The status code.
    pub status: u16,
    /// Whether the connection may carry another request.
    pub keep_alive: bool,
    /// Whether it has a `Retry-After`.
    pub retry_after: bool,
    body: Range<usize>,
    end: usize,
}

/// The bytes on the wire are not HTTP/1.1 as we read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub &'static str);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

/// Header blocks beyond this are refused, so that a wrong server cannot fill the memory.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const BUFFER_BYTES: usize = 4 * 1024;

/// Collects one connection's bytes and cuts responses out of them.
#[derive(Debug)]
pub(crate) struct ResponseReader {
    buf: Vec<u8>,
    filled: usize,
    /// Bytes before this hold no end of a header block.
    scanned: usize,
    /// A chunked body is decoded to here.
    chunks: Vec<u8>,
    in_chunks: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

struct Head {
    status: u16,
    keep_alive: bool,
    retry_after: bool,
    framing: Framing,
}

impl Default for ResponseReader {
    fn default() -> Self {
        Self {
            buf: vec![0; BUFFER_BYTES],
            filled: 0,
            scanned: 0,
            chunks: Vec::new(),
            in_chunks: false,
        }
    }
}

impl ResponseReader {
    /// Reads once from `source`; the number of bytes that came, 0 at its end.
    ///
    /// # Errors
    /// Whatever the source says, `WouldBlock` included.
    pub(crate) fn read_from(&mut self, source: &mut impl Read) -> io::Result<usize> {
        if self.filled == self.buf.len() {
            self.buf.resize(self.buf.len().saturating_mul(2), 0);
        }
        let read = source.read(self.buf.get_mut(self.filled..).unwrap_or_default())?;
        self.filled += read;
        Ok(read)
    }

    /// The next whole response, if its last byte is here. `closed` says that no byte will follow,
    /// which is how a body without a length ends.
    ///
    /// # Errors
    /// [`Malformed`] when the bytes cannot become a response.
    pub(crate) fn next(&mut self, closed: bool) -> Result<Option<Response>, Malformed> {
        loop {
            let Some(head_end) = self.find_head_end()? else {
                return Ok(None);
            };
            let head = parse_head(self.buf.get(..head_end).unwrap_or_default())?;
            if (100..200).contains(&head.status) {
                self.drop_front(head_end);
                continue;
            }
            return self.frame(&head, head_end, closed);
        }
    }

    /// The body of `response`, which must be the one that `next` gave last.
    #[must_use]
    pub(crate) fn body(&self, response: &Response) -> &[u8] {
        let source = if self.in_chunks {
            &self.chunks
        } else {
            &self.buf
        };
        source.get(response.body.clone()).unwrap_or_default()
    }

    /// Forgets `response`; true when nothing came after it, as must be when one request is
    /// answered at a time.
    pub(crate) fn consume(&mut self, response: &Response) -> bool {
        let clean = response.end == self.filled;
        self.drop_front(response.end);
        clean
    }

    /// Forgets everything, for a new connection.
    pub(crate) fn clear(&mut self) {
        self.filled = 0;
        self.scanned = 0;
    }

    fn find_head_end(&mut self) -> Result<Option<usize>, Malformed> {
        let seen = self.buf.get(..self.filled).unwrap_or_default();
        // The marker may straddle the last read.
        let from = self.scanned.saturating_sub(3);
        match find(seen.get(from..).unwrap_or_default(), b"\r\n\r\n") {
            Some(at) => {
                // Until the body is whole this is found again from the same place.
                self.scanned = from + at;
                Ok(Some(from + at + 4))
            }
            None if self.filled > HEAD_BYTES_MAX => Err(Malformed("header block too long")),
            None => {
                self.scanned = self.filled;
                Ok(None)
            }
        }
    }

    fn frame(
        &mut self,
        head: &Head,
        head_end: usize,
        closed: bool,
    ) -> Result<Option<Response>, Malformed> {
        let (body, end) = match head.framing {
            Framing::Length(length) => {
                let end = head_end
                    .checked_add(length)
                    .ok_or(Malformed("content-length out of range"))?;
                if end > self.filled {
                    return Ok(None);
                }
                (head_end..end, end)
            }
            Framing::Chunked => {
                self.chunks.clear();
                let coded = self.buf.get(head_end..self.filled).unwrap_or_default();
                let Some(length) = decode_chunks(coded, &mut self.chunks)? else {
                    return Ok(None);
                };
                (0..self.chunks.len(), head_end + length)
            }
            Framing::UntilClose if closed => (head_end..self.filled, self.filled),
            Framing::UntilClose => return Ok(None),
        };
        self.in_chunks = head.framing == Framing::Chunked;
        Ok(Some(Response {
            status: head.status,
            retry_after: head.retry_after,
            keep_alive: head.keep_alive && head.framing != Framing::UntilClose,
            body,
            end,
        }))
    }

    fn drop_front(&mut self, bytes: usize) {
        self.buf.copy_within(bytes..self.filled, 0);
        self.filled -= bytes;
        self.scanned = 0;
    }
}

fn parse_head(head: &[u8]) -> Result<Head, Malformed> {
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let (status, http_1_1) = parse_status_line(lines.next().unwrap_or_default())?;
    let mut length = None;
    let mut chunked = false;
    let mut keep_alive = http_1_1;
    let mut retry_after = false;
    for line in lines.filter(|line| !line.is_empty()) {
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .ok_or(Malformed("header line without a colon"))?;
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        // Lengths first: most headers are ruled out by one comparison.
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                length = Some(parse_decimal(value).ok_or(Malformed("content-length"))?);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                chunked = value.to_ascii_lowercase().ends_with(b"chunked");
            }
            11 if name.eq_ignore_ascii_case(b"retry-after") => retry_after = true,
            10 if name.eq_ignore_ascii_case(b"connection") => {
                keep_alive = !value.eq_ignore_ascii_case(b"close")
                    && (http_1_1 || value.eq_ignore_ascii_case(b"keep-alive"));
            }
            _ => {}
        }
    }
    let framing = match (status, chunked, length) {
        (204 | 304, ..) => Framing::Length(0),
        (_, true, _) => Framing::Chunked,
        (_, false, Some(length)) => Framing::Length(length),
        (_, false, None) => Framing::UntilClose,
    };
    Ok(Head {
        status,
        keep_alive,
        retry_after,
        framing,
    })
}

/// `HTTP/1.x NNN …`: the status, and whether x is 1.
fn parse_status_line(line: &[u8]) -> Result<(u16, bool), Malformed> {
    let version = line.get(..9).ok_or(Malformed("status line too short"))?;
    if !version.starts_with(b"HTTP/1.") || !version.ends_with(b" ") {
        return Err(Malformed("not an HTTP/1 status line"));
    }
    let status = line
        .get(9..12)
        .and_then(parse_decimal)
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| (100..=599).contains(status))
        .ok_or(Malformed("status code"))?;
    Ok((status, version.get(7) == Some(&b'1')))
}

/// Decodes whole chunks to `out`; the coded length once the last chunk and the trailers are here.
fn decode_chunks(coded: &[u8], out: &mut Vec<u8>) -> Result<Option<usize>, Malformed> {
    let mut at = 0_usize;
    loop {
        let Some(line) = line_at(coded, at) else {
            return Ok(None);
        };
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let size = parse_hex(digits.trim_ascii()).ok_or(Malformed("chunk size"))?;
        at += line.len() + 2;
        if size == 0 {
            return Ok(skip_trailers(coded, at));
        }
        let end = at.checked_add(size).ok_or(Malformed("chunk size"))?;
        let Some(chunk) = coded.get(at..end) else {
            return Ok(None);
        };
        match coded.get(end..end + 2) {
            None => return Ok(None),
            Some(b"\r\n") => {}
            Some(_) => return Err(Malformed("chunk without its end")),
        }
        out.extend_from_slice(chunk);
        at = end + 2;
    }
}

fn skip_trailers(coded: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let line = line_at(coded, at)?;
        at += line.len() + 2;
        if line.is_empty() {
            return Some(at);
        }
    }
}

fn line_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?;
    rest.get(..find(rest, b"\r\n")?)
}

/// Where `needle` (not empty) first begins in `haystack`.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

fn parse_decimal(digits: &[u8]) -> Option<usize> {
    parse_radix(digits, 10)
}

fn parse_hex(digits: &[u8]) -> Option<usize> {
    parse_radix(digits, 16)
}

fn parse_radix(digits: &[u8], radix: u32) -> Option<usize> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_usize, |value, byte| {
        let digit = char::from(*byte).to_digit(radix)?;
        value
            .checked_mul(usize::try_from(radix).ok()?)?
            .checked_add(usize::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests;
