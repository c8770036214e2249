//! Decimal text onto scaled integers.

use crate::Reason;

/// A number may miss the next whole unit by this part of a unit and is rounded to it: floats that
/// went through text (15.929999999999999).
const PARTS_PER_UNIT: u64 = 1_000_000;

/// Large sums of money, summed in doubles: 2^-48 of the value (16 steps of a double) is rounded away
/// as well.
const DOUBLE_BITS: u32 = 48;

/// Digits kept: more of a fraction than these cannot matter at any scale in use.
const DIGITS_MAX: u32 = 18;

const POWERS: [u64; 19] = {
    let mut powers = [1u64; 19];
    let mut at = 1;
    while at < 19 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// `text` times `10^decimals`, rounded where it is within 1e-6 of a whole (or within the precision of
/// sums of doubles); anything further off is [`Reason::Scale`]. Empty text is zero: vendors leave out what does not apply.
pub(crate) fn units(text: &[u8], decimals: i32) -> Result<i64, Reason> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] if !rest.is_empty() => (true, rest),
        _ => (false, text),
    };
    let (mantissa, fraction) = mantissa(digits)?;
    let magnitude = shift(mantissa, decimals - fraction)?;
    let value = i64::try_from(magnitude).map_err(|_| Reason::Range)?;
    Ok(if negative { -value } else { value })
}

/// As [`units`], and not negative.
pub(crate) fn count(text: &[u8], decimals: i32) -> Result<u64, Reason> {
    u64::try_from(units(text, decimals)?).map_err(|_| Reason::Range)
}

/// A whole number of at most 19 digits, blanks around it allowed; empty is zero.
pub(crate) fn whole(text: &[u8]) -> Result<u64, Reason> {
    let mut value = 0u64;
    for byte in text.trim_ascii() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return whole_float(text);
        }
        let next = value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit)));
        value = next.ok_or(Reason::Range)?;
    }
    Ok(value)
}

/// Tools that know no missing integer write ids as 12345.0.
#[cold]
fn whole_float(text: &[u8]) -> Result<u64, Reason> {
    count(text.trim_ascii(), 0)
}

/// The digits as one number, and how many of them stand behind the point (less than none with an
/// exponent: 1.5E9).
fn mantissa(text: &[u8]) -> Result<(u64, i32), Reason> {
    let is_exponent = |byte: &u8| matches!(byte, b'e' | b'E');
    let (digits, exponent) = match text.iter().position(is_exponent) {
        Some(at) => (text.get(..at).unwrap_or_default(), exponent(text.get(at + 1..))?),
        None => (text, 0),
    };
    let (mut value, mut kept, mut fraction, mut point) = (0u64, 0u32, 0i32, false);
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        match *byte {
            b'.' if !point => point = true,
            _ if digit > 9 => return Err(Reason::Number),
            _ if kept >= DIGITS_MAX => {
                if !point {
                    return Err(Reason::Range);
                }
            }
            _ => {
                value = value * 10 + u64::from(digit);
                kept += u32::from(value > 0);
                fraction += i32::from(point);
            }
        }
    }
    let empty = digits.len() == usize::from(point);
    if empty && !text.is_empty() { Err(Reason::Number) } else { Ok((value, fraction - exponent)) }
}

fn exponent(text: Option<&[u8]>) -> Result<i32, Reason> {
    let (sign, digits) = match text.unwrap_or_default() {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    match digits {
        [a @ b'0'..=b'9'] => Ok(sign * i32::from(a - b'0')),
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Ok(sign * i32::from((a - b'0') * 10 + (b - b'0'))),
        _ => Err(Reason::Number),
    }
}

/// `value` times `10^by`.
fn shift(value: u64, by: i32) -> Result<u64, Reason> {
    let power = POWERS.get(by.unsigned_abs() as usize).copied();
    let Some(power) = power else {
        return if value == 0 { Ok(0) } else { Err(Reason::Range) };
    };
    if by >= 0 {
        return value.checked_mul(power).ok_or(Reason::Range);
    }
    let (whole, rest) = (value / power, value % power);
    let tolerance = (power / PARTS_PER_UNIT).max(value >> DOUBLE_BITS);
    if rest <= tolerance {
        Ok(whole)
    } else if power - rest <= tolerance {
        Ok(whole + 1)
    } else {
        Err(Reason::Scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float_noise_rounds_and_half_units_do_not() {
        for (text, decimals, want) in [
            ("15.929999999999999", 4, Ok(159_300)),
            ("8.169999999999998", 4, Ok(81_700)),
            ("21.420000000000001", 4, Ok(214_200)),
            ("1818880", 1, Ok(18_188_800)),
            ("100000", -3, Ok(100)),
            ("18549903.230000004172325", 4, Ok(185_499_032_300)),
            ("14", 4, Ok(140_000)),
            ("-0.05", 4, Ok(-500)),
            ("", 4, Ok(0)),
            ("0", -3, Ok(0)),
            (".5", 4, Ok(5_000)),
            ("7.", 0, Ok(7)),
            ("15.92995", 4, Err(Reason::Scale)),
            ("15.929900001", 4, Err(Reason::Scale)),
            ("100500", -3, Err(Reason::Scale)),
            ("1.2.3", 4, Err(Reason::Number)),
            ("1.00075209407E9", 4, Ok(10_007_520_940_700)),
            ("1e-05", 4, Err(Reason::Scale)),
            ("5e-2", 4, Ok(500)),
            ("1e", 4, Err(Reason::Number)),
            ("e3", 4, Err(Reason::Number)),
            ("1e300", 4, Err(Reason::Number)),
            (".", 4, Err(Reason::Number)),
            ("-", 4, Err(Reason::Number)),
            ("99999999999999999999", 0, Err(Reason::Range)),
            ("999999999999999999", 4, Err(Reason::Range)),
        ] {
            assert_eq!(units(text.as_bytes(), decimals), want, "{text} x 10^{decimals}");
        }
    }

    #[test]
    fn every_price_of_two_decimals_survives_a_double() {
        for cents in (1..400_000u32).step_by(7) {
            let text = format!("{:.17}", f64::from(cents) / 100.0);
            assert_eq!(units(text.as_bytes(), 4), Ok(i64::from(cents) * 100), "{text}");
        }
    }

    #[test]
    fn ids_may_be_written_as_floats_or_be_absent() {
        assert_eq!(whole(b"1329"), Ok(1_329));
        assert_eq!(whole(b" 1329.0 "), Ok(1_329));
        assert_eq!(whole(b""), Ok(0));
        assert_eq!(whole(b"-4"), Err(Reason::Range));
        assert_eq!(whole(b"4x"), Err(Reason::Number));
        assert_eq!(whole(b"99999999999999999999"), Err(Reason::Range));
    }
}
