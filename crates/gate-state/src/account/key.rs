//! By what an order, and what was said of it, is known again: fingerprints, not texts.

use gate_types::{OrderId, Price, Qty};

/// The first 16 bytes of the SHA-256 of an order's id.
///
/// Two ids of one client that share them (nobody can make such a pair in less than 2^64 work)
/// would be taken for one order with two digests: a conflict, which refuses, never a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OrderKey(pub(crate) [u8; 16]);

impl OrderKey {
    pub(crate) fn of(order_id: &OrderId<'_>) -> Self {
        Self(fingerprint(&[order_id.as_str().as_bytes()]))
    }

    pub(crate) fn of_text(order_id: &str) -> Self {
        Self(fingerprint(&[order_id.as_bytes()]))
    }
}

impl std::hash::Hash for OrderKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // Already uniform: half of it is hash enough.
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

/// Takes an [`OrderKey`]'s bits as they are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyHasher(u64);

impl std::hash::Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// The first 16 bytes of the SHA-256 over the parts, each preceded by its length.
pub(crate) fn fingerprint(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
    for part in parts {
        hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part);
    }
    let digest = hash.finish();
    // INVARIANT: SHA-256 has 32 bytes.
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

/// A fill or a release by quantity that was applied, so that its repetition is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Fingerprint of the execution id, or of a release's reason and quantity.
    pub(crate) key: [u8; 16],
    /// First bytes of the fingerprint of what came with it.
    pub(crate) content: [u8; 8],
    /// The record that was applied.
    pub(crate) seq: u64,
}

impl Mark {
    pub(crate) fn of_fill(exec_id: &str, qty: Qty, price: Price) -> Self {
        let content = [
            qty.decimal().nanos().to_le_bytes(),
            price.decimal().nanos().to_le_bytes(),
        ];
        Self {
            key: fingerprint(&[b"fill", exec_id.as_bytes()]),
            content: fingerprint(&[content.as_flattened()])
                .first_chunk()
                .copied()
                .unwrap_or_default(),
            seq: 0,
        }
    }

    /// A release by quantity has no id of its own: the same reason and quantity again is taken
    /// for a repetition, which frees nothing.
    pub(crate) fn of_release(reason: &str, qty: Qty) -> Self {
        let nanos = qty.decimal().nanos().to_le_bytes();
        Self {
            key: fingerprint(&[b"release", reason.as_bytes(), &nanos]),
            content: [0; 8],
            seq: 0,
        }
    }
}

/// As much of an order's digest as is kept in memory.
pub(crate) fn short_digest(digest: &[u8; 32]) -> [u8; 16] {
    digest.first_chunk().copied().unwrap_or_default()
}
