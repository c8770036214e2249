//! Trading days: weekends, holidays, half days.

use nofx_types::Date;
use serde::Deserialize;

use crate::text;

/// What kind of day it is for a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DayKind {
    /// All sessions.
    Full,
    /// The morning only.
    Half,
    /// Weekend or holiday.
    Closed,
}

/// A `[[calendar]]` section: the days of one year that are not as its weekdays say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Year {
    pub year: u32,
    /// Weekdays without trading.
    #[serde(deserialize_with = "text::dates")]
    pub holidays: Vec<Date>,
    /// Days with a morning session only.
    #[serde(default, deserialize_with = "text::dates")]
    pub half_days: Vec<Date>,
}

impl Year {
    pub fn kind(&self, date: Date) -> DayKind {
        if date.weekday() >= 5 || self.holidays.contains(&date) {
            DayKind::Closed
        } else if self.half_days.contains(&date) {
            DayKind::Half
        } else {
            DayKind::Full
        }
    }

    /// Days that stand in the wrong year, or are no weekdays to begin with.
    pub fn misplaced(&self) -> Option<Date> {
        let mut days = self.holidays.iter().chain(&self.half_days);
        days.find(|day| day.parts().0 != self.year || day.weekday() >= 5).copied()
    }
}
