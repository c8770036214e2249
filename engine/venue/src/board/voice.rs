//! The voice of the exchange: public facts in their order, numbered as the market numbers them.

use std::collections::VecDeque;

use nofx_types::{Market, Nanos, OrderRef};

use super::said::{ALL, Said, What};

/// One channel and how far its numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub id: u16,
    /// The last number given, 0 before the first.
    pub last: u64,
    /// The last order id given, where ids have numbers of their own.
    orders: u64,
}

pub struct Voice {
    market: Market,
    pub now: Nanos,
    channels: Vec<Channel>,
    said: VecDeque<Said>,
}

/// Bits of an order's key in the books that the public sees; above them stands the channel.
const PUBLIC_BITS: u32 = 44;

/// The id that the public sees.
pub const fn public(key: OrderRef) -> OrderRef {
    OrderRef(key.0 & ((1 << PUBLIC_BITS) - 1))
}

impl Voice {
    /// Of channels in the order in which they are first named.
    pub fn new(market: Market, named: impl Iterator<Item = u16>) -> Voice {
        let mut channels: Vec<Channel> = Vec::new();
        for id in named {
            if channels.iter().all(|channel| channel.id != id) {
                channels.push(Channel { id, last: 0, orders: 0 });
            }
        }
        Voice { market, now: Nanos(0), channels, said: VecDeque::new() }
    }

    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    pub fn next(&mut self) -> Option<Said> {
        self.said.pop_front()
    }

    /// The key of the next order of a channel. In Shenzhen the public part is the number of the
    /// [`What::OrderIn`] that must be said next.
    pub fn next_key(&mut self, channel: u16) -> OrderRef {
        let index = self.index(channel);
        // Hong Kong's ids have one series for the whole board; they do not tell the channel.
        let series = if self.market == Market::Hkex { 0 } else { index };
        let Some(row) = self.channels.get_mut(series) else { return OrderRef(0) };
        let id = match self.market {
            Market::Szse => row.last + 1,
            Market::Sse | Market::Hkex => {
                row.orders += 1;
                row.orders
            }
        };
        OrderRef(((index as u64) << PUBLIC_BITS) | id)
    }

    /// Says something about one security.
    pub fn say(&mut self, row: u32, channel: u16, what: What) {
        let number = if self.is_numbered(&what) { self.count(channel) } else { 0 };
        self.said.push_back(Said { at: self.now, row, channel, number, what });
    }

    /// Says something once on each channel.
    pub fn say_all(&mut self, what: What) {
        for index in 0..self.channels.len() {
            self.say(ALL, self.channels[index].id, what);
        }
    }

    fn index(&self, channel: u16) -> usize {
        self.channels.iter().position(|known| known.id == channel).unwrap_or(0)
    }

    fn count(&mut self, channel: u16) -> u64 {
        let index = self.index(channel);
        self.channels.get_mut(index).map_or(0, |channel| {
            channel.last += 1;
            channel.last
        })
    }

    fn is_numbered(&self, what: &What) -> bool {
        match (self.market, what) {
            (Market::Szse, What::OrderIn { .. } | What::Trade { .. } | What::Canceled { .. }) => {
                true
            }
            (Market::Sse, What::Rested { .. } | What::Trade { .. } | What::Stage { .. }) => true,
            (Market::Sse, What::Canceled { rested, .. }) => *rested,
            _ => false,
        }
    }
}
