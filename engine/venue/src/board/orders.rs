//! Every order that was accepted today, whoever sent it.

use std::collections::HashMap;

use nofx_types::{Nanos, OrderRef, Price, Side};
use serde::Serialize;

/// Whoever sends orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(pub u16);

impl Owner {
    /// The background flow: it hears nothing.
    pub const FLOW: Owner = Owner(u16::MAX);
}

/// What kind of order it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Limit order of the day. In Hong Kong the enhanced limit order: it trades through at most ten
    /// queues.
    Limit,
    /// Hong Kong's plain limit order: it may not reach through the best opposite price.
    PlainLimit,
    /// Limit order whose rest is cancelled (Hong Kong: special limit).
    LimitIoc,
    /// Limit order that trades whole at once or not at all.
    LimitFok,
    /// At the best opposite price; the rest stays there (Shenzhen; Shanghai STAR).
    OppositeBest,
    /// At the best price of its own side (Shenzhen; Shanghai STAR).
    OwnBest,
    /// Through the best five opposite levels; the rest is cancelled.
    BestFive,
    /// Through the best five opposite levels; the rest stays at the last trade's price (Shanghai).
    BestFiveRest,
    /// At any price; the rest is cancelled (Shenzhen).
    AnyPrice,
    /// At any price, whole or not at all (Shenzhen).
    AllOrNone,
    /// At-auction order without a price (Hong Kong): never leaves its call.
    AtAuction,
    /// At-auction limit order (Hong Kong): unmatched it goes on as a limit order.
    AtAuctionLimit,
    /// At-auction limit order that ends with its call (time in force at crossing).
    AuctionOnly,
    /// For the odd-lot board (Hong Kong), where nothing matches by itself.
    OddLot,
}

impl Kind {
    /// Whether the order states a price.
    pub const fn has_price(self) -> bool {
        use Kind::*;
        matches!(
            self,
            Limit | PlainLimit | LimitIoc | LimitFok | AtAuctionLimit | AuctionOnly | OddLot
        )
    }

    /// Whether it is made for a call of Hong Kong only.
    pub const fn for_auction(self) -> bool {
        matches!(self, Kind::AtAuction | Kind::AtAuctionLimit | Kind::AuctionOnly)
    }
}

/// A new order on its way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Who sends it.
    pub owner: Owner,
    /// Its id at the owner; unique there for the day.
    pub client: u64,
    /// Index of the account that it is for ([`super::Board::account`]).
    pub account: u32,
    /// The security.
    pub row: u32,
    /// Its side.
    pub side: Side,
    /// Its kind.
    pub kind: Kind,
    /// Its price, 0 where the kind has none.
    pub price: Price,
    /// Shares.
    pub qty: u32,
    /// Whether it sells what was borrowed.
    pub short: bool,
}

/// Where an accepted order stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It rests.
    Open,
    /// It waits outside the price cage.
    Parked,
    /// Traded whole.
    Filled,
    /// Cancelled by its owner.
    Canceled,
    /// Ended by the exchange.
    Ended,
    /// The day ended.
    Expired,
}

/// An accepted order.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Its key in the books.
    pub key: OrderRef,
    /// As it came; price is that at which it rests or rested.
    pub entry: Entry,
    /// When it came.
    pub at: Nanos,
    /// Open shares.
    pub leaves: u32,
    /// Shares traded.
    pub filled: u32,
    /// Where it stands.
    pub state: State,
}

/// All of them in the order in which they were accepted.
#[derive(Default)]
pub struct Orders {
    rows: Vec<Order>,
    by_key: HashMap<u64, u32>,
    by_client: HashMap<(Owner, u64), u32>,
}

impl Orders {
    /// Keeps a new one.
    pub fn push(&mut self, order: Order) {
        let index = self.rows.len() as u32;
        self.by_key.insert(order.key.0, index);
        if order.entry.owner != Owner::FLOW {
            self.by_client.insert((order.entry.owner, order.entry.client), index);
        }
        self.rows.push(order);
    }

    /// By its key in the books.
    pub fn get(&self, key: OrderRef) -> Option<&Order> {
        self.rows.get(*self.by_key.get(&key.0)? as usize)
    }

    /// By its key in the books.
    pub fn get_mut(&mut self, key: OrderRef) -> Option<&mut Order> {
        self.rows.get_mut(*self.by_key.get(&key.0)? as usize)
    }

    /// By the owner's id.
    pub fn find(&self, owner: Owner, client: u64) -> Option<&Order> {
        self.rows.get(*self.by_client.get(&(owner, client))? as usize)
    }

    /// A second id of the owner names this order as well (an amendment).
    pub fn rename(&mut self, key: OrderRef, client: u64) {
        if let Some(index) = self.by_key.get(&key.0)
            && let Some(order) = self.rows.get_mut(*index as usize)
        {
            self.by_client.insert((order.entry.owner, client), *index);
            order.entry.client = client;
        }
    }

    /// All, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Order> {
        self.rows.iter()
    }

    /// Open orders, oldest first.
    pub fn open(&self) -> impl Iterator<Item = &Order> {
        self.rows.iter().filter(|order| order.leaves > 0)
    }
}
