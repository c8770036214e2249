//! The words every stage shares: prices, quantities, ids, instruments, book events, order intents.
//!
//! Model: plain values, no I/O, no clock, no allocation except where an [`Instruments`] table is
//! sized at start. Numbers that decide an order are integers with a stated scale: a [`Price`] counts
//! units of `10^-decimals` of the currency (four decimals unless the instrument says otherwise), a
//! [`Qty`] counts shares or contracts, a [`Nanos`] counts nanoseconds. Nothing here imports another
//! crate of ours; every other crate of the engine may import this one.
//!
//! Worst case: [`BookEvent`] is the largest value that travels by reference on the hot path
//! (under two cache lines); everything else fits one.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod date;
mod event;
mod instrument;
mod ladder;
mod num;
mod order;
mod parameter;
mod tick;

pub use date::{Date, Market, ParseDateError};
pub use event::{
    AuctionInfo, BookEvent, EventKind, EventSink, Phase, Pricing, Priority, StaleReason, TradeKind,
};
pub use instrument::{Instrument, InstrumentFlags, Instruments, InstrumentsFull, Symbol};
pub use ladder::{Change, Ladder, Level, Touch};
pub use num::{
    AccountId, ClOrdId, Decimal, InstrumentId, Nanos, OrderRef, PRICE_DECIMALS, ParseDecimalError,
    Price, Qty, Side, parse_decimal,
};
pub use order::{
    INTENTS_MAX, IntentKind, Intents, OrderIntent, OrderUpdate, TimeInForce, UpdateKind,
};
pub use parameter::{Key, Parameter, ParameterKind};
pub use tick::{Tick, TickKind};
