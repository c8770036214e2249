//! A firm: its order port, its orders of the day, its positions.

use std::collections::HashMap;

use nofx_types::{Nanos, OrderRef, Price, Side};
use nofx_wire::ouch50::codes::{cancel, liquidity};
use serde::Serialize;

use super::config::{FirmConfig, MarketConfig};
use crate::ConfigError;
use crate::acceptor::{Acceptor, Fill, Placed, Terms};
use crate::config::{LatencyConfig, SessionConfig, Sizes, VenueConfig};
use crate::latency::Direction;
use crate::throttle::Throttle;

/// Orders of one firm and day; further ones are refused.
const ORDERS_MAX: usize = 1 << 22;
/// Frames that may wait for a client besides the history it may ask for.
const OUTBOX: u32 = 16_384;

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// It rests.
    Live,
    /// All of it was filled.
    Filled,
    /// What was left of it was cancelled.
    Canceled,
    /// Another order took its place.
    Replaced,
}

/// An order that was accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub user_ref: u32,
    pub order_ref: OrderRef,
    pub row: u32,
    pub side: Side,
    pub price: Price,
    pub state: OrderState,
    /// Open shares.
    pub leaves: u32,
    /// Shares filled under this number.
    pub filled: u32,
    /// Shares filled since the first order of the chain of replaces.
    pub chain: u32,
    pub post_only: bool,
    pub group: u16,
    pub terms: Terms,
}

/// Shares and money of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub bought: u64,
    pub sold: u64,
    /// Price times shares, in 1/10,000.
    pub paid: u64,
    pub received: u64,
}

impl Position {
    pub fn add(&mut self, side: Side, qty: u32, price: Price) {
        let (shares, money) = (u64::from(qty), u64::from(qty) * price.0.unsigned_abs());
        let (total, value) = match side {
            Side::Buy => (&mut self.bought, &mut self.paid),
            Side::Sell => (&mut self.sold, &mut self.received),
        };
        (*total, *value) = (total.saturating_add(shares), value.saturating_add(money));
    }
}

/// How an order was filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deal {
    pub at: Nanos,
    pub qty: u32,
    pub price: Price,
    /// OUCH liquidity flag.
    pub flag: u8,
    pub match_number: u64,
}

/// One firm.
pub(super) struct Firm {
    pub name: [u8; 4],
    pub acceptor: Acceptor,
    pub config: FirmConfig,
    pub throttle: Throttle,
    /// Every order that was accepted, in that order.
    pub orders: Vec<Order>,
    /// Those that are open, by UserRefNum.
    open: HashMap<u32, u32>,
    pub positions: Vec<Position>,
}

impl Firm {
    pub fn new(
        config: &FirmConfig,
        market: &MarketConfig,
        rows: usize,
    ) -> Result<Firm, ConfigError> {
        let mut acceptor = Acceptor::new(&port_config(config, market), &mut |path: &str| {
            Err(std::io::Error::other(path.to_owned()))
        })?;
        acceptor.cut_when_full();
        // Nobody is connected yet, and the end of that is not to be served to the first client.
        acceptor.disconnect(Nanos(0));
        let _ = acceptor.next_request(Nanos(0), 0);
        let mut name = [b' '; 4];
        name.iter_mut().zip(config.name.bytes()).for_each(|(slot, byte)| *slot = byte);
        Ok(Firm {
            name,
            acceptor,
            config: config.clone(),
            throttle: Throttle::default(),
            orders: Vec::new(),
            open: HashMap::new(),
            positions: vec![Position::default(); rows],
        })
    }

    /// An open order by its UserRefNum, and its index.
    pub fn find(&self, user_ref: u32) -> Option<(usize, &Order)> {
        let at = *self.open.get(&user_ref)? as usize;
        Some((at, self.orders.get(at)?))
    }

    /// Indices of the open orders, oldest first.
    pub fn open_orders(&self) -> Vec<usize> {
        let mut open: Vec<usize> = self.open.values().map(|at| *at as usize).collect();
        open.sort_unstable();
        open
    }

    /// Whether one more order can be kept.
    pub fn has_room(&self) -> bool {
        self.orders.len() < ORDERS_MAX
    }

    /// Opens an order and says so; gives its index.
    pub fn accept(&mut self, at: Nanos, order: Order) -> usize {
        let index = self.keep(order);
        self.acceptor.accepted(at, placed(&order, order.leaves));
        index
    }

    /// Lets an order take the place of the one at `old`; `quantity` is that of the whole chain.
    pub fn replace(&mut self, at: Nanos, old: usize, order: Order, quantity: u32) -> usize {
        let orig = self.orders.get(old).map_or(0, |order| order.user_ref);
        self.end(old, OrderState::Replaced);
        let index = self.keep(order);
        self.acceptor.replaced(at, orig, placed(&order, quantity));
        index
    }

    fn keep(&mut self, order: Order) -> usize {
        let index = self.orders.len();
        self.orders.push(order);
        self.open.insert(order.user_ref, index as u32);
        index
    }

    /// A fill of the order at `index`.
    pub fn fill(&mut self, index: usize, deal: &Deal) {
        let Some(order) = self.orders.get_mut(index) else { return };
        order.leaves = order.leaves.saturating_sub(deal.qty);
        order.filled = order.filled.saturating_add(deal.qty);
        order.chain = order.chain.saturating_add(deal.qty);
        let Order { user_ref, row, side, leaves, .. } = *order;
        if let Some(position) = self.positions.get_mut(row as usize) {
            position.add(side, deal.qty, deal.price);
        }
        let fill = Fill {
            user_ref,
            quantity: deal.qty,
            price: deal.price.0.unsigned_abs(),
            liquidity: deal.flag,
            match_number: deal.match_number,
        };
        self.acceptor.executed(deal.at, fill);
        if leaves == 0 {
            self.end(index, OrderState::Filled);
        }
    }

    /// Takes `qty` off the order at `index`, which ends with its last share.
    pub fn cut(&mut self, at: Nanos, index: usize, qty: u32, reason: u8) {
        let Some(order) = self.orders.get_mut(index) else { return };
        let qty = qty.min(order.leaves);
        order.leaves -= qty;
        let (user_ref, done) = (order.user_ref, order.leaves == 0);
        if done {
            self.end(index, OrderState::Canceled);
        }
        self.acceptor.canceled(at, user_ref, qty, reason);
    }

    /// Ends a resting order that one of its own firm would have traded with, for up to `qty`.
    pub fn prevent(&mut self, at: Nanos, index: usize, qty: u32) {
        let Some(order) = self.orders.get_mut(index) else { return };
        let leaves = std::mem::take(&mut order.leaves);
        let order = *order;
        self.end(index, OrderState::Canceled);
        let fill = Fill {
            user_ref: order.user_ref,
            quantity: qty.min(leaves),
            price: order.price.0.unsigned_abs(),
            liquidity: liquidity::ADDED,
            match_number: 0,
        };
        self.acceptor.self_trade_prevented(at, fill, leaves, cancel::SELF_MATCH);
    }

    fn end(&mut self, index: usize, state: OrderState) {
        let Some(order) = self.orders.get_mut(index) else { return };
        order.state = state;
        if state == OrderState::Replaced {
            order.leaves = 0;
        }
        self.open.remove(&order.user_ref);
    }
}

fn port_config(config: &FirmConfig, market: &MarketConfig) -> VenueConfig {
    let now = Direction::fixed(0);
    VenueConfig {
        session: SessionConfig {
            name: market.session.clone(),
            username: config.username.clone(),
            password: config.password.clone(),
            heartbeat_ns: 1_000_000_000,
            silence_ns: config.silence_ns,
            cancel_on_disconnect: config.cancel_on_disconnect,
        },
        latency: LatencyConfig { to_venue: now.clone(), from_venue: now },
        sizes: Sizes {
            inbox: 1_024,
            outbox: market.history.saturating_add(OUTBOX),
            history: market.history,
            open_orders: 8, // room in the outbox, which is sized above
            ..Sizes::default()
        },
        ..VenueConfig::default()
    }
}

fn placed(order: &Order, quantity: u32) -> Placed<'_> {
    Placed {
        user_ref: order.user_ref,
        order_ref: order.order_ref.0,
        quantity,
        price: order.price.0.unsigned_abs(),
        terms: &order.terms,
    }
}
