//! HKEX OMD-C full tick as book events (OMD-C Binary Interface Specifications 1.45, order book
//! messages 30 to 34).
//!
//! Model: a security code leads to a dense instrument id through a table of all codes there can be.
//! An order is named by security, side and id; books tell instruments apart, so the side is folded
//! into the highest bit of the reference ([`order_ref`]): ids of 63 bits fit, others are counted and
//! make their book inconsistent. Trades change no book; the messages of the orders do. Messages bear
//! no time of their own but trades, so the time of an event is that of its packet. Messages on one
//! security that follow each other in a packet are taken as one atomic event.
//!
//! | type | event |
//! |---|---|
//! | 30 | Add at the rank that the position names ([`PositionMeaning`]) |
//! | 31 | Replace by itself: new total, place by [`ModifyPlace`] |
//! | 32 | Delete |
//! | 33 34 | none: a display of its own, with a touch where [`OmdcConfig::odd_lots`] gives room |
//! | 50 | Trade: automatch and internalised are prints, auction trades crosses; others are counted |
//! | 51 | Trade, broken |
//! | 20 | Phase of each instrument of the market; Clear of each at day close |
//! | 21 | Phase of the instrument: halted, or that of its market |
//! | 23 | Band, and another that ends it (all zeros) with the first message sent after its end |
//! | 43 | Band |
//! | 41 56 | Auction: both are told together |
//! | 11 | definition; the rest of it is kept as [`OmdcListing`] |
//! | 40 | kept in the listing |
//! | 100 | Clear, Phase: the stream begins anew |
//! | 105 | Clear, Phase, Stale until the channel is joined again |
//! | others | counted |
//!
//! Packets bear no channel: what comes on a line is believed to be of its channel.

mod config;
mod follow;
mod markets;
mod odd_lots;
mod orders;
mod rare;
mod recover;
mod securities;
mod status;

pub use config::{ModifyPlace, OmdcConfig, PositionMeaning};
pub use follow::FitCounts;
pub use markets::{MarketSession, phase_of};
pub use securities::{CoolingOff, OmdcListing};

use nofx_types::{
    EventKind, EventSink, Instrument, InstrumentId, Nanos, OrderRef, Price, Side, StaleReason,
    Touch,
};
use nofx_wire::num::LeI32;
use nofx_wire::omdc::{
    self, AddOrder, DeleteOrder, ModifyOrder, NO_PRICE, Packet, PacketError, SequenceReset,
};

use crate::FeedConfig;
use crate::packet::{Decoder, LineFeed, Stamp};
use crate::sequencer::Datagram;
use crate::status::Statuses;
use crate::tally::{Fault, Tally};
use follow::Follow;
use markets::Markets;
use odd_lots::OddLots;
use securities::{Found, Securities, symbol_of};

/// One channel of OMD-C full tick, lines A and B.
pub type OmdcLines = LineFeed<Omdc>;

/// The decoder of [`OmdcLines`].
pub struct Omdc {
    config: OmdcConfig,
    tally: Tally,
    notes: Notes,
    securities: Securities,
    statuses: Statuses,
    markets: Markets,
    follow: Follow,
    odd_lots: OddLots,
    /// When the packet at hand was sent.
    sent_ns: u64,
    /// When the next price band of a cooling-off period ends.
    band_end_ns: u64,
    /// Disaster recovery is under way: nothing is published.
    suspended: bool,
    /// An image is needed, whatever the numbers say.
    rejoin: bool,
}

/// Counts beyond those by type.
#[derive(Clone, Copy, Debug, Default)]
struct Notes {
    trades_off_book: u64,
    modifies_up: u64,
    disasters: u64,
    resets: u64,
    phases_untold: u64,
    bands_ended: u64,
}

/// The reference of an order of one security; `None` for an id of 64 bits.
///
/// ```
/// use nofx_feed::omdc::order_ref;
/// use nofx_types::Side;
/// assert_ne!(order_ref(Side::Buy, 7), order_ref(Side::Sell, 7));
/// assert_eq!(order_ref(Side::Buy, 1 << 63), None);
/// ```
#[inline(always)]
pub const fn order_ref(side: Side, order_id: u64) -> Option<OrderRef> {
    if order_id >> 63 != 0 {
        return None;
    }
    Some(OrderRef(order_id | (side as u64) << 63))
}

impl Omdc {
    /// What is known of an instrument beyond what every market has.
    pub fn listing(&self, id: InstrumentId) -> Option<&OmdcListing> {
        self.securities.listing(id)
    }

    /// The instrument of a security code that was seen.
    pub fn instrument_of(&self, code: u32) -> Option<InstrumentId> {
        self.securities.get(code)
    }

    /// Gives a security code its id beforehand, the next one: for applications that name instruments
    /// before the first packet. `None` for no code of this venue, or a full table.
    pub fn assign<S: EventSink>(&mut self, code: u32, sink: &mut S) -> Option<InstrumentId> {
        self.instrument(code, sink)
    }

    /// The cooling-off period of an instrument, if there was one that the clock of the packets has
    /// not passed.
    pub fn cooling_off(&self, id: InstrumentId) -> Option<&CoolingOff> {
        self.securities.cooling(id).filter(|cooling| cooling.end_ns > 0)
    }

    /// The phase of a market as the venue told it, with its times.
    pub fn session(&self, market: [u8; 4]) -> Option<&MarketSession> {
        self.markets.get(market)
    }

    /// Best odd-lot orders of an instrument; empty without [`OmdcConfig::odd_lots`].
    pub fn odd_lot_touch(&self, id: InstrumentId) -> Touch {
        self.odd_lots.touch(id)
    }

    /// Which reading of positions fits what was seen.
    pub fn fits(&self) -> &FitCounts {
        &self.follow.fits
    }

    #[inline(always)]
    fn translate<S: EventSink>(
        &mut self,
        kind: u16,
        at: Stamp,
        message: &[u8],
        rest: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        match kind {
            AddOrder::KIND => self.add(at, message, rest, sink),
            ModifyOrder::KIND => self.modify(at, message, rest, sink),
            DeleteOrder::KIND => self.delete(at, message, rest, sink),
            _ => self.rare(kind, at, message, rest, sink),
        }
    }

    /// The instrument of a code; the sink is told of a new one. `None` when there can be none.
    #[inline(always)]
    fn instrument<S: EventSink>(&mut self, code: u32, sink: &mut S) -> Option<InstrumentId> {
        match self.securities.find(code) {
            Found::Known(id) => Some(id),
            found => self.unknown(found, code, sink),
        }
    }

    #[cold]
    #[inline(never)]
    fn unknown<S: EventSink>(
        &mut self,
        found: Found,
        code: u32,
        sink: &mut S,
    ) -> Option<InstrumentId> {
        match found {
            Found::Known(id) => return Some(id),
            Found::New(id) => {
                let symbol = symbol_of(code);
                sink.on_definition(&Instrument { symbol, ..Instrument::unknown(id) });
                return Some(id);
            }
            Found::Full => self.tally.fault(Fault::InstrumentsFull),
            Found::Impossible => self.tally.fault(Fault::Security),
        }
        None
    }

    #[cold]
    #[inline(never)]
    fn unreadable<S: EventSink>(&mut self, kind: u16, at: Stamp, message: &[u8], sink: &mut S) {
        self.tally.fault(Fault::ShortMessage);
        if matches!(kind, AddOrder::KIND | ModifyOrder::KIND | DeleteOrder::KIND) {
            self.lost(at, message, sink);
        }
    }

    /// A change of a book could not be read: the book is not to be trusted until it is cleared.
    #[cold]
    #[inline(never)]
    fn lost<S: EventSink>(&mut self, at: Stamp, message: &[u8], sink: &mut S) {
        let code = message.get(4..).and_then(|rest| rest.first_chunk::<4>());
        let id = match code.map(|code| u32::from_le_bytes(*code)) {
            Some(code) => match self.instrument(code, sink) {
                Some(id) => id,
                None => return, // no table holds it, so no book is wrong
            },
            None => InstrumentId::ALL,
        };
        let kind = EventKind::Stale(StaleReason::Inconsistent);
        sink.on_event(&at.event(id, self.now(), true, kind));
    }

    #[cold]
    #[inline(never)]
    fn bad<S: EventSink>(
        &mut self,
        fault: Fault,
        at: Stamp,
        message: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        self.tally.fault(fault);
        self.lost(at, message, sink);
        Some(())
    }

    #[inline(always)]
    fn now(&self) -> Nanos {
        Nanos(self.sent_ns)
    }

    /// The datagram of a packet that begins with a Sequence Reset.
    #[cold]
    fn reset_datagram<'a>(&mut self, packet: &Packet<'a>, first: &'a [u8]) -> Option<Datagram<'a>> {
        let Some(reset) = SequenceReset::parse(first).filter(|reset| reset.new_seq_no.get() == 1)
        else {
            self.tally.fault(Fault::PacketHeader);
            return None;
        };
        self.notes.resets += 1;
        let seq = reset.new_seq_no.get();
        let numbered = self.config.reset_is_numbered && packet.seq() == seq;
        let mut datagram = datagram(packet);
        datagram.stream_start = true;
        if !numbered {
            datagram = Datagram { seq: u64::from(seq), count: 0, blocks: &[], ..datagram };
        }
        Some(datagram)
    }
}

impl Decoder for Omdc {
    fn new(config: &FeedConfig) -> Omdc {
        let options = config.omdc;
        Omdc {
            config: options,
            tally: Tally::new(),
            notes: Notes::default(),
            securities: Securities::new(config.instruments),
            statuses: Statuses::new(config.instruments),
            markets: Markets::default(),
            follow: Follow::new(&options, config.instruments),
            odd_lots: OddLots::new(options.odd_lots, config.instruments),
            sent_ns: 0,
            band_end_ns: u64::MAX,
            suspended: false,
            rejoin: false,
        }
    }

    #[inline]
    fn datagram<'a>(&mut self, payload: &'a [u8]) -> Option<Datagram<'a>> {
        let packet = match Packet::parse(payload) {
            Ok(packet) => packet,
            Err(error) => {
                self.tally.fault(fault_of(error));
                return None;
            }
        };
        if let Some(first) = packet.messages().next()
            && omdc::type_of(first) == Some(SequenceReset::KIND)
        {
            return self.reset_datagram(&packet, first);
        }
        Some(datagram(&packet))
    }

    fn block_length(prefix: [u8; 2]) -> u16 {
        u16::from_le_bytes(prefix).saturating_sub(2)
    }

    /// A message keeps its length, which is part of it.
    #[inline(always)]
    fn split(rest: &[u8]) -> Option<(&[u8], &[u8])> {
        let (prefix, _) = rest.split_first_chunk::<2>()?;
        rest.split_at_checked(usize::from(u16::from_le_bytes(*prefix)))
    }

    #[inline(always)]
    fn sent(&mut self, send_ns: u64) {
        self.sent_ns = send_ns;
    }

    #[inline(always)]
    fn message<S: EventSink>(&mut self, at: Stamp, message: &[u8], rest: &[u8], sink: &mut S) {
        let Some(kind) = omdc::type_of(message) else {
            return self.tally.fault(Fault::EmptyMessage);
        };
        self.tally.count(u8::try_from(kind).unwrap_or(UNKNOWN));
        if self.sent_ns >= self.band_end_ns {
            self.end_bands(at, sink);
        }
        if self.translate(kind, at, message, rest, sink).is_none() {
            self.unreadable(kind, at, message, sink);
        }
    }

    /// The order stands at the same place in all messages that name one.
    #[inline(always)]
    fn hint<S: EventSink>(&self, message: &[u8], sink: &mut S) {
        if let Some(front) = DeleteOrder::parse(message)
            && let Some(id) = self.securities.get(front.security_code.get())
        {
            sink.hint(id, OrderRef(front.order_id.get()));
        }
    }

    /// Only packets bear a time.
    fn exch_ns(_: &[u8]) -> Nanos {
        Nanos(0)
    }

    #[inline]
    fn stamp(&self, _: &[u8]) -> Nanos {
        self.now()
    }

    fn interrupt<S: EventSink>(&mut self, _: Stamp, _: &mut S) {
        // An event ends with its packet at the latest: nothing is ever open.
    }

    fn reset(&mut self) {
        self.statuses.reset();
        self.markets.reset();
        self.securities.reset();
        self.follow.clear(None);
        self.odd_lots.clear();
        self.band_end_ns = u64::MAX;
        self.suspended = false;
        self.rejoin = false;
    }

    /// No image ends what the venue said of itself.
    fn begin_image(&mut self) {
        let suspended = self.suspended;
        self.reset();
        self.suspended = suspended;
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }

    fn knows(kind: u8) -> bool {
        omdc::min_length_of(u16::from(kind)).is_some()
    }

    fn kind_name(kind: u8) -> String {
        omdc::name_of(u16::from(kind)).unwrap_or("").into()
    }

    fn notes(&self) -> Vec<(&'static str, u64)> {
        let Notes { trades_off_book, modifies_up, disasters, resets, phases_untold, bands_ended } =
            self.notes;
        let FitCounts { checked, agree, beyond } = self.follow.fits;
        let rows = [
            ("odd_lot_adds", self.odd_lots.adds),
            ("odd_lot_deletes", self.odd_lots.deletes),
            ("odd_lots_lost", self.odd_lots.lost),
            ("trades_off_book", trades_off_book),
            ("modifies_up", modifies_up),
            ("disaster_signals", disasters),
            ("sequence_resets", resets),
            ("phases_untold", phases_untold),
            ("bands_ended", bands_ended),
            ("positions_checked", checked),
            ("positions_fit_level_rank_1based", agree[0]),
            ("positions_fit_level_rank_0based", agree[1]),
            ("positions_fit_side_rank_1based", agree[2]),
            ("positions_fit_side_rank_0based", agree[3]),
            ("positions_beyond_the_queue", beyond),
            ("queues_no_longer_followed", self.follow.ended),
        ];
        rows.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    fn memory_bytes(&self) -> u64 {
        self.securities.memory_bytes()
            + self.statuses.memory_bytes()
            + self.follow.memory_bytes()
            + self.odd_lots.memory_bytes()
    }
}

/// Stands for types beyond one byte, which the venue does not have.
const UNKNOWN: u8 = u8::MAX;
/// Packets do not say which stream they are of.
const SESSION: u128 = 1;

fn datagram<'a>(packet: &Packet<'a>) -> Datagram<'a> {
    Datagram {
        session: SESSION,
        seq: u64::from(packet.seq()),
        count: u16::from(packet.count()),
        end_of_session: false,
        stream_start: false,
        send_ns: packet.header().send_time.get(),
        blocks: packet.messages().rest(),
    }
}

fn fault_of(error: PacketError) -> Fault {
    match error {
        PacketError::Short | PacketError::Size | PacketError::SeqRange => Fault::PacketHeader,
        PacketError::MessageSize | PacketError::Overrun => Fault::PacketOverrun,
        PacketError::Trailing => Fault::TrailingBytes,
    }
}

/// From three decimals to four; 0 for a price that says nothing.
#[inline(always)]
fn price(price_e3: LeI32) -> Price {
    match price_e3.get() {
        NO_PRICE => Price(0),
        price => Price(i64::from(price) * 10),
    }
}
