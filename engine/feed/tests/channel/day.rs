//! A small seeded ITCH day whose books are known after each message, and its images.

use std::collections::BTreeMap;

use nofx_rt::rng::Rng;

/// Instruments: locates `1..=INSTRUMENTS`.
pub const INSTRUMENTS: u16 = 3;

#[derive(Clone)]
struct Order {
    locate: u16,
    side: u8,
    price: u32,
    shares: u32,
    /// Rises with each join: the order of the queue.
    turn: u64,
}

/// What an image tells.
#[derive(Clone, Default)]
struct State {
    orders: BTreeMap<u64, Order>,
    system: u8,
    trading: BTreeMap<u16, u8>,
    halts: BTreeMap<u16, u8>,
}

/// Messages of one session; the first has number 1.
pub struct Day {
    pub session: [u8; 10],
    pub messages: Vec<Vec<u8>>,
    /// After so many messages.
    states: Vec<State>,
}

struct Maker {
    rng: Rng,
    state: State,
    next_ref: u64,
    turn: u64,
    ts: u64,
}

impl Day {
    pub fn new(seed: u64, session: [u8; 10], messages: usize) -> Day {
        let mut maker = Maker {
            rng: Rng::new(seed),
            state: State::default(),
            next_ref: seed << 32 | 1,
            turn: 0,
            ts: 34_200_000_000_000,
        };
        let mut day = Day { session, messages: Vec::new(), states: vec![State::default()] };
        let mut opening: Vec<Vec<u8>> = vec![maker.system(b'O')];
        opening.extend((1..=INSTRUMENTS).map(directory));
        for message in opening {
            day.push(message, &maker.state);
        }
        while day.messages.len() < messages {
            let message = maker.next();
            day.push(message, &maker.state);
        }
        day
    }

    fn push(&mut self, message: Vec<u8>, state: &State) {
        self.messages.push(message);
        self.states.push(state.clone());
    }

    /// The messages of an image after the first `count` messages, without the marker.
    pub fn image(&self, count: usize) -> Vec<Vec<u8>> {
        let state = &self.states[count];
        let mut image = vec![message(b'S', 0, 1, &[&[state.system]])];
        if count == 0 {
            image.clear();
        }
        image.extend((1..=INSTRUMENTS).map(directory));
        image.extend(state.trading.iter().map(|(locate, code)| trading(*locate, *code)));
        let halted = state.halts.iter().filter(|(_, code)| **code == b'H'); // an image of what is
        image.extend(halted.map(|(locate, code)| halt(*locate, *code)));
        let mut orders: Vec<_> = state.orders.iter().collect();
        orders.sort_by_key(|(_, order)| order.turn);
        image.extend(orders.into_iter().map(|(id, order)| add(*id, order, order.turn % 2 == 0)));
        image
    }
}

impl Maker {
    fn next(&mut self) -> Vec<u8> {
        self.ts += 1_000;
        let live: Vec<u64> = self.state.orders.keys().copied().collect();
        if live.len() < 20 || (live.len() < 60 && self.rng.chance(2, 5)) {
            return self.join();
        }
        let id = live[self.rng.below(live.len() as u64) as usize];
        let order = self.state.orders[&id].clone();
        let part = 1 + self.rng.below(u64::from(order.shares)) as u32;
        let (locate, ts) = (order.locate, self.ts);
        let id_bytes = id.to_be_bytes();
        let part_bytes = part.to_be_bytes();
        match self.rng.below(20) {
            0..5 => {
                self.state.orders.remove(&id);
                message(b'D', locate, ts, &[&id_bytes])
            }
            5..8 => {
                self.take(id, part);
                message(b'E', locate, ts, &[&id_bytes, &part_bytes, &[0; 8]])
            }
            8 => {
                self.take(id, part);
                let rest = [b"Y".as_slice(), &order.price.to_be_bytes()].concat();
                message(b'C', locate, ts, &[&id_bytes, &part_bytes, &[0; 8], &rest])
            }
            9..11 if order.shares > part => {
                self.take(id, part);
                message(b'X', locate, ts, &[&id_bytes, &part_bytes])
            }
            11..15 => self.replace(id, order),
            15 => {
                let code = b"SQME"[self.rng.below(4) as usize];
                self.system(code)
            }
            16 => {
                let code = b"HPQT"[self.rng.below(4) as usize];
                self.state.trading.insert(locate, code);
                trading(locate, code)
            }
            17 => {
                let code = if self.rng.chance(1, 2) { b'H' } else { b'T' };
                self.state.halts.insert(locate, code);
                halt(locate, code)
            }
            18 => message(b'Y', locate, ts, &[&stock(locate), b"0"]),
            _ => message(
                b'P',
                locate,
                ts,
                &[&[0; 8], b"B", &part_bytes, &stock(locate), &[0, 0, 1, 0], &[0; 8]],
            ),
        }
    }

    fn system(&mut self, code: u8) -> Vec<u8> {
        self.state.system = code;
        message(b'S', 0, self.ts, &[&[code]])
    }

    fn join(&mut self) -> Vec<u8> {
        let locate = 1 + self.rng.below(u64::from(INSTRUMENTS)) as u16;
        let buys = self.rng.chance(1, 2);
        let away = 1 + self.rng.below(8) as u32;
        let price = if buys { 100_000 - away * 100 } else { 100_000 + away * 100 };
        let (side, shares) = (if buys { b'B' } else { b'S' }, self.rng.below(9) as u32 + 1);
        self.turn += 1;
        let order = Order { locate, side, price, shares, turn: self.turn };
        let id = self.next_ref;
        self.next_ref += 1;
        let added = add(id, &order, self.rng.chance(1, 4));
        self.state.orders.insert(id, order);
        added
    }

    fn take(&mut self, id: u64, part: u32) {
        let order = self.state.orders.get_mut(&id).expect("live");
        order.shares -= part;
        if order.shares == 0 {
            self.state.orders.remove(&id);
        }
    }

    fn replace(&mut self, id: u64, old: Order) -> Vec<u8> {
        self.state.orders.remove(&id);
        let (new, shares) = (self.next_ref, self.rng.below(9) as u32 + 1);
        (self.next_ref, self.turn) = (new + 1, self.turn + 1);
        let price = old.price + 100 * self.rng.below(2) as u32;
        let (locate, turn) = (old.locate, self.turn);
        self.state.orders.insert(new, Order { price, shares, turn, ..old });
        let (shares, price) = (shares.to_be_bytes(), price.to_be_bytes());
        message(b'U', locate, self.ts, &[&id.to_be_bytes(), &new.to_be_bytes(), &shares, &price])
    }
}

fn message(kind: u8, locate: u16, ts: u64, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(locate.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(&ts.to_be_bytes()[2..]);
    parts.iter().for_each(|part| bytes.extend(*part));
    bytes
}

fn stock(locate: u16) -> [u8; 8] {
    let mut stock = *b"STOCK   ";
    stock[5] = b'0' + locate as u8;
    stock
}

fn directory(locate: u16) -> Vec<u8> {
    let rest = b"QN\0\0\0dNCZ PN 1N\0\0\0\0N";
    message(b'R', locate, 1, &[&stock(locate), rest])
}

fn trading(locate: u16, code: u8) -> Vec<u8> {
    message(b'H', locate, 1, &[&stock(locate), &[code, b' '], b"    "])
}

fn halt(locate: u16, code: u8) -> Vec<u8> {
    message(b'h', locate, 1, &[&stock(locate), &[b'Q', code]])
}

fn add(id: u64, order: &Order, attributed: bool) -> Vec<u8> {
    let (kind, who) = if attributed { (b'F', b"FIRM".as_slice()) } else { (b'A', b"".as_slice()) };
    let (shares, price) = (order.shares.to_be_bytes(), order.price.to_be_bytes());
    let stock = stock(order.locate);
    let parts = [&id.to_be_bytes()[..], &[order.side], &shares, &stock, &price, who];
    message(kind, order.locate, 1, &parts)
}
