//! Dates and times as vendors write them.

use nofx_types::{Date, Market, Nanos};
use serde::Deserialize;

use crate::Reason;

const SECOND: u64 = 1_000_000_000;

/// The form of a time column; times are those of the market's clock (UTC+8), epochs are UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum TimeForm {
    /// `9150028`: hundredths of a second (Shanghai ticks).
    #[serde(rename = "HHMMSScc")]
    Hundredths,
    /// `91503`: seconds (Shanghai snapshots).
    #[serde(rename = "HHMMSS")]
    Seconds,
    /// `91500280`: milliseconds.
    #[serde(rename = "HHMMSSmmm")]
    Millis,
    /// `20230711091500280`: date and milliseconds (Shenzhen).
    #[serde(rename = "YYYYMMDDHHMMSSmmm")]
    DateMillis,
    /// `09:15:00.280`, with as many decimals as there are.
    #[default]
    #[serde(rename = "HH:MM:SS")]
    Clock,
    /// `2023.07.11T09:15:00.280`: a date of ten characters, one between, then as `HH:MM:SS`.
    #[serde(rename = "YYYY-MM-DD HH:MM:SS")]
    DateClock,
    /// Seconds since 1970 UTC.
    #[serde(rename = "epoch_s")]
    EpochSeconds,
    /// Milliseconds since 1970 UTC.
    #[serde(rename = "epoch_ms")]
    EpochMillis,
    /// Microseconds since 1970 UTC.
    #[serde(rename = "epoch_us")]
    EpochMicros,
    /// Nanoseconds since 1970 UTC.
    #[serde(rename = "epoch_ns")]
    EpochNanos,
    /// Milliseconds of the market's own clock since 1970 (times without a zone in Parquet).
    #[serde(rename = "local_ms")]
    LocalMillis,
    /// Microseconds of the market's own clock since 1970.
    #[serde(rename = "local_us")]
    LocalMicros,
    /// Nanoseconds of the market's own clock since 1970.
    #[serde(rename = "local_ns")]
    LocalNanos,
}

impl TimeForm {
    /// Whether a day must come from elsewhere.
    pub fn needs_date(self) -> bool {
        use TimeForm::{Clock, Hundredths, Millis, Seconds};
        matches!(self, Hundredths | Seconds | Millis | Clock)
    }
}

/// Reads times; remembers the last date it read, since most rows have the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    date: Vec<u8>,
    midnight: u64,
}

impl Clock {
    /// The instant of a row: `date` is its date cell, if it has one, else `fallback` holds the
    /// midnight of the day.
    pub fn instant(
        &mut self,
        form: TimeForm,
        time: &[u8],
        date: Option<&[u8]>,
        fallback: u64,
    ) -> Result<Nanos, Reason> {
        let epoch = |unit: u64| digits(time)?.checked_mul(unit).map(Nanos);
        let local = |unit: u64| {
            let Nanos(at) = epoch(unit)?;
            at.checked_sub(Market::HOURS_EAST * 3_600 * SECOND).map(Nanos)
        };
        let read = match form {
            TimeForm::EpochSeconds => epoch(SECOND),
            TimeForm::EpochMillis => epoch(1_000_000),
            TimeForm::EpochMicros => epoch(1_000),
            TimeForm::EpochNanos => epoch(1),
            TimeForm::LocalMillis => local(1_000_000),
            TimeForm::LocalMicros => local(1_000),
            TimeForm::LocalNanos => local(1),
            TimeForm::DateMillis => self.date_millis(time),
            TimeForm::DateClock => time.split_at_checked(10).and_then(|(date, rest)| {
                let of_day = clock(rest.get(1..)?)?;
                Some(Nanos(self.midnight(date)? + of_day))
            }),
            _ => of_day(form, time).and_then(|of_day| {
                let midnight = date.map_or(Some(fallback), |date| self.midnight(date))?;
                Some(Nanos(midnight + of_day))
            }),
        };
        read.ok_or(Reason::Time)
    }

    fn date_millis(&mut self, time: &[u8]) -> Option<Nanos> {
        let (date, rest) = time.trim_ascii().split_at_checked(8)?;
        let of_day = packed(digits(rest)?, 1_000)?;
        Some(Nanos(self.midnight(date)? + of_day))
    }

    fn midnight(&mut self, date: &[u8]) -> Option<u64> {
        if self.date != date {
            let day: Date = core::str::from_utf8(date).ok()?.trim().parse().ok()?;
            self.midnight = day.midnight_ns(Market::HOURS_EAST);
            self.date.clear();
            self.date.extend_from_slice(date);
        }
        Some(self.midnight)
    }
}

fn of_day(form: TimeForm, time: &[u8]) -> Option<u64> {
    match form {
        TimeForm::Seconds => packed(digits(time)?, 1),
        TimeForm::Hundredths => packed(digits(time)?, 100),
        TimeForm::Millis => packed(digits(time)?, 1_000),
        _ => clock(time.trim_ascii()),
    }
}

/// `HHMMSS` followed by the digits of 1/`parts` seconds, as one number.
fn packed(number: u64, parts: u64) -> Option<u64> {
    let (seconds, fraction) = (number / parts, number % parts);
    let of_day = of_clock(seconds / 10_000, seconds / 100 % 100, seconds % 100)?;
    Some(of_day + fraction * (SECOND / parts))
}

/// `HH:MM:SS` and decimals, if any.
fn clock(text: &[u8]) -> Option<u64> {
    let [h, h2, b':', m, m2, b':', s, s2, rest @ ..] = text else { return None };
    let two = |a: &u8, b: &u8| digits(&[*a, *b]);
    let whole = of_clock(two(h, h2)?, two(m, m2)?, two(s, s2)?)?;
    let decimals = match rest {
        [] => return Some(whole),
        [b'.', decimals @ ..] if (1..=9).contains(&decimals.len()) => decimals,
        _ => return None,
    };
    Some(whole + digits(decimals)? * 10u64.pow(9 - decimals.len() as u32))
}

fn of_clock(hours: u64, minutes: u64, seconds: u64) -> Option<u64> {
    let real = hours < 24 && minutes < 60 && seconds < 60;
    real.then_some((hours * 3_600 + minutes * 60 + seconds) * SECOND)
}

fn digits(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    text.iter().try_fold(0u64, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| value.checked_mul(10)?.checked_add(u64::from(digit)))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 1_689_004_800_000_000_000; // 2023-07-11 00:00 at UTC+8

    fn read(form: TimeForm, time: &str, date: Option<&str>) -> Result<u64, Reason> {
        let date = date.map(str::as_bytes);
        Clock::default().instant(form, time.as_bytes(), date, DAY).map(|at| at.0 - DAY)
    }

    #[test]
    fn every_form_of_the_same_instant_agrees() {
        let want = Ok(33_300_280_000_000); // 09:15:00.280
        use TimeForm as F;
        for (form, time, date) in [
            (F::Hundredths, "9150028", None),
            (F::Millis, "91500280", None),
            (F::Millis, "091500280", Some("20230711")),
            (F::DateMillis, "20230711091500280", None),
            (F::Clock, "09:15:00.280", None),
            (F::Clock, "09:15:00.28", Some("2023.07.11")),
            (F::Clock, "09:15:00.280000000", Some("2023-07-11")),
            (F::DateClock, "2023.07.11T09:15:00.280", None),
            (F::DateClock, "2023-07-11 09:15:00.28", None),
            (F::EpochMillis, "1689038100280", None),
            (F::EpochMicros, "1689038100280000", None),
            (F::EpochNanos, "1689038100280000000", None),
            (F::LocalMillis, "1689066900280", None),
            (F::LocalMicros, "1689066900280000", None),
            (F::LocalNanos, "1689066900280000000", None),
        ] {
            assert_eq!(read(form, time, date), want, "{form:?} {time}");
        }
        assert_eq!(read(F::Seconds, "84521", None), Ok(31_521_000_000_000));
        assert_eq!(read(F::EpochSeconds, "1689038100", None), Ok(33_300_000_000_000));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        use TimeForm as F;
        for (form, time, date) in [
            (F::Hundredths, "24000000", None),
            (F::Hundredths, "9600000", None),
            (F::Hundredths, "", None),
            (F::Seconds, "-1", None),
            (F::Clock, "9:15:00", None),
            (F::Clock, "09:15:60", None),
            (F::Clock, "09:15:00.", None),
            (F::Clock, "09:15:00.0000000001", None),
            (F::Clock, "09:15:00", Some("2023-02-30")),
            (F::DateClock, "2023.07.11", None),
            (F::DateMillis, "2023071", None),
            (F::EpochNanos, "99999999999999999999", None),
        ] {
            assert_eq!(read(form, time, date), Err(Reason::Time), "{form:?} {time:?}");
        }
    }
}
