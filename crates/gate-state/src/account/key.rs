//! Fingerprints that identify orders, fills and releases; the texts are not kept.

use gate_types::{OrderId, Price, Qty};

/// The [`fingerprint`] of an order's id.
///
/// Two ids of one client with the same key (finding a pair takes 2^64 work) would be taken for
/// one order with two digests: a conflict, never a replay.
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
        // The key is uniform: its first 8 bytes are hash enough.
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

/// Passes an [`OrderKey`]'s bits through as the hash.
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

/// Marks a fill or a release by quantity as applied, so that its repetition is recognized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Fingerprint of the execution id, or of a release's reason and quantity.
    pub(crate) key: [u8; 16],
    /// Of a fill: first bytes of the fingerprint of quantity and price. Of a release: zeros.
    pub(crate) content: [u8; 8],
    /// Number of the record that applied it.
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

    /// A release by quantity has no id: the same reason and quantity again counts as a repetition,
    /// which frees nothing.
    pub(crate) fn of_release(reason: &str, qty: Qty) -> Self {
        let nanos = qty.decimal().nanos().to_le_bytes();
        Self {
            key: fingerprint(&[b"release", reason.as_bytes(), &nanos]),
            content: [0; 8],
            seq: 0,
        }
    }
}

/// The part of an order's digest that is kept in memory.
pub(crate) fn short_digest(digest: &[u8; 32]) -> [u8; 16] {
    digest.first_chunk().copied().unwrap_or_default()
}
