//! The arithmetic of one order's life: quantity and hold. Pure, exact, and the only place where
//! a hold is divided.
//!
//! Q ordered, C filled (up to Q), X ended, O filled beyond Q, L = Q − C − X still open. The hold
//! H that stands for L is `ceil(H₀ · L / Q)`: what a step frees is the difference of two holds,
//! so that H₀ = converted + released + H holds exactly at every step, whatever the rounding.

use std::num::NonZeroU128;

/// An order's quantities (in nanos) and its hold (in micros).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hold {
    /// Q
    pub(crate) ordered: u128,
    /// C ≤ Q
    pub(crate) filled: u128,
    /// X
    pub(crate) ended: u128,
    /// O: filled beyond what was ordered
    pub(crate) over: u128,
    /// H₀
    pub(crate) initial: u128,
    /// H
    pub(crate) held: u128,
}

/// What a fill did to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FillStep {
    pub(crate) hold: Hold,
    /// Hold that turned into filled exposure.
    pub(crate) converted: u128,
    /// Some of the quantity had already been released or expired.
    pub(crate) late: bool,
    /// Some of the quantity had never been ordered.
    pub(crate) over: bool,
}

impl Hold {
    /// A hold of `initial` for `ordered`, untouched.
    pub(crate) const fn new(ordered: u128, initial: u128) -> Self {
        Self {
            ordered,
            filled: 0,
            ended: 0,
            over: 0,
            initial,
            held: initial,
        }
    }

    /// L
    pub(crate) const fn open(&self) -> u128 {
        self.ordered
            .saturating_sub(self.filled)
            .saturating_sub(self.ended)
    }

    /// Ends up to `qty` of what is open (`None`: all of it). Returns the new hold and what was
    /// freed.
    pub(crate) fn release(&self, qty: Option<u128>) -> (Self, u128) {
        let open = self.open();
        let ending = qty.map_or(open, |qty| qty.min(open));
        let mut hold = *self;
        hold.ended = self.ended.saturating_add(ending);
        hold.held = hold.held_for_open();
        (hold, self.held.saturating_sub(hold.held))
    }

    /// Applies a fill of `qty`, never refusing it: first from what is open, then from what had
    /// ended (late), then beyond what was ordered (over).
    pub(crate) fn fill(&self, qty: u128) -> FillStep {
        let from_open = qty.min(self.open());
        let rest = qty.saturating_sub(from_open);
        let from_ended = rest.min(self.ended);
        let beyond = rest.saturating_sub(from_ended);
        let mut hold = *self;
        hold.filled = self
            .filled
            .saturating_add(from_open)
            .saturating_add(from_ended);
        hold.ended = self.ended.saturating_sub(from_ended);
        hold.over = self.over.saturating_add(beyond);
        hold.held = hold.held_for_open();
        FillStep {
            hold,
            converted: self.held.saturating_sub(hold.held),
            late: from_ended > 0,
            over: beyond > 0,
        }
    }

    fn held_for_open(&self) -> u128 {
        // INVARIANT: open never grows, so neither does the hold.
        mul_div_ceil(self.initial, self.open(), self.ordered).min(self.held)
    }
}

/// `ceil(a · b / c)` for `b ≤ c ≤ 2^90`, without overflow. `a` when `c` is zero.
fn mul_div_ceil(a: u128, b: u128, c: u128) -> u128 {
    let Some(c) = NonZeroU128::new(c) else {
        return a;
    };
    // Long division in base 2^32, most significant digit of `a` first: each step's dividend is
    // below 2^32 · (b + c) < 2^123.
    let (mut quotient, mut rest) = (0_u128, 0_u128);
    for shift in [96_u32, 64, 32, 0] {
        let digit = (a >> shift) & 0xffff_ffff;
        let dividend = (rest << 32).saturating_add(digit.saturating_mul(b));
        quotient = (quotient << 32).saturating_add(dividend / c);
        rest = dividend % c;
    }
    quotient.saturating_add(u128::from(rest > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn thirds_of_a_hold_add_up() {
        let mut hold = Hold::new(3, 100);
        let mut freed = Vec::new();
        for _ in 0..3 {
            let (next, part) = hold.release(Some(1));
            freed.push(part);
            hold = next;
        }
        assert_eq!((freed, hold.held, hold.open()), (vec![33, 33, 34], 0, 0));
    }

    #[test]
    fn late_and_over_fills_are_applied_and_flagged() {
        let (released, freed) = Hold::new(10, 1_000).release(Some(4));
        assert_eq!(freed, 400);
        let step = released.fill(6);
        assert_eq!((step.converted, step.late, step.over), (600, false, false));
        let step = step.hold.fill(3);
        assert_eq!((step.converted, step.late, step.over), (0, true, false));
        let step = step.hold.fill(3);
        assert_eq!((step.late, step.over), (true, true));
        let hold = step.hold;
        assert_eq!(
            (hold.filled, hold.ended, hold.over, hold.open()),
            (10, 0, 2, 0)
        );
    }

    proptest! {
        #[test]
        fn long_division_agrees_with_the_short_one(a in 0_u128..1 << 60, c in 1_u128..1 << 60, b in 0_u128..1 << 60) {
            let b = b.min(c);
            prop_assert_eq!(mul_div_ceil(a, b, c), (a * b).div_ceil(c));
        }

        #[test]
        fn a_whole_is_a_whole_at_full_size(a in 0_u128..=10_u128.pow(24), c in 1_u128..=10_u128.pow(27)) {
            prop_assert_eq!(mul_div_ceil(a, c, c), a);
            prop_assert_eq!(mul_div_ceil(a, 0, c), 0);
        }

        /// H₀ = converted + released + H after every step; L ≥ 0; H = 0 when nothing is open.
        #[test]
        fn no_step_loses_or_makes_money(
            ordered in 1_u128..=10_u128.pow(27), initial in 0_u128..=10_u128.pow(24),
            steps in proptest::collection::vec((any::<bool>(), 0_u128..=10_u128.pow(27)), 0..12),
        ) {
            let mut hold = Hold::new(ordered, initial);
            let (mut converted, mut released) = (0, 0);
            for (fill, qty) in steps {
                if fill {
                    let step = hold.fill(qty);
                    hold = step.hold;
                    converted += step.converted;
                } else {
                    let (next, freed) = hold.release(Some(qty));
                    hold = next;
                    released += freed;
                }
                prop_assert_eq!(initial, converted + released + hold.held);
                prop_assert!(hold.filled + hold.ended <= ordered);
                if hold.open() == 0 { prop_assert_eq!(hold.held, 0); }
            }
        }
    }
}
