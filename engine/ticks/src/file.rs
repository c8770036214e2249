//! [`TickFile`]: what a reading came to.

use nofx_types::{Market, Price, Symbol, Tick};

use crate::{BadRows, Snapshot, TickError};

/// Everything that was read, sorted.
#[derive(Clone, Debug, Default)]
pub struct TickFile {
    /// Ticks by channel and number; channels are joined by time.
    pub ticks: Vec<Tick>,
    /// Snapshots by time, then in the order of the file.
    pub snapshots: Vec<Snapshot>,
    /// Securities, in order of code.
    pub symbols: Vec<SymbolInfo>,
    /// Where rows are missing that could have changed a book, in order.
    pub holes: Vec<Hole>,
    /// Rows that could not be read.
    pub bad: BadRows,
    /// Rows that were left out because the layout says so, or another market or security was asked
    /// for.
    pub skipped: u64,
    /// Rows that stood behind a later one of their channel and were sorted.
    pub unsorted: u64,
    /// Names of the layouts that were used, by file.
    pub layouts: Vec<String>,
}

/// What the files say of a security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolInfo {
    /// Its code.
    pub symbol: Symbol,
    /// Where it is traded.
    pub market: Market,
    /// Close of the day before, 0 where no snapshot tells.
    pub previous_close: Price,
    /// Lowest price of the day, 0 where no snapshot tells.
    pub limit_low: Price,
    /// Highest price of the day, 0 where no snapshot tells.
    pub limit_high: Price,
}

/// Rows were lost here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Index of the first tick behind the loss.
    pub before: usize,
    /// The security that is concerned; `None` where the row does not say, so that it may be any.
    pub symbol: Option<Symbol>,
}

impl TickFile {
    /// The market of everything in the file.
    ///
    /// # Errors
    /// Securities of two markets, or none at all.
    pub fn market(&self) -> Result<Market, TickError> {
        let Some(first) = self.symbols.first() else {
            return Err(TickError::Usage(self.emptiness()));
        };
        match self.symbols.iter().find(|info| info.market != first.market) {
            None => Ok(first.market),
            Some(other) => Err(TickError::Usage(format!(
                "the file holds {} of {} and {} of {}: choose one with ticks.market",
                first.symbol, first.market, other.symbol, other.market
            ))),
        }
    }

    fn emptiness(&self) -> String {
        match self.bad.first().first() {
            Some(row) => {
                format!("no row could be read ({} are bad); first: {row}", self.bad.total())
            }
            None => format!("no row is left: {} were skipped", self.skipped),
        }
    }

    /// Bytes that ticks and snapshots take.
    pub fn memory_bytes(&self) -> u64 {
        (size_of_val(&*self.ticks) + size_of_val(&*self.snapshots)) as u64
    }
}
