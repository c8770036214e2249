//! What the day says goes through here: the publisher, the counts of the truth, the lines.
//!
//! The tape hears the matching ([`MatchSink`]) and turns what happens to resting orders into
//! messages. The first error of the outside is kept and nothing is said after it; the session looks
//! for it between two steps.

use nofx_types::{Nanos, OrderRef, Price, Symbol};
use nofx_wire::mold;

use super::DaySink;
use super::flow::Floor;
use super::lines::{Faults, Lines, Range, Wire};
use super::truth::Truth;
use crate::matching::{MatchSink, Resting, Trade};
use crate::publisher::{Happening, Outlet, Publisher, PublisherConfig};

/// The tape of a day.
pub(super) struct Tape<'a, S: DaySink> {
    publisher: Publisher,
    out: Out<'a, S>,
    failed: Option<S::Error>,
    /// The venue's time, since midnight.
    pub now: Nanos,
    /// Locate and symbol by row.
    pub names: Vec<(u16, Symbol)>,
    mpid: Option<[u8; 4]>,
    priced: Option<(Price, bool)>,
    /// Displayed orders by row, and of all.
    live: Vec<usize>,
    live_all: u64,
    last_order: u64,
    next_match: u64,
    /// Match number and shares of the last printed execution.
    last_print: Option<(u16, u64, u32)>,
}

impl<'a, S: DaySink> Tape<'a, S> {
    pub fn new(
        sink: &'a mut S,
        publisher: &PublisherConfig,
        start: Nanos,
        names: Vec<(u16, Symbol)>,
        lines: Option<(u64, Faults)>,
    ) -> Tape<'a, S> {
        let lines = lines.map(|(seed, faults)| Lines::new(seed, faults));
        Tape {
            publisher: Publisher::new(publisher, start),
            out: Out { sink, lines, truth: Truth::new() },
            failed: None,
            now: start,
            live: vec![0; names.len()],
            names,
            mpid: None,
            priced: None,
            live_all: 0,
            last_order: 0,
            next_match: 1,
            last_print: None,
        }
    }

    /// Messages so far.
    pub fn messages(&self) -> u64 {
        self.publisher.next_seq() - 1
    }

    /// Says something about no instrument.
    pub fn say_all(&mut self, what: &Happening) {
        self.publish(0, what);
    }

    /// The volume of a cross.
    pub fn cross(&mut self, row: usize, price: u32, shares: u64, cross: u8) {
        let (symbol, match_number) = (self.symbol(row), self.match_number());
        if shares > 0 {
            self.print(shares);
        }
        self.say(row, &Happening::Cross { shares, symbol, price, match_number, cross });
    }

    /// Takes back the last printed execution, if there is one that still stands.
    pub fn break_last(&mut self) {
        let Some((locate, match_number, shares)) = self.last_print.take() else { return };
        self.out.truth.volume -= u64::from(shares);
        self.out.truth.trades -= 1;
        self.publish(locate, &Happening::Broken { match_number });
    }

    /// The first error of the outside.
    pub fn check(&mut self) -> Result<(), S::Error> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Tells the sink how far the day is.
    pub fn progress(&mut self) {
        let done = self.messages();
        self.out.sink.progress(done);
    }

    /// Ends the session and hands out the counts.
    pub fn finish(mut self) -> Result<Truth, S::Error> {
        self.check()?;
        self.publisher.end(&mut self.out)?;
        if let Some(mut lines) = self.out.lines.take() {
            lines.finish(&mut Datagrams(self.out.sink))?;
            self.out.truth.losses = lines.losses;
        }
        Ok(self.out.truth)
    }

    fn match_number(&mut self) -> u64 {
        self.next_match += 1;
        self.next_match - 1
    }

    fn print(&mut self, shares: u64) {
        self.out.truth.volume += shares;
        self.out.truth.trades += 1;
    }

    #[inline]
    fn publish(&mut self, locate: u16, what: &Happening) {
        if self.failed.is_none() {
            self.failed = self.publisher.publish(self.now, locate, what, &mut self.out).err();
        }
    }
}

impl<S: DaySink> Floor for Tape<'_, S> {
    fn symbol(&self, row: usize) -> Symbol {
        self.names.get(row).map_or(Symbol::NONE, |name| name.1)
    }

    #[inline]
    fn say(&mut self, row: usize, what: &Happening) {
        let locate = self.names.get(row).map_or(0, |name| name.0);
        self.publish(locate, what);
    }

    fn hidden_trade(&mut self, row: usize, price: u32, shares: u32) {
        let (symbol, match_number) = (self.symbol(row), self.match_number());
        self.print(u64::from(shares));
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
        self.out.truth.order_ref_max = self.last_order;
        OrderRef(self.last_order)
    }

    fn owns(&self, _: OrderRef) -> bool {
        true // nobody else is there
    }

    fn live(&self, row: usize) -> usize {
        self.live.get(row).copied().unwrap_or(0)
    }
}

impl<S: DaySink> Tape<'_, S> {
    fn joined(&mut self, row: usize) {
        self.live[row] += 1;
        self.live_all += 1;
        let most = &mut self.out.truth.live_orders_max;
        *most = self.live_all.max(*most);
    }

    fn left(&mut self, row: usize) {
        self.live[row] -= 1;
        self.live_all -= 1;
    }
}

impl<S: DaySink> MatchSink for Tape<'_, S> {
    fn rested(&mut self, order: &Resting) {
        let row = order.row as usize;
        self.joined(row);
        let what = Happening::Add {
            order: order.order.0,
            side: order.side,
            shares: order.qty,
            symbol: self.symbol(row),
            price: wire_price(order.price),
            mpid: self.mpid,
        };
        self.say(row, &what);
    }

    fn executed(&mut self, trade: &Trade) {
        let (row, order, shares) = (trade.maker.row as usize, trade.maker.order.0, trade.qty);
        let match_number = self.match_number();
        if trade.maker.qty == 0 {
            self.left(row);
        }
        let printable = self.priced.is_none_or(|(_, printable)| printable);
        if printable {
            self.print(u64::from(shares));
            let locate = self.names.get(row).map_or(0, |name| name.0);
            self.last_print = Some((locate, match_number, shares));
        }
        let what = match self.priced {
            None => Happening::Executed { order, shares, match_number },
            Some((price, printable)) => {
                let price = wire_price(price);
                Happening::ExecutedAt { order, shares, match_number, printable, price }
            }
        };
        self.say(row, &what);
    }

    fn reduced(&mut self, order: &Resting, by: u32) {
        self.say(order.row as usize, &Happening::Canceled { order: order.order.0, shares: by });
    }

    fn deleted(&mut self, order: &Resting) {
        self.left(order.row as usize);
        self.say(order.row as usize, &Happening::Deleted { order: order.order.0 });
    }

    fn replaced(&mut self, old: &Resting, order: &Resting) {
        let what = Happening::Replaced {
            order: old.order.0,
            new_order: order.order.0,
            shares: order.qty,
            price: wire_price(order.price),
        };
        self.say(order.row as usize, &what);
    }
}

/// A price as wide as on the wire; the flow keeps prices far inside.
pub(crate) fn wire_price(price: Price) -> u32 {
    u32::try_from(price.0).unwrap_or(0)
}

/// Where the publisher's bytes go.
struct Out<'a, S: DaySink> {
    sink: &'a mut S,
    lines: Option<Lines>,
    truth: Truth,
}

impl<S: DaySink> Outlet for Out<'_, S> {
    type Error = S::Error;

    #[inline]
    fn message(&mut self, message: &[u8]) -> Result<(), S::Error> {
        if let [kind, ..] = message {
            self.truth.by_type[usize::from(*kind)] += 1;
        }
        self.sink.message(message)
    }

    #[inline]
    fn packet(&mut self, at: Nanos, payload: &[u8]) -> Result<(), S::Error> {
        let Some(lines) = &mut self.lines else { return Ok(()) };
        lines.send(at, payload, range_of(payload), &mut Datagrams(self.sink))
    }
}

/// The messages of a packet, as sequence numbers.
fn range_of(payload: &[u8]) -> Option<Range> {
    let header = mold::Header::parse(payload)?;
    let (first, count) = (header.seq.get(), header.count.get());
    (1..=mold::COUNT_MAX).contains(&count).then(|| (first, first + u64::from(count) - 1))
}

/// The sink, as the lines see it.
struct Datagrams<'a, S>(&'a mut S);

impl<S: DaySink> Wire for Datagrams<'_, S> {
    type Error = S::Error;

    #[inline]
    fn datagram(&mut self, line: usize, at: Nanos, payload: &[u8]) -> Result<(), S::Error> {
        self.0.datagram(line, at, payload)
    }
}
