//! Checks that a journal's rows are those that were written.

use crate::error::{Damage, DamageKind};
use crate::record::chain::{ChainPoint, Frames};
use crate::record::codec::decode;
use crate::record::{Entry, Seq};
use crate::store::Row;

/// Follows the chain over rows, and says where it breaks.
pub(crate) struct Verifier {
    pub(crate) tail: ChainPoint,
}

impl Verifier {
    /// Checks one row; calls `each` with every record and the chain after it.
    pub(crate) fn row<E: From<Damage>>(
        &mut self,
        row: &Row,
        mut each: impl FnMut(&Entry<'_>, &ChainPoint) -> Result<(), E>,
    ) -> Result<(), E> {
        let (first, last) = (row.first, row.last);
        let expected = self.next_seq();
        if first > expected {
            return Err(Damage::at(expected, DamageKind::Missing).into());
        }
        if first < expected {
            return Err(Damage::at(self.tail.seq.get(), DamageKind::Inserted).into());
        }
        if last < first {
            return Err(Damage::at(first, DamageKind::Row).into());
        }
        for frame in Frames(&row.frames) {
            let expected = self.next_seq();
            let frame = frame.map_err(|_| Damage::at(expected, DamageKind::Malformed))?;
            let chain = self.tail.hash.next(frame.body);
            let found = frame.seq().unwrap_or_default();
            if chain.tag() != frame.tag {
                let what = match found.cmp(&expected) {
                    std::cmp::Ordering::Less => DamageKind::Inserted,
                    std::cmp::Ordering::Equal => DamageKind::Changed,
                    std::cmp::Ordering::Greater => DamageKind::Missing,
                };
                return Err(Damage::at(expected, what).into());
            }
            if found != expected {
                return Err(Damage::at(expected, DamageKind::Row).into());
            }
            let entry =
                decode(frame.body).map_err(|_| Damage::at(expected, DamageKind::Malformed))?;
            self.tail = ChainPoint {
                seq: Seq::new(expected),
                hash: chain,
            };
            each(&entry, &self.tail)?;
        }
        let end = self.tail.seq.get();
        if end != last || self.tail.hash.0.as_slice() != row.chain_hash {
            return Err(Damage::at(end.max(first), DamageKind::Row).into());
        }
        Ok(())
    }

    const fn next_seq(&self) -> u64 {
        self.tail.seq.get().saturating_add(1)
    }
}
