//! Dates: from a trading day in New York to nanoseconds since 1970.

use nofx_types::Nanos;

/// A calendar day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// Year, 2007 to 2105: the summer-time rule below began in 2007, and pcap ends in 2106.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

const DAY_S: u64 = 86_400;

impl Date {
    /// From `YYYY-MM-DD`; `None` when it is no such date from 2007 to 2105.
    pub fn parse(text: &str) -> Option<Date> {
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 10
            && bytes.iter().enumerate().all(|(i, b)| match i {
                4 | 7 => *b == b'-',
                _ => b.is_ascii_digit(),
            });
        if !shaped {
            return None;
        }
        let year = text.get(0..4)?.parse().ok()?;
        let month = text.get(5..7)?.parse().ok()?;
        let day = text.get(8..10)?.parse().ok()?;
        let date = Date { year, month, day };
        let fits = (2007..=2105).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day);
        fits.then_some(date)
    }

    /// Midnight in New York at the start of this day, since 1970 UTC.
    pub fn midnight(self) -> Nanos {
        let offset_h = if self.is_summer() { 4 } else { 5 };
        Nanos((self.days() * DAY_S + offset_h * 3_600) * 1_000_000_000)
    }

    /// Days since 1970-01-01.
    fn days(self) -> u64 {
        let year = u64::from(self.year);
        let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
        let years = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
        let months: u64 = (1..self.month).map(|month| u64::from(days_in(self.year, month))).sum();
        years + months + u64::from(self.day) - 1
    }

    /// Summer time runs from the second Sunday of March to the first Sunday of November, at two in
    /// the morning: midnight of the first day is still winter, that of the last still summer.
    fn is_summer(self) -> bool {
        let march = Date { month: 3, day: 1, ..self };
        let november = Date { month: 11, day: 1, ..self };
        let first = march.first_sunday() + 7;
        (first + 1..=november.first_sunday()).contains(&self.days())
    }

    /// Days since 1970 of the first Sunday from here on; 1970-01-01 was a Thursday.
    fn first_sunday(self) -> u64 {
        let days = self.days();
        days + (7 - (days + 4) % 7) % 7
    }
}

fn days_in(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnights_are_those_of_the_time_zone_database() {
        // TZ=America/New_York date -d 'DATE 00:00' +%s
        for (text, seconds) in [
            ("2026-01-15", 1_768_453_200),
            ("2026-03-08", 1_772_946_000),
            ("2026-03-09", 1_773_028_800),
            ("2026-11-01", 1_793_505_600),
            ("2026-11-02", 1_793_595_600),
            ("2019-12-30", 1_577_682_000),
            ("2024-02-29", 1_709_182_800),
            ("2100-07-01", 4_118_097_600),
        ] {
            let date = Date::parse(text).expect(text);
            assert_eq!(date.midnight(), Nanos(seconds * 1_000_000_000), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2026-1-15",
            "2026-02-29",
            "2026-13-01",
            "2026-04-31",
            "1999-01-01",
            "2026-00-10",
            "2026-01-00",
            "2106-01-01",
            "+026-01-01",
            "2026/01/15",
            "２026-01-1",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }
}
