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
    inverse: u32,
    shift: u32,
    quotient_max: u32,
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
