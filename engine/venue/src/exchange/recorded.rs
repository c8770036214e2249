//! Background orders from a capture: what its traders did, done here by the flow.
//!
//! Model: adds, replaces, cancels and deletes act on the orders they made here. An execution says
//! that somebody unseen took shares from the front of a queue: the flow takes them here, from
//! whoever stands in front, who may be a firm. So books drift from the recorded ones as soon as firms
//! take part; what then names an order that is gone is counted and ignored. Phases are ours.

use std::collections::HashMap;

use nofx_types::{OrderRef, Price, Symbol};
use nofx_wire::itch::{
    AddOrder, Header, OrderCancel, OrderDelete, OrderExecuted, OrderReplace, side_of,
};

use super::Exchange;
use super::course::Trading;
use crate::day::flow::Floor;
use crate::matching::Refused;

pub(super) struct Recorded {
    /// Rows by locate of the capture.
    rows: HashMap<u16, u32>,
    by_symbol: HashMap<Symbol, u32>,
    /// Orders here by reference of the capture.
    orders: HashMap<u64, OrderRef>,
}

impl Recorded {
    pub fn new(recorded: &[(u16, Symbol)], names: &[(u16, Symbol)]) -> Recorded {
        let by_symbol: HashMap<_, _> =
            names.iter().enumerate().map(|(row, name)| (name.1, row as u32)).collect();
        let row = |(locate, symbol): &(u16, Symbol)| Some((*locate, *by_symbol.get(symbol)?));
        let rows = recorded.iter().filter_map(row).collect();
        Recorded { rows, by_symbol, orders: HashMap::new() }
    }

    pub fn row_of_symbol(&self, symbol: Symbol) -> Option<u32> {
        self.by_symbol.get(&symbol).copied()
    }
}

/// What an incoming order that never rests is called.
const TAKER: OrderRef = OrderRef(0);

impl Exchange {
    /// Does what a message of the capture says.
    pub fn play(&mut self, message: &[u8]) {
        if self.replay(message).is_none() {
            self.desk.counts.capture_ignored += 1;
        }
    }

    fn replay(&mut self, message: &[u8]) -> Option<()> {
        let header = Header::parse(message)?;
        let row = *self.recorded.rows.get(&header.stock_locate.get())?;
        let trading = *self.trading.get(row as usize)?;
        match header.kind {
            b'A' | b'F' => self.play_add(row, trading, AddOrder::parse(message)?),
            // The two kinds begin alike; the second adds a price, which is the taker's business.
            b'E' | b'C' => self.play_executed(trading, OrderExecuted::parse(message)?),
            b'X' => {
                let cancel = OrderCancel::parse(message)?;
                let order = *self.recorded.orders.get(&cancel.order_ref.get())?;
                self.market.cancel(order, cancel.shares.get(), &mut self.desk).ok()
            }
            b'D' => {
                let order = OrderDelete::parse(message)?.order_ref.get();
                let order = self.recorded.orders.remove(&order)?;
                self.market.delete(order, &mut self.desk).ok()
            }
            b'U' => self.play_replace(trading, OrderReplace::parse(message)?),
            _ => None,
        }
    }

    fn play_add(&mut self, row: u32, trading: Trading, add: &AddOrder) -> Option<()> {
        let side = side_of(add.side)?;
        let (price, qty) = (Price(i64::from(add.price_e4.get())), add.shares.get());
        let order = self.desk.order_ref(0);
        let desk = &mut self.desk;
        let done: Result<(), Refused> = match trading {
            Trading::Continuous => self.market.add(row, order, side, price, qty, desk).map(|_| ()),
            Trading::Call(_) => self.market.rest(row, order, side, price, qty, desk),
            Trading::Halted(_) | Trading::Closed => return None,
        };
        self.recorded.orders.insert(add.order_ref.get(), order);
        done.ok()
    }

    fn play_executed(&mut self, trading: Trading, executed: &OrderExecuted) -> Option<()> {
        let order = *self.recorded.orders.get(&executed.order_ref.get())?;
        let (resting, qty) = (self.market.order(order)?, executed.shares.get());
        if trading != Trading::Continuous {
            // Nothing trades here now: the shares just leave.
            return self.market.cancel(order, qty, &mut self.desk).ok();
        }
        let (side, price) = (resting.side.opposite(), resting.price);
        self.market.take(resting.row, TAKER, side, price, qty, &mut self.desk).ok().map(|_| ())
    }

    fn play_replace(&mut self, trading: Trading, replace: &OrderReplace) -> Option<()> {
        let old = self.recorded.orders.remove(&replace.order_ref.get())?;
        let (price, qty) = (Price(i64::from(replace.price_e4.get())), replace.shares.get());
        let resting = self.market.order(old)?;
        let new = self.desk.order_ref(0);
        if trading == Trading::Continuous {
            self.market.replace(old, new, price, qty, &mut self.desk).ok()?;
        } else {
            self.market.delete(old, &mut self.desk).ok()?;
            self.market.rest(resting.row, new, resting.side, price, qty, &mut self.desk).ok()?;
        }
        self.recorded.orders.insert(replace.new_order_ref.get(), new);
        Some(())
    }
}
