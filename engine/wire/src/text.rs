//! Text fields that several order protocols share: our order ids as digits, and clocks as text or
//! as one decimal number, with the part that changes once a day kept.

use nofx_types::{Date, Market, Nanos};

const NANOS_PER_DAY: u64 = 86_400_000_000_000;
const NANOS_PER_HOUR: u64 = 3_600_000_000_000;

/// `id` as ten decimal digits: every `u32` fits.
#[inline]
pub const fn id_digits(id: u32) -> [u8; 10] {
    let mut digits = [b'0'; 10];
    let (mut rest, mut place) = (id, 10);
    while place > 0 {
        place -= 1;
        digits[place] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    digits
}

/// The id that [`id_digits`] wrote to the front of `field`, with nothing behind it but NUL or
/// space; `None` for an id that is not ours.
#[inline]
pub fn id_of(field: &[u8]) -> Option<u32> {
    let (digits, padding) = field.split_first_chunk::<10>()?;
    if padding.iter().any(|byte| !matches!(byte, 0 | b' ')) {
        return None;
    }
    let value = digits.iter().try_fold(0u64, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + u64::from(byte - b'0'))
    })?;
    u32::try_from(value).ok().filter(|id| *id != 0)
}

/// `text` at the front of a field of `N` bytes, padded with `pad`; `None` when it is longer.
pub fn padded<const N: usize>(text: &[u8], pad: u8) -> Option<[u8; N]> {
    let mut field = [pad; N];
    field.get_mut(..text.len())?.copy_from_slice(text);
    Some(field)
}

/// A text field without its padding: what stands before the first NUL, without spaces behind it.
pub fn trimmed(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    field.get(..end).unwrap_or(field).trim_ascii_end()
}

/// Time of day, cut to what the protocols carry.
#[derive(Clone, Copy)]
struct Clock {
    hour: u64,
    minute: u64,
    second: u64,
    /// Nanoseconds of the second.
    ns: u64,
}

impl Clock {
    #[inline]
    const fn of(ns_of_day: u64) -> Clock {
        let seconds = ns_of_day / 1_000_000_000;
        Clock {
            hour: seconds / 3_600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            ns: ns_of_day % 1_000_000_000,
        }
    }

    #[inline]
    const fn hhmmss(self) -> u64 {
        self.hour * 10_000 + self.minute * 100 + self.second
    }
}

/// Writes `YYYYMMDD-HH:MM:SS.sss` in UTC; the date is computed once a day.
#[derive(Clone, Copy, Debug, Default)]
pub struct UtcText {
    day: u64,
    date: [u8; 8],
}

impl UtcText {
    /// `at` as text, padded with NUL to `char[25]`.
    #[inline]
    pub fn write(&mut self, at: Nanos) -> [u8; 25] {
        let day = at.0 / NANOS_PER_DAY;
        if day != self.day || self.date[0] == 0 {
            self.day = day;
            let [_, _, date @ ..] = id_digits(Date::of_ns(at.0, 0).number());
            self.date = date;
        }
        let clock = Clock::of(at.0 % NANOS_PER_DAY);
        let [a, b, c, d, e, f, g, h] = self.date;
        let [h1, h0] = two(clock.hour);
        let [m1, m0] = two(clock.minute);
        let [s1, s0] = two(clock.second);
        let ms = clock.ns / 1_000_000;
        let [t, u] = two(ms % 100);
        let ms = b'0' + (ms / 100) as u8;
        [
            a, b, c, d, e, f, g, h, b'-', h1, h0, b':', m1, m0, b':', s1, s0, b'.', ms, t, u, 0, 0,
            0, 0,
        ]
    }
}

#[inline]
const fn two(value: u64) -> [u8; 2] {
    [b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]
}

/// China's clock (eight hours east of Greenwich, no summer time) as one decimal number; the date is
/// computed once a day.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChinaTime {
    day: u64,
    date: u64,
}

impl ChinaTime {
    /// `at` as `YYYYMMDDHHMMSSsss`, Shenzhen's LocalTimestamp.
    #[inline]
    pub fn timestamp(&mut self, at: Nanos) -> i64 {
        let date = u64::from(self.date(at));
        let clock = Clock::of((at.0 + Market::HOURS_EAST * NANOS_PER_HOUR) % NANOS_PER_DAY);
        ((date * 1_000_000 + clock.hhmmss()) * 1_000 + clock.ns / 1_000_000) as i64
    }

    /// `at` as `HHMMSSsssnnnn`: milliseconds, then units of 100 ns.
    #[inline]
    pub fn of_day(&self, at: Nanos) -> u64 {
        let clock = Clock::of((at.0 + Market::HOURS_EAST * NANOS_PER_HOUR) % NANOS_PER_DAY);
        clock.hhmmss() * 10_000_000 + clock.ns / 100
    }

    /// The date of `at` as `YYYYMMDD`.
    #[inline]
    pub fn date(&mut self, at: Nanos) -> u32 {
        let day = (at.0 + Market::HOURS_EAST * NANOS_PER_HOUR) / NANOS_PER_DAY;
        if day != self.day || self.date == 0 {
            self.day = day;
            self.date = u64::from(Date::of_ns(at.0, Market::HOURS_EAST).number());
        }
        self.date as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-26 16:30:05.123456700 UTC: the next day in China.
    const AT: Nanos = Nanos(1_795_710_605_123_456_700);

    #[test]
    fn ids_are_ten_digits_and_others_ids_are_told_apart() {
        for id in [1, 9, 10, 4_294_967_295] {
            let mut field = [0; 21];
            field[..10].copy_from_slice(&id_digits(id));
            assert_eq!(id_of(&field), Some(id));
            assert_eq!(id_of(&id_digits(id)), Some(id));
        }
        assert_eq!(&id_digits(77), b"0000000077");
        assert_eq!(id_of(b"0000000077  "), Some(77));
        for foreign in
            [&b"77"[..], b"77        ", b"4294967296", b"000000007x", b"00000000771", b"", &[0; 21]]
        {
            assert_eq!(id_of(foreign), None, "{foreign:?}");
        }
        assert_eq!(id_of(b"0000000000"), None, "zero names no order");
    }

    #[test]
    fn clocks_show_the_date_of_their_zone() {
        let mut utc = UtcText::default();
        assert_eq!(&utc.write(AT), b"20261126-16:30:05.123\0\0\0\0");
        assert_eq!(&utc.write(AT.plus(8 * NANOS_PER_HOUR)), b"20261127-00:30:05.123\0\0\0\0");
        assert_eq!(&utc.write(AT), b"20261126-16:30:05.123\0\0\0\0", "and back");
        let mut china = ChinaTime::default();
        assert_eq!(china.timestamp(AT), 20_261_127_003_005_123);
        assert_eq!(china.date(AT), 20_261_127);
        assert_eq!(china.of_day(AT), 30_051_234_567);
        assert_eq!(china.of_day(AT.plus(9 * NANOS_PER_HOUR)), 930_051_234_567);
        assert_eq!(china.timestamp(Nanos(AT.0 - NANOS_PER_HOUR)), 20_261_126_233_005_123);
    }

    #[test]
    fn fields_are_padded_and_trimmed() {
        assert_eq!(padded::<4>(b"ab", b' '), Some(*b"ab  "));
        assert_eq!(padded::<1>(b"ab", 0), None);
        assert_eq!(trimmed(b"ab \0x"), b"ab");
        assert_eq!(trimmed(b"    "), b"");
    }
}
