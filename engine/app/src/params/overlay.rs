//! What a page says: for each scope the keys it names and their words.

use nofx_mailbox::param::{ParamRow, table};
use nofx_signal::InstrumentSet;
use nofx_types::{InstrumentId, Key};

/// Most keys of one table.
pub const KEYS_MAX: usize = 16;
const _: () = assert!(KEYS_MAX >= nofx_signal::PARAMETERS_MAX && KEYS_MAX <= 16);

/// The words that one scope is given. Words of keys that are not named are 0, so that equal patches
/// are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// A bit for each key that is named.
    named: u16,
    words: [i64; KEYS_MAX],
}

impl Patch {
    /// Names nothing.
    pub const EMPTY: Patch = Patch { named: 0, words: [0; KEYS_MAX] };

    /// Names a key; false when it is named already, or is none.
    pub fn put(&mut self, key: usize, value: i64) -> bool {
        let Some(word) = self.words.get_mut(key) else { return false };
        let bit = 1 << key;
        let new = self.named & bit == 0;
        if new {
            (*word, self.named) = (value, self.named | bit);
        }
        new
    }

    /// The word of a key that is named.
    #[inline]
    pub fn get(&self, key: usize) -> Option<i64> {
        self.words.get(key).copied().filter(|_| self.named & (1 << key) != 0)
    }

    /// Whether it names nothing.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.named == 0
    }

    /// This one where it names a key, else `wider`.
    fn over(&self, wider: &Patch) -> Patch {
        Patch { named: self.named | wider.named, words: self.words_over(&wider.words) }
    }

    /// These words where they are named, else `words`.
    pub fn words_over(&self, words: &[i64; KEYS_MAX]) -> [i64; KEYS_MAX] {
        let mut merged = *words;
        merged
            .iter_mut()
            .enumerate()
            .for_each(|(key, word)| *word = self.get(key).unwrap_or(*word));
        merged
    }

    /// Puts what is named into the fields of `into`.
    pub fn apply<T>(&self, keys: &[Key<T>], into: &mut T) {
        for (index, key) in keys.iter().enumerate() {
            if let Some(word) = self.get(index) {
                (key.set)(into, word);
            }
        }
    }
}

/// All that a page says.
pub struct Overlay {
    every_account: Patch,
    accounts: Box<[Patch]>,
    every_symbol: Patch,
    /// In the order of the traded instruments.
    symbols: Box<[Patch]>,
    pub host: Patch,
    pub strategy: Patch,
}

impl Overlay {
    /// Says nothing, of so many accounts and instruments.
    pub fn new(accounts: usize, symbols: usize) -> Overlay {
        Overlay {
            every_account: Patch::EMPTY,
            accounts: vec![Patch::EMPTY; accounts].into_boxed_slice(),
            every_symbol: Patch::EMPTY,
            symbols: vec![Patch::EMPTY; symbols].into_boxed_slice(),
            host: Patch::EMPTY,
            strategy: Patch::EMPTY,
        }
    }

    /// Says nothing any more.
    pub fn clear(&mut self) {
        self.accounts.fill(Patch::EMPTY);
        self.symbols.fill(Patch::EMPTY);
        self.every_account = Patch::EMPTY;
        self.every_symbol = Patch::EMPTY;
        (self.host, self.strategy) = (Patch::EMPTY, Patch::EMPTY);
    }

    /// The place of a table and scope, if there is such a scope.
    pub fn patch(&mut self, of: u16, scope: u32, traded: &InstrumentSet) -> Option<&mut Patch> {
        match (of, scope) {
            (table::ACCOUNT, ParamRow::ALL) => Some(&mut self.every_account),
            (table::ACCOUNT, account) => self.accounts.get_mut(usize::try_from(account).ok()?),
            (table::SYMBOL, ParamRow::ALL) => Some(&mut self.every_symbol),
            (table::SYMBOL, id) => self.symbols.get_mut(traded.row(InstrumentId(id))?),
            (table::HOST, ParamRow::ALL) => Some(&mut self.host),
            (table::STRATEGY, ParamRow::ALL) => Some(&mut self.strategy),
            _ => None,
        }
    }

    /// What it says of an account, in its own row or for all.
    #[inline]
    pub fn account(&self, account: usize) -> Patch {
        self.accounts.get(account).map_or(Patch::EMPTY, |own| own.over(&self.every_account))
    }

    /// What it says of the traded instrument in this row, in its own rows or for all.
    #[inline]
    pub fn symbol(&self, row: usize) -> Patch {
        self.symbols.get(row).map_or(Patch::EMPTY, |own| own.over(&self.every_symbol))
    }
}
