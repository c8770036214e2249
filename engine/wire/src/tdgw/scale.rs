//! What no source makes certain: decimals of prices and quantities, form of times.

use nofx_types::{Nanos, PRICE_DECIMALS, Price, Qty};

use crate::num::{Be64, BeI64};
use crate::text::ChinaTime;

/// Decimals on the wire. The default, five for prices and three for quantities, is from
/// memory, and what a second public source agrees on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    price: i64,
    qty: u64,
}

impl Default for Scale {
    fn default() -> Scale {
        Scale { price: 10, qty: 1_000 }
    }
}

impl Scale {
    /// Prices with 4 to 9 decimals, quantities with 0 to 9; `None` otherwise.
    pub const fn new(price_decimals: u8, qty_decimals: u8) -> Option<Scale> {
        if price_decimals < PRICE_DECIMALS || price_decimals > 9 || qty_decimals > 9 {
            return None;
        }
        let price = 10i64.pow((price_decimals - PRICE_DECIMALS) as u32);
        Some(Scale { price, qty: 10u64.pow(qty_decimals as u32) })
    }

    /// A price for the wire; `None` when it is too large.
    #[inline]
    pub const fn price_out(self, price: Price) -> Option<BeI64> {
        match price.0.checked_mul(self.price) {
            Some(value) => Some(BeI64::new(value)),
            None => None,
        }
    }

    /// A price of the wire; `None` when it is finer than 1/10,000.
    #[inline]
    pub const fn price_in(self, price: BeI64) -> Option<Price> {
        let value = price.get();
        if value % self.price != 0 { None } else { Some(Price(value / self.price)) }
    }

    /// Shares for the wire; `None` when they are too many.
    #[inline]
    pub const fn qty_out(self, qty: Qty) -> Option<BeI64> {
        match qty.0.checked_mul(self.qty) {
            Some(value) if value <= i64::MAX as u64 => Some(BeI64::new(value as i64)),
            _ => None,
        }
    }

    /// A quantity of the wire as shares; `None` when it is negative or has a fraction.
    #[inline]
    pub const fn qty_in(self, qty: BeI64) -> Option<Qty> {
        let value = qty.get();
        if value < 0 || !(value as u64).is_multiple_of(self.qty) {
            return None;
        }
        Some(Qty(value as u64 / self.qty))
    }
}

/// Form of `transact_time`, which no source states \[?\]; China's clock in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeForm {
    /// `HHMMSSsssnnnn`: milliseconds, then units of 100 ns (one public source).
    #[default]
    OfDay,
    /// `YYYYMMDDHHMMSSsss`, as in Shenzhen.
    Stamp,
}

impl TimeForm {
    /// `at` in this form.
    #[inline]
    pub fn write(self, clock: &mut ChinaTime, at: Nanos) -> Be64 {
        Be64::new(match self {
            TimeForm::OfDay => clock.of_day(at),
            TimeForm::Stamp => clock.timestamp(at) as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_out_and_come_back_or_are_refused() {
        let scale = Scale::default();
        assert_eq!(Scale::new(5, 3), Some(scale));
        assert_eq!(scale.price_out(Price(186_400)).map(BeI64::get), Some(1_864_000));
        assert_eq!(scale.price_in(BeI64::new(1_864_000)), Some(Price(186_400)));
        assert_eq!(scale.price_in(BeI64::new(1_864_001)), None);
        assert_eq!(scale.qty_out(Qty(100)).map(BeI64::get), Some(100_000));
        assert_eq!(scale.qty_in(BeI64::new(100_500)), None);
        assert_eq!(scale.qty_in(BeI64::new(-1_000)), None);
        assert_eq!(scale.price_out(Price(i64::MAX)), None);
        assert_eq!(scale.qty_out(Qty(u64::MAX)), None);
        assert_eq!((Scale::new(3, 3), Scale::new(10, 3), Scale::new(5, 10)), (None, None, None));
    }
}
