//! [`Covered`]: what a kill covers, as people write it.

use std::fmt;
use std::str::FromStr;

use nofx_mailbox::{Scope, Watcher};
use nofx_types::Symbol;

/// `everything`, `account N`, `symbol X` or `instrument N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Covered {
    /// A scope that means the same in every engine.
    Exactly(Scope),
    /// A symbol: each engine has its own number for it.
    Symbol(Symbol),
}

/// Not a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no scope: write `everything`, `account N`, `symbol X` or `instrument N`")]
pub struct NoSuchScope(String);

impl FromStr for Covered {
    type Err = NoSuchScope;

    fn from_str(text: &str) -> Result<Covered, NoSuchScope> {
        let wrong = || NoSuchScope(text.chars().take(80).collect());
        let mut words = text.split_whitespace();
        let covered = match (words.next(), words.next()) {
            (Some("everything"), None) => Some(Covered::Exactly(Scope::Global)),
            (Some("account"), Some(n)) => n.parse().ok().map(Scope::Account).map(Covered::Exactly),
            (Some("instrument"), Some(n)) => {
                n.parse().ok().map(Scope::Symbol).map(Covered::Exactly)
            }
            (Some("symbol"), Some(name)) => Symbol::new(name).map(Covered::Symbol),
            _ => None,
        };
        covered.filter(|_| words.next().is_none()).ok_or_else(wrong)
    }
}

impl fmt::Display for Covered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Covered::Exactly(scope) => scope.fmt(f),
            Covered::Symbol(symbol) => write!(f, "symbol {}", trimmed(&symbol.0)),
        }
    }
}

impl Covered {
    /// Its scope in the engine of this mailbox; `None`: the engine shows no such symbol.
    pub fn within(&self, watcher: &Watcher) -> Option<Scope> {
        match self {
            Covered::Exactly(scope) => Some(*scope),
            Covered::Symbol(symbol) => {
                let mut books = watcher.books().flatten();
                let book = books.find(|book| book.value.symbol == symbol.0)?;
                Some(Scope::Symbol(book.value.instrument))
            }
        }
    }
}

/// A scope of one engine as people write it.
pub fn name(scope: Scope, watcher: &Watcher) -> String {
    let Scope::Symbol(instrument) = scope else { return scope.to_string() };
    let mut books = watcher.books().flatten();
    let book = books.find(|book| book.value.instrument == instrument);
    book.map_or_else(|| scope.to_string(), |b| format!("symbol {}", trimmed(&b.value.symbol)))
}

fn trimmed(symbol: &[u8; 8]) -> String {
    String::from_utf8_lossy(symbol).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_written_as_they_are_read() {
        for text in ["everything", "account 3", "instrument 17", "symbol AAPL"] {
            assert_eq!(text.parse::<Covered>().unwrap().to_string(), text);
        }
        let long = "symbol ".to_owned() + &"A".repeat(200);
        let wrong = [
            "",
            "all",
            "account",
            "account -1",
            "account 65536",
            "symbol",
            "everything now",
            &long,
        ];
        for text in wrong {
            assert!(text.parse::<Covered>().is_err(), "{text}");
        }
    }
}
