//! Numbers and ids. Each is its own type so that a price cannot be added to a quantity by mistake.

use core::fmt;

/// Decimals of a [`Price`] unless the instrument says otherwise: prices count 1/10,000.
pub const PRICE_DECIMALS: u8 = 4;

/// A price in units of `10^-decimals`; four decimals ([`PRICE_DECIMALS`]) unless the instrument says
/// otherwise. Signed because spreads of futures may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Price(pub i64);

/// A number of shares or contracts. One order holds at most `u32::MAX`; sums use the full width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Qty(pub u64);

/// Nanoseconds; the epoch is that of the clock that made it (since 1970 UTC for captures and the
/// engine's own time, the venue's own epoch for exchange stamps).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Nanos(pub u64);

/// Index of an instrument in the tables of this run. ITCH uses the stock locate itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct InstrumentId(pub u32);

/// The venue's id of a resting order, any 64-bit value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct OrderRef(pub u64);

/// Our id of an order: rising, never used twice in a day (OUCH `UserRefNum`). Zero names no order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct ClOrdId(pub u32);

/// A trading account (firm or desk) that limits are kept for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct AccountId(pub u16);

/// Side of the book, and of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Side {
    /// Buy side, bids.
    Buy = 0,
    /// Sell side, asks (offers).
    Sell = 1,
}

impl Side {
    /// Both sides, bids first.
    pub const BOTH: [Side; 2] = [Side::Buy, Side::Sell];

    /// 0 for buy, 1 for sell.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The other side.
    #[inline]
    pub const fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }

    /// Whether `a` is a better price than `b` for an order resting on this side.
    #[inline]
    pub fn better(self, a: Price, b: Price) -> bool {
        match self {
            Side::Buy => a > b,
            Side::Sell => a < b,
        }
    }

    /// +1 for buy, -1 for sell: the sign of the position that a fill makes.
    #[inline]
    pub const fn sign(self) -> i64 {
        match self {
            Side::Buy => 1,
            Side::Sell => -1,
        }
    }
}

impl InstrumentId {
    /// Names every instrument of the stream: market-wide phases, gaps, session restarts.
    pub const ALL: InstrumentId = InstrumentId(u32::MAX);

    /// As a table index.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl AccountId {
    /// As a table index.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl ClOrdId {
    /// Names no order.
    pub const NONE: ClOrdId = ClOrdId(0);
}

impl Price {
    /// Shows the price as decimal text, trailing zeros kept down to two decimals.
    pub const fn decimal(self, decimals: u8) -> Decimal {
        Decimal { value: self.0, decimals }
    }
}

impl Nanos {
    /// Nanoseconds from `earlier` to `self`, zero when the clock stepped back.
    #[inline]
    pub const fn since(self, earlier: Nanos) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant plus `ns`, saturating.
    #[inline]
    pub const fn plus(self, ns: u64) -> Nanos {
        Nanos(self.0.saturating_add(ns))
    }
}

/// Decimal text of a scaled integer; made by [`Price::decimal`].
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    value: i64,
    decimals: u8,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = usize::from(self.decimals.min(18));
        let scale = 10u64.pow(decimals as u32);
        let magnitude = self.value.unsigned_abs();
        let sign = if self.value < 0 { "-" } else { "" };
        if decimals == 0 {
            return write!(f, "{sign}{magnitude}");
        }
        write!(f, "{sign}{}.{:0decimals$}", magnitude / scale, magnitude % scale)
    }
}

/// Why a text is not a decimal number of the wanted scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseDecimalError {
    /// Not of the form `[-]digits[.digits]`.
    Malformed,
    /// More decimals than the scale holds, other than zeros.
    TooPrecise,
    /// Does not fit 64 bits at this scale.
    OutOfRange,
}

impl fmt::Display for ParseDecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a decimal number (want digits, e.g. 12.34)",
            Self::TooPrecise => "more decimals than the instrument's scale holds",
            Self::OutOfRange => "too large for 64 bits at the instrument's scale",
        })
    }
}

impl core::error::Error for ParseDecimalError {}

/// Parses decimal text into an integer of `10^-decimals` units, exactly or not at all.
///
/// ```
/// assert_eq!(nofx_types::parse_decimal("12.34", 4), Ok(123_400));
/// assert!(nofx_types::parse_decimal("0.00001", 4).is_err());
/// ```
pub fn parse_decimal(text: &str, decimals: u8) -> Result<i64, ParseDecimalError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(ParseDecimalError::Malformed);
    }
    let kept = fraction.len().min(usize::from(decimals));
    if fraction.bytes().skip(kept).any(|b| b != b'0') {
        return Err(ParseDecimalError::TooPrecise);
    }
    let padding = core::iter::repeat_n(b'0', usize::from(decimals) - kept);
    let mut value = 0i64;
    for digit in whole.bytes().chain(fraction.bytes().take(kept)).chain(padding) {
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(i64::from(digit - b'0')))
            .ok_or(ParseDecimalError::OutOfRange)?;
    }
    Ok(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn decimal_text_round_trips_at_each_scale() {
        for (value, decimals, text) in [
            (123_400, 4, "12.3400"),
            (-5, 2, "-0.05"),
            (7, 0, "7"),
            (i64::MIN + 1, 4, "-922337203685477.5807"),
        ] {
            assert_eq!(Price(value).decimal(decimals).to_string(), text);
            assert_eq!(parse_decimal(text, decimals), Ok(value));
        }
    }

    #[test]
    fn malformed_decimal_text_is_refused() {
        for text in ["", "-", ".5", "1.2.3", "1e3", " 1", "+1", "0x10"] {
            assert_eq!(parse_decimal(text, 4), Err(ParseDecimalError::Malformed), "{text:?}");
        }
        assert_eq!(parse_decimal("1.23456", 4), Err(ParseDecimalError::TooPrecise));
        assert_eq!(parse_decimal("1.234500", 4), Ok(12_345));
        assert_eq!(parse_decimal("99999999999999999", 4), Err(ParseDecimalError::OutOfRange));
    }
}
