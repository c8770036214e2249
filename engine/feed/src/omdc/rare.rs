//! Trades, odd lots, reference data, auctions: all that changes no book.

use nofx_types::{
    AuctionInfo, EventKind, EventSink, Instrument, InstrumentFlags, Price, Qty, Side, TradeKind,
};
use nofx_wire::omdc::{
    self, AddOddLotOrder, DeleteOddLotOrder, DisasterRecovery, IndicativePrice, NominalPrice,
    OrderImbalance, ReferencePrice, SecurityDefinition, SecurityStatus, SequenceReset, Trade,
    TradeCancel, TradingSessionStatus, VcmTrigger, side_of, trade_type,
};

use super::orders::goes_on;
use super::securities::{Auction, CoolingOff, OmdcListing, symbol_of};
use super::{Omdc, price};
use crate::packet::Stamp;
use crate::tally::Fault;

impl Omdc {
    /// `None` when the message is too short for its type.
    #[inline(never)]
    pub(super) fn rare<S: EventSink>(
        &mut self,
        kind: u16,
        at: Stamp,
        message: &[u8],
        rest: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        let Some(length) = omdc::min_length_of(kind) else { return Some(()) }; // counted, skipped
        if message.len() < length {
            return None;
        }
        match kind {
            Trade::KIND => self.trade(at, Trade::parse(message)?, rest, sink),
            TradeCancel::KIND => self.trade_cancel(at, TradeCancel::parse(message)?, sink),
            AddOddLotOrder::KIND => self.odd_lot_add(AddOddLotOrder::parse(message)?, sink),
            DeleteOddLotOrder::KIND => {
                self.odd_lot_delete(DeleteOddLotOrder::parse(message)?, sink)
            }
            SecurityDefinition::KIND => {
                self.definition(at, SecurityDefinition::parse(message)?, sink);
            }
            TradingSessionStatus::KIND => {
                self.session_status(at, TradingSessionStatus::parse(message)?, sink);
            }
            SecurityStatus::KIND => {
                self.security_status(at, SecurityStatus::parse(message)?, sink);
            }
            VcmTrigger::KIND => self.vcm(at, VcmTrigger::parse(message)?, sink),
            ReferencePrice::KIND => self.reference(at, ReferencePrice::parse(message)?, sink),
            IndicativePrice::KIND => self.indicative(at, IndicativePrice::parse(message)?, sink),
            OrderImbalance::KIND => self.imbalance(at, OrderImbalance::parse(message)?, sink),
            NominalPrice::KIND => self.nominal(NominalPrice::parse(message)?, sink),
            DisasterRecovery::KIND => self.disaster(at, DisasterRecovery::parse(message)?, sink),
            SequenceReset::KIND => self.reset_inside(at, sink),
            _ => {} // 10 13 14 44 52 53 54 60 61 62 and those of the other services
        }
        Some(())
    }

    fn trade<S: EventSink>(&mut self, at: Stamp, trade: &Trade, rest: &[u8], sink: &mut S) {
        let kind = match trade.trd_type.get() {
            trade_type::AUTOMATCH | trade_type::INTERNALISED => TradeKind::Print,
            trade_type::AUCTION => TradeKind::Cross,
            _ => {
                self.notes.trades_off_book += 1;
                return;
            }
        };
        let code = trade.security_code.get();
        let Some(id) = self.instrument(code, sink) else { return };
        let kind = EventKind::Trade {
            price: price(trade.price_e3),
            qty: Qty(u64::from(trade.quantity.get())),
            aggressor: None,
            match_id: u64::from(trade.trade_id.get()),
            kind,
        };
        sink.on_event(&at.event(id, self.now(), !goes_on(code, rest), kind));
    }

    fn trade_cancel<S: EventSink>(&mut self, at: Stamp, cancel: &TradeCancel, sink: &mut S) {
        let Some(id) = self.instrument(cancel.security_code.get(), sink) else { return };
        let kind = EventKind::Trade {
            price: Price(0),
            qty: Qty(0),
            aggressor: None,
            match_id: u64::from(cancel.trade_id.get()),
            kind: TradeKind::Broken,
        };
        sink.on_event(&at.event(id, self.now(), true, kind));
    }

    fn odd_lot_add<S: EventSink>(&mut self, add: &AddOddLotOrder, sink: &mut S) {
        let Some(side) = side_of(add.side.get()) else { return self.tally.fault(Fault::Side) };
        if let Some(id) = self.instrument(add.security_code.get(), sink) {
            let (order, price, qty) = (add.order_id.get(), add.price_e3.get(), add.quantity.get());
            self.odd_lots.add(id, side, order, price, qty);
        }
    }

    fn odd_lot_delete<S: EventSink>(&mut self, delete: &DeleteOddLotOrder, sink: &mut S) {
        let Some(side) = side_of(delete.side.get()) else { return self.tally.fault(Fault::Side) };
        if let Some(id) = self.instrument(delete.security_code.get(), sink) {
            self.odd_lots.delete(id, side, delete.order_id.get());
        }
    }

    /// The tick depends on price and date: the spread table is in the listing.
    fn definition<S: EventSink>(
        &mut self,
        at: Stamp,
        definition: &SecurityDefinition,
        sink: &mut S,
    ) {
        let code = definition.security_code.get();
        let Some(id) = self.instrument(code, sink) else { return };
        let Some(listing) = self.securities.listing_mut(id) else { return };
        let former = listing.market;
        *listing = OmdcListing { nominal: listing.nominal, ..OmdcListing::of(definition) };
        let instrument = Instrument {
            symbol: symbol_of(code),
            lot: listing.lot,
            previous_close: listing.previous_close,
            flags: InstrumentFlags {
                test: definition.dummy_security_flag == b'Y',
                round_lots_only: false,
                defined: true,
            },
            ..Instrument::unknown(id)
        };
        let moved = former != listing.market;
        sink.on_definition(&instrument);
        if moved {
            self.join_market(at, id, sink);
        }
    }

    fn indicative<S: EventSink>(&mut self, at: Stamp, iep: &IndicativePrice, sink: &mut S) {
        let (at_price, paired) = (price(iep.price_e3), Qty(iep.aggregate_quantity.get()));
        self.auction(at, iep.security_code.get(), sink, |auction| {
            (auction.price, auction.paired) = (at_price, paired);
        });
    }

    fn imbalance<S: EventSink>(&mut self, at: Stamp, imbalance: &OrderImbalance, sink: &mut S) {
        let quantity = Qty(imbalance.order_imbalance_quantity.get());
        let direction = imbalance.order_imbalance_direction;
        if !matches!(direction, b'N' | b'B' | b'S' | b' ') {
            return self.tally.fault(Fault::Code);
        }
        self.auction(at, imbalance.security_code.get(), sink, |auction| {
            (auction.imbalance, auction.direction) = (quantity, direction);
        });
    }

    fn auction<S: EventSink>(
        &mut self,
        at: Stamp,
        code: u32,
        sink: &mut S,
        change: impl FnOnce(&mut Auction),
    ) {
        let Some(id) = self.instrument(code, sink) else { return };
        let Some(auction) = self.securities.auction_mut(id) else { return };
        change(auction);
        let info = AuctionInfo {
            price: auction.price,
            paired: auction.paired,
            imbalance: auction.imbalance,
            side: match auction.direction {
                b'B' => Some(Side::Buy),
                b'S' => Some(Side::Sell),
                _ => None,
            },
        };
        sink.on_event(&at.event(id, self.now(), true, EventKind::Auction(info)));
    }

    fn nominal<S: EventSink>(&mut self, nominal: &NominalPrice, sink: &mut S) {
        let Some(id) = self.instrument(nominal.security_code.get(), sink) else { return };
        if let Some(listing) = self.securities.listing_mut(id) {
            listing.nominal = price(nominal.nominal_price_e3);
        }
    }

    fn reference<S: EventSink>(&mut self, at: Stamp, reference: &ReferencePrice, sink: &mut S) {
        let Some(id) = self.instrument(reference.security_code.get(), sink) else { return };
        let band = EventKind::Band {
            reference: price(reference.reference_price_e3),
            low: price(reference.lower_price_e3),
            high: price(reference.upper_price_e3),
        };
        sink.on_event(&at.event(id, self.now(), true, band));
    }

    fn vcm<S: EventSink>(&mut self, at: Stamp, vcm: &VcmTrigger, sink: &mut S) {
        let Some(id) = self.instrument(vcm.security_code.get(), sink) else { return };
        let cooling = CoolingOff {
            start_ns: vcm.cooling_off_start_time.get(),
            end_ns: vcm.cooling_off_end_time.get(),
            reference: price(vcm.vcm_reference_price_e3),
            low: price(vcm.vcm_lower_price_e3),
            high: price(vcm.vcm_upper_price_e3),
        };
        if cooling.start_ns > cooling.end_ns {
            self.tally.fault(Fault::Clock);
        }
        if cooling.end_ns <= self.sent_ns {
            return; // an image tells of one that is over
        }
        if let Some(held) = self.securities.cooling_mut(id) {
            *held = cooling;
        }
        self.band_end_ns = self.band_end_ns.min(cooling.end_ns);
        let CoolingOff { reference, low, high, .. } = cooling;
        sink.on_event(&at.event(id, self.now(), true, EventKind::Band { reference, low, high }));
    }

    /// Cooling-off periods are over: no message says so.
    #[cold]
    #[inline(never)]
    pub(super) fn end_bands<S: EventSink>(&mut self, at: Stamp, sink: &mut S) {
        let none = EventKind::Band { reference: Price(0), low: Price(0), high: Price(0) };
        while let Some(id) = self.securities.pop_ended(self.sent_ns) {
            self.notes.bands_ended += 1;
            sink.on_event(&at.event(id, self.now(), true, none));
        }
        self.band_end_ns = self.securities.next_end();
    }
}
