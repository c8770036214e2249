//! [`Truth`]: what a correct reader of the day must find.

use nofx_types::{Side, Symbol};

use super::lines::Losses;

/// An instrument of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its locate on the wire.
    pub locate: u16,
    /// Its symbol; symbols rise with the rank of activity.
    pub symbol: Symbol,
    /// Best bid at the end: price in 1/10,000 and shares.
    pub bid: Option<(u32, u64)>,
    /// Best ask at the end.
    pub ask: Option<(u32, u64)>,
}

impl Listed {
    /// Best price and shares of a side at the end.
    pub fn touch(&self, side: Side) -> Option<(u32, u64)> {
        match side {
            Side::Buy => self.bid,
            Side::Sell => self.ask,
        }
    }
}

/// Counts of the whole day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Messages by their type byte.
    pub by_type: [u64; 256],
    /// Shares printed: `E`, printable `C`, `P` and `Q`, less what `B` took back.
    pub volume: u64,
    /// Trades printed, crosses without volume not counted.
    pub trades: u64,
    /// Displayed orders at the end.
    pub live_orders: u64,
    /// Most displayed orders at any moment.
    pub live_orders_max: u64,
    /// Largest order reference.
    pub order_ref_max: u64,
    /// Instruments, the most active first, with their touch at the end.
    pub instruments: Vec<Listed>,
    /// What the lines lost.
    pub losses: Losses,
}

impl Truth {
    pub(super) fn new() -> Truth {
        Truth {
            by_type: [0; 256],
            volume: 0,
            trades: 0,
            live_orders: 0,
            live_orders_max: 0,
            order_ref_max: 0,
            instruments: Vec::new(),
            losses: Losses::default(),
        }
    }

    /// Messages of all types.
    pub fn total(&self) -> u64 {
        self.by_type.iter().sum()
    }
}
