//! The numbers of the wire and those of the engine.
//!
//! | wire | decimals | engine |
//! |---|---|---|
//! | Price | 4 | [`Price`], as it is |
//! | MDEntryPx | 6 | [`Price`], divided by 100 |
//! | Qty | 2 | [`Qty`], divided by 100 |
//! | LocalTimestamp | `YYYYMMDDHHMMSSsss`, UTC+8 | [`Nanos`] since 1970 UTC |

use nofx_types::{Date, Market, Nanos, Price, Qty};

use crate::num::BeI64;

/// A price of a tick.
#[inline]
pub const fn price_of(price: BeI64) -> Price {
    Price(price.get())
}

/// A price of a snapshot entry; `None` when four decimals do not hold it.
#[inline]
pub const fn price_of_entry(price: BeI64) -> Option<Price> {
    let price = price.get();
    if price % 100 == 0 { Some(Price(price / 100)) } else { None }
}

/// A price of the engine as a snapshot entry's.
#[inline]
pub const fn entry_price(price: Price) -> BeI64 {
    BeI64::new(price.0.saturating_mul(100))
}

/// A quantity in shares; `None` when it is negative or has a fraction.
#[inline]
pub const fn shares_of(qty: BeI64) -> Option<Qty> {
    let qty = qty.get();
    if qty >= 0 && qty % 100 == 0 { Some(Qty(qty as u64 / 100)) } else { None }
}

/// Shares as a quantity of the wire.
#[inline]
pub const fn qty_e2(qty: Qty) -> BeI64 {
    let shares = if qty.0 > LARGEST { LARGEST } else { qty.0 };
    BeI64::new(shares as i64 * 100)
}

const LARGEST: u64 = i64::MAX as u64 / 100;
const MINUTE_NS: u64 = 60_000_000_000;
const MILLI_NS: u64 = 1_000_000;

/// Reads time stamps; remembers the last one, which most messages repeat, and its day.
#[derive(Clone, Copy, Debug)]
pub struct LocalTime {
    stamp: i64,
    ns: Nanos,
    day: u64,
    midnight_ns: u64,
}

impl Default for LocalTime {
    fn default() -> LocalTime {
        LocalTime { stamp: 0, ns: Nanos(0), day: 0, midnight_ns: 0 }
    }
}

impl LocalTime {
    /// Nanoseconds since 1970 UTC; `None` for what is no time, and for days before 1970-01-02.
    #[inline]
    pub fn nanos(&mut self, stamp: BeI64) -> Option<Nanos> {
        let stamp = stamp.get();
        if stamp == self.stamp {
            return Some(self.ns).filter(|ns| ns.0 > 0);
        }
        self.read(stamp)
    }

    fn read(&mut self, stamp: i64) -> Option<Nanos> {
        let number = u64::try_from(stamp).ok()?;
        let (day, clock) = (number / 1_000_000_000, number % 1_000_000_000);
        if day != self.day || day == 0 {
            let date = Date::from_number(u32::try_from(day).ok()?)?;
            if date.days() == 0 {
                return None;
            }
            (self.day, self.midnight_ns) = (day, date.midnight_ns(Market::HOURS_EAST));
        }
        let (hours, minutes) = (clock / 10_000_000, clock / 100_000 % 100);
        let millis = clock % 100_000;
        if hours > 23 || minutes > 59 || millis > 59_999 {
            return None;
        }
        let ns = (hours * 60 + minutes) * MINUTE_NS + millis * MILLI_NS;
        (self.stamp, self.ns) = (stamp, Nanos(self.midnight_ns + ns));
        Some(self.ns)
    }
}

/// A time as a stamp of the wire, cut to milliseconds; four digits of year.
pub fn local_time(at: Nanos) -> BeI64 {
    let day = Date::of_ns(at.0, Market::HOURS_EAST);
    let of_day = at.0.saturating_sub(day.midnight_ns(Market::HOURS_EAST));
    let minutes = of_day / MINUTE_NS;
    let clock = minutes / 60 * 10_000_000 + minutes % 60 * 100_000 + of_day % MINUTE_NS / MILLI_NS;
    BeI64::new(i64::from(day.number()) * 1_000_000_000 + clock as i64)
}
