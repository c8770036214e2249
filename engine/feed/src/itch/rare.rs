//! The sixteen messages that change no order: session, states, trades, auctions, symbols.

use nofx_types::{
    AuctionInfo, EventKind, EventSink, Instrument, InstrumentFlags, InstrumentId, Nanos, Phase,
    Price, Qty, Side, Symbol, TradeKind,
};
use nofx_wire::itch::{
    self, BrokenTrade, CrossTrade, Header, LuldCollar, MwcbStatus, Noii, OperationalHalt,
    QuotingPeriod, StockDirectory, SystemEvent, Trade, TradingAction,
};

use super::{Itch, nanos, price, qty};
use crate::packet::Stamp;
use crate::tally::Fault;

/// What holds for the market as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Market {
    /// By the last system event.
    phase: Phase,
    /// A market-wide breaker of a level that ends within the day halts everything.
    breaker: bool,
}

/// Nasdaq itself, in an operational halt that names its markets.
const MARKET_NASDAQ: u8 = b'Q';

impl Itch {
    /// `None` when the message is too short for its type.
    #[inline(never)]
    pub(super) fn rare<S: EventSink>(
        &mut self,
        kind: u8,
        at: Stamp,
        message: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        let Some(length) = itch::length_of(kind) else { return Some(()) }; // counted, skipped
        if message.len() < length {
            return None;
        }
        let header = Header::parse(message)?;
        let (ts, all) = (nanos(header.ts_ns), InstrumentId::ALL);
        match kind {
            SystemEvent::KIND => {
                if let Some(phase) = self.system_event(SystemEvent::parse(message)?.event_code) {
                    sink.on_event(&at.event(all, ts, true, EventKind::Phase(phase)));
                }
                return Some(());
            }
            MwcbStatus::KIND => {
                self.market.breaker = MwcbStatus::parse(message)?.breached_level != b'3';
                sink.on_event(&at.event(all, ts, true, EventKind::Phase(Phase::Halted)));
                return Some(());
            }
            _ => {}
        }
        let Some(id) = self.instrument(header.stock_locate) else { return Some(()) };
        if let Some(kind) = self.of_instrument(kind, id, ts, at, message, sink)? {
            sink.on_event(&at.event(id, ts, true, kind));
        }
        Some(())
    }

    /// The event of a message about `id`; outer `None` when it cannot be read.
    fn of_instrument<S: EventSink>(
        &mut self,
        kind: u8,
        id: InstrumentId,
        ts: Nanos,
        at: Stamp,
        message: &[u8],
        sink: &mut S,
    ) -> Option<Option<EventKind>> {
        Some(match kind {
            StockDirectory::KIND => {
                self.mark_named(id); // by the definition itself
                sink.on_definition(&definition(id, StockDirectory::parse(message)?));
                None
            }
            TradingAction::KIND => {
                let action = TradingAction::parse(message)?;
                self.name(id, action.stock, sink);
                let state = self.trading_state(action.trading_state)?;
                if state == Phase::Continuous {
                    self.lift_breaker(ts, at, sink);
                }
                self.statuses.set_state(id, state).map(EventKind::Phase)
            }
            OperationalHalt::KIND => {
                let halt = OperationalHalt::parse(message)?;
                let ours = halt.market_code == MARKET_NASDAQ;
                let phase = ours.then(|| self.statuses.set_halt(id, halt.action == b'H'));
                phase.flatten().map(EventKind::Phase)
            }
            Trade::KIND => {
                let trade = Trade::parse(message)?;
                self.name(id, trade.stock, sink);
                Some(hidden(trade))
            }
            CrossTrade::KIND => {
                let cross = CrossTrade::parse(message)?;
                self.name(id, cross.stock, sink);
                (cross.shares.get() > 0).then(|| crossed(cross)) // 0: there was no cross
            }
            BrokenTrade::KIND => Some(broken(BrokenTrade::parse(message)?)),
            Noii::KIND => {
                let noii = Noii::parse(message)?;
                self.name(id, noii.stock, sink);
                Some(EventKind::Auction(auction(noii)))
            }
            LuldCollar::KIND => {
                let collar = LuldCollar::parse(message)?;
                self.name(id, collar.stock, sink);
                Some(EventKind::Band {
                    reference: price(collar.reference_price_e4),
                    low: price(collar.lower_price_e4),
                    high: price(collar.upper_price_e4),
                })
            }
            QuotingPeriod::KIND => {
                self.name(id, QuotingPeriod::parse(message)?.stock, sink);
                None
            }
            _ => None, // L N O V Y: nothing a book or a strategy of ours acts on
        })
    }

    fn system_event(&mut self, code: u8) -> Option<Phase> {
        let phase = match code {
            b'O' | b'E' | b'C' => Phase::Closed,
            b'S' => Phase::PreOpen,
            b'Q' => Phase::Continuous,
            b'M' => Phase::AfterHours,
            _ => {
                self.tally.fault(Fault::Code);
                return None;
            }
        };
        self.market = Market { phase, breaker: false };
        Some(phase)
    }

    /// An unknown state counts as a halt: nobody can say that the instrument trades.
    fn trading_state(&mut self, state: u8) -> Option<Phase> {
        Some(match state {
            b'T' => Phase::Continuous,
            b'H' => Phase::Halted,
            b'P' => Phase::Paused,
            b'Q' => Phase::QuoteOnly,
            _ => {
                self.tally.fault(Fault::Code);
                Phase::Halted
            }
        })
    }

    /// After a breaker of level 1 or 2 each instrument is halted and released by its own messages;
    /// the first release ends what was said for all.
    fn lift_breaker<S: EventSink>(&mut self, ts: Nanos, at: Stamp, sink: &mut S) {
        if core::mem::take(&mut self.market.breaker) {
            let kind = EventKind::Phase(self.market.phase);
            sink.on_event(&at.event(InstrumentId::ALL, ts, true, kind));
        }
    }
}

/// The tick is a penny from one dollar on (below, 1/10,000): a rule for orders, not for prices seen.
fn definition(id: InstrumentId, directory: &StockDirectory) -> Instrument {
    Instrument {
        symbol: Symbol(directory.stock),
        lot: directory.round_lot_size.get().max(1),
        flags: InstrumentFlags {
            test: directory.authenticity == b'T',
            round_lots_only: directory.round_lots_only == b'Y',
            defined: true,
        },
        ..Instrument::unknown(id)
    }
}

/// The side on the wire does not tell the aggressor (TotalView-ITCH 5.0, "Trade Message").
fn hidden(trade: &Trade) -> EventKind {
    EventKind::Trade {
        price: price(trade.price_e4),
        qty: qty(trade.shares),
        aggressor: None,
        match_id: trade.match_number.get(),
        kind: TradeKind::Hidden,
    }
}

fn crossed(cross: &CrossTrade) -> EventKind {
    EventKind::Trade {
        price: price(cross.price_e4),
        qty: Qty(cross.shares.get()),
        aggressor: None,
        match_id: cross.match_number.get(),
        kind: TradeKind::Cross,
    }
}

fn broken(trade: &BrokenTrade) -> EventKind {
    EventKind::Trade {
        price: Price(0),
        qty: Qty(0),
        aggressor: None,
        match_id: trade.match_number.get(),
        kind: TradeKind::Broken,
    }
}

fn auction(noii: &Noii) -> AuctionInfo {
    AuctionInfo {
        price: price(noii.reference_price_e4),
        paired: Qty(noii.paired_shares.get()),
        imbalance: Qty(noii.imbalance_shares.get()),
        side: match noii.imbalance_direction {
            b'B' => Some(Side::Buy),
            b'S' => Some(Side::Sell),
            _ => None,
        },
    }
}
