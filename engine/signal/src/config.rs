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
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// The instruments make no set.
    Instruments(SetError),
}

impl ConfigError {
    /// Refuses `key` unless `good`.
    pub(crate) fn unless(
        good: bool,
        key: &'static str,
        value: impl fmt::Debug,
        expected: &'static str,
    ) -> Result<(), ConfigError> {
        match good {
            true => Ok(()),
            false => Err(ConfigError::Key { key, value: format!("{value:?}"), expected }),
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
