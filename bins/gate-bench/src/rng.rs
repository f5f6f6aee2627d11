//! Repeatable pseudo-random numbers: a pure function of (seed, index, stream).
//!
//! A request's content depends on its index alone, so a run gives the same requests again
//! whichever thread happens to send them.

/// What a draw is for; draws for different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Client,
    Kind,
    Arrival,
}

/// 64 well-mixed bits (`SplitMix64`, Steele, Lea and Flood 2014).
pub(crate) fn draw(seed: u64, index: u64, stream: Stream) -> u64 {
    let salt = match stream {
        Stream::Client => 0x9E6C_63D0_876A_68DE,
        Stream::Kind => 0x2545_F491_4F6C_DD1D,
        Stream::Arrival => 0xD6E8_FEB8_6659_FD93,
    };
    mix(mix(seed ^ salt).wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

/// A uniform number in (0, 1].
pub(crate) fn unit(bits: u64) -> f64 {
    // 53 bits are what an f64 holds; the added one keeps zero out, whose logarithm has no value.
    ((bits >> 11) as f64 + 1.0) / (1_u64 << 53) as f64
}

/// A uniform number below `bound`, with a bias of at most bound / 2^64.
pub(crate) fn below(bits: u64, bound: u64) -> u64 {
    let wide = u128::from(bits) * u128::from(bound);
    u64::try_from(wide >> 64).unwrap_or(0)
}

fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_differ() {
        assert_eq!(draw(1, 2, Stream::Client), draw(1, 2, Stream::Client));
        assert_ne!(draw(1, 2, Stream::Client), draw(1, 3, Stream::Client));
        assert_ne!(draw(1, 2, Stream::Client), draw(2, 2, Stream::Client));
        assert_ne!(draw(1, 2, Stream::Client), draw(1, 2, Stream::Kind));
    }

    #[test]
    fn units_stay_in_range_and_spread() {
        let mut tenths = [0_u32; 10];
        for index in 0..10_000 {
            let u = unit(draw(7, index, Stream::Arrival));
            assert!(u > 0.0 && u <= 1.0);
            tenths[((u * 10.0) as usize).min(9)] += 1;
        }
        assert!(tenths.iter().all(|n| (800..1200).contains(n)), "{tenths:?}");
        assert!(unit(0) > 0.0 && unit(u64::MAX) <= 1.0);
    }

    #[test]
    fn below_covers_its_range() {
        assert_eq!(below(u64::MAX, 10), 9);
        assert_eq!(below(0, 10), 0);
    }
}
