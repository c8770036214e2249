//! Why a command ends without success, and the exit code a script sees.

use std::fmt;

/// A failed command: its message and its exit code.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The run found something wrong: a twin that differs, a broken book, an output that lost rows.
    pub fn wrong(message: impl fmt::Display) -> Failure {
        Failure { code: 1, message: message.to_string() }
    }

    /// Nothing is wrong, and something could be better: `nofx doctor` has warnings.
    pub fn warned(message: impl fmt::Display) -> Failure {
        Failure { code: 5, message: message.to_string() }
    }

    /// Usage or configuration.
    pub fn usage(message: impl fmt::Display) -> Failure {
        Failure { code: 2, message: message.to_string() }
    }

    /// An input cannot be read.
    pub fn input(message: impl fmt::Display) -> Failure {
        Failure { code: 3, message: message.to_string() }
    }

    /// An output cannot be written.
    pub fn output(message: impl fmt::Display) -> Failure {
        Failure { code: 4, message: message.to_string() }
    }

    /// Interrupted by Ctrl-C or SIGTERM; the partial report was printed.
    pub fn interrupted() -> Failure {
        Failure { code: 130, message: "interrupted: the report covers what was read".into() }
    }

    /// Stopped as asked before there was anything to end: no failure for a script.
    pub fn stopped(message: impl fmt::Display) -> Failure {
        Failure { code: 0, message: message.to_string() }
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<crate::outputs::OutputError> for Failure {
    fn from(error: crate::outputs::OutputError) -> Failure {
        Failure::output(error)
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Failure {
        Failure::usage(error)
    }
}

impl From<crate::input::InputError> for Failure {
    fn from(error: crate::input::InputError) -> Failure {
        match error {
            crate::input::InputError::Usage(message) => Failure::usage(message),
            error => Failure::input(error),
        }
    }
}

impl From<crate::report::ReportError> for Failure {
    fn from(error: crate::report::ReportError) -> Failure {
        match error {
            crate::report::ReportError::Output { .. } => Failure::output(error),
            error => Failure::input(error),
        }
    }
}
