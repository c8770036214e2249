//! The limits of a run: what the configuration file says, and what the instruments add.
//!
//! Model: one set of defaults for every account and symbol, named exceptions on top. For a symbol
//! the order is: defaults, narrowed by what the venue says of the instrument (round lots, price
//! limits, previous close), then the exception, whose words are final.
//!
//! Worst case: looking a symbol's exception up is one walk of a map by name, at definition time.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use core::fmt;

use nofx_types::{AccountId, Instrument, Price, Symbol};

use crate::card::{
    AccountLimits, AccountRegs, CardSize, LimitError, SizeError, SymbolLimits, SymbolRegs,
};

/// Limits and sizes of the card rules; the section `[risk]` of the configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct CardConfig {
    /// Accounts `0..accounts`.
    pub accounts: u16,
    /// Most rows of the table accounts times symbols; a row takes 128 bytes.
    pub holdings_max: u32,
    /// Nanoseconds after midnight UTC at which the message counts of a day begin anew. The default
    /// of one hour lies between the latest close in New York and the first auction in Asia.
    pub day_start_ns: u64,
    /// Static price band: hundredths of a percent either side of the previous close where one is
    /// known; 0 for none. Price limits of the venue narrow it further.
    pub band_bps: u32,
    /// Limits of every account.
    pub account: AccountLimits,
    /// Limits of every symbol.
    pub symbol: SymbolLimits,
    /// Exceptions for accounts, by number: `[risk.by_account.1]`.
    pub by_account: BTreeMap<String, AccountOverride>,
    /// Exceptions for symbols, by name: `[risk.by_symbol.AAPL]`.
    pub by_symbol: BTreeMap<String, SymbolOverride>,
}

impl Default for CardConfig {
    fn default() -> Self {
        CardConfig {
            accounts: 4,
            holdings_max: 1 << 18,
            day_start_ns: 3_600_000_000_000,
            band_bps: 5_000,
            account: AccountLimits::default(),
            symbol: SymbolLimits::default(),
            by_account: BTreeMap::new(),
            by_symbol: BTreeMap::new(),
        }
    }
}

/// Writes a struct of options beside a struct of limits, so that no key is forgotten in one.
macro_rules! overrides {
    ($(#[$doc:meta])* $name:ident of $limits:ident { $($key:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[cfg_attr(
            feature = "serde",
            derive(serde::Deserialize),
            serde(default, deny_unknown_fields)
        )]
        pub struct $name {
            $(#[doc = concat!("Replaces [`", stringify!($limits), "::", stringify!($key), "`].")]
            pub $key: Option<$ty>,)*
        }

        impl $name {
            /// `base` with the keys that are given here replaced.
            pub fn apply(&self, base: $limits) -> $limits {
                $limits { $($key: self.$key.unwrap_or(base.$key),)* }
            }
        }
    };
}

overrides! {
    /// Limits of one symbol that differ from those of all.
    SymbolOverride of SymbolLimits {
        buy: bool,
        sell: bool,
        lot: u32,
        qty_max: u32,
        notional_max: u64,
        price_low: u32,
        price_high: u32,
        long_max: u64,
        short_max: u64,
        open_orders_max: u32,
    }
}

overrides! {
    /// Limits of one account that differ from those of all.
    AccountOverride of AccountLimits {
        open_orders_max: u32,
        gross_max: u64,
        net_max: u64,
        rate_per_s: u32,
        rate_burst: u32,
        per_second_max: u32,
        per_day_max: u32,
        duplicate_window_ns: u64,
    }
}

/// Why the limits cannot be used; says which key and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// The tables would be empty or too large.
    Size(SizeError),
    /// A limit does not fit the card.
    Limit {
        /// The section it stands in.
        section: String,
        /// The limit.
        error: LimitError,
    },
    /// `by_account` names something that is not an account.
    NoSuchAccount {
        /// The key.
        key: String,
        /// How many accounts there are.
        accounts: u16,
    },
    /// `by_symbol` names something that cannot be a symbol.
    NoSuchSymbol {
        /// The key.
        key: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Size(error) => write!(f, "risk: {error}"),
            ConfigError::Limit { section, error } => write!(f, "{section}: {error}"),
            ConfigError::NoSuchAccount { key, accounts } => write!(
                f,
                "risk.by_account.{key}: name an account below `accounts` = {accounts}, or raise it"
            ),
            ConfigError::NoSuchSymbol { key } => {
                write!(f, "risk.by_symbol.{key}: a symbol has one to eight characters")
            }
        }
    }
}

impl core::error::Error for ConfigError {}

impl CardConfig {
    /// The size of the tables for `symbols` symbols.
    pub fn size(&self, symbols: u32) -> CardSize {
        CardSize {
            accounts: self.accounts,
            symbols,
            holdings_max: self.holdings_max,
            day_start_ns: self.day_start_ns,
        }
    }

    /// Limits of one account.
    pub fn account_limits(&self, account: AccountId) -> AccountLimits {
        match self.by_account.get(&account.0.to_string()) {
            Some(exception) => exception.apply(self.account),
            None => self.account,
        }
    }

    /// Limits of one symbol: see the model of this module for what overrules what.
    pub fn symbol_limits(&self, instrument: &Instrument) -> SymbolLimits {
        let mut limits = self.symbol;
        if instrument.flags.round_lots_only {
            limits.lot = instrument.lot;
        }
        narrow(&mut limits, instrument.limit_low, instrument.limit_high);
        let close = instrument.previous_close.0;
        if self.band_bps > 0 && close > 0 {
            let width = close / 10_000 * i64::from(self.band_bps)
                + close % 10_000 * i64::from(self.band_bps) / 10_000;
            let (low, high) = (close.saturating_sub(width), close.saturating_add(width));
            narrow(&mut limits, Price(low), Price(high));
        }
        match self.by_symbol.get(instrument.symbol.as_str()) {
            Some(exception) => exception.apply(limits),
            None => limits,
        }
    }

    /// Checks every limit that can be checked before instruments are known.
    pub fn check(&self) -> Result<(), ConfigError> {
        let limit = |section: &str| {
            let section = section.to_string();
            move |error| ConfigError::Limit { section, error }
        };
        SymbolRegs::new(&self.symbol).map_err(limit("risk.symbol"))?;
        AccountRegs::new(&self.account).map_err(limit("risk.account"))?;
        for (key, exception) in &self.by_account {
            let known = key.parse::<u16>().is_ok_and(|account| account < self.accounts);
            // The key is looked up by its plain decimal text, so `01` would never be found.
            if !known || (key.len() > 1 && key.starts_with(['0', '+'])) {
                return Err(ConfigError::NoSuchAccount {
                    key: key.clone(),
                    accounts: self.accounts,
                });
            }
            AccountRegs::new(&exception.apply(self.account))
                .map_err(limit(&("risk.by_account.".to_string() + key)))?;
        }
        for (key, exception) in &self.by_symbol {
            if key.is_empty() || Symbol::new(key).is_none_or(|symbol| symbol.as_str() != key) {
                return Err(ConfigError::NoSuchSymbol { key: key.clone() });
            }
            SymbolRegs::new(&exception.apply(self.symbol))
                .map_err(limit(&("risk.by_symbol.".to_string() + key)))?;
        }
        Ok(())
    }
}

/// Narrows the band of `limits` to `low..=high`; a bound of zero or less is no bound.
fn narrow(limits: &mut SymbolLimits, low: Price, high: Price) {
    let fit = |price: Price| price.0.clamp(0, i64::from(u32::MAX)) as u32;
    limits.price_low = limits.price_low.max(fit(low));
    if high.0 > 0 {
        limits.price_high = limits.price_high.min(fit(high));
    }
}
