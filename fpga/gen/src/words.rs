//! The data file: its shape, and what must hold in it.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::GenError;

/// Bits of a line.
pub const LINE_BITS: u32 = 512;
/// Bytes of the register space.
const REGISTER_BYTES: u32 = 1 << 12;

/// Everything the data file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// What identifies the ABI.
    pub abi: Abi,
    /// What a core is built for.
    #[serde(rename = "parameter")]
    pub parameters: Vec<Parameter>,
    /// Enumerations.
    #[serde(rename = "enum")]
    pub enums: Vec<Enum>,
    /// Lines of 64 bytes.
    #[serde(rename = "line")]
    pub lines: Vec<Line>,
    /// Sets of flags.
    pub bits: Vec<Bits>,
    /// Rows of the tables.
    #[serde(rename = "row")]
    pub rows: Vec<Row>,
    /// Card rules by their bit.
    #[serde(rename = "rule")]
    pub rules: Vec<Bit>,
    /// Registers.
    #[serde(rename = "register")]
    pub registers: Vec<Register>,
    /// Counters.
    #[serde(rename = "counter")]
    pub counters: Vec<Counter>,
}

/// What identifies the ABI.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Abi {
    /// The first register.
    pub magic: u32,
    /// The second.
    pub version: u32,
}

/// What a core is built for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value where a build does not lower it.
    pub value: u32,
    /// What it means.
    pub doc: String,
}

/// An enumeration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enum {
    /// Its name, before that of each value.
    pub name: String,
    /// Bits.
    pub width: u32,
    /// What it says.
    pub doc: String,
    /// Its values.
    pub values: Vec<Value>,
}

/// A value of an enumeration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// Its number.
    pub value: u32,
    /// What it says.
    pub doc: String,
}

/// A line of 64 bytes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its name, before that of each field.
    pub name: String,
    /// What it is.
    pub doc: String,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field of a line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its first byte.
    pub at: u32,
    /// Bits.
    pub width: u32,
    /// What it holds.
    pub doc: String,
}

/// A set of flags.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bits {
    /// Its name, before that of each flag.
    pub name: String,
    /// What it is.
    pub doc: String,
    /// Its flags.
    pub values: Vec<Bit>,
}

/// A flag, or a rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bit {
    /// Its name.
    pub name: String,
    /// Its bit.
    pub bit: u32,
    /// What it says; a rule is described where it is defined.
    #[serde(default)]
    pub doc: String,
}

/// A row of a table, least significant field first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name, before that of each field.
    pub name: String,
    /// What it holds.
    pub doc: String,
    /// Its fields.
    pub fields: Vec<RowField>,
}

/// A field of a row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowField {
    /// Its name.
    pub name: String,
    /// Bits.
    pub width: u32,
}

/// A register, or some in a row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Its name.
    pub name: String,
    /// Its byte address.
    pub at: u32,
    /// How many words.
    #[serde(default = "one")]
    pub count: u32,
    /// `ro`, `rw`, `wo` or `w1c`.
    pub access: String,
    /// What it holds.
    pub doc: String,
}

/// A counter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counter {
    /// Its name.
    pub name: String,
    /// Its place among the counters.
    pub index: u32,
    /// What it counts.
    pub doc: String,
}

fn one() -> u32 {
    1
}

impl Row {
    /// Bits.
    pub fn width(&self) -> u32 {
        self.fields.iter().map(|field| field.width).sum()
    }

    /// The fields with their lowest bit.
    pub fn placed(&self) -> impl Iterator<Item = (&str, u32, u32)> {
        self.fields.iter().scan(0, |next, field| {
            let lsb = *next;
            *next += field.width;
            Some((field.name.as_str(), lsb, field.width))
        })
    }
}

impl Words {
    /// Reads and checks the data file.
    pub fn parse(text: &str) -> Result<Words, GenError> {
        let words: Words = toml::from_str(text)?;
        words.check().map_err(GenError::Words)?;
        Ok(words)
    }

    fn check(&self) -> Result<(), String> {
        self.enums.iter().try_for_each(check_enum)?;
        self.lines.iter().try_for_each(check_line)?;
        self.rows.iter().try_for_each(check_row)?;
        self.bits.iter().try_for_each(|set| check_bits(&set.name, &set.values, 16))?;
        check_bits("rule", &self.rules, 64)?;
        let dense = self.rules.windows(2).all(|pair| pair[1].bit == pair[0].bit + 1);
        require(dense && !self.rules.is_empty(), || "rule: bits must be consecutive".into())?;
        unique("parameter", self.parameters.iter().map(|p| p.name.as_str()))?;
        unique("counter", self.counters.iter().map(|c| c.name.as_str()))?;
        self.check_groups()?;
        self.check_counters()?;
        self.check_registers()
    }

    /// The names of groups stand before names of members, so they must differ too.
    fn check_groups(&self) -> Result<(), String> {
        let groups = self.enums.iter().map(|e| e.name.as_str());
        let groups = groups.chain(self.lines.iter().map(|l| l.name.as_str()));
        let groups = groups.chain(self.bits.iter().map(|b| b.name.as_str()));
        unique("group", groups.chain(["abi", "reg", "counter", "rule", "p", "build"]))?;
        unique("row", self.rows.iter().map(|row| row.name.as_str()))
    }

    fn check_counters(&self) -> Result<(), String> {
        for (index, counter) in (0..).zip(&self.counters) {
            let name = &counter.name;
            require(counter.index == index, || format!("counter.{name}: its index is {index}"))?;
        }
        for (register, needed) in
            [("counters", 2 * self.counters.len()), ("rule_counters", self.rules.len())]
        {
            let found = self.registers.iter().find(|r| r.name == register);
            let room = found.map_or(0, |r| r.count as usize);
            require(room >= needed, || format!("register.{register}: count must reach {needed}"))?;
        }
        Ok(())
    }

    fn check_registers(&self) -> Result<(), String> {
        unique("register", self.registers.iter().map(|r| r.name.as_str()))?;
        let mut taken = BTreeSet::new();
        for Register { name, at, count, access, .. } in &self.registers {
            let known = ["ro", "rw", "wo", "w1c"].contains(&access.as_str());
            require(known, || format!("register.{name}: access `{access}` is none"))?;
            require(at % 4 == 0, || format!("register.{name}: {at:#x} is not a whole word"))?;
            require(*count > 0, || format!("register.{name}: count must be at least 1"))?;
            let end = u64::from(*at) + 4 * u64::from(*count);
            require(end <= u64::from(REGISTER_BYTES), || format!("register.{name}: out of space"))?;
            for word in 0..*count {
                let free = taken.insert(at + 4 * word);
                require(free, || format!("register.{name}: {:#x} is taken", at + 4 * word))?;
            }
        }
        Ok(())
    }
}

fn check_enum(set: &Enum) -> Result<(), String> {
    let name = &set.name;
    unique(name, set.values.iter().map(|value| value.name.as_str()))?;
    require((1..=32).contains(&set.width), || format!("enum.{name}: width must be 1 to 32"))?;
    let mut numbers = BTreeSet::new();
    for value in &set.values {
        let fits = u64::from(value.value) < 1 << set.width;
        require(fits, || format!("enum.{name}.{}: does not fit its width", value.name))?;
        let free = numbers.insert(value.value);
        require(free, || format!("enum.{name}.{}: its number is taken", value.name))?;
    }
    Ok(())
}

fn check_line(line: &Line) -> Result<(), String> {
    unique(&line.name, line.fields.iter().map(|field| field.name.as_str()))?;
    for Field { name, at, width, .. } in &line.fields {
        let end = u64::from(*at) * 8 + u64::from(*width);
        let inside = *width > 0 && end <= u64::from(LINE_BITS);
        require(inside, || format!("line.{}.{name}: does not fit the line", line.name))?;
    }
    let last = |name| line.fields.iter().any(|f| f.name == name && f.at == 60 && f.width == 32);
    require(last("seq"), || format!("line.{}: `seq` must be its last word", line.name))
}

fn check_row(row: &Row) -> Result<(), String> {
    unique(&row.name, row.fields.iter().map(|field| field.name.as_str()))?;
    for field in &row.fields {
        let fits = (1..=64).contains(&field.width);
        require(fits, || format!("row.{}.{}: width must be 1 to 64", row.name, field.name))?;
    }
    Ok(())
}

fn check_bits(set: &str, values: &[Bit], width: u32) -> Result<(), String> {
    unique(set, values.iter().map(|value| value.name.as_str()))?;
    let mut bits = BTreeSet::new();
    for Bit { name, bit, .. } in values {
        require(*bit < width, || format!("{set}.{name}: bit must be below {width}"))?;
        require(bits.insert(bit), || format!("{set}.{name}: its bit is taken"))?;
    }
    Ok(())
}

/// Names are distinct and can be names in every language.
fn unique<'a>(group: &str, names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        let word = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        require(word, || format!("{group}: `{name}` is no lower-case name"))?;
        require(seen.insert(name), || format!("{group}: `{name}` stands there twice"))?;
    }
    Ok(())
}

fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
