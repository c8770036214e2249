//! Parameters that control may change while the engine runs: limits, host rules, the strategy.
//!
//! Model: the configuration stands; a page of parameters is a complete overlay over it. What a page
//! names has the page's value, whatever the configuration or an instrument's definition says; what it
//! does not name is as if there had never been a page. So the latest page alone says what holds, and
//! an older one brings back what held under it. A page is read into a second [`Overlay`], checked as
//! a whole (keys, scopes, bounds, and what the values say together) and only then put into force,
//! between two inputs; one that fails any check changes nothing.
//!
//! The keys are those of the configuration ([`keys`]); the schema that control sees is made of them.
//! Instruments are those that are traded: no other takes an order.
//!
//! Worst case of a page: its rows once, then each account and each traded instrument once, some
//! 100 ns each; a card takes one line for each whose limits may have changed. Nothing is allocated
//! after construction.

pub mod keys;
mod overlay;
pub mod page;

use nofx_mailbox::param::{ParamRow, ParamSpec, Why, table};
use nofx_risk::card::{AccountLimits, AccountRegs, SymbolLimits, SymbolRegs};
use nofx_risk::{CardConfig, HostRules};
use nofx_signal::{InstrumentSet, PARAMETERS_MAX, Strategy};
use nofx_types::{AccountId, Instrument, InstrumentId, Instruments};

use crate::config::Config;
use keys::{HALTED, Schema};
use overlay::{Overlay, Patch};

/// Traded instruments whose limits are shown: bounds the work of showing them.
pub const SYMBOLS_SHOWN: usize = 1_024;

/// Why a page or a model was refused, and by what of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: Why,
    /// The row that is wrong; of a model the word.
    pub row: u32,
    /// Its value.
    pub value: i64,
}

impl Refused {
    /// Refused as a whole, for no row of it.
    pub fn whole(why: Why) -> Refused {
        Refused { why, ..Refused::default() }
    }

    fn by(why: Why, index: usize, row: &ParamRow) -> Refused {
        Refused { why, row: index as u32, value: row.value }
    }
}

/// See the module.
pub struct Params {
    schema: Schema,
    risk: CardConfig,
    accounts: Box<[AccountLimits]>,
    host: HostRules,
    strategy: [i64; PARAMETERS_MAX],
    now: Overlay,
    /// What the page at hand says; after it came into force, what held before.
    other: Overlay,
}

impl Params {
    /// Nothing can be changed: a replay.
    pub fn none() -> Params {
        Params {
            schema: Schema::default(),
            risk: CardConfig { accounts: 0, ..CardConfig::default() },
            accounts: Box::default(),
            host: HostRules::default(),
            strategy: [0; PARAMETERS_MAX],
            now: Overlay::new(0, 0),
            other: Overlay::new(0, 0),
        }
    }

    /// Over a configuration, for so many traded instruments.
    pub fn new(config: &Config, traded: usize, strategy: &impl Strategy) -> Params {
        let accounts = (0..config.risk.accounts).map(AccountId);
        let accounts: Box<[_]> = accounts.map(|a| config.risk.account_limits(a)).collect();
        let mut words = [0; PARAMETERS_MAX];
        words.iter_mut().enumerate().for_each(|(index, word)| *word = strategy.parameter(index));
        Params {
            schema: Schema::new(config, strategy),
            risk: config.risk.clone(),
            now: Overlay::new(accounts.len(), traded),
            other: Overlay::new(accounts.len(), traded),
            accounts,
            host: config.host,
            strategy: words,
        }
    }

    /// What control may change.
    pub fn schema(&self) -> &[ParamSpec] {
        self.schema.specs()
    }

    /// How many accounts there are.
    pub fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// Reads a page and checks all of it but the strategy's values; nothing is in force yet.
    ///
    /// # Errors
    /// The first row that is wrong, or one of those that contradict each other.
    pub fn read(
        &mut self,
        rows: impl Iterator<Item = ParamRow> + Clone,
        traded: &InstrumentSet,
        instruments: &Instruments,
    ) -> Result<(), Refused> {
        self.other.clear();
        for (index, row) in rows.clone().enumerate() {
            let refused = |why| Refused::by(why, index, &row);
            let spec = self.schema.spec(row.table, row.key).ok_or(refused(Why::UnknownKey))?;
            let patch = self.other.patch(row.table, row.scope, traded);
            let patch = patch.ok_or(refused(Why::UnknownScope))?;
            if !spec.allows(row.value) {
                return Err(refused(Why::OutOfBounds));
            }
            if !patch.put(row.key.into(), row.value) {
                return Err(refused(Why::Contradiction)); // it is there twice
            }
        }
        self.check(traded, instruments).map_err(|(why, at)| at.find(why, rows))
    }

    /// What the values of the page say together.
    fn check(&self, traded: &InstrumentSet, instruments: &Instruments) -> Result<(), (Why, Blame)> {
        for account in 0..self.accounts.len() {
            let patch = self.other.account(account);
            let limits = self.account_limits(account, &patch);
            if !patch.is_empty() && AccountRegs::new(&limits).is_err() {
                let blame = Blame { table: table::ACCOUNT, scope: account as u32, key: None };
                return Err((Why::OutOfBounds, blame));
            }
        }
        for (row, id) in traded.ids().iter().enumerate() {
            let patch = self.other.symbol(row);
            if patch.is_empty() {
                continue;
            }
            let blame = |key| Blame { table: table::SYMBOL, scope: id.0, key };
            let limits = self.symbol_limits(instruments.get(*id), &patch);
            if SymbolRegs::new(&limits).is_err() {
                return Err((Why::OutOfBounds, blame(None)));
            }
            let band = [keys::PRICE_LOW, keys::PRICE_HIGH];
            let named = band.into_iter().find(|key| patch.get(*key).is_some());
            if named.is_some() && limits.price_low > limits.price_high {
                return Err((Why::Contradiction, blame(named)));
            }
        }
        Ok(())
    }

    /// The words of the strategy's parameters under the page that was read.
    pub fn strategy_words(&self) -> [i64; PARAMETERS_MAX] {
        self.other.strategy.words_over(&self.strategy)
    }

    /// Whose fault it is that the strategy cannot go on with parameter `index` as the page says.
    pub fn blame_strategy(&self, index: usize, rows: impl Iterator<Item = ParamRow>) -> Refused {
        let key = Some(index).filter(|index| self.other.strategy.get(*index).is_some());
        let blame = Blame { table: table::STRATEGY, scope: ParamRow::ALL, key };
        blame.find(Why::Contradiction, rows)
    }

    /// The page that was read is in force from here on.
    pub fn turn(&mut self) {
        std::mem::swap(&mut self.now, &mut self.other);
    }

    /// Accounts whose limits the last [`Params::turn`] may have changed, with their limits now.
    pub fn changed_accounts(&self) -> impl Iterator<Item = (AccountId, AccountLimits)> + '_ {
        (0..self.accounts.len()).filter_map(|account| {
            let (now, before) = (self.now.account(account), self.other.account(account));
            let limits = self.account_limits(account, &now);
            (now != before).then_some((AccountId(account as u16), limits))
        })
    }

    /// Whether the last [`Params::turn`] may have changed the limits, or the halt, of the traded
    /// instrument in this row.
    pub fn changed_symbol(&self, row: usize) -> (bool, bool) {
        let (now, before) = (self.now.symbol(row), self.other.symbol(row));
        (now != before, now.get(HALTED) != before.get(HALTED))
    }

    /// Host rules as they hold now.
    pub fn host(&self) -> HostRules {
        let mut rules = self.host;
        self.now.host.apply(&keys::HOST, &mut rules);
        rules
    }

    /// Limits of the traded instrument in this row, if the page in force names some; over what the
    /// configuration and its definition say.
    pub fn symbol_in_force(&self, row: usize, instrument: &Instrument) -> Option<SymbolLimits> {
        let patch = self.now.symbol(row);
        (!patch.is_empty()).then(|| self.symbol_limits(Some(instrument), &patch))
    }

    /// Whether the page in force halts the traded instrument in this row.
    #[inline]
    pub fn halts(&self, row: usize) -> bool {
        self.now.symbol(row).get(HALTED) == Some(1)
    }

    /// Every parameter of every account, of the first [`SYMBOLS_SHOWN`] traded instruments, of the host
    /// and of the strategy, as it holds now.
    pub fn in_force<'a>(
        &'a self,
        traded: &'a InstrumentSet,
        instruments: &'a Instruments,
    ) -> impl Iterator<Item = ParamRow> + 'a {
        let accounts = (0..self.accounts.len()).flat_map(move |account| {
            let limits = self.account_limits(account, &self.now.account(account));
            rows_of(
                table::ACCOUNT,
                account as u32,
                keys::ACCOUNT.iter().map(move |k| (k.get)(&limits)),
            )
        });
        let shown = traded.ids().iter().enumerate().take(SYMBOLS_SHOWN);
        let symbols = shown.flat_map(move |(row, id)| {
            let patch = self.now.symbol(row);
            let limits = self.symbol_limits(instruments.get(*id), &patch);
            let halted = patch.get(HALTED).unwrap_or(0);
            let words = keys::SYMBOL.iter().map(move |key| (key.get)(&limits));
            rows_of(table::SYMBOL, id.0, words.chain([halted]))
        });
        let rules = self.host();
        let host = keys::HOST.iter().map(move |key| (key.get)(&rules));
        let count = self.schema.specs().iter().filter(|s| s.table == table::STRATEGY).count();
        let strategy = self.now.strategy.words_over(&self.strategy).into_iter().take(count);
        accounts.chain(symbols).chain(rows_of(table::HOST, ParamRow::ALL, host)).chain(rows_of(
            table::STRATEGY,
            ParamRow::ALL,
            strategy,
        ))
    }

    /// Rows that [`Params::in_force`] has.
    pub fn in_force_rows(&self, traded: usize) -> usize {
        let of = |wanted| self.schema.specs().iter().filter(|spec| spec.table == wanted).count();
        of(table::ACCOUNT) * self.accounts.len()
            + of(table::SYMBOL) * traded.min(SYMBOLS_SHOWN)
            + of(table::HOST)
            + of(table::STRATEGY)
    }

    fn account_limits(&self, account: usize, patch: &Patch) -> AccountLimits {
        let mut limits = self.accounts.get(account).copied().unwrap_or_default();
        patch.apply(&keys::ACCOUNT, &mut limits);
        limits
    }

    fn symbol_limits(&self, instrument: Option<&Instrument>, patch: &Patch) -> SymbolLimits {
        let unknown = Instrument::unknown(InstrumentId(0));
        let mut limits = self.risk.symbol_limits(instrument.unwrap_or(&unknown));
        patch.apply(&keys::SYMBOL, &mut limits);
        limits
    }
}

fn rows_of(
    table: u16,
    scope: u32,
    words: impl Iterator<Item = i64>,
) -> impl Iterator<Item = ParamRow> {
    words.enumerate().map(move |(key, value)| ParamRow { table, key: key as u16, scope, value })
}

/// Where in a page a fault is to be looked for: the scope itself, else the rows that are for all.
struct Blame {
    table: u16,
    scope: u32,
    /// Any of them, where it cannot be told.
    key: Option<usize>,
}

impl Blame {
    fn find(self, why: Why, rows: impl Iterator<Item = ParamRow>) -> Refused {
        let of_it = |row: &ParamRow| {
            row.table == self.table && self.key.is_none_or(|key| usize::from(row.key) == key)
        };
        let mut found = Refused::whole(why);
        for (index, row) in rows.enumerate().filter(|(_, row)| of_it(row)) {
            if row.scope == self.scope {
                return Refused::by(why, index, &row);
            }
            if row.scope == ParamRow::ALL {
                found = Refused::by(why, index, &row);
            }
        }
        found
    }
}
