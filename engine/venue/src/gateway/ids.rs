//! Client order ids: text on the wire, numbers between gateway and board; and other fields of text.

use std::collections::HashMap;
use std::fmt;

use nofx_types::Symbol;
use nofx_wire::text::{padded, trimmed};

use super::Why;

/// A short text of a client: an order id, an account, a broker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label([u8; 24]);

impl Label {
    /// No text.
    pub const NONE: Label = Label([0; 24]);

    /// From a field with its padding; `None` when the text exceeds 24 bytes.
    pub fn of(field: &[u8]) -> Option<Label> {
        padded(trimmed(field), 0).map(Label)
    }

    /// The text without padding.
    pub fn bytes(&self) -> &[u8] {
        trimmed(&self.0)
    }

    /// The text; empty when it is not ASCII.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap_or("")
    }

    /// The text in a field of `N` bytes padded with `pad`, cut where it is longer.
    pub fn field<const N: usize>(&self, pad: u8) -> [u8; N] {
        let text = self.bytes();
        let text = text.get(..text.len().min(N)).unwrap_or(text);
        padded(text, pad).unwrap_or([pad; N])
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.bytes().escape_ascii())
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bytes().escape_ascii())
    }
}

/// Numbers of client order ids, from 1 in the order in which they were first seen.
#[derive(Default)]
pub(super) struct Ids {
    by_text: HashMap<Label, u64>,
    texts: Vec<Label>,
}

impl Ids {
    /// A number for a new id. A blank one is no id, and none is taken twice.
    pub fn take(&mut self, text: Label) -> Result<u64, Why> {
        if text.is_empty() {
            return Err(Why::Other);
        }
        if self.by_text.contains_key(&text) {
            return Err(Why::Duplicate);
        }
        self.texts.push(text);
        let id = self.texts.len() as u64;
        self.by_text.insert(text, id);
        Ok(id)
    }

    /// The number of an id that was seen before.
    pub fn find(&self, text: Label) -> Option<u64> {
        self.by_text.get(&text).copied()
    }

    /// The id with this number.
    pub fn text(&self, id: u64) -> Label {
        let index = id.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.texts.get(index)).copied().unwrap_or(Label::NONE)
    }
}

/// The security that a padded field names.
pub(super) fn symbol(field: &[u8]) -> Option<Symbol> {
    let code = std::str::from_utf8(trimmed(field)).ok()?;
    Symbol::new(code).filter(|_| !code.is_empty())
}

/// Sixteen digits, as the mainland writes ids.
pub(super) fn digits(value: u64) -> [u8; 16] {
    padded(format!("{value:016}").as_bytes(), b' ').unwrap_or([b'9'; 16])
}
