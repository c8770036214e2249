//! Parameters: what may be changed while the engine runs, and the records that say so.
//!
//! A page of parameters is a list of [`ParamRow`]: a complete overlay over the configuration. What
//! rows there may be, with their bounds, stands in the file as a list of [`ParamSpec`], written by the
//! engine before the file gets its name.

use std::fmt;

use nofx_types::Nanos;

use crate::text::{bytes, text};
use crate::view::record;

/// Numbers of the tables of parameters.
pub mod table {
    /// Limits of an account; the scope is its number.
    pub const ACCOUNT: u16 = 1;
    /// Limits of an instrument; the scope is its index.
    pub const SYMBOL: u16 = 2;
    /// Rules of the host; the scope is [`ALL`](super::ParamRow::ALL).
    pub const HOST: u16 = 3;
    /// Parameters of the strategy.
    pub const STRATEGY: u16 = 4;
}

/// What the value of a parameter is.
pub mod kind {
    /// A whole number.
    pub const INT: u8 = 0;
    /// 0 or 1.
    pub const BOOL: u8 = 1;
    /// The bits of an `f64`.
    pub const FLOAT: u8 = 2;
}

record! {
    /// One parameter and its value.
    ParamRow: 16 {
        /// Its table: [`table`].
        table: u16,
        /// Its number in the table.
        key: u16,
        /// Account number or index of the instrument; [`ParamRow::ALL`] for every one.
        scope: u32,
        /// Its value: a whole number, 0 or 1, or the bits of an `f64`.
        value: i64,
    }
}

impl ParamRow {
    /// The scope "every one".
    pub const ALL: u32 = u32::MAX;
}

record! {
    /// What a parameter is called and which values it may have.
    ParamSpec: 128 {
        /// Its table: [`table`].
        table: u16,
        /// Its number in the table.
        key: u16,
        /// What its value is: [`kind`].
        kind: u8,
        /// Zero.
        reserved: [u8; 3],
        /// Least value; for a float, its bits.
        min: i64,
        /// Largest value; for a float, its bits.
        max: i64,
        /// Value of a configuration that does not say.
        default: i64,
        /// Unit, zero padded.
        unit: [u8; 16],
        /// Name: the key of the configuration, zero padded.
        name: [u8; 32],
        /// What it does, zero padded.
        text: [u8; 48],
    }
}

impl ParamSpec {
    /// A parameter of these texts, each cut to what fits.
    pub fn new(table: u16, key: u16, kind: u8, texts: [&str; 3]) -> ParamSpec {
        let [name, unit, text] = texts;
        let (unit, name, text) = (bytes(unit), bytes(name), bytes(text));
        ParamSpec { table, key, kind, unit, name, text, ..ParamSpec::default() }
    }

    /// With these bounds and this default.
    pub fn within(self, min: i64, max: i64, default: i64) -> ParamSpec {
        ParamSpec { min, max, default, ..self }
    }

    /// Its name.
    pub fn name(&self) -> String {
        text(&self.name)
    }

    /// Its unit.
    pub fn unit(&self) -> String {
        text(&self.unit)
    }

    /// What it does.
    pub fn text(&self) -> String {
        text(&self.text)
    }

    /// Whether `value` is one it may have. A float that is no number is not.
    pub fn allows(&self, value: i64) -> bool {
        let float = |bits: i64| f64::from_bits(bits as u64);
        match self.kind {
            kind::FLOAT => (float(self.min)..=float(self.max)).contains(&float(value)),
            _ => (self.min..=self.max).contains(&value),
        }
    }
}

/// What two programs must agree on to exchange pages: FNV-1a over table, key, kind, unit and name of
/// every parameter. Bounds and texts do not count: a page that is taken over is checked as a new one.
pub fn schema_hash(schema: &[ParamSpec]) -> u64 {
    let identity = |spec: &ParamSpec| {
        let numbers = [spec.table.to_le_bytes(), spec.key.to_le_bytes(), [spec.kind, 0]];
        numbers.into_iter().flatten().chain(spec.unit).chain(spec.name).collect::<Vec<_>>()
    };
    schema.iter().flat_map(identity).fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    })
}

/// The rows of a page; a last half row is left out.
#[inline]
pub fn rows(words: &[u64]) -> &[ParamRow] {
    let whole = words.get(..words.len() / ROW_WORDS * ROW_WORDS).unwrap_or(&[]);
    bytemuck::cast_slice(whole)
}

/// Words of one row.
pub(crate) const ROW_WORDS: usize = size_of::<ParamRow>() / 8;

record! {
    /// What the engine made of the pages of one kind: parameters, or models. Numbers of publications
    /// are 0 where there was none.
    AckView: 96 {
        /// Last publication that the engine looked at.
        seen: u64,
        /// Publication in force; 0: what the configuration file says.
        applied: u64,
        /// Its version.
        applied_version: u64,
        /// When it came into force.
        applied_at_ns: u64,
        /// The same in cycles of the engine's processor.
        applied_cycles: u64,
        /// Last publication that was refused; what was in force before stays so.
        refused: u64,
        /// Its version.
        refused_version: u64,
        /// When it was refused.
        refused_at_ns: u64,
        /// Why, as the number of a [`Why`].
        why: u32,
        /// The row of the page that is wrong, where it is one.
        row: u32,
        /// Its value.
        value: i64,
        /// When the first decision under the publication in force was made.
        first_used_ns: u64,
        /// Zero.
        reserved: u64,
    }
}

/// Why a page was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Why {
    /// It was not.
    #[default]
    None = 0,
    /// Its checksum is wrong, or it names a slot that there is not.
    Checksum = 1,
    /// It was made for another schema.
    Schema = 2,
    /// Its writer's epoch is below the fence.
    Fenced = 3,
    /// It says it is longer than a page can be.
    TooManyRows = 4,
    /// A row names a parameter that there is not.
    UnknownKey = 5,
    /// A row names an account or instrument that there is not.
    UnknownScope = 6,
    /// A value is out of its bounds.
    OutOfBounds = 7,
    /// Two rows, or two values, contradict each other.
    Contradiction = 8,
    /// The gate does not take it.
    Gate = 9,
    /// This engine cannot change that while it runs.
    NotSupported = 10,
}

impl Why {
    const ALL: [Why; 11] = [
        Why::None,
        Why::Checksum,
        Why::Schema,
        Why::Fenced,
        Why::TooManyRows,
        Why::UnknownKey,
        Why::UnknownScope,
        Why::OutOfBounds,
        Why::Contradiction,
        Why::Gate,
        Why::NotSupported,
    ];

    /// From its number; `None` for one that this program does not know.
    pub fn from_number(number: u32) -> Option<Why> {
        Why::ALL.into_iter().find(|why| *why as u32 == number)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Why::None => "not refused",
            Why::Checksum => "checksum wrong",
            Why::Schema => "made for another schema",
            Why::Fenced => "writer's epoch below the fence",
            Why::TooManyRows => "longer than a page",
            Why::UnknownKey => "unknown key",
            Why::UnknownScope => "unknown scope",
            Why::OutOfBounds => "out of bounds",
            Why::Contradiction => "contradiction",
            Why::Gate => "refused by the gate",
            Why::NotSupported => "not supported",
        })
    }
}

/// What stands before the words of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageHead {
    /// Number of the publication: rises by one with each, roll backs included.
    pub publication: u64,
    /// Version, as its writer numbers them.
    pub version: u64,
    /// Schema it was made for.
    pub schema: u64,
    /// Fencing epoch of who published it.
    pub epoch: u32,
    /// Words.
    pub words: u32,
    /// When it was written; a roll back does not change that.
    pub at: Nanos,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_for_every_kind_and_no_number_is_never_allowed() {
        let spec = |kind, min, max| ParamSpec { kind, min, max, ..ParamSpec::default() };
        let bits = |value: f64| value.to_bits() as i64;
        let int = spec(kind::INT, -2, 5);
        assert!([-2, 0, 5].into_iter().all(|value| int.allows(value)));
        assert!(![-3, 6, i64::MIN].into_iter().any(|value| int.allows(value)));
        let float = spec(kind::FLOAT, bits(-1.5), bits(1.0));
        assert!([-1.5, 0.0, -0.0, 1.0].into_iter().all(|value| float.allows(bits(value))));
        let outside = [-1.6, 1.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        assert!(!outside.into_iter().any(|value| float.allows(bits(value))));
        assert!(!spec(kind::BOOL, 0, 1).allows(2));
    }

    #[test]
    fn the_hash_tells_schemas_apart_but_not_their_bounds() {
        let spec = |key, name| ParamSpec::new(table::ACCOUNT, key, kind::INT, [name, "shares", ""]);
        let one = schema_hash(&[spec(1, "max_order_qty")]);
        assert_eq!(one, schema_hash(&[spec(1, "max_order_qty").within(1, 9, 3)]));
        let others = [vec![], vec![spec(2, "max_order_qty")], vec![spec(1, "max_order_q")]];
        assert!(others.iter().all(|other| schema_hash(other) != one));
        let (a, b) = (spec(1, "a"), spec(2, "b"));
        assert_ne!(schema_hash(&[a, b]), schema_hash(&[b, a]), "rows have an order");
    }

    #[test]
    fn numbers_of_why_go_there_and_back() {
        assert!(Why::ALL.into_iter().all(|why| Why::from_number(why as u32) == Some(why)));
        assert_eq!(Why::from_number(11), None);
    }

    #[test]
    fn rows_are_the_words_and_half_a_row_is_none() {
        let row = ParamRow { table: 2, key: 3, scope: ParamRow::ALL, value: -5 };
        let words: Vec<u64> = bytemuck::cast_slice(&[row, row]).to_vec();
        assert_eq!(rows(&words), [row, row]);
        assert_eq!((rows(&words[..3]), rows(&[])), (&[row][..], &[][..]));
    }
}
