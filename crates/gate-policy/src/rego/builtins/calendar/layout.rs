//! Parses Go's time layouts: a reference time, written in the form of the text to be read.

/// What `time.parse_rfc3339_ns` reads.
pub(super) const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

/// The layouts that OPA knows by a name. Go has more.
pub(super) fn named(name: &str) -> Option<&'static str> {
    Some(match name {
        "ANSIC" => "Mon Jan _2 15:04:05 2006",
        "UnixDate" => "Mon Jan _2 15:04:05 MST 2006",
        "RubyDate" => "Mon Jan 02 15:04:05 -0700 2006",
        "RFC822" => "02 Jan 06 15:04 MST",
        "RFC822Z" => "02 Jan 06 15:04 -0700",
        "RFC850" => "Monday, 02-Jan-06 15:04:05 MST",
        "RFC1123" => "Mon, 02 Jan 2006 15:04:05 MST",
        "RFC1123Z" => "Mon, 02 Jan 2006 15:04:05 -0700",
        "RFC3339" => RFC3339,
        "RFC3339Nano" => "2006-01-02T15:04:05.999999999Z07:00",
        _ => return None,
    })
}

/// The width of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// One digit or more.
    Any,
    /// A space may stand for the first digit.
    Spaced,
    /// With all digits.
    Full,
}

/// The form of an offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// `Z` may stand for UTC.
    pub(super) zulu: bool,
    pub(super) colons: bool,
    pub(super) minutes: bool,
    pub(super) seconds: bool,
}

/// What a part of the layout stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    /// Four digits.
    LongYear,
    /// Two digits.
    Year,
    MonthName,
    ShortMonthName,
    Month(Width),
    DayName,
    ShortDayName,
    Day(Width),
    DayOfYear(Width),
    Hour,
    HalfHour(Width),
    Minute(Width),
    Second(Width),
    /// `PM` or `AM`.
    Half,
    /// `pm` or `am`.
    SmallHalf,
    /// `MST`.
    Abbreviation,
    Offset(Shape),
    /// As many digits after the point as the layout has zeros.
    Fraction(usize),
    /// Any number of digits after the point, or no point.
    AnyFraction,
}

use Element::*;

/// Of those that begin alike, the longest first.
const ELEMENTS: [(&str, Element); 33] = [
    ("January", MonthName),
    ("Jan", ShortMonthName),
    ("Monday", DayName),
    ("Mon", ShortDayName),
    ("MST", Abbreviation),
    ("01", Month(Width::Full)),
    ("02", Day(Width::Full)),
    ("03", HalfHour(Width::Full)),
    ("04", Minute(Width::Full)),
    ("05", Second(Width::Full)),
    ("06", Year),
    ("002", DayOfYear(Width::Full)),
    ("15", Hour),
    ("1", Month(Width::Any)),
    ("2006", LongYear),
    ("2", Day(Width::Any)),
    ("_2", Day(Width::Spaced)),
    ("__2", DayOfYear(Width::Spaced)),
    ("3", HalfHour(Width::Any)),
    ("4", Minute(Width::Any)),
    ("5", Second(Width::Any)),
    ("PM", Half),
    ("pm", SmallHalf),
    ("-070000", Offset(shape(false, false, 3))),
    ("-07:00:00", Offset(shape(false, true, 3))),
    ("-0700", Offset(shape(false, false, 2))),
    ("-07:00", Offset(shape(false, true, 2))),
    ("-07", Offset(shape(false, false, 1))),
    ("Z070000", Offset(shape(true, false, 3))),
    ("Z07:00:00", Offset(shape(true, true, 3))),
    ("Z0700", Offset(shape(true, false, 2))),
    ("Z07:00", Offset(shape(true, true, 2))),
    ("Z07", Offset(shape(true, false, 1))),
];

/// The text before a layout's first element, that element, and the rest.
pub(super) fn first(layout: &[u8]) -> (&[u8], Option<Element>, &[u8]) {
    let found = (0..layout.len()).find_map(|place| {
        let (before, from) = layout.split_at_checked(place)?;
        let (element, length) = element_at(from)?;
        Some((before, Some(element), from.get(length..)?))
    });
    found.unwrap_or((layout, None, &[]))
}

/// The element that stands at the beginning, and its length.
fn element_at(layout: &[u8]) -> Option<(Element, usize)> {
    if let Some((b'.' | b',', digits)) = layout.split_first() {
        return fraction(digits);
    }
    // An underscore and then a year, not `_2`.
    if layout.starts_with(b"_2006") {
        return None;
    }
    let mut all = ELEMENTS.iter();
    let (text, element) = all.find(|(text, _)| layout.starts_with(text.as_bytes()))?;
    let is_word = matches!(element, ShortMonthName | ShortDayName)
        && layout.get(text.len()).is_some_and(u8::is_ascii_lowercase);
    (!is_word).then_some((*element, text.len()))
}

/// What follows a point: only zeros or only nines, and no other digit.
fn fraction(digits: &[u8]) -> Option<(Element, usize)> {
    let digit = digits
        .first()
        .filter(|digit| matches!(digit, b'0' | b'9'))?;
    let count = digits.iter().take_while(|other| *other == digit).count();
    if digits.get(count).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let element = match digit {
        // Go keeps twelve bits of it.
        b'0' => Fraction(count & 0xFFF),
        _ => AnyFraction,
    };
    Some((element, count + 1))
}

const fn shape(zulu: bool, colons: bool, parts: u8) -> Shape {
    Shape {
        zulu,
        colons,
        minutes: parts >= 2,
        seconds: parts == 3,
    }
}
