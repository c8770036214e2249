//! A client and a market for scripts. Messages are written and read here from the offsets of the
//! OUCH 5.0 specification, not with the codec that the venue uses.
#![allow(dead_code)]

pub mod market;

use nofx_types::{
    BookEvent, EventKind, Instrument, InstrumentFlags, InstrumentId, Nanos, OrderRef, Phase, Price,
    Pricing, Priority, Qty, Side, Symbol, TradeKind,
};
use nofx_venue::latency::Direction;
use nofx_venue::{MarketKind, ReplayVenue, VenueConfig};

pub const ID: InstrumentId = InstrumentId(7);
pub const OTHER: InstrumentId = InstrumentId(3);

/// Two instruments, `AAA` (7) and `BBB` (3), with a tick of one cent.
pub fn instruments() -> [Instrument; 2] {
    [(ID, "AAA"), (OTHER, "BBB")].map(|(id, text)| Instrument {
        symbol: Symbol::new(text).expect("short"),
        flags: InstrumentFlags { defined: true, ..InstrumentFlags::default() },
        ..Instrument::unknown(id)
    })
}

/// Latency of `to` nanoseconds there and `from` back; the rest by default.
pub fn config(to: u64, from: u64) -> VenueConfig {
    let mut config = VenueConfig::default();
    config.latency.to_venue = Direction::fixed(to);
    config.latency.from_venue = Direction::fixed(from);
    config.session.heartbeat_ns = 0;
    config.sizes.book_orders = 4_096;
    config.sizes.book_levels = 1_024;
    config
}

pub fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u16 + 1).to_be_bytes().to_vec();
    bytes.push(kind);
    bytes.extend(payload);
    bytes
}

/// SoupBinTCP login: user 6, password 10, session 10, sequence 20 right-justified.
pub fn login(user: &str, password: &str, sequence: u64) -> Vec<u8> {
    let text = format!("{user:<6}{password:<10}{:<10}{sequence:>20}", "");
    frame(b'L', text.as_bytes())
}

/// What an order may say besides side, quantity and price.
#[derive(Clone, Copy)]
pub struct Extra<'a> {
    pub symbol: &'a str,
    pub tif: u8,
    pub display: u8,
    pub tags: &'a [u8],
}

pub const PLAIN: Extra<'static> = Extra { symbol: "AAA", tif: b'0', display: b'Y', tags: &[] };
pub const IOC: Extra<'static> = Extra { tif: b'3', ..PLAIN };
pub const POST_ONLY: Extra<'static> = Extra { display: b'P', ..PLAIN };

pub fn enter(user_ref: u32, side: u8, quantity: u32, price: u64, extra: Extra<'_>) -> Vec<u8> {
    let mut body = vec![b'O'];
    body.extend(user_ref.to_be_bytes());
    body.push(side);
    body.extend(quantity.to_be_bytes());
    body.extend(format!("{:<8}", extra.symbol).bytes());
    body.extend(price.to_be_bytes());
    body.extend([extra.tif, extra.display, b'P', b'N', b'N']);
    body.extend(b"client-order-1");
    body.extend((extra.tags.len() as u16).to_be_bytes());
    body.extend(extra.tags);
    frame(b'U', &body)
}

pub fn replace(orig: u32, user_ref: u32, quantity: u32, price: u64, extra: Extra<'_>) -> Vec<u8> {
    let mut body = vec![b'U'];
    body.extend(orig.to_be_bytes());
    body.extend(user_ref.to_be_bytes());
    body.extend(quantity.to_be_bytes());
    body.extend(price.to_be_bytes());
    body.extend([extra.tif, extra.display, b'N']);
    body.extend(b"client-order-2");
    body.extend((extra.tags.len() as u16).to_be_bytes());
    body.extend(extra.tags);
    frame(b'U', &body)
}

pub fn cancel(user_ref: u32, down_to: u32) -> Vec<u8> {
    let mut body = vec![b'X'];
    body.extend(user_ref.to_be_bytes());
    body.extend(down_to.to_be_bytes());
    frame(b'U', &body)
}

pub fn mass_cancel(user_ref: u32, symbol: &str, tags: &[u8]) -> Vec<u8> {
    let mut body = vec![b'C'];
    body.extend(user_ref.to_be_bytes());
    body.extend(b"FIRM");
    body.extend(format!("{symbol:<8}").bytes());
    body.extend((tags.len() as u16).to_be_bytes());
    body.extend(tags);
    frame(b'U', &body)
}

fn be<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    let field = bytes.get(at..at + N).expect("the message is as long as its layout");
    field.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// A frame of the venue as text: type, UserRefNum, and what matters of the rest.
pub fn text(frame: &[u8]) -> String {
    assert_eq!(be::<2>(frame, 0) as usize + 2, frame.len(), "one whole frame at a time");
    let m = &frame[3..];
    let letter = |at: usize| char::from(m[at]);
    match frame[2] {
        b'S' => match m[0] {
            b'S' => format!("S {}", letter(9)),
            b'A' => {
                let (side, state) = (letter(13), letter(47));
                format!("A {} {side} {}@{} {state}", be::<4>(m, 9), be::<4>(m, 14), be::<8>(m, 26))
            }
            b'U' => {
                let refs = (be::<4>(m, 9), be::<4>(m, 13));
                format!("U {}>{} {}@{}", refs.0, refs.1, be::<4>(m, 18), be::<8>(m, 30))
            }
            b'C' => format!("C {} {} {}", be::<4>(m, 9), be::<4>(m, 13), letter(17)),
            b'E' => {
                let (qty, price) = (be::<4>(m, 13), be::<8>(m, 17));
                format!("E {} {qty}@{price} {}", be::<4>(m, 9), letter(25))
            }
            b'J' => format!("J {} {:#04x}", be::<4>(m, 9), be::<2>(m, 13)),
            b'M' => format!("M {} {} {}", be::<4>(m, 9), letter(13), be::<4>(m, 14)),
            kind @ (b'I' | b'Q' | b'X' | b'G' | b'K') => {
                format!("{} {}", char::from(kind), be::<4>(m, 9))
            }
            other => format!("?{}", char::from(other)),
        },
        b'A' => format!("login {}", be_text(&m[10..30])),
        other => char::from(other).to_string(),
    }
}

fn be_text(digits: &[u8]) -> String {
    String::from_utf8_lossy(digits).trim().to_string()
}

/// A venue with a client that is logged in, and a market that the script writes.
pub struct Stage {
    pub venue: ReplayVenue,
    pub now: u64,
    seq: u64,
}

impl Stage {
    pub fn new(config: &VenueConfig, kind: MarketKind) -> Stage {
        let mut read = |_: &str| Err(std::io::Error::other("no files here"));
        let venue = ReplayVenue::new(config, &instruments(), kind, &mut read).expect("usable");
        let mut stage = Stage { venue, now: 1_000, seq: 0 };
        stage.send(&login("", "", 1));
        stage.pass(1_000_000);
        assert_eq!(stage.hear(), ["login 1", "S S"]);
        stage
    }

    /// Without latency and on a feed of orders.
    pub fn plain() -> Stage {
        Stage::new(&config(0, 0), MarketKind::Orders)
    }

    pub fn pass(&mut self, ns: u64) {
        self.now += ns;
    }

    pub fn send(&mut self, bytes: &[u8]) {
        assert_eq!(self.venue.on_bytes(Nanos(self.now), bytes), bytes.len());
    }

    /// Everything that has reached the client by now.
    pub fn hear(&mut self) -> Vec<String> {
        self.venue.on_time(Nanos(self.now));
        let mut heard = Vec::new();
        while let Some((at, bytes)) = self.venue.poll_out(Nanos(self.now)) {
            assert!(at.0 <= self.now);
            heard.push(text(bytes));
        }
        heard
    }

    /// Sends and, a microsecond later, hears.
    pub fn ask(&mut self, bytes: &[u8]) -> Vec<String> {
        self.send(bytes);
        self.pass(1_000);
        self.hear()
    }

    /// An event of `AAA`, a microsecond later.
    pub fn event(&mut self, kind: EventKind) {
        self.pass(1_000);
        self.event_of(ID, kind, true);
    }

    pub fn event_of(&mut self, instrument: InstrumentId, kind: EventKind, last: bool) {
        self.seq += 1;
        let at = Nanos(self.now);
        let event =
            BookEvent { instrument, seq: self.seq, exch_ns: at, capture_ns: at, last, kind };
        self.venue.on_event(&event);
    }

    pub fn add(&mut self, order: u64, side: Side, qty: u64, price: i64) {
        self.event(add(order, side, qty, price));
    }

    pub fn execute(&mut self, order: u64, qty: u64) {
        self.event(execute(order, qty));
    }

    pub fn reduce(&mut self, order: u64, qty: u64) {
        self.event(EventKind::Reduce { order: OrderRef(order), qty: Qty(qty) });
    }

    pub fn delete(&mut self, order: u64) {
        self.event(EventKind::Delete { order: OrderRef(order) });
    }

    pub fn level(&mut self, side: Side, price: i64, qty: u64) {
        self.event(EventKind::LevelSet { side, price: Price(price), qty: Qty(qty), orders: 0 });
    }

    pub fn trade(&mut self, kind: TradeKind, price: i64, qty: u64, aggressor: Option<Side>) {
        let (price, qty) = (Price(price), Qty(qty));
        self.event(EventKind::Trade { price, qty, aggressor, match_id: 0, kind });
    }

    pub fn phase(&mut self, phase: Phase) {
        self.event(EventKind::Phase(phase));
    }

    pub fn count(&self, name: &str) -> u64 {
        self.venue.counts().find(|(key, _)| *key == name).expect("counted").1
    }
}

pub fn add(order: u64, side: Side, qty: u64, price: i64) -> EventKind {
    EventKind::Add {
        order: OrderRef(order),
        side,
        price: Price(price),
        qty: Qty(qty),
        priority: Priority::Back,
        pricing: Pricing::Limit,
    }
}

pub fn execute(order: u64, qty: u64) -> EventKind {
    EventKind::Execute {
        order: OrderRef(order),
        qty: Qty(qty),
        price: None,
        printable: true,
        match_id: 0,
    }
}

pub fn replace_real(old: u64, new: u64, price: i64, qty: u64) -> EventKind {
    EventKind::Replace {
        old: OrderRef(old),
        new: OrderRef(new),
        price: Some(Price(price)),
        qty: Qty(qty),
        priority: Priority::Back,
    }
}
