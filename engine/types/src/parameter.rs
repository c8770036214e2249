//! Numbers that may be changed while the engine runs, described by those who own them.
//!
//! Model: a limit or a strategy's setting is a field of some struct. A [`Key`] names the field, says
//! what values it takes, and reads and writes it as one word, so that whoever carries such numbers
//! from outside (a page of parameters, a table on a screen) knows no struct.

/// What the word of a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ParameterKind {
    /// An integer.
    Int = 0,
    /// 0 or 1.
    Bool = 1,
    /// The bits of an `f64`; so are its bounds.
    Float = 2,
}

/// A number that may be changed while the engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its key in the configuration, at most 32 bytes.
    pub name: &'static str,
    /// What it counts, at most 16 bytes; empty where it counts nothing.
    pub unit: &'static str,
    /// What it means, at most 48 bytes.
    pub text: &'static str,
    /// What its word is.
    pub kind: ParameterKind,
    /// The least it may be.
    pub min: i64,
    /// The most it may be.
    pub max: i64,
}

impl Parameter {
    /// An integer from `min` to `max`.
    pub const fn int(
        name: &'static str,
        unit: &'static str,
        text: &'static str,
        min: i64,
        max: i64,
    ) -> Parameter {
        Parameter { name, unit, text, kind: ParameterKind::Int, min, max }
    }

    /// A yes or no.
    pub const fn bool(name: &'static str, text: &'static str) -> Parameter {
        Parameter { name, unit: "", text, kind: ParameterKind::Bool, min: 0, max: 1 }
    }

    /// A finite number from `min` to `max`.
    pub const fn float(
        name: &'static str,
        unit: &'static str,
        text: &'static str,
        min: f64,
        max: f64,
    ) -> Parameter {
        let (min, max) = (min.to_bits() as i64, max.to_bits() as i64);
        Parameter { name, unit, text, kind: ParameterKind::Float, min, max }
    }

    /// Whether the word `value` is one of its values.
    pub fn takes(&self, value: i64) -> bool {
        let float = |word: i64| f64::from_bits(word as u64);
        match self.kind {
            ParameterKind::Int | ParameterKind::Bool => (self.min..=self.max).contains(&value),
            // Nothing is within bounds of a value that is no number.
            ParameterKind::Float => (float(self.min)..=float(self.max)).contains(&float(value)),
        }
    }
}

/// A parameter and the field of a `T` that it is.
#[derive(Clone, Copy, Debug)]
pub struct Key<T> {
    /// What it is.
    pub parameter: Parameter,
    /// The word of the field.
    pub get: fn(&T) -> i64,
    /// Puts a word that the parameter [takes](Parameter::takes) into the field.
    pub set: fn(&mut T, i64),
}

/// A [`Key`] of an integer field: `int_key!(field: u32, "unit", "text", min, max)`.
#[macro_export]
macro_rules! int_key {
    ($field:ident: $ty:ty, $unit:literal, $text:literal, $min:expr, $max:expr) => {
        $crate::Key {
            parameter: $crate::Parameter::int(stringify!($field), $unit, $text, $min, $max),
            get: |from| i64::try_from(from.$field).unwrap_or(i64::MAX),
            set: |into, word| into.$field = <$ty>::try_from(word).unwrap_or(<$ty>::MAX),
        }
    };
}

/// A [`Key`] of a `bool` field: `bool_key!(field, "text")`.
#[macro_export]
macro_rules! bool_key {
    ($field:ident, $text:literal) => {
        $crate::Key {
            parameter: $crate::Parameter::bool(stringify!($field), $text),
            get: |from| i64::from(from.$field),
            set: |into, word| into.$field = word != 0,
        }
    };
}

/// A [`Key`] of an `f64` field: `float_key!(field, "unit", "text", min, max)`.
#[macro_export]
macro_rules! float_key {
    ($field:ident, $unit:literal, $text:literal, $min:expr, $max:expr) => {
        $crate::Key {
            parameter: $crate::Parameter::float(stringify!($field), $unit, $text, $min, $max),
            get: |from| from.$field.to_bits() as i64,
            set: |into, word| into.$field = f64::from_bits(word as u64),
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    struct Limits {
        most: u32,
        ratio: f64,
        on: bool,
    }

    const KEYS: [Key<Limits>; 3] = [
        int_key!(most: u32, "shares", "most", 1, 9),
        float_key!(ratio, "", "ratio", -1.0, 2.0),
        bool_key!(on, "on"),
    ];

    #[test]
    fn a_word_goes_into_its_field_and_comes_out_again() {
        let mut limits = Limits { most: 1, ratio: 0.0, on: false };
        let words = [7, 1.5f64.to_bits() as i64, 1];
        for (key, word) in KEYS.iter().zip(words) {
            assert!(key.parameter.takes(word), "{}", key.parameter.name);
            (key.set)(&mut limits, word);
            assert_eq!((key.get)(&limits), word);
        }
        assert_eq!((limits.most, limits.ratio, limits.on), (7, 1.5, true));
    }

    #[test]
    fn what_is_out_of_bounds_or_no_number_is_not_taken() {
        let float = |value: f64| value.to_bits() as i64;
        let refused = [
            (0, vec![0, 10, -1, i64::MIN, i64::MAX]),
            (1, vec![float(-1.1), float(2.1), float(f64::NAN), float(f64::INFINITY)]),
            (2, vec![2, -1]),
        ];
        for (key, words) in refused {
            for word in words {
                assert!(!KEYS[key].parameter.takes(word), "{key}: {word}");
            }
        }
        assert!(KEYS[1].parameter.takes(float(-0.0)) && KEYS[1].parameter.takes(float(-1.0)));
    }
}
