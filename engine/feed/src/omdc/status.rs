//! Phases of markets and securities, and what ends the stream as it was.

use nofx_types::{EventKind, EventSink, InstrumentId, Phase, StaleReason};
use nofx_wire::omdc::{
    DisasterRecovery, SecurityStatus, TradingSessionStatus, dr_status, session, suspension,
};

use super::Omdc;
use super::markets::{MarketSession, phase_of};
use crate::packet::Stamp;
use crate::tally::Fault;

impl Omdc {
    /// A market entered a phase: each of its instruments is told. Worst case: all of them.
    pub(super) fn session_status<S: EventSink>(
        &mut self,
        at: Stamp,
        status: &TradingSessionStatus,
        sink: &mut S,
    ) {
        let session = MarketSession::of(status);
        if !session.fits(self.sent_ns, self.config.clock_tolerance_ns) {
            self.tally.fault(Fault::Clock);
        }
        if !self.markets.set(session) {
            return self.tally.fault(Fault::Code);
        }
        let phase = self.phase_of(&session);
        let closes = session.sub_id == session::DAY_CLOSE;
        let (exch_ns, mut told) = (self.now(), 0u64);
        for id in self.securities.of_market(session.market) {
            told += 1;
            if closes {
                sink.on_event(&at.event(id, exch_ns, true, EventKind::Clear { side: None }));
            }
            if let Some(phase) = self.statuses.set_state(id, phase) {
                sink.on_event(&at.event(id, exch_ns, true, EventKind::Phase(phase)));
            }
        }
        self.notes.phases_untold += u64::from(told == 0);
        if closes {
            self.close(session.market);
        }
    }

    /// Books of a market were emptied.
    fn close(&mut self, market: [u8; 4]) {
        let Omdc { securities, follow, .. } = self;
        securities.of_market(market).for_each(|id| follow.clear(Some(id)));
        self.odd_lots.clear();
    }

    /// An unknown sub-session counts as a halt: nobody can say that the market trades.
    fn phase_of(&mut self, session: &MarketSession) -> Phase {
        phase_of(session.sub_id).unwrap_or_else(|| {
            self.tally.fault(Fault::Code);
            Phase::Halted
        })
    }

    /// An instrument became part of a market: it has the market's phase.
    pub(super) fn join_market<S: EventSink>(&mut self, at: Stamp, id: InstrumentId, sink: &mut S) {
        let market = self.securities.listing(id).map(|listing| listing.market);
        let session = market.and_then(|market| self.markets.get(market)).copied();
        let Some(session) = session else { return };
        let phase = phase_of(session.sub_id).unwrap_or(Phase::Halted);
        if let Some(phase) = self.statuses.set_state(id, phase) {
            sink.on_event(&at.event(id, self.now(), true, EventKind::Phase(phase)));
        }
    }

    pub(super) fn security_status<S: EventSink>(
        &mut self,
        at: Stamp,
        status: &SecurityStatus,
        sink: &mut S,
    ) {
        let halted = match status.suspension_indicator {
            suspension::HALTED => true,
            suspension::RESUMED => false,
            _ => {
                self.tally.fault(Fault::Code);
                true
            }
        };
        let Some(id) = self.instrument(status.security_code.get(), sink) else { return };
        if let Some(phase) = self.statuses.set_halt(id, halted) {
            sink.on_event(&at.event(id, self.now(), true, EventKind::Phase(phase)));
        }
    }

    /// 1: caches are void until the channel is joined again. 2: it can be.
    pub(super) fn disaster<S: EventSink>(
        &mut self,
        at: Stamp,
        signal: &DisasterRecovery,
        sink: &mut S,
    ) {
        self.notes.disasters += 1;
        match signal.dr_status.get() {
            dr_status::IN_PROGRESS => {
                self.void(at, sink);
                self.suspended = true;
            }
            dr_status::COMPLETED => {
                self.rejoin |= self.suspended;
                self.suspended = false;
            }
            _ => self.tally.fault(Fault::Code),
        }
    }

    /// A Sequence Reset that is not first in its packet: the numbers around it mean nothing.
    pub(super) fn reset_inside<S: EventSink>(&mut self, at: Stamp, sink: &mut S) {
        if at.seq <= 1 {
            return; // it began the stream
        }
        self.tally.fault(Fault::Code);
        self.void(at, sink);
        self.rejoin = true;
    }

    fn void<S: EventSink>(&mut self, at: Stamp, sink: &mut S) {
        crate::packet::Decoder::reset(self);
        let all = InstrumentId::ALL;
        let kinds = [
            EventKind::Clear { side: None },
            EventKind::Phase(Phase::Unknown),
            EventKind::Stale(StaleReason::Gap),
        ];
        for (index, kind) in kinds.into_iter().enumerate() {
            sink.on_event(&at.event(all, self.now(), index == 2, kind));
        }
    }

    /// Whether the books are void, whatever the numbers say: they wait for the venue, or an image.
    pub(super) fn is_void_now(&self) -> bool {
        self.suspended || self.rejoin
    }
}
