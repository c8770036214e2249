//! What hears the books: tells the market by ITCH, the firms by OUCH, and keeps the accounts.
//!
//! Everything that changes an order goes through here, so that stream, reports, positions and dump
//! cannot say different things. The matching says what happens to resting orders; whose they are is
//! looked up here. An order that no firm owns is the flow's.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;

use nofx_types::{Nanos, OrderRef, Price, Side, Symbol};
use nofx_wire::ouch50::codes::liquidity;

use super::archive::{Archive, RequestStats};
use super::dump::Execution;
use super::firm::{Deal, Firm, Position};
use crate::day::flow::Floor;
use crate::matching::{MatchSink, Resting, Trade};
use crate::publisher::{Happening, Outlet, Publisher};

/// Whose an order is: a firm, and where its order stands there.
pub(super) type Owner = (usize, usize);

/// A call that is being ended: the price of all its trades, and the letter of its kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub price: Price,
    pub flag: u8,
    pub match_number: u64,
}

/// Counts of the whole market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub executions: u64,
    pub executed_shares: u64,
    pub executions_dropped: u64,
    pub crosses: u64,
    pub self_trades_prevented: u64,
    pub capture_ignored: u64,
}

pub(super) struct Desk {
    pub now: Nanos,
    pub firms: Vec<Firm>,
    pub names: Vec<(u16, Symbol)>,
    pub counts: Counts,
    pub executions: Vec<Execution>,
    /// Of the flow, by row.
    pub flow_positions: Vec<Position>,
    /// The call that ends now.
    pub call: Option<Call>,
    /// The order that is coming in now.
    pub taker: Option<Owner>,
    executions_max: usize,
    publisher: Publisher,
    out: Out,
    owners: HashMap<u64, Owner>,
    live_flow: Vec<usize>,
    mpid: Option<[u8; 4]>,
    priced: Option<(Price, bool)>,
    last_order: u64,
    next_match: u64,
}

impl Desk {
    pub fn new(
        firms: Vec<Firm>,
        names: Vec<(u16, Symbol)>,
        publisher: Publisher,
        archive: Archive,
        executions_max: usize,
    ) -> Desk {
        let rows = names.len();
        Desk {
            now: Nanos(0),
            firms,
            names,
            counts: Counts::default(),
            executions: Vec::new(),
            flow_positions: vec![Position::default(); rows],
            call: None,
            taker: None,
            executions_max,
            publisher,
            out: Out { archive, packets: VecDeque::new(), spare: Vec::new() },
            owners: HashMap::new(),
            live_flow: vec![0; rows],
            mpid: None,
            priced: None,
            last_order: 0,
            next_match: 1,
        }
    }

    /// Says something about no instrument.
    pub fn say_all(&mut self, what: &Happening) {
        let Ok(()) = self.publisher.publish(self.now, 0, what, &mut self.out);
    }

    /// Lets leave what is packed, and the heartbeat if one is due.
    pub fn flush(&mut self) {
        let Ok(()) = self.publisher.poll(self.now, &mut self.out);
        let Ok(()) = self.publisher.flush(&mut self.out);
    }

    /// Tells the end of the stream.
    pub fn end_stream(&mut self) {
        let Ok(()) = self.publisher.end(&mut self.out);
    }

    /// Number of the next message of the stream.
    pub fn next_seq(&self) -> u64 {
        self.publisher.next_seq()
    }

    pub fn archive(&mut self) -> &mut Archive {
        &mut self.out.archive
    }

    pub fn archive_stats(&self) -> RequestStats {
        self.out.archive.stats()
    }

    pub fn next_packet(&mut self) -> Option<&[u8]> {
        self.out.pop()
    }

    /// A number for a match.
    pub fn match_number(&mut self) -> u64 {
        self.next_match += 1;
        self.next_match - 1
    }

    /// A reference for a firm's order.
    pub fn next_order(&mut self) -> OrderRef {
        self.order_ref(0)
    }

    /// Whose a resting order is; `None` for the flow's.
    pub fn owner(&self, order: OrderRef) -> Option<Owner> {
        self.owners.get(&order.0).copied()
    }

    /// The order belongs to a firm from now on, until it leaves the book.
    pub fn own(&mut self, order: OrderRef, owner: Owner) {
        self.owners.insert(order.0, owner);
    }

    /// The order does not rest (any more).
    pub fn disown(&mut self, order: OrderRef) {
        self.owners.remove(&order.0);
    }

    /// Who signs it, where its owner wants to be seen.
    pub fn sign_for(&mut self, firm: usize, attributable: bool) {
        let name = self.firms.get(firm).map(|firm| firm.name);
        self.mpid = name.filter(|_| attributable);
    }

    /// Both sides of a match, in the books of their owners.
    fn book(&mut self, sides: [(Side, Option<Owner>, u8); 2], row: u32, deal: Deal) {
        for (side, owner, flag) in sides {
            match owner.and_then(|(firm, order)| Some((self.firms.get_mut(firm)?, order))) {
                Some((firm, order)) => firm.fill(order, &Deal { flag, ..deal }),
                None => {
                    if let Some(position) = self.flow_positions.get_mut(row as usize) {
                        position.add(side, deal.qty, deal.price);
                    }
                }
            }
        }
        self.counts.executions += 1;
        self.counts.executed_shares += u64::from(deal.qty);
        if sides.iter().all(|(_, owner, _)| owner.is_none()) {
            return; // the flow with itself: counted
        }
        if self.executions.len() == self.executions_max {
            self.counts.executions_dropped += 1;
            return;
        }
        let ends = sides.map(|(_, owner, _)| {
            owner.and_then(|(firm, order)| {
                let order = self.firms.get(firm)?.orders.get(order)?;
                Some((firm, order.user_ref, order.order_ref.0))
            })
        });
        let [buyer, seller] = if sides[0].0 == Side::Buy { ends } else { [ends[1], ends[0]] };
        self.executions.push(Execution {
            at: deal.at,
            match_number: deal.match_number,
            row,
            qty: deal.qty,
            price: deal.price,
            cross: self.call.is_some(),
            buyer,
            seller,
        });
    }

    fn left(&mut self, order: &Resting) {
        if self.owners.remove(&order.order.0).is_none() {
            self.count_flow(order, false);
        }
    }

    fn count_flow(&mut self, order: &Resting, joins: bool) {
        if let Some(live) = self.live_flow.get_mut(order.row as usize) {
            *live = if joins { *live + 1 } else { live.saturating_sub(1) };
        }
    }
}

impl Floor for Desk {
    fn symbol(&self, row: usize) -> Symbol {
        self.names.get(row).map_or(Symbol::NONE, |name| name.1)
    }

    fn say(&mut self, row: usize, what: &Happening) {
        let locate = self.names.get(row).map_or(0, |name| name.0);
        let Ok(()) = self.publisher.publish(self.now, locate, what, &mut self.out);
    }

    fn hidden_trade(&mut self, row: usize, price: u32, shares: u32) {
        let (symbol, match_number) = (self.symbol(row), self.match_number());
        self.say(row, &Happening::Trade { shares, symbol, price, match_number });
    }

    fn sign(&mut self, mpid: Option<[u8; 4]>) {
        self.mpid = mpid;
    }

    fn reprice(&mut self, priced: Option<(Price, bool)>) {
        self.priced = priced;
    }

    fn order_ref(&mut self, gap: u64) -> OrderRef {
        self.last_order += 1 + gap;
        OrderRef(self.last_order)
    }

    fn owns(&self, order: OrderRef) -> bool {
        !self.owners.contains_key(&order.0)
    }

    fn live(&self, row: usize) -> usize {
        self.live_flow.get(row).copied().unwrap_or(0)
    }
}

impl MatchSink for Desk {
    fn rested(&mut self, order: &Resting) {
        if !self.owners.contains_key(&order.order.0) {
            self.count_flow(order, true);
        }
        let row = order.row as usize;
        let what = add_order(order, self.symbol(row), self.mpid);
        self.say(row, &what);
    }

    fn executed(&mut self, trade: &Trade) {
        let Trade { maker, qty: shares, .. } = *trade;
        let (row, order, match_number) = (maker.row as usize, maker.order.0, self.match_number());
        let owner = self.owner(maker.order);
        // A firm's order is filled at its own price, whatever the flow would give its own.
        let what = match self.priced.filter(|_| owner.is_none()) {
            None => Happening::Executed { order, shares, match_number },
            Some((price, printable)) => {
                let price = wire_price(price);
                Happening::ExecutedAt { order, shares, match_number, printable, price }
            }
        };
        self.say(row, &what);
        let sides = [
            (maker.side, owner, liquidity::ADDED),
            (maker.side.opposite(), self.taker, liquidity::REMOVED),
        ];
        let deal = Deal { at: self.now, qty: shares, price: maker.price, flag: 0, match_number };
        self.book(sides, maker.row, deal);
        if maker.qty == 0 {
            self.left(&maker);
        }
    }

    fn reduced(&mut self, order: &Resting, by: u32) {
        self.say(order.row as usize, &Happening::Canceled { order: order.order.0, shares: by });
    }

    fn deleted(&mut self, order: &Resting) {
        self.left(order);
        self.say(order.row as usize, &Happening::Deleted { order: order.order.0 });
    }

    fn replaced(&mut self, old: &Resting, order: &Resting) {
        // Who owned the old one owns the new one already.
        self.owners.remove(&old.order.0);
        let what = Happening::Replaced {
            order: old.order.0,
            new_order: order.order.0,
            shares: order.qty,
            price: wire_price(order.price),
        };
        self.say(order.row as usize, &what);
    }

    fn crossed(&mut self, bid: &Resting, ask: &Resting, qty: u32) {
        let Some(call) = self.call else { return };
        let price = wire_price(call.price);
        for side in [bid, ask] {
            let what = Happening::ExecutedAt {
                order: side.order.0,
                shares: qty,
                match_number: call.match_number,
                printable: false,
                price,
            };
            self.say(side.row as usize, &what);
        }
        let Call { price, flag, match_number } = call;
        let [buyer, seller] = [bid, ask].map(|order| self.owner(order.order));
        let sides = [(Side::Buy, buyer, flag), (Side::Sell, seller, flag)];
        self.book(sides, bid.row, Deal { at: self.now, qty, price, flag, match_number });
        for side in [bid, ask].into_iter().filter(|side| side.qty == 0) {
            self.left(side);
        }
    }
}

/// The message that shows a resting order.
pub(super) fn add_order(order: &Resting, symbol: Symbol, mpid: Option<[u8; 4]>) -> Happening {
    Happening::Add {
        order: order.order.0,
        side: order.side,
        shares: order.qty,
        symbol,
        price: wire_price(order.price),
        mpid,
    }
}

/// A price as wide as on the wire; none that is wider is taken.
pub(super) fn wire_price(price: Price) -> u32 {
    u32::try_from(price.0).unwrap_or(0)
}

/// Where the stream's bytes go: into the archive, and to whoever sends packets.
struct Out {
    archive: Archive,
    packets: VecDeque<Vec<u8>>,
    /// Memory of packets that were sent; the last one is the packet lent.
    spare: Vec<Vec<u8>>,
}

/// Packets whose memory is kept.
const SPARE_MAX: usize = 1_024;

impl Out {
    fn pop(&mut self) -> Option<&[u8]> {
        let packet = self.packets.pop_front()?;
        if self.spare.len() == SPARE_MAX {
            self.spare.pop();
        }
        self.spare.push(packet);
        self.spare.last().map(Vec::as_slice)
    }
}

impl Outlet for Out {
    type Error = Infallible;

    fn message(&mut self, message: &[u8]) -> Result<(), Infallible> {
        self.archive.push(message);
        Ok(())
    }

    fn packet(&mut self, _: Nanos, payload: &[u8]) -> Result<(), Infallible> {
        let mut packet = self.spare.pop().unwrap_or_default();
        packet.clear();
        packet.extend_from_slice(payload);
        self.packets.push_back(packet);
        Ok(())
    }
}
