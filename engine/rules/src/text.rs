//! How a rule file writes numbers: decimal text for money and rates, `HH:MM[:SS]` for times.

use nofx_types::{Date, parse_decimal};
use serde::{Deserialize, Deserializer, de::Error};

/// Decimal text as 1/10,000 (`"0.01"` is 100).
pub fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_decimal(&text, 4).map_err(|e| Error::custom(format!("{text:?}: {e}")))
}

/// Decimal text as billionths (`"0.00005"` is 50,000).
pub fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_decimal(&text, 9).map_err(|e| Error::custom(format!("{text:?}: {e}")))
}

/// `HH:MM` or `HH:MM:SS` as nanoseconds since midnight; `24:00` is the end of the day.
pub fn clock<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    clock_ns(&text).ok_or_else(|| Error::custom(format!("{text:?}: want HH:MM or HH:MM:SS")))
}

/// As [`clock`], where the key may be absent.
pub fn clock_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    clock(deserializer).map(Some)
}

/// `HH:MM` or `HH:MM:SS` as nanoseconds since midnight.
pub fn clock_ns(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let mut part = || parts.next().filter(|part| part.len() == 2)?.parse::<u64>().ok();
    let (hour, minute) = (part()?, part()?);
    let second = if text.len() > 5 { part()? } else { 0 };
    let seconds = hour * 3_600 + minute * 60 + second;
    let good = minute < 60 && second < 60 && seconds <= 86_400 && parts.next().is_none();
    good.then_some(seconds * 1_000_000_000)
}

/// A list of `YYYY-MM-DD`.
pub fn dates<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Date>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts
        .iter()
        .map(|text| text.parse().map_err(|e| Error::custom(format!("{text:?}: {e}"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::clock_ns;

    #[test]
    fn times_of_day_are_parsed_or_refused() {
        assert_eq!(clock_ns("09:30"), Some(34_200_000_000_000));
        assert_eq!(clock_ns("14:56:59"), Some(53_819_000_000_000));
        assert_eq!(clock_ns("24:00"), Some(86_400_000_000_000));
        for text in ["9:30", "09:60", "25:00", "09:30:00:00", "", "09", "09:30:6", "24:00:01"] {
            assert_eq!(clock_ns(text), None, "{text}");
        }
    }
}
