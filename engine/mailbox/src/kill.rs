//! Kill words and fencing epoch: what stops orders from outside the engine.
//!
//! ```text
//! word 0        generation: bit 63 = everything is killed, below = changes so far
//! word 1        fencing epoch, only ever raised
//! word 8        one bit per account
//! word 8 + A    one bit per instrument
//! ```
//!
//! Engaging is one atomic store (`fetch_or`) to the word that the gate reads on every order: it
//! holds from that store on. The generation is for the tile's loop, which compares one load with the
//! value it saw last and cancels what is open when it differs. For "everything" both are one word,
//! so one store does it all. An account or instrument takes a second store to raise the generation;
//! should the switch die between the two, new orders are refused already and
//! [`KillWords::settle`], called in house-keeping turns, raises it.
//!
//! Fails closed: an account or instrument outside the table counts as killed.

use std::fmt;

use nofx_types::{AccountId, InstrumentId};

use crate::sync::{AtomicU64, Ordering, acquire};
use crate::words::Words;

/// What a kill covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every order.
    Global,
    /// Every order of the account.
    Account(u16),
    /// Every order in the instrument ([`InstrumentId`]).
    Symbol(u32),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Global => write!(f, "everything"),
            Scope::Account(account) => write!(f, "account {account}"),
            Scope::Symbol(symbol) => write!(f, "instrument {symbol}"),
        }
    }
}

const GENERATION: usize = 0;
const EPOCH: usize = 1;
/// Words before the bits of the accounts.
const KILL_HEAD: usize = 8;
/// The bit of the generation word that kills everything.
const GLOBAL: u64 = 1 << 63;

/// Words of the section.
pub(crate) const fn kill_words(accounts: u32, instruments: u32) -> usize {
    KILL_HEAD + accounts.div_ceil(64) as usize + instruments.div_ceil(64) as usize
}

/// The kill words as the engine sees them: for the gate (every order), the tile (every turn).
#[derive(Clone)]
pub struct KillWords {
    words: Words,
    accounts: u32,
    instruments: u32,
}

impl KillWords {
    pub(crate) fn new(words: Words, accounts: u32, instruments: u32) -> KillWords {
        KillWords { words, accounts, instruments }
    }

    /// Changes whenever something was engaged or released: one load.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.load(GENERATION)
    }

    /// Whether an order of `account` in `instrument` is stopped, and by what: at most three loads.
    #[inline]
    pub fn engaged(&self, account: AccountId, instrument: InstrumentId) -> Option<Scope> {
        if self.load(GENERATION) & GLOBAL != 0 {
            return Some(Scope::Global);
        }
        let scopes = [Scope::Account(account.0), Scope::Symbol(instrument.0)];
        scopes.into_iter().find(|scope| self.is_engaged(*scope))
    }

    /// Whether exactly this scope is engaged; outside the table: yes.
    #[inline]
    pub fn is_engaged(&self, scope: Scope) -> bool {
        self.place(scope).is_none_or(|(word, bit)| acquire(word) & bit != 0)
    }

    /// Epochs below this are fenced off.
    #[inline]
    pub fn epoch(&self) -> u32 {
        self.load(EPOCH) as u32
    }

    /// Everything that is engaged: for displays, walks the bits.
    pub fn all_engaged(&self) -> Vec<Scope> {
        self.scopes().filter(|scope| self.is_engaged(*scope)).collect()
    }

    /// How many (accounts, instruments) have a bit.
    pub fn table(&self) -> (u32, u32) {
        (self.accounts, self.instruments)
    }

    /// For house-keeping: raises the generation when bits changed and it did not, as after a switch
    /// that died half way. `seen` is the caller's memory of the last turn, zero at first.
    pub fn settle(&self, seen: &mut Settled) {
        let generation = self.generation();
        let bits = self.words.get(KILL_HEAD..).unwrap_or(&[]);
        // FNV-1a over the words: which bits, not what they mean.
        let bits = bits.iter().fold(0xCBF2_9CE4_8422_2325, |hash: u64, word| {
            (hash ^ acquire(word)).wrapping_mul(0x100_0000_01B3)
        });
        if bits != seen.bits && generation == seen.generation {
            self.bump();
        }
        *seen = Settled { generation: self.generation(), bits };
    }

    pub(crate) fn engage(&self, scope: Scope) -> bool {
        let Some((word, bit)) = self.place(scope) else { return false };
        let before = word.fetch_or(bit, Ordering::AcqRel);
        // Engaged once more is a change too: whoever is about to release it must see that.
        if scope != Scope::Global || before & bit != 0 {
            self.bump();
        }
        true
    }

    pub(crate) fn release(&self, scope: Scope) -> bool {
        let Some((word, bit)) = self.place(scope) else { return false };
        let before = word.fetch_and(!bit, Ordering::AcqRel);
        if before & bit != 0 {
            self.bump();
        }
        true
    }

    /// Raises the fencing epoch; returns the epoch now, which may be higher.
    pub(crate) fn raise_epoch(&self, epoch: u32) -> u32 {
        let Some(word) = self.words.get(EPOCH) else { return u32::MAX };
        (word.fetch_max(u64::from(epoch), Ordering::AcqRel) as u32).max(epoch)
    }

    /// Takes over what `old` has engaged, and its epoch. Bits mean the same only in tables of the
    /// same size: otherwise one bit becomes everything.
    pub(crate) fn inherit(&self, old: &KillWords) {
        let engaged = old.all_engaged();
        if self.table() == old.table() {
            engaged.into_iter().for_each(|scope| _ = self.engage(scope));
        } else if !engaged.is_empty() {
            self.engage(Scope::Global);
        }
        self.raise_epoch(old.epoch());
    }

    fn bump(&self) {
        if let Some(word) = self.words.get(GENERATION) {
            word.fetch_add(1, Ordering::AcqRel);
        }
    }

    #[inline]
    fn load(&self, word: usize) -> u64 {
        // A section without its head would kill everything: fail closed.
        self.words.get(word).map_or(GLOBAL, acquire)
    }

    /// The word and the bit in it.
    #[inline]
    fn place(&self, scope: Scope) -> Option<(&AtomicU64, u64)> {
        let (base, index) = match scope {
            Scope::Global => return Some((self.words.get(GENERATION)?, GLOBAL)),
            Scope::Account(account) if u32::from(account) < self.accounts => {
                (KILL_HEAD, account as usize)
            }
            Scope::Symbol(symbol) if symbol < self.instruments => {
                (KILL_HEAD + self.accounts.div_ceil(64) as usize, symbol as usize)
            }
            _ => return None,
        };
        Some((self.words.get(base + index / 64)?, 1 << (index % 64)))
    }

    fn scopes(&self) -> impl Iterator<Item = Scope> {
        let accounts = (0..self.accounts).map(|account| Scope::Account(account as u16));
        let symbols = (0..self.instruments).map(Scope::Symbol);
        std::iter::once(Scope::Global).chain(accounts).chain(symbols)
    }
}

/// What [`KillWords::settle`] saw in its last turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settled {
    generation: u64,
    bits: u64,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn words(accounts: u32, instruments: u32) -> KillWords {
        let words = Words::plain(vec![0; kill_words(accounts, instruments)]);
        KillWords::new(words, accounts, instruments)
    }

    #[test]
    fn each_bit_stops_its_own_and_nothing_else() {
        let kill = words(70, 130);
        for account in 0..70 {
            assert!(kill.engage(Scope::Account(account)));
            assert_eq!(kill.all_engaged(), [Scope::Account(account)]);
            assert!(kill.release(Scope::Account(account)));
        }
        for symbol in 0..130 {
            let before = kill.generation();
            assert!(kill.engage(Scope::Symbol(symbol)));
            assert_ne!(kill.generation(), before);
            assert_eq!(
                kill.engaged(AccountId(0), InstrumentId(symbol)),
                Some(Scope::Symbol(symbol))
            );
            assert_eq!(kill.engaged(AccountId(0), InstrumentId((symbol + 1) % 130)), None);
            assert!(kill.release(Scope::Symbol(symbol)));
        }
        assert!(kill.engage(Scope::Global));
        assert_eq!(kill.engaged(AccountId(0), InstrumentId(0)), Some(Scope::Global));
    }

    #[test]
    fn what_is_outside_the_table_is_killed_and_cannot_be_engaged() {
        let kill = words(2, 3);
        assert_eq!(kill.engaged(AccountId(2), InstrumentId(0)), Some(Scope::Account(2)));
        assert_eq!(kill.engaged(AccountId(0), InstrumentId(3)), Some(Scope::Symbol(3)));
        assert!(!kill.engage(Scope::Account(2)) && !kill.release(Scope::Symbol(3)));
        let absent = KillWords::new(Words::plain([]), 1, 1);
        assert_eq!(absent.engaged(AccountId(0), InstrumentId(0)), Some(Scope::Global));
    }

    #[test]
    fn everything_takes_one_store_and_its_generation_differs() {
        let kill = words(1, 1);
        let before = kill.generation();
        kill.words[GENERATION].fetch_or(GLOBAL, Ordering::AcqRel); // all that `engage` does
        assert_ne!(kill.generation(), before);
        kill.release(Scope::Global);
        assert_ne!(kill.generation(), before, "released is not as if it had never been");
    }

    #[test]
    fn a_switch_that_died_between_its_stores_is_settled() {
        let kill = words(64, 64);
        let mut seen = Settled::default();
        kill.settle(&mut seen);
        let quiet = kill.generation();
        kill.settle(&mut seen);
        assert_eq!(kill.generation(), quiet);
        kill.words[KILL_HEAD].fetch_or(4, Ordering::AcqRel); // no bump
        assert_eq!(kill.engaged(AccountId(2), InstrumentId(0)), Some(Scope::Account(2)));
        kill.settle(&mut seen);
        let settled = kill.generation();
        assert_ne!(settled, quiet);
        kill.settle(&mut seen);
        assert_eq!(kill.generation(), settled);
    }

    #[test]
    fn the_epoch_only_rises() {
        let kill = words(1, 1);
        assert_eq!((kill.raise_epoch(7), kill.raise_epoch(3), kill.epoch()), (7, 7, 7));
    }

    #[test]
    fn a_new_table_inherits_bits_of_the_same_size_and_else_kills_everything() {
        let old = words(3, 5);
        old.engage(Scope::Symbol(4));
        old.raise_epoch(9);
        let (same, larger, none) = (words(3, 5), words(4, 5), words(4, 5));
        same.inherit(&old);
        larger.inherit(&old);
        none.inherit(&words(3, 5));
        assert_eq!((same.all_engaged(), same.epoch()), (vec![Scope::Symbol(4)], 9));
        assert_eq!((larger.all_engaged(), larger.epoch()), (vec![Scope::Global], 9));
        assert_eq!(none.all_engaged(), []);
    }
}
