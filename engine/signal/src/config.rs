//! Errors of strategy configuration.

use std::fmt;

use nofx_types::Parameter;

use crate::SetError;

/// A configuration that cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigError {
    /// A key has a value out of range.
    Key {
        /// The key.
        key: &'static str,
        /// Its value.
        value: Number,
        /// What would be right.
        expected: &'static str,
    },
    /// The instruments make no set.
    Instruments(SetError),
}

/// The value of a key. No text, since a strategy that runs refuses values without allocating.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole one.
    Int(u64),
    /// A float.
    Float(f64),
}

impl From<u32> for Number {
    fn from(value: u32) -> Number {
        Number::Int(value.into())
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Number {
        Number::Int(value)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Number {
        Number::Float(value)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(value) => write!(f, "{value}"),
            Number::Float(value) => write!(f, "{value:?}"),
        }
    }
}

impl ConfigError {
    /// Refuses `key` unless `good`.
    pub(crate) fn unless(
        good: bool,
        key: &'static str,
        value: impl Into<Number>,
        expected: &'static str,
    ) -> Result<(), ConfigError> {
        match good {
            true => Ok(()),
            false => Err(ConfigError::Key { key, value: value.into(), expected }),
        }
    }
}

impl ConfigError {
    /// Which of `parameters` it is about; the first where it is about none.
    pub(crate) fn position<'a>(
        &self,
        mut parameters: impl Iterator<Item = &'a Parameter>,
    ) -> usize {
        let ConfigError::Key { key, .. } = self else { return 0 };
        parameters.position(|parameter| parameter.name == *key).unwrap_or(0)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Key { key, value, expected } => {
                write!(f, "strategy key `{key}` is {value}, expected {expected}")
            }
            ConfigError::Instruments(error) => write!(f, "strategy key `instruments`: {error}"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl From<SetError> for ConfigError {
    fn from(error: SetError) -> ConfigError {
        ConfigError::Instruments(error)
    }
}
