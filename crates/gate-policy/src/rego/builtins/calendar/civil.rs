//! Days and dates of the proleptic Gregorian calendar, after Howard Hinnant's `days_from_civil`: a
//! year begins in March, so that the leap day is its last.

pub(super) const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
const MINUTE: i64 = 60;
/// The days of 400 years, after which the calendar repeats.
const ERA_DAYS: i64 = 146_097;
/// The days from March 1 of year 0 to 1970.
const BEFORE_1970: i64 = 719_468;

/// A date and a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// From 1 on.
    pub(super) month: i64,
    pub(super) day: i64,
    /// Of the day.
    pub(super) second: i64,
}

impl Civil {
    /// Of seconds since 1970.
    pub(super) fn of(seconds: i64) -> Self {
        let days = seconds.div_euclid(DAY) + BEFORE_1970;
        let (era, day) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        Self {
            year: era * 400 + year + i64::from(month >= 10),
            month: (month + 2) % 12 + 1,
            day: day - (153 * month + 2) / 5 + 1,
            second: seconds.rem_euclid(DAY),
        }
    }

    /// Hour, minute and second.
    pub(super) const fn clock(self) -> [i64; 3] {
        clock(self.second)
    }

    pub(super) const fn days_in_month(self) -> i64 {
        days_in(self.year, self.month)
    }
}

/// Hour, minute and second of a number of seconds.
pub(super) const fn clock(seconds: i64) -> [i64; 3] {
    [seconds / HOUR, seconds % HOUR / MINUTE, seconds % MINUTE]
}

/// The days from 1970 to a date.
pub(super) const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * ERA_DAYS + year * 365 + year / 4 - year / 100 + day - BEFORE_1970
}

/// Days of a month.
pub(super) const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

pub(super) const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}
