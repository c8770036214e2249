//! A calendar day, and the markets whose rules depend on it.

use core::fmt;
use core::str::FromStr;

/// A day of the Gregorian calendar as `YYYYMMDD`; ordered like time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(u32);

const NANOS_PER_DAY: u64 = 86_400_000_000_000;

impl Date {
    /// A day that exists, years 1970 to 9999.
    ///
    /// ```
    /// use nofx_types::Date;
    /// assert!(Date::new(2023, 2, 29).is_none());
    /// assert_eq!(Date::new(2024, 2, 29).map(|day| day.number()), Some(20240229));
    /// ```
    pub const fn new(year: u32, month: u32, day: u32) -> Option<Date> {
        let known = year >= 1970 && year <= 9_999 && month >= 1 && month <= 12;
        if known && day >= 1 && day <= days_in(year, month) {
            Some(Date(year * 10_000 + month * 100 + day))
        } else {
            None
        }
    }

    /// From `YYYYMMDD`.
    pub const fn from_number(number: u32) -> Option<Date> {
        Date::new(number / 10_000, number / 100 % 100, number % 100)
    }

    /// As `YYYYMMDD`.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Year, month and day.
    pub const fn parts(self) -> (u32, u32, u32) {
        (self.0 / 10_000, self.0 / 100 % 100, self.0 % 100)
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> u64 {
        let (year, month, day) = self.parts();
        // Howard Hinnant's days_from_civil: years begin in March, so the leap day comes last.
        let year = (if month <= 2 { year - 1 } else { year }) as u64;
        let month = ((month + 9) % 12) as u64;
        let of_year = (153 * month + 2) / 5 + day as u64 - 1;
        let (era, of_era) = (year / 400, year % 400);
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// 0 for Monday to 6 for Sunday.
    pub const fn weekday(self) -> u32 {
        ((self.days() + 3) % 7) as u32
    }

    /// Nanoseconds from 1970-01-01 UTC to this day's midnight `hours_east` of Greenwich; 0 where that
    /// lies before 1970.
    pub const fn midnight_ns(self, hours_east: u64) -> u64 {
        (self.days() * NANOS_PER_DAY).saturating_sub(hours_east * 3_600_000_000_000)
    }

    /// The day that `ns` after 1970 UTC falls on, `hours_east` of Greenwich.
    pub const fn of_ns(ns: u64, hours_east: u64) -> Date {
        let days = (ns + hours_east * 3_600_000_000_000) / NANOS_PER_DAY + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of + year_of / 4 - year_of / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        Date(((era * 400 + year_of + next) * 10_000 + month * 100 + day) as u32)
    }
}

const fn days_in(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// The text is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseDateError;

impl fmt::Display for ParseDateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a day: want YYYY-MM-DD or YYYYMMDD")
    }
}

impl core::error::Error for ParseDateError {}

impl FromStr for Date {
    type Err = ParseDateError;

    /// `2023-07-11`, `2023.07.11` or `20230711`.
    fn from_str(text: &str) -> Result<Date, ParseDateError> {
        let bytes = text.as_bytes();
        let mut number = 0u32;
        for (place, byte) in bytes.iter().enumerate() {
            match byte {
                b'0'..=b'9' if number < 100_000_000 => {
                    number = number * 10 + u32::from(byte - b'0');
                }
                b'-' | b'.' if bytes.len() == 10 && (place == 4 || place == 7) => {}
                _ => return Err(ParseDateError),
            }
        }
        let whole = bytes.len() == 8 || bytes.len() == 10;
        Date::from_number(number).filter(|_| whole).ok_or(ParseDateError)
    }
}

/// A market whose rules the engine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Market {
    /// Shanghai Stock Exchange.
    Sse,
    /// Shenzhen Stock Exchange.
    Szse,
    /// Hong Kong Exchanges.
    Hkex,
}

impl Market {
    /// All of them.
    pub const ALL: [Market; 3] = [Market::Sse, Market::Szse, Market::Hkex];

    /// Short name, as in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Market::Sse => "sse",
            Market::Szse => "szse",
            Market::Hkex => "hkex",
        }
    }

    /// Hours its clocks are ahead of UTC; none of them has summer time.
    pub const HOURS_EAST: u64 = 8;
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn days_round_trip_and_name_their_weekday() {
        let mut date = Date::from_number(19_700_101).expect("a day");
        assert_eq!((date.days(), date.weekday()), (0, 3), "1970-01-01 was a Thursday");
        for days in 1..150_000u64 {
            let next = Date::of_ns(days * NANOS_PER_DAY, 0);
            assert!(next > date && Date::from_number(next.number()) == Some(next), "{next}");
            assert_eq!(next.days(), days);
            date = next;
        }
        let landed = Date::new(2026, 11, 26).expect("a day");
        assert_eq!((landed.weekday(), landed.to_string().as_str()), (3, "2026-11-26"));
    }

    #[test]
    fn a_day_east_of_greenwich_begins_earlier() {
        let day = Date::new(2023, 2, 7).expect("a day");
        let midnight = day.midnight_ns(8);
        assert_eq!(Date::of_ns(midnight, 8), day);
        assert_eq!(Date::of_ns(midnight - 1, 8), Date::new(2023, 2, 6).expect("a day"));
    }

    #[test]
    fn only_days_are_parsed() {
        for text in ["2023-07-11", "2023.07.11", "20230711"] {
            assert_eq!(text.parse::<Date>().map(Date::number), Ok(20_230_711));
        }
        for text in
            ["", "2023-7-11", "2023-13-01", "20230230", "202307111", "2023/07/11", "-2230711"]
        {
            assert_eq!(text.parse::<Date>(), Err(ParseDateError), "{text}");
        }
    }
}
