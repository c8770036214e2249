//! The instruments that are traded: a dense map from instrument to row, symbols, phases.
//!
//! An instrument's own phase decides when it is known; the market's phase decides what it forbids.
//! So a halt holds although the market is open, and the market's close ends every instrument.

use nofx_types::{Instrument, InstrumentId, Nanos, PRICE_DECIMALS, Phase, Price};

use nofx_rt::table::Table;

const NONE: u32 = u32::MAX;

/// What an instrument does with orders now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trading {
    /// Continuous trading.
    Open,
    /// Not now: halt, pause, auction, break.
    Waits,
    /// Not any more today.
    Over,
}

/// One traded instrument.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    symbol: u64,
    /// Price step; 0 while the instrument is not defined.
    tick: i64,
    decimals: u8,
    phase: Phase,
    /// Messages of its book were lost.
    pub stale: bool,
    /// The last event was not the end of the venue's atomic event.
    pub mid_event: bool,
}

impl Row {
    /// Whether orders may have this price.
    pub fn takes_price(&self, price: Price) -> bool {
        price.0 > 0
            && self.decimals == PRICE_DECIMALS
            && (self.tick <= 0 || price.0 % self.tick == 0)
    }
}

/// All traded instruments.
pub(super) struct Traded {
    rows: Box<[Row]>,
    /// Row of each instrument id, [`NONE`] when it is not traded.
    by_id: Box<[u32]>,
    by_symbol: Table<u32>,
    market: Phase,
    trade_unknown: bool,
    /// How many rows are in the middle of an atomic event, and since when.
    mid_rows: u32,
    mid_since: Nanos,
}

/// An atomic event that is not closed after this long never will be: go on without.
const MID_EVENT_NS_MAX: u64 = 1_000_000;

impl Traded {
    pub fn new(instruments: &[Instrument], trade_unknown: bool) -> Traded {
        let ids = instruments.iter().map(|i| i.id.index() + 1).max().unwrap_or(0);
        let mut by_id = vec![NONE; ids].into_boxed_slice();
        for (row, instrument) in instruments.iter().enumerate() {
            by_id[instrument.id.index()] = row as u32;
        }
        let blank = Row {
            symbol: 0,
            tick: 0,
            decimals: PRICE_DECIMALS,
            phase: Phase::Unknown,
            stale: false,
            mid_event: false,
        };
        let mut traded = Traded {
            rows: vec![blank; instruments.len()].into_boxed_slice(),
            by_id,
            by_symbol: Table::new(instruments.len()),
            market: Phase::Unknown,
            trade_unknown,
            mid_rows: 0,
            mid_since: Nanos(0),
        };
        instruments.iter().for_each(|instrument| traded.define(instrument));
        traded
    }

    /// Takes symbol and price step of a traded instrument.
    pub fn define(&mut self, instrument: &Instrument) {
        let Some(index) = self.row_of(instrument.id) else { return };
        let row = &mut self.rows[index];
        self.by_symbol.remove(row.symbol);
        row.symbol = instrument.symbol.key();
        row.tick = if instrument.flags.defined { instrument.tick } else { 0 };
        row.decimals = instrument.decimals;
        // Fits: a row has one symbol. Two rows of one symbol: the later definition holds.
        let _ = self.by_symbol.insert(row.symbol, index as u32);
    }

    /// The row of an instrument, if it is traded: the first thing asked of every event.
    #[inline]
    pub fn row_of(&self, id: InstrumentId) -> Option<usize> {
        match self.by_id.get(id.index()) {
            Some(row) if *row != NONE => Some(*row as usize),
            _ => None,
        }
    }

    /// The row of a symbol.
    pub fn row_of_symbol(&self, symbol: [u8; 8]) -> Option<usize> {
        if symbol == [b' '; 8] {
            return None; // what an instrument without a symbol has
        }
        self.by_symbol.get(u64::from_le_bytes(symbol)).map(|row| row as usize)
    }

    pub fn row(&self, row: usize) -> Option<&Row> {
        self.rows.get(row)
    }

    pub fn row_mut(&mut self, row: usize) -> Option<&mut Row> {
        self.rows.get_mut(row)
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// What the instrument does with orders now.
    #[inline]
    pub fn trading(&self, row: usize) -> Trading {
        let phase = self.rows.get(row).map_or(Phase::Closed, |row| row.phase);
        let over = |phase| matches!(phase, Phase::Closed | Phase::AfterHours);
        if over(phase) || over(self.market) {
            return Trading::Over;
        }
        let own = match phase {
            Phase::Continuous => true,
            Phase::Unknown => self.trade_unknown,
            _ => false,
        };
        let market = matches!(self.market, Phase::Continuous | Phase::Unknown);
        if own && market { Trading::Open } else { Trading::Waits }
    }

    pub fn set_phase(&mut self, row: usize, phase: Phase) {
        if let Some(row) = self.rows.get_mut(row) {
            row.phase = phase;
        }
    }

    pub fn set_market_phase(&mut self, phase: Phase) {
        self.market = phase;
    }

    /// Notes whether an event of the row ended its atomic event.
    #[inline]
    pub fn note_event(&mut self, row: usize, now: Nanos, last: bool) {
        let Some(row) = self.rows.get_mut(row) else { return };
        if row.mid_event != last {
            return; // as it was
        }
        row.mid_event = !last;
        if last {
            self.mid_rows -= 1;
        } else {
            if self.mid_rows == 0 {
                self.mid_since = now;
            }
            self.mid_rows += 1;
        }
    }

    /// The stream broke off or starts again: no atomic event of before will be closed.
    pub fn forget_events(&mut self) {
        self.rows.iter_mut().for_each(|row| row.mid_event = false);
        self.mid_rows = 0;
    }

    /// Up to when requests may be served: not past the start of an atomic event that is still open.
    #[inline]
    pub fn horizon(&self, until: Nanos) -> Nanos {
        if self.mid_rows == 0 || until.since(self.mid_since) > MID_EVENT_NS_MAX {
            return until;
        }
        until.min(Nanos(self.mid_since.0.saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use nofx_types::Symbol;

    use super::*;

    fn traded() -> Traded {
        let instrument = |id, text| Instrument {
            symbol: Symbol::new(text).expect("short"),
            ..Instrument::unknown(InstrumentId(id))
        };
        Traded::new(&[instrument(7, "AAA"), instrument(3, "BBB")], true)
    }

    #[test]
    fn only_traded_instruments_have_rows() {
        let mut traded = traded();
        let rows = [0, 3, 7, 8, u32::MAX].map(|id| traded.row_of(InstrumentId(id)));
        assert_eq!(rows, [None, Some(1), Some(0), None, None]);
        assert_eq!(traded.row_of_symbol(*b"BBB     "), Some(1));
        assert_eq!(traded.row_of_symbol([b' '; 8]), None);
        let renamed =
            Instrument { symbol: Symbol(*b"CCC     "), ..Instrument::unknown(InstrumentId(3)) };
        traded.define(&renamed);
        assert_eq!(traded.row_of_symbol(*b"BBB     "), None);
        assert_eq!(traded.row_of_symbol(*b"CCC     "), Some(1));
    }

    #[test]
    fn a_halt_holds_in_an_open_market_and_the_close_ends_everything() {
        use Phase::{Closed, Continuous, Halted, PreOpen, Unknown};
        for (market, own, want) in [
            (Unknown, Unknown, Trading::Open),
            (Continuous, Unknown, Trading::Open),
            (Continuous, Continuous, Trading::Open),
            (Continuous, Halted, Trading::Waits),
            (PreOpen, Continuous, Trading::Waits),
            (Unknown, Halted, Trading::Waits),
            (Closed, Continuous, Trading::Over),
            (Continuous, Closed, Trading::Over),
        ] {
            let mut traded = traded();
            traded.set_market_phase(market);
            traded.set_phase(0, own);
            assert_eq!(traded.trading(0), want, "{market:?} {own:?}");
        }
        let mut strict = traded();
        strict.trade_unknown = false;
        assert_eq!(strict.trading(0), Trading::Waits);
    }

    #[test]
    fn requests_wait_for_the_end_of_an_atomic_event_but_not_for_ever() {
        let mut traded = traded();
        assert_eq!(traded.horizon(Nanos(50)), Nanos(50));
        traded.note_event(0, Nanos(100), false);
        traded.note_event(1, Nanos(110), false);
        assert_eq!(traded.horizon(Nanos(120)), Nanos(99));
        traded.note_event(0, Nanos(130), true);
        traded.note_event(0, Nanos(130), true);
        assert_eq!(traded.horizon(Nanos(140)), Nanos(99));
        assert_eq!(traded.horizon(Nanos(100 + MID_EVENT_NS_MAX + 1)), Nanos(1_000_101));
        traded.note_event(1, Nanos(150), true);
        assert_eq!(traded.horizon(Nanos(160)), Nanos(160));
        traded.note_event(1, Nanos(170), false);
        traded.forget_events();
        assert_eq!(traded.horizon(Nanos(180)), Nanos(180));
        traded.note_event(0, Nanos(190), false);
        traded.note_event(1, Nanos(190), true);
        assert_eq!(traded.horizon(Nanos(200)), Nanos(189));
    }
}
