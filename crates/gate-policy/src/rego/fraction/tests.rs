//! The hardware is the model: at 53 bits every operation is that of an `f64`.

use std::num::FpCategory;

use proptest::prelude::*;

use super::*;

/// Converts exactly, without a decimal in between.
fn exactly(value: f64) -> Extended {
    let bits = value.abs().to_bits();
    let mantissa = i128::from(bits & ((1 << 52) - 1) | 1 << 52);
    let exponent = i32::try_from(bits >> 52).unwrap() - 1075;
    let mut exact = Extended::of_whole(mantissa);
    for _ in 0..exponent.unsigned_abs() {
        let two = Extended::of_whole(2);
        exact = match exponent {
            0.. => exact.times(two),
            _ => exact.over(two).unwrap(),
        };
    }
    if value < 0.0 { exact.negated() } else { exact }
}

/// From 2^-200 to 2^200, so that nothing underflows.
fn operand_of_an_operation() -> impl Strategy<Value = f64> {
    (any::<bool>(), 823_u64..1223, 0_u64..1 << 52, 0_u32..53).prop_map(
        |(sign, exponent, mantissa, zeros)| {
            // Short mantissas make ties.
            let mantissa = mantissa >> zeros << zeros;
            f64::from_bits(u64::from(sign) << 63 | exponent << 52 | mantissa)
        },
    )
}

proptest! {
    #[test]
    fn every_operation_rounds_as_the_hardware_does(
        a in operand_of_an_operation(),
        b in operand_of_an_operation(),
        near in -60_i32..60,
    ) {
        // At any distance, and close.
        for b in [b, a, -a, a * 2.0_f64.powi(near), b * 2.0_f64.powi(near)] {
            let (x, y) = (exactly(a), exactly(b));
            prop_assert_eq!(x.to_f64(), Some(a));
            prop_assert_eq!(x.partial_cmp(&y), a.partial_cmp(&b));
            let results = [
                (x.times_in(y, F64_BITS), a * b),
                (x.plus_in(y, F64_BITS), a + b),
                (x.plus_in(y.negated(), F64_BITS), a - b),
                (x.over_in(y, F64_BITS).unwrap(), a / b),
            ];
            for (result, expected) in results {
                match expected.classify() {
                    FpCategory::Zero => prop_assert_eq!(result, Extended::ZERO),
                    _ => prop_assert_eq!(result.to_f64(), Some(expected), "{} {}", a, b),
                }
            }
        }
    }

    #[test]
    fn a_decimal_of_fifteen_digits_is_read_as_itself(digits in 1_u64..1_000_000_000_000_000, power in -18_i32..1) {
        let value: f64 = format!("{digits}e{power}").parse().unwrap();
        let read = Decimal::of(value).extended().unwrap();
        prop_assert_eq!(Some(read), Extended::of_decimal(false, digits.into(), power));
        let written = Value::from_json_str(&value.to_string());
        prop_assert_eq!(keep(Some(read)).ok().flatten(), written.ok());
    }
}

/// Rounded to 64 bits it is halfway between two `f64`, and the nearest one is not its decimal's.
#[test]
fn a_decimal_is_read_as_itself_where_rounding_it_twice_would_change_it() {
    let decimal = Value::from(-0.772_032_467);
    let result = operand(&decimal).unwrap();
    assert_ne!(result.to_f64(), Some(-0.772_032_467));
    assert_eq!(keep(Some(result)).unwrap(), Some(decimal));
}

/// No `f64` has half a unit of its own last place.
#[test]
fn a_little_more_than_a_half_goes_up_and_a_little_less_goes_down() {
    let half = Extended::of_whole((1 << 53) + 1);
    let rounded = |little| half.plus_in(little, F64_BITS).whole();
    let even = Some(1 << 53);
    for little in [exactly(2.0_f64.powi(-20)), exactly(2.0_f64.powi(-150))] {
        assert_eq!(rounded(little), Some((1 << 53) + 2));
        assert_eq!(rounded(little.negated()), even);
    }
    let one = Extended::of_whole(1);
    assert_eq!(half.times_in(one, F64_BITS).whole(), even);
    assert_eq!(half.over_in(one, F64_BITS).unwrap().whole(), even);
}

#[test]
fn a_number_stands_for_the_last_result_until_it_is_itself_again_or_forgotten() {
    let result = Extended::of_whole;
    beside::keep(0.5, result(1)).unwrap();
    beside::keep(0.5, result(2)).unwrap();
    beside::keep(0.25, result(3)).unwrap();
    assert_eq!(beside::recall(0.5), Some(result(2)));
    beside::clear(0.5);
    assert_eq!(beside::recall(0.5), None);
    assert_eq!(beside::recall(0.25), Some(result(3)));
    begin(&Inexact::default());
    assert_eq!(beside::recall(0.25), None);
}

/// An error, rather than forgetting one.
#[test]
fn too_many_results_are_an_error() {
    let kept = (0..5_000_u32).map(|number| beside::keep(f64::from(number), Extended::ONE));
    assert_eq!(kept.take_while(Result::is_ok).count(), 4_096);
    begin(&Inexact::default());
}

#[test]
fn a_whole_number_of_more_than_64_bits_is_what_its_shortest_decimal_says() {
    let check = |left: i128, right: f64, expected: i128| {
        let product = apply(Operation::Mul, &Value::from(left), &Value::from(right));
        assert_eq!(product.unwrap(), Some(Value::from(expected)));
    };
    // As OPA 1.20.2 has them.
    check(
        18_555_000_000_000_000_000_000,
        1.1,
        20_410_500_000_000_000_000_000,
    );
    check(
        123_456_789_012_345_678_901,
        1.5,
        185_185_183_518_518_518_350,
    );
    check(
        -1_000_000_000_000_000_000_000_000_000_000,
        0.1,
        -100_000_000_000_000_000_010_000_000_000,
    );
}

#[test]
fn a_long_whole_number_of_json_is_what_was_written() {
    let written = "[22451550000000000000000,-1e30,9007199254740993,{\"a\":1.5e22}]";
    let mut read = Value::from_json_str(written).unwrap();
    make_whole(&mut read);
    let whole = [
        22_451_550_000_000_000_000_000,
        -10_i128.pow(30),
        9_007_199_254_740_993,
    ];
    for (item, whole) in whole.into_iter().enumerate() {
        assert_eq!(read[item], Value::from(whole));
    }
    assert_eq!(
        read[3_usize]["a"],
        Value::from(15_000_000_000_000_000_000_000_i128)
    );
}
