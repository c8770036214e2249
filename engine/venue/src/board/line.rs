//! What the board keeps of each security besides its book.

use std::collections::VecDeque;

use nofx_rules::{Band, InstrumentRules};
use nofx_types::{Nanos, OrderRef, Price, Side, Symbol};

use super::said::Auction;

/// What is fixed of a security for the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Security {
    /// Its code.
    pub symbol: Symbol,
    /// The channel that carries it.
    pub channel: u16,
    /// Previous close.
    pub previous_close: Price,
    /// Lowest price of the day, 0 for none.
    pub limit_low: Price,
    /// Highest price of the day, 0 for none.
    pub limit_high: Price,
    /// Shares of a board lot, or the least shares of an order.
    pub lot: u32,
    /// Its market rules.
    pub rules: InstrumentRules,
    /// Whether it takes part in the closing auction (Hong Kong).
    pub closing_auction: bool,
}

/// What traded in a security so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Trades.
    pub trades: u64,
    /// Shares.
    pub volume: u64,
    /// Price times shares, 1/10,000.
    pub turnover: u64,
    /// Opening price, 0 before there is one; so the others.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Price of the last trade.
    pub last: Price,
    /// Closing price.
    pub close: Price,
}

/// A cooling-off of the volatility control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cooling {
    /// When it ends.
    pub to: Nanos,
    /// The prices that are traded.
    pub band: Band,
}

/// An order of the odd-lot board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OddLot {
    /// Its key.
    pub key: OrderRef,
    /// Its side.
    pub side: Side,
}

pub struct Line {
    pub security: Security,
    pub totals: Totals,
    pub halted: bool,
    /// Orders outside the price cage, oldest first.
    pub parked: Vec<OrderRef>,
    pub odd_lots: Vec<OddLot>,
    /// The prices that the current session takes, besides the day's limits.
    pub session_band: Option<Band>,
    /// Reference price of the closing auction (Hong Kong), 0 before it is fixed.
    pub reference: Price,
    /// Nominal prices that the reference will be the median of.
    pub snapshots: Vec<Price>,
    pub cooling: Option<Cooling>,
    /// Cooling-offs of this continuous session.
    pub triggers: u8,
    /// Trades of the last minutes as (time of the venue's day, price), where the volatility control
    /// needs them.
    recent: VecDeque<(u64, Price)>,
    /// What the calls of the day ended with: opening, closing.
    pub uncrossed: [Option<Auction>; 2],
    /// The last indicative price that was said.
    pub indicated: Option<Auction>,
}

impl Line {
    pub fn new(security: Security) -> Line {
        Line {
            security,
            totals: Totals::default(),
            halted: false,
            parked: Vec::new(),
            odd_lots: Vec::new(),
            session_band: None,
            reference: Price(0),
            snapshots: Vec::new(),
            cooling: None,
            triggers: 0,
            recent: VecDeque::new(),
            uncrossed: [None; 2],
            indicated: None,
        }
    }

    /// Counts a trade and returns its number.
    pub fn count_trade(&mut self, price: Price, qty: u32, money: u64, day_time: u64) -> u64 {
        let totals = &mut self.totals;
        totals.trades += 1;
        totals.volume += u64::from(qty);
        totals.turnover = totals.turnover.saturating_add(money);
        if totals.open == Price(0) {
            (totals.open, totals.high, totals.low) = (price, price, price);
        }
        totals.high = totals.high.max(price);
        totals.low = totals.low.min(price);
        totals.last = price;
        if let Some(vcm) = self.security.rules.vcm {
            self.recent.push_back((day_time, price));
            // The last trade that is old enough stays, those before it go.
            let old = day_time.saturating_sub(vcm.rule.window_ns);
            while self.recent.get(1).is_some_and(|(at, _)| *at <= old) {
                self.recent.pop_front();
            }
        }
        self.totals.trades
    }

    /// The reference price of the volatility control: the last trade at least a window ago.
    pub fn volatility_reference(&self, day_time: u64) -> Option<Price> {
        let window = self.security.rules.vcm?.rule.window_ns;
        let old = day_time.checked_sub(window)?;
        let found = self.recent.iter().rev().find(|(at, _)| *at <= old);
        found.map(|(_, price)| *price)
    }

    /// Nominal price: the last trade, before the first the previous close.
    pub fn nominal(&self) -> Price {
        if self.totals.last > Price(0) { self.totals.last } else { self.security.previous_close }
    }

    /// An order left the lists that it may be in.
    pub fn forget(&mut self, key: OrderRef) {
        self.parked.retain(|parked| *parked != key);
        self.odd_lots.retain(|odd| odd.key != key);
    }
}
