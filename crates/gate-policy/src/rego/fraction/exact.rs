//! Whether a number that was read is the one that was written: whether a float is it exactly.

use super::extended::Extended;

/// Whether Rego keeps the number as written. Plain digits it does, whatever their length.
pub(in crate::rego) fn is_exact(written: &str) -> bool {
    let read = || written.parse::<f64>().map(|read| format!("{read:e}"));
    is_plain(written) || read().is_ok_and(|read| decimal(&read) == decimal(written))
}

/// Whether it is a whole number in plain digits that 64 bits do not hold: JSON is read into those or a
/// float.
pub(super) fn is_beyond_a_word(written: &str) -> bool {
    is_plain(written) && written.parse::<u64>().is_err() && written.parse::<i64>().is_err()
}

fn is_plain(written: &str) -> bool {
    let digits = written.strip_prefix('-').unwrap_or(written);
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// Reads a decimal with a 64-bit mantissa; `None` if it is not one or has too many digits.
pub(super) fn read(written: &str) -> Option<Extended> {
    if !is_decimal(written) {
        return None;
    }
    let (digits, power) = decimal(written)?;
    let digits = digits.parse().ok()?;
    Extended::of_decimal(written.starts_with('-'), digits, i32::try_from(power).ok()?)
}

/// Whether it is a decimal number for both Go and Rust: `+1.`, `.5`, `01e5`.
pub(in crate::rego) fn is_decimal(written: &str) -> bool {
    let is_number = |c: char| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
    written.chars().all(is_number) && written.parse::<f64>().is_ok()
}

/// Digits without zeros at either end, and the power of ten of the last.
pub(in crate::rego) fn decimal(number: &str) -> Option<(String, i64)> {
    let (mantissa, power) = match number.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse().ok()?),
        None => (number, 0_i64),
    };
    let mantissa = mantissa.trim_start_matches(['-', '+']);
    let (whole, after_point) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{after_point}");
    let kept = digits.trim_end_matches('0');
    if kept.is_empty() {
        return Some((String::new(), 0));
    }
    let dropped = digits.len().checked_sub(kept.len())?;
    let places = i64::try_from(after_point.len()).ok()?;
    let power = power
        .checked_sub(places)?
        .checked_add(i64::try_from(dropped).ok()?)?;
    Some((kept.trim_start_matches('0').to_owned(), power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_exact_when_it_is_written_as_it_was() {
        for exact in [
            "0",
            "-0",
            "0.0",
            "1",
            "1.0",
            "0.1",
            "-0.10",
            "1e-7",
            "1.50E+2",
            "185.55",
            "0e5",
            "0.30000000000000004",
            "123456789012345678901234567890",
            "1e30",
            "1.5e300",
            "0.333333333333333",
            "0.3333333333333333",
        ] {
            assert!(is_exact(exact), "{exact}");
        }
        for rounded in [
            "0.33333333333333333334",
            "0.30000000000000000278",
            "9007199254740993.5",
            // An `f64` reads it as one hundredth more.
            "90071992547409.93",
            "0.1000000000000000055511151231257827",
            "1e-400",
            "1.5e-99999999999999999999",
        ] {
            assert!(!is_exact(rounded), "{rounded}");
        }
    }
}
