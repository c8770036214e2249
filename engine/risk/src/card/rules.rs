//! The rules, each a pure function that answers "refuse?".
//!
//! Model: arguments have the widths of the table in [`crate::card`]; limits are inclusive (an order
//! at the limit passes). Sums saturate upwards, and no limit reaches the saturated value, so an
//! overflow can only refuse. Nothing branches on data that hardware would not put in a mux.

use nofx_types::Side;

use super::{AccountRow, Holding};

/// Tests "is a multiple of the lot" with one multiplication instead of a division.
///
/// With `lot = odd << shift`, and `inverse` the inverse of `odd` modulo 2^32, `qty` is a multiple
/// exactly when `(qty * inverse)` rotated right by `shift` does not exceed `(2^32 - 1) / lot`
/// (Warren, Hacker's Delight, 10-17). Hardware has multipliers and no dividers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotTest {
    pub(super) inverse: u32,
    pub(super) shift: u32,
    pub(super) quotient_max: u32,
}

impl LotTest {
    /// A lot of one: every quantity is a multiple.
    pub const ONE: LotTest = LotTest { inverse: 1, shift: 0, quotient_max: u32::MAX };

    /// The test for `lot`; `None` for a lot of zero.
    pub const fn new(lot: u32) -> Option<LotTest> {
        if lot == 0 {
            return None;
        }
        let shift = lot.trailing_zeros();
        let odd = lot >> shift;
        // Newton: `odd` is its own inverse in 3 bits, each step doubles them: 6, 12, 24, 48.
        let mut inverse = odd;
        let mut step = 0;
        while step < 4 {
            inverse = inverse.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(inverse)));
            step += 1;
        }
        Some(LotTest { inverse, shift, quotient_max: u32::MAX / lot })
    }

    /// Whether `qty` is a multiple of the lot (zero is).
    #[inline]
    pub const fn divides(self, qty: u32) -> bool {
        qty.wrapping_mul(self.inverse).rotate_right(self.shift) <= self.quotient_max
    }
}

/// Price times quantity: 32 by 32 bits fit 64 exactly.
#[inline]
pub const fn notional(price: u32, qty: u32) -> u64 {
    price as u64 * qty as u64
}

/// A kill or a halt: refuses while engaged.
#[inline]
pub const fn engaged(flag: bool) -> bool {
    flag
}

/// Refuses an order stamped with an older epoch than the current one.
#[inline]
pub const fn epoch(stamped: u32, current: u32) -> bool {
    stamped < current
}

/// Refuses a side whose bit of `permitted` (bit 0 buy, bit 1 sell) is not set.
#[inline]
pub const fn permission(permitted: u8, side: Side) -> bool {
    (permitted >> side as u8) & 1 == 0
}

/// Refuses zero quantity and quantities that are not a multiple of the lot.
#[inline]
pub const fn lot(qty: u32, test: LotTest) -> bool {
    (qty == 0) | !test.divides(qty)
}

/// Refuses more than `limit` in one order.
#[inline]
pub const fn max_qty(qty: u32, limit: u32) -> bool {
    qty > limit
}

/// Refuses an order worth more than `limit`.
#[inline]
pub const fn max_notional(notional: u64, limit: u64) -> bool {
    notional > limit
}

/// Refuses prices outside `low..=high`.
#[inline]
pub const fn price_band(price: u32, low: u32, high: u32) -> bool {
    (price < low) | (price > high)
}

/// Refuses a buy that could make the position longer than `limit` if all open buys filled.
/// Cannot overflow: 48 bits and 48 bits and 32 bits.
#[inline]
pub const fn position_long(side: Side, position: i64, open_buy: u64, qty: u32, limit: i64) -> bool {
    matches!(side, Side::Buy) & (position + open_buy as i64 + qty as i64 > limit)
}

/// Refuses a sell that could make the position shorter than `limit` if all open sells filled.
#[inline]
pub const fn position_short(
    side: Side,
    position: i64,
    open_sell: u64,
    qty: u32,
    limit: i64,
) -> bool {
    matches!(side, Side::Sell) & (open_sell as i64 + qty as i64 - position > limit)
}

/// Refuses when `limit` orders are open already.
#[inline]
pub const fn open_orders(open: u32, limit: u32) -> bool {
    open >= limit
}

/// Refuses what would bring held costs and open orders of both sides above `limit`.
#[inline]
pub const fn gross(held: u64, open: [u64; 2], notional: u64, limit: u64) -> bool {
    held.saturating_add(open[0]).saturating_add(open[1]).saturating_add(notional) > limit
}

/// Refuses what could bring the sum of held costs beyond `limit` on the order's side, if all open
/// orders of that side filled.
#[inline]
pub const fn net(side: Side, held: i64, open: [u64; 2], notional: u64, limit: u64) -> bool {
    let (towards, open) = match side {
        Side::Buy => (held, open[0]),
        Side::Sell => (0i64.saturating_sub(held), open[1]),
    };
    towards.saturating_add_unsigned(open).saturating_add_unsigned(notional) > limit as i64
}

/// GCRA: refuses when the theoretical arrival time is more than `tolerance_ns` ahead.
#[inline]
pub const fn rate(arrival_ns: u64, now_ns: u64, tolerance_ns: u64) -> bool {
    arrival_ns.saturating_sub(now_ns) > tolerance_ns
}

/// Refuses when `limit` messages were counted in this second or day.
#[inline]
pub const fn window_full(count: u32, limit: u32) -> bool {
    count >= limit
}

/// Refuses what equals one of the last four orders in side, price and quantity, `window_ns` not
/// yet over. A stamp that steps back is inside the window; a window of zero turns the rule off.
#[inline]
pub fn duplicate(
    holding: &Holding,
    side: Side,
    price: u32,
    qty: u32,
    now_ns: u64,
    window_ns: u64,
) -> bool {
    let key = Holding::key(price, qty);
    // Bit per slot: in use, and of the same side.
    let same_side = match side {
        Side::Buy => holding.recent_used & !holding.recent_sells,
        Side::Sell => holding.recent_used & holding.recent_sells,
    };
    let slots = holding.recent_key.iter().zip(&holding.recent_ns).enumerate();
    slots.fold(false, |found, (slot, (recent, at_ns))| {
        let young = now_ns.saturating_sub(*at_ns) < window_ns;
        found | ((same_side >> slot) & 1 == 1) & (*recent == key) & young
    })
}

/// Refuses a price that reaches an own price on the other side, `opposite_best` being the most
/// aggressive one there; it counts only while quantity is open on that side.
#[inline]
pub const fn self_match(side: Side, price: u32, opposite_open: u64, opposite_best: u32) -> bool {
    let reaches = match side {
        Side::Buy => price >= opposite_best,
        Side::Sell => price <= opposite_best,
    };
    (opposite_open != 0) & reaches
}

/// Messages counted so far in `second` (or day): none when it is later than the one counted.
#[inline]
pub const fn counted(window: u64, counted_window: u64, count: u32) -> u32 {
    if window > counted_window { 0 } else { count }
}

/// Theoretical arrival time after one more message.
#[inline]
pub const fn next_arrival(arrival_ns: u64, now_ns: u64, interval_ns: u64) -> u64 {
    let from = if arrival_ns > now_ns { arrival_ns } else { now_ns };
    from.saturating_add(interval_ns)
}

/// What the rate, second and day rules answer for one more message of `account`.
#[inline]
pub const fn message_rules(
    account: &AccountRow,
    now_ns: u64,
    second: u64,
    day: u64,
) -> (bool, bool, bool) {
    let regs = &account.regs;
    (
        rate(account.arrival_ns, now_ns, regs.rate_tolerance_ns),
        window_full(counted(second, account.second, account.second_cnt), regs.per_second_max),
        window_full(counted(day, account.day, account.day_cnt), regs.per_day_max),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lot_test_agrees_with_the_remainder() {
        let mut word = 0x2545_F491u32;
        for round in 0..200_000u32 {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let lot = match round % 4 {
                0 => round / 4 % 1_000 + 1,
                1 => 1 << (round % 32),
                2 => u32::MAX - round % 7,
                _ => (word | 1) << (round % 5),
            };
            let test = LotTest::new(lot).expect("not zero");
            let multiple = word / lot * lot;
            for qty in [word, multiple, multiple.wrapping_add(1), multiple.wrapping_sub(1), 0] {
                assert_eq!(test.divides(qty), qty % lot == 0, "{qty} of lot {lot}");
            }
        }
        assert_eq!(LotTest::new(0), None);
        assert_eq!(LotTest::new(1), Some(LotTest::ONE));
    }

    #[test]
    fn sums_at_their_ends_refuse() {
        const LIMIT: u64 = super::super::EXPOSURE_LIMIT_MAX;
        let product = notional(u32::MAX, u32::MAX);
        assert_eq!(u128::from(product), u128::from(u32::MAX).pow(2));
        assert!(!gross(0, [0, 0], LIMIT, LIMIT) && gross(0, [0, 0], LIMIT + 1, LIMIT));
        assert!(gross(u64::MAX, [u64::MAX, u64::MAX], product, LIMIT));
        assert!(gross(0, [u64::MAX, 0], product, LIMIT));
        assert!(gross(u64::MAX, [1, 0], 0, LIMIT) && gross(u64::MAX, [0, 1], 0, LIMIT));
        for (side, towards) in [(Side::Buy, 1i64), (Side::Sell, -1)] {
            let ahead = towards * i64::MAX;
            assert!(net(side, ahead, [LIMIT, LIMIT], product, LIMIT), "{side:?}");
            assert!(net(side, ahead, [0, 0], 0, LIMIT), "{side:?}");
            let behind = -towards * i64::MAX;
            assert!(!net(side, behind, [LIMIT, LIMIT], LIMIT, LIMIT), "{side:?}");
            assert!(!net(side, behind, [0, 0], i64::MAX as u64 + LIMIT, LIMIT), "{side:?}");
            assert!(net(side, behind, [0, 0], i64::MAX as u64 + LIMIT + 1, LIMIT), "{side:?}");
        }
        assert!(net(Side::Sell, i64::MIN, [0, 0], 0, LIMIT));
        // The largest order leads from the lowest sum to 2^63 - 2^33 + 1, which is above any limit.
        assert!(net(Side::Buy, i64::MIN, [0, 0], product, LIMIT));
    }

    #[test]
    fn positions_at_their_ends_do_not_overflow() {
        const END: i64 = super::super::POSITION_MAX;
        let open = 2 * END as u64; // the most that a position at the other end leaves room for
        assert!(!position_long(Side::Buy, -END, open, 0, END));
        assert!(position_long(Side::Buy, -END, open, 1, END));
        assert!(position_long(Side::Buy, END, open, u32::MAX, END));
        assert!(!position_long(Side::Sell, END, open, u32::MAX, 0));
        assert!(!position_short(Side::Sell, END, open, 0, END));
        assert!(position_short(Side::Sell, END, open, 1, END));
        assert!(position_short(Side::Sell, -END, open, u32::MAX, END));
        assert!(!position_short(Side::Buy, -END, open, u32::MAX, 0));
    }

    #[test]
    fn times_and_counts_saturate() {
        assert_eq!(next_arrival(u64::MAX - 1, 0, 5), u64::MAX);
        assert_eq!(next_arrival(0, u64::MAX, 5), u64::MAX);
        assert!(rate(u64::MAX, 0, u64::MAX - 1) && !rate(u64::MAX, 0, u64::MAX));
        assert!(!rate(0, u64::MAX, 0), "an arrival in the past is on time");
        assert!(window_full(u32::MAX, u32::MAX) && !window_full(u32::MAX - 1, u32::MAX));
        assert_eq!((counted(8, 7, 5), counted(7, 7, 5), counted(6, 7, 5)), (0, 5, 5));
        let mut account =
            AccountRow { second_cnt: u32::MAX, day_cnt: u32::MAX, ..AccountRow::CLOSED };
        account.count_message(0, 0, 0);
        assert_eq!((account.second_cnt, account.day_cnt), (u32::MAX, u32::MAX));
    }
}
