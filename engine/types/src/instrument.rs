//! Instruments of a run: one table, sized at start, indexed by [`InstrumentId`].

use alloc::vec::Vec;
use core::fmt;

use crate::{InstrumentId, PRICE_DECIMALS, Price};

/// Eight characters, left-justified and space padded, as the US feeds send them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Symbol(pub [u8; 8]);

impl Symbol {
    /// No symbol is known.
    pub const NONE: Symbol = Symbol([b' '; 8]);

    /// From text of at most eight bytes.
    pub fn new(text: &str) -> Option<Symbol> {
        let mut bytes = [b' '; 8];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Symbol(bytes))
    }

    /// The text without padding; bytes that are not printable ASCII end it.
    pub fn as_str(&self) -> &str {
        let printable = self.0.iter().position(|b| !b.is_ascii_graphic()).unwrap_or(8);
        core::str::from_utf8(&self.0[..printable]).unwrap_or("")
    }

    /// The eight bytes as one integer: a key for tables.
    #[inline]
    pub const fn key(self) -> u64 {
        u64::from_le_bytes(self.0)
    }
}

impl Default for Symbol {
    fn default() -> Self {
        Symbol::NONE
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Symbol({:?})", self.as_str())
    }
}

/// What is known of an instrument besides numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstrumentFlags {
    /// The venue marks it as a test symbol.
    pub test: bool,
    /// Only round lots are accepted.
    pub round_lots_only: bool,
    /// Tick, lot and limits are known: orders may be sent. Without it the book is visible only.
    pub defined: bool,
}

/// One instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Its index in the tables.
    pub id: InstrumentId,
    /// Symbol, [`Symbol::NONE`] until the feed or a file names it.
    pub symbol: Symbol,
    /// Decimals of its prices.
    pub decimals: u8,
    /// Smallest price step, in price units.
    pub tick: i64,
    /// Shares per round lot.
    pub lot: u32,
    /// Previous close, 0 when unknown.
    pub previous_close: Price,
    /// Lowest price the venue accepts today, 0 when there is no limit.
    pub limit_low: Price,
    /// Highest price the venue accepts today, 0 when there is no limit.
    pub limit_high: Price,
    /// Flags.
    pub flags: InstrumentFlags,
}

impl Instrument {
    /// An instrument of which only the id is known: four decimals, penny tick, lot of 100, not tradable.
    pub const fn unknown(id: InstrumentId) -> Instrument {
        Instrument {
            id,
            symbol: Symbol::NONE,
            decimals: PRICE_DECIMALS,
            tick: 100,
            lot: 100,
            previous_close: Price(0),
            limit_low: Price(0),
            limit_high: Price(0),
            flags: InstrumentFlags { test: false, round_lots_only: false, defined: false },
        }
    }

    /// Whether `price` is a whole number of ticks.
    #[inline]
    pub fn on_tick(&self, price: Price) -> bool {
        self.tick > 0 && price.0 % self.tick == 0
    }
}

/// The table is full: an instrument id at or above its size was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentsFull {
    /// The id that did not fit.
    pub id: InstrumentId,
    /// How many instruments the table holds.
    pub capacity: u32,
}

impl fmt::Display for InstrumentsFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "instrument {} does not fit a table of {}: raise `instruments`",
            self.id.0, self.capacity
        )
    }
}

impl core::error::Error for InstrumentsFull {}

/// All instruments of a run. Every slot exists from the start; a slot counts as seen once it is
/// touched, so definitions during the day allocate nothing.
#[derive(Clone, Debug)]
pub struct Instruments {
    rows: Vec<Instrument>,
}

impl Instruments {
    /// A table for ids `0..capacity`.
    pub fn new(capacity: u32) -> Instruments {
        Instruments { rows: (0..capacity).map(|i| Instrument::unknown(InstrumentId(i))).collect() }
    }

    /// How many ids it holds.
    #[inline]
    pub fn capacity(&self) -> u32 {
        self.rows.len() as u32
    }

    /// The instrument, if the id is inside the table.
    #[inline]
    pub fn get(&self, id: InstrumentId) -> Option<&Instrument> {
        self.rows.get(id.index())
    }

    /// Replaces the row of `instrument.id`.
    pub fn set(&mut self, instrument: Instrument) -> Result<(), InstrumentsFull> {
        let capacity = self.capacity();
        match self.rows.get_mut(instrument.id.index()) {
            Some(row) => {
                *row = instrument;
                Ok(())
            }
            None => Err(InstrumentsFull { id: instrument.id, capacity }),
        }
    }

    /// Looks a symbol up by walking the table: for start-up and reports, not for the hot path.
    pub fn by_symbol(&self, symbol: Symbol) -> Option<&Instrument> {
        self.rows.iter().find(|row| row.symbol == symbol)
    }

    /// Every row, seen or not.
    pub fn iter(&self) -> impl Iterator<Item = &Instrument> {
        self.rows.iter()
    }
}
