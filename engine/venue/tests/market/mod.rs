//! A venue that stands alone, its firms, and two readers that know nothing of its code: one of the
//! published stream, one of a firm's reports. Both read at the offsets of the specifications.
#![allow(dead_code)]

use std::collections::{BTreeMap, HashMap};

use nofx_types::Nanos;
use nofx_venue::exchange::{CourseConfig, Dump, Exchange, ExchangeConfig, FirmConfig, FlowConfig};

use crate::common::{login, text};

pub const SECOND: u64 = 1_000_000_000;

pub fn be(bytes: &[u8], at: usize, len: usize) -> u64 {
    bytes[at..at + len].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Two firms, `ONE` and `TWO`, no background, a second of pre-opening.
pub fn config() -> ExchangeConfig {
    let firm = |name: &str| FirmConfig {
        name: name.into(),
        username: String::new(),
        password: String::new(),
        ..FirmConfig::default()
    };
    let mut config = ExchangeConfig {
        course: CourseConfig { pre_open_s: 1, imbalance_s: 0, ..CourseConfig::default() },
        flow: FlowConfig { rate: 0, ..FlowConfig::default() },
        firms: vec![firm("ONE"), firm("TWO")],
        ..ExchangeConfig::default()
    };
    config.market.symbols = vec!["AAA".into(), "BBB".into()];
    config.market.orders = 4_000;
    config
}

/// A resting order as the stream shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    pub order: u64,
    pub price: u64,
    pub qty: u64,
}

/// Reads ITCH messages, one by one.
#[derive(Default)]
pub struct Reader {
    /// Orders by locate and side, in the order of their arrival.
    pub books: BTreeMap<(u64, u8), Vec<Shown>>,
    places: HashMap<u64, (u64, u8)>,
    pub states: BTreeMap<u64, u8>,
    pub system: Vec<u8>,
    /// Kinds of all messages so far.
    pub kinds: Vec<u8>,
    /// Shares and price by match number, of executions that print and of crosses.
    pub prints: HashMap<u64, (u64, u64)>,
    /// Locate, shares, price, kind.
    pub crosses: Vec<(u64, u64, u64, u8)>,
    pub messages: Vec<Vec<u8>>,
}

impl Reader {
    pub fn read(&mut self, m: &[u8]) {
        self.messages.push(m.to_vec());
        self.kinds.push(m[0]);
        let locate = be(m, 1, 2);
        match m[0] {
            b'S' => self.system.push(m[11]),
            b'H' => _ = self.states.insert(locate, m[19]),
            b'A' | b'F' => {
                let shown = Shown { order: be(m, 11, 8), price: be(m, 32, 4), qty: be(m, 20, 4) };
                self.add((locate, m[19]), shown);
            }
            b'E' => {
                let price = self.order(be(m, 11, 8)).price;
                self.prints.insert(be(m, 23, 8), (be(m, 19, 4), price));
                self.take(be(m, 11, 8), be(m, 19, 4));
            }
            b'C' => {
                if m[31] == b'Y' {
                    self.prints.insert(be(m, 23, 8), (be(m, 19, 4), be(m, 32, 4)));
                }
                self.take(be(m, 11, 8), be(m, 19, 4));
            }
            b'X' => self.take(be(m, 11, 8), be(m, 19, 4)),
            b'D' => {
                let qty = self.order(be(m, 11, 8)).qty;
                self.take(be(m, 11, 8), qty);
            }
            b'U' => {
                let (old, place) = (be(m, 11, 8), self.places[&be(m, 11, 8)]);
                let qty = self.order(old).qty;
                self.take(old, qty);
                let shown = Shown { order: be(m, 19, 8), price: be(m, 31, 4), qty: be(m, 27, 4) };
                self.add(place, shown);
            }
            b'Q' => {
                let cross = (locate, be(m, 11, 8), be(m, 27, 4), m[39]);
                self.prints.insert(be(m, 31, 8), (cross.1, cross.2));
                self.crosses.push(cross);
            }
            b'R' | b'Y' | b'I' | b'P' | b'N' => {}
            other => panic!("{} is not sent", char::from(other)),
        }
    }

    fn add(&mut self, place: (u64, u8), shown: Shown) {
        assert!(self.places.insert(shown.order, place).is_none(), "{shown:?} is there twice");
        self.books.entry(place).or_default().push(shown);
    }

    fn order(&self, order: u64) -> Shown {
        let place = self.places.get(&order).unwrap_or_else(|| panic!("{order} is not there"));
        *self.books[place].iter().find(|shown| shown.order == order).expect("is where it is")
    }

    fn take(&mut self, order: u64, qty: u64) {
        let place = self.places[&order];
        let book = self.books.get_mut(&place).expect("has a book");
        let at = book.iter().position(|shown| shown.order == order).expect("is there");
        assert!(qty > 0 && book[at].qty >= qty, "{order}: {qty} of {}", book[at].qty);
        book[at].qty -= qty;
        if book[at].qty == 0 {
            book.remove(at);
            self.places.remove(&order);
        }
    }

    /// A side in the order in which it is filled.
    pub fn side(&self, locate: u64, side: u8) -> Vec<Shown> {
        let mut shown = self.books.get(&(locate, side)).cloned().unwrap_or_default();
        shown.sort_by_key(|s| if side == b'B' { -(s.price as i64) } else { s.price as i64 });
        shown
    }

    /// Whether bid and ask are apart, where an instrument trades.
    pub fn check_uncrossed(&self) {
        for (locate, _) in self.states.iter().filter(|(_, state)| **state == b'T') {
            let [bid, ask] = [b'B', b'S'].map(|side| self.side(*locate, side).first().copied());
            if let (Some(bid), Some(ask)) = (bid, ask) {
                assert!(bid.price < ask.price, "{locate}: {bid:?} {ask:?}");
            }
        }
    }
}

/// What a client makes of its reports.
#[derive(Default)]
pub struct Reports {
    /// Open shares by UserRefNum, and what was filled under it.
    pub orders: BTreeMap<u64, (u64, u64)>,
    rows: HashMap<u64, (Vec<u8>, u8)>,
    /// The order that each one replaced.
    parents: HashMap<u64, u64>,
    /// Bought less sold by symbol.
    pub net: BTreeMap<Vec<u8>, i64>,
    /// Match number, shares, price.
    pub fills: Vec<(u64, u64, u64)>,
    pub sequenced: u64,
}

impl Reports {
    pub fn read(&mut self, frame: &[u8]) {
        assert_eq!(be(frame, 0, 2) as usize + 2, frame.len(), "one whole frame at a time");
        if frame[2] != b'S' {
            return;
        }
        self.sequenced += 1;
        let m = &frame[3..];
        let id = if m.len() > 12 { be(m, 9, 4) } else { 0 };
        match m[0] {
            b'A' => self.open(id, be(m, 14, 4), m[18..26].to_vec(), m[13]),
            b'U' => {
                let (orig, id) = (id, be(m, 13, 4));
                let filled: u64 = self.chain(orig);
                self.orders.get_mut(&orig).expect("known").0 = 0;
                self.open(id, be(m, 18, 4) - filled, m[22..30].to_vec(), m[17]);
                self.parents.insert(id, orig);
            }
            b'C' | b'D' => {
                let order = self.orders.get_mut(&id).expect("known");
                order.0 = order.0.checked_sub(be(m, 13, 4)).expect("not more than is open");
            }
            b'E' => {
                let (qty, price) = (be(m, 13, 4), be(m, 17, 8));
                let order = self.orders.get_mut(&id).expect("known");
                order.0 = order.0.checked_sub(qty).expect("not more than is open");
                order.1 += qty;
                let (symbol, side) = self.rows[&id].clone();
                let sign = if side == b'B' { 1 } else { -1 };
                *self.net.entry(symbol).or_default() += sign * qty as i64;
                self.fills.push((be(m, 26, 8), qty, price));
            }
            b'M' => {
                let filled = self.chain(id);
                self.orders.get_mut(&id).expect("known").0 = be(m, 14, 4) - filled;
            }
            _ => {}
        }
    }

    fn open(&mut self, id: u64, qty: u64, symbol: Vec<u8>, side: u8) {
        assert!(self.orders.insert(id, (qty, 0)).is_none(), "{id} twice");
        self.rows.insert(id, (symbol, side));
    }

    /// Shares filled since the first order of the chain.
    fn chain(&self, id: u64) -> u64 {
        let before = self.parents.get(&id).map_or(0, |parent| self.chain(*parent));
        before + self.orders[&id].1
    }
}

/// The venue and what everybody has heard.
pub struct Bench {
    pub exchange: Exchange,
    pub now: u64,
    pub reader: Reader,
    pub packets: Vec<Vec<u8>>,
    pub reports: Vec<Reports>,
}

impl Bench {
    pub fn new(config: &ExchangeConfig) -> Bench {
        let exchange = Exchange::new(config, &[], Nanos(SECOND)).expect("usable");
        let reports = config.firms.iter().map(|_| Reports::default()).collect();
        let (reader, packets) = (Reader::default(), Vec::new());
        let mut bench = Bench { exchange, now: SECOND, reader, packets, reports };
        for firm in 0..config.firms.len() {
            bench.connect(firm, 1);
        }
        bench
    }

    /// Logged in and past the open.
    pub fn open(config: &ExchangeConfig) -> Bench {
        let mut bench = Bench::new(config);
        bench.pass(u64::from(config.course.pre_open_s) * SECOND);
        (0..config.firms.len()).for_each(|firm| _ = bench.hear(firm));
        bench
    }

    pub fn connect(&mut self, firm: usize, sequence: u64) {
        self.exchange.port(firm).expect("a firm").connect(Nanos(self.now));
        self.send(firm, &login("", "", sequence));
    }

    pub fn disconnect(&mut self, firm: usize) {
        self.exchange.port(firm).expect("a firm").disconnect(Nanos(self.now));
        self.turn();
    }

    /// Time passes, and the venue takes its turn.
    pub fn pass(&mut self, ns: u64) {
        self.now += ns;
        self.turn();
    }

    pub fn turn(&mut self) {
        self.exchange.turn(Nanos(self.now));
        self.exchange.flush();
        self.listen();
    }

    /// Reads what was published.
    pub fn listen(&mut self) {
        while let Some(packet) = self.exchange.next_packet() {
            let count = be(packet, 18, 2);
            let mut at = 20;
            for _ in 0..if count == 0xffff { 0 } else { count } {
                let len = be(packet, at, 2) as usize;
                self.reader.read(&packet[at + 2..at + 2 + len]);
                at += 2 + len;
            }
            assert_eq!(at, packet.len());
            self.packets.push(packet.to_vec());
        }
    }

    pub fn send(&mut self, firm: usize, bytes: &[u8]) {
        let port = self.exchange.port(firm).expect("a firm");
        assert_eq!(port.on_bytes(Nanos(self.now), bytes), bytes.len());
        self.pass(1_000);
    }

    /// What a firm is told.
    pub fn hear(&mut self, firm: usize) -> Vec<String> {
        let port = self.exchange.port(firm).expect("a firm");
        let mut heard = Vec::new();
        while let Some((_, bytes)) = port.poll_out(Nanos(self.now)) {
            self.reports[firm].read(bytes);
            heard.push(text(bytes));
        }
        heard
    }

    /// Sends, and what the firm is told.
    pub fn ask(&mut self, firm: usize, bytes: &[u8]) -> Vec<String> {
        self.send(firm, bytes);
        self.hear(firm)
    }

    /// The dump, compared with what everybody has heard.
    pub fn agreed(&mut self) -> Dump {
        self.exchange.flush();
        self.listen();
        (0..self.reports.len()).for_each(|firm| _ = self.hear(firm));
        let dump = self.exchange.dump();
        assert_eq!(dump.next_seq, self.reader.messages.len() as u64 + 1);
        for book in &dump.books {
            for (letter, side) in [(b'B', &book.bids), (b'S', &book.asks)] {
                let held = side.iter().map(|o| Shown {
                    order: o.order_ref,
                    price: o.price as u64,
                    qty: u64::from(o.qty),
                });
                assert_eq!(
                    held.collect::<Vec<_>>(),
                    self.reader.side(u64::from(book.locate), letter),
                    "{}",
                    book.symbol
                );
            }
            let state = self.reader.states[&u64::from(book.locate)];
            assert!(book.state == char::from(state) || dump.stage == "over");
        }
        for (firm, reports) in dump.firms.iter().zip(&self.reports) {
            let held = firm
                .orders
                .iter()
                .map(|o| (u64::from(o.user_ref), (u64::from(o.leaves), u64::from(o.executed))));
            assert_eq!(held.collect::<BTreeMap<_, _>>(), reports.orders, "{}", firm.name);
            let net = firm.positions.iter().map(|p| (format!("{:<8}", p.symbol).into(), p.net));
            assert_eq!(net.collect::<BTreeMap<Vec<u8>, i64>>(), reports.net, "{}", firm.name);
            assert_eq!(firm.next_seq, reports.sequenced + 1, "{}", firm.name);
            let resting = dump.books.iter().flat_map(|b| b.bids.iter().chain(&b.asks));
            let resting: BTreeMap<u64, u64> = resting
                .filter(|o| o.firm == firm.name)
                .map(|o| (u64::from(o.user_ref), u64::from(o.qty)))
                .collect();
            let open = reports.orders.iter().filter(|(_, o)| o.0 > 0).map(|(id, o)| (*id, o.0));
            assert_eq!(resting, open.collect::<BTreeMap<_, _>>(), "{}", firm.name);
        }
        dump
    }
}
