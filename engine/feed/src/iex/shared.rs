//! The messages that all three feeds have.

use nofx_types::{
    AuctionInfo, EventKind, EventSink, Instrument, InstrumentFlags, InstrumentId, Phase, Price,
    Qty, Side, Symbol, TradeKind,
};
use nofx_wire::iex::{
    self, Auction, Header, OperationalHalt, SecurityDirectory, SystemEvent, Trade, TradeBreak,
    TradingStatus, directory_flags,
};
use nofx_wire::num::{Le32, LeI64};

use super::segments::{Feed, Segments, nanos};
use crate::packet::Stamp;
use crate::tally::Fault;

/// What sets the trade report of one feed apart from another's.
#[derive(Clone, Copy)]
pub(super) struct Prints {
    /// What a `T` reports.
    pub kind: TradeKind,
    /// Whether the touch may be acted on after a `T`.
    pub last: bool,
}

impl Segments {
    /// Translates a message that is no feed's own. `None` when it is too short for its type.
    #[inline(never)]
    pub(super) fn shared<F: Feed, S: EventSink>(
        &mut self,
        prints: Prints,
        at: Stamp,
        message: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        let kind = *message.first()?;
        let Some(min) = iex::min_length_of(F::PROTOCOL, kind) else { return Some(()) }; // skipped
        if message.len() < min {
            return None;
        }
        if kind == SystemEvent::KIND {
            let system = SystemEvent::parse(message)?;
            if let Some(phase) = self.system_event(system.event_code) {
                let kind = EventKind::Phase(phase);
                sink.on_event(&at.event(InstrumentId::ALL, nanos(system.ts_ns), true, kind));
            }
            return Some(());
        }
        let header = Header::parse(message)?;
        let Some(id) = self.instrument(header.symbol, sink) else { return Some(()) };
        let event = match kind {
            SecurityDirectory::KIND => {
                sink.on_definition(&definition(id, SecurityDirectory::parse(message)?));
                None
            }
            TradingStatus::KIND => {
                let state = self.trading_status(header.code);
                self.statuses.set_state(id, state).map(EventKind::Phase)
            }
            OperationalHalt::KIND => {
                let phase = self.statuses.set_halt(id, header.code == b'O');
                phase.map(EventKind::Phase)
            }
            Trade::KIND => {
                let Trade { shares, price_e4, trade_id, .. } = Trade::parse(message)?;
                Some(traded(*shares, *price_e4, trade_id.get(), prints.kind))
            }
            TradeBreak::KIND => {
                let TradeBreak { shares, price_e4, trade_id, .. } = TradeBreak::parse(message)?;
                Some(traded(*shares, *price_e4, trade_id.get(), TradeKind::Broken))
            }
            Auction::KIND => Some(EventKind::Auction(auction(Auction::parse(message)?))),
            _ => None, // E I P X: nothing a book or a strategy of ours acts on
        };
        if let Some(event) = event {
            let last = kind != Trade::KIND || prints.last;
            sink.on_event(&at.event(id, nanos(header.ts_ns), last, event));
        }
        Some(())
    }

    fn system_event(&mut self, code: u8) -> Option<Phase> {
        Some(match code {
            b'O' | b'E' | b'C' => Phase::Closed,
            b'S' => Phase::PreOpen,
            b'R' => Phase::Continuous,
            b'M' => Phase::AfterHours,
            _ => {
                self.tally.fault(Fault::Code);
                return None;
            }
        })
    }

    /// An unknown status counts as a halt: nobody can say that the instrument trades.
    fn trading_status(&mut self, status: u8) -> Phase {
        match status {
            b'T' => Phase::Continuous,
            b'H' => Phase::Halted,
            b'O' => Phase::PreOpen,
            b'P' => Phase::Paused,
            _ => {
                self.tally.fault(Fault::Code);
                Phase::Halted
            }
        }
    }
}

fn definition(id: InstrumentId, directory: &SecurityDirectory) -> Instrument {
    Instrument {
        symbol: Symbol(directory.symbol),
        lot: directory.round_lot_size.get().max(1),
        previous_close: price(directory.adjusted_close_e4),
        flags: InstrumentFlags {
            test: directory.flags & directory_flags::TEST != 0,
            round_lots_only: false,
            defined: true,
        },
        ..Instrument::unknown(id)
    }
}

fn traded(shares: Le32, price_e4: LeI64, match_id: u64, kind: TradeKind) -> EventKind {
    let (price, qty) = (price(price_e4), qty(shares));
    EventKind::Trade { price, qty, aggressor: None, match_id, kind }
}

fn auction(auction: &Auction) -> AuctionInfo {
    AuctionInfo {
        price: price(auction.indicative_price_e4),
        paired: qty(auction.paired_shares),
        imbalance: qty(auction.imbalance_shares),
        side: match auction.imbalance_side {
            b'B' => Some(Side::Buy),
            b'S' => Some(Side::Sell),
            _ => None,
        },
    }
}

#[inline(always)]
pub(super) fn price(price_e4: LeI64) -> Price {
    Price(price_e4.get())
}

#[inline(always)]
pub(super) fn qty(shares: Le32) -> Qty {
    Qty(u64::from(shares.get()))
}
