//! A model venue: it does anything a venue may do to an order.

use std::collections::BTreeMap;

use nofx_order::Protocol;
use nofx_rt::rng::Rng;
use nofx_types::Side;

use super::far::{self, Asked, Say};
use super::instrument;

#[derive(Clone, Copy, Debug)]
pub struct Resting {
    pub instrument: u32,
    pub side: Side,
    pub price: u64,
    pub executed: u32,
    pub leaves: u32,
    pub cancel_waits: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Traded {
    pub id: u32,
    pub instrument: u32,
    pub side: Side,
    pub qty: u32,
    pub price: u64,
    pub match_number: u64,
}

/// A venue that does anything it may do.
pub struct Venue {
    pub protocol: Protocol,
    pub open: BTreeMap<u32, Resting>,
    pub trades: Vec<Traded>,
    pub last_id: u32,
    pub matches: u64,
    /// Every sequenced frame of the day.
    pub said: Vec<Vec<u8>>,
    /// Refuses and surprises; off when the day ends.
    pub moody: bool,
    /// Says only what every venue can say, to be written by a gateway.
    pub plain: bool,
    pub reports: Vec<Say>,
    /// Ignores what it cannot do instead of answering.
    pub silent: bool,
    /// Names in Replaced what is open, not the quantity of the chain.
    pub tells_open: bool,
}

impl Venue {
    pub fn new(protocol: Protocol, rng: &mut Rng) -> Venue {
        Venue {
            protocol,
            open: BTreeMap::new(),
            trades: Vec::new(),
            last_id: 0,
            matches: 0,
            said: Vec::new(),
            moody: true,
            plain: !matches!(protocol, Protocol::Ouch50 | Protocol::Ouch42),
            reports: Vec::new(),
            silent: rng.chance(1, 2),
            tells_open: rng.chance(1, 2),
        }
    }

    pub fn say(&mut self, say: &Say) {
        if self.plain {
            return self.reports.push(*say);
        }
        self.said.push(far::frame(self.protocol, say));
    }

    pub fn mood(&self, rng: &mut Rng, part: u64) -> bool {
        rng.chance(part, 100) && self.moody
    }

    pub fn on_request(&mut self, frame: &[u8], rng: &mut Rng) {
        let asked = far::read(self.protocol, frame);
        self.on_asked(&asked, rng);
    }

    pub fn on_asked(&mut self, asked: &Asked, rng: &mut Rng) {
        match *asked {
            Asked::Enter { id, side, qty, price, symbol, ioc } => {
                if self.rises(id) {
                    let instrument = u32::from(symbol == instrument(1).symbol.0);
                    self.enter(id, instrument, side, qty, price, ioc, rng);
                }
            }
            Asked::Replace { orig, id, qty, price, .. } => {
                if self.rises(id) {
                    self.replace(orig, id, qty, price, rng);
                }
            }
            Asked::Cancel { id, down_to } => {
                assert_eq!(down_to, 0);
                self.cancel(id, rng);
            }
            Asked::Query => {
                let id = self.last_id + 1;
                self.say(&Say::NextId { id });
            }
        }
    }

    pub fn rises(&mut self, id: u32) -> bool {
        let rises = id > self.last_id;
        self.last_id = self.last_id.max(id);
        rises
    }

    #[allow(clippy::too_many_arguments)]
    pub fn enter(
        &mut self,
        id: u32,
        instrument: u32,
        side: Side,
        qty: u32,
        price: u64,
        ioc: bool,
        rng: &mut Rng,
    ) {
        if self.mood(rng, 10) {
            return self.say(&Say::Rejected { id });
        }
        let (order_ref, dead) = (u64::from(id) << 8, !self.plain && self.mood(rng, 5));
        let taken = if !self.plain && self.mood(rng, 5) { qty.div_ceil(2) } else { qty };
        self.say(&Say::Accepted { id, side, qty: taken, price, order_ref, dead });
        if dead {
            return;
        }
        let leaves = taken;
        let order = Resting { instrument, side, price, executed: 0, leaves, cancel_waits: false };
        self.open.insert(id, order);
        if rng.chance(1, 4) {
            self.fill(id, rng, b'R');
        }
        if ioc && self.open.contains_key(&id) {
            self.take_off(id, u32::MAX, b'I');
        }
    }

    pub fn replace(&mut self, orig: u32, id: u32, total: u32, price: u64, rng: &mut Rng) {
        let Some(old) = self.open.get(&orig).copied() else {
            if !self.silent {
                self.say(&Say::Rejected { id });
            }
            return;
        };
        if self.mood(rng, 15) {
            return self.say(&Say::Rejected { id });
        }
        let Some(leaves) = total.checked_sub(old.executed).filter(|leaves| *leaves > 0) else {
            // Cut down to less than has been filled: nothing is left of it.
            self.take_off(orig, u32::MAX, b'U');
            if !self.silent {
                self.say(&Say::Rejected { id });
            }
            return;
        };
        self.open.remove(&orig);
        let dead = !self.plain && self.mood(rng, 5);
        let (order_ref, qty) = (u64::from(id) << 8, if self.tells_open { leaves } else { total });
        self.say(&Say::Replaced { orig, id, side: old.side, qty, price, order_ref, dead });
        if !dead {
            self.open.insert(id, Resting { price, leaves, cancel_waits: false, ..old });
        }
    }

    pub fn cancel(&mut self, id: u32, rng: &mut Rng) {
        let (moody, plain) = (self.moody, self.plain);
        match self.open.get_mut(&id) {
            None if self.silent => {}
            None => self.say(&Say::CancelRejected { id }),
            Some(_) if moody && rng.chance(1, 8) => self.say(&Say::CancelRejected { id }),
            Some(order) if moody && !plain && rng.chance(1, 8) => {
                order.cancel_waits = true;
                self.say(&Say::CancelPending { id });
            }
            Some(_) => self.take_off(id, u32::MAX, b'U'),
        }
    }

    /// Takes shares off and says so.
    pub fn take_off(&mut self, id: u32, most: u32, reason: u8) {
        let Some(order) = self.open.get_mut(&id) else { return };
        let qty = order.leaves.min(most);
        order.leaves -= qty;
        if order.leaves == 0 {
            self.open.remove(&id);
        }
        let say = match reason {
            b'Q' => Say::Aiq { id, qty },
            _ => Say::Canceled { id, qty, reason },
        };
        self.say(&say);
    }

    pub fn fill(&mut self, id: u32, rng: &mut Rng, flag: u8) {
        self.matches += 1;
        let match_number = self.matches;
        let Some(order) = self.open.get_mut(&id) else { return };
        let all = rng.chance(1, 3);
        let qty = if all { order.leaves } else { 1 + rng.below(order.leaves.into()) as u32 };
        (order.leaves, order.executed) = (order.leaves - qty, order.executed + qty);
        let Resting { instrument, side, price, .. } = *order;
        // At the limit or better.
        let price = price.saturating_add_signed(-side.sign() * rng.below(3) as i64);
        if order.leaves == 0 {
            self.open.remove(&id);
        }
        self.trades.push(Traded { id, instrument, side, qty, price, match_number });
        self.say(&Say::Executed { id, qty, price, flag, match_number });
    }

    /// The market moves: something happens to some order.
    pub fn market(&mut self, rng: &mut Rng) {
        let ids: Vec<u32> = self.open.keys().copied().collect();
        let Some(&id) = ids.get(rng.below(ids.len() as u64) as usize) else { return };
        let order = self.open[&id];
        match rng.below(20) {
            0..=10 => self.fill(id, rng, b'A'),
            11 => self.take_off(id, u32::MAX, b'H'),
            12 => self.take_off(id, 1 + rng.below(order.leaves.into()) as u32, b'D'),
            13 => self.take_off(id, 1 + rng.below(order.leaves.into()) as u32, b'Q'),
            14 if order.cancel_waits => self.take_off(id, u32::MAX, b'U'),
            15 => self.say(&Say::Priority { id, price: order.price, order_ref: rng.next() }),
            16 => self.say(&Say::Day),
            17 => self.modify(id, rng),
            _ => {}
        }
    }

    /// Cut in place.
    pub fn modify(&mut self, id: u32, rng: &mut Rng) {
        let Some(order) = self.open.get_mut(&id).filter(|order| order.leaves > 1) else { return };
        order.leaves = 1 + rng.below(u64::from(order.leaves) - 1) as u32;
        let say = Say::Modified { id, side: order.side, qty: order.executed + order.leaves };
        self.say(&say);
    }

    /// A past trade is taken back, or stated anew.
    pub fn regret(&mut self, rng: &mut Rng) {
        let at = rng.below(self.trades.len() as u64) as usize;
        let Some(trade) = self.trades.get_mut(at).filter(|trade| trade.qty > 0) else { return };
        let (id, match_number) = (trade.id, trade.match_number);
        let say = if rng.chance(1, 2) {
            trade.qty = 0;
            Say::Broken { id, match_number }
        } else {
            trade.price += 1;
            trade.qty = trade.qty.saturating_sub(rng.below(2) as u32).max(1);
            Say::Corrected { id, qty: trade.qty, price: trade.price, match_number }
        };
        self.say(&say);
    }

    /// Says something that is not true, or was said before.
    pub fn nonsense(&mut self, rng: &mut Rng) {
        let id = 1 + rng.below(u64::from(self.last_id) + 5) as u32;
        let ended = !self.open.contains_key(&id) && id <= self.last_id;
        let stranger = 1_000_000 + id;
        match rng.below(8) {
            0 => self.say(&Say::Canceled { id: stranger, qty: 5, reason: b'U' }),
            1 => self.say(&Say::Rejected { id: stranger }),
            2 => self.say(&Say::Broken { id: stranger, match_number: 3 }),
            3 => self.said.push(far::sequenced(b"")),
            4 => self.said.push(far::sequenced(b"A too short to be one")),
            5 if ended && self.trades.iter().any(|t| t.id == id) => {
                // An order that was filled is long accepted: these are late.
                self.say(&Say::Rejected { id });
            }
            6 => {
                let Some(t) = self.trades.last().copied().filter(|t| t.qty > 0) else { return };
                let Traded { id, qty, price, match_number, .. } = t;
                self.say(&Say::Executed { id, qty, price, flag: b'A', match_number });
            }
            _ => {
                let Some(order) = self.open.get(&id).copied() else { return };
                let Resting { side, price, leaves: qty, executed, .. } = order;
                let qty = qty + executed;
                self.say(&Say::Accepted { id, side, qty, price, order_ref: 9, dead: false });
            }
        }
    }
}
