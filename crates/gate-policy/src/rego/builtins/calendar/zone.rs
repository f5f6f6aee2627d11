//! A zone's offset from UTC.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::{Answer, Without};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    Utc,
    Named(Tz),
}

/// The year 1970. Before, OPA's tables differ from machine to machine: some leave out what others
/// have.
const FIRST: i64 = 0;
/// The year 2100. The tables here end before, and Go extrapolates by rule. Until then both agree in
/// every zone.
const END: i64 = 4_102_444_800;
/// Beyond what 64 bits of nanoseconds can hold, either way, in every zone.
const OUT_OF_RANGE: i64 = 9_223_372_037 + 2 * super::DAY;

/// The year 1997. Before, two zones that are now aliases had offsets of their own, which some
/// machines' tables still have.
const SETTLED: i64 = 852_076_800;

impl Zone {
    pub(super) fn named(name: &str) -> Answer<Self> {
        match name {
            "" | "UTC" => Ok(Self::Utc),
            // The machine's own zone.
            "Local" => Err(Without::Unknown),
            _ => match name.parse() {
                Ok(zone) => Ok(Self::Named(zone)),
                // OPA reads zones from its machine's files, which may have one of this name.
                Err(_) => Err(Without::Unknown),
            },
        }
    }

    /// Seconds to add to UTC, at an instant in seconds since 1970.
    pub(super) fn offset_at(self, seconds: i64) -> Answer<i64> {
        let Self::Named(zone) = self else {
            return Ok(0);
        };
        if !(FIRST..END).contains(&seconds) || seconds < SETTLED && is_unsettled(zone) {
            return Err(Without::Unknown);
        }
        let utc = DateTime::from_timestamp(seconds, 0).ok_or(Without::Unknown)?;
        let offset = zone.offset_from_utc_datetime(&utc.naive_utc()).fix();
        Ok(offset.local_minus_utc().into())
    }

    /// The instant of a local time. If that occurs twice or never, the choice is Go's.
    pub(super) fn instant(self, wall: i64) -> Answer<i64> {
        if wall.unsigned_abs() > OUT_OF_RANGE.unsigned_abs() {
            return Err(Without::Undefined);
        }
        let near = self.offset_at(wall)?;
        if near == 0 {
            return Ok(wall);
        }
        Ok(wall - self.offset_at(wall - near)?)
    }
}

fn is_unsettled(zone: Tz) -> bool {
    matches!(zone, Tz::EET | Tz::WET)
}
