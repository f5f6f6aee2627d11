//! Wire primitives of journal records: variable-length integers and length-prefixed text. No
//! meaning of fields here; a reader never trusts a length.

/// The bytes end early, or a number does not fit its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed record")]
pub(crate) struct Malformed;

/// Appends fields to a buffer.
pub(crate) struct Out<'b>(pub(crate) &'b mut Vec<u8>);

impl Out<'_> {
    pub(crate) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// LEB128: seven bits a byte, least significant first.
    pub(crate) fn uint(&mut self, value: impl Into<u128>) {
        let mut rest = value.into();
        loop {
            let [low, ..] = rest.to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                self.0.push(low & 0x7f);
                return;
            }
            self.0.push(low | 0x80);
        }
    }

    /// The number of items that follow.
    pub(crate) fn count(&mut self, len: usize) {
        // INVARIANT: a length always fits; `usize` is at most 64 bits.
        self.uint(u64::try_from(len).unwrap_or(u64::MAX));
    }

    /// A byte, 1 for a value below zero, then the absolute value.
    pub(crate) fn signed(&mut self, value: i128) {
        self.byte(u8::from(value < 0));
        self.uint(value.unsigned_abs());
    }

    /// `None` is one zero byte; `Some` is a one and the value.
    pub(crate) fn option(&mut self, value: Option<u128>) {
        match value {
            None => self.byte(0),
            Some(value) => {
                self.byte(1);
                self.uint(value);
            }
        }
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.fixed(bytes);
    }
}

/// Takes fields off the front of a slice.
pub(crate) struct In<'a>(pub(crate) &'a [u8]);

impl<'a> In<'a> {
    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.0.split_first().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn u64_le(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.fixed()?))
    }

    pub(crate) fn u128(&mut self) -> Result<u128, Malformed> {
        let mut value = 0_u128;
        for shift in (0_u32..128).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            let shifted = bits << shift;
            if shifted >> shift != bits {
                return Err(Malformed);
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        u64::try_from(self.u128()?).map_err(|_| Malformed)
    }

    pub(crate) fn signed(&mut self) -> Result<i128, Malformed> {
        let is_negative = self.byte()?;
        let size = i128::try_from(self.u128()?).map_err(|_| Malformed)?;
        match is_negative {
            0 => Ok(size),
            1 => Ok(size.saturating_neg()),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn option(&mut self) -> Result<Option<u128>, Malformed> {
        match self.byte()? {
            0 => Ok(None),
            1 => self.u128().map(Some),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = usize::try_from(self.u64()?).map_err(|_| Malformed)?;
        let (first, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        Ok(first)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    /// Every byte must have been read: a trailing one is no record of ours.
    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reads_back_what_it_wrote(
            n in any::<u128>(), small in any::<u64>(), signed in -i128::MAX..=i128::MAX,
            o in any::<Option<u128>>(), s in ".*",
        ) {
            let mut bytes = Vec::new();
            let mut out = Out(&mut bytes);
            out.uint(n);
            out.uint(small);
            out.signed(signed);
            out.option(o);
            out.text(&s);
            let mut read = In(&bytes);
            prop_assert_eq!(read.u128(), Ok(n));
            prop_assert_eq!(read.u64(), Ok(small));
            prop_assert_eq!(read.signed(), Ok(signed));
            prop_assert_eq!(read.option(), Ok(o));
            prop_assert_eq!(read.text(), Ok(s.as_str()));
            prop_assert_eq!(read.end(), Ok(()));
            // A shortened record is never taken for a whole one.
            let mut short = In(&bytes[..bytes.len() - 1]);
            let whole = short.u128().and(short.u64()).and(short.signed()).and(short.option()).and(short.text());
            prop_assert_eq!(whole, Err(Malformed));
        }

        #[test]
        fn never_panics_on_noise(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut read = In(&bytes);
            let _ = read.u128();
            let _ = read.text();
            let _ = read.option();
        }
    }
}
