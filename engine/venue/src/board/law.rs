//! What the board refuses, and why: the day's market rules asked in one order.
//!
//! Every rule is a function of `nofx_rules`; here is only which of them apply to which order, and
//! from what state of the book they are asked.

use nofx_rules::{CageFacts, OutOfCage, PriceRule, Reach, ShortFacts};
use nofx_types::{Market, Price, Side, Touch};

use super::Board;
use super::line::Line;
use super::orders::{Entry, Kind};
use crate::gateway::Why;

/// What becomes of an order that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes into its book.
    In,
    /// It waits outside the price cage.
    Park,
}

impl Board {
    /// Whether an order is taken; `again`: shares of it that are frozen already (an amendment).
    pub(super) fn judge(&self, entry: &Entry, again: u64) -> Result<Fate, Why> {
        let line = self.lines.get(entry.row as usize).ok_or(Why::Symbol)?;
        if line.halted {
            return Err(Why::Halted);
        }
        let session = self.session();
        let in_call = self.stage.is_call();
        if !session.orders || (in_call && self.sits_out(line)) {
            return Err(Why::Phase);
        }
        if !self.takes_kind(entry.kind, in_call) {
            return Err(Why::Kind);
        }
        self.judge_quantity(entry, line, again)?;
        if self.books.len() + 1 >= self.config.orders as usize {
            return Err(Why::Full);
        }
        if entry.kind.has_price() { self.judge_price(entry, line) } else { Ok(Fate::In) }
    }

    /// Kinds of order by market: market-rules 3 and 5, szse-tgw 100101, sse-tdgw 58.
    fn takes_kind(&self, kind: Kind, in_call: bool) -> bool {
        use Kind::*;
        match (self.market, in_call) {
            (Market::Hkex, true) => kind.for_auction(),
            (Market::Hkex, false) => {
                matches!(kind, Limit | PlainLimit | LimitIoc | LimitFok | OddLot)
            }
            (_, true) => kind == Limit,
            (Market::Szse, false) => {
                matches!(kind, Limit | OppositeBest | OwnBest | BestFive | AnyPrice | AllOrNone)
            }
            (Market::Sse, false) => {
                matches!(kind, Limit | OppositeBest | OwnBest | BestFive | BestFiveRest)
            }
        }
    }

    fn judge_quantity(&self, entry: &Entry, line: &Line, again: u64) -> Result<(), Why> {
        let rules = &line.security.rules;
        let qty = u64::from(entry.qty);
        let today = !rules.next_day_only();
        let sellable = self.accounts.holding(entry.account, entry.row).sellable(today) + again;
        let whole = match entry.kind {
            Kind::OddLot => qty > 0 && qty < u64::from(rules.lot.rule.min),
            _ => rules.takes_lot(entry.side, qty, sellable),
        };
        if !whole {
            return Err(Why::Lot);
        }
        if !rules.size.rule.takes(qty, !entry.kind.has_price()) {
            return Err(Why::Size);
        }
        let covered = entry.side == Side::Buy || entry.short || today || qty <= sellable;
        if covered { Ok(()) } else { Err(Why::Sellable) }
    }

    fn judge_price(&self, entry: &Entry, line: &Line) -> Result<Fate, Why> {
        let rules = &line.security.rules;
        let Entry { side, price, .. } = *entry;
        if !rules.on_tick(price) {
            return Err(Why::Tick);
        }
        if !rules.in_limits(price) || line.session_band.is_some_and(|band| !band.holds(price)) {
            return Err(Why::PriceLimit);
        }
        let beyond = line.cooling.is_some_and(|cooling| match side {
            Side::Buy => price > cooling.band.high,
            Side::Sell => price < cooling.band.low,
        });
        if beyond || !self.is_quotation(entry, line) {
            return Err(Why::PriceLimit);
        }
        if entry.short && !self.may_short(entry, line) {
            return Err(Why::Short);
        }
        self.judge_cage(entry, line)
    }

    fn judge_cage(&self, entry: &Entry, line: &Line) -> Result<Fate, Why> {
        match line.security.rules.cage {
            Some(cage) if !self.in_cage(entry.row, line, entry.side, entry.price) => {
                match cage.rule.out {
                    OutOfCage::Reject => Err(Why::Cage),
                    OutOfCage::Park => Ok(Fate::Park),
                }
            }
            _ => Ok(Fate::In),
        }
    }

    /// Whether a price lies in the cage of continuous trading, if the session has one.
    pub(super) fn in_cage(&self, row: u32, line: &Line, side: Side, price: Price) -> bool {
        let rules = &line.security.rules;
        let Some(cage) = rules.cage.filter(|_| self.session().price == PriceRule::Cage) else {
            return true;
        };
        cage.rule.holds(side, price, &self.cage_facts(row, line), &rules.tick.rule)
    }

    fn cage_facts(&self, row: u32, line: &Line) -> CageFacts {
        let previous_close = line.security.previous_close;
        CageFacts { touch: self.touch(row), last: line.totals.last, previous_close }
    }

    /// Hong Kong: how far from the market a price may be, and how far through it.
    fn is_quotation(&self, entry: &Entry, line: &Line) -> bool {
        let rules = &line.security.rules;
        let reach = match entry.kind {
            _ if self.stage.is_call() => Reach::Auction,
            Kind::PlainLimit => Reach::Best,
            Kind::Limit => Reach::Spreads,
            _ => Reach::Any,
        };
        rules.quotation.is_none_or(|quotation| {
            let facts = self.cage_facts(entry.row, line);
            let band = quotation.rule.band(entry.side, reach, &facts, &rules.tick.rule);
            band.holds(entry.price)
        })
    }

    fn may_short(&self, entry: &Entry, line: &Line) -> bool {
        let rules = &line.security.rules;
        let facts = ShortFacts {
            touch: self.touch(entry.row),
            last: line.totals.last,
            previous_close: line.security.previous_close,
            reference: line.reference,
        };
        let phase = self.stage.phase();
        entry.side == Side::Sell
            && rules.short.rule.takes(rules.designated, entry.price, phase, &facts)
    }

    /// Whether a security has no part in the call that is under way.
    pub(super) fn sits_out(&self, line: &Line) -> bool {
        let closing = self.stage.phase() == nofx_types::Phase::ClosingAuction;
        closing && !line.security.closing_auction
    }

    /// Best prices; orders without a price do not count.
    pub fn touch(&self, row: u32) -> Touch {
        let best = |side| self.levels(row, side).next().unwrap_or_default();
        let (bid, ask) = (best(Side::Buy), best(Side::Sell));
        Touch { bid_px: bid.price, bid_qty: bid.qty, ask_px: ask.price, ask_qty: ask.qty }
    }
}
