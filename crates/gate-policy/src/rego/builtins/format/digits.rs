//! Numbers in digits, as Go's `strconv` writes them.

/// How a float is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Notation {
    /// `1.5e+03`, so many places after the point.
    Exponent(usize),
    /// `1500.0`, so many places after the point.
    Point(usize),
    /// Either, by its size; with so many digits, or as few as identify the float.
    Shorter(Option<usize>),
}

pub(super) fn in_base(number: u64, base: u32) -> String {
    match base {
        2 => format!("{number:b}"),
        8 => format!("{number:o}"),
        16 => format!("{number:x}"),
        _ => number.to_string(),
    }
}

/// Writes a float that is not negative. `None` only if Rust's own format changes.
pub(super) fn of_float(number: f64, notation: Notation) -> Option<String> {
    match notation {
        Notation::Point(places) => Some(format!("{number:.places$}")),
        Notation::Exponent(places) => exponent(&format!("{number:.places$e}")),
        Notation::Shorter(digits) => shorter(number, digits),
    }
}

/// Go writes the exponent with a sign and two digits at least.
fn exponent(written: &str) -> Option<String> {
    let (mantissa, power) = written.split_once('e')?;
    let power: i32 = power.parse().ok()?;
    let sign = if power < 0 { '-' } else { '+' };
    Some(format!("{mantissa}e{sign}{:02}", power.unsigned_abs()))
}

fn shorter(number: f64, digits: Option<usize>) -> Option<String> {
    /// With no number of digits given, the exponent form begins at this power.
    const LARGE: usize = 6;
    let asked = digits.map(|digits| digits.max(1));
    let written = match asked {
        Some(digits) => {
            let places = digits.saturating_sub(1);
            format!("{number:.places$e}")
        }
        None => format!("{number:e}"),
    };
    let (mantissa, power) = written.split_once('e')?;
    let power: i32 = power.parse().ok()?;
    let mantissa = if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.')
    } else {
        mantissa
    };
    let known = mantissa
        .len()
        .saturating_sub(usize::from(mantissa.contains('.')));
    // Zeros at the end are not written, so that `100` with three digits is `100`.
    let is_whole = i32::try_from(known).ok()? > power;
    let limit = match asked {
        Some(digits) if digits > known && is_whole => known,
        Some(digits) => digits,
        None => LARGE,
    };
    if power < -4 || power >= i32::try_from(limit).ok()? {
        return exponent(&format!("{mantissa}e{power}"));
    }
    let places = i32::try_from(known)
        .ok()?
        .checked_sub(power)?
        .checked_sub(1)?;
    let places = usize::try_from(places.max(0)).ok()?;
    Some(format!("{number:.places$}"))
}
