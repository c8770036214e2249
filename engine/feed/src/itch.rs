//! TotalView-ITCH 5.0 as book events, out of MoldUDP64 datagrams or a BinaryFILE
//! (TotalView-ITCH 5.0, "Add Order", "Modify Order" and "Trade Messages").
//!
//! Model: the stock locate is the instrument id, so no symbol is looked up. Each message is an
//! atomic event of its own: `last` is always set. The seven messages that change a book are
//! translated inline; the other sixteen share one function that is not inlined.
//!
//! | kind | event |
//! |---|---|
//! | `A` `F` | Add at the back |
//! | `E` `C` | Execute; `C` with its price, not printable with `N` |
//! | `X` `D` `U` | Reduce, Delete, Replace at the back |
//! | `P` `Q` `B` | Trade: hidden, cross, broken |
//! | `S` `W` | Phase of the market |
//! | `H` `h` | Phase of the instrument: its state, or Halted during an operational halt |
//! | `I` `J` | Auction, Band |
//! | `R` | definition |
//! | `K` `L` `N` `O` `V` `Y` | counted |

mod file;
mod mold;
mod rare;

pub use file::ItchFile;
pub use mold::{ItchMold, Mold};

use nofx_types::{
    EventKind, EventSink, Instrument, InstrumentId, Nanos, OrderRef, Price, Pricing, Priority, Qty,
    StaleReason, Symbol,
};
use nofx_wire::itch::{
    AddOrder, AddOrderMpid, Header, OrderCancel, OrderDelete, OrderExecuted,
    OrderExecutedWithPrice, OrderReplace, side_of,
};
use nofx_wire::num::{Be16, Be32, Be48, Be64};

use crate::packet::Stamp;
use crate::tally::{Fault, Tally};
use crate::{FeedConfig, status::Statuses};
use rare::Market;

/// The translator: what the messages of a day left behind.
pub(crate) struct Itch {
    tally: Tally,
    /// What is known of each locate; as many as there are, so that no bound is checked.
    known: [u8; LOCATES],
    statuses: Statuses,
    market: Market,
}

/// Stock locates there can be.
const LOCATES: usize = 1 << 16;
/// The locate is outside the instrument table.
const OUTSIDE: u8 = 0;
/// It is inside, and the sink does not have its symbol yet.
const NAMELESS: u8 = 1;
/// It is inside, and the sink has its symbol.
const NAMED: u8 = 2;

impl Itch {
    pub fn new(config: &FeedConfig) -> Itch {
        let mut known = [OUTSIDE; LOCATES];
        known.iter_mut().take(config.instruments as usize).for_each(|locate| *locate = NAMELESS);
        Itch {
            tally: Tally::new(),
            known,
            statuses: Statuses::new(config.instruments),
            market: Market::default(),
        }
    }

    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    pub fn memory_bytes(&self) -> u64 {
        self.statuses.memory_bytes() + LOCATES as u64
    }

    /// The stream begins anew: phases will be told again; names and locates hold for the day.
    pub fn reset(&mut self) {
        self.statuses.reset();
        self.market = Market::default();
    }

    /// Translates one message. Always inlined, so that there is one copy of each type's code per
    /// walk.
    #[inline(always)]
    pub fn message<S: EventSink>(&mut self, at: Stamp, message: &[u8], sink: &mut S) {
        let Some(&kind) = message.first() else { return self.tally.fault(Fault::EmptyMessage) };
        self.tally.count(kind);
        // Nine messages of ten are these two: asked for before the jump among all.
        let read = if kind == AddOrder::KIND {
            self.add(at, message, sink)
        } else if kind == OrderDelete::KIND {
            self.delete(at, message, sink)
        } else {
            self.other(kind, at, message, sink)
        };
        if read.is_none() {
            self.unreadable(kind, at, message, sink);
        }
    }

    #[inline(always)]
    fn other<S: EventSink>(
        &mut self,
        kind: u8,
        at: Stamp,
        message: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        match kind {
            // The attribution of `F` stands behind everything `A` has, and no book needs it.
            AddOrderMpid::KIND if message.len() < size_of::<AddOrderMpid>() => None,
            AddOrderMpid::KIND => self.add(at, message, sink),
            OrderExecuted::KIND => self.executed(at, message, sink),
            OrderReplace::KIND => self.replace(at, message, sink),
            OrderCancel::KIND => self.cancel(at, message, sink),
            OrderExecutedWithPrice::KIND => self.executed_with_price(at, message, sink),
            _ => self.rare(kind, at, message, sink),
        }
    }

    /// The order that a message concerns stands at the same place in all seven that name one. A
    /// wrong guess for the others costs one prefetch.
    #[inline(always)]
    pub fn hint<S: EventSink>(message: &[u8], sink: &mut S) {
        if let Some(front) = OrderDelete::parse(message) {
            let id = InstrumentId(u32::from(front.stock_locate.get()));
            sink.hint(id, OrderRef(front.order_ref.get()));
        }
    }

    /// Time of a message, zero when it is cut.
    pub fn exch_ns(message: &[u8]) -> Nanos {
        Header::parse(message).map_or(Nanos(0), |header| nanos(header.ts_ns))
    }

    #[inline(always)]
    fn add<S: EventSink>(&mut self, at: Stamp, message: &[u8], sink: &mut S) -> Option<()> {
        let add = AddOrder::parse(message)?;
        let Some(side) = side_of(add.side) else { return self.bad_side(at, message, sink) };
        let event = EventKind::Add {
            order: OrderRef(add.order_ref.get()),
            side,
            price: price(add.price_e4),
            qty: qty(add.shares),
            priority: Priority::Back,
            pricing: Pricing::Limit,
        };
        if self.is_named(add.stock_locate, add.stock, sink) {
            let id = InstrumentId(u32::from(add.stock_locate.get()));
            sink.on_event(&at.event(id, nanos(add.ts_ns), true, event));
        }
        Some(())
    }

    #[inline(always)]
    fn delete<S: EventSink>(&mut self, at: Stamp, message: &[u8], sink: &mut S) -> Option<()> {
        let delete = OrderDelete::parse(message)?;
        let event = EventKind::Delete { order: order(delete.order_ref) };
        self.send(at, delete.stock_locate, delete.ts_ns, event, sink)
    }

    #[inline(always)]
    fn executed<S: EventSink>(&mut self, at: Stamp, message: &[u8], sink: &mut S) -> Option<()> {
        let executed = OrderExecuted::parse(message)?;
        let event = EventKind::Execute {
            order: order(executed.order_ref),
            qty: qty(executed.shares),
            price: None,
            printable: true,
            match_id: executed.match_number.get(),
        };
        self.send(at, executed.stock_locate, executed.ts_ns, event, sink)
    }

    #[inline(always)]
    fn executed_with_price<S: EventSink>(
        &mut self,
        at: Stamp,
        message: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        let executed = OrderExecutedWithPrice::parse(message)?;
        let event = EventKind::Execute {
            order: order(executed.order_ref),
            qty: qty(executed.shares),
            price: Some(price(executed.price_e4)),
            printable: executed.printable != b'N',
            match_id: executed.match_number.get(),
        };
        self.send(at, executed.stock_locate, executed.ts_ns, event, sink)
    }

    #[inline(always)]
    fn cancel<S: EventSink>(&mut self, at: Stamp, message: &[u8], sink: &mut S) -> Option<()> {
        let cancel = OrderCancel::parse(message)?;
        let event = EventKind::Reduce { order: order(cancel.order_ref), qty: qty(cancel.shares) };
        self.send(at, cancel.stock_locate, cancel.ts_ns, event, sink)
    }

    #[inline(always)]
    fn replace<S: EventSink>(&mut self, at: Stamp, message: &[u8], sink: &mut S) -> Option<()> {
        let replace = OrderReplace::parse(message)?;
        let event = EventKind::Replace {
            old: order(replace.order_ref),
            new: order(replace.new_order_ref),
            price: Some(price(replace.price_e4)),
            qty: qty(replace.shares),
            priority: Priority::Back,
        };
        self.send(at, replace.stock_locate, replace.ts_ns, event, sink)
    }

    #[inline(always)]
    fn send<S: EventSink>(
        &mut self,
        at: Stamp,
        locate: Be16,
        ts: Be48,
        kind: EventKind,
        sink: &mut S,
    ) -> Option<()> {
        if let Some(id) = self.instrument(locate) {
            sink.on_event(&at.event(id, nanos(ts), true, kind));
        }
        Some(())
    }

    /// The instrument of a locate, unless the tables do not hold it.
    #[inline(always)]
    fn instrument(&mut self, locate: Be16) -> Option<InstrumentId> {
        let locate = locate.get();
        if self.known[usize::from(locate)] == OUTSIDE {
            self.tally.fault(Fault::InstrumentsFull);
            return None;
        }
        Some(InstrumentId(u32::from(locate)))
    }

    /// Whether the instrument of a locate is inside the tables; tells the sink its symbol the first
    /// time it is seen: a capture that starts mid-day has no stock directory, but its orders carry
    /// the symbol.
    #[inline(always)]
    fn is_named<S: EventSink>(&mut self, locate: Be16, stock: [u8; 8], sink: &mut S) -> bool {
        self.known[usize::from(locate.get())] == NAMED || self.first_seen(locate, stock, sink)
    }

    #[cold]
    #[inline(never)]
    fn first_seen<S: EventSink>(&mut self, locate: Be16, stock: [u8; 8], sink: &mut S) -> bool {
        let id = self.instrument(locate);
        if let Some(id) = id {
            self.name(id, stock, sink);
        }
        id.is_some()
    }

    /// Tells the sink the symbol, unless it has it.
    fn name<S: EventSink>(&mut self, id: InstrumentId, stock: [u8; 8], sink: &mut S) {
        if self.mark_named(id) {
            sink.on_definition(&Instrument { symbol: Symbol(stock), ..Instrument::unknown(id) });
        }
    }

    /// Notes that the sink has the symbol; whether that is news.
    fn mark_named(&mut self, id: InstrumentId) -> bool {
        self.known.get_mut(id.index()).is_some_and(|known| std::mem::replace(known, NAMED) != NAMED)
    }

    #[cold]
    #[inline(never)]
    fn bad_side<S: EventSink>(&mut self, at: Stamp, message: &[u8], sink: &mut S) -> Option<()> {
        self.tally.fault(Fault::Side);
        self.lost(at, message, sink);
        Some(())
    }

    #[cold]
    #[inline(never)]
    fn unreadable<S: EventSink>(&mut self, kind: u8, at: Stamp, message: &[u8], sink: &mut S) {
        self.tally.fault(Fault::ShortMessage);
        if matches!(kind, b'A' | b'F' | b'E' | b'C' | b'X' | b'D' | b'U') {
            self.lost(at, message, sink);
        }
    }

    /// A change of a book could not be read: the book is not to be trusted until it is cleared.
    fn lost<S: EventSink>(&mut self, at: Stamp, message: &[u8], sink: &mut S) {
        let kind = EventKind::Stale(StaleReason::Inconsistent);
        let (id, ts) = match Header::parse(message) {
            Some(header) => match self.instrument(header.stock_locate) {
                Some(id) => (id, nanos(header.ts_ns)),
                None => return, // no table holds it, so no book is wrong
            },
            None => (InstrumentId::ALL, Nanos(0)),
        };
        sink.on_event(&at.event(id, ts, true, kind));
    }
}

#[inline(always)]
fn order(order_ref: Be64) -> OrderRef {
    OrderRef(order_ref.get())
}

#[inline(always)]
fn price(price_e4: Be32) -> Price {
    Price(i64::from(price_e4.get()))
}

#[inline(always)]
fn qty(shares: Be32) -> Qty {
    Qty(u64::from(shares.get()))
}

#[inline(always)]
fn nanos(ts: Be48) -> Nanos {
    Nanos(ts.get())
}
