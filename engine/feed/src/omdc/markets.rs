//! The phases of the markets of the venue: MAIN, GEM, NASD, ETS.

use nofx_types::Phase;
use nofx_wire::omdc::{TradingSessionStatus, session};

/// The phase of a market as the venue told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketSession {
    /// Its code, space padded.
    pub market: [u8; 4],
    /// `trading_session_sub_id`, see [`session`].
    pub sub_id: u8,
    /// `trading_ses_status`.
    pub status: u8,
    /// The schedule of the day does not hold any more.
    pub manual: bool,
    /// Begin, nanoseconds since 1970 UTC; 0 where the venue does not say.
    pub start_ns: u64,
    /// End.
    pub end_ns: u64,
}

impl MarketSession {
    pub(super) fn of(status: &TradingSessionStatus) -> MarketSession {
        MarketSession {
            market: status.market_code,
            sub_id: status.trading_session_sub_id,
            status: status.trading_ses_status,
            manual: status.trading_ses_control_flag == b'1',
            start_ns: known(status.start_date_time.get()),
            end_ns: known(status.end_date_time.get()),
        }
    }

    /// Whether its times fit the clock at `now`, give or take `tolerance`.
    pub(super) fn fits(&self, now: u64, tolerance: u64) -> bool {
        let ordered = self.end_ns == 0 || self.start_ns <= self.end_ns;
        let begun = self.start_ns <= now.saturating_add(tolerance);
        let goes_on = self.end_ns == 0 || now <= self.end_ns.saturating_add(tolerance);
        ordered && begun && goes_on
    }
}

/// A time, 0 for those that say nothing.
fn known(ns: u64) -> u64 {
    if ns >= i64::MAX as u64 { 0 } else { ns }
}

/// The phase of a `trading_session_sub_id`; `None` for one the specification does not have.
///
/// | sub-session | phase |
/// |---|---|
/// | NO, CL, DC | closed |
/// | POS: OI, NW, RM, MA | opening auction |
/// | BL, OC | break: nothing trades |
/// | CT | continuous |
/// | CAS: RP, OI, NW, RC, MA | closing auction |
/// | EI | halted |
pub fn phase_of(sub_id: u8) -> Option<Phase> {
    Some(match sub_id {
        session::NOT_OPEN | session::CLOSE | session::DAY_CLOSE => Phase::Closed,
        session::ORDER_INPUT
        | session::NO_CANCEL
        | session::RANDOM_MATCHING
        | session::MATCHING => Phase::OpeningAuction,
        session::BLOCKING | session::ORDER_CANCEL => Phase::Break,
        session::CONTINUOUS => Phase::Continuous,
        session::REFERENCE_FIXING
        | session::CAS_ORDER_INPUT
        | session::CAS_NO_CANCEL
        | session::RANDOM_CLOSE
        | session::CAS_MATCHING => Phase::ClosingAuction,
        session::INTERVENTION => Phase::Halted,
        _ => return None,
    })
}

/// Most markets that are told apart; the venue has four.
const MARKETS: usize = 8;

/// All markets.
#[derive(Default)]
pub(super) struct Markets {
    rows: [Option<MarketSession>; MARKETS],
}

impl Markets {
    /// Notes a phase; false when there is no room for one more market.
    pub fn set(&mut self, session: MarketSession) -> bool {
        let own = |row: &Option<MarketSession>| row.is_none_or(|row| row.market == session.market);
        match self.rows.iter_mut().find(|row| own(row)) {
            Some(row) => *row = Some(session),
            None => return false,
        }
        true
    }

    pub fn get(&self, market: [u8; 4]) -> Option<&MarketSession> {
        self.rows.iter().flatten().find(|row| row.market == market)
    }

    pub fn reset(&mut self) {
        *self = Markets::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_sub_sessions_have_a_phase() {
        let known = (0..=u8::MAX).filter(|id| phase_of(*id).is_some());
        assert_eq!(known.count(), 16);
    }

    #[test]
    fn times_that_contradict_the_clock_are_seen() {
        let session = |start_ns, end_ns| MarketSession {
            market: *b"MAIN",
            sub_id: 3,
            status: 30,
            manual: false,
            start_ns,
            end_ns,
        };
        for (start, end, now, fits) in [
            (0, 0, 500, true),
            (100, 200, 150, true),
            (100, 200, 95, true),
            (100, 200, 80, false),
            (100, 200, 211, false),
            (300, 200, 250, false),
        ] {
            assert_eq!(session(start, end).fits(now, 10), fits, "{start} {end} {now}");
        }
    }
}
