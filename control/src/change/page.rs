//! Pages as people write them: tables, keys and scopes by name, values in their own type.
//!
//! Model: an engine publishes what may be changed ([`Schema`]); a page is a set of places
//! (table, key, scope) with values, a complete overlay over the engine's configuration file. A change
//! is merged into the page that is there; what it does not name stays. Every item that cannot be is
//! refused with its place in the request and what would be right, all of them at once, and then
//! nothing is changed.
//!
//! What one field cannot show (two limits that contradict each other, a gate that does not take a
//! limit) the engine itself refuses, with the row.
//!
//! Worst case: a page has at most some thousands of rows; merging walks them a few times.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use nofx_mailbox::param::{ParamRow, table};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schema::{Place, Schema, field, number};
use crate::problem::FieldError;

/// Most items of one change: more is a mistake, or another kind of tool.
const ITEMS_MAX: usize = 4_096;

/// A value in its own type.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Value {
    /// A switch.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(value) => value.fmt(f),
            Value::Int(value) => value.fmt(f),
            Value::Float(value) => fmt::Debug::fmt(value, f),
        }
    }
}

/// A place in a page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `account`, `symbol`, `host` or `strategy`.
    #[schema(example = "symbol")]
    pub table: String,
    /// `account N`, a symbol, `instrument N`, or `*` for every one.
    #[schema(example = "*")]
    pub scope: String,
    /// Name of the limit or parameter, as in the engine's configuration.
    #[schema(example = "qty_max")]
    pub key: String,
}

/// A place and its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// `account`, `symbol`, `host` or `strategy`.
    #[schema(example = "symbol")]
    pub table: String,
    /// `account N`, a symbol, `instrument N`, or `*` for every one.
    #[schema(example = "*")]
    pub scope: String,
    /// Name of the limit or parameter, as in the engine's configuration.
    #[schema(example = "qty_max")]
    pub key: String,
    /// Its value: a whole number, `true` or `false`, or a number, as the schema says.
    pub value: Value,
}

/// One place that a change changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// Table.
    pub table: String,
    /// Scope.
    pub scope: String,
    /// Key.
    pub key: String,
    /// What is in force before; null: not one value.
    pub before: Option<Value>,
    /// What the page says after; null: what the engine's configuration file says.
    pub after: Option<Value>,
}

/// Which tables a change may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// Account, symbol and host.
    Limits,
    /// Strategy.
    Strategy,
    /// All of them: configurations, roll backs.
    All,
}

impl Side {
    /// Whether it covers a table.
    pub fn covers(self, number: u16) -> bool {
        match self {
            Side::Limits => number != table::STRATEGY,
            Side::Strategy => number == table::STRATEGY,
            Side::All => true,
        }
    }
}

/// A page: values by place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    rows: BTreeMap<Place, i64>,
}

impl Overlay {
    /// From rows; of two for one place the last counts, as for the engine.
    pub fn of(rows: &[ParamRow]) -> Overlay {
        Overlay { rows: rows.iter().map(|row| (Place::of(row), row.value)).collect() }
    }

    /// Its rows, in the order of table, key and scope.
    pub fn rows(&self) -> Vec<ParamRow> {
        self.rows.iter().map(|(place, value)| place.row(*value)).collect()
    }

    /// Its rows as words.
    pub fn words(&self) -> Vec<u64> {
        words(&self.rows())
    }

    /// This page with a change in it.
    ///
    /// # Errors
    /// Every item that cannot be, with its place in the request.
    pub fn with(
        &self,
        schema: &Schema,
        side: Side,
        set: &[Setting],
        unset: &[Target],
    ) -> Result<Overlay, Vec<FieldError>> {
        if set.len() + unset.len() > ITEMS_MAX {
            let problem = format!("more than {ITEMS_MAX} items: send several changes");
            return Err(vec![FieldError { field: "set".into(), problem }]);
        }
        let (mut page, mut errors, mut seen) = (self.clone(), Vec::new(), BTreeSet::new());
        for (at, target) in unset.iter().enumerate() {
            let at = format!("unset[{at}]");
            match page.unset(schema, side, target, &at) {
                Ok(place) if seen.insert(place) => {}
                Ok(_) => errors.push(field(&at, "key", "named twice".into())),
                Err(error) => errors.push(error),
            }
        }
        for (at, setting) in set.iter().enumerate() {
            let at = format!("set[{at}]");
            match page.set(schema, side, setting, &at) {
                Ok(place) if seen.insert(place) => {}
                Ok(_) => errors.push(field(&at, "key", "named twice".into())),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(page) } else { Err(errors) }
    }

    fn set(
        &mut self,
        schema: &Schema,
        side: Side,
        setting: &Setting,
        at: &str,
    ) -> Result<Place, FieldError> {
        let Setting { table, scope, key, value } = setting;
        let target = Target { table: table.clone(), scope: scope.clone(), key: key.clone() };
        let (place, spec) = schema.place(side, &target, at)?;
        let number = number(spec, *value).map_err(|e| field(at, "value", e))?;
        self.rows.insert(place, number);
        Ok(place)
    }

    fn unset(
        &mut self,
        schema: &Schema,
        side: Side,
        target: &Target,
        at: &str,
    ) -> Result<Place, FieldError> {
        let (place, _) = schema.place(side, target, at)?;
        let problem = "the page does not set it: the configuration file is in force there already";
        self.rows.remove(&place).map(|_| place).ok_or_else(|| field(at, "key", problem.into()))
    }

    /// Whether it sets a place.
    ///
    /// # Errors
    /// There is no such place.
    pub fn says(&self, schema: &Schema, target: &Target) -> Result<bool, FieldError> {
        let (place, _) = schema.place(Side::All, target, "unset")?;
        Ok(self.rows.contains_key(&place))
    }

    /// What differs in `after`; `in_force` tells the value of a place that this page does not set.
    pub fn differences(
        &self,
        after: &Overlay,
        in_force: &Overlay,
        schema: &Schema,
    ) -> Vec<Difference> {
        let places: BTreeSet<Place> = self.rows.keys().chain(after.rows.keys()).copied().collect();
        let changed = places.into_iter().filter(|p| self.rows.get(p) != after.rows.get(p));
        let difference = |place: Place| {
            let in_words = |value: i64| schema.setting(&place.row(value)).value;
            let Setting { table, scope, key, .. } = schema.setting(&place.row(0));
            let before = self.rows.get(&place).copied().or_else(|| in_force.one_value(place));
            let after = after.rows.get(&place).copied();
            Difference {
                table,
                scope,
                key,
                before: before.map(in_words),
                after: after.map(in_words),
            }
        };
        changed.map(difference).collect()
    }

    /// Sides on which it differs from another page.
    pub fn sides(&self, other: &Overlay) -> Vec<Side> {
        let of = |page: &Overlay, side: Side| {
            let rows = page.rows.iter().filter(|(place, _)| side.covers(place.table));
            rows.map(|(place, value)| (*place, *value)).collect::<Vec<_>>()
        };
        let differs = |side: &Side| of(self, *side) != of(other, *side);
        [Side::Limits, Side::Strategy].into_iter().filter(differs).collect()
    }

    /// The value of a place; for "every one" the value that all of them have.
    fn one_value(&self, place: Place) -> Option<i64> {
        if let Some(value) = self.rows.get(&place) {
            return Some(*value);
        }
        if place.scope != ParamRow::ALL {
            return None;
        }
        let same =
            |(other, _): &(&Place, &i64)| (other.table, other.key) == (place.table, place.key);
        let mut values = self.rows.iter().filter(same).map(|(_, value)| *value);
        let first = values.next()?;
        values.all(|value| value == first).then_some(first)
    }
}

/// Rows as words of a page.
pub fn words(rows: &[ParamRow]) -> Vec<u64> {
    let pair = |row: &ParamRow| {
        let head = u64::from(row.table) | u64::from(row.key) << 16 | u64::from(row.scope) << 32;
        [head, row.value as u64]
    };
    rows.iter().flat_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use nofx_mailbox::param::{self, ParamSpec, kind};
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn schema() -> Schema {
        let bits = |value: f64| value.to_bits() as i64;
        let spec = ParamSpec::new;
        let specs = [
            spec(table::ACCOUNT, 1, kind::INT, ["net_max", "price x shares", "largest net"])
                .within(0, 1_000, 500),
            spec(table::SYMBOL, 1, kind::INT, ["qty_max", "shares", "largest order"])
                .within(1, 9_999, 100),
            spec(table::SYMBOL, 2, kind::BOOL, ["buy", "", "buys allowed"]).within(0, 1, 1),
            spec(table::HOST, 1, kind::INT, ["distance_ticks_max", "ticks", ""]).within(1, 100, 10),
            spec(table::STRATEGY, 1, kind::FLOAT, ["enter_ticks", "ticks", ""]).within(
                bits(0.0),
                bits(9.5),
                bits(0.5),
            ),
        ];
        Schema::new(&specs, (4, 16), [("AAPL".to_owned(), 3), ("MSFT".to_owned(), 7)])
    }

    fn set(table: &str, scope: &str, key: &str, value: Value) -> Setting {
        Setting { table: table.into(), scope: scope.into(), key: key.into(), value }
    }

    fn refused(side: Side, setting: Setting) -> (String, String) {
        let errors = Overlay::default().with(&schema(), side, &[setting], &[]).expect_err("wrong");
        assert_eq!(errors.len(), 1);
        (errors[0].field.clone(), errors[0].problem.clone())
    }

    #[test]
    fn every_wrong_field_is_named_with_what_would_be_right() {
        use Value::{Bool, Float, Int};
        let wrong = [
            (
                Side::Limits,
                set("strategy", "*", "enter_ticks", Float(1.0)),
                "set[0].table",
                "account, symbol, host",
            ),
            (
                Side::Strategy,
                set("host", "*", "distance_ticks_max", Int(1)),
                "set[0].table",
                "strategy",
            ),
            (Side::Limits, set("symbol", "*", "quantity", Int(1)), "set[0].key", "qty_max, buy"),
            (Side::Limits, set("symbol", "IBM", "qty_max", Int(1)), "set[0].scope", "AAPL, MSFT"),
            (
                Side::Limits,
                set("symbol", "instrument 16", "qty_max", Int(1)),
                "set[0].scope",
                "instrument N",
            ),
            (
                Side::Limits,
                set("account", "account 4", "net_max", Int(1)),
                "set[0].scope",
                "account 3",
            ),
            (
                Side::Limits,
                set("account", "account +1", "net_max", Int(1)),
                "set[0].scope",
                "account 3",
            ),
            (
                Side::Limits,
                set("host", "AAPL", "distance_ticks_max", Int(1)),
                "set[0].scope",
                "\"*\"",
            ),
            (
                Side::Limits,
                set("symbol", "AAPL", "qty_max", Int(0)),
                "set[0].value",
                "1 to 9999 shares",
            ),
            (
                Side::Limits,
                set("symbol", "AAPL", "qty_max", Float(1.5)),
                "set[0].value",
                "whole number",
            ),
            (Side::Limits, set("symbol", "AAPL", "buy", Int(1)), "set[0].value", "true or false"),
            (
                Side::Strategy,
                set("strategy", "*", "enter_ticks", Float(9.6)),
                "set[0].value",
                "0.0 to 9.5 ticks",
            ),
            (
                Side::Strategy,
                set("strategy", "*", "enter_ticks", Float(f64::NAN)),
                "set[0].value",
                "out of bounds",
            ),
            (
                Side::Strategy,
                set("strategy", "*", "enter_ticks", Bool(true)),
                "set[0].value",
                "no number",
            ),
        ];
        for (side, setting, place, want) in wrong {
            let (field, problem) = refused(side, setting.clone());
            assert_eq!(field, place, "{setting:?}");
            assert!(problem.contains(want), "{setting:?}: {problem}");
        }
        let twice = [
            set("symbol", "AAPL", "qty_max", Int(1)),
            set("symbol", "instrument 3", "qty_max", Int(2)),
        ];
        let errors = Overlay::default().with(&schema(), Side::All, &twice, &[]).expect_err("twice");
        assert_eq!(errors[0].field, "set[1].key");
        let target = Target { table: "symbol".into(), scope: "*".into(), key: "buy".into() };
        let errors =
            Overlay::default().with(&schema(), Side::All, &[], &[target]).expect_err("absent");
        assert_eq!(errors[0].field, "unset[0].key");
    }

    #[test]
    fn a_difference_tells_the_value_that_was_in_force() {
        let schema = schema();
        let in_force = Overlay::default()
            .with(
                &schema,
                Side::All,
                &[
                    set("account", "account 0", "net_max", Value::Int(500)),
                    set("account", "account 1", "net_max", Value::Int(500)),
                    set("symbol", "AAPL", "qty_max", Value::Int(100)),
                    set("symbol", "MSFT", "qty_max", Value::Int(7)),
                ],
                &[],
            )
            .expect("good");
        let before = Overlay::default();
        let change = [
            set("symbol", "AAPL", "qty_max", Value::Int(50)),
            set("account", "*", "net_max", Value::Int(9)),
            set("symbol", "*", "qty_max", Value::Int(9)),
        ];
        let after = before.with(&schema, Side::Limits, &change, &[]).expect("good");
        let found = before.differences(&after, &in_force, &schema);
        let row = |d: &Difference| (d.key.clone(), d.scope.clone(), d.before, d.after);
        let found: Vec<_> = found.iter().map(row).collect();
        let int = |n| Some(Value::Int(n));
        assert_eq!(
            found,
            [
                ("net_max".to_owned(), "*".to_owned(), int(500), int(9)),
                ("qty_max".to_owned(), "AAPL".to_owned(), int(100), int(50)),
                ("qty_max".to_owned(), "*".to_owned(), None, int(9)),
            ]
        );
        let back = after.differences(&before, &in_force, &schema);
        assert!(back.iter().all(|d| d.after.is_none() && d.before.is_some()), "{back:?}");
        assert_eq!(before.sides(&after), [Side::Limits]);
        assert_eq!(after.sides(&after), []);
    }

    #[test]
    fn words_are_what_the_mailbox_reads() {
        let row = ParamRow { table: 2, key: 3, scope: ParamRow::ALL, value: -5 };
        let other = ParamRow { table: 4, key: 1, scope: 9, value: i64::MIN };
        assert_eq!(param::rows(&words(&[row, other])), [row, other]);
    }

    fn item() -> impl Strategy<Value = (Setting, bool)> {
        let table = prop::sample::select(vec!["account", "symbol", "host", "strategy", "x"]);
        let scope = prop::sample::select(vec!["*", "account 0", "AAPL", "instrument 7", "IBM"]);
        let keys = vec!["net_max", "qty_max", "buy", "distance_ticks_max", "enter_ticks"];
        let value = prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            (-2i64..12_000).prop_map(Value::Int),
            (-1.0..12.0).prop_map(Value::Float),
        ];
        let key = prop::sample::select(keys);
        (table, scope, key, value, any::<bool>())
            .prop_map(|(table, scope, key, value, unset)| (set(table, scope, key, value), unset))
    }

    proptest! {
        /// Setting and unsetting one item at a time, against a map of texts.
        #[test]
        fn pages_are_maps(items in prop::collection::vec(item(), 0..60)) {
            let schema = schema();
            let (mut page, mut twin) = (Overlay::default(), BTreeMap::new());
            for (setting, unset) in items {
                let name = if setting.scope == "instrument 7" { "MSFT".into() } else { setting.scope.clone() };
                let place = (setting.table.clone(), setting.key.clone(), name);
                let target = Target { table: setting.table.clone(), scope: setting.scope.clone(), key: setting.key.clone() };
                let next = match unset {
                    true => page.with(&schema, Side::All, &[], &[target]),
                    false => page.with(&schema, Side::All, std::slice::from_ref(&setting), &[]),
                };
                match (next, unset) {
                    (Ok(next), true) => { prop_assert!(twin.remove(&place).is_some()); page = next; }
                    (Ok(next), false) => { twin.insert(place, setting.value); page = next; }
                    (Err(_), true) => prop_assert!(!twin.contains_key(&place)),
                    (Err(errors), false) => prop_assert_eq!(errors.len(), 1),
                }
                let shown: BTreeMap<_, _> = page.rows().iter().map(|row| {
                    let s = schema.setting(row);
                    ((s.table, s.key, s.scope), s.value.to_string())
                }).collect();
                let want: BTreeMap<_, _> = twin.iter().map(|(p, v): (_, &Value)| {
                    let v = match (p.1.as_str(), v) { ("enter_ticks", Value::Int(n)) => Value::Float(*n as f64), (_, v) => *v };
                    (p.clone(), v.to_string())
                }).collect();
                prop_assert_eq!(shown, want);
                prop_assert_eq!(Overlay::of(&page.rows()), page.clone());
            }
        }
    }
}
