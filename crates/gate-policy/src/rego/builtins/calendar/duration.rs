//! Parses durations: Go's (`1h30m`), and OPA's days, weeks and years, which OPA converts to hours
//! before Go reads them.
//!
//! Go computes fractions with floats, and OPA its hours: so it is done with floats here.

use regorus::Value;

const DAY_HOURS: f64 = 24.0;
const WEEK_HOURS: f64 = 168.0;
/// Of 365 days.
const YEAR_HOURS: f64 = 8_760.0;
/// 2^63, one nanosecond more than fits.
const END: u64 = 1 << 63;

/// The nanoseconds of a duration.
pub(super) fn nanos(text: &str) -> Option<i64> {
    of_go(text).or_else(|| of_go(&in_hours(text)?))
}

/// The duration with days, weeks and years converted to hours.
fn in_hours(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut hours = text.get(..text.len() - unsigned.len())?.to_owned();
    let mut rest = unsigned;
    while !rest.is_empty() {
        let (number, unit);
        (number, unit, rest) = segment(rest)?;
        let in_unit = match unit {
            "d" => DAY_HOURS,
            "w" => WEEK_HOURS,
            "y" => YEAR_HOURS,
            // OPA accepts the micro sign beside days, but not the letter mu.
            "\u{3bc}s" => return None,
            _ => {
                hours.extend([number, unit]);
                continue;
            }
        };
        let number: f64 = number.parse().ok()?;
        hours.push_str(&format!("{}h", number * in_unit));
    }
    Some(hours)
}

/// A number, its unit and what comes after.
fn segment(text: &str) -> Option<(&str, &str, &str)> {
    let is_of_number = |letter: char| letter.is_ascii_digit() || letter == '.';
    let unit = text.find(|letter| !is_of_number(letter))?;
    let (number, rest) = text.split_at_checked(unit)?;
    let end = rest.find(is_of_number).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(end)?;
    Some((number, unit, rest))
}

/// Parses what Go's own parser does.
fn of_go(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let total = match unsigned {
        "" => return None,
        "0" => 0,
        _ => sum(unsigned)?,
    };
    match text.strip_prefix('-') {
        Some(_) if total == END => Some(i64::MIN),
        Some(_) => i64::try_from(total).ok()?.checked_neg(),
        None => i64::try_from(total).ok(),
    }
}

fn sum(mut text: &str) -> Option<u64> {
    let mut total = 0u64;
    while !text.is_empty() {
        let (number, unit);
        (number, unit, text) = segment(text)?;
        // In Go, twice 2^63 wraps to 0.
        total = total.wrapping_add(amount(number, nanos_in(unit)?)?);
        (total <= END).then_some(())?;
    }
    Some(total)
}

fn nanos_in(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

fn amount(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    (whole.len() + fraction.len() > 0).then_some(())?;
    let nanos = of_digits(whole)?.checked_mul(unit)?;
    let nanos = nanos.checked_add(part(fraction, unit)?)?;
    (nanos <= END).then_some(nanos)
}

fn of_digits(digits: &str) -> Option<u64> {
    match digits {
        "" => Some(0),
        _ if digits.contains(|digit: char| !digit.is_ascii_digit()) => None,
        _ => digits.parse().ok().filter(|number| *number <= END),
    }
}

/// A fraction of a unit in nanoseconds, rounded as in Go.
fn part(fraction: &str, unit: u64) -> Option<u64> {
    let (mut digits, mut scale) = (0u64, 1.0);
    for digit in fraction.bytes() {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        // Digits from the first that overflows on are ignored: they only need to be digits.
        let more = digits
            .checked_mul(10)
            .and_then(|ten| ten.checked_add(digit));
        match more.filter(|more| *more <= END) {
            Some(more) => (digits, scale) = (more, scale * 10.0),
            None => return only_digits(fraction).then(|| rounded(digits, unit, scale))?,
        }
    }
    rounded(digits, unit, scale)
}

fn only_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn rounded(digits: u64, unit: u64, scale: f64) -> Option<u64> {
    let nanos = float(digits)? * (float(unit)? / scale);
    Value::from(nanos.trunc()).as_u64().ok()
}

/// The nearest float: rounded once, when the halves are added.
fn float(number: u64) -> Option<f64> {
    let half = |bits: u64| u32::try_from(bits).ok().map(f64::from);
    Some(half(number >> 32)? * 4_294_967_296.0 + half(number & 0xFFFF_FFFF)?)
}
