//! What is to stay without orders: what kills in force cover, and everything while the run stops.

use nofx_gate::KillScope;
use nofx_types::{AccountId, InstrumentId};

/// Every account there can be, a bit each: 8 KiB.
const ACCOUNT_WORDS: usize = (1 << 16) / 64;

/// Kills in force, and whether the run stops: a bit for each account and instrument.
#[derive(Clone, Debug)]
pub struct Engaged {
    stopping: bool,
    global: bool,
    /// A kill of [`InstrumentId::ALL`].
    market: bool,
    accounts: Box<[u64]>,
    symbols: Box<[u64]>,
    /// Bits that are set in the two.
    bits: usize,
}

impl Engaged {
    /// Nothing is engaged; instruments are `0..instruments`.
    pub fn new(instruments: u32) -> Engaged {
        let words = (instruments as usize).div_ceil(64);
        Engaged {
            stopping: false,
            global: false,
            market: false,
            accounts: vec![0; ACCOUNT_WORDS].into_boxed_slice(),
            symbols: vec![0; words].into_boxed_slice(),
            bits: 0,
        }
    }

    /// The run stops, for good.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// Whether the run stops.
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// A kill is engaged or released. An instrument outside the table has no orders.
    pub fn set(&mut self, scope: KillScope, engaged: bool) {
        let (words, at) = match scope {
            KillScope::Global => return self.global = engaged,
            KillScope::Symbol(InstrumentId::ALL) => return self.market = engaged,
            KillScope::Account(account) => (&mut self.accounts, usize::from(account.0)),
            KillScope::Symbol(symbol) => (&mut self.symbols, symbol.index()),
        };
        let Some(word) = words.get_mut(at / 64) else { return };
        let before = word.count_ones() as usize;
        let bit = 1 << (at % 64);
        *word = if engaged { *word | bit } else { *word & !bit };
        self.bits = self.bits - before + word.count_ones() as usize;
    }

    /// Whether it covers nothing.
    #[inline]
    pub fn is_empty(&self) -> bool {
        !(self.stopping || self.global || self.market) && self.bits == 0
    }

    /// Whether it covers an order of `account` in `instrument`.
    pub fn covers(&self, account: AccountId, instrument: InstrumentId) -> bool {
        let has = |words: &[u64], at: usize| {
            words.get(at / 64).is_some_and(|word| word & (1 << (at % 64)) != 0)
        };
        self.stopping
            || self.global
            || self.market
            || has(&self.accounts, account.0.into())
            || has(&self.symbols, instrument.index())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nofx_rt::rng::Rng;

    #[test]
    fn it_covers_what_the_scopes_that_are_engaged_cover() {
        let mut rng = Rng::new(11);
        let (mut engaged, mut naive) = (Engaged::new(100), Vec::new());
        for _ in 0..5_000 {
            let scope = match rng.below(40) {
                0 => KillScope::Global,
                1 => KillScope::Symbol(InstrumentId::ALL),
                2..=20 => KillScope::Account(AccountId(rng.below(4) as u16)),
                _ => KillScope::Symbol(InstrumentId(rng.below(6) as u32)),
            };
            naive.retain(|other| *other != scope);
            let on = rng.chance(1, 3);
            engaged.set(scope, on);
            naive.extend(on.then_some(scope));
            assert_eq!(engaged.is_empty(), naive.is_empty());
            let (account, symbol) =
                (AccountId(rng.below(5) as u16), InstrumentId(rng.below(7) as u32));
            let expected = naive.iter().any(|scope| scope.covers(account, symbol));
            assert_eq!(engaged.covers(account, symbol), expected, "{naive:?}");
        }
    }

    #[test]
    fn a_stop_lasts_and_what_lies_outside_changes_nothing() {
        let mut engaged = Engaged::new(1);
        engaged.set(KillScope::Symbol(InstrumentId(64)), true);
        assert!(engaged.is_empty());
        engaged.stop();
        engaged.set(KillScope::Global, false);
        assert!(engaged.covers(AccountId(u16::MAX), InstrumentId(9_999)));
    }
}
