//! What the board holds to be true, as plain data for tests and other programs.
//!
//! Prices count 1/10,000, money is price times shares, times are nanoseconds since 1970 UTC.

use nofx_types::{Nanos, OrderRef, Price, Side};
use serde::Serialize;

use super::Board;
use super::orders::{Kind, Owner, State};
use super::said::Auction;
use super::voice::public;

/// One trade as the board keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Execution {
    pub at: Nanos,
    pub row: u32,
    pub price: Price,
    pub qty: u32,
    pub trade: u64,
    pub auction: bool,
    /// Buyer's and seller's order.
    pub orders: [OrderRef; 2],
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BoardDump {
    /// Which market.
    pub market: &'static str,
    /// The day, YYYYMMDD.
    pub date: u32,
    /// When it was taken.
    pub at_ns: u64,
    /// Stage of the day.
    pub stage: &'static str,
    /// Each security with its book.
    pub securities: Vec<DumpSecurity>,
    /// Each account.
    pub accounts: Vec<DumpAccount>,
    /// Every order that was accepted, in that order.
    pub orders: Vec<DumpOrder>,
    /// Trades in order.
    pub executions: Vec<DumpExecution>,
    /// Trades that were not kept.
    pub executions_dropped: u64,
}

/// One security.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpSecurity {
    /// Its code.
    pub symbol: String,
    /// Its channel.
    pub channel: u16,
    /// Previous close.
    pub previous_close: i64,
    /// Trades, shares and money.
    pub trades: u64,
    /// Shares.
    pub volume: u64,
    /// Price times shares.
    pub turnover: u64,
    /// Opening, highest, lowest, last and closing price; 0 where there is none.
    pub prices: [i64; 5],
    /// Price and shares of the opening call, once it has ended.
    pub opening: Option<(i64, u64)>,
    /// The same of the closing call.
    pub closing: Option<(i64, u64)>,
    /// Bids in the order in which they are filled.
    pub bids: Vec<DumpStanding>,
    /// Asks likewise.
    pub asks: Vec<DumpStanding>,
    /// Orders outside the price cage, oldest first.
    pub parked: Vec<u64>,
}

/// A resting order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpStanding {
    /// Its public id.
    pub order: u64,
    /// Its price, 0 for a market order of an auction.
    pub price: i64,
    /// Open shares.
    pub qty: u32,
    /// Orders of its price before it.
    pub place: u32,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpAccount {
    /// Its name.
    pub name: String,
    /// Securities that it holds or traded.
    pub holdings: Vec<DumpHolding>,
}

/// Shares of one security.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpHolding {
    /// The security.
    pub symbol: String,
    /// Held when the day began.
    pub start: u64,
    /// Bought today.
    pub bought: u64,
    /// Sold today, borrowed shares included.
    pub sold: u64,
    /// In open sells.
    pub frozen: u64,
    /// What a new sell may name.
    pub sellable: u64,
    /// Price times shares bought.
    pub paid: u64,
    /// Price times shares sold.
    pub received: u64,
}

/// An order that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpOrder {
    /// Its public id.
    pub order: u64,
    /// Its channel.
    pub channel: u16,
    /// Its owner; `None` for the flow.
    pub owner: Option<u16>,
    /// The owner's id of it.
    pub client: u64,
    /// Its account.
    pub account: String,
    /// The security.
    pub symbol: String,
    /// `B` or `S`.
    pub side: char,
    /// Its kind.
    pub kind: Kind,
    /// Its price; of a market order that rested, the one at which it did.
    pub price: i64,
    /// Shares.
    pub qty: u32,
    /// Shares traded.
    pub filled: u32,
    /// Open shares.
    pub leaves: u32,
    /// Where it stands.
    pub state: State,
}

/// A trade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DumpExecution {
    /// When.
    pub at_ns: u64,
    /// The security.
    pub symbol: String,
    /// Its number there.
    pub trade: u64,
    /// Price.
    pub price: i64,
    /// Shares.
    pub qty: u32,
    /// Whether it ended a call.
    pub auction: bool,
    /// Buyer's public order id.
    pub bid: u64,
    /// Seller's.
    pub offer: u64,
}

impl Board {
    pub(super) fn keep_execution(&mut self, execution: Execution) {
        if self.executions.len() < self.config.executions as usize {
            self.executions.push(execution);
        } else {
            self.executions_dropped += 1;
        }
    }

    /// Both sides of a trade that was kept.
    pub(super) fn execution(&self, row: u32, trade: u64) -> Option<[(OrderRef, Price, u32); 2]> {
        let mut kept = self.executions.iter();
        let found = kept.find(|done| done.row == row && done.trade == trade)?;
        Some(found.orders.map(|key| (key, found.price, found.qty)))
    }

    /// Everything, as it is now.
    pub fn dump(&self) -> BoardDump {
        BoardDump {
            market: self.market.name(),
            date: self.date().number(),
            at_ns: self.now().0,
            stage: self.stage.name(),
            securities: (0..self.lines.len() as u32).map(|row| self.dump_security(row)).collect(),
            accounts: self.accounts.all().iter().map(|a| self.dump_account(a)).collect(),
            orders: self.orders.iter().map(|order| self.dump_order(order)).collect(),
            executions: self.executions.iter().map(|done| self.dump_execution(done)).collect(),
            executions_dropped: self.executions_dropped,
        }
    }

    fn symbol(&self, row: u32) -> String {
        let security = self.securities.get(row as usize);
        security.map_or(String::new(), |security| security.symbol.as_str().to_owned())
    }

    fn dump_security(&self, row: u32) -> DumpSecurity {
        let totals = self.totals(row);
        let security = self.lines[row as usize].security;
        let auction = |found: Auction| (found.price.0, found.volume);
        DumpSecurity {
            symbol: self.symbol(row),
            channel: security.channel,
            previous_close: security.previous_close.0,
            trades: totals.trades,
            volume: totals.volume,
            turnover: totals.turnover,
            prices: [totals.open, totals.high, totals.low, totals.last, totals.close]
                .map(|price| price.0),
            opening: self.uncrossed(row, false).map(auction),
            closing: self.uncrossed(row, true).map(auction),
            bids: self.dump_side(row, Side::Buy),
            asks: self.dump_side(row, Side::Sell),
            parked: self.parked(row).map(|order| order.0).collect(),
        }
    }

    fn dump_side(&self, row: u32, side: Side) -> Vec<DumpStanding> {
        let mut before: Option<DumpStanding> = None;
        let standing = self.standing(row, side).map(|order| {
            let price = order.price.0;
            let same = before.as_ref().filter(|last| last.price == price);
            let place = same.map_or(0, |last| last.place + 1);
            let row = DumpStanding { order: order.order.0, price, qty: order.qty, place };
            before = Some(row.clone());
            row
        });
        standing.collect()
    }

    fn dump_account(&self, account: &super::Account) -> DumpAccount {
        let rows = account.holdings.iter().enumerate();
        let touched = rows.filter(|(_, holding)| **holding != super::Holding::default());
        let holdings = touched.map(|(row, holding)| {
            let today = !self.lines[row].security.rules.next_day_only();
            DumpHolding {
                symbol: self.symbol(row as u32),
                start: holding.start,
                bought: holding.bought,
                sold: holding.sold + holding.shorted,
                frozen: holding.frozen,
                sellable: holding.sellable(today),
                paid: holding.paid,
                received: holding.received,
            }
        });
        DumpAccount { name: account.name.clone(), holdings: holdings.collect() }
    }

    fn dump_order(&self, order: &super::Order) -> DumpOrder {
        let entry = &order.entry;
        let account = self.accounts.all().get(entry.account as usize);
        DumpOrder {
            order: public(order.key).0,
            channel: self.channel_of(entry.row),
            owner: (entry.owner != Owner::FLOW).then_some(entry.owner.0),
            client: entry.client,
            account: account.map_or(String::new(), |account| account.name.clone()),
            symbol: self.symbol(entry.row),
            side: if entry.side == Side::Buy { 'B' } else { 'S' },
            kind: entry.kind,
            price: entry.price.0,
            qty: entry.qty,
            filled: order.filled,
            leaves: order.leaves,
            state: order.state,
        }
    }

    fn dump_execution(&self, done: &Execution) -> DumpExecution {
        let [bid, offer] = done.orders.map(|key| public(key).0);
        DumpExecution {
            at_ns: done.at.0,
            symbol: self.symbol(done.row),
            trade: done.trade,
            price: done.price.0,
            qty: done.qty,
            auction: done.auction,
            bid,
            offer,
        }
    }
}
