//! Reads a layout's elements from the beginning of a text. `None` if something else is there.

/// What is left to read.
pub(super) type Rest<'a> = &'a [u8];

/// Takes `count` bytes.
pub(super) fn take<'a>(text: &mut Rest<'a>, count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = text.split_at_checked(count)?;
    *text = rest;
    Some(taken)
}

/// Skips a layout's literal text. A space stands for any number of them, and at the end for none.
pub(super) fn literal(text: &mut Rest<'_>, mut literal: &[u8]) -> Option<()> {
    while let Some((byte, rest)) = literal.split_first() {
        if *byte == b' ' {
            if text.first().is_some_and(|byte| *byte != b' ') {
                return None;
            }
            literal = after_spaces(rest);
            *text = after_spaces(text);
        } else {
            *text = text.strip_prefix(&[*byte])?;
            literal = rest;
        }
    }
    Some(())
}

fn after_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|byte| **byte == b' ').count();
    text.get(spaces..).unwrap_or_default()
}

/// As many digits as there are, but no more than `most`.
pub(super) fn number(text: &mut Rest<'_>, least: usize, most: usize) -> Option<i64> {
    let count = digits(text).min(most);
    (count >= least).then_some(())?;
    signed(take(text, count)?)
}

pub(super) fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Reads one of the names; returns its number, from 1 on.
pub(super) fn name(text: &mut Rest<'_>, names: &[&str]) -> Option<i64> {
    let is_it = |name: &&str| {
        let start = text.get(..name.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
    };
    let place = names.iter().position(is_it)?;
    take(text, names.get(place)?.len())?;
    i64::try_from(place).ok()?.checked_add(1)
}

/// Reads all of it. As in Go, a sign alone is 0.
pub(super) fn signed(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text.split_first() {
        Some((b'-', digits)) => (-1, digits),
        Some((b'+', digits)) => (1, digits),
        _ => (1, text),
    };
    let number = digits.iter().try_fold(0i64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    });
    number?.checked_mul(sign)
}

/// Nanoseconds, from a point or a comma on. Digits beyond nine are ignored.
pub(super) fn fraction(text: &[u8]) -> Option<i64> {
    let (b'.' | b',', digits) = text.split_first()? else {
        return None;
    };
    let digits = digits.get(..9).unwrap_or(digits);
    let missing = u32::try_from(9 - digits.len()).ok()?;
    let nanos = signed(digits)?.checked_mul(10i64.pow(missing))?;
    (nanos >= 0).then_some(nanos)
}

/// A point or a comma, and at least one digit: its length.
pub(super) fn fraction_length(text: &[u8]) -> Option<usize> {
    let (b'.' | b',', rest) = text.split_first()? else {
        return None;
    };
    let digits = digits(rest);
    (digits > 0).then_some(digits + 1)
}

/// The length of a zone's abbreviation: Go takes anything that looks like one.
pub(super) fn abbreviation(text: &[u8]) -> Option<usize> {
    if let Some(after) = text.strip_prefix(b"GMT") {
        return Some(3 + hours(after).unwrap_or_default());
    }
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if matches!(text, [b'+' | b'-', _, _, ..]) {
        return hours(text);
    }
    match text
        .iter()
        .take(6)
        .take_while(|byte| byte.is_ascii_uppercase())
        .count()
    {
        3 => Some(3),
        4 if text.get(3) == Some(&b'T') || text.starts_with(b"WITA") => Some(4),
        5 if text.get(4) == Some(&b'T') => Some(5),
        _ => None,
    }
}

/// The length of a sign and up to 23 hours.
fn hours(text: &[u8]) -> Option<usize> {
    let (b'+' | b'-', rest) = text.split_first()? else {
        return None;
    };
    let count = digits(rest);
    let hours = signed(rest.get(..count)?)?;
    (count > 0 && hours <= 23).then_some(count + 1)
}
