//! The anchor: where a pruned journal begins.

use gate_types::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Appender, signed, unsigned};
use crate::error::OpenError;
use crate::record::Seq;
use crate::record::chain::{ChainHash, ChainPoint};

/// The point up to which a journal was pruned; a signature covers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Id of the store.
    pub store_id: [u8; 16],
    /// The last record pruned, and the chain's hash after it.
    pub point: ChainPoint,
    /// When it was made.
    pub at: Timestamp,
}

impl Anchor {
    /// The bytes to sign: a fixed text, the store's id, number, hash and time (nanoseconds),
    /// integers little-endian.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = b"gate-state anchor 1\0".to_vec();
        bytes.extend_from_slice(&self.store_id);
        bytes.extend_from_slice(&self.point.seq.get().to_le_bytes());
        bytes.extend_from_slice(self.point.hash.as_bytes());
        bytes.extend_from_slice(&self.at.unix_nanos().to_le_bytes());
        bytes
    }
}

impl Appender {
    pub(crate) fn set_anchor(
        &self,
        anchor: &Anchor,
        signature: &[u8],
    ) -> Result<(), rusqlite::Error> {
        self.conn().execute(
            "INSERT OR REPLACE INTO anchor (seq, chain_hash, at_ns, signature) \
             VALUES (?1, ?2, ?3, ?4)",
            params![
                signed(anchor.point.seq.get()),
                anchor.point.hash.0,
                anchor.at.unix_nanos().cast_signed(),
                signature
            ],
        )?;
        Ok(())
    }

    /// Deletes up to `limit` leading rows that end by `last`. Returns how many.
    pub(crate) fn delete_rows(&self, last: u64, limit: u32) -> Result<usize, rusqlite::Error> {
        self.conn().execute(
            "DELETE FROM journal WHERE first_seq IN (SELECT first_seq FROM journal \
             WHERE last_seq <= ?1 ORDER BY first_seq LIMIT ?2) AND last_seq <= ?1",
            params![signed(last), limit],
        )
    }
}

/// The newest anchor of a store, with its signature.
pub(crate) fn newest_anchor(
    conn: &Connection,
    store_id: [u8; 16],
) -> Result<Option<(Anchor, Vec<u8>)>, rusqlite::Error> {
    conn.query_row(
        "SELECT seq, chain_hash, at_ns, signature FROM anchor ORDER BY seq DESC LIMIT 1",
        [],
        |row| {
            let point = ChainPoint {
                seq: Seq::new(unsigned(row.get(0)?)),
                hash: ChainHash(row.get(1)?),
            };
            let at = Timestamp::from_unix_nanos(row.get::<_, i64>(2)?.cast_unsigned());
            let anchor = Anchor {
                store_id,
                point,
                at,
            };
            Ok((anchor, row.get(3)?))
        },
    )
    .optional()
}

/// Where the journal begins: after the newest anchor, or at the store's genesis.
pub(crate) fn begin(conn: &Connection, store_id: &[u8; 16]) -> Result<ChainPoint, OpenError> {
    let anchor = newest_anchor(conn, *store_id)?;
    Ok(anchor.map_or_else(|| ChainPoint::genesis(store_id), |(anchor, _)| anchor.point))
}
