//! The keys: fields of the limits and rules, and the schema that is made of them.
//!
//! | table | scope | keys |
//! |---|---|---|
//! | account | number, or all | [`AccountLimits`] |
//! | symbol | id of a traded instrument, or all of them | [`SymbolLimits`], `halted` |
//! | host | all | [`HostRules`] |
//! | strategy | all | what the [strategy](Strategy::parameters) that runs has |

use nofx_mailbox::param::{ParamSpec, table};
use nofx_risk::HostRules;
use nofx_risk::card::{
    AccountLimits, EXPOSURE_LIMIT_MAX, POSITION_MAX, RATE_BURST_MAX, SymbolLimits,
};
use nofx_signal::Strategy;
use nofx_types::{Key, Parameter, bool_key, int_key};

use crate::assemble::has_replace;
use crate::config::Config;

const U32: i64 = u32::MAX as i64;
const EXPOSURE: i64 = EXPOSURE_LIMIT_MAX as i64;
const SECOND: i64 = 1_000_000_000;

/// Limits of an account.
pub const ACCOUNT: [Key<AccountLimits>; 8] = [
    int_key!(open_orders_max: u32, "orders", "most open orders", 0, U32),
    int_key!(gross_max: u64, "notional", "largest gross exposure", 0, EXPOSURE),
    int_key!(net_max: u64, "notional", "largest net exposure, long or short", 0, EXPOSURE),
    int_key!(rate_per_s: u32, "messages/s", "message rate that may go on for ever", 1, SECOND),
    int_key!(rate_burst: u32, "messages", "messages at once after a quiet time", 1, RATE_BURST_MAX as i64),
    int_key!(per_second_max: u32, "messages", "most in one second of the clock", 0, U32),
    int_key!(per_day_max: u32, "messages", "most in one day", 0, U32),
    int_key!(duplicate_window_ns: u64, "ns", "an equal order is refused so long; 0: never", 0, i64::MAX),
];

/// Limits of a symbol.
pub const SYMBOL: [Key<SymbolLimits>; 10] = [
    bool_key!(buy, "buying is permitted"),
    bool_key!(sell, "selling is permitted"),
    int_key!(lot: u32, "shares", "quantities are multiples of this", 1, U32),
    int_key!(qty_max: u32, "shares", "largest quantity of one order", 0, U32),
    int_key!(notional_max: u64, "notional", "largest notional of one order", 0, i64::MAX),
    int_key!(price_low: u32, "price units", "lowest price", 0, U32),
    int_key!(price_high: u32, "price units", "highest price", 0, U32),
    int_key!(long_max: u64, "shares", "longest position, open buys included", 0, POSITION_MAX),
    int_key!(short_max: u64, "shares", "shortest position, open sells included", 0, POSITION_MAX),
    int_key!(open_orders_max: u32, "orders", "most open orders of one account in it", 0, U32),
];
/// Where `price_low` stands in [`SYMBOL`].
pub const PRICE_LOW: usize = 5;
/// Where `price_high` stands in [`SYMBOL`].
pub const PRICE_HIGH: usize = 6;

/// Behind the keys of [`SYMBOL`]: no orders, whatever the venue says of the instrument.
pub const HALTED: usize = SYMBOL.len();

/// Rules of the host.
pub const HOST: [Key<HostRules>; 5] = [
    int_key!(distance_ticks_max: u32, "ticks", "from the touch; the wider of the two counts", 0, U32),
    int_key!(distance_bps_max: u32, "bps", "from the touch; the wider of the two counts", 0, U32),
    bool_key!(pre_open, "orders are allowed before the opening"),
    bool_key!(auctions, "orders are allowed in the auctions"),
    bool_key!(after_hours, "orders are allowed after the close"),
];

/// Everything that may be changed, by table and key.
#[derive(Default)]
pub struct Schema {
    /// Table after table, each in the order of its keys.
    specs: Box<[ParamSpec]>,
}

impl Schema {
    /// What may be changed of an engine with this configuration and strategy.
    pub fn new(config: &Config, strategy: &impl Strategy) -> Schema {
        let (account, symbol) = (config.risk.account, config.risk.symbol);
        let words = |index| strategy.parameter(index);
        let able = Able::of(config);
        let strategies = strategy.parameters().into_iter().enumerate();
        let halted = Parameter::bool("halted", "no orders in it");
        let specs = specs(table::ACCOUNT, ACCOUNT.iter().map(|k| (k.parameter, (k.get)(&account))))
            .chain(specs(
                table::SYMBOL,
                SYMBOL.iter().map(|k| (k.parameter, (k.get)(&symbol))).chain([(halted, 0)]),
            ))
            .chain(specs(table::HOST, HOST.iter().map(|k| (k.parameter, (k.get)(&config.host)))))
            .chain(specs(
                table::STRATEGY,
                strategies.map(|(index, parameter)| (able.narrow(parameter), words(index))),
            ));
        Schema { specs: specs.collect() }
    }

    /// All of it.
    pub fn specs(&self) -> &[ParamSpec] {
        &self.specs
    }

    /// The parameter with this number in its table.
    pub fn spec(&self, table: u16, key: u16) -> Option<&ParamSpec> {
        let of_table = self.specs.iter().position(|spec| spec.table == table)?;
        let spec = self.specs.get(of_table + usize::from(key))?;
        (spec.table == table).then_some(spec)
    }
}

fn specs(
    table: u16,
    parameters: impl Iterator<Item = (Parameter, i64)>,
) -> impl Iterator<Item = ParamSpec> {
    parameters.enumerate().map(move |(key, (parameter, default))| {
        let Parameter { name, unit, text, kind, min, max } = parameter;
        ParamSpec::new(table, key as u16, kind as u8, [name, unit, text]).within(min, max, default)
    })
}

/// What the venue can do for a strategy: what it cannot is not asked, so it cannot be set either.
struct Able {
    replace: bool,
    post_only: bool,
}

impl Able {
    fn of(config: &Config) -> Able {
        let post_only = config.session.protocol.has_post_only();
        Able { replace: has_replace(config), post_only }
    }

    fn narrow(&self, parameter: Parameter) -> Parameter {
        let able = match parameter.name {
            "replace" => self.replace,
            "post_only" => self.post_only,
            _ => true,
        };
        if able { parameter } else { Parameter { max: 0, ..parameter } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nofx_signal::{Imbalance, Maker, Null};

    fn schema(strategy: &impl Strategy) -> Schema {
        Schema::new(&Config::default(), strategy)
    }

    fn maker() -> Maker {
        Maker::new(Config::default().strategy.maker, &[], 1).expect("defaults")
    }

    #[test]
    fn every_default_is_one_of_its_values_and_every_text_fits() {
        let text = nofx_model::load::to_text(0.0, &terms());
        let model = nofx_model::load::from_text(&text).expect("ours");
        let imbalance =
            Imbalance::new(Config::default().strategy.imbalance, model, &[], 1).expect("defaults");
        for schema in [schema(&maker()), schema(&imbalance), schema(&Null)] {
            for spec in schema.specs() {
                assert!(spec.allows(spec.default), "{spec:?}");
                assert_eq!(schema.spec(spec.table, spec.key), Some(spec));
            }
        }
        let strategies = maker().parameters().into_iter().chain(imbalance.parameters());
        let all = ACCOUNT.iter().map(|k| k.parameter).chain(SYMBOL.iter().map(|k| k.parameter));
        for parameter in all.chain(HOST.iter().map(|k| k.parameter)).chain(strategies) {
            let Parameter { name, unit, text, .. } = parameter;
            assert!(name.len() <= 32 && unit.len() <= 16 && text.len() <= 48, "{parameter:?}");
        }
    }

    fn terms() -> [nofx_model::Term; nofx_model::FEATURES] {
        [nofx_model::Term { weight: 0.0, mean: 0.0, scale: 1.0 }; nofx_model::FEATURES]
    }

    #[test]
    fn the_keys_are_those_of_the_configuration() {
        let page = include_str!("../../../../docs/config.md");
        let schema = schema(&maker());
        let section = |name: &str| {
            let rest = page.split(name).nth(1).expect("a section");
            rest.split("\n[").next().unwrap_or_default().to_owned()
        };
        let sections = [
            (table::ACCOUNT, section("\n[risk.account]")),
            (table::SYMBOL, section("\n[risk.symbol]")),
            (table::HOST, section("\n[host]")),
            (table::STRATEGY, section("\n[strategy.maker]")),
        ];
        for spec in schema.specs() {
            let (_, text) =
                sections.iter().find(|(table, _)| *table == spec.table).expect("a table");
            let line = format!("\n{} ", spec.name());
            assert!(text.contains(&line) || spec.name() == "halted", "{}", spec.name());
        }
        let named = |key: usize| SYMBOL[key].parameter.name;
        assert_eq!((named(PRICE_LOW), named(PRICE_HIGH)), ("price_low", "price_high"));
    }

    #[test]
    fn what_there_is_not_is_not_found() {
        let schema = schema(&Null);
        for (table, key) in [(0, 0), (5, 0), (table::ACCOUNT, 8), (table::STRATEGY, 0)] {
            assert_eq!(schema.spec(table, key), None, "{table} {key}");
        }
        assert_eq!(schema.spec(u16::MAX, u16::MAX), None);
    }

    #[test]
    fn what_the_venue_cannot_do_cannot_be_asked_for() {
        let able = Able { replace: false, post_only: true };
        assert_eq!(able.narrow(Parameter::bool("replace", "")).max, 0);
        assert_eq!(able.narrow(Parameter::bool("post_only", "")).max, 1);
        assert_eq!(able.narrow(Parameter::bool("buy", "")).max, 1);
    }
}
