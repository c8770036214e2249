//! What an engine lets change, as it publishes it: names, scopes and bounds for people, numbers for rows.
//!
//! Model: the specifications of the engine's mailbox with the instruments that it shows by name. Every
//! word of a request is looked up here, and what is not found is answered with what would be.

use std::collections::BTreeMap;

use nofx_mailbox::param::{ParamRow, ParamSpec, kind, table};
use serde::Serialize;
use utoipa::ToSchema;

use super::page::{Setting, Side, Target, Value};
use crate::problem::FieldError;

const TABLES: [(u16, &str); 4] = [
    (table::ACCOUNT, "account"),
    (table::SYMBOL, "symbol"),
    (table::HOST, "host"),
    (table::STRATEGY, "strategy"),
];

/// Name of a table.
pub fn table_name(number: u16) -> String {
    let known = TABLES.into_iter().find(|(known, _)| *known == number);
    known.map_or_else(|| format!("table {number}"), |(_, name)| name.to_owned())
}

/// What an engine lets change, and what it calls it.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    specs: Vec<ParamSpec>,
    symbols: BTreeMap<String, u32>,
    names: BTreeMap<u32, String>,
    accounts: u32,
    instruments: u32,
}

/// One parameter of the schema, in words.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SpecRow {
    /// Table.
    pub table: String,
    /// Key.
    pub key: String,
    /// `int`, `bool` or `float`.
    pub kind: &'static str,
    /// Least value.
    pub min: Value,
    /// Largest value.
    pub max: Value,
    /// Value of a configuration that does not say.
    pub default: Value,
    /// Unit.
    pub unit: String,
    /// What it does.
    pub text: String,
}

impl Schema {
    /// From what the engine publishes, with the instruments it shows by name.
    pub fn new(
        specs: &[ParamSpec],
        (accounts, instruments): (u32, u32),
        symbols: impl IntoIterator<Item = (String, u32)>,
    ) -> Schema {
        let symbols: BTreeMap<_, _> =
            symbols.into_iter().filter(|(symbol, _)| !symbol.is_empty()).collect();
        let names = symbols.iter().map(|(symbol, id)| (*id, symbol.clone())).collect();
        Schema { specs: specs.to_vec(), symbols, names, accounts, instruments }
    }

    /// Its parameters on a side, in words.
    pub fn rows(&self, side: Side) -> Vec<SpecRow> {
        let covered = self.specs.iter().filter(|spec| side.covers(spec.table));
        let row = |spec: &ParamSpec| SpecRow {
            table: table_name(spec.table),
            key: spec.name(),
            kind: kind_name(spec),
            min: value(spec, spec.min),
            max: value(spec, spec.max),
            default: value(spec, spec.default),
            unit: spec.unit(),
            text: spec.text(),
        };
        covered.map(row).collect()
    }

    /// Whether the engine publishes any parameter.
    pub fn is_empty(&self) -> bool {
        self.specs.is_empty()
    }

    /// A row in words.
    pub fn setting(&self, row: &ParamRow) -> Setting {
        let spec = self.spec(row.table, row.key);
        Setting {
            table: table_name(row.table),
            scope: self.scope_name(row.table, row.scope),
            key: spec.map_or_else(|| format!("key {}", row.key), ParamSpec::name),
            value: spec.map_or(Value::Int(row.value), |spec| value(spec, row.value)),
        }
    }

    fn spec(&self, table: u16, key: u16) -> Option<&ParamSpec> {
        self.specs.iter().find(|spec| spec.table == table && spec.key == key)
    }

    fn scope_name(&self, number: u16, scope: u32) -> String {
        match (number, scope) {
            (_, ParamRow::ALL) => "*".into(),
            (table::SYMBOL, id) => {
                self.names.get(&id).cloned().unwrap_or_else(|| format!("instrument {id}"))
            }
            (_, number) => format!("account {number}"),
        }
    }

    /// The place that a target names, and its specification.
    pub(super) fn place(
        &self,
        side: Side,
        target: &Target,
        at: &str,
    ) -> Result<(Place, &ParamSpec), FieldError> {
        let number = table_number(side, &target.table).map_err(|e| field(at, "table", e))?;
        let mut of_table = self.specs.iter().filter(|spec| spec.table == number);
        let spec = of_table.clone().find(|spec| spec.name() == target.key).ok_or_else(|| {
            let known: Vec<String> = of_table.by_ref().map(ParamSpec::name).collect();
            let (key, table) = (&target.key, &target.table);
            let known = known.join(", ");
            field(at, "key", format!("{key:?} is no key of table {table}, want one of: {known}"))
        })?;
        let scope = self.scope(number, &target.scope).map_err(|e| field(at, "scope", e))?;
        Ok((Place { table: number, key: spec.key, scope }, spec))
    }

    fn scope(&self, number: u16, scope: &str) -> Result<u32, String> {
        if scope == "*" {
            return Ok(ParamRow::ALL);
        }
        match number {
            table::ACCOUNT => numbered(scope, "account ", self.accounts).ok_or_else(|| {
                let last = self.accounts.saturating_sub(1);
                format!(
                    "{scope:?} is no account, want \"account 0\" to \"account {last}\" or \"*\""
                )
            }),
            table::SYMBOL => {
                let known = self.symbols.get(scope).copied();
                let id = known.or_else(|| numbered(scope, "instrument ", self.instruments));
                id.ok_or_else(|| self.no_symbol(scope))
            }
            _ => Err(format!("{scope:?} is no scope of this table, want \"*\"")),
        }
    }

    /// A scope of orders as the engine numbers it: `everything`, `account N`, `instrument N`.
    ///
    /// # Errors
    /// There is no such scope; what would be right.
    pub fn kill_scope(&self, scope: &str) -> Result<String, String> {
        if scope == "everything" {
            return Ok(scope.to_owned());
        }
        if scope.starts_with("account ") {
            return self.scope(table::ACCOUNT, scope).map(|number| format!("account {number}"));
        }
        let symbol = scope.strip_prefix("symbol ").unwrap_or(scope);
        match symbol {
            "*" => Err("want \"everything\", \"account N\" or \"symbol X\"".into()),
            symbol => self.scope(table::SYMBOL, symbol).map(|id| format!("instrument {id}")),
        }
    }

    fn no_symbol(&self, scope: &str) -> String {
        let some: Vec<_> = self.symbols.keys().take(8).map(String::as_str).collect();
        let more = if self.symbols.len() > some.len() { ", ..." } else { "" };
        format!(
            "{scope:?} is no instrument that the engine shows by name, want one of {}{more}, \
             \"instrument N\" with its index, or \"*\"",
            some.join(", ")
        )
    }
}

fn table_number(side: Side, name: &str) -> Result<u16, String> {
    let allowed = TABLES.iter().filter(|(number, _)| side.covers(*number));
    let found = allowed.clone().find(|(_, known)| *known == name);
    found.map(|(number, _)| *number).ok_or_else(|| {
        let known: Vec<_> = allowed.map(|(_, name)| *name).collect();
        format!("{name:?} is no table here, want one of: {}", known.join(", "))
    })
}

fn numbered(scope: &str, prefix: &str, count: u32) -> Option<u32> {
    let digits = scope.strip_prefix(prefix)?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && *number < count)
}

pub(super) fn field(at: &str, name: &str, problem: String) -> FieldError {
    FieldError { field: format!("{at}.{name}"), problem }
}

fn kind_name(spec: &ParamSpec) -> &'static str {
    match spec.kind {
        kind::BOOL => "bool",
        kind::FLOAT => "float",
        _ => "int",
    }
}

/// A number of a row in its own type.
pub(super) fn value(spec: &ParamSpec, number: i64) -> Value {
    match spec.kind {
        kind::BOOL => Value::Bool(number != 0),
        kind::FLOAT => Value::Float(f64::from_bits(number as u64)),
        _ => Value::Int(number),
    }
}

/// A value as the number of a row.
pub(super) fn number(spec: &ParamSpec, given: Value) -> Result<i64, String> {
    let number = match (spec.kind, given) {
        (kind::BOOL, Value::Bool(value)) => i64::from(value),
        (kind::BOOL, _) => return Err(format!("{given} is no switch, want true or false")),
        // JSON does not tell 1.0 from 1.
        (kind::FLOAT, Value::Int(value)) => (value as f64).to_bits() as i64,
        (kind::FLOAT, Value::Float(value)) => value.to_bits() as i64,
        (kind::FLOAT, _) => return Err(format!("{given} is no number")),
        (_, Value::Int(value)) => value,
        _ => return Err(format!("{given} is no whole number, want {}", bounds(spec))),
    };
    match spec.allows(number) {
        true => Ok(number),
        false => Err(format!("{given} is out of bounds, want {}", bounds(spec))),
    }
}

fn bounds(spec: &ParamSpec) -> String {
    let (min, max) = (value(spec, spec.min), value(spec, spec.max));
    let unit = spec.unit();
    format!("{min} to {max}{}{unit}", if unit.is_empty() { "" } else { " " })
}

/// A place in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) table: u16,
    pub(super) key: u16,
    pub(super) scope: u32,
}

impl Place {
    pub(super) fn of(row: &ParamRow) -> Place {
        Place { table: row.table, key: row.key, scope: row.scope }
    }

    pub(super) fn row(self, value: i64) -> ParamRow {
        ParamRow { table: self.table, key: self.key, scope: self.scope, value }
    }
}
