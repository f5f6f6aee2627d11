//! One remembered order, packed so that a million live holds fit in memory. No totals here.

use gate_types::{Decimal, Qty, Side, Timestamp};

use super::hold::Hold;
use super::key::Mark;
use super::state::Phase;

/// State after a fill or a release by quantity; an order that is released or expires whole has
/// none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) held: u128,
    pub(crate) filled: u128,
    pub(crate) ended: u128,
    pub(crate) over: u128,
    pub(crate) marks: Vec<Mark>,
}

/// A remembered order: 64 bytes, and a box after a fill or a release by quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// The first 16 bytes of the order's digest: same id, other digest is a conflict.
    pub(crate) digest: [u8; 16],
    /// Number of its decision's record.
    pub(crate) seq: u64,
    mantissa: u64,
    /// Nanoseconds: the token's expiry while live, then the time of ending.
    stamp: u64,
    progress: Option<Box<Progress>>,
    /// The symbol's number; meaningless for a blocked order.
    pub(crate) symbol: u32,
    // INVARIANT: a notional is at most 10^24 < 2^80.
    initial: [u8; 10],
    scale: u8,
    /// Bit 0: sell; bits 1..: phase.
    flags: u8,
}

/// The fields of a new [`Order`].
pub(crate) struct OrderSlot {
    pub(crate) digest: [u8; 16],
    pub(crate) seq: u64,
    pub(crate) qty: Qty,
    pub(crate) hold: u128,
    pub(crate) stamp: Timestamp,
    pub(crate) symbol: u32,
    pub(crate) side: Side,
    pub(crate) phase: Phase,
}

impl Order {
    pub(crate) fn new(slot: &OrderSlot) -> Self {
        let bytes = slot.hold.to_le_bytes();
        let mut order = Self {
            digest: slot.digest,
            seq: slot.seq,
            mantissa: slot.qty.decimal().mantissa(),
            stamp: slot.stamp.unix_nanos(),
            progress: None,
            symbol: slot.symbol,
            initial: bytes.first_chunk().copied().unwrap_or_default(),
            scale: slot.qty.decimal().scale(),
            flags: u8::from(slot.side == Side::Sell),
        };
        order.set_phase(slot.phase);
        order
    }

    pub(crate) fn phase(&self) -> Phase {
        // INVARIANT: the flags come from `set_phase` alone.
        Phase::from_code(self.flags >> 1).unwrap_or(Phase::Live)
    }

    pub(crate) const fn side(&self) -> Side {
        if self.flags & 1 == 0 {
            Side::Buy
        } else {
            Side::Sell
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.phase() == Phase::Live
    }

    /// When its token expires; `None` once it ended.
    pub(crate) fn expires(&self) -> Option<Timestamp> {
        self.is_live()
            .then(|| Timestamp::from_unix_nanos(self.stamp))
    }

    /// Whether it is live and had neither a fill nor a release by quantity, which only an order at
    /// the venue has.
    pub(crate) fn is_unheard(&self) -> bool {
        self.is_live() && self.progress.is_none()
    }

    /// Whether its token expired at or before `now` and nothing was heard of it.
    pub(crate) fn is_in_doubt(&self, now: Timestamp) -> bool {
        self.is_unheard() && self.expires().is_some_and(|expiry| expiry <= now)
    }

    /// When it ended; `None` while it lives.
    pub(crate) fn ended_at(&self) -> Option<Timestamp> {
        (!self.is_live()).then(|| Timestamp::from_unix_nanos(self.stamp))
    }

    /// Whether it lives, or ended less than `window_ns` before `now`.
    pub(crate) fn is_remembered(&self, now: Timestamp, window_ns: u64) -> bool {
        self.ended_at()
            .is_none_or(|ended| ended.saturating_add_nanos(window_ns) > now)
    }

    /// The raw stamp, in nanoseconds.
    pub(crate) const fn stamp(&self) -> u64 {
        self.stamp
    }

    pub(crate) fn initial(&self) -> u128 {
        let mut bytes = [0_u8; 16];
        if let Some(low) = bytes.first_chunk_mut() {
            *low = self.initial;
        }
        u128::from_le_bytes(bytes)
    }

    pub(crate) fn ordered_nanos(&self) -> u128 {
        let steps = u32::from(9_u8.saturating_sub(self.scale));
        u128::from(self.mantissa).saturating_mul(10_u128.saturating_pow(steps))
    }

    /// The quantity ordered.
    pub(crate) fn ordered(&self) -> Decimal {
        nanos_to_decimal(self.ordered_nanos())
    }

    pub(crate) fn progress(&self) -> Option<&Progress> {
        self.progress.as_deref()
    }

    pub(crate) fn mark(&self, key: &[u8; 16]) -> Option<&Mark> {
        let marks = &self.progress.as_ref()?.marks;
        marks.iter().find(|mark| mark.key == *key)
    }

    /// How many fills and releases by quantity are remembered.
    pub(crate) fn reports(&self) -> usize {
        self.progress
            .as_ref()
            .map_or(0, |progress| progress.marks.len())
    }

    /// The order's quantities and hold.
    pub(crate) fn hold(&self) -> Hold {
        let (ordered, initial) = (self.ordered_nanos(), self.initial());
        let untouched = Hold::new(ordered, initial);
        match (&self.progress, self.phase()) {
            (Some(progress), _) => Hold {
                filled: progress.filled,
                ended: progress.ended,
                over: progress.over,
                held: progress.held,
                ..untouched
            },
            (None, Phase::Live) => untouched,
            (None, _) => untouched.release(None).0,
        }
    }

    /// Stores a step's outcome. `ending`: the phase and time to set if nothing is open any more.
    pub(crate) fn store(&mut self, hold: &Hold, mark: Option<Mark>, ending: (Phase, Timestamp)) {
        let untouched_end = mark.is_none() && self.progress.is_none() && hold.filled == 0;
        if hold.open() == 0 && self.is_live() {
            self.set_phase(ending.0);
            self.stamp = ending.1.unix_nanos();
        }
        if untouched_end && hold.open() == 0 {
            // `hold()` derives this state without a box.
            return;
        }
        let progress = self.progress.get_or_insert_with(|| {
            Box::new(Progress {
                held: 0,
                filled: 0,
                ended: 0,
                over: 0,
                marks: Vec::new(),
            })
        });
        progress.held = hold.held;
        progress.filled = hold.filled;
        progress.ended = hold.ended;
        progress.over = hold.over;
        progress.marks.extend(mark);
    }

    pub(crate) fn set_progress(&mut self, progress: Progress) {
        self.progress = Some(Box::new(progress));
    }

    fn set_phase(&mut self, phase: Phase) {
        self.flags = (self.flags & 1) | (phase.code() << 1);
    }
}

/// Nanos as a decimal, capped at [`Decimal::MAX`].
pub(crate) fn nanos_to_decimal(nanos: u128) -> Decimal {
    Decimal::from_nanos(nanos).unwrap_or(Decimal::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_64_bytes_and_loses_nothing() {
        assert_eq!(size_of::<Order>(), 64);
        let mut order = Order::new(&OrderSlot {
            digest: [7; 16],
            seq: 9,
            qty: Qty::parse("999999999.999999999").unwrap(),
            hold: 10_u128.pow(24),
            stamp: Timestamp::from_unix_seconds(5),
            symbol: 3,
            side: Side::Sell,
            phase: Phase::Live,
        });
        assert_eq!(order.initial(), 10_u128.pow(24));
        assert_eq!(order.ordered().to_string(), "999999999.999999999");
        assert_eq!((order.phase(), order.side()), (Phase::Live, Side::Sell));
        let (released, freed) = order.hold().release(None);
        order.store(
            &released,
            None,
            (Phase::Released, Timestamp::from_unix_seconds(6)),
        );
        assert_eq!(freed, 10_u128.pow(24));
        assert_eq!(order.hold(), released);
        assert_eq!((order.phase(), order.side()), (Phase::Released, Side::Sell));
        assert_eq!(order.ended_at(), Some(Timestamp::from_unix_seconds(6)));
        assert!(order.progress().is_none());
    }
}
