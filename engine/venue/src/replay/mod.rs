//! The venue that acts on a replayed market.
//!
//! Model: the market's events go through [`ReplayVenue::on_event`] and build the real books of the
//! traded instruments; the engine's bytes go through [`ReplayVenue::on_bytes`], travel, and become
//! requests that act between two events. Time is the capture's: a request that arrives at the time of
//! an event comes after it (unless [`ReplayVenue::on_time`] served it before), and one that arrives
//! inside an atomic event of the venue waits for its end. Since market data was already old when it
//! was captured, the configured latency to the venue has to include the time that it took.
//!
//! What fills an own order that rests (at its own price, as maker):
//!
//! | what happens | reaches |
//! |---|---|
//! | a real order of our side is executed | own orders at a better price, and those before it at the same price |
//! | a real order of the other side arrives at a crossing price that the real book leaves alone | own orders that it crosses, best first |
//! | a print on a feed that names no executed order | own orders at a better price, and at that price what exceeds the orders before us, on a feed of levels by the [queue model](crate::queue) |
//! | a hidden print strictly through the price | own orders at a better price (`hidden_prints_fill`) |
//!
//! No event fills more than its own quantity. An own order that crosses on arrival takes real orders
//! in price-time order, and what it took is never offered to us again. Executions that are not
//! printable fill nobody: another message carries their volume. Auctions fill nobody: what crosses
//! after one is reached by what arrives or trades next.
//!
//! A replace at the same price with no more open shares keeps its turn (as a cut does); any other
//! one loses it. A cancel or replace that comes too late is refused rather than ignored, so a client
//! always hears.
//!
//! While a book is stale nothing is filled. Orders that rested then have lost their place: nobody
//! knows who is before them, so only what trades strictly through their price reaches them, or what
//! arrives where no real order stands in its way, until they are replaced or end. Clearing a book
//! does the same, except that a quote of a feed of the best level begins by clearing its instrument.
//!
//! Worst case: an event of an instrument that is not traded costs one load and a branch. Otherwise it
//! costs its book update and a walk over own orders of that row; an incoming order visits the real
//! orders that it crosses.

mod counts;
mod desk;
mod events;
mod incoming;
mod market;
mod requests;
mod taken;
mod traded;

use std::io;

use nofx_rt::rng::Rng;
use nofx_types::{BookEvent, Instrument, InstrumentId, Nanos, Price};

use crate::acceptor::Acceptor;
use crate::config::{ConfigError, NotContinuous, RejectConfig, VenueConfig};
use crate::own::{OwnOrder, OwnOrders};
use crate::queue::QueueModel;
use crate::throttle::Throttle;
use desk::Desk;
use market::Market;
use taken::Taken;
use traded::Traded;

/// What the feed shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarketKind {
    /// Order by order: queue position is known.
    Orders,
    /// Price levels: queue position is modelled.
    Levels,
}

/// The simulated venue.
pub struct ReplayVenue {
    desk: Desk,
    traded: Traded,
    market: Market,
    taken: Taken,
    kind: MarketKind,
    rules: Rules,
    /// Draws of the queue model.
    queue_rng: Rng,
    /// Draws of random rejects.
    reject_rng: Rng,
    throttle: Throttle,
    /// Time of the last event that was applied: no report is older.
    clock: Nanos,
    day_ended: bool,
}

/// The configuration that requests and events ask for.
#[derive(Clone, Copy, Debug)]
struct Rules {
    rejects: RejectConfig,
    not_continuous: NotContinuous,
    hidden_prints_fill: bool,
    cancel_on_disconnect: bool,
    max_quantity: u32,
    queue: QueueModel,
}

/// Ids above this would make the dense map large for nothing.
const INSTRUMENT_ID_MAX: u32 = 1 << 24;

impl ReplayVenue {
    /// A venue for the `traded` instruments of a feed of this kind. `read` gives the text of latency
    /// files by path. Fails with the key of a value that cannot be used.
    pub fn new(
        config: &VenueConfig,
        traded: &[Instrument],
        kind: MarketKind,
        read: &mut dyn FnMut(&str) -> io::Result<String>,
    ) -> Result<ReplayVenue, ConfigError> {
        let acceptor = Acceptor::new(config, read)?;
        check_ids(traded)?;
        let own = OwnOrders::new(config.sizes.open_orders as usize, traded.len());
        let mut market = Market::new(traded.len(), kind, &config.sizes)?;
        for (row, instrument) in traded.iter().enumerate() {
            market.define(row, instrument);
        }
        Ok(ReplayVenue {
            desk: Desk::new(acceptor, own),
            traded: Traded::new(traded, config.trade_unknown_phase),
            market,
            taken: Taken::new(config.sizes.taken as usize),
            kind,
            rules: Rules {
                rejects: config.rejects,
                not_continuous: config.not_continuous,
                hidden_prints_fill: config.hidden_prints_fill,
                cancel_on_disconnect: config.session.cancel_on_disconnect,
                max_quantity: config.max_quantity,
                queue: config.queue,
            },
            queue_rng: Rng::new(config.seed ^ 0x5155_4555_4500_0000),
            reject_rng: Rng::new(config.seed ^ 0x5245_4a45_4354_0000),
            throttle: Throttle::default(),
            clock: Nanos(0),
            day_ended: false,
        })
    }

    /// The feed defined an instrument: symbol and price step, if it is traded.
    pub fn define(&mut self, instrument: &Instrument) {
        if let Some(row) = self.traded.row_of(instrument.id) {
            self.traded.define(instrument);
            self.market.define(row, instrument);
        }
    }

    /// Takes bytes that the engine sent at `sent`, its own time; they arrive after their latency.
    /// Returns how many were taken: fewer than all only while the inbox is full, and what was not
    /// taken is counted.
    pub fn on_bytes(&mut self, sent: Nanos, bytes: &[u8]) -> usize {
        let taken = self.desk.acceptor.on_bytes(sent, bytes);
        self.desk.counts.inbox_full_bytes += (bytes.len() - taken) as u64;
        taken
    }

    /// The engine's connection ended at `sent`.
    pub fn disconnect(&mut self, sent: Nanos) {
        self.desk.acceptor.disconnect(sent);
    }

    /// The engine connected again and has to log in.
    pub fn connect(&mut self, now: Nanos) {
        self.desk.acceptor.connect(now);
    }

    /// One event of the market: serves the requests that arrived before it, then applies it.
    #[inline]
    pub fn on_event(&mut self, event: &BookEvent) {
        if let Some(row) = self.traded.row_of(event.instrument) {
            self.on_traded(row, event);
        } else if event.instrument == InstrumentId::ALL {
            self.on_market(event);
        }
    }

    /// Time passed: serves the requests that have arrived by `now` and keeps the session alive.
    pub fn on_time(&mut self, now: Nanos) {
        self.serve(now);
        self.desk.acceptor.keep_alive(now, self.desk.own.count());
    }

    /// The next bytes that have reached the engine by `now`, and when they did. Requests that arrived
    /// before `now` are served first.
    #[inline]
    pub fn poll_out(&mut self, now: Nanos) -> Option<(Nanos, &[u8])> {
        if self.desk.acceptor.next_due().is_none_or(|due| due > now) {
            return None;
        }
        self.on_time(before(now));
        self.desk.acceptor.poll_out(now)
    }

    /// When something happens next without the market: a message arrives at either end, or the venue
    /// sends a heartbeat.
    #[inline]
    pub fn next_due(&self) -> Option<Nanos> {
        self.desk.acceptor.next_due()
    }

    /// Counts by name: requests and fills, the session's, and those of the real books.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let (session, drops) = (self.desk.acceptor.stats(), self.desk.acceptor.inbox_drops());
        let session = [
            ("logins", session.logins),
            ("logins_refused", session.logins_refused),
            ("stale_refs", session.stale_refs),
            ("malformed", session.malformed),
            ("not_logged_in", session.not_logged_in),
            ("unknown_frames", session.unknown_frames),
            ("refused_by_session", session.refused),
            ("unsent", session.unsent),
            ("oversize_frames", drops.oversize),
            ("broken_frames", drops.broken),
            ("unconnected_bytes", drops.unconnected_bytes),
        ];
        self.desk.counts.iter().chain(session).chain(self.market.counts())
    }

    /// Bytes of memory by name, all of it taken at start.
    pub fn memory(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("venue_books", self.market.memory()),
            ("venue_session", self.desk.acceptor.memory()),
            ("venue_orders", self.desk.own.memory()),
            ("venue_taken", self.taken.memory()),
        ]
        .into_iter()
    }

    /// Open own orders.
    pub fn open_orders(&self) -> usize {
        self.desk.own.count()
    }

    /// Serves what has arrived by `until`, but nothing inside an atomic event.
    fn serve(&mut self, until: Nanos) {
        let until = self.traded.horizon(until);
        while let Some((due, request)) = self.desk.acceptor.next_request(until, self.desk.reserve())
        {
            self.on_request(due.max(self.clock), request);
        }
    }

    /// An own order without a place yet, as a request describes it.
    fn price_of(&self, row: usize, price: u64) -> Option<Price> {
        let price = Price(i64::try_from(price).ok()?);
        self.traded.row(row)?.takes_price(price).then_some(price)
    }
}

/// A request that arrives together with an event comes after it.
fn before(now: Nanos) -> Nanos {
    Nanos(now.0.saturating_sub(1))
}

fn check_ids(traded: &[Instrument]) -> Result<(), ConfigError> {
    for (at, instrument) in traded.iter().enumerate() {
        let id = instrument.id;
        if id.0 >= INSTRUMENT_ID_MAX {
            let want = format!("instrument {}: want an id below {INSTRUMENT_ID_MAX}", id.0);
            return Err(ConfigError::new("traded", want));
        }
        if traded[..at].iter().any(|other| other.id == id) {
            return Err(ConfigError::new("traded", format!("instrument {} is named twice", id.0)));
        }
    }
    Ok(())
}

/// Whether an order of the other side at `price` would trade with `own`.
fn crosses(own: &OwnOrder, price: Price) -> bool {
    !own.side.better(price, own.price)
}
