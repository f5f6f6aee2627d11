//! The time builtins as in OPA, which uses Go's `time` package.
//!
//! The calendar is computed here (`civil.rs`), with integers only; chrono-tz only tells how far a
//! zone is from UTC (`zone.rs`). The evaluation ends where Go would overflow, and where the answer
//! depends on the zone of the machine that OPA would run on.

mod civil;
mod duration;
mod layout;
mod parse;
mod scan;
mod zone;

use regorus::unstable::BuiltinFcn;
use regorus::{LimitError, Value};

use civil::{Civil, DAY};
use zone::Zone;

pub(super) const BUILTINS: [(&str, BuiltinFcn); 8] = [
    (
        "time.add_date",
        (|_, _, args, _| Ok(settle(add_date(args))?), 4),
    ),
    ("time.clock", (|_, _, args, _| Ok(settle(clock(args))?), 1)),
    ("time.date", (|_, _, args, _| Ok(settle(date(args))?), 1)),
    ("time.diff", (|_, _, args, _| Ok(settle(diff(args))?), 2)),
    (
        "time.parse_duration_ns",
        (|_, _, args, _| Ok(settle(parse_duration(args))?), 1),
    ),
    (
        "time.parse_ns",
        (|_, _, args, _| Ok(settle(parse_ns(args))?), 2),
    ),
    (
        "time.parse_rfc3339_ns",
        (|_, _, args, _| Ok(settle(parse_rfc3339(args))?), 1),
    ),
    (
        "time.weekday",
        (|_, _, args, _| Ok(settle(weekday(args))?), 1),
    ),
];

const NANOS: i64 = 1_000_000_000;
/// Within these, the seconds do not overflow in Go.
const MAX_YEARS: u64 = 100_000_000_000;
const MAX_DAYS: u64 = 20_000_000_000_000;
/// 2^53: up to here a float represents every integer.
const MAX_OF_FLOAT: u64 = 1 << 53;
/// From Sunday on.
const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    /// OPA has none either.
    Undefined,
    /// OPA's value is not known here.
    Unknown,
}

type Answer<T = Value> = Result<T, Without>;

fn settle(answer: Answer) -> Result<Value, LimitError> {
    match answer {
        Ok(value) => Ok(value),
        Err(Without::Undefined) => Ok(Value::Undefined),
        Err(Without::Unknown) => Err(super::beyond()),
    }
}

/// An instant, and the zone it is shown in.
#[derive(Clone, Copy)]
struct Instant {
    /// Since 1970.
    nanos: i64,
    zone: Zone,
}

impl Instant {
    /// `ns`, `[ns]`, `[ns, zone]` or `[ns, zone, layout]`. As in OPA, further items are ignored.
    fn read(value: &Value) -> Answer<Self> {
        let Value::Array(parts) = value else {
            let (nanos, zone) = (whole(value)?, Zone::Utc);
            return Ok(Self { nanos, zone });
        };
        let nanos = whole(parts.first().ok_or(Without::Undefined)?)?;
        if !matches!(parts.get(2), None | Some(Value::String(_))) {
            return Err(Without::Undefined);
        }
        let zone = match parts.get(1) {
            None => Zone::Utc,
            Some(Value::String(name)) => Zone::named(name)?,
            Some(_) => return Err(Without::Undefined),
        };
        Ok(Self { nanos, zone })
    }

    fn seconds(self) -> i64 {
        self.nanos.div_euclid(NANOS)
    }

    /// The local time, in seconds since 1970.
    fn on_the_wall(self) -> Answer<i64> {
        Ok(self.seconds() + self.zone.offset_at(self.seconds())?)
    }

    fn civil(self) -> Answer<Civil> {
        self.on_the_wall().map(Civil::of)
    }
}

/// An integer. OPA accepts no exponent in years, months and days; how a number was written is not
/// known here.
fn whole(value: &Value) -> Answer<i64> {
    let Value::Number(number) = value else {
        return Err(Without::Undefined);
    };
    let whole = number.as_i64().ok_or(Without::Undefined)?;
    // A float in the order (only those are above 2^53) may have lost digits that OPA sees.
    if whole.unsigned_abs() > MAX_OF_FLOAT && number.as_f64().is_some() {
        return Err(Without::Unknown);
    }
    Ok(whole)
}

fn list<const N: usize>(numbers: [i64; N]) -> Value {
    numbers.map(Value::from).to_vec().into()
}

fn date(args: &[Value]) -> Answer {
    let [at] = args else {
        return Err(Without::Undefined);
    };
    let civil = Instant::read(at)?.civil()?;
    Ok(list([civil.year, civil.month, civil.day]))
}

fn clock(args: &[Value]) -> Answer {
    let [at] = args else {
        return Err(Without::Undefined);
    };
    Ok(list(Instant::read(at)?.civil()?.clock()))
}

fn weekday(args: &[Value]) -> Answer {
    let [at] = args else {
        return Err(Without::Undefined);
    };
    let days = Instant::read(at)?.on_the_wall()?.div_euclid(DAY);
    // The first of 1970 was a Thursday.
    let name = usize::try_from((days + 4).rem_euclid(7))
        .ok()
        .and_then(|place| WEEKDAYS.get(place));
    name.map(|name| Value::from(*name))
        .ok_or(Without::Undefined)
}

fn add_date(args: &[Value]) -> Answer {
    let [at, years, months, days] = args else {
        return Err(Without::Undefined);
    };
    let at = Instant::read(at)?;
    let (years, months, days) = (whole(years)?, whole(months)?, whole(days)?);
    let civil = at.civil()?;
    let months = months.checked_add(civil.month - 1);
    let months = months.ok_or(Without::Unknown)?;
    let year = years
        .checked_add(months.div_euclid(12))
        .filter(|years| years.unsigned_abs() <= MAX_YEARS)
        .ok_or(Without::Unknown)?;
    if days.unsigned_abs() > MAX_DAYS {
        return Err(Without::Unknown);
    }
    let month = months.rem_euclid(12) + 1;
    let day = civil::days(civil.year + year, month, 1) + civil.day - 1 + days;
    let seconds = at.zone.instant(day * DAY + civil.second)?;
    in_nanos(seconds, at.nanos.rem_euclid(NANOS))
}

/// Undefined beyond the 64 bits of OPA's nanoseconds.
fn in_nanos(seconds: i64, nanos: i64) -> Answer {
    let all = i128::from(seconds) * i128::from(NANOS) + i128::from(nanos);
    let all = i64::try_from(all).map_err(|_| Without::Undefined)?;
    Ok(Value::from(all))
}

/// Years, months, days, hours, minutes and seconds between two instants, in the zone of the first.
fn diff(args: &[Value]) -> Answer {
    let [one, other] = args else {
        return Err(Without::Undefined);
    };
    let (one, mut other) = (Instant::read(one)?, Instant::read(other)?);
    other.zone = one.zone;
    let (early, late) = match one.nanos <= other.nanos {
        true => (one, other),
        false => (other, one),
    };
    Ok(list(apart(early.civil()?, late.civil()?)))
}

fn apart(early: Civil, late: Civil) -> [i64; 6] {
    let (mut years, mut months) = (late.year - early.year, late.month - early.month);
    let (mut days, mut seconds) = (late.day - early.day, late.second - early.second);
    if seconds < 0 {
        (seconds, days) = (seconds + DAY, days - 1);
    }
    if days < 0 {
        (days, months) = (days + early.days_in_month(), months - 1);
    }
    if months < 0 {
        (months, years) = (months + 12, years - 1);
    }
    let [hours, minutes, seconds] = civil::clock(seconds);
    [years, months, days, hours, minutes, seconds]
}

fn parse_rfc3339(args: &[Value]) -> Answer {
    match args {
        [Value::String(text)] => parse::instant(layout::RFC3339, text),
        _ => Err(Without::Undefined),
    }
}

fn parse_ns(args: &[Value]) -> Answer {
    match args {
        [Value::String(layout), Value::String(text)] => {
            parse::instant(layout::named(layout).unwrap_or(layout), text)
        }
        _ => Err(Without::Undefined),
    }
}

fn parse_duration(args: &[Value]) -> Answer {
    match args {
        [Value::String(text)] => {
            let nanos = duration::nanos(text);
            nanos.map(Value::from).ok_or(Without::Undefined)
        }
        _ => Err(Without::Undefined),
    }
}

#[cfg(test)]
mod tests;
