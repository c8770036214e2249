//! [`Reading`]: what a time service says once, in one unit, and how it ages.

use serde::Serialize;
use utoipa::ToSchema;

/// What a time service said at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reading {
    /// Whom the clock follows: address, name or identity.
    pub reference: String,
    /// Steps from the reference clock, where the service counts them.
    pub stratum: Option<u32>,
    /// Measured offset of the clock in nanoseconds, signed as the service signs it.
    pub offset_ns: i64,
    /// Half the round trip (chrony) or the mean path (PTP): how much an uneven path can hide.
    pub path_ns: u64,
    /// What the reference and the measurements leave open.
    pub dispersion_ns: u64,
    /// |offset| + path + dispersion: the clock is this close to the reference, at the most.
    pub error_ns: u64,
    /// How fast that grows while nothing new is read, in parts per billion.
    pub growth_ppb: u64,
    /// What must change from reading to reading for the service to be at work (PTP: arrival of the
    /// last sync); 0 where the service ages its figures itself.
    #[serde(skip)]
    pub mark: u64,
}

impl Reading {
    /// Adds up the bound from its parts.
    pub(super) fn summed(mut self) -> Reading {
        let offset = self.offset_ns.unsigned_abs();
        self.error_ns = offset.saturating_add(self.path_ns).saturating_add(self.dispersion_ns);
        self
    }

    /// The bound `age_ns` after the reading.
    pub fn error_after(&self, age_ns: u64) -> u64 {
        let grown = u128::from(age_ns) * u128::from(self.growth_ppb) / 1_000_000_000;
        self.error_ns.saturating_add(u64::try_from(grown).unwrap_or(u64::MAX))
    }
}

/// A decimal number of units as an integer of `10^-digits` units, cut parts rounded away from zero
/// so that a bound never shrinks. `None` for anything but digits with one sign and one point.
pub(super) fn scaled(text: &str, digits: u32) -> Option<i64> {
    let (negative, text) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(part) {
        return None;
    }
    let kept = part.get(..part.len().min(digits as usize))?;
    let cut = part.get(kept.len()..)?.bytes().any(|b| b != b'0');
    let scale = 10i64.checked_pow(digits)?;
    let padding = 10i64.checked_pow(digits - kept.len() as u32)?;
    let fraction = if kept.is_empty() { 0 } else { kept.parse::<i64>().ok()? };
    let value = whole.parse::<i64>().ok()?.checked_mul(scale)?;
    let value = value.checked_add(fraction.checked_mul(padding)?)?.checked_add(cut.into())?;
    Some(if negative { -value } else { value })
}

/// Seconds as nanoseconds.
pub(super) fn seconds(text: &str) -> Option<i64> {
    scaled(text, 9)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_exact_and_cut_parts_widen() {
        let cases = [
            ("0", Some(0)),
            ("1.5", Some(1_500_000_000)),
            ("-0.000002602", Some(-2_602)),
            ("+3", Some(3_000_000_000)),
            ("0.0000000001", Some(1)),
            ("-0.0000000011", Some(-2)),
            ("9223372036.854775807", Some(i64::MAX)),
            ("9223372036.854775808", None),
            ("99999999999", None),
            ("", None),
            (".", None),
            ("1.", None),
            (".5", None),
            ("1.2.3", None),
            ("--1", None),
            ("1e3", None),
            ("nan", None),
            ("inf", None),
            ("1_000", None),
            ("\u{661}", None),
        ];
        cases.iter().for_each(|(text, want)| assert_eq!(seconds(text), *want, "{text}"));
    }

    #[test]
    fn a_bound_grows_with_its_age() {
        let reading = Reading { offset_ns: -5, path_ns: 10, dispersion_ns: 20, ..<_>::default() };
        let reading = Reading { growth_ppb: 1_000, ..reading.summed() };
        assert_eq!((reading.error_after(0), reading.error_after(1_000_000_000)), (35, 1_035));
        let widest = Reading { offset_ns: i64::MIN, growth_ppb: u64::MAX, ..reading }.summed();
        assert_eq!(widest.error_after(u64::MAX), u64::MAX);
    }

    proptest! {
        #[test]
        fn a_printed_number_comes_back(n in -1_000_000_000_000_000i64..1_000_000_000_000_000) {
            let sign = if n < 0 { "-" } else { "" };
            let (whole, part) = (n.unsigned_abs() / 1_000_000_000, n.unsigned_abs() % 1_000_000_000);
            prop_assert_eq!(seconds(&format!("{sign}{whole}.{part:09}")), Some(n));
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,40}", digits in 0u32..30) {
            let _ = scaled(&text, digits);
        }
    }
}
