//! A small seeded OMD-C day whose books are known after each message, and its images.

use std::collections::{BTreeMap, BTreeSet};

use nofx_rt::rng::Rng;
use nofx_wire::omdc::{
    AddOrder, DeleteOrder, ModifyOrder, NominalPrice, PACKET_MAX, PacketWriter, RefreshComplete,
    SecurityDefinition, SecurityStatus, SequenceReset, Trade, TradingSessionStatus, order_type,
    session, suspension, text,
};

/// Security codes, in the order of their definitions.
pub const CODES: [u32; 3] = [700, 5, 99_999];

#[derive(Clone)]
struct Order {
    price: i32,
    quantity: u32,
    /// Rises with each join: the order of the queue.
    turn: u64,
}

/// Security, side, id.
type Key = (u32, u16, u64);

/// What an image tells.
#[derive(Clone, Default)]
struct State {
    orders: BTreeMap<Key, Order>,
    session: Option<u8>,
    halted: BTreeSet<u32>,
}

/// Messages of one incarnation; the first has number 1.
pub struct Day {
    pub messages: Vec<Vec<u8>>,
    /// After so many messages.
    states: Vec<State>,
}

struct Maker {
    rng: Rng,
    state: State,
    next_id: u64,
    turn: u64,
}

impl Day {
    /// `reset`: the first message is the reset that begins it.
    pub fn new(seed: u64, messages: usize, reset: bool) -> Day {
        let rng = Rng::new(seed);
        let mut maker = Maker { rng, state: State::default(), next_id: seed << 20 | 1, turn: 0 };
        let mut day = Day { messages: Vec::new(), states: vec![State::default()] };
        if reset {
            day.push(sequence_reset(), &maker.state);
        }
        for code in CODES {
            day.push(definition(code), &maker.state);
        }
        let opening = maker.session(session::CONTINUOUS);
        day.push(opening, &maker.state);
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

    /// The messages of an image after the first `count` messages, its end included.
    pub fn image(&self, count: usize) -> Vec<Vec<u8>> {
        let state = &self.states[count];
        let mut image: Vec<Vec<u8>> = CODES.into_iter().map(definition).collect();
        image.extend(state.session.map(session_status));
        image.extend(state.halted.iter().map(|code| security_status(*code, suspension::HALTED)));
        let mut orders: Vec<_> = state.orders.iter().collect();
        orders.sort_by_key(|(_, order)| order.turn);
        let mut ranks: BTreeMap<(u32, u16, i32), i32> = BTreeMap::new();
        for (key, order) in orders {
            let rank = ranks.entry((key.0, key.1, order.price)).or_default();
            *rank += 1;
            image.push(add(*key, order, *rank));
        }
        let end =
            RefreshComplete { last_seq_num: (count as u32).into(), ..RefreshComplete::blank() };
        image.push(end.bytes().to_vec());
        image
    }
}

impl Maker {
    fn next(&mut self) -> Vec<u8> {
        let live: Vec<Key> = self.state.orders.keys().copied().collect();
        if live.len() < 20 || (live.len() < 60 && self.rng.chance(2, 5)) {
            return self.join();
        }
        let key = live[self.rng.below(live.len() as u64) as usize];
        match self.rng.below(20) {
            0..7 => {
                self.state.orders.remove(&key);
                delete(key)
            }
            7..14 => self.modify(key),
            14 => {
                let phases = [session::BLOCKING, session::CONTINUOUS, session::CAS_ORDER_INPUT];
                let phase = phases[self.rng.below(3) as usize];
                self.session(phase)
            }
            15 => {
                let halts = self.rng.chance(1, 2);
                if halts {
                    self.state.halted.insert(key.0);
                } else {
                    self.state.halted.remove(&key.0);
                }
                let code = if halts { suspension::HALTED } else { suspension::RESUMED };
                security_status(key.0, code)
            }
            16 => NominalPrice { security_code: key.0.into(), ..NominalPrice::blank() }
                .bytes()
                .to_vec(),
            17 => vec![6, 0, 22, 0, 1, 2], // a type that this version does not have
            _ => {
                let trade = Trade { security_code: key.0.into(), ..Trade::blank() };
                trade.bytes().to_vec()
            }
        }
    }

    fn session(&mut self, sub_id: u8) -> Vec<u8> {
        self.state.session = Some(sub_id);
        session_status(sub_id)
    }

    fn join(&mut self) -> Vec<u8> {
        let code = CODES[self.rng.below(3) as usize];
        let side = self.rng.below(2) as u16;
        let away = 1 + self.rng.below(8) as i32;
        let market = self.rng.chance(1, 20);
        let price = match side {
            _ if market => 0,
            0 => 10_000 - away * 10,
            _ => 10_000 + away * 10,
        };
        // One id may live on both sides.
        let id = if self.rng.chance(1, 4) { self.next_id.saturating_sub(1) } else { self.next_id };
        let key = (code, side, id);
        if self.state.orders.contains_key(&key) {
            self.next_id += 1;
            return self.join();
        }
        self.next_id = self.next_id.max(id + 1);
        self.turn += 1;
        let quantity = 100 * (1 + self.rng.below(9) as u32);
        let order = Order { price, quantity, turn: self.turn };
        let at_price =
            |(other, row): &(&Key, &Order)| (other.0, other.1, row.price) == (code, side, price);
        let rank = self.state.orders.iter().filter(at_price).count() as i32 + 1;
        let added = add(key, &order, rank);
        self.state.orders.insert(key, order);
        added
    }

    /// Less keeps its place, more goes to the back.
    fn modify(&mut self, key: Key) -> Vec<u8> {
        let quantity = 100 * (1 + self.rng.below(9) as u32);
        self.turn += 1;
        let order = self.state.orders.get_mut(&key).expect("live");
        if quantity > order.quantity {
            order.turn = self.turn;
        }
        order.quantity = quantity;
        let modify = ModifyOrder {
            security_code: key.0.into(),
            order_id: key.2.into(),
            quantity: quantity.into(),
            side: key.1.into(),
            ..ModifyOrder::blank()
        };
        modify.bytes().to_vec()
    }
}

fn add(key: Key, order: &Order, rank: i32) -> Vec<u8> {
    let kind = if order.price == 0 { order_type::MARKET } else { order_type::LIMIT };
    let add = AddOrder {
        security_code: key.0.into(),
        order_id: key.2.into(),
        price_e3: order.price.into(),
        quantity: order.quantity.into(),
        side: key.1.into(),
        order_type: kind,
        order_book_position: rank.into(),
        ..AddOrder::blank()
    };
    add.bytes().to_vec()
}

fn delete((code, side, id): Key) -> Vec<u8> {
    let delete = DeleteOrder {
        security_code: code.into(),
        order_id: id.into(),
        side: side.into(),
        ..DeleteOrder::blank()
    };
    delete.bytes().to_vec()
}

fn definition(code: u32) -> Vec<u8> {
    let definition = SecurityDefinition {
        security_code: code.into(),
        market_code: text("MAIN"),
        lot_size: 100.into(),
        ..SecurityDefinition::blank()
    };
    definition.bytes().to_vec()
}

fn session_status(sub_id: u8) -> Vec<u8> {
    let status = TradingSessionStatus {
        market_code: text("MAIN"),
        trading_session_sub_id: sub_id,
        ..TradingSessionStatus::blank()
    };
    status.bytes().to_vec()
}

fn security_status(code: u32, suspension_indicator: u8) -> Vec<u8> {
    let security_code = code.into();
    let status = SecurityStatus { security_code, suspension_indicator, ..SecurityStatus::blank() };
    status.bytes().to_vec()
}

pub fn sequence_reset() -> Vec<u8> {
    SequenceReset { new_seq_no: 1.into(), ..SequenceReset::blank() }.bytes().to_vec()
}

/// A packet of messages.
pub fn packet(seq: u32, sent: u64, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut buffer = [0; PACKET_MAX * 4];
    let mut writer = PacketWriter::limited(&mut buffer, PACKET_MAX * 4, seq, sent).expect("room");
    messages.iter().for_each(|message| writer.push(message).expect("room"));
    writer.finish().to_vec()
}
