//! Trading phases: the market's and each instrument's, and what they mean together.

use nofx_types::{InstrumentId, Phase};

/// The phase of the market and of every instrument.
pub struct Phases {
    market: Phase,
    own: Vec<Phase>,
    unknown: Phase,
}

impl Phases {
    /// Nothing is known yet; `unknown` stands where a feed says nothing (captures that start
    /// mid-day, feeds without status messages).
    pub fn new(instruments: usize, unknown: Phase) -> Phases {
        Phases { market: Phase::Unknown, own: vec![Phase::Unknown; instruments], unknown }
    }

    /// The feed said so.
    #[inline]
    pub fn set(&mut self, id: InstrumentId, phase: Phase) {
        if id == InstrumentId::ALL {
            self.market = phase;
            if phase == Phase::Unknown {
                self.own.fill(Phase::Unknown); // the stream begins anew, or an image of it
            }
        } else if let Some(own) = self.own.get_mut(id.index()) {
            *own = phase;
        }
    }

    /// Whether its venue halted the instrument itself.
    pub fn is_halted(&self, id: InstrumentId) -> bool {
        matches!(self.own.get(id.index()), Some(Phase::Halted | Phase::Paused))
    }

    /// What holds for the instrument: a halt of its own counts always, the market's phase unless
    /// the market trades, then its own.
    #[inline]
    pub fn of(&self, id: InstrumentId) -> Phase {
        let own = self.own.get(id.index()).copied().unwrap_or_default();
        match (self.market, own) {
            (_, Phase::Halted | Phase::Paused | Phase::QuoteOnly) => own,
            (Phase::Unknown, Phase::Unknown) => self.unknown,
            (Phase::Continuous, Phase::Unknown) => self.unknown,
            (Phase::Unknown | Phase::Continuous, own) => own,
            (market, _) => market,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_halts_win_and_silence_follows_the_configuration() {
        let id = InstrumentId(0);
        let check = |market: Phase, own: Phase, want: Phase| {
            let mut phases = Phases::new(1, Phase::Closed);
            phases.set(InstrumentId::ALL, market);
            phases.set(id, own);
            assert_eq!(phases.of(id), want, "{market:?} {own:?}");
        };
        check(Phase::Unknown, Phase::Unknown, Phase::Closed);
        check(Phase::Continuous, Phase::Unknown, Phase::Closed);
        check(Phase::Continuous, Phase::Continuous, Phase::Continuous);
        check(Phase::Unknown, Phase::Continuous, Phase::Continuous);
        check(Phase::PreOpen, Phase::Continuous, Phase::PreOpen);
        check(Phase::Closed, Phase::Halted, Phase::Halted);
        check(Phase::Continuous, Phase::Paused, Phase::Paused);
        let mut phases = Phases::new(1, Phase::Closed);
        phases.set(id, Phase::Halted);
        phases.set(InstrumentId::ALL, Phase::Unknown);
        assert_eq!(phases.of(id), Phase::Closed, "a halt of the stream before says nothing");
        assert_eq!(Phases::new(1, Phase::Continuous).of(id), Phase::Continuous);
    }
}
