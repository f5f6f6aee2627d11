//! Reads a time by a layout, as strictly as Go does.

use regorus::Value;

use super::civil::{self, DAY};
use super::layout::{self, Element, Shape, Width};
use super::scan::{self, Rest};
use super::{Answer, Without, in_nanos};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const SHORT_MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const SHORT_DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// The nanoseconds of the instant that a text names.
pub(super) fn instant(layout: &str, text: &str) -> Answer<Value> {
    let read = Fields::read(layout.as_bytes(), text.as_bytes());
    read.ok_or(Without::Undefined)?.instant()
}

/// What was read so far.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
    is_morning: bool,
    is_afternoon: bool,
    zone: ZoneRead,
}

#[derive(Default)]
struct ZoneRead {
    is_utc: bool,
    offset: Option<i64>,
    /// A zone's abbreviation. OPA uses its offset if the machine's zone has it, else none.
    is_unknown: bool,
}

impl Fields {
    fn read(mut layout: &[u8], mut text: Rest<'_>) -> Option<Self> {
        let mut fields = Self::default();
        loop {
            let (before, element, after) = layout::first(layout);
            scan::literal(&mut text, before)?;
            let Some(element) = element else {
                return text.is_empty().then_some(fields);
            };
            fields.element(element, &mut text)?;
            if matches!(element, Element::Second(_)) {
                fields.fraction_after_seconds(after, &mut text)?;
            }
            layout = after;
        }
    }

    fn element(&mut self, element: Element, text: &mut Rest<'_>) -> Option<()> {
        match element {
            Element::LongYear | Element::Year => self.year = year(element, text)?,
            Element::MonthName => self.month = Some(scan::name(text, &MONTHS)?),
            Element::ShortMonthName => self.month = Some(scan::name(text, &SHORT_MONTHS)?),
            Element::Month(width) => self.month = Some(within(1, 12, number(text, width)?)?),
            // Whether it fits the date is not checked.
            Element::DayName => drop(scan::name(text, &super::WEEKDAYS)?),
            Element::ShortDayName => drop(scan::name(text, &SHORT_DAYS)?),
            Element::Day(width) => self.day = Some(number(text, width)?),
            Element::DayOfYear(width) => self.day_of_year = Some(day_of_year(text, width)?),
            Element::Hour => self.hour = within(0, 23, number(text, Width::Any)?)?,
            Element::HalfHour(width) => self.hour = within(0, 12, number(text, width)?)?,
            Element::Minute(width) => self.minute = within(0, 59, number(text, width)?)?,
            Element::Second(width) => self.second = within(0, 59, number(text, width)?)?,
            Element::Half => self.half(text, [b"AM", b"PM"])?,
            Element::SmallHalf => self.half(text, [b"am", b"pm"])?,
            Element::Abbreviation => self.zone.abbreviation(text)?,
            Element::Offset(shape) => self.zone.offset(text, shape)?,
            Element::Fraction(digits) => {
                self.nanos = scan::fraction(scan::take(text, digits + 1)?)?;
            }
            Element::AnyFraction => self.fraction(text)?,
        }
        Some(())
    }

    /// A fraction may follow the seconds even if the layout has none.
    fn fraction_after_seconds(&mut self, layout: &[u8], text: &mut Rest<'_>) -> Option<()> {
        if scan::fraction_length(text).is_none() {
            return Some(());
        }
        match layout::first(layout).1 {
            Some(Element::Fraction(_) | Element::AnyFraction) => Some(()),
            _ => self.fraction(text),
        }
    }

    fn fraction(&mut self, text: &mut Rest<'_>) -> Option<()> {
        if let Some(length) = scan::fraction_length(text) {
            self.nanos = scan::fraction(scan::take(text, length)?)?;
        }
        Some(())
    }

    fn half(&mut self, text: &mut Rest<'_>, [morning, afternoon]: [&[u8]; 2]) -> Option<()> {
        let read = scan::take(text, 2)?;
        self.is_morning |= read == morning;
        self.is_afternoon |= read == afternoon;
        (read == morning || read == afternoon).then_some(())
    }

    fn instant(self) -> Answer<Value> {
        let (month, day) = self.date().ok_or(Without::Undefined)?;
        let hour = match self.hour {
            hour if self.is_afternoon && hour < 12 => hour + 12,
            12 if self.is_morning && !self.is_afternoon => 0,
            hour => hour,
        };
        let clock = (hour * 60 + self.minute) * 60 + self.second;
        let seconds = civil::days(self.year, month, day) * DAY + clock;
        in_nanos(seconds - self.zone.seconds()?, self.nanos)
    }

    /// Month and day, where there is such a day.
    fn date(&self) -> Option<(i64, i64)> {
        let Some(count) = self.day_of_year else {
            let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
            let days = civil::days_in(self.year, month);
            return (1..=days).contains(&day).then_some((month, day));
        };
        let days = 365 + i64::from(civil::is_leap(self.year));
        within(1, days, count)?;
        let first = civil::days(self.year, 1, 1);
        let found = civil::Civil::of((first + count - 1) * DAY);
        let is_it = self.month.is_none_or(|month| month == found.month)
            && self.day.is_none_or(|day| day == found.day);
        is_it.then_some((found.month, found.day))
    }
}

impl ZoneRead {
    fn abbreviation(&mut self, text: &mut Rest<'_>) -> Option<()> {
        if let Some(rest) = text.strip_prefix(b"UTC") {
            (self.is_utc, *text) = (true, rest);
            return Some(());
        }
        let name = scan::take(text, scan::abbreviation(text)?)?;
        // GMT is UTC in every zone that has it. Hours after it are read and ignored.
        self.is_unknown = !name.starts_with(b"GMT");
        Some(())
    }

    fn offset(&mut self, text: &mut Rest<'_>, shape: Shape) -> Option<()> {
        if let Some(rest) = text.strip_prefix(b"Z").filter(|_| shape.zulu) {
            (self.is_utc, *text) = (true, rest);
            return Some(());
        }
        let sign = match scan::take(text, 1)? {
            b"+" => 1,
            b"-" => -1,
            _ => return None,
        };
        let mut part = |is_there: bool, most: i64| {
            if !is_there {
                return Some(0);
            }
            if shape.colons && most == 60 {
                scan::literal(text, b":")?;
            }
            within(0, most, scan::number(text, 2, 2)?)
        };
        let (hours, minutes) = (part(true, 24)?, part(shape.minutes, 60)?);
        let seconds = part(shape.seconds, 60)?;
        let offset = sign * ((hours * 60 + minutes) * 60 + seconds);
        // -1 means no offset in Go.
        self.offset = (offset != -1).then_some(offset);
        Some(())
    }

    /// The seconds to subtract from the local time.
    fn seconds(&self) -> Answer<i64> {
        match self.offset {
            _ if self.is_utc => Ok(0),
            Some(offset) => Ok(offset),
            None if self.is_unknown => Err(Without::Unknown),
            None => Ok(0),
        }
    }
}

fn within(least: i64, most: i64, number: i64) -> Option<i64> {
    (least..=most).contains(&number).then_some(number)
}

/// Of one or two digits.
fn number(text: &mut Rest<'_>, width: Width) -> Option<i64> {
    if width == Width::Spaced {
        *text = text.strip_prefix(b" ").unwrap_or(text);
    }
    let least = if width == Width::Full { 2 } else { 1 };
    scan::number(text, least, 2)
}

/// Of up to three digits.
fn day_of_year(text: &mut Rest<'_>, width: Width) -> Option<i64> {
    if width == Width::Full {
        return scan::number(text, 3, 3);
    }
    for _ in 0..2 {
        *text = text.strip_prefix(b" ").unwrap_or(text);
    }
    scan::number(text, 1, 3)
}

fn year(element: Element, text: &mut Rest<'_>) -> Option<i64> {
    if element == Element::LongYear {
        return scan::number(text, 4, 4);
    }
    // `+5` and `-5` are years to Go.
    let year = scan::signed(scan::take(text, 2)?)?;
    Some(year + if year >= 69 { 1900 } else { 2000 })
}
