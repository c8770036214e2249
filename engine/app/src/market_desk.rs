//! The rules of the exchange that is traded, joined to what is known of each instrument.
//!
//! Model: made once before the first packet, from section `[market]`, the rule file and the
//! definitions. An instrument that the feed defines gets its compiled rules here, without
//! allocation; one that the rules do not know is not tradable. A rule file that is missing, broken
//! or expired ends the start.

use std::fmt;
use std::path::PathBuf;

use nofx_risk::market::MarketRules;
use nofx_rules::{Band, Commission, DayRules, Listing, RuleBook, Unverified, clock_ns};
use nofx_types::{
    AccountId, Date, Instrument, InstrumentId, Instruments, Market, Nanos, Price, Qty, Symbol,
};
use serde::{Deserialize, Serialize};

use crate::config::{Config, ConfigError};
use crate::definitions::Definitions;
use crate::failure::Failure;
use crate::summary::money;

/// Section `[market]`: the exchange whose rules orders must obey.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MarketSection {
    /// Which exchange's rules hold.
    pub rules: MarketName,
    /// A rule file instead of the one that is built in.
    pub rules_file: Option<PathBuf>,
    /// The trading day, YYYY-MM-DD; empty: of the first packet, live of today.
    pub date: String,
    /// The time of the trading day when a live engine starts, HH:MM; empty: the clock's. For a venue
    /// that plays its day at any hour.
    pub starts: String,
    /// Engine time of the trading day's midnight; 0: of the date. `starts` sets it.
    pub midnight_ns: u64,
    /// Commission, billionths of the turnover.
    pub commission_ppb: u32,
    /// Least commission of a fill, 1/10,000 of the currency.
    pub commission_min: u32,
    /// What is held when the day begins.
    pub holdings: Vec<HoldingSection>,
}

impl MarketSection {
    /// Checks the keys that can be checked alone.
    ///
    /// # Errors
    /// The key that cannot be used.
    pub fn check(&self, accounts: u16) -> Result<(), ConfigError> {
        if !self.date.is_empty() && self.date.parse::<Date>().is_err() {
            let want = format!("{:?}: want YYYY-MM-DD", self.date);
            return Err(ConfigError::new("market.date", want));
        }
        if !self.starts.is_empty() && clock_ns(&self.starts).is_none() {
            return Err(ConfigError::new(
                "market.starts",
                format!("{:?}: want HH:MM", self.starts),
            ));
        }
        for HoldingSection { symbol, account, qty, sellable } in &self.holdings {
            if sellable.is_some_and(|sellable| sellable > *qty) || *account >= accounts {
                let want = "want sellable at most qty, account below risk.accounts";
                return Err(ConfigError::new(format!("market.holdings of {symbol}"), want));
            }
        }
        Ok(())
    }
}

/// `[[market.holdings]]`: shares held when the day begins.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldingSection {
    /// Symbol.
    pub symbol: String,
    /// Account.
    #[serde(default)]
    pub account: u16,
    /// Shares held.
    pub qty: u64,
    /// Of these, those that may be sold today; absent: all.
    pub sellable: Option<u64>,
}

/// Whose rules hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MarketName {
    /// Nobody's.
    #[default]
    Off,
    /// Shanghai.
    Sse,
    /// Shenzhen.
    Szse,
    /// Hong Kong.
    Hkex,
}

impl MarketName {
    /// The market, `None` where no rules hold.
    pub fn market(self) -> Option<Market> {
        match self {
            MarketName::Off => None,
            MarketName::Sse => Some(Market::Sse),
            MarketName::Szse => Some(Market::Szse),
            MarketName::Hkex => Some(Market::Hkex),
        }
    }
}

/// Market rules, and what instruments need to get theirs.
pub struct MarketDesk {
    /// The rules with their state.
    pub rules: MarketRules,
    definitions: Definitions,
    holdings: Vec<Start>,
    accounts: u16,
    /// By instrument id: no rule of the file covers it.
    unknown: Box<[bool]>,
}

/// What is held of a symbol when the day begins.
struct Start {
    symbol: Symbol,
    account: AccountId,
    qty: Qty,
    sellable: Qty,
    /// Its instrument was defined.
    given: bool,
}

impl MarketDesk {
    /// What the configuration asks for, with what `definitions` know besides; `None` where no market's
    /// rules hold.
    ///
    /// # Errors
    /// The rule file cannot be used on the day, or a key of the section cannot.
    pub fn new(
        config: &Config,
        definitions: &Definitions,
    ) -> Result<Option<Box<MarketDesk>>, Failure> {
        let section = &config.market;
        let Some((_, day)) = open(config)? else { return Ok(None) };
        let commission = Commission {
            rate: i64::from(section.commission_ppb),
            minimum: i64::from(section.commission_min),
        };
        let (accounts, capacity) = (config.risk.accounts, config.instruments.capacity);
        let holdings = section.holdings.iter().map(start).collect::<Result<_, _>>()?;
        let rules = MarketRules::new(day, accounts, capacity, commission)
            .with_enhanced_limits(config.session.ocg.enhanced_limit);
        Ok(Some(Box::new(MarketDesk {
            rules: match section.midnight_ns {
                0 => rules,
                midnight => rules.with_midnight(Nanos(midnight)),
            },
            definitions: definitions.clone(),
            holdings,
            accounts,
            unknown: vec![false; capacity as usize].into(),
        })))
    }

    /// What the file says of itself: the day, and every value that is not confirmed. Empty where no
    /// rules hold.
    ///
    /// # Errors
    /// As [`MarketDesk::new`].
    pub fn describe(config: &Config) -> Result<String, Failure> {
        let Some((book, day)) = open(config)? else { return Ok(String::new()) };
        let mut text = format!("rules   {} of {}", book.market(), day.date());
        for row in book.unverified() {
            let Unverified { section, of, since, key, certainty } = row;
            text += &format!("\n  {:<10} {section} {of} of {since}: {key}", certainty.name());
        }
        Ok(text)
    }

    /// An instrument was defined: it gets its rules, and comes back with what they say of it.
    pub fn define(&mut self, instrument: &Instrument) -> Instrument {
        let facts = self.definitions.facts(instrument);
        let hong_kong = self.rules.day().market() == Market::Hkex;
        let (low, high) = (instrument.limit_low, instrument.limit_high);
        let listing = Listing {
            previous_close: instrument.previous_close,
            status: facts.status,
            board: facts.board.as_str(),
            // A mainland board has its own lot, which is not always the smallest order.
            lot: if hong_kong && instrument.flags.defined { instrument.lot } else { 0 },
            tick_table: facts.spread_table.as_str(),
            limits: (low.0 > 0 && high > low && high < NO_LIMIT).then_some(Band { low, high }),
            short: facts.short,
            vcm: facts.vcm,
            same_day: facts.same_day,
        };
        let rules = self.rules.day().instrument_or_none(instrument.symbol.as_str(), &listing);
        if let Some(unknown) = self.unknown.get_mut(instrument.id.index()) {
            *unknown = rules.is_none();
        }
        match rules {
            Some(rules) => self.rules.define(instrument.id, rules, facts.stamp),
            None => self.rules.forget(instrument.id),
        }
        for start in self.holdings.iter_mut().filter(|s| s.symbol == instrument.symbol) {
            if !start.given {
                self.rules.hold(start.account, instrument.id, start.qty, start.sellable);
                start.given = true;
            }
        }
        self.rules.complete(instrument)
    }

    /// Instruments that the rules do not know.
    fn unknown(&self) -> u64 {
        self.unknown.iter().filter(|unknown| **unknown).count() as u64
    }

    /// What the closing report says of the rules. `instruments` names them, `gross_e4` is the profit
    /// before fees.
    pub fn report(&self, instruments: &Instruments, gross_e4: i64) -> MarketReport {
        let name = |id: InstrumentId| {
            instruments.get(id).map_or_else(String::new, |i| i.symbol.as_str().to_owned())
        };
        let rules = &self.rules;
        let refusals = rules.refusals().rows().map(|(count, id, refusal)| RefusalReport {
            rule: refusal.rule.name(),
            count,
            instrument: name(id),
            limit: refusal.breach.limit,
            value: refusal.breach.value,
            since: refusal.breach.since.to_string(),
            text: refusal.to_string(),
        });
        let holdings = rules.holdings().map(|(account, id, holding)| HoldingReport {
            instrument: name(id),
            account: account.0,
            start: holding.start,
            bought: holding.bought,
            sold: holding.sold,
            frozen: holding.frozen,
            sellable: rules.sellable(account, id),
            fees_e4: holding.fees_e4,
        });
        let holdings: Vec<_> = holdings.collect();
        let fees_e4 = holdings.iter().fold(0i64, |sum, row| sum.saturating_add(row.fees_e4));
        let pace = (0..self.accounts).map(AccountId).map(|account| {
            let counts = rules.pace(account);
            PaceReport {
                account: account.0,
                messages: counts.day,
                second_warned: counts.second_warned,
                day_warned: counts.day_warned,
            }
        });
        MarketReport {
            market: rules.day().market().name(),
            date: rules.day().date().to_string(),
            unknown_instruments: self.unknown(),
            refusals: refusals.collect(),
            holdings,
            pace: pace.filter(|row| row.messages > 0).collect(),
            fees_e4,
            net_e4: gross_e4.saturating_sub(fees_e4),
        }
    }
}

/// The rules of a market in the closing report.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MarketReport {
    /// Whose rules held.
    pub market: &'static str,
    /// The trading day.
    pub date: String,
    /// Instruments that the rule file does not cover.
    pub unknown_instruments: u64,
    /// Market rules that refused, each with its last time.
    pub refusals: Vec<RefusalReport>,
    /// What was held, bought and sold, and may be sold now.
    pub holdings: Vec<HoldingReport>,
    /// Orders and cancels by account.
    pub pace: Vec<PaceReport>,
    /// Fees of all fills, 1/10,000 of the currency.
    pub fees_e4: i64,
    /// Profit after fees, 1/10,000 of the currency.
    pub net_e4: i64,
}

/// One market rule that refused.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RefusalReport {
    /// The rule.
    pub rule: &'static str,
    /// How often.
    pub count: u64,
    /// The instrument of the last time.
    pub instrument: String,
    /// The limit then: price in 1/10,000, shares, messages or seconds of the day.
    pub limit: i64,
    /// The order's value.
    pub value: i64,
    /// Since when the rule is as it is.
    pub since: String,
    /// The same in words.
    pub text: String,
}

/// What an account has of an instrument.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HoldingReport {
    /// Symbol.
    pub instrument: String,
    /// Account.
    pub account: u16,
    /// Shares held when the day began.
    pub start: u64,
    /// Bought today.
    pub bought: u64,
    /// Sold today.
    pub sold: u64,
    /// In open sells.
    pub frozen: u64,
    /// May be sold now.
    pub sellable: u64,
    /// Fees of its fills, 1/10,000 of the currency.
    pub fees_e4: i64,
}

/// Messages of an account.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PaceReport {
    /// Account.
    pub account: u16,
    /// Orders and cancels sent.
    pub messages: u64,
    /// Of these, at or above the warning of a second.
    pub second_warned: u64,
    /// Of these, at or above the warning of the day.
    pub day_warned: u64,
}

impl fmt::Display for MarketReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "rules       {} of {}, fees {}, net profit {}",
            self.market,
            self.date,
            money(self.fees_e4),
            money(self.net_e4)
        )?;
        for row in &self.refusals {
            writeln!(
                f,
                "            {} {} times, last {}: {}",
                row.rule, row.count, row.instrument, row.text
            )?;
        }
        for row in self.holdings.iter().take(8) {
            let HoldingReport {
                instrument, start, bought, sold, frozen, sellable, fees_e4, ..
            } = row;
            writeln!(
                f,
                "holding     {instrument:8} start {start}, bought {bought}, sold {sold}, frozen {frozen}, \
                 sellable {sellable}, fees {}",
                money(*fees_e4)
            )?;
        }
        for row in self.pace.iter().filter(|row| row.second_warned + row.day_warned > 0) {
            writeln!(
                f,
                "programme   account {}: {} messages, {} above the warning of a second, {} of the day",
                row.account, row.messages, row.second_warned, row.day_warned
            )?;
        }
        Ok(())
    }
}

/// The rule file that the configuration names, and its rules of the day.
fn open(config: &Config) -> Result<Option<(RuleBook, DayRules)>, Failure> {
    let section = &config.market;
    let Some(market) = section.rules.market() else { return Ok(None) };
    let book = match &section.rules_file {
        Some(path) => {
            RuleBook::load(path).map_err(|e| Failure::usage(format!("market.rules_file: {e}")))?
        }
        None => RuleBook::builtin(market),
    };
    if book.market() != market {
        let text = format!("market.rules_file: rules of {}, not of {market}", book.market());
        return Err(Failure::usage(text));
    }
    let wrong = |e| Failure::usage(format!("market.date {:?}: {e}", section.date));
    let date: Date = section.date.parse().map_err(wrong)?;
    let day = book.on(date).map_err(|e| Failure::usage(format!("market.rules: {e}")))?;
    Ok(Some((book, day)))
}

/// Shenzhen's way to say that there is no upper limit, 999,999,999.9999, and prices near it.
const NO_LIMIT: Price = Price(9_000_000_000_000);

fn start(section: &HoldingSection) -> Result<Start, Failure> {
    let symbol = Symbol::new(&section.symbol).filter(|symbol| *symbol != Symbol::NONE);
    let symbol = symbol.ok_or_else(|| {
        let name = &section.symbol;
        Failure::usage(format!("market.holdings.symbol {name:?}: want 1 to 8 characters"))
    })?;
    let sellable = Qty(section.sellable.unwrap_or(section.qty));
    let account = AccountId(section.account);
    Ok(Start { symbol, account, qty: Qty(section.qty), sellable, given: false })
}

/// The day of the markets at `at`, since 1970 UTC.
pub fn day_of(at: Nanos) -> Date {
    Date::of_ns(at.0, Market::HOURS_EAST)
}

/// What a live start at `now` adds to a configuration: the day, and where its midnight is.
pub fn of_today(section: &MarketSection, now: Nanos) -> Vec<String> {
    let mut settings = Vec::new();
    if section.rules.market().is_some() && section.date.is_empty() {
        settings.push(format!("market.date=\"{}\"", day_of(now)));
    }
    if let Some(time) = clock_ns(&section.starts) {
        settings.push(format!("market.midnight_ns={}", now.0.saturating_sub(time)));
    }
    settings
}

/// Gives `date` to a configuration whose market has none.
pub fn date_or(config: &mut Config, date: Date) {
    if config.market.rules.market().is_some() && config.market.date.is_empty() {
        config.market.date = date.to_string();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn config(settings: &[&str]) -> Config {
        let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
        config::load(None, &settings).expect("a good configuration")
    }

    fn desk(config: &Config) -> Result<Option<Box<MarketDesk>>, Failure> {
        MarketDesk::new(config, &Definitions::default())
    }

    fn refused(settings: &[&str]) -> String {
        match desk(&config(settings)) {
            Ok(_) => String::from("accepted"),
            Err(failure) => failure.to_string(),
        }
    }

    const SSE: [&str; 2] = ["market.rules=sse", "market.date=2023-07-11"];

    fn named(symbol: &str, close: i64) -> Instrument {
        let symbol = Symbol::new(symbol).expect("short");
        let previous_close = Price(close);
        Instrument { symbol, previous_close, ..Instrument::unknown(InstrumentId(7)) }
    }

    #[test]
    fn a_rule_file_that_cannot_be_used_refuses_to_start() {
        assert!(desk(&Config::default()).expect("off").is_none());
        assert!(refused(&["market.rules=sse", "market.date=2199-07-11"]).contains("valid_through"));
        assert!(refused(&["market.rules=hkex", "market.date=2003-07-11"]).contains("calendar"));
        assert!(refused(&["market.rules=szse"]).contains("market.date"));
        let absent = [SSE[0], SSE[1], "market.rules_file=absent.toml"];
        assert!(refused(&absent).contains("absent.toml"));
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("rules.toml");
        std::fs::write(&file, include_str!("../../../rules/szse.toml")).expect("a file");
        let other = format!("market.rules_file={}", file.display());
        assert!(refused(&[SSE[0], SSE[1], &other]).contains("not of sse"));
        assert_eq!(refused(&["market.rules=szse", SSE[1], &other]), "accepted");
    }

    #[test]
    fn a_live_start_sets_the_day_and_where_its_midnight_is() {
        let sunday = Nanos("2026-11-22".parse::<Date>().expect("a day").midnight_ns(8) + 7_000);
        let of = |settings: &[&str]| of_today(&config(settings).market, sunday);
        assert!(of(&[]).is_empty());
        assert_eq!(of(&["market.rules=szse"]), ["market.date=\"2026-11-22\""]);
        let midnight = sunday.0 - 36_000_000_000_000;
        let played = ["market.rules=szse", "market.date=2026-11-25", "market.starts=10:00"];
        assert_eq!(of(&played), [format!("market.midnight_ns={midnight}")]);
        assert!(config::load(None, &["market.starts=10".to_owned()]).is_err());
    }

    #[test]
    fn instruments_get_their_rules_and_holdings_when_they_are_defined() {
        let mut config = config(&SSE);
        let holding = r#"{ symbol = "600519", qty = 300, sellable = 200 }"#;
        let table: toml::Table = format!("holdings = [{holding}]").parse().expect("TOML");
        config.market.holdings = MarketSection::deserialize(table).expect("a section").holdings;
        let mut desk = desk(&config).expect("good").expect("on");
        let whole = desk.define(&named("600519", 17_000_000));
        assert!(whole.flags.defined);
        assert_eq!((whole.limit_high, whole.tick), (Price(18_700_000), 100));
        assert_eq!(desk.rules.sellable(AccountId(0), whole.id), 200);
        let again = desk.define(&whole);
        assert_eq!((again, desk.unknown()), (whole, 0));
        let unknown = desk.define(&Instrument { id: InstrumentId(6), ..named("AAPL", 0) });
        assert_eq!((unknown.flags.defined, desk.unknown()), (false, 1), "no board has it");
        desk.define(&unknown);
        assert_eq!(desk.unknown(), 1, "the same instrument, defined again");
        desk.define(&Instrument { id: InstrumentId(5), ..named("MSFT", 0) });
        assert_eq!(desk.unknown(), 2);
        desk.define(&Instrument { id: InstrumentId(5), ..named("600000", 70_000) });
        assert_eq!(desk.unknown(), 1, "it has another code now, which a board has");
        let report = desk.report(&Instruments::new(8), 50_000);
        assert_eq!((report.net_e4, report.holdings.len()), (50_000, 1));
        assert!(report.to_string().contains("sse of 2023-07-11"));
        let listed = MarketDesk::describe(&config).expect("good");
        assert!(listed.contains("memory") && listed.contains("cage"), "{listed}");
    }
}
