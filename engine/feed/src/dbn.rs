//! Databento DBN, market by order, as book events (wire's `dbn`, captures/README.md 5).
//!
//! Model: a record of action `A`, `C`, `M` or `R` changes the book. `T` and `F` report a trade whose
//! effect on the book follows as `C` or `M`: `T` becomes a Trade with its aggressor, `F` nothing.
//! The venue's atomic event ends at the record with flag `LAST`, whatever its action: where that
//! record has no event of its own an EndOfEvent is sent. Prices have nine decimals on the wire and
//! four here; one that four do not hold exactly is not rounded but dropped and counted, and makes
//! its instrument stale.
//!
//! A `M` keeps its turn in the queue unless its price changes: that a larger quantity loses it too
//! cannot be told without the order at hand.

use nofx_types::{
    EventKind, EventSink, Instrument, InstrumentId, Nanos, OrderRef, Price, Pricing, Priority, Qty,
    Side, StaleReason, Symbol, TradeKind,
};
use nofx_wire::dbn::{Mbo, RTYPE_MBO, UNDEF_PRICE, UNDEF_TIME, flags};

use crate::packet::Stamp;
use crate::report::FeedReport;
use crate::symbols::{Found, Symbols};
use crate::tally::{Fault, Tally};
use crate::{ConfigError, FeedConfig};

/// Wire units of 1e-9 in one unit of 1e-4.
const E9_PER_E4: i64 = 100_000;

/// Market-by-order records of one file or several.
pub struct DbnMbo {
    tally: Tally,
    symbols: Symbols,
    /// Records of other types: skipped.
    other_records: u64,
}

impl DbnMbo {
    /// Sized by `config`, of which only `instruments` matters.
    pub fn new(config: FeedConfig) -> Result<DbnMbo, ConfigError> {
        config.check()?;
        Ok(DbnMbo {
            tally: Tally::new(),
            symbols: Symbols::new(config.instruments),
            other_records: 0,
        })
    }

    /// Names an instrument: the file's metadata knows its symbol.
    pub fn name<S: EventSink>(&mut self, instrument_id: u32, symbol: &str, sink: &mut S) {
        let Some(id) = self.instrument(instrument_id) else { return };
        match Symbol::new(symbol) {
            Some(symbol) => sink.on_definition(&Instrument { symbol, ..Instrument::unknown(id) }),
            None => self.tally.fault(Fault::LongSymbol),
        }
    }

    /// Takes record `record_no` (its sequence number) of type `rtype`.
    #[inline]
    pub fn on_record<S: EventSink>(
        &mut self,
        record_no: u64,
        rtype: u8,
        record: &[u8],
        sink: &mut S,
    ) {
        if rtype != RTYPE_MBO {
            self.other_records += 1;
            return;
        }
        let Some(mbo) = Mbo::parse(record) else {
            return self.tally.fault(Fault::ShortMessage);
        };
        self.tally.count(mbo.action);
        let Some(id) = self.instrument(mbo.instrument_id.get()) else { return };
        let received = time(mbo.ts_recv_ns.get(), mbo);
        let at = Stamp { seq: record_no, capture_ns: received };
        let (ts, last) = (time(mbo.ts_event_ns.get(), mbo), mbo.flags & flags::LAST != 0);
        if mbo.flags & flags::MAYBE_BAD_BOOK != 0 {
            let stale = EventKind::Stale(StaleReason::Gap);
            sink.on_event(&at.event(id, ts, false, stale));
        }
        let kind = self.event(mbo).unwrap_or_else(|fault| {
            self.tally.fault(fault);
            Some(EventKind::Stale(StaleReason::Inconsistent))
        });
        if let Some(kind) = kind.or(last.then_some(EventKind::EndOfEvent)) {
            sink.on_event(&at.event(id, ts, last, kind));
        }
    }

    /// Ends the input. Nothing waits in a file, so nothing is left to be sent.
    pub fn finish<S: EventSink>(&mut self, sink: &mut S) {
        let _ = sink;
    }

    /// The counts so far.
    pub fn report(&self) -> FeedReport {
        let mut report =
            FeedReport::of_messages(&self.tally, |action| b"ACMRTFN".contains(&action));
        report.total += self.other_records;
        report.unknown += self.other_records;
        report.memory_bytes = self.symbols.memory_bytes();
        report
    }

    #[inline]
    fn instrument(&mut self, instrument_id: u32) -> Option<InstrumentId> {
        match self.symbols.id(u64::from(instrument_id)) {
            Ok(Found::Known(id) | Found::New(id)) => Some(id),
            Err(_) => {
                self.tally.fault(Fault::InstrumentsFull);
                None
            }
        }
    }

    /// What the record does; `None` for those that only report.
    #[inline]
    fn event(&self, mbo: &Mbo) -> Result<Option<EventKind>, Fault> {
        let order = OrderRef(mbo.order_id.get());
        let qty = Qty(u64::from(mbo.size.get()));
        if mbo.flags & (flags::TOB | flags::MBP) != 0 && mbo.action != b'R' {
            return Err(Fault::NotAnOrder);
        }
        Ok(match mbo.action {
            b'A' => Some(EventKind::Add {
                order,
                side: side(mbo.side).ok_or(Fault::Side)?,
                price: price(mbo.price_e9.get())?,
                qty,
                priority: Priority::Back,
                pricing: Pricing::Limit,
            }),
            b'C' => Some(EventKind::Reduce { order, qty }),
            b'M' => Some(EventKind::Replace {
                old: order,
                new: order,
                price: Some(price(mbo.price_e9.get())?),
                qty,
                priority: Priority::Kept,
            }),
            b'R' => Some(EventKind::Clear { side: None }),
            b'T' => Some(EventKind::Trade {
                price: price(mbo.price_e9.get())?,
                qty,
                aggressor: side(mbo.side),
                match_id: 0,
                kind: TradeKind::Print,
            }),
            _ => None,
        })
    }
}

fn side(side: u8) -> Option<Side> {
    match side {
        b'B' => Some(Side::Buy),
        b'A' => Some(Side::Sell),
        _ => None,
    }
}

fn price(price_e9: i64) -> Result<Price, Fault> {
    if price_e9 == UNDEF_PRICE || price_e9 % E9_PER_E4 != 0 {
        return Err(Fault::PriceScale);
    }
    Ok(Price(price_e9 / E9_PER_E4))
}

/// A time that is not there is taken from the other clock of the record.
fn time(ns: u64, mbo: &Mbo) -> Nanos {
    if ns != UNDEF_TIME {
        return Nanos(ns);
    }
    Nanos(mbo.ts_recv_ns.get().min(mbo.ts_event_ns.get()))
}
